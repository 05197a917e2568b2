"""From the store's replies to records. The only module where replies are untyped."""

from __future__ import annotations

import json
import math
from typing import Any

from convoy_core import about, versions
from convoy_core.errors import StoreDamaged
from convoy_core.failure_groups import WITHOUT_A_RECORD, what_broke
from convoy_core.models import (
    Counts,
    Details,
    Entry,
    ErrorPage,
    Failure,
    IDPage,
    Jammed,
    LoggedError,
    Outcome,
    Page,
    Published,
    QueueLimits,
    Snapshot,
    WorkerInfo,
    WorkerRuns,
)
from convoy_core.moves.absorbed import absorbed, first_asked
from convoy_core.moves.traces import contexts, linked
from convoy_core.options import Payload, decode_id, decode_payload
from convoy_core.states import State


def seconds(milliseconds: Any) -> float | None:
    """Unix seconds from a reply in ms; None when there is none, or another client wrote something else there."""
    try:
        return None if milliseconds is None else float(milliseconds) / 1000
    except ValueError:
        return None


def accepted(published: bytes | None) -> float | None:
    """When an ID was accepted, by its entry in `published`, in Unix seconds."""
    return None if published is None else seconds(published.partition(b".")[0])


def in_line_since(published: bytes | None) -> float | None:
    """When it came into the line: as it was accepted, or as it was due."""
    return None if published is None else seconds(published.rpartition(b".")[2])


def waited(published: bytes | None, until_ms: float) -> float | None:
    """How long it was in line until then, in seconds; None where that is not known."""
    try:
        since_ms = float((published or b"").rpartition(b".")[2])
    except ValueError:
        return None
    return max(0.0, (until_ms - since_ms) / 1000) if math.isfinite(since_ms) else None


def whole(value: Any) -> int:
    """A count from a reply; 0 when there is none, or another client wrote something else there."""
    try:
        n = int(float(value)) if value is not None else 0
    except (ValueError, OverflowError):
        return 0
    return n if 0 <= n <= 2**53 else 0  # as the scripts count


def token_of(entry: bytes | None) -> str | None:
    """The fencing token in an entry of `owner`."""
    return entry.decode("utf-8", "replace").partition("@")[0] if entry else None


def worker_of(entry: bytes | None) -> str | None:
    """The worker in it."""
    token = token_of(entry)
    return token.rpartition(":")[0] if token else None


