"""The only writer to stderr: notes, errors, questions and progress."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Color
from convoy_tui.cli.io.styled import Styled, StyledStream
from convoy_tui.text.safe_text import safe


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a logger has said: for people, and as the members of a JSON object."""

    text: str
    is_warning: bool
    members: Mapping[str, object] = field(default_factory=dict)


class Messages:
    """The messages of a command. `--quiet` drops notes, but no error or question."""

    def __init__(self, *, color: Color = Color.AUTO, quiet: bool = False) -> None:
        self.quiet = quiet
        self.is_json = False
        """Whether each is a line of JSON: `at`, `level`, `logger` and `message`, as of `JSONFormatter`."""
        self.stream = StyledStream(sys.stderr, color)

    @property
    def can_ask(self) -> bool:
        """Whether a person can answer."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def note(self, text: str, style: str = "dim") -> None:
        """Print a note."""
        if self.quiet:
            return
        if self.is_json:
            self._record("info" if style == "dim" else "warning", text)
        else:
            self._print(Styled.of(safe(text), style))

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.note(text, "yellow")

    def log(self, line: LogLine) -> None:
        """Print what a logger has said."""
        if self.is_json and not self.quiet:
            self.stream.write(json.dumps(dict(line.members)) + "\n")
        elif line.is_warning:
            self.warn(line.text)
        else:
            self.note(line.text)

    def styled(self, line: Styled) -> None:
        """Print a line of parts that are safe already. It belongs to a question, so `--quiet` does not drop it."""
        if self.is_json:
            self._record("warning", line.plain)
        else:
            self._print(line)

    def error(self, ended: Ended) -> None:
        """Print why the command stopped, and what to do next."""
        if self.is_json:
            self._record("error", f"{ended} {ended.advice or ''}".strip())
            return
        self._print(Styled.of("convoy: ", "bold red").append(safe(str(ended))))
        if ended.advice:
            self._print(Styled.of(safe(ended.advice)))

    def confirm(self, effect: str, *, yes: bool, look: str = "with --dry-run") -> None:
        """Ask for confirmation of the effect. Raises Ended, with nothing changed, if it is declined. `look` says how to
        look first.
        """
        if yes:
            return
        if not self.can_ask:
            advice = f"Nothing changed. Answer with --yes, or look first {look}."
            raise Ended(Code.UNCONFIRMED, f"{effect}; that needs a yes.", advice)
        self._print(Styled.of(safe(f"{effect}.")))
        self.stream.write("Go on? [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Ended(Code.UNCONFIRMED, "Nothing changed.")

    @contextmanager
    def progress(self, what: str, total: int | None, *, unit: str = "IDs", shown: bool = True) -> Iterator[Meter]:
        """A progress bar on a terminal, nothing elsewhere. `total` has the unit of `Meter.moved`; `unit` is counted."""
        if self.quiet or not shown or not sys.stderr.isatty():
            yield Meter()
            return
        from convoy_tui.cli.io.progress_bar import bar  # noqa: PLC0415 - few commands need one, and only on a terminal

        with bar(self.stream.console, what, total, unit) as meter:
            yield meter

    def _record(self, level: str, text: str) -> None:
        members = {"at": round(time.time(), 6), "level": level, "logger": "convoy", "message": text}
        self.stream.write(json.dumps(members) + "\n")

    def _print(self, line: Styled) -> None:
        self.stream.print(line, wraps=True)


class Meter:
    """Receives the progress of a command. This one shows nothing."""

    def moved(self, completed: int, counted: int) -> None:
        """Show the progress and the number of what is counted."""
