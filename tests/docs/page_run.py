"""Runs every block of a page in order, in the working directory: `python -m tests.docs.page_run FILE [URL]`.

The Python blocks share one namespace in this process. Each shell block is one run of bash, and of a transcript each
command, on a terminal. A `background` block is started and has to run until the page ends. `title` names the file that
a block is written to first. A `not-run` block is left out; its reason stands in the page. What is left to the reader,
as the address of a store, is replaced by what is here.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.servers import free_port
from tests.waiting import patient
from tools.site.markdown import Block, blocks

SHOWN: Final = {"text", "acl"}
"""What is only looked at: output, usage, rules for users (tests/topology/test_acl.py)."""
_ADDRESS: Final = re.compile(r"redis://(?!127\.0\.0\.1:1/)[\w.]+(:\d+)?(/\d+)?")
_PORT: Final = re.compile(r"(?<=127\.0\.0\.1:)(?:9\d{3}|8000)\b")


_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|.*\r")
"""What moves the cursor or sets a colour, and what the rest of the line is written over."""


class Failed(Exception):
    """A block did not do what the page says."""


class _Process(NamedTuple):
    block: Block
    process: subprocess.Popen[str]


class Page:
    """The state of a page that is run: its namespace, its ports, and what runs in the background."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._ports: dict[str, str] = {}
        self._background: list[_Process] = []

    def run(self, block: Block) -> None:
        """Do what the block says, or raise."""
        text = self._here(block.text)
        if "title" in block.attributes:
            Path(block.attributes["title"]).write_text(text, "utf-8")
        match block.language:
            case "python":
                exec(compile(text, f"line {block.line}", "exec"), self._names)
            case "sh" if "background" in block.attributes:
                process = subprocess.Popen(["bash", "-euc", text], start_new_session=True, **_PIPES)
                self._background.append(_Process(block, process))
            case "sh":
                _expect_done(text)
            case "console":
                _compare(text)
            case "toml":
                tomllib.loads(text)
            case "json":
                json.loads(text)
            case language:
                if language not in SHOWN:
                    raise Failed(f"nobody runs blocks of {language!r}")

    def end(self) -> None:
        """Stop what runs in the background; it must have run until now."""
        gone = [each for each in self._background if each.process.poll() is not None]
        for each in self._background:
            if each.process.poll() is None:
                os.killpg(each.process.pid, signal.SIGTERM)
        said = [each.process.communicate(timeout=patient())[0] for each in self._background]
        if gone:
            raise Failed(f"it ended by itself, and should have run until it was stopped:\n{''.join(said)}")

    def _here(self, text: str) -> str:
        local = _ADDRESS.sub(self._url or "embedded:", text)
        return _PORT.sub(lambda match: self._ports.setdefault(match[0], str(free_port())), local)


_PIPES: Final[dict[str, Any]] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "text": True,
}


def _expect_done(text: str) -> None:
    done = subprocess.run(["bash", "-euc", text], **_PIPES, timeout=patient(), check=False)
    if done.returncode or "Traceback" in done.stdout:
        raise Failed(f"it ended with {done.returncode}:\n{done.stdout}")


def _on_a_terminal(text: str) -> tuple[int, str]:
    """The exit code, and what a terminal of 100 columns shows in the end."""
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 100))
    process = subprocess.Popen(
        ["bash", "-euc", text],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
    )
    os.close(terminal)
    shown = b"".join(_until_closed(ours))
    os.close(ours)
    return process.wait(patient()), _CONTROL.sub("", shown.decode().replace("\r\n", "\n"))


def _until_closed(descriptor: int) -> Iterator[bytes]:
    """What arrives there. A terminal that all programs have left is an error on Linux, and an end elsewhere."""
    with suppress(OSError):
        while piece := os.read(descriptor, 65536):
            yield piece


def _compare(transcript: str) -> None:
    """Run each command of it. Each line below it has to be in its output, in this order; see `_loosely`."""
    for command, expected in _commands(transcript):
        code, output = _on_a_terminal(command)
        rest = [" ".join(line.split()) for line in output.splitlines()]
        for wanted in expected:
            pattern = _loosely(wanted)
            found = next((i for i, line in enumerate(rest) if re.fullmatch(pattern, line)), None)
            if found is None:
                raise Failed(f"{command}\nended with {code}, and does not say {wanted!r}:\n{output}")
            rest = rest[found + 1 :]
        if code and not expected:
            raise Failed(f"{command}\nended with {code}:\n{output}")


def _loosely(wanted: str) -> str:
    """The pattern of a line: `…` is anything; a date, an age, a group and a user at a host are any of their kind."""
    pattern = re.escape(" ".join(wanted.split())).replace("…", ".*").replace("\\ ", " ").replace("\\-", "-")
    for kind in (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", r"\b\d+s\b", r"\b[0-9a-f]{8}\b", r"\S+@\S+"):
        pattern = re.sub(kind, lambda _, kind=kind: kind, pattern)
    return pattern


def _commands(transcript: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield command, [line for line in lines if line.strip()]


def main(file: str, url: str = "") -> None:
    """Run the page; the first block that fails ends it."""
    found = [each for each in blocks(Path(file).read_text("utf-8")) if "not-run" not in each.attributes]
    page = Page(url)
    for block in found:
        try:
            page.run(block)
        except Exception as error:
            raise SystemExit(f"{file}:{block.line}: {type(error).__name__}: {error}") from error
    page.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
