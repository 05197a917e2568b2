"""The reference model: the state of every ID, and the effect of each move, in plain Python. Knows no Redis.

`contents` then says what the store must look like, to the last key. A script that does anything else is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias

from convoy_core import validation
from convoy_core.jobs import Discard, Failed, Retry, Verdict
from convoy_core.models import Cancelled, Counts, DelayPolicy, Jammed, Outcome, PayloadPolicy, Published, Then
from convoy_core.moves.history import HOUR_S, LONG_STEP_S, STEP_S
from convoy_core.moves.publishing import PublishOptions
from convoy_core.moves.recovering import DEPARTED_MS, LATE_MS
from convoy_core.moves.working import SCHEMA, SuspectPolicy
from convoy_core.options import SUSPECT_CRASHES, encode_payload
from convoy_core.records import Record, Restored
from convoy_core.states import MOVES, State
from tests import packed
from tests.model.audit import Audit
from tests.model.limits import Limits, Set
from tests.model.wire import Content, Contents

MAX_CRASHES = 3
"""From here on an ID runs by itself."""
SHARE = 3
"""Bytes that one script reads in these models: so few that not all IDs fit into one."""
Ending: TypeAlias = "tuple[str, int, Verdict]"
"""ID, claim number, and how the run ended."""
ORDER = ("completed", "Discard", "Failed", "Retry", "released", "cancelled")


@dataclass(slots=True)
class Entry:
    """All about one ID that is not absent."""

    state: State
    published: int = 0
    in_line: int = 0
    """When it was due, if that brought it into the line."""
    due: int = 0
    start: int = 0
    beat: int = 0
    """Seconds of the last sign of life from its holder."""
    token: str = ""
    is_indexed: bool = False
    """Whether a heartbeat has seen the run."""
    failures: int = 0
    attempts: int = 0
    crashes: int = 0
    payload: str = ""
    failure: str = ""
    rerun: bool = False
    is_marked: bool = False
    """Whether its run has been asked to end."""
    absorbed: int = 0
    first: int = 0
    """When the first publish came that it has absorbed, where that was before it was queued."""
    again: int = 0
    """Of those that asked for a rerun, how many count for the next run."""
    since: int = 0
    traces: list[str] = field(default_factory=list)
    """The contexts of the publishes that it stands for; the first may be -, for one that was not traced."""
    asked: list[str] = field(default_factory=list)
    """The same of those that asked for the next run."""

    @property
    def linked(self) -> tuple[str, ...]:
        """What a run that begins now is linked to."""
        known = tuple(dict.fromkeys(context for context in self.traces + self.asked if context != "-"))
        return known[:2] + known[2:][-1:]

    @property
    def first_asked(self) -> float | None:
        """What a run that begins now is told of it."""
        times = [time for time in (self.first, self.since if self.again else 0, self.published) if time]
        return min(times) / 1000 if self.absorbed + self.again else None


@dataclass(slots=True)
class Pool:
    """One worker, as the store knows it."""

    lease_end: int = 0
    """0: not registered."""
    record: dict[str, str] = field(default_factory=dict)
    handed_over: list[str] = field(default_factory=list)


class Reference:
    """One queue."""

    def __init__(self, workers: Sequence[str], now: int) -> None:
        self.now = now
        self.entries: dict[str, Entry] = {}
        self.queue: list[str] = []
        self.pools = {worker: Pool() for worker in workers}
        self.departed: dict[str, int] = {}
        self.paused_at: int | None = None
        self.barred: dict[str, str] = {}
        """What keeps workers from claiming, as the store holds it."""
        self.limits = Limits()
        self.kept: dict[str, list[list[int]]] = {"seconds": [], "minutes": [], "hours": []}
        """Rows of the history."""
        self.audit = Audit()
        self.epoch = ""
        self.totals: Counter[str] = Counter()
        self.logs: defaultdict[int, list[str]] = defaultdict(list)
        self._move = ""
        self._context = ""

    # -- asking

    def state(self, id: str) -> State:
        """Where it is."""
        return self.entries[id].state if id in self.entries else State.ABSENT

    def ids(self, state: State) -> list[str]:
        """Who is there, by name."""
        return sorted(id for id, entry in self.entries.items() if entry.state is state)

    def held_by(self, worker: str) -> list[tuple[str, int]]:
        """ID and number of every claim, in the order they were made."""
        prefix = f"{worker}:"
        held = [
            (id, int(entry.token.removeprefix(prefix)))
            for id, entry in self.entries.items()
            if entry.token.startswith(prefix)
        ]
        return sorted(held, key=lambda pair: pair[1])

    def is_live(self, worker: str) -> bool:
        """Whether its lease has not run out."""
        return self.pools[worker].lease_end > self.now

    def expired_leases(self) -> list[str]:
        """Registered workers whose lease ran out."""
        gone = [(pool.lease_end, worker) for worker, pool in self.pools.items() if 0 < pool.lease_end <= self.now]
        return [worker for _, worker in sorted(gone)]

    def jammed(self, idle_ms: int) -> dict[str, int]:
        """ID -> start of what runs for at least that long."""
        cutoff = self.now - idle_ms
        return {id: e.start for id, e in self.entries.items() if e.state is State.PROCESSING and e.start <= cutoff}

    # -- publishing and steering

    def publish(self, ids: Sequence[str], options: PublishOptions, context: str = "") -> list[Published]:
        """Absent, failed -> queued, delayed. With the context of a traced publish."""
        self._context = context
        self._move = "publish"
        delay = round(validation.seconds("delay_s", options.delay_s) * 1000)
        content = "" if options.payload is None else encode_payload(options.payload).decode()
        accepted: list[str] = []
        answers = [self._publish_one(id, delay, content, options, accepted) for id in ids]
        if not options.dry_run:
            if not delay:
                self._enqueue(accepted, at_head=options.front)
            self.totals["published"] += len(accepted)
            self.totals["refused"] += len(ids) - len(accepted)
        return answers

    def _publish_one(
        self, id: str, delay: int, content: str, options: PublishOptions, accepted: list[str]
    ) -> Published:
        entry = self.entries.get(id)
        if entry is not None and not options.dry_run and (id in accepted or entry.state is not State.FAILED):
            self._absorb(entry, wants_rerun=options.rerun)
        if id in accepted:
            return Published.ALREADY_DELAYED if delay else Published.ALREADY_QUEUED
        if entry is None or entry.state is State.FAILED:
            accepted.append(id)
            if not options.dry_run:
                old = entry or Entry(State.ABSENT)
                fresh = Entry(old.state, self.now, failures=old.failures, failure=old.failure, payload=content)
                fresh.traces = [self._context] if self._context else []
                self.entries[id] = fresh
                if delay:
                    self._delay(fresh, delay)
            return Published.DELAYED if delay else Published.QUEUED
        if entry.state is State.PROCESSING and not options.rerun:
            return Published.PROCESSING
        if not options.dry_run:
            self._change(entry, self.now + delay, content, options)
        if entry.state is State.PROCESSING:
            return Published.WILL_RERUN
        return Published.ALREADY_QUEUED if entry.state is State.QUEUED else Published.ALREADY_DELAYED

    def _absorb(self, entry: Entry, *, wants_rerun: bool) -> None:
        if entry.state is not State.PROCESSING or not wants_rerun:
            entry.absorbed += 1
            entry.traces = _traced(entry.traces or ["-"], self._context)
            return
        if not entry.rerun:  # what was asked for before is for the run that goes on
            entry.absorbed, entry.again = entry.absorbed + entry.again, 0
            if self._context:
                for earlier in entry.asked:
                    entry.traces = _traced(entry.traces or ["-"], earlier)
                entry.asked = []
        entry.asked = _traced(entry.asked, self._context)
        entry.since = entry.since if entry.again else self.now
        entry.again += 1

    def _change(self, entry: Entry, due: int, content: str, options: PublishOptions) -> None:
        """What a publish changes of an ID that waits, or will run once more."""
        if entry.state is State.PROCESSING:
            entry.rerun = True
            entry.payload = content or entry.payload
        if options.payload_policy is PayloadPolicy.REPLACE:
            entry.payload = content
        if entry.state is State.DELAYED:
            choices = {DelayPolicy.EARLIER: min(entry.due, due), DelayPolicy.LATER: max(entry.due, due)}
            entry.due = choices.get(options.delay_policy, entry.due)

    def requeue(self, ids: Iterable[str], *, front: bool, dry: bool) -> dict[str, Outcome]:
        """Failed -> queued."""
        self._move = "requeue"
        ids = dict.fromkeys(ids)
        moved = [id for id in ids if self.state(id) is State.FAILED]
        if not dry:
            for id in moved:
                entry = self.entries[id]
                entry.published, entry.in_line, entry.attempts, entry.crashes = self.now, 0, 0, 0
            self._enqueue(moved, at_head=front)
            self.totals["requeued"] += len(moved)
        outcomes = {id: Outcome.QUEUED if id in moved else Outcome.GONE for id in ids}
        self.audit.note_requeue({} if dry else outcomes, self.now)
        return outcomes

    def withdraw(self, ids: Iterable[str], at: int, *, dry: bool) -> dict[str, Outcome]:
        """Queued -> failed, for what waits as it was requeued then."""
        self._move = "withdraw"
        ids = dict.fromkeys(ids)
        there = [id for id in ids if id in self.queue and self._waits_since(self.entries[id], at)]
        if not dry:
            for id in there:
                entry = self.entries[id]
                self._go(entry, State.FAILED)
                entry.published = entry.in_line = 0
            self.queue = [id for id in self.queue if id not in there]
        outcomes = {id: Outcome.FAILED if id in there else Outcome.GONE for id in ids}
        self.audit.note("withdraw", {} if dry else outcomes, self.now)
        return outcomes

    @staticmethod
    def _waits_since(entry: Entry, at: int) -> bool:
        was_requeued = entry.published == at and not entry.in_line and entry.failures > 0
        return was_requeued and not (entry.attempts or entry.crashes or entry.absorbed or entry.again)

    def discard(self, ids: Iterable[str], state: State, *, dry: bool) -> dict[str, Outcome]:
        """Queued, delayed, failed -> absent. What is on its way to a worker can no longer be discarded."""
        self._move = "discard"
        ids = dict.fromkeys(ids)
        there = [id for id in ids if self.state(id) is state and (state is not State.QUEUED or id in self.queue)]
        if not dry:
            for id in there:
                self._forget(id)
            self.totals["discarded"] += len(there)
        outcomes = {id: Outcome.DISCARDED if id in there else Outcome.GONE for id in ids}
        self.audit.note("discard", {} if dry else outcomes, self.now)
        return outcomes

    def dumped(self, state: State) -> list[Record]:
        """All that is there, in the order of a dump; what runs by name."""

        def rank(id: str) -> int:
            entry = self.entries[id]
            return {State.DELAYED: entry.due, State.FAILED: entry.failures}.get(state, 0)

        found = self.queue if state is State.QUEUED else sorted(self.ids(state), key=rank)
        return [_record(id, self.entries[id]) for id in found]

    def restore(self, records: Iterable[Record], *, dry: bool) -> list[Restored]:
        """Absent -> queued, delayed, failed."""
        self._move = "restore"
        known, answers = {*self.entries}, []
        for record in records:
            is_new = record.id not in known
            known.add(record.id)
            answers.append(Restored(record.state.value) if is_new else Restored.PRESENT)
            if is_new and not dry:
                self._restore_one(record)
        return answers

    def _restore_one(self, record: Record) -> None:
        payload, failure = ((raw or b"").decode() for raw in (record.raw_payload, record.raw_failure))
        entry = Entry(State.ABSENT, failures=record.failures, payload=payload, failure=failure)
        entry.traces = [*record.traces]
        self.entries[record.id] = entry
        self.totals["restored"] += 1
        if record.state is State.FAILED:
            entry.failures = max(1, entry.failures)
            self._go(entry, State.FAILED)
            return
        entry.published = self.now if record.published is None else round(record.published * 1000)
        entry.attempts, entry.crashes = record.attempts, record.crashes
        entry.absorbed = record.requests - 1
        entry.first = round((record.first_asked or 0) * 1000) if entry.absorbed else 0
        if record.state is State.DELAYED:
            self._delay(entry, round((record.due or 0) * 1000) - self.now)
        else:
            self._enqueue([record.id])

    def cancel(self, ids: Iterable[str], *, dry: bool) -> dict[str, Cancelled]:
        """Queued, delayed -> absent; what runs is marked."""
        self._move = "cancel"
        marked = {id for id, entry in self.entries.items() if entry.is_marked}
        answers = {id: self._cancel_one(id, dry=dry) for id in dict.fromkeys(ids)}
        done = (Cancelled.CANCELLED, Cancelled.CANCELLING)
        new = {id: answer for id, answer in answers.items() if answer in done and id not in marked}
        self.audit.note("cancel", {} if dry else new, self.now)
        return answers

    def _cancel_one(self, id: str, *, dry: bool) -> Cancelled:
        match self.state(id):
            case State.PROCESSING:
                self.entries[id].is_marked |= not dry
                return Cancelled.CANCELLING
            case State.FAILED:
                return Cancelled.FAILED
            case State.ABSENT:
                return Cancelled.ABSENT
            case State.QUEUED | State.DELAYED:
                holders = [worker for worker, pool in self.pools.items() if id in pool.handed_over]
                if any(not self.pools[worker].lease_end and worker not in self.departed for worker in holders):
                    return Cancelled.MISSING  # handed to a worker that has never been registered
                if not dry:
                    for worker in holders:
                        self.pools[worker].handed_over.remove(id)
                    self._forget(id)
                    self.totals["cancelled"] += 1
                return Cancelled.CANCELLED

    def promote(self, limit: int) -> tuple[int, float | None]:
        """Delayed -> queued."""
        self._move = "promote"
        waiting = sorted((self.entries[id].due, id) for id in self.ids(State.DELAYED))
        due = _fitting([id for at, id in waiting if at <= self.now][:limit], _bytes_of)
        suspects = [id for id in due if self.entries[id].crashes >= SUSPECT_CRASHES]
        ready = [id for id in due if id not in suspects]
        for id in ready:
            if self.entries[id].due > self.entries[id].published:
                self.entries[id].in_line = self.entries[id].due
        self._enqueue(ready)
        self._enqueue(suspects, at_head=True)
        rest = waiting[len(due) :]
        return len(due), max(0, rest[0][0] - self.now) / 1000 if rest else None

    def free(self, entries: Iterable[Jammed], then: Then, *, skip_live: bool) -> dict[str, Outcome]:
        """The jam guard: processing -> queued, failed, absent."""
        outcomes = {row.id: self._free_one(row, then, skip_live) for row in entries}
        self.audit.note("jam_guard", outcomes, self.now)
        return outcomes

    def _free_one(self, row: Jammed, then: Then, skip_live: bool) -> Outcome:
        self._move = "jam_guard"  # the one before may have been cancelled
        entry = self.entries.get(row.id)
        if entry is None or entry.state is not State.PROCESSING or entry.start != round(row.start * 1000):
            return Outcome.GONE
        if skip_live and self.is_live(_worker_of(entry.token)):
            return Outcome.HELD
        self.totals["jammed"] += 1
        if entry.is_marked:
            return Outcome.QUEUED if self._abort(row.id) else Outcome.DISCARDED
        return self._clear(row.id, then)

    def _clear(self, id: str, then: Then) -> Outcome:
        if then is Then.REQUEUE:
            word = self._crash(id, "jammed")
            if word == "to be queued":
                self._enqueue([id])
            return Outcome.FAILED if word == "failed" else Outcome.QUEUED
        if self._rerun(id):
            return Outcome.QUEUED
        if then is Then.FAIL:
            self._fail_for_good(id, "jammed", '{"error":"jammed: it had been processing for too long"}')
            return Outcome.FAILED
        self._forget(id)
        return Outcome.DISCARDED

    def pause(self) -> bool:
        """Our workers stop claiming."""
        was_going = self.paused_at is None
        self.paused_at = self.now if was_going else self.paused_at
        self.audit.note("pause", {"": "paused"} if was_going else {}, self.now, has_ids=False)
        return was_going

    def resume(self) -> bool:
        """They go on."""
        was_paused, self.paused_at = self.paused_at is not None, None
        self.audit.note("resume", {"": "resumed"} if was_paused else {}, self.now, has_ids=False)
        return was_paused

    def quiet(self, who: str) -> bool:
        """A worker that is registered claims nothing more, or else a host. Each worker here has a host of its name."""
        kind = "worker" if self.pools[who].lease_end else "host"
        if f"{kind}:{who}" in self.barred:
            return False
        self.barred[f"{kind}:{who}"] = str(self.now)
        self.audit.note("quiet", {who: kind}, self.now)
        return True

    def unquiet(self, who: str) -> bool:
        """It claims again."""
        found = [kind for kind in ("host", "worker") if self.barred.pop(f"{kind}:{who}", None)]
        self.audit.note("unquiet", {who: found[-1]} if found else {}, self.now)
        return bool(found)

    def set_lowest_version(self, version: str | None) -> bool:
        """Workers of a lower version claim nothing. Here none has any."""
        if self.barred.get("lowest") == version:
            return False
        self.barred.pop("lowest", None)
        self.barred |= {"lowest": version} if version else {}
        self.audit.note("version", {version or "": "set" if version else "lifted"}, self.now, has_ids=bool(version))
        return True

    def note_history(self, *, is_last: bool) -> float:
        """Keep a row of what there is, if the newest is old enough, or a last one; seconds until the next."""
        ages = {kind: abs(self.now - rows[-1][0]) if rows else 10**9 for kind, rows in self.kept.items()}
        recent, hours = self.kept["seconds"], self.kept["hours"]
        if ages["seconds"] < STEP_S * 1000:
            if not is_last or not ages["seconds"]:
                return (STEP_S * 1000 - ages["seconds"]) / 1000
            if len(recent) > 1 and abs(self.now - recent[-2][0]) < 2 * STEP_S * 1000:
                recent.pop()
        sizes = {state: len(self.ids(state)) for state in State}
        committed = [entry for entry in self.entries.values() if entry.state.is_committed]
        counts = Counts(
            len(self.queue), len(committed), sizes[State.PROCESSING], sizes[State.FAILED], sizes[State.DELAYED]
        )
        now = packed.row(self.now, counts, len([w for w in self.pools if self.is_live(w)]), self.totals)
        recent.append(now)
        if ages["minutes"] < LONG_STEP_S * 1000:
            return float(STEP_S)
        self.kept["minutes"].append(now)
        hour_ms = HOUR_S * 1000
        if not hours or hours[-1][0] // hour_ms != self.now // hour_ms:
            since = hours[-1][0] if hours else self.now - hour_ms
            rows = [row[2:8] for row in recent if since < row[0] <= self.now]
            hours.append([*now[:2], *map(max, *rows, now[2:8]), *now[8:]])
        return float(STEP_S)

    def set_limits(self, to: Set) -> bool:
        """Or remove them."""
        before = self.limits.are
        has_changed = self.limits.set(to, self.now)
        if has_changed:
            word = "limited" if self.limits.is_set else "lifted"
            self.audit.note_limits(word, _told(before), _told(to), self.now)
        return has_changed

    # -- workers

    def register(self, worker: str, lease_ms: int, epoch: str, about: dict[str, str]) -> str:
        """A worker registers."""
        self.epoch = self.epoch or epoch
        self.pools[worker].lease_end = self.now + lease_ms
        self.pools[worker].record |= {"since": str(self.now)} | about
        return self.epoch

    def unregister_safely(self, worker: str, number: int, *, is_in_doubt: bool) -> bool:
        """Unregister a worker that holds nothing; in doubt it stays registered, as if its lease had just run out."""
        self.fence(worker, number + 1)
        return not self.held_by(worker) and self.unregister(worker, number, is_in_doubt=is_in_doubt)

    def unregister(self, worker: str, number: int, *, is_in_doubt: bool) -> bool:
        """The same, where nobody looks at what it holds."""
        pool = self.pools[worker]
        if pool.lease_end and int(pool.record.get("number", "0")) < number:
            return False
        self._return_handed_over(worker)
        if pool.lease_end and is_in_doubt:
            pool.lease_end = self.now
        elif pool.lease_end:
            self._drop_worker(worker)
        return True

    def reclaim(self) -> tuple[int, int]:
        """IDs handed to unregistered workers go back to the head of the queue."""
        back = 0
        for worker in sorted(self.departed, key=lambda worker: (self.departed[worker], worker)):
            if not self.pools[worker].lease_end:
                back += len(self.pools[worker].handed_over)
                self._return_handed_over(worker)
            if self.departed[worker] <= self.now - DEPARTED_MS:
                del self.departed[worker]
        return 0, back

    def unregistered_holders(self) -> set[str]:
        """Who holds something and is not registered."""
        return {worker for worker, pool in self.pools.items() if not pool.lease_end and self.held_by(worker)}

    def fence(self, worker: str, number: int) -> None:
        """No claim numbered below `number` is answered any more."""
        record = self.pools[worker].record
        if record and int(record.get("number", "0")) < number - 1:
            record["number"] = str(number - 1)

    def renew(
        self, worker: str, lease_ms: int, counted: dict[str, str], held: Iterable[tuple[str, int]]
    ) -> tuple[str | None, int, list[int], list[int]]:
        """Its heartbeat; the epoch, how many IDs are on their way to it, what it has lost, and what is to end."""
        pool = self.pools[worker]
        if not pool.lease_end:
            return None, 0, [], []
        pool.lease_end = self.now + lease_ms
        pool.record |= counted
        lost: list[int] = []
        marked: list[int] = []
        for id, number in held:
            if self._holds(worker, id, number):
                self.entries[id].beat, self.entries[id].is_indexed = self.now // 1000, True
                marked += [number] if self.entries[id].is_marked else []
            else:
                lost.append(number)
        return self.epoch, len(pool.handed_over), lost, marked

    def hand_over(self, worker: str) -> None:
        """BLMOVE: queued still, and on its way."""
        if self.queue:
            self.pools[worker].handed_over.append(self.queue.pop(0))

    def settle(self, worker: str, endings: Sequence[Ending]) -> tuple[list[int], set[int]]:
        """End the runs it still holds, in the order of `ORDER`, releases together.

        Returns the numbers of the stale rest, and of those that had been asked to end and have ended so, or run on.
        """
        stale: list[int] = []
        released: list[str] = []
        told = {number for id, number in self.held_by(worker) if self.entries[id].is_marked}
        aborted: list[str] = []
        unmarked: list[str] = []
        for kind in ORDER:
            for id, number, verdict in endings:
                if kind != (verdict if isinstance(verdict, str) else type(verdict).__name__):
                    continue
                if not self._holds(worker, id, number):
                    stale.append(number)
                elif kind in ORDER[:2]:
                    told.discard(number)
                    self._end(id, verdict)
                elif self.entries[id].is_marked:
                    aborted.append(id)
                elif verdict == "cancelled":
                    unmarked.append(id)
                elif verdict == "released":
                    released.append(id)
                else:
                    self._end(id, verdict)
        self._move = "release"
        self._enqueue(released, at_head=True)
        self.totals["released"] += len(released)
        self.totals["stale"] += len(stale)
        for id in aborted + unmarked:
            self._abort(id)
        return stale, told

    def claim(
        self, worker: str, want: int, number: int, suspects: SuspectPolicy, wait_ms: int
    ) -> tuple[str, list[str], list[str], int | None]:
        """Queued -> processing: why not, or which, and which suspects were set apart; when to come again at a limit."""
        self._move = "claim"
        pool = self.pools[worker]
        if not pool.lease_end:
            self._return_handed_over(worker)
            return "gone", [], [], None
        if want and number <= int(pool.record.get("number", "0")):
            return "repeated", [], [], None
        if want:
            pool.record["number"] = str(number + want - 1)
        if not self.is_live(worker):
            return "lapsed", [], [], None
        if bar := self._bar(worker):
            self._return_handed_over(worker)
            return bar, [], [], None
        limited = self.limits.begin(worker, want, len(self.ids(State.PROCESSING)), self.now)
        word, claimed, apart, popped = self._claim(worker, limited.may, number, suspects, wait_ms)
        if self.limits.is_set:
            word, again = limited.end(len(claimed), popped, word, waits=bool(self.queue))
            return word, claimed, apart, again
        return word, claimed, apart, None

    def _bar(self, worker: str) -> str:
        """Why this worker may claim nothing; empty where it may."""
        if self.paused_at is not None:
            return "paused"
        if not self.barred.keys().isdisjoint({f"host:{worker}", f"worker:{worker}"}):
            return "quiet"
        return "outdated" if "lowest" in self.barred else ""

    def _claim(
        self, worker: str, want: int, number: int, suspects: SuspectPolicy, wait_ms: int
    ) -> tuple[str, list[str], list[str], int]:
        named = suspects.named.decode()
        if want and named and not suspects.kept and self.state(named) is State.DELAYED:
            self._return_handed_over(worker)
            self._start(worker, [named], number)
            return "alone", [named], [], 0
        claimed, is_cut = self._take(worker, want)
        popped = len(claimed)
        apart = [id for id in claimed if self.entries[id].crashes >= SUSPECT_CRASHES]
        innocent = [id for id in claimed if id not in apart]
        word = "open"
        if apart and not suspects.kept and (suspects.first or not innocent):
            self.queue = innocent + self.queue
            word, innocent, apart = "alone", apart[:1], apart[1:]
        innocent, is_cut = self._carry(innocent, is_cut)
        self._start(worker, innocent, number)
        self._move = "set_apart"
        for id in apart:
            self._go(self.entries[id], State.DELAYED)
            self.entries[id].due = self.now + wait_ms
        return "more" if is_cut and word == "open" else word, innocent, apart, popped

    def _take(self, worker: str, want: int) -> tuple[list[str], bool]:
        """What was handed over, then the head of the list; and whether the bytes of the IDs have ended it."""
        pool = self.pools[worker]
        self._return_handed_over(worker, keep=want)
        handed, pool.handed_over = pool.handed_over, []
        wanted = self.queue[: want - len(handed)]
        taken = _fitting(wanted, _bytes_of, at_least=0 if handed else 1)
        del self.queue[: len(taken)]
        return handed + taken, len(taken) < len(wanted)

    def _carry(self, ids: list[str], is_cut: bool) -> tuple[list[str], bool]:
        """Those whose payloads fit into the answer; the others go back."""
        carried = _fitting(ids, lambda id: len(self.entries[id].payload.encode()))
        self.queue = ids[len(carried) :] + self.queue
        return carried, is_cut or len(carried) < len(ids)

    def _start(self, worker: str, ids: Sequence[str], number: int) -> None:
        for i, id in enumerate(ids):
            entry = self.entries[id]
            self._go(entry, State.PROCESSING)
            entry.start, entry.beat, entry.token = self.now, self.now // 1000, f"{worker}:{number + i}"

    def recover(self, worker: str) -> dict[str, str]:
        """A dead worker's IDs go back to the head in the order it claimed them, but for its third victim."""
        self._move = "recover"
        if self.is_live(worker):
            return {}
        held = [id for id, _ in self.held_by(worker)]
        self._return_handed_over(worker)
        words = {id: self._take_from_the_dead(id) for id in held}
        self._enqueue([id for id, word in words.items() if word == "to be queued"], at_head=True)
        self.totals["recovered"] += len(held)
        if self.pools[worker].lease_end + LATE_MS <= self.now:
            self._drop_worker(worker)
        return {id: word.removeprefix("to be ") for id, word in words.items()}

    def _take_from_the_dead(self, id: str) -> str:
        if not self.entries[id].is_marked:
            return self._crash(id, "its worker died")
        is_queued = self._abort(id)
        self._move = "recover"
        return "queued" if is_queued else "cancelled"

    # -- how a run ends

    def _holds(self, worker: str, id: str, number: int) -> bool:
        return id in self.entries and self.entries[id].token == f"{worker}:{number}"

    def _end(self, id: str, verdict: Verdict) -> None:
        match verdict:
            case "completed":
                self._complete(id, "done")
            case Discard():
                self._complete(id, "discarded")
            case Retry(after_s):
                self._defer(id, round(validation.seconds("after_s", after_s or 0) * 1000))
            case Failed():
                self._fail(id, verdict)
            case "released" | "cancelled":
                raise AssertionError("these are done together")

    def _complete(self, id: str, what: str) -> None:
        self._move = "complete"
        self.totals[what] += 1
        if not self._rerun(id):
            self._forget(id)
            return
        entry = self.entries[id]
        entry.failures, entry.crashes, entry.failure = 0, 0, ""

    def _abort(self, id: str) -> bool:
        """Whether it is queued again."""
        self._move = "abort"
        self.totals["cancelled"] += 1
        if self._rerun(id):
            return True
        self._forget(id)
        return False

    def _defer(self, id: str, delay_ms: int) -> None:
        self._move = "defer"
        self.totals["deferred"] += 1
        if not self._rerun(id):
            self._delay(self.entries[id], delay_ms)

    def _fail(self, id: str, verdict: Failed) -> None:
        self._move = "fail"
        entry = self.entries[id]
        again = self._rerun(id)
        if not again and verdict.retry_ms is None:
            self._fail_for_good(id, verdict.message, verdict.record)
            return
        entry.failures += 1
        self._remember(entry, verdict.record)
        self._log(verdict.message)
        if again:
            self.totals["failed"] += 1
            return
        assert verdict.retry_ms is not None
        entry.attempts += 1
        self._delay(entry, verdict.retry_ms)
        self.totals["retried"] += 1

    def _crash(self, id: str, what: str) -> str:
        entry = self.entries[id]
        entry.crashes += 1
        if entry.crashes < MAX_CRASHES:
            return "to be queued"
        message = f"{what} {entry.crashes} times in a row"
        record = f'{{"error":"{message}"}}'
        if self._rerun(id):
            self._remember(entry, record)
            return "queued"
        self._fail_for_good(id, message, record)
        return "failed"

    def _rerun(self, id: str) -> bool:
        entry = self.entries[id]
        if not entry.rerun:
            return False
        entry.published, entry.in_line, entry.attempts = self.now, 0, 0
        entry.absorbed = max(0, entry.again - 1)
        entry.first, entry.again = entry.since if entry.absorbed else 0, 0
        entry.traces, entry.asked = entry.asked, []
        self._enqueue([id])
        return True

    def _fail_for_good(self, id: str, message: str, record: str) -> None:
        old = self.entries[id]
        failed = Entry(old.state, failures=old.failures + 1, payload=old.payload, traces=old.traces, asked=old.asked)
        self._go(failed, State.FAILED)
        self._remember(failed, record)
        self._log(message)
        self.entries[id] = failed
        self.totals["failed"] += 1

    # -- pieces

    def _go(self, entry: Entry, state: State) -> None:
        """The only place where a state changes; the table of moves must allow it."""
        move = MOVES[self._move]
        assert entry.state in move.sources, f"{self._move} from {entry.state}"
        assert state in move.targets, f"{self._move} to {state}"
        if state is not State.PROCESSING:
            entry.token, entry.start, entry.rerun, entry.is_indexed, entry.is_marked = "", 0, False, False, False
        if state is not State.DELAYED:
            entry.due = 0
        entry.state = state

    def _delay(self, entry: Entry, delay_ms: int) -> None:
        self._go(entry, State.DELAYED)
        entry.due = self.now + delay_ms

    def _enqueue(self, ids: Sequence[str], *, at_head: bool = False) -> None:
        for id in ids:
            self._go(self.entries[id], State.QUEUED)
        self.queue = [*ids, *self.queue] if at_head else [*self.queue, *ids]

    def _forget(self, id: str) -> None:
        self._go(self.entries.pop(id), State.ABSENT)
        self.queue = [other for other in self.queue if other != id]

    def _drop_worker(self, worker: str) -> None:
        self.pools[worker] = Pool()
        self.departed[worker] = self.now
        self.barred.pop(f"worker:{worker}", None)

    def _return_handed_over(self, worker: str, keep: int = 0) -> None:
        pool = self.pools[worker]
        self.queue = pool.handed_over[keep:] + self.queue
        pool.handed_over = pool.handed_over[:keep]

    def _remember(self, entry: Entry, record: str) -> None:
        entry.failure = f'{{"at":{self.now / 1000:.3f},{record[1:]}'

    def _log(self, message: str) -> None:
        seconds = self.now // 1000
        self.logs[seconds - seconds % 86400].insert(0, message)

    # -- what the store must hold

    def contents(self) -> Contents:
        """Every key, and nothing else."""
        committed = {id: e for id, e in self.entries.items() if e.state.is_committed}
        running = {id: e for id, e in committed.items() if e.state is State.PROCESSING}
        found: dict[str, Content] = {
            "queued": self.queue,
            "committed": set(committed),
            "processing": {id: str(e.beat) for id, e in running.items()},
            "started": {id: str(e.start) for id, e in running.items() if e.is_indexed},
            "owner": {id: f"{e.token}@{e.start}" for id, e in running.items()},
            "cancelling": {id: e.token for id, e in running.items() if e.is_marked},
            "rerun": {id for id, e in running.items() if e.rerun},
            "delayed": {id: str(e.due) for id, e in committed.items() if e.state is State.DELAYED},
            "failed": {id: str(e.failures) for id, e in self.entries.items() if e.state is State.FAILED},
            "failures": {id: str(e.failures) for id, e in committed.items() if e.failures},
            "attempts": {id: str(e.attempts) for id, e in committed.items() if e.attempts},
            "crashes": {id: str(e.crashes) for id, e in committed.items() if e.crashes},
            "published": {id: f"{e.published}.{e.in_line}".removesuffix(".0") for id, e in committed.items()},
            "requests": {id: _requests(e) for id, e in committed.items() if e.absorbed + e.again},
            "traces": {id: _contexts(e) for id, e in self.entries.items() if e.linked},
            "payload": {id: e.payload for id, e in self.entries.items() if e.payload},
            "failure": {id: e.failure for id, e in self.entries.items() if e.failure},
            "workers": {worker: str(pool.lease_end) for worker, pool in self.pools.items() if pool.lease_end},
            "departed": {worker: str(at) for worker, at in self.departed.items()},
            "totals": {name: str(n) for name, n in self.totals.items() if n},
            "paused": "" if self.paused_at is None else str(self.paused_at),
            "barred": self.barred,
            "limits": self.limits.contents(),
            "audit": self.audit.contents(),
            "requeued": self.audit.requeued_contents(),
            "meta": {"schema": str(SCHEMA), "epoch": self.epoch} if self.epoch else {},
        }
        found |= {f"errorLog.{day}": log for day, log in self.logs.items()}
        found |= {f"history:{kind}": packed.history(rows) for kind, rows in self.kept.items() if rows}
        for worker, pool in self.pools.items():
            found |= {f"claim:{worker}": pool.handed_over, f"worker:{worker}": pool.record}
            found |= {f"wake:{worker}": ["1"]} if worker in self.limits.woken else {}
        return {name: content for name, content in found.items() if content}


