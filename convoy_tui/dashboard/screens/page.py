"""The base of every full screen: title, summary, body, the last result, and the keys.

A page shows the newest board, and what it has read itself through the source. Rules: it reads in `load` alone, at the
poller's pace; below another screen it begins no read and draws nothing, though a scan goes on; an error of the store is
one sentence in place of the summary, and what was read stays, dimmed; it draws only the board and its own last read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.worker import WorkType

from convoy_core import ConvoyError
from convoy_tui.dashboard.board.board import Board, LinkState
from convoy_tui.dashboard.board.headline import ago_text, title, verdict
from convoy_tui.dashboard.board.spans import Line, Tone, line, wrap
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.store_start import started
from convoy_tui.dashboard.widgets.footer import Entry, KeyLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe

log = logging.getLogger(__name__)


class Page(Screen[None]):
    """A full screen about a store, a queue or an ID."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-short"), (30, "-tall")]  # noqa: RUF012 - Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "start_store", "Start the store", id="page.start_store", show=False, tooltip="an embedded one"),
        Binding("escape", "back", "Back", key_display="Esc", id="page.back"),
    ]
    page_name: ClassVar[str] = ""
    """Its name in `pages.py`."""
    first_keys: ClassVar[tuple[str, ...]] = ()
    """The bindings that the key line offers first, by their id, the most useful first."""
    kept_keys: ClassVar[frozenset[str]] = frozenset()
    """Those that the key line shows also where there is little room."""
    writing: ClassVar[frozenset[str]] = frozenset()
    """The actions that change something: they are off while nothing can be written."""

    def __init__(self, services: Services, where: Where | None = None) -> None:
        super().__init__()
        self.services = services
        self.where = where or Where()
        self.trouble = ""
        """Why the last read failed."""
        self._is_loading = False
        self._sizes: list[Size] = []
        self._heard_at: float | None = None
        self._last_ability: Hashable = None

    # -- what a page is

    @property
    def crumbs(self) -> Sequence[str]:
        """The way to this page, as the title shows it."""
        return ()

    @property
    def here(self) -> Where:
        """What a page that is opened from this one is about."""
        return self.where

    @property
    def in_view(self) -> Iterable[Where]:
        """The IDs that this page shows, for the palette."""
        return ()

    def body(self) -> ComposeResult:
        """The widgets between the summary and the last result."""
        raise NotImplementedError

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """The line under the title: what matters most here, in a sentence."""
        raise NotImplementedError

    def draw(self, board: Board) -> None:
        """Show everything in the body."""
        raise NotImplementedError

    async def load(self) -> None:
        """Read what this page shows beside the board, through the source, and keep it. It may raise ConvoyError."""

    def fit(self) -> None:
        """Do what depends on the room that there is, beside drawing: it has changed. The store may be away."""

    def ability(self, board: Board) -> Hashable:
        """What the keys depend on: when it changes, they are asked again whether they can act."""
        return board.is_writable

    def key_note(self) -> str:
        """What stands before the keys: how much is selected, for example."""
        return ""

    def is_offered(self, id: str) -> bool:
        """Whether the key line has room for that binding here and now; it works all the same."""
        return True

    # -- for the page

    def reload(self) -> None:
        """Read now, instead of what is being read: for another list, filter or place."""
        self._is_loading = True
        self.start(self._load, "load")

    def start(self, task: Callable[[], Coroutine[None, None, None]], group: str) -> None:
        """Run a task beside the event loop's other work, in the place of the one of its group."""
        work: WorkType[None] = task  # called only when it begins: it may be cancelled
        self.run_worker(work, name=group, group=group, exclusive=True, exit_on_error=False)

    @property
    def is_loading(self) -> bool:
        """Whether something is being read."""
        return self._is_loading

    def stop_loading(self) -> None:
        """Stop what is being read. The next tick reads again."""
        self.workers.cancel_group(self, "load")
        self._is_loading = False
        self.redraw()

    def write_to_terminal(self, sequence: str) -> None:
        """Send a control sequence of our own to the terminal."""
        if self.app._driver is not None:
            self.app._driver.write(sequence)

    def read_again(self) -> None:
        """Forget what need not be read with each tick: the user has asked for everything anew."""

    def redraw(self) -> None:
        """Show everything again, with the newest board. A hidden page does so when it is seen again."""
        if self._is_seen:
            self._show(self.services.board)

    @property
    def board(self) -> Board:
        """What the page shows."""
        return self.shown(self.services.board)

    def shown(self, board: Board) -> Board:
        """What is to be shown when this board is the newest: that, unless the page shows another time."""
        return board

    def say(self, selector: str, lines: Sequence[Line]) -> None:
        """Show lines in one of the parts of the page."""
        self.query_one(selector, Lines).show(lines)

    def tell(self, done: Done | None) -> None:
        """Show the result of an action until the next result."""
        if done is not None and done.text:
            signs = {Tone.FINE: ("✓", "*"), Tone.ALARM: ("✖", "x")}
            sign = self.services.glyphs.pick(*signs.get(done.tone, ("·", "-")))
            self.say("#result", [line(" ", (f"{sign} {safe(done.text, max(20, self.size.width - 4))}", done.tone))])

    # -- what happens

    def compose(self) -> ComposeResult:
        """From the top: the title, the summary, the body, the last result, the keys."""
        yield Lines(id="title")
        yield Lines(id="verdict")
        with Vertical(id="body"):
            yield from self.body()
        yield Lines(id="result")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        """Show every new board."""
        self.services.changed.subscribe(self, self._on_board)
        self.bindings_updated_signal.subscribe(self, lambda _: self.show_keys())
        self.screen_layout_refresh_signal.subscribe(self, lambda _: self._refit())
        self._on_board(self.services.board)

    def on_screen_resume(self) -> None:
        """Catch up with what was missed."""
        self._on_board(self.services.board)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing that does something at other times."""
        active = self.active_bindings.get(event.key)
        if active is not None and not active.enabled:
            self.tell(self.refusal(self.board))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable what changes something while that is not possible."""
        return None if action in self.writing and not self.board.is_writable else True

    async def action_start_store(self) -> None:
        """Start an embedded store that is away."""
        said = "A browser starts no store." if self.app.is_web else await started(self.services)
        self.tell(Done(said, Tone.WARNING))

    def action_back(self) -> None:
        """Go back to the page below."""
        self.app.pop_screen()

    def _on_board(self, board: Board) -> None:
        if not self._is_seen:
            return
        self._show(board)
        heard_at = board.link.heard_at
        if board.link.state is LinkState.LIVE and heard_at != self._heard_at and not self._is_loading:
            self._heard_at = heard_at
            self.reload()

    def _refit(self) -> None:
        """Fit everything into the room that it has now. A resize alone comes too early: style and layout follow it."""
        sizes = [each.size for each in self.query(Lines)]
        if sizes != self._sizes:
            self._sizes = sizes
            self.redraw()
            self.fit()

    @property
    def _is_seen(self) -> bool:
        """Whether no full screen hides this one."""
        stack = self.app.screen_stack
        return self in stack and all(screen.is_modal for screen in stack[stack.index(self) + 1 :])

    async def _load(self) -> None:
        try:
            await self.load()
        except ConvoyError as error:
            self.trouble = str(error)
        except Exception as error:
            log.exception("the page %r could not read", self.page_name)
            self.trouble = f"Unexpected {type(error).__name__}: {error}"
        else:
            self.trouble = ""
        self._is_loading = False
        if self.is_mounted:
            self.redraw()

    def _show(self, board: Board) -> None:
        board = self.shown(board)
        with self.app.batch_update():
            width = self.size.width
            self.say("#title", [title(board, width, self.services.glyphs, self.crumbs)])
            self.say("#verdict", self._troubles(board, width) or self.summary(board, width))
            self.draw(board)
        if self.focused is None and self.is_current and self.app.app_focus:
            self.focus_next(self.AUTO_FOCUS or "*")  # what had the focus was hidden for a while
        self.show_ability(board)

    def _troubles(self, board: Board, width: int) -> Sequence[Line]:
        if board.is_lost:
            return verdict(board, width, 2, self.services.glyphs)
        if not self.trouble:
            return ()
        sign = self.services.glyphs.pick("✖", "x")
        return [line((f" {part}", Tone.ALARM)) for part in wrap(f"{sign} {safe(self.trouble, 400)}", width - 2)[:2]]

    def show_ability(self, board: Board) -> None:
        """Show which keys work here now."""
        ability = self.ability(board)
        if ability != self._last_ability:
            self._last_ability = ability
            self.refresh_bindings()
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys that work here."""
        entries = {
            active.binding.id: Entry(
                active.binding.key,
                active.binding.key_display or self.app.get_key_display(active.binding),
                active.binding.description,
                active.enabled,
                active.binding.id in self.kept_keys,
            )
            for active in self.active_bindings.values()
            if active.binding.show and active.binding.id and self.is_offered(active.binding.id)
        }
        always = [entries.pop(id) for id in ("app.commands", "app.help") if id in entries]
        first = [entries.pop(id) for id in self.first_keys if id in entries]
        self.query_one("#keys", KeyLine).offer([*first, *entries.values()], always, self.key_note())

    def refusal(self, board: Board) -> Done:
        """Why a key does nothing here now."""
        if board.past is not None:
            return Done(f"Nothing can be changed {ago_text(board.past)}; 0 returns to now.", Tone.WARNING)
        if board.place.read_only:
            because = f" ({board.place.read_only_because})" if board.place.read_only_because else ""
            return Done(f"This dashboard is read-only{because}.", Tone.DIM)
        if board.no_writes:
            return Done(board.no_writes, Tone.WARNING)
        if board.is_writable:
            return Done("That does nothing here.", Tone.DIM)
        return Done("Nothing can be changed until the store answers.", Tone.WARNING)
