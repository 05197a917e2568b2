"""What the command line and the dashboard share: words for numbers and times, safe text, health and history. Pure."""
