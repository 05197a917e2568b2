"""`convoy publish`: publish IDs, streamed, and print a tally."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import Annotated

import typer

from convoy_core import (
    BATCH,
    Chunk,
    ConvoyError,
    DelayPolicy,
    InvalidOption,
    Payload,
    PayloadPolicy,
    Published,
    Queue,
    StoreError,
    Tally,
)
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.publish_words import not_taken, tally_words
from convoy_tui.cli.exit_codes import Code, Ended, ending
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.io.interrupts import Interrupts
from convoy_tui.cli.session import Session
from convoy_tui.text.words import count

SCHEMA = "convoy.publish/1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "publish", panel="Act", writes=True)(publish)


Rerun = Annotated[bool, typer.Option("--rerun", help="Run IDs that are running now once more.")]
Front = Annotated[bool, typer.Option("--front", help="Put the IDs at the head of the queue.")]
Delay = Annotated[
    float | None,
    typer.Option("--delay", metavar="TIME", parser=p.seconds, help="Delay the IDs by this time, like 10m."),
]
PayloadText = Annotated[
    str | None, typer.Option("--payload", metavar="JSON", help="A JSON value for the handler, the same for all.")
]
ForPayload = Annotated[
    PayloadPolicy,
    typer.Option("--payload-policy", metavar="WORD", help="keep or replace: which payload IDs have that wait already."),
]
ForDelay = Annotated[
    DelayPolicy,
    typer.Option(
        "--delay-policy",
        metavar="WORD",
        help="keep, earlier or later: when delayed IDs are due.",
    ),
]
WaitReplicas = Annotated[
    int,
    typer.Option(
        "--wait-replicas",
        metavar="N",
        parser=p.natural,
        help="Wait until N replicas confirm, at most 1 s each time.",
        show_default=False,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="End with 5 if any ID was refused.")]


def publish(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    file: p.FromFile = None,
    nul: p.Nul = False,
    rerun: Rerun = False,
    front: Front = False,
    delay: Delay = None,
    payload: PayloadText = None,
    payload_policy: ForPayload = PayloadPolicy.KEEP,
    delay_policy: ForDelay = DelayPolicy.KEEP,
    wait_replicas: WaitReplicas = 0,
    strict: Strict = False,
    otel: p.Otel = None,
    dry_run: p.DryRun = False,
) -> Code:
    """Put IDs into a queue, each unless it is there already.

    The answer is a tally: published, already waiting, already running. Repeating the command is safe.

    Examples:
      convoy publish trucks 42 43 44
      seq 1 1000 | convoy publish trucks -
      convoy publish trucks --from ids.txt --delay 10m
      find . -print0 | convoy publish files - -0
      convoy publish trucks 42 --wait-replicas 1
      convoy publish trucks 42 --payload '{"color": "red"}' --rerun
      convoy publish trucks 42 --payload 7 --payload-policy replace
      convoy publish trucks 42 --delay 30s --delay-policy later
    """
    source = Source(ids or [], file, nul)
    source.require()
    if front and delay:
        raise InvalidOption("Give --front or --delay, not both.")
    content = _payload(payload)
    if not dry_run:
        session.must_write()
    session.trace(otel)
    target = session.new_queue(queue)
    chunks = partial(
        target.publish_chunks,
        payload=content,
        delay_s=delay or 0.0,
        front=front,
        rerun=rerun,
        dry_run=dry_run,
        wait_replicas=wait_replicas,
        payload_policy=payload_policy,
        delay_policy=delay_policy,
        ahead=True,
    )
    asked = {"delay": delay, "front": front, "payload": payload is not None, "rerun": rerun}
    options = [name for name, is_set in asked.items() if is_set]
    run = _Run(session, target, source, dry_run=dry_run, options=options, policies=(payload_policy, delay_policy))
    run.publish(chunks)
    if not dry_run and (run.tally.will_rerun or (delay and run.tally.published)):
        _say_who_is_needed(session, target)
    return Code.PARTLY if strict and run.tally.refused else Code.DONE


def _say_who_is_needed(session: Session, queue: Queue) -> None:
    """Say so if only a Convoy pool can do what was asked: Node workers ignore delays and reruns.

    A store user without the permission to read this gets no message.
    """
    with suppress(StoreError):
        if not queue.snapshot().workers:
            session.messages.note(f"No Convoy worker is at {queue.name} now; delays and reruns wait for one.")


class _Run:
    """One run of `publish`: prints the answer for each ID if that was asked for, and counts."""

    def __init__(
        self,
        session: Session,
        queue: Queue,
        source: Source,
        *,
        dry_run: bool,
        options: list[str],
        policies: tuple[PayloadPolicy, DelayPolicy],
    ) -> None:
        self.tally = Tally()
        self._queued = 0
        """How many were refused since they are in the list: they have no time that a publish could move."""
        self._policies = policies
        self._messages = session.messages
        self._out = session.out
        self._queue = queue.name
        self._source = source
        self._dry_run = dry_run
        self._options = options
        self._interrupts = Interrupts()
        self._chunks: Iterator[Chunk] = iter(())
        self._is_stopping = False

    def publish(self, chunks_of: Callable[[Iterable[str]], Iterator[Chunk]]) -> None:
        """Publish all IDs, and print the tally even after an error. Raises Ended with PARTLY if interrupted."""
        source = self._source
        with self._interrupts as interrupts:
            try:
                with self._messages.progress(
                    f"publishing to {self._queue}", source.size, shown=source.is_long
                ) as meter:
                    for block in source.blocks():
                        self._chunks = chunks_of(chain.from_iterable(self._until_stopped(block)))
                        while (chunk := self._next()) is not None:
                            meter.moved(source.read, self.tally.total)
                            self._pass_on(chunk)
            except ConvoyError as error:
                if not self.tally.published:
                    raise
                ended = ending(error)
                advice = ended.advice or "What was published stays so; publishing all again is safe."
                raise Ended(Code.PARTLY, str(ended), advice) from error
            finally:
                self._stop()
                if not isinstance(sys.exc_info()[1], ConvoyError) or self.tally.total:
                    with interrupts.held():
                        self._close()

    def _until_stopped(self, ids: list[str]) -> Iterator[list[str]]:
        """The IDs, piece by piece; none once it stops, so that no more is sent."""
        for start in range(0, len(ids), BATCH):
            if self._is_stopping or self._interrupts.is_waiting:
                return
            yield ids[start : start + BATCH]

    def _next(self) -> Chunk | None:
        """The next chunk, counted as soon as the store has answered. The one after it has been sent by then."""
        with self._interrupts.held():
            if (chunk := next(self._chunks, None)) is not None:
                self._count(chunk)
        return chunk

    def _count(self, chunk: Chunk) -> None:
        self.tally += chunk.tally
        self._queued += sum(n for answer, n in chunk.runs if answer is Published.ALREADY_QUEUED)

    def _stop(self) -> None:
        """Count what has been sent when it ends before its time."""
        self._is_stopping = True
        if sys.exc_info()[0] is not None:
            with suppress(KeyboardInterrupt, ConvoyError), self._interrupts.held(is_second=True):
                for chunk in self._chunks:
                    self._count(chunk)

    def _close(self) -> None:
        """Print the tally as the answer, or as a note if the answer lists each ID."""
        tally = self.tally
        is_exact = self._interrupts.is_exact
        words = tally_words(tally, dry_run=self._dry_run, is_exact=is_exact)
        kept = not_taken(tally, self._options, self._queued, *self._policies)
        if kept:
            words += f"; not taken for what was there already: {', '.join(f'--{name}' for name in kept)}"
        if self._out.format is Format.JSON:
            self._out.document(SCHEMA, self._head() | asdict(tally) | {"exact": is_exact, "not_taken": kept})
        elif self._out.format in (Format.TABLE, Format.PLAIN):
            self._out.line(words)
        else:
            self._messages.note(words)
        if self._source.empty:
            self._messages.note(f"{count(self._source.empty, 'empty line')} skipped.")
        if self._source.returns:
            has = count(self._source.returns, "ID ends", "IDs end")
            self._messages.warn(f"{has} in a carriage return, which was kept; if it is not meant: tr -d '\\r'")
        if self._source.has_mark:
            self._messages.warn(
                "The first ID begins with a byte order mark, which was kept; if it is not meant: tail -c +4"
            )

    def _pass_on(self, chunk: Chunk) -> None:
        if self._out.format is Format.IDS:
            pairs = zip(chunk.ids, chunk.answers(), strict=True)
            self._out.ids(id for id, answer in pairs if answer.is_accepted)
        elif self._out.format is Format.JSONL:
            for id, answer in zip(chunk.ids, chunk.answers(), strict=True):
                self._out.document(SCHEMA, self._head() | {"id": id, "answer": answer})

    def _head(self) -> dict[str, object]:
        return {"queue": self._queue, "dry_run": self._dry_run}


def _payload(text: str | None) -> Payload:
    if text is None:
        return None
    try:
        value: Payload = json.loads(text)
    except ValueError as error:
        raise InvalidOption(f"--payload is no JSON ({error}); text needs its own quotes, like '\"red\"'.") from None
    return value
