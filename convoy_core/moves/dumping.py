"""Dumping and restoring as calls: IDs with all that is worth moving to another store. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from convoy_core import validation
from convoy_core.errors import InvalidInput, InvalidOption
from convoy_core.moves import replies
from convoy_core.moves.absorbed import absorbed, first_asked
from convoy_core.moves.call import Argument, Call, bounded, check_state, chunked, of
from convoy_core.moves.keys import Keys
from convoy_core.moves.traces import contexts, entry_of, linked
from convoy_core.options import BATCH, decode_id, encode_id
from convoy_core.records import Record, Restored, finite
from convoy_core.states import State

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a dump has come: as the script says it, and the IDs that its last answer had no room for."""

    last: bytes = b""
    mark: bytes = b""
    left_out: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what a dump gives."""

    records: list[Record]
    next: Place | None
    """None at the end."""


def dump(keys: Keys, state: State, place: Place) -> Call[Part]:
    """Some records of a state, from `place` on."""
    return _dump(keys, state, place, partial(_part, State.QUEUED if state is State.PROCESSING else state))


class Row(NamedTuple):
    """A record as the store told it."""

    raw_id: bytes
    record: Record
    digest: str
    """By which the store tells whether it is still the same."""


def dump_rows(keys: Keys, state: State) -> Call[list[Row]]:
    """The first records of a state."""
    return _dump(keys, state, Place(), lambda reply: [row(state, told) for told in reply[3]])


def named_rows(keys: Keys, state: State, ids: Sequence[bytes]) -> Call[list[Row | None]]:
    """The records of the first of these IDs, as many as an answer holds; None for one that is not in the state."""
    return of("records", keys, (state.value, *ids), lambda reply: [told and row(state, told) for told in reply])


def row(state: State, told: list[Any]) -> Row:
    """A row of the store, with its digest; see rows.lua and discard_saved.lua."""
    parts = (b"-" if part is None else b"%d:%b" % (len(part), part) for part in told)
    digest = hashlib.sha1(b"".join(parts), usedforsecurity=False).hexdigest()
    return Row(told[0], _record(state, *told), digest)


def _dump(keys: Keys, state: State, place: Place, read: Callable[[list[Any]], T]) -> Call[T]:
    check_state(state)
    if state is State.ABSENT:
        raise InvalidOption("Absent IDs are nowhere, so there is nothing to dump.")
    arguments: tuple[Argument, ...] = (state.value, BATCH, place.last, place.mark, *place.left_out)
    return of("dump", keys, arguments, read)


def _part(state: State, reply: list[Any]) -> Part:
    last, mark, left_out, rows = reply
    following = Place(last, mark, tuple(left_out)) if last or left_out else None
    return Part([_record(state, *row) for row in rows], following)


def _record(
    state: State, raw: bytes, due: Any, published: Any, attempts: Any, failures: Any, crashes: Any, *rest: Any
) -> Record:
    payload, failure, entry, traced = rest
    kept = absorbed(entry)
    accepted = replies.accepted(published)
    return Record(
        decode_id(raw),
        state,
        finite(replies.seconds(due)),
        finite(accepted),
        replies.whole(attempts),
        replies.whole(failures),
        replies.whole(crashes),
        kept.requests,
        finite(first_asked(kept, accepted)),
        payload,
        failure,
        linked(contexts(traced)),
    )


def restore(keys: Keys, records: Iterable[Record], *, dry_run: bool) -> Iterator[Call[list[tuple[str, Restored]]]]:
    """One call per chunk of records; each is checked before its chunk is sent."""
    validation.flag("dry_run", dry_run)
    for chunk in chunked(validation.many("records", records, _RECORDS)):
        rows = [_arguments(record) for record in chunk]
        sizes = [sum(len(part) for part in row if isinstance(part, bytes)) for row in rows]
        for part in bounded(rows, sizes):
            arguments: list[Argument] = [argument for row in part for argument in row]
            ids = [decode_id(row[1]) for row in part]
            yield of("restore", keys, ("1" if dry_run else "", *arguments), partial(_restored, ids), dry=dry_run)


_RECORDS: Final = "Records, as `dump` yields"


def _arguments(record: Record) -> tuple[str, bytes, *tuple[Argument, ...]]:
    validation.one_of("An entry of records", record, Record, f"one of {_RECORDS}")
    try:
        record.check()
    except InvalidInput as error:
        raise type(error)(f"An entry of records, {validation.shown(record.id)}: {error}") from None
    return (
        record.state.value,
        encode_id(record.id),
        0 if record.due is None else round(record.due * 1000),
        "" if record.published is None else round(record.published * 1000),
        record.attempts,
        max(record.failures, 1) if record.state is State.FAILED else record.failures,
        record.crashes,
        record.raw_payload or b"",
        record.raw_failure or b"",
        _absorbed(record),
        entry_of(record.traces),
    )


def _absorbed(record: Record) -> str:
    """The entry for what the ID has absorbed; see request_entry.lua."""
    first = f" {round(record.first_asked * 1000)}" if record.first_asked else ""
    return f"{record.requests - 1}{first}" if record.requests > 1 else ""


_LETTERS: Final = {ord(answer[0]): answer for answer in Restored}


def _restored(ids: list[str], letters: bytes) -> list[tuple[str, Restored]]:
    return [(id, _LETTERS[letter]) for id, letter in zip(ids, letters, strict=True)]
