"""The moves of chosen IDs that the pages offer: what each asks of the store, and its answers in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from convoy_core import BATCH, AsyncQueue, Cancelled, ConvoyError, Fault, FaultKind, Outcome, Published, Repaired, State
from convoy_core.kept import KeptFile
from convoy_tui.dashboard.board.board import Place
from convoy_tui.dashboard.board.commands import command, quoted
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.services import Done
from convoy_tui.text.entry_filter import Filter, as_options
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

_SEARCHED = 50
"""IDs per step where the store must search a list for each; see `convoy_tui/cli/selected.py`."""
_SOUGHT = 10_000
"""IDs per step of a dry run there: each step reads the list once."""

Answers = Mapping[str, StrEnum]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The IDs that a move is to act on."""

    queue: str
    ids: Collection[str]
    filter: Filter | None = None
    """The filter that found them, if they are all that it found."""
    state: State | None = None
    """Their state, if they are all that are listed there."""

    @property
    def sample(self) -> str:
        """The first few of them."""
        shown = ", ".join(safe(id, 30) for id in islice(self.ids, 3))
        rest = len(self.ids) - 3
        return f"{shown} and {number(rest)} more" if rest > 0 else shown

    @property
    def named(self) -> str:
        """The IDs as arguments of a command, or where they would stand."""
        if len(self.ids) > 3:
            return "--from IDS.txt"
        return ("-- " if any(id.startswith("-") for id in self.ids) else "") + " ".join(map(quoted, self.ids))

    @property
    def filtered(self) -> str | None:
        """The filter as options of `requeue` and `discard`; None where these have no such options."""
        if self.filter is None or self.filter.worker is not None or self.filter.older_than is not None:
            return None
        return as_options(self.filter) or "--all"


@dataclass(frozen=True, slots=True)
class IDMove:
    """One move of IDs."""

    verb: str
    command: str
    """The command that does the same, with `{queue}` and `{ids}`."""
    on: Callable[[AsyncQueue, Sequence[str], bool], Awaitable[Answers]]
    """Do it to these IDs, or with True only ask what that would do."""
    done: Mapping[StrEnum, tuple[str, str]]
    """The answers of IDs that it moves: what will happen, and what has happened to so many."""
    left: Mapping[StrEnum, str]
    """The answers of those that it leaves alone, and why."""
    size: int = BATCH
    asked_size: int = BATCH
    discards: State | None = None
    """The state from which it removes IDs, if it does."""
    takes_filters: bool = False
    """Whether the command has options for filters."""

    @property
    def loses(self) -> bool:
        """Whether it removes IDs."""
        return self.discards is not None

    def effects(self, tally: Counter[StrEnum]) -> list[tuple[int, str, Tone]]:
        """What it would do, a line for each answer."""
        first = next(iter(self.done))
        lines = [(tally[a], text, Tone.STRONG) for a, (text, _) in self.done.items() if tally[a] or a is first]
        return lines + [(tally[a], f"{why}: left alone", Tone.NORMAL) for a, why in self.left.items() if tally[a]]

    def moved(self, tally: Counter[StrEnum]) -> int:
        """How many it moves."""
        return sum(tally[answer] for answer in self.done)

    def told(self, tally: Counter[StrEnum]) -> Done:
        """What has happened."""
        parts = [text.format(count(tally[a], "ID")) for a, (_, text) in self.done.items() if tally[a]]
        parts = parts or [f"{self.verb}: nothing done"]
        parts += [f"{number(tally[a])} {why}" for a, why in self.left.items() if tally[a]]
        text = "; ".join(parts)
        return Done(f"{text[0].upper()}{text[1:]}.", Tone.FINE if self.moved(tally) else Tone.WARNING)

    def shown_command(self, place: Place, chosen: Chosen) -> str:
        """The command that does the same on this store."""
        ids = (chosen.filtered if self.takes_filters else None) or chosen.named
        return self.command.format(queue=quoted(chosen.queue), ids=ids).replace("convoy", command(place), 1)


