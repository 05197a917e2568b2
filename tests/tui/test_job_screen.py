"""The Job screen and the search for an ID, on a real store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from textual.pilot import Pilot
from textual.widgets import Input

from convoy_core import AsyncFleet, Fleet, Job, PoolOptions, State, WorkerPool
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.reading.job import read_job
from convoy_tui.dashboard.screens.job import JobScreen
from convoy_tui.dashboard.screens.queue import QueueScreen
from tests.servers import RealServer, valkey_binary
from tests.tui import seeds
from tests.tui.live import opened
from tests.tui.screen import hides, shows, text_of, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


async def find(pilot: Pilot[None], app: ConvoyApp, queue: str, id: str) -> None:
    """Wait until the queue is known, and look for the ID."""
    await until(pilot, lambda: app.services.board.row(queue) is not None)
    await pilot.press("f", *id, "enter")


async def test_an_id_is_found_from_anywhere_and_shown_with_its_error_and_payload(
    store: RealServer, raw: redis.Redis
) -> None:
    seeds.alarm(raw)
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await until(pilot, lambda: app.services.board.row(seeds.HOOKS) is not None)
        app.action_find("hook:1000")
        await shows(pilot, "▸ webhooks ▸ hook:1000")
        await shows(pilot, "✖ FAILED 1 time   publishing it now would queue it")
        await shows(pilot, "webhooks/send.py:48  in deliver")
        await shows(pilot, '"event": "invoice.paid"')
        assert "httpx" not in text_of(app)
        await pilot.press("x")
        await shows(pilot, "httpx/_client.py")
        await pilot.press("escape")
        await until(pilot, lambda: app.page is app.overview)


async def test_an_id_of_several_queues_is_opened_in_the_chosen_one(store: RealServer, fleet: Fleet) -> None:
    for name in ("a", "b"):
        fleet.queue(name).publish("42")
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await find(pilot, app, "b", "42")
        await shows(pilot, "42 is in 2 queues; Enter opens one.")
        await pilot.press("j", "enter")
        await shows(pilot, "▸ b ▸ 42")


async def test_the_places_of_an_id_are_gone_once_another_is_looked_for() -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet:
            for name in ("a", "b"):
                fleet.queue(name).publish("42")
        async with opened(server.url, size=(200, 60)) as (pilot, app):
            await find(pilot, app, "b", "42")
            await shows(pilot, "42 is in 2 queues; Enter opens one.")
            server.kill()
            app.screen.query_one("#sought", Input).focus()
            await pilot.press("4", "3", "enter")
            await hides(pilot, "42 is in 2 queues")
            await hides(pilot, "Looking")
            assert not app.screen.query_one("#places").display
    finally:
        server.stop()


async def test_an_id_that_is_nowhere_is_said_so(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("a").publish("42")
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await find(pilot, app, "a", "43")
        await shows(pilot, "43 is in none of 1 queue: done, discarded, or never published.")


async def test_a_running_id_names_its_holder_and_the_lease(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await until(pilot, lambda: app.services.board.row(seeds.MAIL) is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, QueueScreen))
        await pilot.press("f2")
        await shows(pilot, "▌ ■ mail:88412")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JobScreen))
        await shows(pilot, "RUNNING PAST THE LIMIT")
        await shows(pilot, "holder      host-7:4012")
        await shows(pilot, "the pool is silent")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, QueueScreen))


async def test_absorbed_publishes_and_recorded_moves_are_told(store: RealServer, fleet: Fleet) -> None:
    queue = fleet.queue("trucks")
    queue.record(for_s=600)
    for _ in range(3):
        queue.publish("42")
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await find(pilot, app, "trucks", "42")
        await shows(pilot, "the first of 3: 2 more publishes were")
        await shows(pilot, "be refused: already waiting")
        await shows(pilot, "RECORDED MOVES  recording")
        await shows(pilot, "refuse  already queued")
        await shows(pilot, "publish  queued")


async def test_of_a_recording_only_what_is_new_is_read_with_each_look(store: RealServer, fleet: Fleet) -> None:
    queue = fleet.queue("trucks")
    queue.record(for_s=600)
    queue.publish("42")
    queue.publish_many([f"{n}-{'y' * 1000}" for n in range(3000)])
    async with AsyncFleet(redis=store.url) as reading:
        job = await read_job(reading, "trucks", "42")
        assert [move.move for move in job.moves] == ["publish"]
        with store.client() as client:
            client.config_resetstat()
            job = await read_job(reading, "trucks", "42", job)
            assert client.info("commandstats")["cmdstat_evalsha_ro"]["calls"] == len(["show", "recording", "recorded"])
        for _ in range(2):
            queue.publish("42")
            job = await read_job(reading, "trucks", "42", job)
        assert [move.move for move in job.moves] == ["publish", "refuse", "refuse"]


async def test_the_page_follows_its_id_until_it_is_done(store: RealServer, fleet: Fleet) -> None:
    queue = fleet.queue("trucks")
    queue.publish("42")
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await find(pilot, app, "trucks", "42")
        await shows(pilot, "● queued")
        pool = WorkerPool(queue, lambda job: None, options=PoolOptions())
        with pool:
            await shows(pilot, "not in this queue: done, discarded, or never published")
        await hides(pilot, "D Discard")


async def test_a_failed_id_is_requeued_from_its_page(store: RealServer, raw: redis.Redis, fleet: Fleet) -> None:
    seeds.alarm(raw)
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await until(pilot, lambda: app.services.board.row(seeds.HOOKS) is not None)
        app.action_find("hook:2003")
        await shows(pilot, "HTTPStatusError: 410 Gone")
        await pilot.press("R")
        await shows(pilot, "1   will be queued again, at the end")
        await pilot.press("y")
        await shows(pilot, "Requeued 1 ID.")
        await shows(pilot, "● queued")

    assert [entry.id for entry in fleet.queue(seeds.HOOKS).entries(State.QUEUED)] == ["hook:2003"]


async def test_hostile_text_is_shown_safely(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    raw.hset(f"cv:{seeds.HOOKS}:payload", seeds.NODE_ID, b"b\x1b[31m\x9b\xff[/red]\n\x1b]0;t\x07")
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        await until(pilot, lambda: app.services.board.row(seeds.HOOKS) is not None)
        app.action_find(seeds.NODE_ID.decode("utf-8", "surrogateescape"))
        await shows(pilot, r"▸ \xff\x1b[31m[/red]")
        await shows(pilot, r"ValueError: \x1b[2J[/bad] \u202e")
        await shows(pilot, r"\x1b[31m\x9b\xff[/red]")
        assert not any(ord(c) < 32 for c in text_of(app).replace("\n", ""))


async def test_who_failed_it_is_named_by_host_and_process_until_nobody_can_tell(
    store: RealServer, fleet: Fleet
) -> None:
    def break_down(job: Job) -> None:
        raise ValueError("no wheel")

    fleet.queue("trucks").publish("a")
    async with opened(store.url, size=(200, 60)) as (pilot, app):
        with WorkerPool(fleet.queue("trucks"), break_down, options=PoolOptions(lease_s=5, beat_s=0.5)):
            await until(pilot, lambda: fleet.queue("trucks").counts().failed == 1)
            (pool,) = fleet.queue("trucks").workers()
            await find(pilot, app, "trucks", "a")
            await shows(pilot, f"{pool.host}:{pool.pid}")
        await pilot.press("r")
        await shows(pilot, f"{pool.id[:8]}, gone")
