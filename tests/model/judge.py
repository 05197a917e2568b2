"""The judge of a simulation: records what happened, and finds violations.

The link reports to it each script that the server ran, and the handlers report when they begin and end. So it knows
which worker held which ID at any time, without the code under test.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.model.invariants import Places
from tests.model.wire import Contents

TROUBLE_LASTS = 6.0
"""In leases: how long after a crash, a freeze or a broken heartbeat a lost lease is put down to it."""


@dataclass(slots=True)
class Hold:
    """One claim: from the server's answer until the server wrote down its end."""

    id: str
    worker: str
    since: int
    """When, as a place in the order of everything that the server did."""
    ended: str = ""
    starts: int = 0
    """Times that a handler began on it."""
    finishes: int = 0
    lives: int = 1
    """One more each time that the store has come back with it and without its end."""


@dataclass(slots=True)
class Verdict:
    """How often each thing went wrong; only repeats that something explains are allowed."""

    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    repeats: int = 0
    """Runs of an ID again after a run whose end was not written down, each put down to a crash, a fault or a stop."""

    def add(self, fault: str, detail: str) -> None:
        """Something went wrong."""
        self.faults[fault] += 1
        self.details.append(f"{fault}: {detail}")


class Mark(NamedTuple):
    """What the store knew at the moment when it was saved."""

    holder: dict[str, str]
    wanted: list[tuple[str, int]]
    place: int


