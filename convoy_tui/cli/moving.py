"""`convoy requeue` and `convoy discard`: named IDs, or those that filters find, with the exact effect stated first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Annotated

import typer
from rich.text import Text

from convoy_core import ConvoyError, InvalidInput, Outcome, Queue, State
from convoy_core.calls import chunked
from convoy_core.options import BATCH
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exits import Code, Ended, ending
from convoy_tui.cli.output import Format
from convoy_tui.cli.reading import Source
from convoy_tui.cli.selecting import Filter, Window
from convoy_tui.cli.session import Session
from convoy_tui.words import count, number

SOUGHT_AT_ONCE = 100_000
"""IDs that a dry run looks for in the list at a time: each time the list is read from its head on."""


class Discarded(StrEnum):
    """Where `discard` may take IDs from."""

    QUEUED = "queued"
    DELAYED = "delayed"
    FAILED = "failed"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "requeue", panel="Act", writes=True)(requeue)
    command(app, "discard", panel="Act", writes=True)(discard)


def requeue(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    file: p.FromFile = None,
    nul: p.Nul = False,
    everything: p.All = False,
    match: p.Match = None,
    error: p.ErrorText = None,
    min_failures: p.MinFailures = None,
    limit: p.Limit = None,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Queue failed IDs again, named or filtered.

    With filters, what would be requeued is counted first, and asked about.

    Examples:
      convoy requeue trucks 42
      convoy requeue trucks --all
      convoy requeue trucks --error timeout --limit 100 --yes
      convoy list trucks --state failed --all -o ids | convoy requeue trucks -
    """
    source = Source(ids or [], file, nul)
    chosen = _Choice(source, Filter(match, error, min_failures), everything=everything, limit=limit)
    return _move(session, _Move("requeue", queue, State.FAILED), chosen, yes=yes, dry_run=dry_run)


