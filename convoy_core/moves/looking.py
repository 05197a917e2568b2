"""Everything that only reads, as calls: counts, snapshots, pages, one ID, workers, errors. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Counts, Details, ErrorPage, IDPage, Page, Snapshot, WorkerInfo, WorkerRuns
from convoy_core.moves import replies
from convoy_core.moves.call import (
    Call,
    Rounds,
    Steps,
    bounded,
    check_state,
    checked_ids,
    checked_names,
    chunked,
    command,
    milliseconds,
    of,
    sliced,
)
from convoy_core.moves.keys import Keys, Keyspace
from convoy_core.moves.scripts import load
from convoy_core.options import BATCH, MAX_ID_BYTES, MAX_QUEUE_NAME_BYTES, JobID, decode_id, encode_id
from convoy_core.states import State
from convoy_core.validation import Seconds

_MAX_START = 2**53
"""Scripts count in floating point."""

FIND_DEPTH = 100_000
"""How deep `show` looks for an ID in the list: looking through 967,000 took the store 14 ms."""


def queue_names(keyspace: Keyspace) -> Steps[list[str]]:
    """The registered names, and those found by a scan of the store."""
    found: set[bytes] = yield command("SMEMBERS", keyspace.registry, read=set)
    names = _registered(found)
    yield from scan(keyspace, lambda keys: names.update(filter(None, map(keyspace.queue_of, keys))))
    return sorted(names)


def _registered(found: Iterable[bytes]) -> set[str]:
    """The names in the registry, without what another client has written there that can name no queue."""
    return {decode_id(name) for name in found if 0 < len(name) <= MAX_QUEUE_NAME_BYTES}


def scan(keyspace: Keyspace, note: Callable[[list[bytes]], object]) -> Steps[None]:
    """Have `note` told all keys of the prefix, some at a time, perhaps one of them twice."""
    cursor = 0
    while True:
        cursor, keys = yield command("SCAN", cursor, "MATCH", keyspace.pattern, "COUNT", 1000, read=tuple)
        note(keys)
        if not int(cursor):
            return


def counts(keys: Keys) -> Call[Counts]:
    """How many IDs are in each state."""
    return of("counts", keys, (), lambda reply: Counts(*map(int, reply)))


SLICE = 100
"""How many queues one script looks at: 1,000 took 88 ms."""


def snapshot(keyspace: Keyspace, names: Iterable[str], jam_after_s: Seconds) -> Call[list[Snapshot]]:
    """Many queues at one instant: all of them, or the first, if a script may look no further."""
    queues = list(names)
    script = load("snapshot")
    keys = tuple(key for queue in queues for key in keyspace.existing(queue, script.keys))
    limit = milliseconds("jam_after_s", jam_after_s)
    return Call(script, keys, (limit,), lambda reply: replies.snapshots(queues, reply), writes=False)


def snapshots(
    keyspace: Keyspace, names: Iterable[str], jam_after_s: Seconds, *, registered: bool = False
) -> Rounds[list[Snapshot]]:
    """The same for the whole of a store, in slices: in a Cluster of one queue, since no script may leave its slot.

    With `registered` also the queues that are in the registry, which is read beside them.
    """
    milliseconds("jam_after_s", jam_after_s)  # no names make no call
    size = 1 if keyspace.braces else SLICE

    def ask(queues: list[str]) -> Call[list[Snapshot]]:
        return snapshot(keyspace, queues, jam_after_s)

    if not validation.flag("registered", registered):
        return (yield from sliced(names, size, ask))[0]
    found, others = yield from sliced(names, size, ask, command("SMEMBERS", keyspace.registry, read=set))
    new = _registered(others[0]) - {one.queue for one in found}
    return found + (yield from sliced(sorted(new), size, ask))[0]


def page(keys: Keys, state: State | None, start: int, limit: int) -> Call[Page]:
    """A window of one state, or of the committed set."""
    return of("page", keys, (*_window(state, start, limit), ""), lambda reply: replies.page(state, reply))


def id_page(keys: Keys, state: State | None, start: int, limit: int) -> Call[IDPage]:
    """The same, IDs only."""
    return of("page", keys, (*_window(state, start, limit), "1"), replies.id_page)


def _window(state: State | None, start: int, limit: int) -> tuple[str, int, int, int]:
    if state is not None:
        check_state(state, " or None")
    if state is State.ABSENT:
        raise InvalidOption("Absent IDs are nowhere, so there is no list of them.")
    validation.whole("start", start, 0, _MAX_START)
    validation.whole("limit", limit, 1, BATCH)
    return state.value if state else "committed", start, limit, MAX_ID_BYTES


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


_STATES = {b"p": State.PROCESSING, b"d": State.DELAYED, b"q": State.QUEUED, b"f": State.FAILED, b"a": State.ABSENT}


def states(keys: Keys, ids: Iterable[JobID]) -> Iterator[Call[list[tuple[str, State]]]]:
    """Each ID with its state, in chunks, in their order."""
    for chunk in chunked(encode_id(id) for id in checked_ids(ids)):
        for part in bounded(chunk, [*map(len, chunk)]):
            yield of("states", keys, part, partial(_with_states, part))


def _with_states(ids: list[bytes], letters: bytes) -> list[tuple[str, State]]:
    return [(decode_id(raw), _STATES[letters[at : at + 1]]) for at, raw in enumerate(ids)]


POOLS = 200
"""How many pools one script describes: 1,000 took 12 ms."""


def workers(keys: Keys) -> Steps[list[WorkerInfo]]:
    """Every registered pool."""
    found, others = yield of("workers", keys, (POOLS,), partial(replies.workers, keys.queue))
    for ids in chunked(others, POOLS):
        some, _ = yield of("workers", keys, (POOLS, *ids), partial(replies.workers, keys.queue))
        found += some
    return list(found)


LONGEST, LOOKED = 20, 500
"""So many runs of a pool are told, of so many of its queue that are looked at; no more than tell one of each pool."""


def all_workers(keyspace: Keyspace, names: Iterable[str]) -> Rounds[list[WorkerRuns]]:
    """The pools of many queues, each with the runs that it has held the longest; in one round, if no queue has many."""
    queues = [*checked_names(names)]
    script = load("pools")

    def ask(some: list[str]) -> Call[list[tuple[list[WorkerRuns], list[bytes]]]]:
        keys = tuple(key for queue in some for key in keyspace.existing(queue, script.keys))

        def read(reply: list[Any]) -> list[tuple[list[WorkerRuns], list[bytes]]]:
            return [replies.worker_runs(queue, reply[0], row) for queue, row in zip(some, reply[1:], strict=False)]

        return Call(script, keys, (POOLS, LONGEST, LOOKED), read, writes=False)

    answers, _ = yield from sliced(queues, 1 if keyspace.braces else SLICE, ask)
    found = [one for some, _ in answers for one in some]
    for queue, (some, others) in zip(queues, answers, strict=True):
        rest = yield from _described(keyspace.queue(queue, existing=True), others)
        found += [WorkerRuns(worker, (), some[0].at) for worker in rest]
    return found


def _described(keys: Keys, ids: list[bytes]) -> Rounds[list[WorkerInfo]]:
    found: list[WorkerInfo] = []
    if ids:
        read = partial(replies.workers, keys.queue)
        answers = yield [of("workers", keys, (POOLS, *some), read) for some in chunked(ids, POOLS)]
        found = [worker for workers_, _ in answers for worker in workers_]
    return found
