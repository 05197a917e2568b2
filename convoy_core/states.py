"""Every state of an ID and every move between states, in one table.

Rule: no other code decides which move may follow which state. Tests compare this table with the Lua scripts, the
diagram of docs/concepts.md and the dashboard's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where an ID is. It is in exactly one of these at any time, per queue."""

    ABSENT = "absent"
    """Not in the queue: it may be published."""
    QUEUED = "queued"
    """Waiting in the list; committed, so a second publish is refused."""
    DELAYED = "delayed"
    """Waiting for its due time: published with a delay, or failed with retries left; committed."""
    PROCESSING = "processing"
    """Held by one worker; committed."""
    FAILED = "failed"
    """Its last run failed, and it is kept for inspection; not committed, so it may be published again."""

    @property
    def is_committed(self) -> bool:
        """Whether an ID in this state is in the committed set, which refuses a second publish."""
        return self in COMMITTED


COMMITTED = frozenset({State.QUEUED, State.DELAYED, State.PROCESSING})


class Actor(StrEnum):
    """Who makes a move."""

    PUBLISHER = "publisher"
    OWNER = "owner"  # the worker that holds the ID, proven by its token
    WORKER = "worker"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table. `name` is also the Lua file, the method, the command and the log event."""

    name: str
    sources: frozenset[State]
    targets: frozenset[State]
    actor: Actor
    why: str


def _move(name: str, sources: set[State], targets: set[State], actor: Actor, why: str) -> Move:
    return Move(name, frozenset(sources), frozenset(targets), actor, why)


_ABSENT, _QUEUED, _DELAYED, _PROCESSING, _FAILED = State

MOVES: dict[str, Move] = {
    move.name: move
    for move in (
        _move("publish", {_ABSENT, _FAILED}, {_QUEUED, _DELAYED}, Actor.PUBLISHER, "someone wants it run"),
        _move("promote", {_DELAYED}, {_QUEUED}, Actor.WORKER, "its time has come"),
        _move(
            "claim", {_QUEUED, _DELAYED}, {_PROCESSING}, Actor.WORKER, "a worker takes it (delayed: it was set apart)"
        ),
        _move("set_apart", {_QUEUED}, {_DELAYED}, Actor.WORKER, "it must run alone, and its worker holds others"),
        _move("renew", {_PROCESSING}, {_PROCESSING}, Actor.OWNER, "the heartbeat: still at it"),
        _move(
            "complete",
            {_PROCESSING},
            {_ABSENT, _QUEUED},
            Actor.OWNER,
            "it went well (queued: a rerun was asked for)",
        ),
        _move(
            "fail",
            {_PROCESSING},
            {_FAILED, _DELAYED, _QUEUED},
            Actor.OWNER,
            "it went badly (delayed: retries are left; queued: a rerun was asked for)",
        ),
        _move(
            "defer",
            {_PROCESSING},
            {_DELAYED, _QUEUED},
            Actor.OWNER,
            "its handler asks to be called again later (queued: a rerun was asked for)",
        ),
        _move("release", {_PROCESSING}, {_QUEUED}, Actor.OWNER, "the worker stops and gives it back unharmed"),
        _move(
            "recover",
            {_PROCESSING},
            {_QUEUED, _FAILED, _ABSENT},
            Actor.WORKER,
            "its worker died (failed: for the third time; absent: it had been asked to end)",
        ),
        _move(
            "jam_guard",
            {_PROCESSING},
            {_QUEUED, _FAILED, _ABSENT},
            Actor.OPERATOR,
            "it has been processing for too long",
        ),
        _move(
            "cancel",
            {_QUEUED, _DELAYED},
            {_ABSENT},
            Actor.OPERATOR,
            "it is not to run (what runs already is asked to end)",
        ),
        _move(
            "abort",
            {_PROCESSING},
            {_ABSENT, _QUEUED},
            Actor.OWNER,
            "it ended as it had been asked to (queued: a rerun was asked for)",
        ),
        _move("requeue", {_FAILED}, {_QUEUED}, Actor.OPERATOR, "try the failure again"),
        _move("withdraw", {_QUEUED}, {_FAILED}, Actor.OPERATOR, "its requeue is undone before it has run"),
        _move(
            "restore",
            {_ABSENT},
            {_QUEUED, _DELAYED, _FAILED},
            Actor.OPERATOR,
            "it was dumped from another store, in that state",
        ),
        _move("discard", {_QUEUED, _DELAYED, _FAILED}, {_ABSENT}, Actor.OPERATOR, "forget it"),
    )
}
