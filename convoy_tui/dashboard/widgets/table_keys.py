"""The keys of a table."""

from __future__ import annotations

from textual.binding import Binding, BindingType

_MOVE = Binding.Group("Move", compact=True)

TABLE_KEYS: list[BindingType] = [
    Binding("j,down", "move(1)", "Down", key_display="↓ j", id="table.down", show=False, group=_MOVE),
    Binding("k,up", "move(-1)", "Up", key_display="↑ k", id="table.up", show=False, group=_MOVE),
    Binding("pagedown", "page(1)", "Page down", id="table.page_down", show=False, group=_MOVE),
    Binding("pageup", "page(-1)", "Page up", id="table.page_up", show=False, group=_MOVE),
    Binding("g,home", "edge(-1)", "First", key_display="g", id="table.first", show=False, group=_MOVE),
    Binding("G,end", "edge(1)", "Last", key_display="G", id="table.last", show=False, group=_MOVE),
    Binding("enter", "open", "Open", key_display="Enter", id="table.open"),
]
SELECT_KEYS: list[BindingType] = [
    Binding("space", "pick", "Select", key_display="Space", id="table.select"),
    Binding("asterisk", "pick_all", "Select all shown", key_display="*", id="table.select_all", show=False),
]
"""Of a table whose verbs act on several rows."""
