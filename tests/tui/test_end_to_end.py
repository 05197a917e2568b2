"""`convoy-tui` as it is installed: in a real terminal, and without one."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from convoy_core import Fleet
from tests.servers import RealServer
from tests.waiting import patient

PROGRAM = str(Path(sys.executable).parent / "convoy-tui")


class Terminal:
    """A real terminal of 80x24 with the dashboard in it."""

    def __init__(self, *arguments: str) -> None:
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(slave)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> None:
        """Take in what was written, for up to that long."""
        if not select.select([self._master], [], [], seconds)[0]:
            return
        try:
            self._stream.feed(os.read(self._master, 65536))
        except OSError:
            return  # the program has ended, and with it its side of the terminal

    def shows(self, text: str) -> None:
        deadline = time.monotonic() + patient()
        while text not in self.text:
            assert time.monotonic() < deadline, f"no {text!r} within {patient():g} s:\n{self.text}"
            self.read(0.1)

    def hides(self, text: str) -> None:
        deadline = time.monotonic() + patient()
        while text in self.text:
            assert time.monotonic() < deadline, f"still {text!r} after {patient():g} s:\n{self.text}"
            self.read(0.1)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._master)

    def ends(self) -> int:
        deadline = time.monotonic() + patient()
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still there:\n{self.text}"
            self.read(0.05)
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(patient())
        os.close(self._master)


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
        terminal.press("mars\r[/")
        terminal.shows("2 new")
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
        terminal.shows("idle")
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