async def _requeue(queue: AsyncQueue, ids: Sequence[str], is_dry: bool) -> Answers:
    return await queue.requeue(ids, dry_run=is_dry)


async def _cancel(queue: AsyncQueue, ids: Sequence[str], is_dry: bool) -> Answers:
    return await queue.cancel(ids, dry_run=is_dry)


async def _rerun(queue: AsyncQueue, ids: Sequence[str], is_dry: bool) -> Answers:
    answers: dict[str, StrEnum] = {}
    async for chunk in queue.publish_chunks(ids, rerun=True, dry_run=is_dry):
        answers.update(zip(chunk.ids, chunk.answers(), strict=True))
    return answers


async def _repair(queue: AsyncQueue, ids: Sequence[str], is_dry: bool) -> Answers:
    if is_dry:  # a repair looks at each again by itself
        return dict.fromkeys(ids, Repaired.QUEUED)
    repaired = await queue.repair([Fault(FaultKind.MISSING, id) for id in ids])
    return {fault.id: answer for fault, answer in repaired.items()}


REQUEUE = IDMove(
    "Requeue",
    "convoy requeue {queue} {ids}",
    _requeue,
    {Outcome.QUEUED: ("will be queued again, at the end", "requeued {}")},
    {
        Outcome.ALREADY_COMMITTED: "already waiting or running (dropped from failed)",
        Outcome.GONE: "no longer failed",
    },
    takes_filters=True,
)

CANCEL = IDMove(
    "Cancel",
    "convoy cancel {queue} {ids}",
    _cancel,
    {
        Cancelled.CANCELLED: ("waiting: will be forgotten", "cancelled {}"),
        Cancelled.CANCELLING: ("running: will be asked to end", "asked {} to end"),
    },
    {
        Cancelled.NODE: "run by a Node worker, which cannot be asked",
        Cancelled.FAILED: "failed already",
        Cancelled.ABSENT: "neither waiting nor running any more",
        Cancelled.MISSING: "committed, but in no place",
    },
    size=_SEARCHED,
    asked_size=_SOUGHT,
)

RERUN = IDMove(
    "Run again",
    "convoy publish {queue} --rerun {ids}",
    _rerun,
    {
        Published.WILL_RERUN: ("running: will run once more when that run ends", "{} will run once more"),
        Published.QUEUED: ("neither waiting nor running: will be queued", "queued {}"),
    },
    {
        Published.ALREADY_QUEUED: "already waiting",
        Published.ALREADY_DELAYED: "already waiting for its time",
        Published.PROCESSING: "run by a Node worker, which knows no rerun",
    },
)

REPAIR = IDMove(
    "Queue",
    "convoy doctor {queue} --fix",
    _repair,
    {Repaired.QUEUED: ("in no place: will be put into the queue", "queued {}")},
    {Repaired.GONE: "in order by then"},
)


def where_kept(kept: KeptFile) -> str:
    """How to bring back what was discarded, behind a sentence that says how much was."""
    return f" To bring them back: convoy restore {quoted(safe(str(kept.path), 300))}" if kept.count else ""


def broke_off(kept: KeptFile, error: ConvoyError) -> Done:
    """What to say of a discard that broke off in its first slice, when that was done in part."""
    done = f"Discarded {count(kept.count, 'ID')}.{where_kept(kept)}"
    return Done(f"{done} Then it broke off: {safe(str(error), 200)}", Tone.ALARM)


def discard_from(state: State) -> IDMove:
    """The discard of IDs that are in this state."""

    async def discard(queue: AsyncQueue, ids: Sequence[str], is_dry: bool) -> Answers:
        return await queue.discard(ids, state=state, dry_run=is_dry)

    searches = state is State.QUEUED
    return IDMove(
        "Discard",
        f"convoy discard {{queue}} --state {state} {{ids}}",
        discard,
        {Outcome.DISCARDED: ("will be removed, and kept in a file", "discarded {}")},
        {Outcome.GONE: f"no longer {state}"},
        size=_SEARCHED if searches else BATCH,
        asked_size=_SOUGHT if searches else BATCH,
        discards=state,
        takes_filters=True,
    )
