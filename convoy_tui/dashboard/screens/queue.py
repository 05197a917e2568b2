"""The Queue screen: the list of the IDs of a queue with a selection, and what can be done with the selected IDs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Hashable, Sequence, Set
from typing import ClassVar

from textual.binding import Binding, BindingType

from convoy_core import BATCH, ConvoyError
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.entries import Item
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.clipboard import copy_ids
from convoy_tui.dashboard.id_moves import Chosen
from convoy_tui.dashboard.reading.listing import PICKED
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.screens.move_ids import MoveIDsDialog
from convoy_tui.dashboard.screens.queue_list import QueueListPage
from convoy_tui.dashboard.screens.queue_verbs import DIALOGS, ID_KEYS, MOVES
from convoy_tui.dashboard.screens.save import SaveDialog
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.entry_table import EntryTable
from convoy_tui.text.words import count, number

_TOLD_EACH = 20_000


class QueueScreen(QueueListPage):
    """The IDs of one queue, and what can be done with them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ID_KEYS,
        Binding("J", "open('jam_guard')", "Jam guard", id="jam", tooltip="free jobs that run too long"),
        Binding("N", "open('publish')", "Publish", id="publish", tooltip="put IDs into this queue"),
        Binding("P", "open('pause')", "Pause", id="pause", tooltip="stop workers from claiming, or let them again"),
        Binding("W", "open('launch')", "Launch", id="launch", tooltip="start workers of this queue, in this process"),
        Binding("c", "copy", "Copy", id="queue.copy", tooltip="send the IDs to the terminal's clipboard"),
        Binding("e", "save", "Save", id="queue.save", tooltip="save the list to a file"),
    ]
    first_keys = (
        *("table.open", "requeue", "rerun", "repair", "discard", "cancel", "filter", "page.back", "queue.previous"),
        *("queue.sort", "queue.copy", "queue.save"),
    )
    writing = frozenset({"move", "open"})

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        self._all: Set[str] | None = None
        """What was selected by `*`; the table keeps the same object until the selection changes."""

    def ability(self, board: Board) -> Hashable:
        """What the keys depend on: whether writes are possible, the tab, and whether there is an ID."""
        return board.is_writable, self.listing.tab, self.table.cursor is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the moves of this tab alone."""
        if action == "move" and self.listing.tab not in MOVES[str(parameters[0])]:
            return False
        return super().check_action(action, parameters)

    def begin_anew(self) -> None:
        """Read another list. What is selected stays, but is not all of it any more; nor is what is being selected."""
        if self.workers.cancel_group(self, "pick"):
            self.tell(Done("Not selected: the list is another one now.", Tone.DIM))
        self._all = None
        super().begin_anew()

    @property
    def _is_all(self) -> bool:
        """Whether exactly those are selected that matched when `*` was pressed."""
        return self._all is not None and self.table.selected is self._all

    # -- the selection

    def key_note(self) -> str:
        """How many IDs are selected."""
        n = len(self.table.selected)
        return f"{number(n)} selected" if n else ""

    def on_table_moved(self) -> None:
        """The cursor or the selection changed."""
        self.redraw()

    def on_table_opened(self, event: EntryTable.Opened) -> None:
        """Show all about an ID."""
        self.services.open("job", Where(self.queue, event.key))

    def on_entry_table_all_asked(self) -> None:
        """Select all IDs that match, in the store."""
        self.start(self._pick_all, "pick")

    async def _pick_all(self) -> None:
        def progress(n: int) -> None:
            if n % _TOLD_EACH < BATCH:
                self.tell(Done(f"Selecting: {number(n)} so far.", Tone.DIM))

        try:
            ids = await self.listing.matching(self.services.source.fleet, progress)
        except ConvoyError as error:
            self.tell(Done(f"Not selected. {error}", Tone.ALARM))
            return
        if len(ids) > PICKED:
            self.tell(Done(f"More than {number(PICKED)} match: narrow the filter.", Tone.WARNING))
            return
        self._all = ids.keys()
        self.table.select(self._all)
        what = "that match" if not self.listing.filter.is_empty else f"that are {self.listing.tab}"
        self.tell(Done(f"Selected {count(len(ids), 'ID')}: all {what}.", Tone.ACCENT))

    @property
    def targets(self) -> Collection[str]:
        """The IDs that a verb acts on: the selection, else the one under the cursor."""
        if self.table.selected:
            return self.table.selected
        return [self.table.cursor] if self.table.cursor is not None else []

    # -- the verbs

    def action_move(self, verb: str) -> None:
        """Open the dialog of a move of the chosen IDs."""
        listing, ids = self.listing, self.targets
        if not ids:
            self.tell(
                Done(f"Nothing is {listing.tab} here." if listing.tab.state else "There are no orphans.", Tone.DIM)
            )
            return
        is_whole = self._is_all and listing.filter.is_empty
        chosen = Chosen(
            self.queue, ids, listing.filter if self._is_all else None, listing.tab.state if is_whole else None
        )
        self._open(MoveIDsDialog(self.services, MOVES[verb][listing.tab], chosen))

    def action_open(self, verb: str) -> None:
        """Open a dialog about the queue as a whole."""
        row = self.services.board.row(self.queue)
        if row is None:
            self.tell(Done("This queue is empty, or gone.", Tone.DIM))
        else:
            self._open(DIALOGS[verb](self.services, row))

    def _open(self, dialog: Dialog) -> None:
        self.app.push_screen(dialog, self._close)

    def _close(self, done: Done | None) -> None:
        self.tell(done)
        if done is not None and done.tone is Tone.FINE:
            self.table.select(frozenset())
            self.listing.is_scanned = False
            self.reload()

    # -- copies

    def action_copy(self) -> None:
        """Send the chosen IDs to the terminal's clipboard."""
        if ids := self.targets:
            self.tell(copy_ids(ids, self.write_to_terminal))

    def action_save(self) -> None:
        """Save the selection, or else the whole list."""
        listing, selected = self.listing, self.table.selected
        total = len(selected) or (listing.found if listing.needs_scan else listing.total)
        which = "selected" if selected else "that match" if not listing.filter.is_empty else listing.tab.value
        if not total:
            self.tell(Done("There is nothing to save.", Tone.DIM))
            return
        what = (
            f"{count(total, 'ID')}, {which}"
            if which == "selected"
            else f"{count(total, 'ID')} {which}, as they are then"
        )
        name = f"{_file_name(self.queue)}-{listing.tab}.txt"
        gone = f"not {listing.tab} any more" if selected else ""
        self._open(SaveDialog(self.services, self.queue, what, name, total, self._items, gone))

    def _items(self) -> AsyncIterator[Sequence[Item]]:
        listing, selected, fleet = self.listing, self.table.selected, self.services.source.fleet
        return listing.named(fleet, selected) if selected else listing.all(fleet)


def _file_name(queue: str) -> str:
    """The queue's name, without what a file's name should not have."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in queue)[:60].strip(".-") or "queue"
