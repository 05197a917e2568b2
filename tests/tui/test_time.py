"""The Time page on a real store: what it shows of which queue and time, and what becomes of that in an outage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest
from textual_plotext import Plot

from convoy_core import AsyncFleet, Counts, Fleet
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.timeline import PERIODS
from convoy_tui.dashboard.reading.courses import read_courses
from tests.moves.keyspace import sent_since_reset
from tests.packed import history, row
from tests.servers import RealServer, valkey_binary
from tests.tui.kept import keep
from tests.tui.live import opened
from tests.tui.screen import shows, text_of, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    """Two queues that have been there for a week."""
    with Fleet(redis=store.url) as fleet, store.client() as client:
        fleet.queue("trucks").publish("a")
        keep(client, "trucks", time.time())
        yield fleet


def are_drawn(app: ConvoyApp, n: int) -> bool:
    """Whether so many charts stand there."""
    return text_of(app).count("└") == n


async def test_key_7_shows_the_queue_under_the_cursor_over_each_time(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url, read_only=True) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("7")
        await shows(pilot, "▸ trucks")
        await shows(pilot, "in 12   out 11   failing 0.4")
        for chosen in ("[24 h]", "[7 days]", "[15 min]", "[3 h]"):
            await pilot.press("tab")
            await shows(pilot, chosen)
            await shows(pilot, "out 11")
            assert "nothing was kept" not in text_of(app)


async def test_all_queues_together_are_the_sum_and_one_comes_back_to_them(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("mails").publish("a")
    with store.client() as client:
        keep(client, "mails", time.time())
    async with opened(store.url, read_only=True) as (pilot, _):
        await shows(pilot, "mails")
        await pilot.press("7", "a")
        await shows(pilot, "▸ all queues")
        await shows(pilot, "in 24   out 22   failing 0.8")
        await pilot.press("tab")
        await shows(pilot, "[24 h]")
        await shows(pilot, "in 24   out 22   failing 0.8")
        await pilot.press("escape", "7")
        await shows(pilot, "[24 h]")
        await shows(pilot, "▸ all queues")


async def test_j_and_k_go_through_the_queues(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("mails").publish("a")
    async with opened(store.url, read_only=True) as (pilot, app):
        await shows(pilot, "mails")
        await pilot.press("7")
        first = app.page.crumbs[-1]
        await pilot.press("j")
        await until(pilot, lambda: app.page.crumbs[-1] != first)
        await pilot.press("k")
        await until(pilot, lambda: app.page.crumbs[-1] == first)


async def test_a_queue_of_which_nothing_was_kept_says_so(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url, read_only=True) as (pilot, _):
        await shows(pilot, "trucks")
        with store.client() as client:
            client.delete(*client.keys("cv:trucks:history:*"))
        await pilot.press("7")
        await shows(pilot, "nothing was kept of this time")


@pytest.mark.parametrize(("size", "n"), [((200, 60), 4), ((120, 36), 4), ((80, 24), 2), ((60, 16), 1)], ids=str)
async def test_as_many_charts_stand_there_as_fit_and_m_shows_the_others(
    store: RealServer, fleet: Fleet, size: tuple[int, int], n: int
) -> None:
    async with opened(store.url, read_only=True, size=size) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("7")
        await shows(pilot, "waiting ")
        await until(pilot, lambda: text_of(app).count("└") == n)
        if n < 4:
            await pilot.press("m")
            await shows(pilot, " in 12" if n == 1 else " running ")


async def test_resizing_draws_the_charts_in_the_new_size(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url, read_only=True, size=(120, 36)) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("7")
        await until(pilot, lambda: text_of(app).count("└") == 4)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: text_of(app).count("└") == 2)
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: text_of(app).count("└") == 4)


async def test_a_chart_is_drawn_again_only_where_something_is_new(
    store: RealServer, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[object] = []
    build = Plot.build

    def noted(plot: Plot) -> str:
        drawings.append(plot)
        return build(plot)

    monkeypatch.setattr(Plot, "build", noted)
    async with opened(store.url, read_only=True, interval_s=0.05) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("7")
        await until(pilot, lambda: text_of(app).count("└") == 4)
        heard = app.services.board.link.heard_at
        await until(pilot, lambda: (app.services.board.link.heard_at or 0) > (heard or 0) + 0.5)
        assert len(drawings) == 4


async def test_a_lost_store_leaves_the_charts_and_they_come_back_by_themselves() -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet, server.client() as client:
            fleet.queue("trucks").publish("a")
            keep(client, "trucks", time.time(), lambda ago: (Counts(queued=7), 1, {}))
        async with opened(server.url, read_only=True) as (pilot, app):
            await shows(pilot, "trucks")
            await pilot.press("7")
            await shows(pilot, "waiting 7")
            server.kill()
            await shows(pilot, "No answer")
            assert "waiting 7" in text_of(app)
            for size, n in (((60, 16), 1), ((200, 60), 4)):
                await pilot.resize_terminal(*size)
                await until(pilot, partial(are_drawn, app, n))
            await pilot.press("tab")
            await shows(pilot, "not read")
            assert "[24 h]" in text_of(app)
            assert "waiting 7" not in text_of(app)  # that was of 3 h
            await pilot.press("shift+tab")
            await shows(pilot, "waiting 7")
            server.start()
            await pilot.press("r")
            await shows(pilot, "The last 3 h of trucks")
    finally:
        server.stop()


async def test_the_week_of_a_hundred_queues_is_one_script(store: RealServer) -> None:
    now = time.time()
    week, names = PERIODS[-1], [f"q{n:02}" for n in range(100)]
    rows = [
        row(int((now - 3600 * n) * 1000), Counts(queued=n), 1, {"published": 36_000 * (200 - n)}) for n in range(168)
    ]
    packed = [each.encode("utf-8", "surrogateescape") for each in history(rows[::-1])]
    with store.client() as client:
        for name in names:
            client.rpush(f"cv:{name}:history:hours", *packed)
            client.rpush(f"cv:{name}:history:seconds", packed[-1])
        client.set("cv:q07:history:hours", "no list")
        client.delete("cv:q07:history:seconds")
        async with AsyncFleet(redis=store.url) as fleet:
            read: list[int] = []
            await fleet.histories(names, last_s=week.seconds)
            client.config_resetstat()

            found = await read_courses(fleet, names, week, week.end(now), read.append)

            sent = sent_since_reset(client)

    assert (sent["evalsha_ro"], read) == (1, [100])
    assert sum(moment is not None for moment in found) >= 166
    last = found[-2]
    assert last is not None
    assert last.in_s == pytest.approx(99 * 10)
