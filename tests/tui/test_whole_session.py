"""One session from end to end in a real terminal: the work of a bad morning, and the terminal given back clean."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import redis

from convoy_core import Fleet, Queue, State
from tests.servers import RealServer, valkey_binary
from tests.tui.real_terminal import Terminal
from tests.waiting import patient

HANDLER = """
import asyncio, pathlib
async def crush(job):
    if job.id == "slow":
        await asyncio.sleep(600)
    if not pathlib.Path("mended").exists():
        raise ValueError("no wheel")
"""


def press_until(terminal: Terminal, key: str, condition: Callable[[], object]) -> None:
    """Press a key until that holds: a dialog takes it only once it has read what it needs."""
    deadline = time.monotonic() + patient()
    while not condition():
        assert time.monotonic() < deadline, f"{key!r} leads nowhere:\n{terminal.text}"
        terminal.press(key)
        terminal.pause(0.5)


def publish_and_launch(terminal: Terminal, trucks: Queue) -> None:
    """Two IDs more, and workers, all of whose runs fail."""
    terminal.shows("NO WORKERS trucks")
    terminal.press("N")
    terminal.shows("To the queue")
    terminal.paste(b"mars\rvenus")
    terminal.shows("2 new")
    terminal.press("\x13")
    terminal.shows("Published 2 to trucks.")
    terminal.press("W")
    terminal.shows("Time limit")
    terminal.press("shop_of_trucks:crush")
    terminal.shows("found")
    press_until(terminal, "\r", lambda: "Started local-" in terminal.text)
    terminal.until(lambda: trucks.counts().failed == 3, "three failures")


def mend(terminal: Terminal, trucks: Queue, mended: Path) -> None:
    """The group of what failed, a trial run, and the rest."""
    terminal.press("3")
    terminal.shows("ValueError")
    mended.touch()
    terminal.press("R")
    terminal.shows("Try 1 of 3")
    press_until(terminal, "y", lambda: not trucks.counts().committed and not trucks.counts().failed)
    press_until(terminal, "\x1b", lambda: "│" not in terminal.text)


def free_and_cancel(terminal: Terminal, trucks: Queue, client: redis.Redis) -> None:
    """A run that a Node client has left behind, and one that takes too long."""
    client.zadd("cv:trucks:processing", {"stuck": time.time() - 900})
    client.sadd("cv:trucks:committed", "stuck")
    terminal.press("1")
    terminal.shows("JAMMED")
    terminal.press("J")
    press_until(terminal, "\x13", lambda: "Cleared 1" in terminal.text)
    trucks.publish("slow")
    terminal.until(lambda: trucks.show("slow").state is State.PROCESSING, "the slow run")
    terminal.press("\r")
    terminal.shows("[Queued")
    terminal.press("]")
    terminal.shows("[Processing 1]")
    terminal.press("C")
    press_until(terminal, "y", lambda: trucks.show("slow").state is State.ABSENT)
    terminal.press("1")


def test_a_session_from_publish_to_quit(tmp_path: Path) -> None:
    (tmp_path / "shop_of_trucks.py").write_text(HANDLER)
    server = RealServer(valkey_binary())
    try:
        with (
            Fleet(redis=server.url) as fleet,
            server.client() as client,
            Terminal("--redis", server.url, size=(120, 36), cwd=tmp_path) as terminal,
        ):
            trucks = fleet.queue("trucks")
            trucks.publish("earth")
            publish_and_launch(terminal, trucks)
            mend(terminal, trucks, tmp_path / "mended")
            free_and_cancel(terminal, trucks, client)
            server.kill()
            terminal.shows("No answer")
            server.start()
            terminal.press("r")
            terminal.hides("No answer")
            terminal.press("[")
            terminal.shows("PAST")
            terminal.press("0")
            terminal.hides("PAST")
            terminal.press("q")

            assert terminal.ends() == 0
            assert terminal.is_clean()
    finally:
        server.stop()
