"""What both faces share: words for numbers and times, safe text, health and history. Pure."""
