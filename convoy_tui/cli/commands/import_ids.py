"""`convoy import`: put IDs into a queue that `convoy export` has written, each unless it is there already."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from convoy_core import ConvoyError, InvalidInput, InvalidOption, Queue, Record, Restored
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.export_ids import SCHEMA as EXPORTED
from convoy_tui.cli.exit_codes import Code, Ended, ending
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.io.interrupts import Interrupts
from convoy_tui.cli.session import Session
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number

SCHEMA: Final = "convoy.import/1"

MAX_LINE: Final = 8 * 1024 * 1024
"""The longest line: a payload of the largest size, each byte of it escaped, and the rest."""

AT_ONCE: Final = 5000
BYTES_AT_ONCE: Final = 4 * 1024 * 1024
"""As many lines, or bytes of them, are read before they are sent: a moment's work, so that Ctrl-C takes effect."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "import", panel="Act", writes=True)(import_ids)


File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]", parser=p.path, help="What `convoy export` has written; stdin by default.", show_default=False
    ),
]


def import_ids(session: Session, queue: p.QueueName, file: File = None, *, dry_run: p.DryRun = False) -> Code:
    """Put in the IDs that `export` has written, unless they are there.

    Each gets the data that it had. Those that wait keep their order, behind what waits already. Repeating the command
    changes nothing. A line needs an "id" only.

    Examples:
      convoy import trucks trucks.jsonl
      zcat failed.jsonl.gz | convoy import trucks
      convoy import trucks trucks.jsonl --dry-run -o jsonl
    """
    source = Source([], file or Path("-"))
    if source.is_stdin and sys.stdin.isatty():
        raise InvalidInput("No file given; name what `convoy export` has written, or pipe it in.")
    if not dry_run:
        session.must_write()
    target = session.new_queue(queue)
    lines = _Lines(source)
    code = Import(session, target, source.size, dry_run=dry_run, is_long=source.is_long).run(lines.batches())
    if lines.wrong is not None:
        raise lines.wrong
    return code


class _Lines:
    """The records of a file, in batches, up to the first line that is none."""

    def __init__(self, source: Source) -> None:
        self.read = 0
        """Bytes read so far."""
        self.wrong: InvalidInput | None = None
        """What is wrong with the line that ended it."""
        self._source = source
        self._name = "stdin" if source.is_stdin else str(source.file)

    def batches(self) -> Iterator[tuple[list[Record], int]]:
        """Each with the bytes read so far. Raises InvalidInput if it cannot be read."""
        try:
            with nullcontext(sys.stdin.buffer) if self._source.is_stdin else Path(self._name).open("rb") as stream:
                yield from ((batch, self.read) for batch in self._batches(stream))
        except OSError as error:
            raise InvalidInput(f"{self._name} cannot be read: {error.strerror}.") from None

    def _batches(self, stream: BinaryIO) -> Iterator[list[Record]]:
        batch: list[Record] = []
        before = 0
        for line, raw in enumerate(iter(lambda: stream.readline(MAX_LINE + 1), b""), 1):
            self.read += len(raw)
            try:
                if not raw.isspace():
                    batch.append(_record(raw))
            except InvalidInput as error:
                self.wrong = InvalidOption(f"{self._name}, line {number(line)}: {error}")
                break
            if len(batch) == AT_ONCE or self.read - before > BYTES_AT_ONCE:
                yield batch
                batch, before = [], self.read
        yield batch


def _record(raw: bytes) -> Record:
    if len(raw) > MAX_LINE:
        raise InvalidOption(f"A line has at most {MAX_LINE:,} bytes; this one is longer.")
    try:
        members = json.loads(raw)
    except json.JSONDecodeError as error:
        raise InvalidOption(f"This is no JSON ({error.msg}, at character {error.pos + 1:,}).") from None
    except (ValueError, RecursionError) as error:
        raise InvalidOption(f"This is no JSON ({error}).") from None
    if isinstance(members, dict):
        schema = members.pop("schema", EXPORTED)
        members.pop("queue", None)
        if schema != EXPORTED:
            raise InvalidOption(f"This is {safe(str(schema), 60)}; it must be {EXPORTED}.")
    return Record.from_json(members)


class Import:
    """One run of `import` or `restore`: counts, and prints the answer for each ID if that was asked for."""

    def __init__(
        self, session: Session, queue: Queue, size: int | None, *, dry_run: bool, is_long: bool, past: str = "imported"
    ) -> None:
        self._session = session
        self._queue = queue
        self._size = size
        self._is_long = is_long
        self._past = past
        self._dry_run = dry_run
        self._tally: Counter[Restored] = Counter()
        self._interrupts = Interrupts()

    def run(self, batches: Iterator[tuple[list[Record], int]]) -> Code:
        """Restore all, and print the tally, also where an error came after some. Raises Ended."""
        what = f"to {self._queue.name}"
        stopped: ConvoyError | None = None
        with self._interrupts as interrupts:
            try:
                with self._session.messages.progress(what, self._size, shown=self._is_long) as meter:
                    for batch, read in batches:
                        with interrupts.held():
                            answers = self._restore(batch)
                        meter.moved(read, self._tally.total())
                        self._pass_on(answers)
            except ConvoyError as error:
                stopped = error
            finally:
                if stopped is None or self._tally.total():
                    with interrupts.held():
                        self._say()
        if stopped is not None and self._tally.total():
            ended = ending(stopped)
            raise Ended(Code.PARTLY, str(ended), f"What was {self._past} stays so; to repeat the command is safe.")
        if stopped is not None:
            raise stopped
        return Code.DONE

    def _restore(self, batch: list[Record]) -> list[tuple[str, Restored]]:
        answers: list[tuple[str, Restored]] = []
        for chunk in self._queue.restore_chunks(batch, dry_run=self._dry_run, ahead=True):
            self._tally.update(answer for _, answer in chunk)
            answers += chunk
        return answers

    def _pass_on(self, answers: list[tuple[str, Restored]]) -> None:
        out = self._session.out
        if out.format is Format.IDS:
            out.ids(id for id, answer in answers if answer is not Restored.PRESENT)
        elif out.format is Format.JSONL:
            for id, answer in answers:
                out.document(SCHEMA, self._head() | {"id": id, "answer": answer})

    def _say(self) -> None:
        out, tally = self._session.out, self._tally
        is_exact = self._interrupts.is_exact
        if out.format is Format.JSON:
            counts = {answer.value: tally[answer] for answer in Restored}
            out.document(SCHEMA, self._head() | counts | {"exact": is_exact})
            return
        would = f"would be {self._past}" if self._dry_run else self._past
        parts = [
            f"{number(tally[answer])} {'already there' if answer is Restored.PRESENT else f'{would} as {answer}'}"
            for answer in Restored
            if tally[answer]
        ]
        words = ("" if is_exact else "at least ") + (", ".join(parts) or f"0 {would}")
        if out.format in (Format.TABLE, Format.PLAIN):
            out.line(words)
        else:
            self._session.messages.note(words)

    def _head(self) -> dict[str, object]:
        return {"queue": self._queue.name, "dry_run": self._dry_run}
