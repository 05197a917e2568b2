"""`python -m convoy_tui.cli` is `convoy`."""

from convoy_tui.cli.main import run

run()
