"""`convoy`, and `python -m convoy_tui.cli`, which is the same."""

from convoy_tui.entry_points import convoy as run

if __name__ == "__main__":
    run()
