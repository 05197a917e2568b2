"""The dialog to find an ID: asks every queue for it, and opens it where it is."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.worker import WorkType

from convoy_core import ConvoyError, Details
from convoy_tui.dashboard.board.cells import Align, Column, fitted
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Span, Tone, line, wrap
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.job import find_id
from convoy_tui.dashboard.screens.popup import Popup
from convoy_tui.dashboard.services import Services, Where
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count


def _queue(details: Details, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(details.queue, width))


def _state(details: Details, glyphs: Glyphs, width: int) -> Span:
    return Span("missing" if details.is_missing else details.state)


_COLUMNS = (Column("QUEUE", 0, _queue, Align.LEFT, is_name=True), Column("STATE", 10, _state, Align.LEFT))


class FindDialog(Popup[Where | None]):
    """Find an ID in every queue."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]  # noqa: RUF012 - Textual declares it so
    AUTO_FOCUS = "#sought"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", id="find.close")]

    def __init__(self, services: Services, id: str = "") -> None:
        super().__init__()
        self.services = services
        self._sought = id

    def compose(self) -> ComposeResult:
        """The ID, what was found, and the queues that know it if they are several."""
        with Vertical(id="frame") as frame:
            frame.border_title = Content("Find an ID")
            frame.border_subtitle = Content("Enter finds it, Esc closes")
            yield OneLine(self._sought, id="sought", placeholder="the whole ID, exactly")
            yield Lines(id="said")
            yield Table[Details](
                lambda details: details.queue, partial(fitted, _COLUMNS), self.services.glyphs, id="places"
            )

    def on_mount(self) -> None:
        """Look at once for an ID that was given."""
        self.query_one("#places").display = False
        n = len(self.services.board.rows)
        self._say(f"Every queue is asked: {count(n, 'queue')}.", Tone.DIM)
        if self._sought:
            self.on_input_submitted()

    def on_input_submitted(self) -> None:
        """Look for what stands in the box."""
        if sought := self.query_one("#sought", OneLine).value:
            self._say("Looking", Tone.DIM)
            work: WorkType[None] = partial(self._find, sought)
            self.run_worker(work, "find", exclusive=True, exit_on_error=False)

    def on_table_opened(self, event: Table.Opened) -> None:
        """Open the ID in the queue that was chosen."""
        self.dismiss(Where(event.key, self._sought))

    async def _find(self, sought: str) -> None:
        self._sought = sought
        table = self.query_one("#places", Table)
        table.display = False  # they are of another ID
        queues = [row.queue for row in self.services.board.rows]
        try:
            found = await find_id(self.services.source.fleet, sought, queues)
        except ConvoyError as error:
            self._say(str(error), Tone.ALARM)
            return
        if len(found) == 1:
            self.dismiss(Where(found[0].queue, sought))
            return
        self._say(self._told(found, len(queues)), Tone.NORMAL if found else Tone.WARNING)
        table.display = bool(found)
        table.show_window(Window.whole(tuple(found)), is_stale=False)
        if found:
            table.focus()

    def _told(self, found: list[Details], queues: int) -> str:
        if not found:
            return f"{self._sought} is in none of {count(queues, 'queue')}: done, discarded, or never published."
        return f"{self._sought} is in {count(len(found), 'queue')}; Enter opens one."

    def _say(self, text: str, tone: Tone) -> None:
        room = max(20, min(self.app.size.width - 4, 86))
        self.query_one("#said", Lines).show([line((part, tone)) for part in wrap(safe(text), room)])
