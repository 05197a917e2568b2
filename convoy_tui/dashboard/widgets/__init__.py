"""Widgets: each draws what it is given and says what happened to it. None knows the store or another widget."""
