"""The pure part of the dashboard: from snapshots to the text on the screens."""
