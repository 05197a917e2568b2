"""What the handlers of a local pool have written: the end of it, live."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from convoy_tui.dashboard.board.headline import clock
from convoy_tui.dashboard.board.spans import Line, Tone, line
from convoy_tui.dashboard.output_log import OutputLog, Written
from convoy_tui.dashboard.screens.popup import Popup
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe

_LOOK_S = 0.5


class OutputScreen(Popup[None]):
    """Follows the output of one pool, or of all."""

    AUTO_FOCUS = "#scroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,l,L", "close", "Close", key_display="Esc", id="output.close"),
        Binding("j,down", "scroll(1)", "Down", id="output.down", show=False),
        Binding("k,up", "scroll(-1)", "Up", id="output.up", show=False),
    ]

    def __init__(self, log: OutputLog, pool: str | None) -> None:
        super().__init__()
        self._log = log
        self._pool = pool
        self._seen = -1
        self._drawn: dict[Written, Line] = {}

    def compose(self) -> ComposeResult:
        """The lines, in a frame."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content(f"Output · {self._pool or 'all pools of this process'}")
            frame.border_subtitle = Content("the last 2,000 lines · Esc closes")
            with VerticalScroll(id="scroll"):
                yield Lines(id="output")

    def on_mount(self) -> None:
        """Look for new lines now and then."""
        self.set_interval(_LOOK_S, self._show)
        self.call_after_refresh(self._show)

    def action_close(self) -> None:
        """Close it."""
        self.dismiss()

    def action_scroll(self, by: int) -> None:
        """Scroll by lines. At the end it follows what comes."""
        self.query_one("#scroll", VerticalScroll).scroll_relative(y=by, animate=False)

    def _show(self) -> None:
        if self._log.count == self._seen:
            return
        self._seen = self._log.count
        box = self.query_one("#scroll", VerticalScroll)
        follows = box.is_vertical_scroll_end
        known, self._drawn = self._drawn, {}
        lines = []
        for written in self._log.lines(self._pool):
            drawn = known.get(written) or _drawn(written, is_named=self._pool is None)
            self._drawn[written] = drawn
            lines.append(drawn)
        self.query_one("#output", Lines).show(lines or [line(("Nothing has been written yet.", Tone.DIM))])
        if follows:
            box.scroll_end(animate=False)


def _drawn(written: Written, *, is_named: bool) -> Line:
    name = f"{written.pool}  " if is_named else ""
    return line((f"{clock(written.at)}  {name}", Tone.DIM), safe(written.text))