class Judge:
    """Watches one simulation."""

    def __init__(self, clock: Callable[[], float], lease_s: float) -> None:
        self.verdict = Verdict()
        self.holds: dict[str, Hold] = {}
        """By token."""
        self.runs = 0
        self._clock = clock
        self._lease_s = lease_s
        self._place = 0
        self._holder: dict[str, str] = {}
        self._lease_end: dict[str, float] = {}
        self._wanted: list[tuple[str, int]] = []
        self._trouble: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._workers: dict[str, str] = {}
        self._last_end: dict[str, Hold] = {}
        self._undone: set[str] = set()
        """Tokens that the store has forgotten to have handed out."""
        self._most = 0
        """How many may run at a time, by the operator's last word; 0: any number."""
        self._marked: set[str] = set()
        """Tokens of runs that were asked to end."""
        self._void: dict[str, int] = {}
        """ID -> the place up to which whoever wanted it run has been overruled."""
        self._trace = hashlib.sha256()

    # -- what the simulation tells

    @property
    def trace(self) -> str:
        """A hash of all that was noted: the same seed has the same."""
        return self._trace.hexdigest()

    def note(self, *what: object) -> None:
        """Something happened."""
        self._trace.update(f"{self._clock():.6f} {what}\n".encode())

    def works_as(self, actor: str, worker: str) -> None:
        """The pool of that actor has registered under that ID."""
        self._workers[actor] = worker

    def trouble(self, actor: str) -> None:
        """Its heartbeats may not get through from now on."""
        self._troubled(self._workers.get(actor, actor), self._clock())

    def dies(self, actor: str) -> None:
        """It will never be heard of again. How long the others take to notice depends on the clock of the store."""
        self._troubled(self._workers.get(actor, actor), math.inf)

    def _troubled(self, worker: str, at: float) -> None:
        self._trouble[worker] = max(at, self._trouble.get(worker, at))

    def stops(self, actor: str) -> None:
        """It was asked to stop, and may give back what it runs."""
        self._stopped.add(self._workers.get(actor, actor))

    def started(self, token: str) -> None:
        """A handler begins."""
        self.note("start", token)
        self.runs += 1
        hold = self.holds.get(token)
        if hold is None:
            self.verdict.add("unknown", f"{token} was started and never handed out")
            return
        hold.starts += 1
        if hold.starts > hold.lives:
            self.verdict.add("repeated", f"{token} was started {hold.starts} times")

    def finished(self, token: str) -> None:
        """It has ended, well or badly."""
        self.note("end", token)
        if token in self.holds:
            self.holds[token].finishes += 1

    def mark(self) -> Mark:
        """The store is saved."""
        return Mark(dict(self._holder), [*self._wanted], self._place)

    def go_back(self, mark: Mark) -> None:
        """The store has forgotten everything since. What was published since may be lost; nothing may be stuck."""
        self.note("rollback")
        ended = set(mark.holder.values()) - set(self._holder.values())
        for token in ended:
            self.holds[token].ended = ""
            self.holds[token].lives += 1
        self._undone |= {token for token, hold in self.holds.items() if hold.since > mark.place}
        self._holder = dict(mark.holder)  # nobody may be judged by the leases that the store remembers
        self._wanted = [*mark.wanted]
        for worker in self._workers.values():
            self._troubled(worker, self._clock())

    # -- what the server did

    def saw(self, script: str, arguments: list[str], reply: Any) -> None:
        """One script ran."""
        self._place += 1
        self.note(script, arguments[:1])
        match script:
            case "publish":
                self._published(arguments, reply)
            case "cancel":
                self._cancelled(arguments[-len(reply) :], reply)  # the IDs, one for each answer
            case "register" | "renew":
                self._renewed(arguments, reply)
            case "unregister" if reply:
                self._lease_end[arguments[0]] = self._clock()
            case "exchange":
                self._exchanged(arguments, reply)
            case "recover":
                self._recovered(arguments, reply)
            case "set_limits":
                self._most = int(arguments[1])
            case _:
                pass

    def _published(self, arguments: list[str], reply: list[Any]) -> None:
        ids = arguments[5:]
        words = [word.decode() for word, n in zip(reply[::2], reply[1::2], strict=True) for _ in range(n)]
        for id, word in zip(ids, words, strict=True):
            if word in ("queued", "delayed", "will_rerun"):
                self._wanted.append((id, self._place))

    def _cancelled(self, ids: list[str], reply: list[bytes]) -> None:
        for id, word in zip(ids, reply, strict=True):
            if word == b"cancelled":
                self._overrule(id, self._place)
            elif word == b"cancelling":
                self._marked.add(self._holder[id])

    def _overrule(self, id: str, place: int) -> None:
        self._void[id] = place
        self._wanted = [(other, at) for other, at in self._wanted if other != id or at > place]

    def _renewed(self, arguments: list[str], reply: list[bytes]) -> None:
        worker, lease_ms = arguments[0], int(arguments[1])
        if reply[0] != b"gone":
            self._lease_end[worker] = self._clock() + lease_ms / 1000

    def _exchanged(self, arguments: list[str], reply: list[Any]) -> None:
        worker, number = arguments[0], int(arguments[2])
        stale = {raw.decode() for raw in reply[0]}
        for told, id, old in _endings(arguments):
            token = f"{worker}:{old}"
            ends_well = told in ("completed", "discarded")
            how = "cancelled" if token in self._marked and not ends_well else told
            if self._holder.get(id) == token:
                if how == "cancelled" and token not in self._marked:
                    self.verdict.add("unasked", f"{token} ({id}) was cancelled, and nobody had asked for that")
                if how in ("completed", "failed", "deferred") and not self.holds[token].finishes:
                    self.verdict.add("unearned", f"{token} ({id}) {how} without having run")
                self._end(token, how)
            elif old not in stale:
                self.verdict.add("stale-accepted", f"{token} ({id}) {how}, held by {self._holder.get(id)}")
        for i, raw in enumerate(reply[2] if len(reply) > 2 else ()):
            self._claimed(raw.decode(), worker, f"{worker}:{number + i}")

    def _claimed(self, id: str, worker: str, token: str) -> None:
        if id in self._holder:
            self.verdict.add("concurrent-holders", f"{id} to {token}, held by {self._holder[id]}")
        if token in self.holds and token not in self._undone:
            self.verdict.add("concurrent-holders", f"{token} counts for {id} and for {self.holds[token].id}")
        void = self._void.pop(id, None)
        if void is not None and not any(other == id and at > void for other, at in self._wanted):
            self.verdict.add("resurrected", f"{token} runs {id}, which was cancelled and not published again")
        self._holder[id] = token
        if self._most and len(self._holder) > self._most:
            self.verdict.add("over-limit", f"{id} runs beside {len(self._holder) - 1} others")
        self.holds[token] = Hold(id, worker, self._place)
        before = self._last_end.get(id)
        if before is not None and before.starts and before.ended in ("recovered", "released"):
            self.verdict.repeats += 1

    def _recovered(self, arguments: list[str], reply: list[bytes]) -> None:
        worker = arguments[0]
        for raw in reply[1::2]:
            id = raw.decode()
            if self._lease_end.get(worker, 0) > self._clock():
                self.verdict.add("repeated", f"{id} was taken from {worker}, whose lease was alive")
            elif worker not in self._stopped and self._clock() > self._trouble_ends(worker):
                self.verdict.add("repeated", f"{id} was taken from {worker}, which was never in trouble")
            token = self._holder.get(id, "")
            self._end(token, "cancelled" if token in self._marked else "recovered")

    def _trouble_ends(self, worker: str) -> float:
        return self._trouble.get(worker, -1e9) + TROUBLE_LASTS * self._lease_s

    def _end(self, token: str, how: str) -> None:
        hold = self.holds.get(token)
        if hold is None:
            return
        has_begun = hold.starts == hold.lives  # else it was handed out when there was no slot for it any more
        if how == "released" and hold.worker not in self._stopped and has_begun:
            self.verdict.add("repeated", f"{token} ({hold.id}) was given back by a pool that was not stopping")
        if how == "cancelled":
            self._overrule(hold.id, hold.since)
        hold.ended = how
        self._last_end[hold.id] = hold
        del self._holder[hold.id]

    # -- the end

    def close(self, contents: Contents, broken: list[str]) -> Verdict:
        """Everything has healed and drained: what is left in the store, and what never happened?"""
        at = Places(contents)
        for what in broken:
            self.verdict.add("broken", what)
        for id in sorted(at.somewhere() | set(at.owner)):
            self.verdict.add("stuck", f"{id} is still there: {self._place_of(id, contents)}")
        for id in sorted(at.committed - at.somewhere() - set(at.owner)):
            self.verdict.add("ghosts", f"{id} is committed and nowhere")
        for id in sorted(at.failed & at.committed):
            self.verdict.add("ghosts", f"{id} is failed and committed")
        left = {name for name, ids in at.remembered.items() if ids - at.committed}
        if left or at.rerun or any(ids - at.failed - at.committed for ids in at.shown.values()):
            self.verdict.add("ghosts", f"absent IDs are remembered: {left or at.rerun or at.shown}")
        latest: dict[str, int] = {}
        for hold in self.holds.values():
            if hold.starts:
                latest[hold.id] = max(latest.get(hold.id, 0), hold.since)
        for id, place in self._wanted:
            if latest.get(id, 0) <= place and id not in at.failed | at.somewhere():
                self.verdict.add("lost", f"{id}, accepted as the server's {place}th deed, was not run after that")
        return self.verdict

    def _place_of(self, id: str, contents: Contents) -> str:
        return ", ".join(name for name, content in contents.items() if id in content)


def _endings(arguments: list[str]) -> list[tuple[str, str, str]]:
    """How, ID and number of each claim that an exchange settles."""
    n = int(arguments[4])
    after = 5 + 2 * n
    discarded, *others = arguments[after:] or ["0", "0", "0", "0"]
    found = [
        ("completed" if i < n - int(discarded) else "discarded", arguments[5 + 2 * i], arguments[6 + 2 * i])
        for i in range(n)
    ]
    at = 0
    others = [*others, "0"]  # it may end before the cancelled ones
    for how, width in (("failed", 5), ("deferred", 3), ("released", 2), ("cancelled", 2)):
        rows = range(at + 1, at + 1 + int(others[at]) * width, width)
        found += ((how, others[row], others[row + 1]) for row in rows)
        at += 1 + len(rows) * width
    return found
