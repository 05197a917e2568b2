"""The audit in the reference model: one operator, all of whose acts of one kind in a row are one entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

BY = "ann"
"""The operator's signature."""
UNCHANGED = {"already_committed", "gone", "held", "locked"}


@dataclass(slots=True)
class Act:
    """One entry."""

    verb: str
    at: int
    outcomes: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    """The limits before and after."""


@dataclass(slots=True)
class Audit:
    """Of one queue."""

    acts: list[Act] = field(default_factory=list)
    requeued: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    """When an operation of requeueing began, when these IDs were, and which."""

    def note_requeue(self, words: Mapping[str, str], now: int) -> None:
        """What became of each ID, and which can be taken back."""
        self.note("requeue", words, now)
        if queued := tuple(id for id, word in words.items() if word == "queued"):
            self.requeued.append((self.acts[-1].at, now, queued))

    def note_limits(self, word: str, before: str, after: str, now: int) -> None:
        """What limits the queue from now on."""
        self.note("limit", {"": word}, now, has_ids=False)
        more = self.acts[-1].more
        self.acts[-1].more = {"before": more.get("before", before), "after": after}

    def note(self, verb: str, words: Mapping[str, str], now: int, *, has_ids: bool = True) -> None:
        """What became of each ID."""
        changed = {id: word for id, word in words.items() if word not in UNCHANGED}
        if not changed:
            return
        if not self.acts or self.acts[-1].verb != verb:
            self.acts.append(Act(verb, now))
        act = self.acts[-1]
        act.outcomes.update(changed.values())
        act.samples = (act.samples + [*changed] * has_ids)[:10]

    def contents(self) -> list[str]:
        """As the store holds it."""
        return [
            " ".join(
                [f"by {BY} verb {act.verb} at {act.at} outcomes"]
                + [f"{word} {n}" for word, n in act.outcomes.items()]
                + [f"{name} {told}" for name, told in act.more.items()]
                + [f"id {id}" for id in act.samples]
            )
            for act in self.acts
        ]

    def requeued_contents(self) -> list[str]:
        """As the store holds which IDs were requeued."""
        return [
            " ".join([f"by {BY} at {at} time {time}", *(f"id {id}" for id in ids)]) for at, time, ids in self.requeued
        ]
