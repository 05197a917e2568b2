"""Every operation as a value: the script, its arguments, and how to read the reply. No I/O.

A `Call` is one round trip. What needs several is a generator that yields calls and is sent their results, so that the
blocking and the awaited runner share it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import (
    Counts,
    Details,
    ErrorPage,
    Jammed,
    Outcome,
    Page,
    Published,
    Snapshot,
    Tally,
    Then,
    WorkerInfo,
)
from convoy_core.moves import replies
from convoy_core.moves.keys import Keys, Keyspace
from convoy_core.moves.scripts import Script, load
from convoy_core.options import (
    BATCH,
    MAX_ID_BYTES,
    SMALL_BATCH,
    JobID,
    Payload,
    decode_id,
    encode_id,
    encode_ids,
    encode_payload,
)
from convoy_core.states import State
from convoy_core.validation import Seconds

T = TypeVar("T")
Argument: TypeAlias = "bytes | str | int"
Steps: TypeAlias = "Generator[Call[Any], Any, T]"

FIND_DEPTH = 100_000
"""How deep `show` looks for an ID in the list: looking through 967,000 took the store 14 ms."""


_MAX_START = 2**53
"""Scripts count in floating point."""


class Call(NamedTuple, Generic[T]):
    """One round trip: a script with its keys and arguments, or (script None) a plain command."""

    script: Script | None
    keys: tuple[bytes, ...]
    arguments: tuple[Argument, ...]
    read: Callable[[Any], T]
    writes: bool = True
    registers: str | None = None
    """The queue that this call may bring to life, to be named in the registry."""
    replicas: int = 0
    """How many replicas must confirm what it wrote."""


def of(
    name: str,
    keys: Keys,
    arguments: Iterable[Argument],
    read: Callable[[Any], T],
    *,
    dry: bool = False,
    replicas: int = 0,
) -> Call[T]:
    """A call of the script `name` on one queue. A dry run is sent as a read, so that the store itself refuses a
    write.
    """
    script = load(name)
    named = keys.all_named(script.keys)
    writes = not (script.is_read or dry)
    registers = keys.queue if name in ("publish", "hello", "pause") and writes else None
    return Call(script, named, tuple(arguments), read, writes, registers, replicas)


def command(*parts: Argument, read: Callable[[Any], T], writes: bool = False, beside: bytes | None = None) -> Call[T]:
    """A call of a plain command; of those that name no key, `beside` tells which node of a Cluster is meant."""
    return Call(None, () if beside is None else (beside,), parts, read, writes)


def chunked(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Lists of up to `size` items, read no further ahead than that."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


# -- publishing


class PublishOptions(NamedTuple):
    """How IDs are published; see `Queue.publish`."""

    payload: Payload = None
    delay_s: Seconds = 0.0
    front: bool = False
    rerun: bool = False
    dry_run: bool = False
    wait_replicas: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """The answers to one round trip of publishing."""

    raw_ids: list[bytes]
    runs: list[tuple[Published, int]]
    """Equal answers in a row, in the order of the IDs."""

    @property
    def ids(self) -> list[str]:
        """The IDs offered, in order."""
        return [decode_id(raw) for raw in self.raw_ids]

    def answers(self) -> list[Published]:
        """One answer per ID, in order."""
        return [answer for answer, n in self.runs for _ in range(n)]

    @property
    def tally(self) -> Tally:
        """How many met which answer."""
        n: Counter[Published] = Counter()
        for answer, length in self.runs:
            n[answer] += length
        return Tally(
            published=n[Published.QUEUED] + n[Published.DELAYED],
            waiting=n[Published.ALREADY_QUEUED] + n[Published.ALREADY_DELAYED],
            running=n[Published.PROCESSING],
            will_rerun=n[Published.WILL_RERUN],
        )


def publish_one(keys: Keys, id: JobID, options: PublishOptions) -> Call[Published]:
    """One ID."""
    return of("publish", keys, (*_how(options), encode_id(id)), _answer, replicas=options.wait_replicas)


def _answer(reply: list[Any]) -> Published:
    return replies.PUBLISHED[reply[0]]


def publish(keys: Keys, ids: Iterable[JobID], options: PublishOptions) -> Iterator[Call[Chunk]]:
    """One call per chunk of IDs; each is checked before its chunk is sent."""
    how = _how(options)
    replicas = 0 if options.dry_run else options.wait_replicas
    for chunk in chunked(_ids(ids)):
        raw = encode_ids(chunk)
        yield of(
            "publish",
            keys,
            (*how, *raw),
            partial(_chunk, raw),
            dry=options.dry_run,
            replicas=replicas,
        )


_BOOL = {bool}


def _how(options: PublishOptions) -> tuple[Argument, ...]:
    """The script's arguments before the IDs."""
    payload, delay_s, front, rerun, dry_run, wait_replicas = options
    delay_ms = _milliseconds("delay_s", delay_s) if type(delay_s) is not float or delay_s != 0 else 0
    if {type(front), type(rerun), type(dry_run)} != _BOOL:  # which is as good as always so
        for name, value in (("front", front), ("rerun", rerun), ("dry_run", dry_run)):
            validation.flag(name, value)
    if front and delay_ms:
        raise InvalidOption("An ID can be published to the front or with a delay, not both.")
    if wait_replicas != 0 or type(wait_replicas) is not int:
        validation.whole("wait_replicas", wait_replicas, 0)
    content = b"" if payload is None else encode_payload(payload)
    return (delay_ms, "1" if front else "", "1" if rerun else "", "1" if dry_run else "", content)


