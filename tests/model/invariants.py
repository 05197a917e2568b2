"""The invariants of the design, on a whole store, without any model: they hold after every step of our own clients."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.model.wire import Contents


class Places:
    """Where every ID is, read off the store."""

    def __init__(self, found: Contents) -> None:
        read: dict[str, Any] = {**found}
        self.listed = Counter[str](read.get("queued", ()))
        for name, content in read.items():
            if name.startswith("claim:"):
                self.listed.update(content)
        self.delayed = set(read.get("delayed", ()))
        self.processing = set(read.get("processing", ()))
        self.committed = set(read.get("committed", ()))
        self.failed = set(read.get("failed", ()))
        self.started: dict[str, str] = dict(read.get("started", {}))
        entries: dict[str, str] = dict(read.get("owner", {}))
        self.owner = {id: entry.partition("@")[0] for id, entry in entries.items()}
        self.starts = {id: entry.partition("@")[2] for id, entry in entries.items()}
        self.rerun = set(read.get("rerun", ()))
        self.marks: dict[str, str] = dict(read.get("cancelling", {}))
        self.remembered = {
            name: set(read.get(name, ())) for name in ("published", "attempts", "failures", "crashes", "requests")
        }
        self.shown = {name: set(read.get(name, ())) for name in ("payload", "failure")}

    def count(self, id: str) -> int:
        """In how many places of the committed ones it is."""
        return self.listed[id] + (id in self.delayed) + (id in self.processing)

    def somewhere(self) -> set[str]:
        """Every ID that waits or runs."""
        return set(self.listed) | self.delayed | self.processing


def check_invariants(found: Contents) -> None:
    """Raise AssertionError naming the invariant that does not hold."""
    at = Places(found)
    everywhere = at.somewhere()
    assert at.committed == everywhere, "committed = queued + claim lists + delayed + processing"
    assert all(at.count(id) == 1 for id in everywhere), "no ID is in two places"
    assert not at.failed & at.committed, "failed is disjoint from committed"
    assert at.processing == set(at.owner), "every run has an owner"
    assert at.started.items() <= at.starts.items(), "only a run is indexed, by its true start"
    assert len(set(at.owner.values())) == len(at.owner), "no token counts for two IDs"
    assert at.marks.items() <= at.owner.items(), "only a run that goes on can be asked to end"
    assert at.rerun <= at.processing, "only a running ID can be marked to run again"
    check_nothing_left(at, known=at.committed)


def check_nothing_left(at: Places, *, known: set[str]) -> None:
    """What is remembered is about IDs in `known`, or about failed ones."""
    for name, ids in at.remembered.items():
        assert ids <= known, f"{name} remembers an ID that is not committed"
    for name, ids in at.shown.items():
        assert ids <= known | at.failed, f"{name} remembers an absent ID"
