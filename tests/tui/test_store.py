"""The Store page on a real store: the server, the check of every ID, and the repair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convoy_core import Fleet
from convoy_tui.dashboard.screens import store as page
from tests.servers import RealServer, valkey_binary
from tests.tui.live import opened
from tests.tui.screen import hides, shows, text_of, until


@pytest.fixture
def damaged(store: RealServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealServer]:
    """Two queues: one sound, and one with two committed IDs that are nowhere, and one that is not committed."""
    monkeypatch.setattr(page, "GRACE_S", 0.1)
    with Fleet(redis=store.url) as fleet, store.client() as client:
        fleet.queue("sound").publish_many(range(20))
        fleet.queue("trucks").publish_many(["a", "b"])
        client.sadd("cv:trucks:committed", "lost-1", "lost-2")
        client.lpush("cv:trucks:queued", "twice")
        yield store


async def test_key_6_shows_the_server_and_what_is_wrong_with_it(store: RealServer) -> None:
    with Fleet(redis=store.url) as fleet:
        fleet.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("6")
        await shows(pilot, "▸ store")
        await shows(pilot, "persistence")
        text = text_of(app)
        for label in ("server ", "memory ", "clients ", "traffic ", "saved ", "replicas ", "queues ", "latency "):
            assert f"\n {label}" in text
        assert "1 queue · 1 ID is committed" in text
        assert "noeviction" in text
        assert "✖ persistence  none" in text
        assert "persistence: none" in text.splitlines()[1]


async def test_a_check_finds_the_faults_and_fix_repairs_exactly_these(damaged: RealServer) -> None:
    async with opened(damaged.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("6")
        await shows(pilot, "Not checked. D reads every ID of 2 queues")
        await pilot.press("F")
        assert app.screen is app.page
        await pilot.press("D")
        await shows(pilot, "2 missing")
        assert "1 queue is sound" in text_of(app)
        await pilot.press("F")
        await shows(pilot, "3 faults will be repaired")
        text = text_of(app)
        assert "2   put it into the queue" in text
        assert "1   commit it" in text
        assert "lost-1, lost-2" in text
        assert "convoy doctor trucks --fix" in text
        with damaged.client() as client:
            client.srem("cv:trucks:committed", "lost-2")
        await pilot.press("y")
        await shows(pilot, "1 queued, 1 committed, 1 in order by then")
        await shows(pilot, "2 queues are sound")


async def test_esc_leaves_every_fault_as_it_is(damaged: RealServer) -> None:
    async with opened(damaged.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("6", "D")
        await shows(pilot, "2 missing")
        await pilot.press("F")
        await shows(pilot, "3 faults will be repaired")
        await pilot.press("escape")
        await shows(pilot, "2 missing")
        with damaged.client() as client:
            assert client.lrange("cv:trucks:queued", 0, -1) == [b"twice", b"a", b"b"]


async def test_a_check_shows_how_far_it_is_and_esc_stops_it(
    damaged: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "GRACE_S", 3600.0)
    async with opened(damaged.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("6", "D")
        await shows(pilot, "entries looked at")
        await pilot.press("escape")
        await shows(pilot, "The check was stopped")
        await shows(pilot, "Not checked")
        assert app.page.page_name == "store"
        await pilot.press("escape")
        await until(pilot, lambda: app.page.page_name == "overview")


async def test_a_read_only_dashboard_checks_and_repairs_nothing(damaged: RealServer) -> None:
    async with opened(damaged.url, read_only=True) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("6", "D")
        await shows(pilot, "2 missing")
        await pilot.press("F")
        await shows(pilot, "read-only")
        assert app.screen is app.page


async def test_a_user_who_may_not_ask_sees_that_and_the_queues(store: RealServer) -> None:
    with Fleet(redis=store.url) as fleet, store.client() as client:
        fleet.queue("trucks").publish("a")
        client.acl_setuser("shy", enabled=True, nopass=True, keys=["cv:*"], commands=["+@all", "-info", "-config"])
    try:
        async with opened(store.url.replace("unix://", "unix://shy:x@")) as (pilot, app):
            await shows(pilot, "trucks")
            await pilot.press("6")
            await shows(pilot, "it tells this user nothing")
            await shows(pilot, "This user may not ask")
            assert "1 queue · 1 ID is committed" in text_of(app)
    finally:
        with store.client() as client:
            client.acl_deluser("shy")


async def test_nothing_is_cut_off_in_any_size(damaged: RealServer) -> None:
    async with opened(damaged.url, size=(60, 16)) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("6", "D")
        await shows(pilot, "3 faults in 1 queue")
        for size in ((60, 16), (80, 24), (120, 36), (200, 60)):
            await pilot.resize_terminal(*size)
            await pilot.press("end")
            await shows(pilot, "latency")
            assert "…" not in "".join(text_of(app).splitlines()[1:])


async def test_a_lost_store_leaves_what_was_read_dimmed() -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet:
            fleet.queue("trucks").publish("a")
        async with opened(server.url) as (pilot, app):
            await shows(pilot, "trucks")
            await pilot.press("6")
            await shows(pilot, "persistence")
            server.kill()
            await shows(pilot, "No answer")
            assert "persistence" in text_of(app)
            server.start()
            await pilot.press("r")
            await hides(pilot, "No answer")
    finally:
        server.stop()
