"""Pictures of pages on a real store, for `screenshots.py`: times are those of the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import redis

from convoy_tui.dashboard.services import Where
from tests.servers import RealServer, valkey_binary
from tests.tui import seeds
from tests.tui.live import opened, press_in_turn
from tests.tui.queue_snapshots import SteadySource, anywhere
from tests.tui.screen import shows, until


@dataclass(frozen=True)
class PageShot:
    """One picture: what is in the store, the page and what it is about, the keys, and what it says then."""

    name: str
    size: tuple[int, int]
    seed: Callable[[redis.Redis], None]
    page: str
    where: Where
    keys: tuple[str, ...]
    ready: str


_MAIL, _HOOKS = Where(seeds.MAIL), Where(seeds.HOOKS)
_HOOK = Where(seeds.HOOKS, "hook:1000")

PAGE_SHOTS = (
    PageShot("queue", (120, 36), seeds.alarm, "queue", _MAIL, ("f2",), "▌ ■ mail:88412"),
    PageShot("queue-wide", (200, 60), seeds.alarm, "queue", _HOOKS, ("f4",), "invoice.paid"),
    PageShot("queue-80x24", (80, 24), seeds.alarm, "queue", _HOOKS, ("f4",), "▌ hook:1000"),
    PageShot("discard", (120, 36), seeds.alarm, "queue", _HOOKS, ("f4", "space", "space", "D"), "2   will be removed"),
    PageShot("job", (120, 36), seeds.alarm, "job", _HOOK, (), "invoice.paid"),
)


async def take_page(shot: PageShot) -> str:
    """The picture as SVG."""
    server = RealServer(valkey_binary())
    try:
        with server.client() as raw:
            shot.seed(raw)
        async with opened(
            server.url,
            size=shot.size,
            interval_s=3600,
            shown="redis://redis-a:6379/15",
            environment="production",
            source=SteadySource(url=server.url),
            clock=lambda: 100.0,
        ) as (pilot, app):
            await until(pilot, lambda: app.services.board.row(shot.where.queue or "") is not None)
            app.open_page(shot.page, shot.where)
            await until(pilot, lambda: app.page.page_name == shot.page and not app.page.is_loading)
            await press_in_turn(pilot, app, shot.keys)
            await shows(pilot, shot.ready)
            return anywhere(app.export_screenshot(title="convoy-tui"))
    finally:
        server.stop()
