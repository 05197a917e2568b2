"""What is wrong with a store: each kind in its own sentence, with the last numbers, no writes, and a way back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from convoy_core import EmbeddedServer, Fleet, ReadOnly, StoreUnreachable, Then
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.board import Place
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.source import LiveSource
from tests.servers import RealServer, valkey_binary
from tests.tui.fixed import FixedSource, a_queue, an_app, settle
from tests.tui.screen import shows, text_of


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Pilot[None], ConvoyApp]]:
    source = LiveSource(url=url)
    app = ConvoyApp(source, Place(source.shown, can_start=source.can_start), interval_s=0.2)
    async with app.run_test(size=(160, 36)) as pilot:
        yield pilot, app


@pytest.fixture
def server() -> Iterator[RealServer]:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet:
            fleet.queue("q").publish("a")
        yield server
    finally:
        server.stop()


async def refuses(pilot: Pilot[None], app: ConvoyApp, said: str) -> None:
    """No verb opens anything, and each says why."""
    for verb in "JNP":
        await pilot.press(verb)
        await shows(pilot, said)
        assert isinstance(app.screen, OverviewScreen)


async def test_a_wrong_password_is_not_silence(server: RealServer) -> None:
    async with opened(server.url) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        with server.client() as client:
            client.config_set("requirepass", "s3cret")
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await shows(pilot, "The store wants a password.")
            assert "No answer" not in text_of(app)
            await shows(pilot, "Not read for")
            await shows(pilot, "Everything below is from")
            await shows(pilot, "NO WORKERS q")
            await refuses(pilot, app, "Nothing can be changed until the store answers.")
            client.config_set("requirepass", "")
        await pilot.press("r")
        await shows(pilot, "The store is back")


async def test_a_missing_permission_is_named(server: RealServer) -> None:
    with server.client() as client:
        client.acl_setuser("ann", enabled=True, nopass=True, commands=["+@all", "-evalsha_ro", "-eval_ro"], keys=["*"])
    async with opened(f"unix://ann:x@{server.socket}") as (pilot, app):
        await shows(pilot, "User ann may not run 'eval")
        assert "No answer" not in text_of(app)


@pytest.mark.parametrize(
    ("setting", "back", "said"),
    [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "is out of memory and took nothing."),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "is a replica and takes no writes."),
    ],
    ids=["full", "replica"],
)
async def test_a_store_that_takes_no_writes_says_so_and_recovers(
    server: RealServer, setting: str, back: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convoy_tui.dashboard.reading.keeping.WRITES_AGAIN_S", 0.2)
    with server.client() as client:
        client.execute_command(*setting.split())
        async with opened(server.url) as (pilot, app):
            await shows(pilot, said)
            await shows(pilot, "NO WRITES")
            await shows(pilot, "NO WORKERS q")
            await refuses(pilot, app, said)
            client.execute_command(*back.split())
            await shows(pilot, "READ-WRITE")
            await shows(pilot, "The store is taking writes again.")


async def test_a_store_that_loads_its_data_is_waited_for() -> None:
    source = FixedSource([a_queue("q")], is_away=True)
    app = an_app(source)
    async with app.run_test(size=(160, 36)) as pilot:
        source.refusal = loading()
        await pilot.press("r")
        await shows(pilot, "Not read. The store is loading its data after a start.")
        source.is_away = False
        await pilot.press("r")
        await shows(pilot, "The queue is fine.")


def loading() -> StoreUnreachable:
    error = StoreUnreachable("The store at redis://redis-a:6379/15 is loading its data after a start.")
    error.word = "LOADING"
    return error


async def test_a_slow_store_says_so_over_the_last_numbers() -> None:
    now = 100.0
    app = an_app(FixedSource([a_queue("q")]), clock=lambda: now)
    async with app.run_test(size=(160, 36)) as pilot:
        await settle(pilot)
        app._poller.interval_s = 1.0
        now += 9
        app._tick()
        await shows(pilot, "The store is slow: no answer for 9s. Below is from")


async def test_a_lost_embedded_store_is_started_from_the_sentence_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    url = f"embedded:{tmp_path}/store"
    with Fleet(redis=url) as fleet:
        fleet.queue("q").publish("a")
    server = EmbeddedServer(tmp_path / "store")
    try:
        async with opened(url) as (pilot, app):
            await shows(pilot, "NO WORKERS q")
            server.stop()
            await shows(pilot, "S starts it")
            row = next(y for y, line in enumerate(text_of(app).splitlines()) if "S starts it" in line)
            column = text_of(app).splitlines()[row].index("S starts it")
            await pilot.click(offset=(column, row))
            await shows(pilot, "The store is back after")
            await shows(pilot, "NO WORKERS q")
    finally:
        server.stop()


async def test_read_only_is_enforced_below_the_keys(server: RealServer) -> None:
    source = LiveSource(url=server.url, read_only=True)
    await source.discover()
    refused = []
    for write in (
        source.pause("q"),
        source.resume("q"),
        source.requeue("q", ["a"], dry_run=False),
        source.free("q", [], Then.REQUEUE, skip_live=True),
        anext(source.publish("q", ["b"], rerun=False, dry_run=False)),
    ):
        try:
            await write
        except ReadOnly:
            refused.append(True)
    with pytest.raises(ReadOnly):
        source.pool("q", print, concurrency=1, job_timeout=None)
    await source.close()

    assert refused == [True] * 5