def discard(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    state: Annotated[
        Discarded, typer.Option("--state", "-s", metavar="STATE", help="failed, queued or delayed.")
    ] = Discarded.FAILED,
    file: p.FromFile = None,
    nul: p.Nul = False,
    everything: p.All = False,
    match: p.Match = None,
    error: p.ErrorText = None,
    min_failures: p.MinFailures = None,
    limit: p.Limit = None,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Forget IDs that failed or wait, for good.

    What would be lost is counted first, and asked about.

    Examples:
      convoy discard trucks 42
      convoy discard trucks --all --dry-run
      convoy discard trucks --state queued --match 'test-*'
    """
    source = Source(ids or [], file, nul)
    chosen = _Choice(source, Filter(match, error, min_failures), everything=everything, limit=limit)
    return _move(session, _Move("discard", queue, State(state.value)), chosen, yes=yes, dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Move:
    """Which of the two it is, in words."""

    name: str
    queue: str
    state: State

    @property
    def loses(self) -> bool:
        return self.name == "discard"

    @property
    def done(self) -> Outcome:
        return Outcome.DISCARDED if self.loses else Outcome.QUEUED

    @property
    def past(self) -> str:
        return "discarded" if self.loses else "requeued"

    def effect(self, n: int, where: str) -> str:
        """What it will do, as a sentence without its full stop."""
        things = count(n, f"{self.state} ID")
        if self.loses:
            return f"This forgets {things} of {self.queue} for good, at {where}"
        return f"This queues {things} of {self.queue} again, at {where}"

    def words(self, tally: Counter[Outcome], *, dry_run: bool) -> str:
        """The tally as a sentence."""
        parts = [f"{number(tally[self.done])} {'would be ' if dry_run else ''}{self.past}"]
        if n := tally[Outcome.ALREADY_COMMITTED]:
            parts.append(f"{number(n)} already waiting or running")
        if n := tally[Outcome.GONE]:
            parts.append(f"{number(n)} not {self.state}")
        return ", ".join(parts)

    def on(self, queue: Queue, ids: Iterable[str], *, dry_run: bool = False) -> dict[str, Outcome]:
        if self.loses:
            return queue.discard(ids, state=self.state, dry_run=dry_run)
        return queue.requeue(ids, dry_run=dry_run)

    def would(self, queue: Queue, choice: _Choice) -> Iterator[dict[str, Outcome]]:
        """What it would do, a batch at a time, for no more than doing it costs."""
        if self.loses and choice.found is not None:  # what has just been seen in the state is there
            return (dict.fromkeys(batch, self.done) for batch in choice.batches())
        ids = chain.from_iterable(choice.batches())
        size = SOUGHT_AT_ONCE if self.state is State.QUEUED else BATCH
        return (self.on(queue, batch, dry_run=True) for batch in chunked(ids, size))


@dataclass(slots=True)
class _Choice:
    """Which IDs are meant: the named ones, or those that filters find, kept so that what was shown is what is done."""

    source: Source
    filter: Filter
    everything: bool
    limit: int | None
    found: list[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        filtered = self.everything or not self.filter.is_empty or self.limit is not None
        if self.source.is_given and filtered:
            raise InvalidInput("Give IDs or filters, not both.")
        if not self.source.is_given and not filtered:
            raise InvalidInput("No IDs given; name them, or use --from FILE, - for stdin, --all or a filter.")

    @property
    def is_named(self) -> bool:
        """Whether the IDs were named one by one."""
        return self.source.is_given

    @property
    def is_whole_state(self) -> bool:
        """Whether everything is meant, so that nothing needs to be looked for."""
        return self.everything and self.filter.is_empty and self.limit is None

    def find(self, queue: Queue, state: State) -> None:
        """Look for the entries that fit."""
        if not self.is_named:
            window = Window(queue, state, self.filter)
            self.found = [entry.id for entry in window.entries(self.limit)]

    def batches(self) -> Iterator[list[str]]:
        """The IDs, one round trip's worth at a time."""
        blocks: Iterable[list[str]] = self.source.blocks() if self.found is None else [self.found]
        for block in blocks:
            yield from chunked(block)


def _move(session: Session, move: _Move, choice: _Choice, *, yes: bool, dry_run: bool) -> Code:
    if not dry_run:
        session.must_write()
    queue = session.queue(move.queue)
    if choice.is_whole_state and move.loses and session.out.format not in (Format.IDS, Format.JSONL):
        return _discard_all(session, queue, move, yes=yes, dry_run=dry_run)
    choice.find(queue, move.state)
    if choice.found == []:
        raise Ended(Code.NOT_FOUND, f"Nothing that is {move.state} in {move.queue} matches.")
    if not (yes or dry_run) and (move.loses or not choice.is_named):
        _ask(session, queue, move, choice)
    return _act(session, queue, move, choice, dry_run=dry_run)


def _discard_all(session: Session, queue: Queue, move: _Move, *, yes: bool, dry_run: bool) -> Code:
    """Discard a whole state without a list of its IDs: seconds for a million."""
    n = _how_many(queue, move.state)
    if not n:
        raise Ended(Code.NOT_FOUND, f"There is nothing {move.state} in {move.queue}.")
    if dry_run:
        _say(session, move, Counter({move.done: n}), dry_run=True)
        return Code.DONE
    session.talk.confirm(move.effect(n, session.where), yes=yes)
    try:
        gone = queue.discard_all(move.state)
    except KeyboardInterrupt:
        left = count(_how_many(queue, move.state), f"{move.state} ID is", f"{move.state} IDs are")
        session.talk.styled(Text(f"Interrupted; {left} left."))
        raise
    _say(session, move, Counter({move.done: gone}), dry_run=False)
    return Code.DONE


def _how_many(queue: Queue, state: State) -> int:
    n: int = getattr(queue.counts(), state.value)
    return n


def _ask(session: Session, queue: Queue, move: _Move, choice: _Choice) -> None:
    """State the exact effect, found by a dry run on the same path, and ask; one requeued ID needs no question."""
    if choice.source.is_stdin:
        raise Ended(
            Code.UNCONFIRMED,
            "The IDs come from stdin, so the question cannot be asked there.",
            "Nothing changed. Answer with --yes, or look first with --dry-run.",
        )
    tally: Counter[Outcome] = Counter()
    for outcomes in move.would(queue, choice):
        tally.update(outcomes.values())
    n = tally[move.done]
    if n > 1 or (n and move.loses):
        session.talk.confirm(move.effect(n, session.where), yes=False)


def _act(session: Session, queue: Queue, move: _Move, choice: _Choice, *, dry_run: bool) -> Code:
    tally: Counter[Outcome] = Counter()
    stopped: ConvoyError | None = None
    known = len(choice.found) if choice.found is not None else None
    total = known if known is not None else choice.source.size
    is_long = known > BATCH if known is not None else choice.source.is_long
    try:
        with session.talk.progress(f"{move.name} in {move.queue}", total, shown=is_long) as meter:
            does = move.would(queue, choice) if dry_run else (move.on(queue, batch) for batch in choice.batches())
            for outcomes in does:
                tally.update(outcomes.values())
                meter.moved(tally.total() if known is not None else choice.source.read, tally.total())
                _pass_on(session, move, outcomes, dry_run=dry_run)
    except ConvoyError as error:
        stopped = error
    finally:
        _say(session, move, tally, dry_run=dry_run)
    if stopped:
        ended = ending(stopped)
        raise Ended(Code.PARTLY, str(ended), ended.advice) if tally[move.done] else ended
    return _code(move, tally)


def _code(move: _Move, tally: Counter[Outcome]) -> Code:
    if not tally[Outcome.GONE]:
        return Code.DONE
    return Code.PARTLY if tally.total() > tally[Outcome.GONE] else Code.NOT_FOUND


def _pass_on(session: Session, move: _Move, outcomes: dict[str, Outcome], *, dry_run: bool) -> None:
    if session.out.format is Format.IDS:
        session.out.ids(id for id, outcome in outcomes.items() if outcome is move.done)
    elif session.out.format is Format.JSONL:
        for id, outcome in outcomes.items():
            fields = {"queue": move.queue, "id": id, "outcome": outcome, "dry_run": dry_run}
            session.out.document(f"convoy.{move.name}/1", fields)


def _say(session: Session, move: _Move, tally: Counter[Outcome], *, dry_run: bool) -> None:
    words = move.words(tally, dry_run=dry_run)
    if session.out.format is Format.JSON:
        fields = {"queue": move.queue, "state": move.state, "dry_run": dry_run, move.past: tally[move.done]}
        if not move.loses:
            fields["already_committed"] = tally[Outcome.ALREADY_COMMITTED]
        session.out.document(f"convoy.{move.name}/1", {**fields, "gone": tally[Outcome.GONE]})
    elif session.out.format in (Format.TABLE, Format.PLAIN):
        session.out.line(words)
    else:
        session.talk.note(words)
