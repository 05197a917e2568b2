"""Undoing as calls: which IDs a requeue has queued, and an operator's act taken back as far as that goes. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Outcome, QueueLimits
from convoy_core.moves.auditing import signature
from convoy_core.moves.call import Argument, Call, Steps, of, per_id
from convoy_core.moves.discarding import searched_at_once
from convoy_core.moves.keys import Keys
from convoy_core.operators import AuditEntry, Undo, Undone
from convoy_core.options import decode_id

PAGE: Final = 10
"""Entries per script; one has 64 KiB at most."""

UNDOABLE: Final = frozenset({"requeue", "pause", "resume", "limit"})
"""The verbs of the acts that can be undone."""


class _Queued(NamedTuple):
    """What one script of a requeue has queued."""

    ms: int
    ids: list[bytes]


def requeued(keys: Keys, act: AuditEntry) -> Steps[list[str]]:
    """The IDs that a requeue has queued, as far as they are known."""
    found = yield from _queued(keys, _checked(keys, act, frozenset({"requeue"})))
    return [*dict.fromkeys(decode_id(id) for each in found for id in each.ids)]


def undo(keys: Keys, act: AuditEntry, *, dry_run: bool, by: str = "") -> Steps[Undone]:
    """Take back what an operator has done, unless one has acted so since."""
    validation.flag("dry_run", dry_run)
    _checked(keys, act, UNDOABLE)
    if act.verb == "requeue":
        return (yield from _withdraw(keys, act, dry_run=dry_run, by=by))
    if act.verb == "limit" and act.before is None:
        return Undone(Undo.UNKNOWN)
    arguments = ("1" if dry_run else "", by, act.verb, act.place, *_numbers(act.before or QueueLimits()))
    answer: bytes = yield of("undo", keys, arguments, bytes, dry=dry_run)
    return Undone(Undo(answer.decode()))


def _checked(keys: Keys, act: AuditEntry, verbs: frozenset[str]) -> AuditEntry:
    validation.one_of("act", act, AuditEntry, "an entry of the audit, as `audit` returns")
    if act.queue != keys.queue:
        raise InvalidOption(f"act was done to the queue {validation.shown(act.queue)}; undo it there.")
    if act.verb not in verbs:
        raise InvalidOption(f"act is a {validation.shown(act.verb)}; only {' and '.join(sorted(verbs))} can be undone.")
    return act


def _numbers(limits: QueueLimits) -> Iterator[Argument]:
    yield limits.concurrency or 0
    yield limits.rate or 0
    yield round(limits.period_s * 1000) if limits.rate else 0
    yield limits.burst or 0


def _withdraw(keys: Keys, act: AuditEntry, *, dry_run: bool, by: str) -> Steps[Undone]:
    """Those that have not run go back to the failed ones."""
    outcomes: dict[str, Outcome] = {}
    found = yield from _queued(keys, act)
    if not found:
        return Undone(Undo.UNKNOWN)
    for each in found:
        size = yield from searched_at_once(keys)
        first = (by, each.ms)
        outcomes |= yield from per_id("withdraw", keys, first, each.ids, Outcome, dry_run=dry_run, size=size)
    answer = Undo.UNDONE if Outcome.FAILED in outcomes.values() else Undo.UNCHANGED
    return Undone(answer, outcomes)


def _queued(keys: Keys, act: AuditEntry) -> Steps[list[_Queued]]:
    place, found = "-", []
    while place:
        place, rows = yield _page(keys, place, round(act.at * 1000))
        found += [queued for queued, who in rows if (who.get("who"), who.get("operation")) == (act.who, act.operation)]
    return found


def _page(keys: Keys, after: str, ms: int) -> Call[tuple[str, list[tuple[_Queued, dict[str, str]]]]]:
    return of("requeued", keys, (after, ms, PAGE), _read)


def _read(reply: list[Any]) -> tuple[str, list[tuple[_Queued, dict[str, str]]]]:
    following, *rows = reply
    return following.decode(), [(_Queued(int(ms), ids), signature(by)) for ms, by, *ids in rows]
