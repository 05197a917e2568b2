"""Everything that only reads, as calls: counts, snapshots, pages, one ID, workers, errors. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Counts, Details, ErrorPage, Page, Snapshot, WorkerInfo
from convoy_core.moves import replies
from convoy_core.moves.call import Call, Steps, check_state, checked_names, command, milliseconds, of
from convoy_core.moves.keys import Keys, Keyspace
from convoy_core.moves.scripts import load
from convoy_core.options import BATCH, MAX_ID_BYTES, JobID, decode_id, encode_id
from convoy_core.states import State
from convoy_core.validation import Seconds

_MAX_START = 2**53
"""Scripts count in floating point."""

FIND_DEPTH = 100_000
"""How deep `show` looks for an ID in the list: looking through 967,000 took the store 14 ms."""


def queue_names(keyspace: Keyspace) -> Steps[list[str]]:
    """The registered names, and those found by a scan of the store."""
    found: set[bytes] = yield command("SMEMBERS", keyspace.registry, read=set)
    names = {decode_id(name) for name in found}
    cursor = 0
    while True:
        scan = command("SCAN", cursor, "MATCH", keyspace.pattern, "COUNT", 1000, read=tuple)
        cursor, keys = yield scan
        names.update(name for key in keys if (name := keyspace.queue_of(key)) is not None)
        if not int(cursor):
            return sorted(names)


def counts(keys: Keys) -> Call[Counts]:
    """How many IDs are in each state."""
    return of("counts", keys, (), lambda reply: Counts(*map(int, reply)))


def snapshot(keyspace: Keyspace, names: Iterable[str], jam_after_s: Seconds) -> Call[list[Snapshot]]:
    """Many queues at one instant."""
    queues = list(names)
    script = load("snapshot")
    keys = tuple(keyspace.queue(queue, existing=True).named(key) for queue in queues for key in script.keys)
    limit = milliseconds("jam_after_s", jam_after_s)
    return Call(script, keys, (limit,), lambda reply: replies.snapshots(queues, reply), writes=False)


def snapshots(keyspace: Keyspace, names: Iterable[str], jam_after_s: Seconds) -> list[Call[list[Snapshot]]]:
    """The same for the whole of a store: in a Cluster one call per queue, since no script may leave its slot."""
    all_names = [*checked_names(names)]
    milliseconds("jam_after_s", jam_after_s)  # in a Cluster no names make no call
    queues = [[name] for name in all_names] if keyspace.braces else [all_names]
    return [snapshot(keyspace, group, jam_after_s) for group in queues]


def page(keys: Keys, state: State | None, start: int, limit: int) -> Call[Page]:
    """A window of one state, or of the committed set."""
    if state is not None:
        check_state(state, " or None")
    if state is State.ABSENT:
        raise InvalidOption("Absent IDs are nowhere, so there is no list of them.")
    validation.whole("start", start, 0, _MAX_START)
    validation.whole("limit", limit, 1, BATCH)
    arguments = (state.value if state else "committed", start, limit, MAX_ID_BYTES)
    return of("page", keys, arguments, lambda reply: replies.page(state, reply))


MAX_LOGGED_BYTES = 4096
"""As much of an entry of the log as ours write; another client's may be longer."""


def errors(keys: Keys, start: int, limit: int) -> Call[ErrorPage]:
    """A window of the log of errors."""
    validation.whole("start", start, 0, _MAX_START)
    validation.whole("limit", limit, 1, BATCH)
    return of("errors", keys, (start, limit, MAX_LOGGED_BYTES), lambda reply: replies.errors(start, reply))


def show(keys: Keys, id: JobID) -> Call[Details]:
    """All about one ID."""
    raw = encode_id(id)
    return of("show", keys, (raw, FIND_DEPTH), lambda reply: replies.details(decode_id(raw), keys.queue, reply))


def workers(keys: Keys) -> Call[list[WorkerInfo]]:
    """Every registered pool."""
    return of("workers", keys, (), lambda reply: replies.workers(keys.queue, reply))
