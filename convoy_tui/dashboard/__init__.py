"""The dashboard: an app, the poller that feeds it, and the screens."""
