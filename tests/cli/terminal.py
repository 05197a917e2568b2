"""A real terminal for one command: a pty that a program writes to, and the screen that a person would see."""

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
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pyte

from tests.waiting import patient

ROOT = Path(__file__).parents[2]


class Terminal:
    """`convoy` in a terminal; `stdin` may be something else, as in a pipe, and `stdout` as with `> FILE`."""

    def __init__(
        self,
        *args: str,
        env: dict[str, str],
        stdin: IO[bytes] | int | None = None,
        stdout: IO[bytes] | None = None,
        columns: int = 80,
        lines: int = 24,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", **env}
        environment.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "convoy_tui.cli", *args],
            stdin=slave if stdin is None else stdin,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(slave)

    @property
    def text(self) -> str:
        """What is to be seen."""
        return "\n".join(line.rstrip() for line in self.screen.display).strip()

    def expect(self, text: str) -> None:
        """Read on until the text is to be seen."""
        deadline = time.monotonic() + patient()
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} did not come; the screen shows:\n{self.text}"
            assert self._read() or text in self.text, f"it ended without {text!r}; the screen shows:\n{self.text}"

    def press(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read until it ends; its exit code."""
        while self._read():
            pass
        return self.process.wait(patient())

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], patient())
        assert ready, f"nothing came for {patient():g} s; the screen shows:\n{self.text}"
        try:
            block = os.read(self._master, 65536)
        except OSError:  # how Linux says that the other side has closed
            return False
        self.written += block
        self._stream.feed(block)
        return bool(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
