"""The command of `convoy watch`: run for each change, a few at a time, and never waited for by the watching."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from convoy_core import InvalidOption
from convoy_core.system import system_text
from convoy_tui.cli.io.messages import Messages
from convoy_tui.text.safe_text import safe

LONGEST_S: Final = 60.0
"""A command that runs longer is killed: one that hangs must not keep others from running."""
AT_ONCE: Final = 4
_PLACEHOLDER: Final = "{}"


class AlarmCommand:
    """A command line without a shell. Raises InvalidOption if there is no such program."""

    def __init__(self, words: str, messages: Messages) -> None:
        try:
            self._words = shlex.split(words)
        except ValueError as error:
            raise InvalidOption(f"--on-change cannot be split into words: {error}.") from None
        if not self._words or shutil.which(system_text(self._words[0])) is None:
            raise InvalidOption(
                f"--on-change: there is no program {safe(repr(self._words[0] if self._words else ''))}."
            )
        self._messages = messages
        self._threads = ThreadPoolExecutor(AT_ONCE, "convoy-on-change")

    def run(self, queue: str, health: str, before: str, severity: str, why: str) -> None:
        """Have it run soon. Returns at once."""
        told = {"QUEUE": queue, "HEALTH": health, "BEFORE": before, "SEVERITY": severity}
        environment = os.environ | {f"CONVOY_{name}": system_text(value) for name, value in told.items()}
        environment.pop("CONVOY_REDIS_URL", None)  # it may hold a password
        subject = f"{queue}: " if queue else ""
        self._threads.submit(self._run, queue, environment, f"{subject}{health}. {why}\n")

    def close(self) -> None:
        """Wait for what runs."""
        self._threads.shutdown()

    def _would_be_an_option(self) -> bool:
        return _PLACEHOLDER in self._words and "--" not in self._words[: self._words.index(_PLACEHOLDER)]

    def _run(self, queue: str, environment: dict[str, str], sentence: str) -> None:
        if queue.startswith("-") and self._would_be_an_option():
            self._messages.warn("--on-change: the queue's name begins with '-'; write -- before {}.")
            return
        words = [system_text(queue if word == _PLACEHOLDER else word) for word in self._words]
        try:
            ended = subprocess.run(  # noqa: S603 - the user's own command, and no shell
                words,
                input=sentence.encode("utf-8", "backslashreplace"),
                env=environment,
                stdout=subprocess.DEVNULL,
                timeout=LONGEST_S,
                check=False,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._messages.warn(f"--on-change: {safe(str(error), 200)}")
            return
        if ended.returncode:
            self._messages.warn(f"--on-change ended with exit status {ended.returncode}.")
