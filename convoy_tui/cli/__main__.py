"""`convoy`, also as `python -m convoy_tui.cli`."""

from convoy_tui.entry_points import convoy as run

if __name__ == "__main__":
    run()
