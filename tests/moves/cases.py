"""The form of a test case for a move, and keyspaces that several moves begin or end with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convoy_core import Jammed, Outcome
from convoy_core.models import Then
from convoy_core.moves.recovering import LATE_MS, recover
from convoy_core.moves.working import (
    Pulse,
    Renewal,
    Round,
    renew,
)
from tests.moves.keyspace import ALIVE, DAY, LEASE, NOW, SECOND, Keyspace, W, World

PAST = NOW - 100_000


OLD = str(PAST)


DUE = NOW + 60_000


QUEUED: Keyspace = {"queued": ["a"], "committed": {"a"}, "published": {"a": OLD}}


DELAYED: Keyspace = {"delayed": {"a": NOW - 1}, "committed": {"a"}, "published": {"a": OLD}}


RUNNING: Keyspace = {
    "committed": {"a"},
    "processing": {"a": SECOND - 100},
    "started": {"a": PAST},
    "owner": {"a": f"{W}:1@{PAST}"},
    "published": {"a": OLD},
}


MINE: Keyspace = {**ALIVE, **RUNNING}


LONG_OVER = NOW - LATE_MS


ORPHANED: Keyspace = {"workers": {W: LONG_OVER}, **RUNNING}
"""Its worker's lease has run out, so long ago that nothing can be handed to it any more."""


DEPARTED: Keyspace = {"departed": {W: NOW}}
"""It has been unregistered just now."""


GUARDED: Keyspace = {**ALIVE, "started": {"a": PAST}, "owner": {"a": f"{W}:1@{PAST}"}}
"""Running here; a Node jam guard has dropped what Node knows of."""


FOREIGN: Keyspace = {"committed": {"a"}, "processing": {"a": SECOND - 100}}
"""A Node worker runs it."""


RECORD = '{"at":1.5,"error":"boom"}'


FAILED: Keyspace = {"failed": {"a": 2}, "failure": {"a": RECORD}}


NEW_RECORD = f'{{"at":{SECOND}.000,"error":"boom"}}'


REMEMBERED: Keyspace = {
    "payload": {"a": "sload"},
    "attempts": {"a": "1"},
    "failures": {"a": "4"},
    "crashes": {"a": "1"},
    "failure": {"a": RECORD},
}


LOG = f"errorLog.{DAY}"


NO_CLAIM = Round([], "open", [])


@dataclass(frozen=True)
class Case:
    """One way through the table."""

    path: str
    """`move: source -> target`, as in the table; empty for what the table does not tell of."""
    title: str
    before: Keyspace
    act: Callable[[World], object]
    answer: object
    after: Keyspace

    def check(self, world: World) -> None:
        """Act, and look at the answer and at the whole keyspace."""
        world.seed(self.before)

        answer = self.act(world)

        assert answer == self.answer
        assert world.state() == self.after


def seen(id: str = "a", start: int = PAST) -> Jammed:
    return Jammed(id, start / 1000, 100.0, None, False)


def free(then: Then, *, skip_live: bool = False) -> Callable[[World], object]:
    return lambda world: world.queue.free_jammed([seen()], then=then, skip_live=skip_live)


PUBLISHED = {"totals": {"published": "1"}}


REFUSED: Keyspace = {"totals": {"refused": "1"}, "requests": {"a": "1"}}
"""And counted for its run."""


CLAIM_ONE: Callable[[World], object] = lambda world: world.exchange(want=1)  # noqa: E731 - read like the others


def numbered(last: int) -> Keyspace:
    """What a claim notes, so that no number is given twice."""
    return {f"worker:{W}": {"number": str(last)}}


BEATEN = {f"worker:{W}": {"done": "5", "failed": "2", "running": "1"}}


def beat(world: World) -> Renewal:
    return world.run(renew(world.keys, W, LEASE, Pulse(5, 2, [(b"a", 1)]), [(b"a", 1)]))


RECOVER_IT: Callable[[World], object] = lambda world: world.drive(recover(world.keys, W, 3))  # noqa: E731 - as above


FREED: Keyspace = {"queued": ["a"], "committed": {"a"}, "totals": {"jammed": "1"}}


GONE = {"a": Outcome.DISCARDED, "x": Outcome.GONE}
