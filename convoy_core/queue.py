"""Queue and Fleet, blocking: one line per method over the operations in `moves`.

`aio` holds the awaited twins. A test compares the twins method by method: signature, docstring and behaviour.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from convoy_core import validation
from convoy_core.models import (
    Cancelled,
    Counts,
    DelayPolicy,
    Details,
    Entry,
    ErrorPage,
    HistoryRow,
    IDPage,
    Jammed,
    Outcome,
    Page,
    PayloadPolicy,
    Published,
    QueueLimits,
    Snapshot,
    Tally,
    Then,
    Trial,
    WaitResult,
    WorkerInfo,
    WorkerRuns,
)
from convoy_core.moves import cancelling, discarding, looking, publishing, steering
from convoy_core.moves.call import Call, checked_names
from convoy_core.moves.publishing import Chunk, PublishOptions
from convoy_core.operators import Operator, check_operator
from convoy_core.options import JobID, Payload, encode_id
from convoy_core.publisher import Publisher
from convoy_core.states import State
from convoy_core.store.connection import Connection
from convoy_core.tracing import PublishSpan, Tracing, check_tracing
from convoy_core.validation import Seconds

if TYPE_CHECKING:
    import redis

    from convoy_core.checks import Fault, Finding, QueueCheck, Repaired
    from convoy_core.durations import Durations
    from convoy_core.failure_groups import FailureGroups
    from convoy_core.moves.checking import Check, Progress
    from convoy_core.moves.saving import Keep
    from convoy_core.operators import AuditEntry, Undone
    from convoy_core.recordings import RecordedMove, Recording
    from convoy_core.records import Record, Restored

T = TypeVar("T")


class Fleet:
    """Every queue of one store under one prefix.

    `redis` is a URL, a ready-made `redis.Redis` (with `decode_responses` off), or None for `CONVOY_REDIS_URL`, else the
    embedded store. `operator` is who acts, for the audit: by default the user of this process, or CONVOY_OPERATOR.
    Nothing is connected until the first call. Raises InvalidURL and InvalidOption.
    """

    def __init__(
        self,
        *,
        redis: str | redis.Redis | None = None,
        prefix: str | None = None,
        read_only: bool = False,
        operator: Operator | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        check_operator(operator)
        check_tracing(tracing)
        self._tracing = tracing
        self._connection = Connection(redis, prefix=prefix, read_only=read_only)
        self._operator = operator

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._connection}>"

    @property
    def store(self) -> str:
        """The address of the store, for people to read. It never holds a password."""
        return self._connection.shown

    def queue(self, name: str, *, operation: str = "") -> Queue:
        """The queue of that name, on this fleet's connection. Raises InvalidQueueName if it is empty or too long.

        What one with an `operation` does is one operation: its acts of one kind are one entry of the audit.
        """
        operator = self._operator
        if operation != "":
            operator = replace(operator or Operator.here(), operation=operation)
        return Queue(name, operator=operator, tracing=self._tracing, _connection=self._connection)

    def ping(self) -> float:
        """Ask the store for its time. Returns the duration of the round trip in seconds. Raises StoreError."""
        return self._connection.ping()

    def queues(self) -> list[str]:
        """The name of every queue, sorted.

        This scans the store, to find the queues that only Node clients use and nobody registered.
        """
        return self._connection.drive(looking.queue_names(self._connection.keyspace))

    def snapshot(
        self, names: Iterable[str], *, jam_after_s: Seconds = 300.0, registered: bool = False
    ) -> list[Snapshot]:
        """The named queues, each at one instant, in one round trip, however long they are.

        A hundred of them are read at the same instant; in a Cluster each at its own. `jammed` counts the IDs that have
        been processing for longer than `jam_after_s` seconds. With `registered` every other queue follows that a client
        of Convoy has ever written to: so a caller that goes by the names of the snapshot before misses no new one.
        """
        return self._connection.drive_rounds(
            looking.snapshots(self._connection.keyspace, names, jam_after_s, registered=registered)
        )

    def check(
        self,
        names: Iterable[str] | None = None,
        *,
        grace_s: Seconds = 10.0,
        progress: Progress | None = None,
    ) -> list[QueueCheck]:
        """Check every queue, or those of `names`, as `Queue.check` does; all of them share one grace time."""
        from convoy_core.moves.checking import Check  # noqa: PLC0415 - few programs check

        check = Check(self._connection.keyspace, grace_s, progress)
        queues = self.queues() if names is None else checked_names(names)
        return _checked(self._connection, check, queues)

    def check_server(self) -> list[Finding]:
        """Judge the store's server by its own settings: whether it may lose IDs, or hold them up.

        What it does not tell, or not to this user, is UNKNOWN.
        """
        from convoy_core.moves.server_checks import server_findings  # noqa: PLC0415 - few programs check

        return self._connection.drive(server_findings(self._connection.keyspace))

    def server_info(self) -> dict[str, str]:
        """What the store's server tells of itself: the fields of INFO, as text. Nothing, if this user may not ask."""
        from convoy_core.moves.server_checks import server_info  # noqa: PLC0415 - few programs check

        return self._connection.drive(server_info(self._connection.keyspace))

    def note_history(self, names: Iterable[str]) -> float:
        """Keep a row of each queue's counts and totals, unless one was kept in the last ten seconds.

        Returns in how many seconds the next is due. Pools and dashboards do this; it is for programs that watch queues
        on which neither of them is.
        """
        self._connection.check_writable()
        from convoy_core.moves import history  # noqa: PLC0415 - few programs look back

        return self._connection.drive_rounds(history.note_histories(self._connection.keyspace, names))

    def histories(self, names: Iterable[str], *, last_s: Seconds) -> dict[str, list[HistoryRow]]:
        """What was kept of each queue in the last `last_s` seconds, oldest first.

        There is a row for every ten seconds; for a time of more than ten minutes, for every minute; for one of more
        than two days, for every hour, with the largest counts since the one before, and the newest. The first may be
        one from before. A queue whose rows cannot be read has none. `Queue.history` reads all rows of one queue.
        """
        from convoy_core.moves import history  # noqa: PLC0415 - few programs look back

        found = self._connection.drive_rounds(history.histories(self._connection.keyspace, names, last_s))
        return history.unpacked(found)

    def workers(self, names: Iterable[str]) -> list[WorkerRuns]:
        """Every registered pool of these queues, each with the runs that it has held the longest, in one round trip.

        A queue that cannot be read has none here.
        """
        return self._connection.drive_rounds(looking.all_workers(self._connection.keyspace, names))

    def durations(self, names: Iterable[str]) -> dict[str, list[Durations]]:
        """How long the IDs of each queue waited and ran, as `Queue.durations` tells it."""
        from convoy_core.moves.durations import durations  # noqa: PLC0415 - few programs look back

        return self._connection.drive_rounds(durations(self._connection.keyspace, names))

    def audit(
        self,
        names: Iterable[str] | None = None,
        *,
        since_s: Seconds | None = None,
        after: Mapping[str, str] | None = None,
    ) -> list[AuditEntry]:
        """What operators have done to all queues, or to those of `names`, oldest first; see `Queue.audit`.

        `after` has the place of the last entry known of some queues: only later ones of these are returned.
        """
        from convoy_core.moves import auditing  # noqa: PLC0415 - few programs look at the audit

        where = auditing.beginning(since_s, after)
        queues = self.queues() if names is None else checked_names(names)
        return self._connection.drive_rounds(auditing.audits(self._connection.keyspace, queues, where))

    def find(self, id: JobID, names: Iterable[str] | None = None) -> list[Details]:
        """The details of the ID in every queue that holds it, or in those of `names` that do."""
        encode_id(id)
        queues = [self.queue(name) for name in (self.queues() if names is None else checked_names(names))]
        found = [queue.show(id) for queue in queues]
        return [details for details in found if details.state is not State.ABSENT or details.is_committed]

    def close(self) -> None:
        """Close the connections that this object made. A ready-made client stays open."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Nothing to open: the first call connects."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class Queue:
    """One queue of unique IDs.

    `redis` and `operator` are what Fleet takes. With `read_only` every method that writes raises ReadOnly before
    anything is sent. Every write is one atomic script: after a StoreError nothing is half done, and repeating the call
    is safe. Raises InvalidQueueName, InvalidURL and InvalidOption.
    """

    def __init__(
        self,
        name: str,
        *,
        redis: str | redis.Redis | None = None,
        prefix: str | None = None,
        read_only: bool = False,
        operator: Operator | None = None,
        tracing: Tracing | None = None,
        _connection: Connection | None = None,
    ) -> None:
        check_operator(operator)
        check_tracing(tracing)
        self._tracing = tracing
        self._operator = operator
        self._connection = _connection or Connection(redis, prefix=prefix, read_only=read_only)
        self._keys = self._connection.keyspace.queue(name, existing=_connection is not None)
        self._publisher = Publisher(self._connection, self._keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} at {self._connection}>"

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._keys.queue

    @property
    def key_prefix(self) -> str:
        """The prefix of all its keys in the store, like `cv:trucks:`; for redis-cli and access rules."""
        return self._keys.key_prefix

    @property
    def store(self) -> str:
        """The address of the store, for people to read. It never holds a password."""
        return self._connection.shown

    def publish(
        self,
        id: JobID,
        *,
        payload: Payload = None,
        delay_s: Seconds = 0.0,
        front: bool = False,
        rerun: bool = False,
        wait_replicas: int = 0,
        payload_policy: PayloadPolicy = PayloadPolicy.KEEP,
        delay_policy: DelayPolicy = DelayPolicy.KEEP,
    ) -> Published:
        """Put the ID into the queue, unless it is there already. The answer says which.

        A refused ID keeps its position and, by default, its payload and its delay. If it waits (also for a retry),
        PayloadPolicy.REPLACE gives it this payload, or none; if it is delayed, DelayPolicy.EARLIER or LATER moves its
        time to that of this publish where that is earlier or later. The answer is the same. An ID that runs keeps the
        payload that it began with.

        `delay_s` delays the ID by that many seconds. `front` puts it at the head of the queue. With `rerun`, a publish
        of a running ID queues it once more when that run ends, however it ends. If a Node worker runs it, the next
        heartbeat of a Convoy pool queues it. With `wait_replicas` the call returns when that many replicas have
        received the ID. If they do not confirm within 1 s it raises OutcomeUnknown: the store has accepted the ID, but
        a failover now could lose it. Raises InvalidID, InvalidPayload, InvalidOption, InvalidQueueName and StoreError.
        """
        single = publishing.single(
            id,
            payload,
            delay_s,
            front=front,
            rerun=rerun,
            wait_replicas=wait_replicas,
            payload_policy=payload_policy,
            delay_policy=delay_policy,
        )
        if self._tracing is None:
            return self._publisher.publish(single)
        with PublishSpan(self._tracing, self.name, single.raw) as span:
            return self._publisher.publish(publishing.traced(single, span.context))

    def publish_many(
        self,
        ids: Iterable[JobID],
        *,
        payload: Payload = None,
        delay_s: Seconds = 0.0,
        front: bool = False,
        rerun: bool = False,
        wait_replicas: int = 0,
        payload_policy: PayloadPolicy = PayloadPolicy.KEEP,
        delay_policy: DelayPolicy = DelayPolicy.KEEP,
    ) -> Tally:
        """Publish any number of IDs with the same options, streamed in chunks of one round trip each.

        After an error in the middle, the IDs published before it stay published. Publishing all of them again is safe.
        """
        options = PublishOptions(payload, delay_s, front, rerun, False, wait_replicas, payload_policy, delay_policy)
        return sum((chunk.tally for chunk in self._publish(ids, options, ahead=True)), Tally())

    def publish_chunks(  # noqa: PLR0913 - the options of a publish, by keyword alone
        self,
        ids: Iterable[JobID],
        *,
        payload: Payload = None,
        delay_s: Seconds = 0.0,
        front: bool = False,
        rerun: bool = False,
        dry_run: bool = False,
        wait_replicas: int = 0,
        payload_policy: PayloadPolicy = PayloadPolicy.KEEP,
        delay_policy: DelayPolicy = DelayPolicy.KEEP,
        ahead: bool = False,
    ) -> Iterator[Chunk]:
        """Publish as `publish_many` does, and yield each chunk with its tally and the answer for every ID.

        With `dry_run` nothing is written. The answers are those that publishing would have given. With `ahead` a chunk
        is sent before the one before is yielded. Then do not leave the loop to stop: end `ids`, and read the rest.
        """
        options = PublishOptions(payload, delay_s, front, rerun, dry_run, wait_replicas, payload_policy, delay_policy)
        yield from self._publish(ids, options, ahead=validation.flag("ahead", ahead))

    def _publish(self, ids: Iterable[JobID], options: PublishOptions, *, ahead: bool) -> Iterator[Chunk]:
        if not options.dry_run:
            self._connection.check_writable()
        is_traced = self._tracing is not None and not options.dry_run
        with PublishSpan(self._tracing if is_traced else None, self.name) as span:
            calls = publishing.publish(self._keys, ids, options, span.context)
            for chunk in self._connection.run_ahead(calls) if ahead else map(self._connection.run, calls):
                span.count += len(chunk.raw_ids)
                yield chunk

    def counts(self) -> Counts:
        """The number of IDs in each state, at one instant."""
        return self._run(looking.counts(self._keys))

    def snapshot(self, *, jam_after_s: Seconds = 300.0) -> Snapshot:
        """The counts with ages, workers and totals, at one instant. `Fleet.snapshot` reads many queues at once."""
        return self._run(looking.snapshot(self._connection.keyspace, [self.name], jam_after_s))[0]

    def page(self, state: State | None, *, start: int = 0, limit: int = 50) -> Page:
        """One page of the IDs in one state: at most 500 entries from rank `start`.

        QUEUED is sorted by position, DELAYED by due time, PROCESSING by age (oldest first), and FAILED by the number
        of failures (fewest first). A page is shorter where IDs are long, and may be empty: the listing ends where
        `next` is None. `state` None lists the committed set, which has no order: there `start` is the `next` of the
        previous page, and `limit` is only a hint. Raises InvalidOption for ABSENT.
        """
        return self._run(looking.page(self._keys, state, start, limit))

    def id_page(self, state: State | None, *, start: int = 0, limit: int = 500) -> IDPage:
        """The IDs of what `page` gives, and nothing else of them, which is many times as fast."""
        return self._run(looking.id_page(self._keys, state, start, limit))

    def entries(self, state: State | None) -> Iterator[Entry]:
        """All entries of a state, read page by page.

        An ID that moves meanwhile may be missed, and one of the committed set may be listed twice.
        """
        start: int | None = 0
        while start is not None:
            page = self.page(state, start=start, limit=500)
            yield from page.entries
            start = page.next

    def errors(self, *, start: int = 0, limit: int = 50) -> ErrorPage:
        """One page of the error log of today and yesterday, newest first: at most 500 entries from rank `start`.

        Convoy and Node workers write the text of each failure there, without its ID. The log of a day is deleted
        one day after its last entry.
        """
        return self._run(looking.errors(self._keys, start, limit))

    def failure_groups(self, *, progress: Progress | None = None, limit: int | None = None) -> FailureGroups:
        """The failed IDs, counted by what broke: the largest group first.

        An ID counts by its last failure. It takes a second or so per 100,000 of them, and a memory that does not grow
        with them: beyond 1,000 groups the IDs of further ones are counted together. `progress` is called with the
        number of IDs read so far, and of all. With `limit` no more than about so many are read, in equal distances.
        """
        from convoy_core.moves import grouping  # noqa: PLC0415 - few programs look at groups

        return self._drive(grouping.groups(self._keys, progress, limit))

    def ids_of_group(self, group: str) -> Iterator[str]:
        """The failed IDs of one group, streamed. `group` is the `id` of a FailureGroup.

        While IDs leave `failed`, others may be missed: make a list before you move them. Raises InvalidOption.
        """
        from convoy_core.moves import grouping  # noqa: PLC0415 - few programs look at groups

        grouping.check_group(group)
        start: int | None = 0
        while start is not None:
            page = self._run(grouping.ids_of_group(self._keys, group, start))
            yield from page.ids
            start = page.next

    def show(self, id: JobID) -> Details:
        """All that is known about one ID, at one instant. An unknown ID is ABSENT, not an error."""
        return self._run(looking.show(self._keys, id))

    def states(self, ids: Iterable[JobID]) -> Iterator[tuple[str, State]]:
        """The state of each ID, streamed in the order given: as many as there are in one round trip are asked at once.

        What is committed and neither delayed nor processing counts as queued: the list is not searched.
        """
        for chunk in self._connection.run_ahead(looking.states(self._keys, ids)):
            yield from chunk

    def wait(
        self,
        ids: Iterable[JobID],
        *,
        timeout_s: Seconds | None = None,
        progress: Progress | None = None,
        first_failure: bool = False,
    ) -> WaitResult:
        """Return when none of these IDs waits or runs any more, or after `timeout_s` seconds.

        An ID that never was in the queue counts as done. One that is published again before it was seen to have ended
        is waited for again. `progress` is called with the number of those that have ended, and of all. With
        `first_failure` an ID has failed as soon as a run of it has, even if it will be tried again: that is for a few
        IDs, as each is then looked at by itself.
        """
        from convoy_core.moves.waiting import Wait  # noqa: PLC0415 - few programs wait

        wait = Wait(ids, timeout_s, progress, first_failure=first_failure)
        self._drive(wait.look(self._keys))
        while (pause_s := wait.pause_s) is not None:
            time.sleep(pause_s)
            self._drive(wait.look(self._keys))
        return wait.result()

    def workers(self) -> list[WorkerInfo]:
        """Every pool registered on this queue, alive or silent."""
        return self._drive(looking.workers(self._keys))

    def check(self, *, grace_s: Seconds = 10.0, progress: Progress | None = None) -> QueueCheck:
        """Compare everything that is known of every ID, and return what is wrong.

        It reads the whole queue in slices, with a memory that does not grow with it. What looks wrong counts only if it
        still does at each of several looks over `grace_s` seconds: a Node client makes a move in two commands.
        `progress` is called with the number of entries looked at so far, and with how many there are. At most 100,000
        faults are kept. Nothing is written.
        """
        from convoy_core.moves.checking import Check  # noqa: PLC0415 - few programs check

        check = Check(self._connection.keyspace, grace_s, progress)
        return (_checked(self._connection, check, [self.name]))[0]

    def repair(self, faults: Iterable[Fault], *, max_crashes: int = 3) -> dict[Fault, Repaired]:
        """Put right what a check has found, each only if it is still wrong. Returns what was done with each.

        No ID is lost: what is in no place is queued, and so is what a dead worker held, which counts as a crash. At
        `max_crashes` crashes the ID is failed instead. A running ID with a waiting copy runs once more.
        """
        self._connection.check_writable()
        from convoy_core.moves import repairing  # noqa: PLC0415 - few programs check

        return self._drive(repairing.repair(self._keys, faults, max_crashes, by=self._by()))

    def dump(self, state: State) -> Iterator[Record]:
        """All IDs of a state with what is worth moving to another store, streamed in their order.

        Those of PROCESSING come as what would be waiting. An ID that stays in the state while this runs is not missed;
        it may come twice. What has been handed to a worker and not claimed is not among them: stop the workers first.
        """
        from convoy_core.moves import dumping  # noqa: PLC0415 - few programs move queues

        place: dumping.Place | None = dumping.Place()
        while place is not None:
            part = self._run(dumping.dump(self._keys, state, place))
            yield from part.records
            place = part.next

    def restore(self, records: Iterable[Record]) -> Counter[Restored]:
        """Put IDs with their data where a dump found them, each unless it is there already. Returns the tally.

        Those that wait follow what waits already, in the order given. Repeating the call changes nothing.
        """
        self._connection.check_writable()
        chunks = self.restore_chunks(records, ahead=True)
        return Counter(answer for chunk in chunks for _, answer in chunk)

    def restore_chunks(
        self, records: Iterable[Record], *, dry_run: bool = False, ahead: bool = False
    ) -> Iterator[list[tuple[str, Restored]]]:
        """Restore as `restore` does, and yield the answer for every ID, in chunks of one round trip each.

        `dry_run` and `ahead` are those of `publish_chunks`.
        """
        from convoy_core.moves import dumping  # noqa: PLC0415 - few programs move queues

        if not validation.flag("dry_run", dry_run):
            self._connection.check_writable()
        calls = dumping.restore(self._keys, records, dry_run=dry_run)
        if validation.flag("ahead", ahead):
            yield from self._connection.run_ahead(calls)
        yield from map(self._run, calls)

    def audit(self, *, since_s: Seconds | None = None, after: str | None = None) -> list[AuditEntry]:
        """What operators have done to this queue, oldest first: all that is kept, which are about the last 1,000 acts.

        With `since_s` only that of the last so many seconds; with `after`, the `place` of an entry, only later ones.
        """
        from convoy_core.moves import auditing  # noqa: PLC0415 - few programs look at the audit

        return self._drive(auditing.audit(self._keys, since_s, after))

    def requeued(self, act: AuditEntry) -> list[str]:
        """The IDs that this requeue, an entry of the audit, has queued.

        That is kept for a week, of about the last 50,000. `states` says what has become of them. Raises InvalidOption.
        """
        from convoy_core.moves import undoing  # noqa: PLC0415 - few programs undo

        return self._drive(undoing.requeued(self._keys, act))

    def undo(self, act: AuditEntry, *, dry_run: bool = False) -> Undone:
        """Take back what an operator has done: a requeue, a pause, a resume, or a change of limits.

        `act` is an entry of the audit. It is left alone if an operator has paused, resumed or limited the queue since.
        Of a requeue those IDs go back to the failed ones that wait as they were requeued: none that has run, or was
        asked for again. Raises InvalidOption for other acts.
        """
        if not dry_run:
            self._connection.check_writable()
        from convoy_core.moves import undoing  # noqa: PLC0415 - few programs undo

        return self._drive(undoing.undo(self._keys, act, dry_run=dry_run, by=self._by()))

    def jammed(self, *, idle_s: Seconds) -> list[Jammed]:
        """The entries that have been processing for longer than `idle_s` seconds, oldest first.

        These are the entries that `jam_guard` would free.
        """
        return self._drive(steering.jammed(self._keys, idle_s))

    def free_jammed(
        self,
        entries: Iterable[Jammed],
        *,
        then: Then = Then.REQUEUE,
        skip_live: bool = False,
        max_crashes: int = 3,
    ) -> dict[str, Outcome]:
        """Free exactly these entries, each only if the run that was listed is still going on.

        With `skip_live`, entries of pools that are alive are left alone. Requeueing counts as a crash. At
        `max_crashes` crashes the ID is failed instead. A run that has been asked to end is discarded, whatever `then`
        says.
        """
        self._connection.check_writable()
        return self._drive(
            steering.free_jammed(self._keys, entries, then, skip_live=skip_live, max_crashes=max_crashes, by=self._by())
        )

    def jam_guard(self, *, idle_s: Seconds, then: Then = Then.REQUEUE, skip_live: bool = False) -> list[str]:
        """Free the IDs that have been processing for longer than `idle_s` seconds. Returns the freed IDs.

        While the guard of a Node client holds the lock of the queue, it waits for up to 6 s.
        """
        self._connection.check_writable()
        steering.check_guard(then, skip_live=skip_live)
        entries = self.jammed(idle_s=idle_s)
        outcomes = self.free_jammed(entries, then=then, skip_live=skip_live)
        for pause_s in steering.LOCK_PAUSES:
            if not (left := steering.locked(entries, outcomes)):
                break
            time.sleep(pause_s)
            outcomes |= self.free_jammed(left, then=then, skip_live=skip_live)
        return steering.freed(outcomes)

    def requeue(self, ids: Iterable[JobID], *, front: bool = False, dry_run: bool = False) -> dict[str, Outcome]:
        """Queue these failed IDs again, each with all its retries. Its count of failures is kept.

        `front` puts them at the head of the queue.
        """
        if not dry_run:
            self._connection.check_writable()
        return self._drive(steering.requeue(self._keys, ids, front=front, dry_run=dry_run, by=self._by()))

    def requeue_all(self) -> dict[str, Outcome]:
        """Queue again every ID that is failed now."""
        self._connection.check_writable()
        return self.requeue([entry.id for entry in self.entries(State.FAILED)])

    def requeue_trial(self, ids: Iterable[JobID], *, n: int = 1, timeout_s: Seconds | None = None) -> Trial:
        """Queue the first `n` of these failed IDs, at the head, wait for them, and queue the others if all went well.

        If a run of one fails, also if it will be tried again, or after `timeout_s` seconds, the others stay failed. The
        first that are not failed any more are passed over. At most 100 go ahead. A call that is cut short leaves the
        others failed, and those that went ahead queued.
        """
        self._connection.check_writable()
        from convoy_core.moves.trials import TrialRun  # noqa: PLC0415 - few programs try

        trial = TrialRun(ids, n, timeout_s, by=self._by())
        self._drive(trial.begin(self._keys))
        while (pause_s := trial.pause_s) is not None:
            time.sleep(pause_s)
            self._drive(trial.look(self._keys))
        return self._drive(trial.end(self._keys))

    def discard(
        self, ids: Iterable[JobID], *, state: State, dry_run: bool = False, keep: Keep | None = None
    ) -> dict[str, Outcome]:
        """Remove these IDs, each only if it is in `state`: QUEUED, DELAYED or FAILED.

        With `keep` their records are saved first, slice by slice: nothing is removed that is not saved, and what was
        saved can be restored. Raises InvalidOption for another state, and what `keep` raises.
        """
        if not dry_run:
            self._connection.check_writable()
        return self._drive(discarding.discard(self._keys, ids, state, dry_run=dry_run, by=self._by(), keep=keep))

    def discard_all(self, state: State, *, limit: int | None = None, keep: Keep | None = None) -> int:
        """Remove as many IDs of `state` as there are at the start of the call, from the head. Returns how many.

        At most `limit` are removed. Unlike `discard` this searches for no ID, so a million take seconds; with `keep`,
        as there, they are read and saved as well. Raises InvalidOption as `discard` does.
        """
        self._connection.check_writable()
        return self._drive(discarding.discard_all(self._keys, state, limit, by=self._by(), keep=keep))

    def cancel(self, ids: Iterable[JobID], *, dry_run: bool = False) -> dict[str, Cancelled]:
        """Cancel these IDs: what waits becomes absent, and what runs is asked to end.

        The worker hears of it with its next round, or its next heartbeat (4 s). It cancels a coroutine, and ends a
        command or an isolated child with its process group. A function in a thread sees `job.cancelled`, and its ID is
        processing until it returns. The run then counts as cancelled and not as failed: the ID is absent, or queued if
        a rerun was asked for. A run that goes well all the same is done. `wait` tells when all have ended.
        """
        if not dry_run:
            self._connection.check_writable()
        return self._drive(cancelling.cancel(self._keys, ids, dry_run=dry_run, by=self._by()))

    def pause(self) -> bool:
        """Stop Convoy's workers from claiming; running jobs go on. Returns True if the queue was not paused before.

        Node workers ignore a pause.
        """
        return self._run(steering.pause(self._keys, by=self._by()))

    def resume(self) -> bool:
        """Let workers claim again. Returns True if the queue was paused before."""
        return self._run(steering.resume(self._keys, by=self._by()))

    def acknowledge(self, *, for_s: Seconds, note: str = "", words: Iterable[str] = ()) -> bool:
        """Have the trouble of this queue not told for `for_s` seconds, up to 366 days, since somebody knows of it.

        `convoy status`, `watch` and the dashboard then show it among what needs nobody, with the note, until the time
        is over. `words` are the health words that this covers, like "NO WORKERS": with another one the queue is told
        again. Without them it covers whatever comes. Replaces what was acknowledged before, and returns whether
        anything was.
        """
        from convoy_core.moves import describing  # noqa: PLC0415 - few programs say anything about a queue

        return self._run(describing.acknowledge(self._keys, for_s, note, words, by=self._by()))

    def end_acknowledgement(self) -> bool:
        """Have the trouble of this queue told again. Returns whether anything was acknowledged."""
        from convoy_core.moves import describing  # noqa: PLC0415 - few programs say anything about a queue

        return self._run(describing.end_acknowledgement(self._keys, by=self._by()))

    def describe(self, *, owner: str | None = None, runbook: str | None = None, note: str | None = None) -> bool:
        """Say who answers for this queue, where it is told what to do, and what else is good to know.

        Faces show it beside the queue when that is in trouble. None leaves what is there, and an empty text takes it
        away. `runbook` is an address that begins with https:// or http://. Returns whether that changed anything.
        """
        from convoy_core.moves import describing  # noqa: PLC0415 - few programs say anything about a queue

        return self._run(describing.describe(self._keys, owner, runbook, note, by=self._by()))

    def quiet(self, who: str) -> bool:
        """Have the workers of a host, or one worker, claim nothing more of this queue; what they run goes on.

        `who` is the name of the host, or the ID of the worker. They heed it with their next claim. A host stays quiet
        until `unquiet`, for workers that start there later as well; a worker until it is gone. Returns False if it was
        so before, or there is no such worker.
        """
        from convoy_core.moves import barring  # noqa: PLC0415 - few programs bar workers

        return self._run(barring.quiet(self._keys, who, by=self._by()))

    def unquiet(self, who: str) -> bool:
        """Let them claim again, within a second. Returns whether they were quiet."""
        from convoy_core.moves import barring  # noqa: PLC0415 - few programs bar workers

        return self._run(barring.unquiet(self._keys, who, by=self._by()))

    def set_lowest_version(self, version: str | None) -> bool:
        """Have workers of a lower version claim nothing of this queue; None lets all claim. Returns if that changed it.

        Compared is `PoolOptions.version_label`: numbers with dots between them, perhaps after a v, of which missing
        ones are 0. A suffix like rc1 comes before the version without it, unless it begins with + or post. A label that
        is no version, and a pool without one, are lower than any.
        """
        from convoy_core.moves import barring  # noqa: PLC0415 - few programs bar workers

        return self._run(barring.set_lowest_version(self._keys, version, by=self._by()))

    def record(self, *, for_s: Seconds, keep_bytes: int = 64 * 2**20) -> bool:
        """Keep every move of every ID of this queue, from now on and for `for_s` seconds. Returns whether it was on.

        `trace` reads what was kept, up to a day after the end. About `keep_bytes` bytes are kept, from 64 KiB to 1 GiB,
        the newest. What Node clients do is not recorded.
        """
        self._connection.check_writable()
        from convoy_core.moves import recording  # noqa: PLC0415 - few programs record

        return self._run(recording.start_recording(self._keys, for_s, keep_bytes))

    def stop_recording(self) -> bool:
        """Stop the recorder; what was recorded is kept for a day. Returns whether it was on."""
        self._connection.check_writable()
        from convoy_core.moves import recording  # noqa: PLC0415 - few programs record

        return self._run(recording.stop_recording(self._keys))

    def recording(self) -> Recording:
        """Whether moves are recorded now, and how much is kept."""
        from convoy_core.moves import recording  # noqa: PLC0415 - few programs record

        return self._run(recording.recording(self._keys))

    def trace(self, id: JobID | None = None, *, since: float | None = None) -> Iterator[RecordedMove]:
        """What was recorded of one ID, or of all, oldest first. All that is kept is read, in slices.

        With `since`, in Unix seconds of the store's clock, what was recorded before that is neither read nor told.
        """
        from convoy_core.moves import recording  # noqa: PLC0415 - few programs record

        after: str | None = recording.begin(since)
        while after is not None:
            after, moves = self._run(recording.trace(self._keys, id, after))
            yield from moves

    def history(self, since: float | None = None, until: float | None = None) -> list[HistoryRow]:
        """The counts and totals that were kept of this time, in Unix seconds of the store's clock, oldest first.

        While any pool or dashboard is there, one of them keeps a row every ten seconds for two hours, and every minute
        for seven days. None means from the first row, and up to the last.
        """
        from convoy_core.moves import history  # noqa: PLC0415 - few programs look back

        return self._drive(history.history(self._keys, since, until))

    def durations(self) -> list[Durations]:
        """How long IDs waited and ran over the last 5 minutes, the last hour and the last 24 hours.

        Convoy's pools count that, and hand it over with their heartbeats. A time includes the minute, or the hour, that
        goes on, and so many full ones before. Node workers count nothing, and what Node publishes has no known wait. A
        pool that dies takes along what it has counted since its last heartbeat.
        """
        from convoy_core.moves.durations import durations  # noqa: PLC0415 - few programs look back

        return self._connection.drive_rounds(durations(self._connection.keyspace, [self.name]))[self.name]

    def set_limits(
        self,
        *,
        concurrency: int | None = None,
        rate: int | None = None,
        period_s: Seconds = 1.0,
        burst: int | None = None,
    ) -> bool:
        """Limit what Convoy's workers run of this queue, all of them together. Returns True if that changed anything.

        At most `concurrency` runs go at a time, and at most `rate` begin in each `period_s` seconds. Of these, up to
        `burst` may begin at once after a quiet time: without it those of a tenth of a second, so that in any period
        hardly more than `rate` begin. None means no limit: without arguments all limits are removed. Running jobs go
        on. Node workers know no limits, and do not count.
        """
        return self._run(steering.set_limits(self._keys, concurrency, rate, period_s, burst, by=self._by()))

    def limits(self) -> QueueLimits:
        """What limits this queue."""
        return self._run(steering.limits(self._keys))

    def close(self) -> None:
        """Close the connections that this object made. A ready-made client stays open."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Nothing to open: the first call connects."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _by(self) -> str:
        """The signature under which an act is kept."""
        return (self._operator or Operator.here()).signature()

    def _run(self, call: Call[T]) -> T:
        return self._connection.run(call)

    def _drive(self, steps: Generator[Call[object], object, T]) -> T:
        return self._connection.drive(steps)


def _checked(connection: Connection, check: Check, names: Iterable[str]) -> list[QueueCheck]:
    connection.drive(check.first(names))
    while (pause_s := check.pause_s) is not None:
        time.sleep(pause_s)
        connection.drive(check.again())
    return check.result()
