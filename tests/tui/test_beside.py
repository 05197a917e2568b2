"""What a wide overview shows beside and below its table, on a real store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from convoy_core import Fleet
from convoy_tui.dashboard.board.spans import Line
from convoy_tui.dashboard.plotting import plotted
from convoy_tui.dashboard.screens import beside
from convoy_tui.dashboard.widgets.lines import Lines
from tests.servers import RealServer
from tests.tui.kept import keep
from tests.tui.live import opened
from tests.tui.screen import hides, shows, text_of, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    """A queue of which rows were kept, and one of which none were."""
    with Fleet(redis=store.url) as fleet, store.client() as client:
        fleet.queue("trucks").publish_many(["a", "b"])
        fleet.queue("young").publish("a")
        keep(client, "trucks", time.time())
        yield fleet


async def test_a_wide_screen_has_charts_of_the_queue_under_the_cursor_and_the_last_acts(
    store: RealServer, fleet: Fleet
) -> None:
    fleet.queue("young").pause()
    async with opened(store.url, read_only=True, size=(200, 60)) as (pilot, app):
        await shows(pilot, "trucks")
        app.overview.point_at("trucks")
        await shows(pilot, "in 12   out 11   failing 0.4")
        text = text_of(app)
        assert "the last 3 h" in text
        assert " waiting " in text
        await until(pilot, lambda: " pause young" in " ".join(text_of(app).split()))
        app.overview.point_at("young")
        await shows(pilot, "nothing was kept of this time")
        await hides(pilot, "failing 0.4")
        app.overview.point_at("trucks")
        await shows(pilot, "in 12   out 11   failing 0.4")


async def test_no_chart_stands_under_the_name_of_another_queue(
    store: RealServer, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, may_draw = threading.Event(), threading.Event()
    may_draw.set()

    def slow(*of: Any, **how: Any) -> Sequence[Line]:
        is_asked.set()
        may_draw.wait()
        return plotted(*of, **how)

    monkeypatch.setattr(beside, "plotted", slow)
    try:
        async with opened(store.url, read_only=True, size=(200, 60)) as (pilot, app):
            await shows(pilot, "trucks")
            app.overview.point_at("trucks")
            await shows(pilot, "in 12   out 11   failing 0.4")
            may_draw.clear()
            is_asked.clear()
            app.overview.point_at("young")
            await until(pilot, is_asked.is_set)
            app.overview.redraw()
            charts = "".join(app.overview.query_one(f"#{name}", Lines).text for name in beside._PLACES)
            may_draw.set()
            assert charts == ""
            await shows(pilot, "nothing was kept of this time")
    finally:
        may_draw.set()


async def test_a_smaller_screen_has_none_of_it_and_reads_nothing_for_it(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url, read_only=True, size=(120, 36)) as (pilot, app):
        await shows(pilot, "trucks")
        with store.client() as client:
            client.config_resetstat()
        heard = app.services.board.link.heard_at
        await until(pilot, lambda: app.services.board.link.heard_at != heard)
        assert "activity" not in text_of(app)
        with store.client() as client:
            calls = client.info("commandstats")
        assert not {"cmdstat_xrange", "cmdstat_xrevrange"} & calls.keys()
        await pilot.resize_terminal(200, 60)
        await shows(pilot, "── activity")


async def test_who_may_not_read_the_audit_keeps_the_verdict(store: RealServer, fleet: Fleet) -> None:
    with store.client() as client:
        client.acl_setuser("shy", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-xrange", "-xrevrange"])
    try:
        async with opened(store.url.replace("unix://", "unix://shy:x@"), size=(200, 60)) as (pilot, app):
            await shows(pilot, "trucks")
            await shows(pilot, "── activity")
            await shows(pilot, "xr")
            assert "✖" not in "".join(text_of(app).splitlines()[1:3])
    finally:
        with store.client() as client:
            client.acl_deluser("shy")


async def test_many_queues_leave_no_room_below_the_table_but_beside_it(store: RealServer, fleet: Fleet) -> None:
    for n in range(60):
        fleet.queue(f"q{n}").publish("a")
    async with opened(store.url, read_only=True, size=(200, 60)) as (pilot, app):
        await shows(pilot, "q42")
        await shows(pilot, "the last 3 h")
        assert "IDs per second" not in text_of(app)
