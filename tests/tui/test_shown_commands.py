"""Every dialog shows the command line that does the same: run as it stands, it leaves the store as the dialog does."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from convoy_core import Fleet, State
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.screens import store as store_page
from convoy_tui.dashboard.screens.dialog import Dialog
from tests.servers import RealServer
from tests.tui.failing import fail
from tests.tui.live import opened
from tests.tui.pools import Crew
from tests.tui.screen import shows, until
from tests.waiting import patient

CONVOY = str(Path(sys.executable).parent / "convoy")
QUEUE = "trucks 'n more"
"""A name that has to be quoted."""
Walk = Callable[[Pilot[None], ConvoyApp], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """What is in the store, and the keys that open the dialog (after ~ a text to wait for).

    Then what it says once it can act, and the keys that let it.
    """

    seed: Callable[[Fleet, redis.Redis], object]
    keys: tuple[str, ...]
    ready: str
    confirm: tuple[str, ...] = ("y",)
    more: tuple[str, ...] = ()
    """What stands behind the command where somebody at a terminal would be asked, or would wait."""
    fill: Walk | None = None
    code: int = 0
    """The exit code of the command."""
    typed: str = ""
    """What has to be typed first."""


def waiting(fleet: Fleet, _: redis.Redis) -> None:
    fleet.queue(QUEUE).publish_many(["a", "b", "-c", "d e"])


def paused(fleet: Fleet, raw: redis.Redis) -> None:
    waiting(fleet, raw)
    fleet.queue(QUEUE).pause()


def failed(fleet: Fleet, raw: redis.Redis) -> None:
    waiting(fleet, raw)
    fail(fleet.queue(QUEUE), ["x", "-y", "it's"], "ValueError: no wheel")
    fail(fleet.queue(QUEUE), ["z"], "KeyError: 'z'", "")


def jammed(fleet: Fleet, raw: redis.Redis) -> None:
    crew = Crew(fleet, raw)
    crew.joins(QUEUE, "a" * 32, host="host-3", holds=["old", "-older"])
    for id in ("old", "-older"):
        crew.holds_since(QUEUE, id, 4000)
    crew.falls_silent(QUEUE, "a" * 32, 3000)


def damaged(fleet: Fleet, raw: redis.Redis) -> None:
    waiting(fleet, raw)
    raw.sadd(f"cv:{QUEUE}:committed", "lost-1", "lost-2")


async def type_ids(pilot: Pilot[None], app: ConvoyApp) -> None:
    app.screen.query_one("#ids", TextArea).text = "new\n-dash\nit's one\na"


CASES = {
    "publish": Case(waiting, ("N",), "3 new", ("ctrl+s",), fill=type_ids),
    "pause": Case(waiting, ("P",), "Workers stop claiming"),
    "resume": Case(paused, ("P",), "y  Resume"),
    "requeue": Case(failed, ("R",), "4   will be queued again", more=("--yes",)),
    "jam guard": Case(jammed, ("J",), "Clear 2", ("ctrl+s",), more=("--yes",)),
    "jam guard, discard": Case(jammed, ("J", "tab", "tab", "down"), "to go on:", ("enter",), ("--yes",), typed=QUEUE),
    "group": Case(failed, ("3", "R", "down", "down", "down"), "Requeue 3", more=("--yes",)),
    "group, discard": Case(failed, ("3", "D"), "Discard 3", ("enter",), ("--yes",), typed=QUEUE),
    "IDs": Case(failed, ("enter", "f4", "space", "space", "R"), "2   will be queued", more=("--yes",)),
    "IDs, discard": Case(failed, ("enter", "f4", "space", "space", "D"), "2   will be removed", more=("--yes",)),
    "cancel": Case(waiting, ("enter", "space", "space", "C"), "2   waiting: will be forgotten", more=("--yes",)),
    "undo a pause": Case(paused, ("5", "U"), "y  "),
    # 11: the server keeps nothing on a disk, which is advised against.
    "repair": Case(damaged, ("6", "D", "~2 missing", "F"), "2 faults will be repaired", more=("--yes",), code=11),
}


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_page, "GRACE_S", 0.1)


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The commands that the dialog on top shows."""
    shown: list[str] = []
    usual = Dialog.show_command

    def noted(dialog: Dialog, *commands: str) -> None:
        shown[:] = commands
        usual(dialog, *commands)

    with monkeypatch.context() as patch:
        patch.setattr(Dialog, "show_command", noted)
        yield shown


def left(fleet: Fleet, queue: str) -> dict[str, object]:
    """What is in the queue, without times."""
    on = fleet.queue(queue)
    found: dict[str, object] = {
        state: [(record.id, record.payload, record.failures) for record in on.dump(state)]
        for state in (State.QUEUED, State.DELAYED, State.FAILED)
    }
    snapshot = on.snapshot()
    return found | {"counts": snapshot.counts, "paused": snapshot.paused}


async def open_dialog(pilot: Pilot[None], app: ConvoyApp, case: Case) -> None:
    await until(pilot, lambda: app.services.board.row(QUEUE) is not None)
    app.overview.point_at(QUEUE)
    for key in case.keys:
        if key.startswith("~"):
            await shows(pilot, key[1:])
            continue
        await pilot.press(key)
        await until(pilot, lambda: not app.page.is_loading)
    assert isinstance(app.screen, Dialog)
    if case.fill is not None:
        await case.fill(pilot, app)
    await shows(pilot, case.ready)


@pytest.mark.parametrize("name", CASES)
async def test_the_shown_command_does_what_the_dialog_does(
    store: RealServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    with Fleet(redis=store.url) as fleet, store.client() as raw, listening(monkeypatch) as shown:
        case.seed(fleet, raw)
        at_first = left(fleet, QUEUE)
        async with opened(store.url) as (pilot, app):
            await open_dialog(pilot, app, case)
            commands = [*shown]
            await pilot.press("escape")
        assert left(fleet, QUEUE) == at_first
        for command in commands:
            program, verb, *words = shlex.split(command)
            await run(store, [program, verb, *case.more, *words], case.code)
        by_command = left(fleet, QUEUE)

        raw.flushdb()
        case.seed(fleet, raw)
        async with opened(store.url) as (pilot, app):
            await open_dialog(pilot, app, case)
            dialog = app.screen
            if case.typed:
                field = dialog.query_one("#typed", Input)
                field.focus()
                field.value = case.typed
            await pilot.press(*case.confirm)
            await until(pilot, lambda: app.screen is not dialog)
        by_dialog = left(fleet, QUEUE)

    assert commands
    assert by_dialog != at_first
    assert by_command == by_dialog


async def test_the_command_that_launching_shows_does_the_work(
    store: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Fleet(redis=store.url) as fleet, store.client() as raw, listening(monkeypatch) as shown:
        waiting(fleet, raw)
        async with opened(store.url) as (pilot, app):
            await open_dialog(pilot, app, Case(waiting, ("W",), "Time limit"))
            app.screen.query_one("#path", Input).value = "builtins:print"
            await shows(pilot, "found: a plain function")
            await until(pilot, lambda: shown)
            await pilot.press("escape")
        for command in shown:
            await run(store, [*shlex.split(command), "--burst"], 0)

        assert fleet.queue(QUEUE).counts().committed == 0
        assert fleet.queue(QUEUE).snapshot().totals["done"] == 4


async def run(store: RealServer, words: list[str], code: int) -> None:
    assert words[0] == "convoy"
    process = await asyncio.create_subprocess_exec(
        CONVOY,
        *words[1:],
        env=os.environ | {"CONVOY_REDIS_URL": store.url},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), patient())
    assert process.returncode == code, out.decode()
