"""`convoy-tui`, and `python -m convoy_tui`, which is the same."""

from convoy_tui.entry_points import dashboard as run

if __name__ == "__main__":
    run()
