"""The worker processes of `convoy work`, their supervisor, and their reports."""
