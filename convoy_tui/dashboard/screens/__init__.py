"""Screens and dialogs. A dialog states the exact effect, does exactly that, and returns a sentence about it."""
