"""`convoy-tui`, also as `python -m convoy_tui`."""

from convoy_tui.entry_points import dashboard as run

if __name__ == "__main__":
    run()
