"""The driver of the terminal: survives every byte that comes, and leaves the terminal as it was, however it ends."""

from __future__ import annotations

import io
import os
import selectors
import signal
import sys
import termios
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from convoy_core.system import lossy_streams
from convoy_tui.dashboard.terminal_input import TerminalInput

_READ = 4096
_TICK_S = 0.1


_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class HungUp(Message):
    """The terminal has been closed."""


class Signalled(Message):
    """The system, or somebody, wants this process to end."""


class Terminal(LinuxDriver):
    """Textual's driver, with an input that nothing ends and an output that raises nothing."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        # An error would end the thread that writes, and everybody else would wait for it.
        if sys.__stderr__ is not None and isinstance(lossy := lossy_streams(sys.__stderr__), io.TextIOWrapper):
            self._file = lossy
        self._is_drawing = False
        # All of them by the event loop: a handler may interrupt a write, and would wait for its lock for ever.
        self._loop.add_signal_handler(signal.SIGTSTP, self._sigtstp_application)
        self._loop.add_signal_handler(signal.SIGCONT, self._sigcont_application)
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under `nohup`
                self._loop.add_signal_handler(number, self._tell_of_signal)

    def start_application_mode(self) -> None:
        """Take the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's own has no types
        self._is_drawing = True

    def stop_application_mode(self) -> None:
        """Give it back. The system may echo keys again only when the last byte of ours has been written.

        Otherwise what is typed meanwhile comes between them, and may spoil the sequence that brings the screen back.
        """
        self._is_drawing = False
        attributes, self.attrs_before = self.attrs_before, None
        super().stop_application_mode()
        self.close()  # `start_application_mode` makes another thread that writes
        self.attrs_before = attributes
        if attributes is not None:
            with suppress(termios.error):  # there is no terminal any more
                termios.tcflush(self.fileno, termios.TCIFLUSH)
                termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)

    def run_input_thread(self) -> None:
        """Wait for input and pass on what it means. A terminal that has been closed is told of once."""
        terminal = TerminalInput()
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(_TICK_S):
                    messages = terminal.tick()
                elif data := self._read():
                    messages = terminal.feed(data)
                else:
                    self.process_message(HungUp())
                    return
                for message in messages:
                    self.process_message(message)

    def _tell_of_signal(self) -> None:
        self.process_message(Signalled())

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, _READ)
        except OSError:  # there is no terminal any more
            return b""

    def _query_in_band_window_resize(self) -> None:
        """Never: the system tells the size, and cannot be forged by what is pasted."""

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again, also after a stop of which nothing was told beforehand."""
        if self._auto_restart:
            if self._is_drawing:
                self.suspend_application_mode()
            self.resume_application_mode()
