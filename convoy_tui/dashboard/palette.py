"""The entries of the command palette: every key as a command, every page, every queue by name, and IDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon
from textual.content import Content

from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.services import Where
from convoy_tui.text.safe_text import safe

_HIDDEN = ("app.commands",)
_MOST_IDS = 100
_LEAST = 0.01
"""The score of a hit that stands below all others."""


class Palette(CommandPalette):
    """The palette, which is closed once: a second Esc that comes meanwhile closes nothing."""

    def __init__(self) -> None:
        super().__init__(id="--command-palette", placeholder="Command, queue or ID")

    def on_mount(self) -> None:
        """Mark the field by the key that opens it. Not every terminal has Textual's picture, or knows its width."""
        self.query_one(SearchIcon).icon = ":"

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close it, if it has not been closed."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()


class ConvoyCommands(Provider):
    """The commands of the screen below the palette."""

    async def discover(self) -> Hits:
        """All entries, before anything is typed."""
        for name, help_text, run in self._all():
            yield DiscoveryHit(Content(name), run, text=name, help=help_text)

    async def search(self, query: str) -> Hits:
        """The entries that match."""
        matcher = self.matcher(query)
        for name, help_text, run in self._all():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, Content(name), run, text=name, help=help_text)
        screen, sought = self.screen, query.strip()
        if isinstance(screen, Page) and sought:
            name = f"Find ID {safe(sought, 60)}"
            yield Hit(_LEAST, Content(name), partial(screen.services.find, sought), text=name, help="Ask every queue")

    def _all(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        yield from self._keys()
        screen = self.screen
        if not isinstance(screen, Page):
            return
        services = screen.services
        for row in services.board.rows:
            if isinstance(screen, OverviewScreen):
                yield (
                    f"Go to {safe(row.queue, 60)}",
                    "Put the cursor on this queue",
                    partial(screen.point_at, row.queue),
                )
            yield (
                f"Open {safe(row.queue, 60)}",
                "The IDs of this queue",
                partial(services.open, "queue", Where(row.queue)),
            )
        for where in islice(screen.in_view, _MOST_IDS):
            yield f"Open ID {safe(where.id or '', 60)}", "All about this ID", partial(services.open, "job", where)

    def _keys(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        seen = set()
        for entry in self.screen.active_bindings.values():
            binding = entry.binding
            if not binding.id or binding.id in seen or not entry.enabled or binding.id in _HIDDEN:
                continue
            if not binding.show and not binding.tooltip:
                continue
            seen.add(binding.id)
            key = binding.key_display or binding.key
            name = f"{binding.description}  ({key})"
            run = partial(self.app.run_action, binding.action, entry.node)
            told = binding.tooltip or binding.description
            yield name, told[:1].upper() + told[1:], run
