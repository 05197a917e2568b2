"""The Textual app: it owns the poller and the worker pools of this process, and passes boards to the screens."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.signal import Signal

from convoy_core import Handler, InvalidOption, WorkerPool
from convoy_tui.dashboard.board.board import Board, LinkState, Place, Watch
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.local_pools import LocalPools, Order
from convoy_tui.dashboard.pages import PAGES
from convoy_tui.dashboard.palette import ConvoyCommands, Palette
from convoy_tui.dashboard.plain_filter import PlainFilter
from convoy_tui.dashboard.poller import Poller
from convoy_tui.dashboard.remembered import Memory
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.screens.find import FindDialog
from convoy_tui.dashboard.screens.help import HelpScreen, keys_of
from convoy_tui.dashboard.screens.leave import LeaveDialog
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.source import Reading, Source
from convoy_tui.dashboard.terminal_app import TerminalApp
from convoy_tui.dashboard.themes import FALLBACKS, THEMES, following, known
from convoy_tui.dashboard.widgets.tones import TonedApp
from convoy_tui.text.history import History

_STOP_S = 5.0


class ConvoyApp(TonedApp, TerminalApp):
    """The live dashboard."""

    TITLE = "convoy"
    CSS_PATH = "convoy.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar = {ConvoyCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh", "Refresh", id="app.refresh", tooltip="look at the store now"),
        Binding("p", "freeze", "Freeze", id="app.freeze", tooltip="send nothing to the store, or go on"),
        Binding(
            "plus,equals_sign", "pace(-1)", "Faster", key_display="+", id="app.faster", show=False, tooltip="more often"
        ),
        Binding("minus", "pace(1)", "Slower", key_display="-", id="app.slower", show=False, tooltip="look less often"),
        Binding("t", "next_theme", "Theme", id="app.theme", tooltip="dark, light, high contrast"),
        Binding("q", "quit", "Quit", id="app.quit"),
        Binding(
            "colon,ctrl+p",
            "command_palette",
            "Commands",
            key_display=":",
            id="app.commands",
            tooltip="every command and queue by name",
        ),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="these keys"),
        Binding("f", "find", "Find ID", id="app.find", show=False, tooltip="find an ID in every queue"),
        Binding("1", "overview", "Overview", id="page.overview", show=False, tooltip="back to all queues"),
        *(
            Binding(
                page.key, f"page('{page.name}')", page.label, id=f"page.{page.name}", show=False, tooltip=page.tooltip
            )
            for page in PAGES
            if page.key
        ),
    ]

    def __init__(  # noqa: PLR0913 - what tests replace, by keyword alone
        self,
        source: Source,
        place: Place,
        *,
        interval_s: float = 1.0,
        is_ascii: bool = False,
        history: History | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        advise: Callable[[], str] = str,
        memory: Memory | None = None,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._watch = Watch(place.limits, history)
        self._poller = Poller(source.look, self._on_look, interval_s=interval_s, clock=clock, jitter=jitter)
        self._source = source
        self._advise = advise
        self.is_watched: Callable[[], bool] = lambda: True
        """Whether the terminal is still open."""
        self.services = Services(
            source=source,
            local_pools=LocalPools(self._make_pool),
            glyphs=Glyphs(is_ascii),
            board=Board(place, now=clock(), interval_s=interval_s),
            changed=Signal(self, "board"),
            hurry=self._poller.hurry,
            open=self.open_page,
            memory=memory or Memory(),
            find=self.action_find,
        )
        self.overview = OverviewScreen(self.services, clock)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = known(self.services.memory.choices.theme)
        self.set_class(is_ascii, "-ascii")
        self.filters = [PlainFilter()] if is_ascii else []
        self._is_warned = False

    def get_css_variables(self) -> dict[str, str]:
        """The colours of the theme, with replacements for Convoy's own ones in other themes."""
        variables = super().get_css_variables()
        return {name: variables[stand_in] for name, stand_in in FALLBACKS.items()} | variables

    def on_mount(self) -> None:
        """Show the screen at once. The numbers follow."""
        self.push_screen(self.overview)
        self.set_interval(1.0, self._tick)
        self.run_worker(self._give_advice(), name="advice", exit_on_error=False)
        self.run_worker(self._poller.run(), name="poll", group="poll", exclusive=True, exit_on_error=False)

    async def on_unmount(self) -> None:
        """Stop the poller and the pools, and close the connections."""
        self.services.local_pools.dismiss(0)
        await asyncio.to_thread(self.services.local_pools.wait, _STOP_S)
        await self._source.close()
        await self.services.end()

    async def _give_advice(self) -> None:
        """Show the warnings about the connection. Finding them may take a moment."""
        if advice := await asyncio.to_thread(self._advise):
            self.page.tell(Done(advice, Tone.WARNING))

    # -- pages

    @property
    def page(self) -> Page:
        """The page that is shown, or that a dialog covers."""
        return next((each for each in reversed(self.screen_stack) if isinstance(each, Page)), self.overview)

    def open_page(self, name: str, where: Where) -> None:
        """Open a page on top of the one that is shown, unless it is that one."""
        page = self.page
        if (page.page_name, page.where) != (name, where):
            self.push_screen(next(each for each in PAGES if each.name == name).make(self.services, where))

    def action_page(self, name: str) -> None:
        """Open a page about what the present one is about, in the place of all that are above the overview."""
        where = self.page.here
        if self.page.page_name != name:
            self.action_overview()
            self.open_page(name, where)

    def action_find(self, id: str = "") -> None:
        """Find an ID in every queue."""
        self.push_screen(FindDialog(self.services, id), self._open_found)

    def _open_found(self, where: Where | None) -> None:
        if where is not None:
            self.open_page("job", where)

    def action_overview(self) -> None:
        """Go back to the overview."""
        while self.page is not self.overview:
            self.pop_screen()

    # -- the board

    def _on_look(self, reading: Reading | None, back: str) -> None:
        if reading is None:
            self._watch.lose()
        else:
            self._source.explain(self._watch.take(reading.snapshots, reading.past, reading.broken))
            back = "taking writes again" if self.services.board.no_writes and not reading.no_writes else back
        self._publish_board(reading.no_writes if reading else "")
        if back:
            self.page.tell(Done(f"The store is {back}."))

    def _publish_board(self, no_writes: str | None = None) -> None:
        self.services.board = replace(
            self.services.board,
            no_writes=self.services.board.no_writes if no_writes is None else no_writes,
            link=self._poller.link,
            rows=self._watch.rows,
            now=self._clock(),
            interval_s=self._poller.pace_s,
            is_frozen=self._poller.is_frozen,
        )
        self.services.changed.publish(self.services.board)

    def _tick(self) -> None:
        """Update ages and countdowns between readings. Quit if the terminal has been closed."""
        if not self.is_watched():
            self.end_once()
            return
        link = self._poller.link
        late = link.heard_at is not None and self._clock() - link.heard_at > 1.5
        if link.state is LinkState.LOST or late:
            self._publish_board()

    def _make_pool(self, order: Order, handler: Handler) -> WorkerPool:
        """Whoever may act on a store from a browser may not therefore run code on this machine."""
        if self.is_web:
            raise InvalidOption("Workers cannot be started from a browser.")
        return self._source.pool(order.queue, handler, concurrency=order.concurrency, job_timeout=order.job_timeout)

    def on_app_blur(self) -> None:
        """Poll less often while the terminal is not in front."""
        self._poller.is_unseen = True

    def on_app_focus(self) -> None:
        """Poll at once when the terminal is in front again."""
        if self._poller.is_unseen:
            self._poller.is_unseen = False
            if not self._poller.is_frozen:
                self._poller.hurry()

    # -- keys

    async def action_refresh(self) -> None:
        """Poll now: retry an unreachable store at once, and look for new queues."""
        if self.services.board.link.state is LinkState.LIVE:
            self.run_worker(self._source.discover(), group="discover", exclusive=True, exit_on_error=False)
        self.page.read_again()
        self._poller.hurry()

    def action_freeze(self) -> None:
        """Send nothing to the store until the key is pressed again."""
        self._poller.freeze(is_frozen=not self._poller.is_frozen)
        self._publish_board()

    def action_pace(self, by: int) -> None:
        """Poll more or less often."""
        seconds = self._poller.step(by)
        self.services.memory.note(interval_s=f"{seconds:g}")
        self.page.tell(Done(f"Looking every {seconds:g} s.", Tone.DIM))

    def action_next_theme(self) -> None:
        """Switch to the next of Convoy's own themes."""
        self.theme = following(self.theme)
        self.services.memory.note(theme=self.theme)
        self.page.tell(Done(f"Theme {self.theme}.", Tone.DIM))

    def action_help(self) -> None:
        """Show the keys that work here."""
        self.push_screen(HelpScreen(keys_of(self.screen.active_bindings)))

    def action_command_palette(self) -> None:
        """Show the commands by name."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    async def action_quit(self) -> None:
        """Quit. Ask first while workers of this process are busy, and once."""
        if not self.services.local_pools.running:
            self.exit()
        elif not any(isinstance(each, LeaveDialog) for each in self.screen_stack):
            self.push_screen(LeaveDialog(self.services), self._quit_if)

    def begin_end(self) -> None:
        """End as after the key and its `y`: running jobs of this process may finish."""
        if not self.services.local_pools.running:
            self.exit()
        elif isinstance(self.screen, LeaveDialog):
            self.screen.action_confirm()
        else:
            self.push_screen(LeaveDialog(self.services, is_decided=True), self._quit_if)

    def end_now(self) -> None:
        """Give back what runs here, and end."""
        self.services.local_pools.dismiss(0)
        self.exit()

    def action_suspend(self) -> None:
        """Suspend. While jobs run here that takes the key twice: their workers would stand still."""
        self._is_warned = bool(self.services.local_pools.running) and not self._is_warned
        if self._is_warned:
            self.warn("Jobs run here; if this process stands still, others take over their IDs. Ctrl+Z again suspends.")
        else:
            super().action_suspend()

    def warn(self, text: str) -> None:
        """Say something where it can be read: in a dialog, or else on the page."""
        if isinstance(self.screen, Dialog):
            self.screen.note(text)
        else:
            self.page.tell(Done(text, Tone.WARNING))

    def _quit_if(self, done: Done | None) -> None:
        if done is not None:
            self.exit()
