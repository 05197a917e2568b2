"""The dashboard's pure half: from snapshots to what a screen shows."""