def _fitting(ids: list[str], weigh: Callable[[str], int], *, at_least: int = 1) -> list[str]:
    """The first of them, as many as `SHARE` allows."""
    weights = [*accumulate(map(weigh, ids))]
    return [id for n, (id, weight) in enumerate(zip(ids, weights, strict=True)) if n < at_least or weight <= SHARE]


def _record(id: str, entry: Entry) -> Record:
    return Record(
        id,
        State.QUEUED if entry.state is State.PROCESSING else entry.state,
        entry.due / 1000 if entry.state is State.DELAYED else None,
        None if entry.state is State.FAILED else entry.published / 1000,
        entry.attempts,
        entry.failures,
        entry.crashes,
        1 + entry.absorbed + entry.again,
        entry.first_asked,
        entry.payload.encode() or None,
        entry.failure.encode() or None,
        entry.linked,
    )


def _told(limits: Set) -> str:
    return f"{limits.concurrency} {limits.rate} {limits.period_ms} {limits.burst}"


def _traced(contexts: list[str], context: str) -> list[str]:
    """With another one: the accepted, the first and the last absorbed are kept."""
    if not context or contexts[-1:] == [context]:
        return [] if contexts == ["-"] else contexts
    return [*contexts[:2], context]


def _contexts(entry: Entry) -> str:
    return "/".join(" ".join(part) for part in (entry.traces or ["-"], entry.asked) if part)


def _requests(entry: Entry) -> str:
    if entry.again:
        return f"{entry.absorbed} {entry.first} {entry.again} {entry.since}"
    return f"{entry.absorbed} {entry.first}" if entry.first else str(entry.absorbed)


def _bytes_of(id: str) -> int:
    return len(id.encode())


def _worker_of(token: str) -> str:
    return token.rpartition(":")[0]
