"""A real terminal with the dashboard in it: its screen as text, its keys, and whether it was given back clean."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte
from pyte.screens import Char

from tests.waiting import patient

PROGRAM = str(Path(sys.executable).parent / "convoy-tui")
_MODE = re.compile(rb"\x1b\[\?(\d+)([hl])")
_SEQUENCE = re.compile(r"\x1b\[[?<>]?[\d;]*[a-zA-Z]")
_CLEAN = {1049: b"l", 1000: b"l", 1003: b"l", 1006: b"l", 1015: b"l", 1004: b"l", 2004: b"l", 25: b"h", 7: b"h"}
"""What the modes of a terminal are outside of the dashboard: its own screen, no reports, a cursor, wrapped lines."""

_OURS = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
"""The environment, without the size that pytest-xdist tells its processes: the terminal has one of its own."""


class Terminal:
    """A real terminal, of 80x24 unless said otherwise, with a program in it."""

    def __init__(
        self,
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        width, height = size
        self.screen = pyte.Screen(width, height)
        self.written = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=_OURS | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | (env or {}),
            cwd=cwd,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def text(self) -> str:
        # The cell behind a wide character is empty. Half of a screen may have come, which `display` cannot bear.
        cells = ([line[x].data for x in range(self.screen.columns)] for line in self._lines)
        return "\n".join(map("".join, cells))

    def background(self, text: str) -> str:
        """The colour behind the first place of this text."""
        y, row = next((y, row) for y, row in enumerate(self.text.split("\n")) if text in row)
        return self._lines[y][row.index(text)].bg

    @property
    def _lines(self) -> list[Mapping[int, Char]]:
        return [self.screen.buffer[y] for y in range(self.screen.lines)]

    def press(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def paste(self, text: bytes) -> None:
        self.press(b"\x1b[200~" + text + b"\x1b[201~")

    def read(self, seconds: float) -> bool:
        """Take in what was written, for up to that long. Returns whether anything was."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False  # the program has ended, and with it its side of the terminal
        self.written += data
        if b"\x1b[?1049" in data:
            self.screen.erase_in_display(2)  # it knows no second screen
        self._stream.feed(data)
        return True

    def pause(self, seconds: float = 0.3) -> None:
        """Let so much time pass that Esc and the key after it are two keys."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    @property
    def farewell(self) -> str:
        """What it has written since it left its own screen."""
        return " ".join(_SEQUENCE.sub("", self.written.rpartition(b"\x1b[?1049l")[2].decode(errors="replace")).split())

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + patient()
        while not condition():
            shown = f"{self.text}\n{self.farewell[-500:]}"
            assert time.monotonic() < deadline, f"{what} not within {patient():g} s:\n{shown}"
            self.read(0.1)
            while self.read(0):
                pass  # what has come already

    def shows(self, text: str) -> None:
        self.until(lambda: text in self.text, f"{text!r}")

    def hides(self, text: str) -> None:
        self.until(lambda: text not in self.text, f"the end of {text!r}")

    def is_clean(self) -> bool:
        """Whether every mode, and the line discipline, is what it was before."""
        while self.read(0.05):
            pass
        modes = {int(number): word for number, word in _MODE.findall(bytes(self.written))}
        keys = self.written.count(b"\x1b[>") == self.written.count(b"\x1b[<u")
        is_same = termios.tcgetattr(self._slave) == self._before
        return keys and is_same and all(modes.get(mode, word) == word for mode, word in _CLEAN.items())

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stops(self) -> None:
        """Go on as soon as the system has stopped the program."""

        def is_stopped() -> bool:
            return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

        self.until(is_stopped, "a stop")

    def ends(self) -> int:
        self.until(lambda: self.process.poll() is not None, "the end")
        while select.select([self._master], [], [], 0)[0] and self._master >= 0:
            self.read(0)
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(patient())
        if self._master >= 0:
            os.close(self._master)
            os.close(self._slave)
