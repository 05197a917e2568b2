"""The only writer to stderr: notes, errors, questions and progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Color
from convoy_tui.cli.io.output import console_for
from convoy_tui.text.safe_text import safe


class Messages:
    """What a command says beside its answer. Quiet drops the notes, never an error or a question."""

    def __init__(self, *, color: Color = Color.AUTO, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console: Console = console_for(sys.stderr, color)
        self.console.soft_wrap = not self.console.is_terminal  # a person gets lines broken between words

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def note(self, text: str, style: str = "dim") -> None:
        """Say something that is good to know."""
        if not self.quiet:
            self.console.print(Text(safe(text), style=style))

    def warn(self, text: str) -> None:
        """Say something that may be a mistake."""
        self.note(text, "yellow")

    def styled(self, text: Text) -> None:
        """A line made of parts that are safe already; part of a question, so quiet does not drop it."""
        self.console.print(text)

    def error(self, ended: Ended) -> None:
        """Say why the command stopped, and what to do next."""
        line = Text.assemble(("convoy: ", "bold red"), safe(str(ended)))
        self.console.print(line)
        if ended.advice:
            self.console.print(Text(safe(ended.advice)))

    def confirm(self, effect: str, *, yes: bool) -> None:
        """Go on only if the effect is agreed to. Raises Ended with nothing changed."""
        if yes:
            return
        if not self.can_ask:
            advice = "Nothing changed. Answer with --yes, or look first with --dry-run."
            raise Ended(Code.UNCONFIRMED, f"{effect}; that needs a yes.", advice)
        self.console.print(Text(safe(f"{effect}.")))
        self.console.print("Go on? [y/N] ", end="")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Ended(Code.UNCONFIRMED, "Nothing changed.")

    @contextmanager
    def progress(self, what: str, total: int | None, *, shown: bool = True) -> Iterator[Meter]:
        """A progress bar on a terminal, nothing elsewhere. `total` is in whatever the meter is moved by."""
        if self.quiet or not shown or not sys.stderr.isatty():
            yield Meter()
            return
        from convoy_tui.cli.io.progress_bar import bar  # noqa: PLC0415 - few commands draw one, and only on a terminal

        with bar(self.console, what, total) as meter:
            yield meter


class Meter:
    """What tells how far a command is; this one shows nothing."""

    def moved(self, completed: int, ids: int) -> None:
        """Show how far it is, and the number of IDs."""
