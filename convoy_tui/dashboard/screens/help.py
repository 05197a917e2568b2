"""The help screen, made from the keys that work on the screen below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from convoy_tui.dashboard.board.spans import Line, Tone, line
from convoy_tui.dashboard.screens.popup import Popup
from convoy_tui.dashboard.widgets.lines import Lines

_NAMES = {"space": "Space", "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End"}
_GROUPS = ("Change", "Look", "Move")


class HelpScreen(Popup[None]):
    """The keys, by group."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", key_display="Esc", id="help.close")
    ]

    def __init__(self, keys: Iterable[tuple[str, str, str]]) -> None:
        super().__init__()
        self._keys = list(keys)

    def compose(self) -> ComposeResult:
        """One list per group."""
        with VerticalScroll(id="frame", can_focus=True) as frame:
            frame.border_title = Content("Keys")
            frame.border_subtitle = Content("Esc closes")
            yield Lines(*self._lines(), id="help")

    def _lines(self) -> Iterable[Line]:
        for group in _GROUPS:
            rows = [(key, text) for key, text, place in self._keys if place == group]
            if rows:
                yield line((group, Tone.HEADING))
                yield from (line((f"  {key:<10}", Tone.KEY), text) for key, text in rows)
                yield ()
        yield line(("Capitals change something, and ask first. Lower case only looks.", Tone.DIM))
        yield line(("A verb acts on the selected queues, else on the one under the cursor.", Tone.DIM))


def keys_of(active: Mapping[str, ActiveBinding]) -> Iterable[tuple[str, str, str]]:
    """Key, text and group of every active binding, each action once."""
    seen = set()
    for binding in (entry.binding for entry in active.values()):
        if not binding.id or binding.id in seen or binding.system or not binding.description:
            continue
        seen.add(binding.id)
        shown = binding.key_display or _NAMES.get(binding.key, binding.key)
        what = f"{binding.description}: {binding.tooltip}" if binding.tooltip else binding.description
        yield shown, what, _group(binding)


def _group(binding: Binding) -> str:
    if binding.group is not None and binding.group.description in _GROUPS:
        return binding.group.description
    return "Change" if binding.key.isalpha() and binding.key.isupper() and len(binding.key) == 1 else "Look"
