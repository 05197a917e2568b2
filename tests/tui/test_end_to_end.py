"""`convoy-tui` as it is installed: in a real terminal, and without one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from convoy_core import Fleet
from tests.servers import RealServer
from tests.tui.real_terminal import PROGRAM, Terminal
from tests.waiting import patient


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


def test_a_session_in_a_real_terminal(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish_many(range(3))
    terminal = Terminal("--redis", store.url)
    try:
        terminal.shows("NO WORKERS trucks")
        terminal.press("P")
        terminal.shows("3 IDs keep waiting")
        terminal.press("y")
        terminal.shows("Paused trucks.")
        terminal.press("N")
        terminal.shows("To the queue")
        terminal.press("[/\rm")
        terminal.shows("2 new")  # with the last key, and not before: Ctrl+S does nothing while the store is asked
        terminal.press("\x13")
        terminal.shows("Published 2 to trucks.")
        terminal.press("q")

        assert terminal.ends() == 0
    finally:
        terminal.close()
    assert fleet.queue("trucks").counts().queued == 5
    assert fleet.queue("trucks").snapshot().paused


def test_an_id_from_the_store_cannot_control_the_terminal(store: RealServer, fleet: Fleet) -> None:
    with store.client() as client:
        client.zadd("cv:q:failed", {"\x1b]0;stolen\x07\x1b[2J\x1b[31mx": 2})
    terminal = Terminal("--redis", store.url)
    try:
        terminal.shows("1 ID has failed")
        terminal.press("R")
        terminal.shows("\\x1b]0;stole")
        assert "stolen" not in terminal.screen.title
        terminal.press("\x1b")
        terminal.hides("Requeue · q")
        terminal.press("q")
        terminal.ends()
    finally:
        terminal.close()


def test_without_a_terminal_it_says_what_status_says(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")

    done = subprocess.run(
        [PROGRAM, "--redis", store.url],
        capture_output=True,
        text=True,
        timeout=patient(),
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == 0
    assert "trucks" in done.stdout
    assert done.stderr.startswith("convoy-tui needs a terminal")


@pytest.mark.parametrize("url", ["nonsense", "redis://:S3cret/canary@host"])
def test_a_url_that_cannot_be_used_is_refused_without_showing_the_password(url: str) -> None:
    done = subprocess.run([PROGRAM, "--redis", url], capture_output=True, text=True, timeout=patient(), check=False)

    assert done.returncode == 2
    assert "URL" in done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_help_and_version_load_no_textual() -> None:
    code = """
import sys, convoy_tui.dashboard.main as program
try:
    program.app(["--help"])
except SystemExit:
    pass
assert "textual" not in sys.modules
"""

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=patient())


def test_it_ends_when_its_terminal_is_closed(store: RealServer) -> None:
    """With no control over a terminal, no signal tells it; left alone, a driver without a terminal spins."""
    terminal = Terminal("--redis", store.url)
    try:
        terminal.shows("Commands")
        terminal.hang_up()
        terminal.process.wait(patient())
    finally:
        terminal.process.kill()
        terminal.process.wait(patient())