def fields(flat: list[bytes]) -> dict[bytes, bytes]:
    """A hash from its flat reply."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def info(text: bytes | str) -> dict[str, str]:
    """The fields of INFO: lines `name:value` between headings."""
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return dict(line.split(":", 1) for line in told.splitlines() if ":" in line)


PUBLISHED = {answer.value.encode(): answer for answer in Published}


def runs(reply: list[Any]) -> list[tuple[Published, int]]:
    """Equal answers in a row."""
    return [(PUBLISHED[word], int(n)) for word, n in zip(reply[::2], reply[1::2], strict=True)]


def outcomes(reply: list[bytes]) -> list[Outcome]:
    """One outcome per ID."""
    return [Outcome(word.decode()) for word in reply]


def snapshots(queues: list[str], reply: list[Any]) -> list[Snapshot]:
    """One snapshot per queue that was looked at; a damaged queue has its reason and zeros."""
    at = float(reply[0]) / 1000
    return [_snapshot(queue, at, row) for queue, row in zip(queues, reply[1:], strict=False)]


def _snapshot(queue: str, at: float, row: list[Any]) -> Snapshot:
    if len(row) == 1:
        why = row[0].decode("utf-8", "replace")
        return Snapshot(queue, at, Counts(), False, 0, 0, 0, None, None, None, damage=why)
    queued, committed, processing, failed, delayed, jammed, start, head, due, live, silent, *others = row
    paused, totals, held, said, bars, *rest = others
    start, head, due = seconds(start), in_line_since(head), seconds(due)
    return Snapshot(
        queue,
        at,
        Counts(queued, committed, processing, failed, delayed),
        paused=bool(paused),
        workers=live,
        silent=silent,
        jammed=jammed,
        oldest_queued_s=None if head is None else max(0.0, at - head),
        oldest_processing_s=None if start is None else max(0.0, at - start),
        next_due_s=None if due is None else due - at,
        totals={name.decode(): whole(n) for name, n in fields(totals).items()},
        limits=queue_limits(rest[:4]) if rest else QueueLimits(),
        is_held_back=bool(rest and rest[4]),
        held=held,
        about=about.read(fields(said), at) if said else about.NOTHING,
        bars=versions.read_bars(fields(bars)) if bars else versions.NO_BARS,
    )


def queue_limits(reply: list[Any]) -> QueueLimits:
    """What limits a queue."""
    concurrency, rate, period_ms, burst = map(whole, reply)
    starts = (rate, period_ms / 1000, burst) if rate and period_ms and burst else ()
    return QueueLimits(concurrency or None, *starts)


def page(state: State | None, reply: list[Any]) -> Page:
    """A window of a listing."""
    now, total, following, rows = reply
    return Page(tuple([_entry(state, row) for row in rows]), int(total), _following(following), float(now) / 1000)


def id_page(reply: list[Any]) -> IDPage:
    """The same, IDs only."""
    now, total, following, ids = reply
    return IDPage(tuple(map(decode_id, ids)), int(total), _following(following), float(now) / 1000)


def _following(start: bytes) -> int | None:
    after = int(start)
    return None if after == -1 else after


class _Entry:
    """An Entry that is being made: a frozen one takes three times as long to fill, and a listing has a million."""

    __slots__ = Entry.__slots__

    def __init__(self, state: State | None, raw: bytes, time: Any, entry: Any, failures: Any, message: Any) -> None:
        at = accepted(time) if state is State.QUEUED else seconds(time)
        self.id = decode_id(raw)
        self.state = state
        self.since = None if state is State.DELAYED else at
        self.due = at if state is State.DELAYED else None
        self.worker = None if entry is None else worker_of(entry)
        self.failures = None if failures is None else whole(failures)
        self.error = message.decode("utf-8", "replace") if message else None


def _entry(state: State | None, row: list[Any]) -> Entry:
    made: Any = _Entry(state, *row)
    made.__class__ = Entry
    entry: Entry = made
    return entry


def errors(start: int, reply: list[Any]) -> ErrorPage:
    """A window of the log of errors."""
    total, rows = reply
    found = tuple(LoggedError(float(day), text.decode("utf-8", "replace")) for day, text in rows)
    end = start + len(found)
    return ErrorPage(found, int(total), end if found and end < total else None)


def details(id: str, queue: str, reply: list[Any]) -> Details:
    """All about one ID."""
    now, member, nowhere, position, due, score, start, entry, live, failed, published, *rest = reply
    attempts, failures, crashes, rerun, record, payload, marked, requests, traced = rest
    is_committed = bool(member)
    kept = absorbed(requests)
    again = kept.again if rerun else 0
    state = _state(is_committed and not nowhere, due, score or entry, failed)
    foreign_start = None if score is None else float(score)
    return Details(
        id,
        queue,
        state,
        at=float(now) / 1000,
        is_committed=is_committed,
        publish_would=_publish_would(state, is_known=is_committed or entry is not None),
        position=position,
        published=accepted(published),
        started=seconds(start) if start is not None else foreign_start,
        waited_s=None if start is None else waited(published, float(start)),
        due=seconds(due),
        worker=worker_of(entry),
        worker_is_live=None if live is None else bool(live),
        token=token_of(entry),
        attempt=whole(attempts) + 1,
        failures=whole(failures) + whole(failed),
        crashes=whole(crashes),
        rerun=bool(rerun),
        cancelling=bool(marked),
        failure=failure_of(record),
        payload=_payload(payload),
        payload_bytes=len(payload) - 1 if payload else None,
        requests=kept.requests - again,
        first_asked=first_asked(kept, accepted(published)) if kept.requests - again > 1 else None,
        rerun_requests=again,
        traces=linked(contexts(traced)),
    )


def _state(is_committed: bool, due: Any, held: Any, failed: Any) -> State:
    """What moves on first wins: a running ID is processing, even if a Node client also left it elsewhere."""
    if held is not None:
        return State.PROCESSING
    if due is not None:
        return State.DELAYED
    if is_committed:
        return State.QUEUED
    return State.ABSENT if failed is None else State.FAILED


def _publish_would(state: State, *, is_known: bool) -> Published:
    if not is_known:
        return Published.QUEUED
    match state:
        case State.ABSENT | State.FAILED | State.QUEUED:
            return Published.ALREADY_QUEUED
        case State.DELAYED:
            return Published.ALREADY_DELAYED
        case State.PROCESSING:
            return Published.PROCESSING


def failure_of(raw: bytes | None) -> Failure | None:
    """The last failure of an ID, by its record; None where there is none that can be read."""
    try:
        record = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return None

    def number(name: str) -> float | None:
        value = record.get(name)
        return value if isinstance(value, int | float) and math.isfinite(value) else None

    def text(name: str) -> str | None:
        value = record.get(name)
        return value if isinstance(value, str) else None

    attempt, error, traceback = number("attempt"), text("error") or "", text("traceback")
    told = what_broke(error, traceback or "") if error or traceback else WITHOUT_A_RECORD
    return Failure(
        error,
        at=number("at"),
        traceback=traceback,
        worker=text("worker"),
        attempt=None if attempt is None else int(attempt),
        seconds=number("seconds"),
        what=text("group") or told,
    )


def _payload(raw: bytes | None) -> Payload:
    return decode_payload(raw) if raw else None


def jammed(reply: list[Any]) -> tuple[int | None, list[Jammed]]:
    """The rank at which to go on, None at the end; and those of the entries read that count."""
    now, following, rows = reply
    at = float(now)
    return None if following < 0 else int(following), [
        Jammed(
            decode_id(raw),
            float(start) / 1000,
            max(0.0, (at - float(start)) / 1000),
            worker_of(entry),
            bool(live),
        )
        for raw, start, entry, live in rows
    ]


def workers(queue: str, reply: list[Any]) -> tuple[list[WorkerInfo], list[bytes]]:
    """Registered pools, and the IDs of those that were not described."""
    now, described, others, found = reply
    bars = versions.read_bars(fields(found))
    return [_worker(queue, float(now), row, bars) for row in described], others


def worker_runs(queue: str, now_ms: bytes, row: list[Any]) -> tuple[list[WorkerRuns], list[bytes]]:
    """The same, each with the runs that were told of it."""
    described, others, bars, told = row
    held: dict[str, list[Entry]] = {}
    for id, start, worker in told:
        entry = Entry(decode_id(id), State.PROCESSING, seconds(start), worker=worker.decode("utf-8", "replace"))
        held.setdefault(entry.worker or "", []).append(entry)
    infos, _ = workers(queue, [now_ms, described, others, bars])
    at = float(now_ms) / 1000
    return [WorkerRuns(info, tuple(sorted(held.get(info.id, ()), key=_start)), at) for info in infos], others


def _start(entry: Entry) -> float:
    return entry.since or 0.0


def _worker(queue: str, now: float, row: list[Any], bars: versions.Bars) -> WorkerInfo:
    raw, lease_end, flat = row
    record, id = fields(flat), raw.decode("utf-8", "replace")

    def text(name: bytes) -> str:
        return record.get(name, b"").decode("utf-8", "replace")

    return WorkerInfo(
        id=id,
        queue=queue,
        host=text(b"host"),
        pid=whole(record.get(b"pid")) or None,
        handler=text(b"handler"),
        concurrency=whole(record.get(b"concurrency")) or None,
        since=seconds(record.get(b"since")),
        lease_ends_in_s=(float(lease_end) - now) / 1000,
        running=whole(record.get(b"running")),
        done=whole(record.get(b"done")),
        failed=whole(record.get(b"failed")),
        version=text(b"version"),
        is_quiet=id in bars.quiet_workers or text(b"host") in bars.quiet_hosts,
        is_outdated=versions.is_lower(text(b"version"), bars.lowest_version) if bars.lowest_version else False,
    )


def schema(reply: list[Any], ours: int) -> str:
    """The store's epoch, once its schema is known to be ours. Raises StoreDamaged."""
    epoch, found = reply
    if whole(found) != ours:
        raise StoreDamaged(
            f"This queue was written with schema {found.decode('utf-8', 'replace')}, and this release knows {ours};"
            " use a release that fits."
        )
    return str(epoch.decode())
