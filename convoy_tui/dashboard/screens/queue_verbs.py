"""What the keys of the Queue screen do in each tab: which move of IDs, and which dialog about the queue as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.binding import Binding, BindingType

from convoy_core import State
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.entries import Tab
from convoy_tui.dashboard.id_moves import CANCEL, REPAIR, REQUEUE, RERUN, IDMove, discard_from
from convoy_tui.dashboard.screens.confirm import PauseDialog
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.screens.jam_guard import JamGuardDialog
from convoy_tui.dashboard.screens.launch import LaunchDialog
from convoy_tui.dashboard.screens.publish import PublishDialog
from convoy_tui.dashboard.services import Services

ID_KEYS: list[BindingType] = [
    Binding("R", "move('requeue')", "Requeue", id="requeue", tooltip="queue failures again"),
    Binding("R", "move('rerun')", "Run again", id="rerun", tooltip="run once more after this run"),
    Binding("R", "move('repair')", "Queue", id="repair", tooltip="put what is in no place into the queue"),
    Binding("D", "move('discard')", "Discard", id="discard", tooltip="remove IDs for good"),
    Binding("C", "move('cancel')", "Cancel", id="cancel", tooltip="forget what waits, ask what runs to end"),
]
"""The keys of the moves of IDs. Those on one key are never there at the same time."""

MOVES: Mapping[str, Mapping[Tab, IDMove]] = {
    "requeue": {Tab.FAILED: REQUEUE},
    "rerun": {Tab.PROCESSING: RERUN},
    "repair": {Tab.ORPHANS: REPAIR},
    "discard": {tab: discard_from(State(tab.value)) for tab in (Tab.QUEUED, Tab.DELAYED, Tab.FAILED)},
    "cancel": dict.fromkeys((Tab.QUEUED, Tab.PROCESSING, Tab.DELAYED), CANCEL),
}
"""The moves of IDs, by verb and tab. In another tab the verb is not there."""

DIALOGS: Mapping[str, Callable[[Services, Row], Dialog]] = {
    "jam_guard": lambda services, row: JamGuardDialog(services, [row]),
    "publish": lambda services, row: PublishDialog(services, row.queue),
    "pause": lambda services, row: PauseDialog(services, [row]),
    "launch": LaunchDialog,
}
"""The dialogs about the queue as a whole."""
