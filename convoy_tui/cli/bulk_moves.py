"""A bulk move: done step by step, counted, and reported even after an error or Ctrl-C."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from convoy_core import ConvoyError, Outcome, Queue, State
from convoy_core.kept import KeptFile
from convoy_tui.cli.exit_codes import Code, Ended, ending
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.interrupts import Interrupts
from convoy_tui.cli.session import Session
from convoy_tui.text.words import count, number

Outcomes: TypeAlias = "Mapping[str, StrEnum]"
Step: TypeAlias = "Callable[[], Outcomes | int]"
"""One or a few round trips. Returns the outcome of each ID, or how many were moved."""


Tally: TypeAlias = "Counter[StrEnum]"


class BulkMove(Protocol):
    """A bulk move, with its words."""

    @property
    def name(self) -> str:
        """The command."""

    @property
    def queue(self) -> str:
        """The queue."""

    @property
    def schema(self) -> str:
        """The schema of its JSON documents."""

    @property
    def head(self) -> dict[str, object]:
        """What each of them begins with."""

    @property
    def effective(self) -> tuple[StrEnum, ...]:
        """The answers of IDs that it has moved, first that of a step that only counts."""

    def missed(self, tally: Tally) -> int:
        """How many IDs were not where it looks for them."""

    def numbers(self, tally: Tally) -> dict[str, int]:
        """The tally as members of a JSON document."""

    def words(self, tally: Tally, *, dry_run: bool, is_exact: bool) -> str:
        """The tally as a sentence."""


@dataclass(frozen=True, slots=True)
class Move:
    """A bulk move from one state, with its words."""

    name: str
    queue: str
    state: State
    front: bool = False
    """Whether what is requeued goes to the head of the queue."""
    keep: KeptFile | None = None
    """Where what is discarded is kept."""

    @property
    def schema(self) -> str:
        """The schema of its JSON documents."""
        return f"convoy.{self.name}/1"

    @property
    def head(self) -> dict[str, object]:
        """What each of them begins with."""
        return {"queue": self.queue, "state": self.state}

    @property
    def loses(self) -> bool:
        """Whether it removes the IDs."""
        return self.name == "discard"

    @property
    def done(self) -> Outcome:
        """The outcome of an ID that was moved."""
        return Outcome.DISCARDED if self.loses else Outcome.QUEUED

    @property
    def effective(self) -> tuple[StrEnum, ...]:
        """The same, as the only one."""
        return (self.done,)

    @property
    def past(self) -> str:
        """The past participle of the move."""
        return "discarded" if self.loses else "requeued"

    @property
    def searches(self) -> bool:
        """Whether the store must search a list for each ID."""
        return self.loses and self.state is State.QUEUED

    def effect(self, n: int, where: str) -> str:
        """The effect as a sentence without its full stop."""
        things = count(n, f"{self.state} ID")
        if self.loses:
            return f"This forgets {things} of {self.queue}{' for good' if self.keep is None else ''}, at {where}"
        return f"This queues {things} of {self.queue} again, at {where}"

    def missed(self, tally: Tally) -> int:
        """How many IDs were not in the state."""
        return tally[Outcome.GONE]

    def numbers(self, tally: Tally) -> dict[str, int]:
        """The tally as members of a JSON document."""
        fields = {self.past: tally[self.done], "gone": tally[Outcome.GONE]}
        return fields if self.loses else fields | {"already_committed": tally[Outcome.ALREADY_COMMITTED]}

    def words(self, tally: Tally, *, dry_run: bool, is_exact: bool) -> str:
        """The tally as a sentence."""
        least = "" if is_exact else "at least "
        parts = [f"{least}{number(tally[self.done])} {'would be ' if dry_run else ''}{self.past}"]
        if n := tally[Outcome.ALREADY_COMMITTED]:
            parts.append(f"{number(n)} already waiting or running")
        if n := tally[Outcome.GONE]:
            parts.append(f"{number(n)} not {self.state}")
        return ", ".join(parts)

    def on(self, queue: Queue, ids: list[str], *, dry_run: bool = False) -> Outcomes:
        """Move these IDs, or with `dry_run` return what that would do."""
        if self.loses:
            return queue.discard(ids, state=self.state, dry_run=dry_run, keep=self.keep)
        return queue.requeue(ids, front=self.front, dry_run=dry_run)

    def on_all(self, ids: list[str]) -> Outcomes:
        """The outcomes if every ID is in the right state."""
        return dict.fromkeys(ids, self.done)


class Work:
    """One run of a bulk move."""

    def __init__(self, session: Session, move: BulkMove, *, dry_run: bool) -> None:
        self.move = move
        self.dry_run = dry_run
        self.more: dict[str, object] = {}
        """Further members of the JSON document."""
        self._session = session
        self._tally: Tally = Counter()
        self._interrupts = Interrupts()

    def do(
        self, steps: Iterable[Step], total: int | None, *, is_long: bool, reached: Callable[[], int] | None = None
    ) -> Code:
        """Run the steps, and print the tally even after an error. Raises Ended.

        `reached` returns the progress towards `total`; by default it is the number of IDs.
        """
        what = f"{self.move.name} in {self.move.queue}"
        stopped: ConvoyError | None = None
        with self._interrupts as interrupts:
            try:
                with self._session.messages.progress(what, total, shown=is_long) as meter:
                    for step in steps:
                        with interrupts.held():
                            outcomes = self._counted(step())
                        meter.moved(reached() if reached else self._tally.total(), self._tally.total())
                        self._pass_on(outcomes)
            except ConvoyError as error:
                stopped = error
            finally:
                with interrupts.held():
                    self._say()
        if stopped:
            ended = ending(stopped)
            raise Ended(Code.PARTLY, str(ended), ended.advice) if self._moved else ended
        return self._code()

    def nothing(self, why: str) -> Ended:
        """The Ended to raise if there is nothing to do."""
        if self._session.out.format is Format.JSON:
            self._say()
        return Ended(Code.NOT_FOUND, why)

    def _counted(self, result: Outcomes | int) -> Outcomes:
        if isinstance(result, int):
            self._tally[self.move.effective[0]] += result
            return {}
        self._tally.update(result.values())
        return result

    @property
    def _moved(self) -> int:
        return sum(self._tally[answer] for answer in self.move.effective)

    def _code(self) -> Code:
        missed = self.move.missed(self._tally)
        if not missed:
            return Code.DONE
        return Code.PARTLY if self._tally.total() > missed else Code.NOT_FOUND

    def _pass_on(self, outcomes: Outcomes) -> None:
        out = self._session.out
        if out.format is Format.IDS:
            out.ids(id for id, outcome in outcomes.items() if outcome in self.move.effective)
        elif out.format is Format.JSONL:
            for id, outcome in outcomes.items():
                out.document(self.move.schema, self._head() | {"id": id, "answer": outcome})

    def _say(self) -> None:
        session, move, tally = self._session, self.move, self._tally
        is_exact = self._interrupts.is_exact
        words = move.words(tally, dry_run=self.dry_run, is_exact=is_exact)
        if session.out.format is Format.JSON:
            fields = move.numbers(tally) | {"exact": is_exact}
            session.out.document(move.schema, self._head() | fields | self.more)
        elif session.out.format in (Format.TABLE, Format.PLAIN):
            session.out.line(words)
        else:
            session.messages.note(words)

    def _head(self) -> dict[str, object]:
        return self.move.head | {"dry_run": self.dry_run}