def _chunk(raw: list[bytes], reply: Any) -> Chunk:
    return Chunk(raw, replies.runs(reply))


# -- looking


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
    limit = _milliseconds("jam_after_s", jam_after_s)
    return Call(script, keys, (limit,), lambda reply: replies.snapshots(queues, reply), writes=False)


def snapshots(keyspace: Keyspace, names: Iterable[str], jam_after_s: Seconds) -> list[Call[list[Snapshot]]]:
    """The same for the whole of a store: in a Cluster one call per queue, since no script may leave its slot."""
    all_names = [*checked_names(names)]
    _milliseconds("jam_after_s", jam_after_s)  # in a Cluster no names make no call
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


# -- steering


def jammed(keys: Keys, idle_s: Seconds) -> Steps[list[Jammed]]:
    """Every entry older than `idle_s`: ours by their true start, then Node's by their score."""
    limit = _milliseconds("idle_s", idle_s)
    rows: list[Jammed] = []
    for source in ("started", "processing"):
        skip = 0
        while True:
            read, window = yield of("jammed", keys, (source, limit, skip, BATCH), replies.jammed)
            rows += window
            skip += read
            if read < BATCH:
                break
    return sorted(rows, key=lambda row: row.start)


def free_jammed(
    keys: Keys, entries: Iterable[Jammed], then: Then, *, skip_live: bool, max_crashes: int
) -> Steps[dict[str, Outcome]]:
    """Free exactly these (ID, start) pairs."""
    check_guard(then, skip_live=skip_live)
    validation.whole("max_crashes", max_crashes, 1)
    rows = [_row(row) for row in validation.many("entries", entries, _JAMMED)]
    outcomes: dict[str, Outcome] = {}
    for chunk in chunked(rows, SMALL_BATCH):
        pairs = [part for id, start_ms in chunk for part in (encode_id(id), start_ms)]
        arguments = (then.value, "1" if skip_live else "", max_crashes, *pairs)
        words = yield of("jam_guard", keys, arguments, replies.outcomes)
        outcomes.update(zip((id for id, _ in chunk), words, strict=True))
    return outcomes


_JAMMED = "Jammed records, as `jammed` returns"


def _row(row: Jammed) -> tuple[str, int]:
    validation.one_of("An entry of entries", row, Jammed, f"one of {_JAMMED}")
    encode_id(row.id)
    try:
        return row.id, round(row.start * 1000)
    except (TypeError, ValueError, OverflowError):
        raise InvalidOption(f"The start of an entry is {validation.shown(row.start)}; it must be a time.") from None


def check_guard(then: Then, *, skip_live: bool) -> None:
    """Raise InvalidOption where a jam guard could not be told so."""
    validation.one_of("then", then, Then, "one of Then, like Then.REQUEUE")
    validation.flag("skip_live", skip_live)


def freed(outcomes: dict[str, Outcome]) -> list[str]:
    """The IDs that left processing."""
    moved = (Outcome.QUEUED, Outcome.FAILED, Outcome.DISCARDED)
    return [id for id, outcome in outcomes.items() if outcome in moved]


def requeue(keys: Keys, ids: Iterable[JobID], *, dry_run: bool) -> Steps[dict[str, Outcome]]:
    """Queue failed IDs again."""
    validation.flag("dry_run", dry_run)
    return per_id("requeue", keys, (), distinct(ids), dry_run=dry_run, size=BATCH)


def pause(keys: Keys) -> Call[bool]:
    """Stop our workers from claiming."""
    return of("pause", keys, (), bool)


def resume(keys: Keys) -> Call[bool]:
    """Let them claim again."""
    return of("resume", keys, (), bool)


def per_id(
    name: str, keys: Keys, first: tuple[Argument, ...], ids: Iterable[bytes], *, dry_run: bool, size: int
) -> Steps[dict[str, Outcome]]:
    """The same move for each ID, `size` of them in a call."""
    outcomes: dict[str, Outcome] = {}
    for raw in chunked(ids, size):
        words = yield of(name, keys, ("1" if dry_run else "", *first, *raw), replies.outcomes, dry=dry_run)
        outcomes.update(zip((decode_id(id) for id in raw), words, strict=True))
    return outcomes


def distinct(ids: Iterable[JobID]) -> list[bytes]:
    """Every ID once, all checked before the first is sent: the second of two equal ones would be told of the first."""
    return list(dict.fromkeys(encode_id(id) for id in _ids(ids)))


def _ids(ids: Iterable[JobID]) -> Iterable[JobID]:
    return validation.many("ids", ids, "job IDs")


def checked_names(names: Iterable[str]) -> Iterable[str]:
    """Names of queues to go through. Raises InvalidOption."""
    return validation.many("names", names, "queue names")


def check_state(state: State, others: str = "") -> None:
    """Raise InvalidOption for what is no State."""
    validation.one_of("state", state, State, f"a State, like State.QUEUED{others and ','}{others}")


def _milliseconds(name: str, seconds: Seconds) -> int:
    return round(validation.seconds(name, seconds) * 1000)
