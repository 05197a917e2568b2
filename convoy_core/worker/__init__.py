"""The worker pool: its states, the loop that claims and settles, its maintenance, and its runs."""
