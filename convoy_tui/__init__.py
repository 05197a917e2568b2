"""Terminal faces of Convoy: the `convoy` command line and the `convoy-tui` dashboard."""
