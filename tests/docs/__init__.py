"""The documentation: its site, and that all it shows can be done."""
