"""The `convoy` command line and the `convoy-tui` dashboard."""
