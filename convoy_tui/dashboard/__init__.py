"""The dashboard: the app, its poller, its screens and its widgets."""
