"""The worker pool: its states, the loop that claims and settles, its upkeep, and its runs."""
