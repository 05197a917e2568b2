"""Every move with all its options, in any order, against a real server; after each step the whole store is compared.

`Strict` knows only our own clients, so the store must be what `reference` says, to the last key. In half of all runs
every call is sent twice, as a proxy might (F4): nothing may change but the counts of refusals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, ClassVar, TypeAlias, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from convoy_core import options
from convoy_core.checks import Fault, FaultKind
from convoy_core.jobs import Claim, Discard, Failed, Retry, Verdict
from convoy_core.models import DelayPolicy, Jammed, Outcome, PayloadPolicy, Then
from convoy_core.moves import (
    barring,
    cancelling,
    discarding,
    dumping,
    publishing,
    recording,
    recovering,
    scripts,
    steering,
    working,
)
from convoy_core.moves.call import Call, Steps, per_id
from convoy_core.moves.checking import Check
from convoy_core.moves.dumping import Place
from convoy_core.moves.history import note_history
from convoy_core.moves.keys import Keyspace
from convoy_core.moves.publishing import PublishOptions
from convoy_core.moves.working import Pulse, Settlement, SuspectPolicy
from convoy_core.options import BATCH_BYTES, DEFAULT_PREFIX, SUSPECT_CRASHES
from convoy_core.records import Record
from convoy_core.states import State
from convoy_core.store.connection import Connection
from convoy_core.worker.settling import settle
from tests.model.audit import BY
from tests.model.invariants import check_invariants
from tests.model.limits import as_set
from tests.model.reference import MAX_CRASHES, SHARE, Ending, Entry, Reference
from tests.model.wire import Contents, Look, Wire, store_behind

T = TypeVar("T")
Details: TypeAlias = "tuple[str, int, int, int, str, int, float | None, tuple[str, ...]]"
"""What a claim tells of its ID."""

START = 1_699_999_997_500  # so that the first steps cross a second, and the longer ones a day
DAY = 1_699_920_000
DAYS = (DAY, DAY + 86_400)
LEASE = 15_000
WAKE_S = 5
"""How long what wakes a pool is kept."""
IDS = ("a", "7", "é:")
WORKERS = ("aa", "bb", "cc")


def up_to(n: int, items: Sequence[str], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """Every tuple of up to `n` items, as one choice: Hypothesis pays for each draw."""
    return st.sampled_from([row for length in range(least, n + 1) for row in product(items, repeat=length)])


ids = up_to(3, IDS, least=1)
workers = st.sampled_from(WORKERS)
flags = st.booleans()
few = st.integers(0, 3)
PUBLISHES = (
    PublishOptions(),
    PublishOptions(rerun=True),
    PublishOptions(front=True),
    PublishOptions(delay_s=0.5),
    PublishOptions(payload="x"),
    PublishOptions(payload="y", rerun=True),
    PublishOptions(payload="z", delay_s=3, rerun=True),
    PublishOptions(front=True, rerun=True),
    PublishOptions(dry_run=True, rerun=True, payload="n", payload_policy=PayloadPolicy.REPLACE),
    PublishOptions(payload="r", payload_policy=PayloadPolicy.REPLACE),
    PublishOptions(delay_s=1, payload_policy=PayloadPolicy.REPLACE, rerun=True, delay_policy=DelayPolicy.EARLIER),
    PublishOptions(delay_s=0.2, delay_policy=DelayPolicy.LATER),
    PublishOptions(delay_policy=DelayPolicy.EARLIER),
)
RECORDS = (
    Record("a", attempts=2, failures=3, published=1_600_000_000.5),
    Record("7", State.DELAYED, due=START / 1000 + 1, crashes=1, raw_payload=b"sx"),
    Record("é:", State.FAILED, failures=2, raw_failure=b'{"error":"it broke"}'),
    Record("é:", State.DELAYED, due=0.0, attempts=1),
    Record("7", State.FAILED, raw_payload=b"sy"),
    Record("a", State.QUEUED, crashes=2, requests=3, first_asked=1_600_000_000.0),
)
LIMITS = (
    (None, None, 1.0, None),
    (1, None, 1.0, None),
    (2, None, 1.0, None),
    (None, 1, 1.0, 1),
    (None, 3, 1.0, 2),
    (2, 7, 5.0, 3),
)
"""Arguments of `set_limits`: none at all, and such as few IDs can meet."""
SELDOM = {
    "bars": ("quiet", "unquiet", "set_lowest_version"),
    "cancels": ("cancel", "cancel_what_runs"),
    "dumps": ("dump", "restore"),
    "limits": ("set_limits", "meet_a_limit"),
    "history": ("note_history",),
    "policies": ("publish_what_is_delayed",),
    "suspects": ("claim_beside_runs",),
    "traces": ("publish_traced",),
    "undo": ("withdraw",),
}
"""Rules of `Strict` that the others can do without, by topic: whoever hunts something else meets it sooner."""
VERDICTS = ("keep", "completed", "released", "fail", "fail with retries left", "later", "discard", "cancelled")


def ending(id: str, number: int, how: str) -> Ending:
    """How that run ended."""
    verdicts: dict[str, Verdict] = {
        "completed": "completed",
        "released": "released",
        "fail": Failed(f"{id} broke", f'{{"error":"{id} broke"}}', None),
        "fail with retries left": Failed(f"{id} broke", f'{{"error":"{id} broke"}}', 700),
        "later": Retry(2),
        "discard": Discard(),
        "cancelled": "cancelled",
    }
    return id, number, verdicts[how]


def settlement_of(endings: Sequence[Ending]) -> Settlement:
    """The same as a pool hands it in."""
    settlement = Settlement()
    for id, number, verdict in endings:
        settle(settlement, Claim(id.encode(), number), verdict, defer_s=0)
    return settlement


class Bench:
    """One server for all runs of a machine: a connection for the calls, and a wire to read and to disturb."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.wire = Wire(path)
        self.keys = Keyspace(DEFAULT_PREFIX).queue("q")
        self.look = Look(self.wire, self.keys, WORKERS, DAYS)
        self.connection = Connection(store_behind(self.look, path), prefix=None, read_only=False)
        self._limit_scripts(SHARE)

    def key(self, name: str) -> bytes:
        """A key's full name."""
        return self.keys.named(name)

    def empty(self) -> None:
        """Forget everything but the scripts and the registry."""
        self.wire.send("FLUSHALL")
        self.look.send("SADD", self.connection.keyspace.registry, "q")

    def close(self) -> None:
        """Hang up."""
        self._limit_scripts(BATCH_BYTES)
        self.wire.close()
        self.connection.close()

    def _limit_scripts(self, size: int) -> None:
        """Have each script read so many bytes, so that some batches are cut by their bytes."""
        options.BATCH_BYTES = size
        scripts.load.cache_clear()


class Machine(RuleBasedStateMachine):
    """What both machines share: the bench, the clock, and the count of steps."""

    bench: ClassVar[Bench]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.bench.empty()
        self.keys = self.bench.keys
        self.now = START
        self.numbers = dict.fromkeys(WORKERS, 1)

    def run(self, call: Call[T]) -> T:
        """Make one call at the machine's time."""
        self.bench.connection.now_ms = self.now
        return self.bench.connection.run(call)

    def drive(self, steps: Steps[T]) -> T:
        """Make several."""
        self.bench.connection.now_ms = self.now
        return self.bench.connection.drive(steps)

    def faults(self) -> tuple[Fault, ...]:
        """What a check says of the queue; it suspects nothing that was published since it began."""
        self.now += 1
        check = Check(self.bench.connection.keyspace, 0, None)
        self.drive(check.first(["q"]))
        while check.pause_s is not None:
            self.drive(check.again())
        (found,) = check.result()
        assert found.is_complete
        assert found.damage is None
        return found.faults

    def next_number(self, worker: str, want: int) -> int:
        """Numbers are spent, whatever comes back."""
        number = self.numbers[worker]
        self.numbers[worker] += want
        return number


class Strict(Machine):
    """Only our own clients: the reference says what the store holds and what it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Reference(WORKERS, self.now)
        self.claims: list[tuple[str, str, int]] = []
        """Worker, ID and number of all claims ever made."""
        self.woken_at: dict[str, float] = {}
        self.twice = False
        self.traced = 0
        """How many publishes were."""
        self.recorded: dict[str, str] = {}
        """ID to the state that the recorder saw it go into last."""

    def check(self, ask: Callable[[], T], expect: Callable[[], T], refusals: dict[str, int] | None = None) -> T:
        """Ask the store, ask the model, compare; and once more if everything arrives twice here.

        `refusals` are the counters that a repetition adds to; None when a repetition is another step, as with a limit.
        """
        answer, expected = ask(), expect()
        assert answer == expected, f"the store says {answer!r}, the model {expected!r}"
        if self.twice and refusals is not None:
            before = self.contents()
            ask()
            expect()
            after = self.contents()
            totals = before.pop("totals", {}), after.pop("totals", {})
            if "refused" in refusals:  # a publish that arrives twice counts twice
                before.pop("requests", None), after.pop("requests", None)
            assert before == after, "a call that arrived twice has changed something"
            assert _growth(*totals) == {name: n for name, n in refusals.items() if n}
        return answer

    # -- publishing and steering

    @initialize(twice=flags, recorded=flags)
    def begin(self, twice: bool, recorded: bool) -> None:
        """Two pools and three IDs, so that every run has something to do."""
        self.twice = twice
        if recorded:
            self.run(recording.start_recording(self.keys, 3600, 2**20))
        for worker in WORKERS[:2]:
            self.register(worker)
        self.publish(IDS, PublishOptions())

    @rule(ids=ids, options=st.sampled_from(PUBLISHES))
    def publish(self, ids: Sequence[str], options: PublishOptions) -> None:
        """With any options, known IDs and the same ID twice among them."""
        (call,) = publishing.publish(self.keys, ids, options)
        refused = 0 if options.dry_run else len(ids)
        self.check(
            lambda: self.run(call).answers(), lambda: self.model.publish(ids, options), refusals={"refused": refused}
        )

    @rule(ids=ids, options=st.sampled_from([options for options in PUBLISHES if not options.dry_run]))
    def publish_traced(self, ids: Sequence[str], options: PublishOptions) -> None:
        """Each with a context of its own, which stays with the IDs."""
        self.traced += 1
        context = f"00-{self.traced:032x}-{self.traced:016x}-01"
        (call,) = publishing.publish(self.keys, ids, options, context)
        self.check(
            lambda: self.run(call).answers(),
            lambda: self.model.publish(ids, options, context),
            refusals={"refused": len(ids)},
        )

    @precondition(lambda self: self.model.ids(State.PROCESSING))
    @rule(options=st.sampled_from([options for options in PUBLISHES if options.rerun]))
    def publish_what_runs(self, options: PublishOptions) -> None:
        """So that a run is followed by another (F25)."""
        self.publish(self.model.ids(State.PROCESSING), options)

    @precondition(lambda self: self.model.ids(State.DELAYED))
    @rule(options=st.sampled_from([options for options in PUBLISHES if options.delay_policy is not DelayPolicy.KEEP]))
    def publish_what_is_delayed(self, options: PublishOptions) -> None:
        """So that its time moves, or does not."""
        self.publish(self.model.ids(State.DELAYED), options)

    @precondition(lambda self: self.model.ids(State.FAILED))
    @rule(ids=ids, front=flags, dry=flags)
    def requeue(self, ids: Sequence[str], front: bool, dry: bool) -> None:
        """Failed or not, to the end or to the head."""
        self._steer(
            lambda: steering.requeue(self.keys, ids, front=front, dry_run=dry, by=BY),
            lambda: self.model.requeue(ids, front=front, dry=dry),
        )

    @precondition(lambda self: self.model.audit.requeued)
    @rule(ids=st.one_of(st.just(()), ids), dry=flags, is_last=flags, is_asked=flags)
    def withdraw(self, ids: Sequence[str], dry: bool, is_last: bool, is_asked: bool) -> None:
        """As when the last requeue is undone, or one long ago, of its own IDs or of others, asked for since or not."""
        _, at, own = self.model.audit.requeued[-1 if is_last else 0]
        named = ids or own
        if is_asked:
            self.publish(named, PublishOptions())
        raw = [id.encode() for id in dict.fromkeys(named)]
        self._steer(
            lambda: per_id("withdraw", self.keys, (BY, at), raw, Outcome, dry_run=dry, size=10),
            lambda: self.model.withdraw(named, at, dry=dry),
        )

    @rule(ids=ids, state=st.sampled_from((State.QUEUED, State.DELAYED, State.FAILED)), dry=flags)
    def discard(self, ids: Sequence[str], state: State, dry: bool) -> None:
        """From each state, where they are or not."""
        self._steer(
            lambda: discarding.discard(self.keys, ids, state, dry_run=dry, by=BY),
            lambda: self.model.discard(ids, state, dry=dry),
        )

    @rule(records=st.lists(st.sampled_from(RECORDS), min_size=1, max_size=3), dry=flags)
    def restore(self, records: list[Record], dry: bool) -> None:
        """What another store has had, known IDs and the same ID twice among them."""
        (call,) = dumping.restore(self.keys, records, dry_run=dry)
        self.check(
            lambda: [answer for _, answer in self.run(call)],
            lambda: self.model.restore(records, dry=dry),
            refusals={},
        )

    @rule()
    def dump(self) -> None:
        """All there is, state by state, in parts."""
        for state in (State.QUEUED, State.DELAYED, State.PROCESSING, State.FAILED):
            dumped: list[Record] = []
            place: Place | None = Place()
            while place is not None:
                part = self.run(dumping.dump(self.keys, state, place))
                dumped += part.records
                place = part.next
            in_order = sorted(dumped, key=lambda record: record.id) if state is State.PROCESSING else dumped
            assert in_order == self.model.dumped(state)

    @rule(id=st.sampled_from(IDS), dry=flags)
    def cancel(self, id: str, dry: bool) -> None:
        """One at a time, wherever it is: there are but three, and each must live on to meet the rarer moves."""
        self._steer(
            lambda: cancelling.cancel(self.keys, [id], dry_run=dry, by=BY),
            lambda: self.model.cancel([id], dry=dry),
        )

    @precondition(lambda self: self.model.ids(State.PROCESSING))
    @rule(
        data=st.data(),
        how=st.sampled_from(VERDICTS[1:]),
        is_again=flags,
        act=st.sampled_from(("end", "die", "free", "beat")),
    )
    def cancel_what_runs(self, data: st.DataObject, how: str, is_again: bool, act: str) -> None:
        """And see how that run ends: by its worker, by the death of that, or by a jam guard; or that it goes on."""
        id = data.draw(st.sampled_from(self.model.ids(State.PROCESSING)))
        self.cancel(id, dry=False)
        if is_again:
            self.publish([id], PublishOptions(rerun=True))
        worker, _, number = self.model.entries[id].token.rpartition(":")
        match act:
            case "end":
                self._exchange(worker, [ending(id, int(number), how)], 0)
            case "die":
                self.pass_time(LEASE)
                self.recover(worker)
            case "beat":
                self.renew(worker, 0)
            case _:
                self.jam_guard(0, data.draw(st.sampled_from(Then)), skip_live=False, late=False)

    def _steer(self, ask: Callable[[], Steps[T]], expect: Callable[[], T]) -> None:
        before = self.contents() if self.twice else {}
        answer, expected = self.drive(ask()), expect()
        assert answer == expected
        if self.twice and before:
            once = self.contents()
            self.drive(ask())
            expect()
            assert self.contents() == once, "a call that arrived twice has changed something"

    @precondition(lambda self: self.model.ids(State.PROCESSING))
    @rule(idle_ms=st.sampled_from((0, 2000, 20_000)), then=st.sampled_from(Then), skip_live=flags, late=flags)
    def jam_guard(self, idle_ms: int, then: Then, skip_live: bool, late: bool) -> None:
        """On what the preview showed; `late`: on a run that has been replaced meanwhile."""
        seen = self.drive(steering.jammed(self.keys, idle_ms / 1000))
        assert {row.id: round(row.start * 1000) for row in seen} == self.model.jammed(idle_ms)
        if late:
            seen = [Jammed(row.id, row.start - 0.001, row.age_s, row.worker, row.is_live) for row in seen]
        self.check(
            lambda: self.drive(
                steering.free_jammed(self.keys, seen, then, skip_live=skip_live, max_crashes=MAX_CRASHES, by=BY)
            ),
            lambda: self.model.free(seen, then, skip_live=skip_live),
            refusals={},
        )

    @rule()
    def pause(self) -> None:
        """Stop claiming."""
        self.check(lambda: self.run(steering.pause(self.keys, by=BY)), self.model.pause, refusals={})

    @precondition(lambda self: self.model.paused_at is not None)
    @rule()
    def resume(self) -> None:
        """Go on."""
        self.check(lambda: self.run(steering.resume(self.keys, by=BY)), self.model.resume, refusals={})

    @rule(who=workers)
    def quiet(self, who: str) -> None:
        """Have a worker claim nothing, or its host."""
        self.check(lambda: self.run(barring.quiet(self.keys, who, by=BY)), lambda: self.model.quiet(who), refusals={})

    @precondition(lambda self: self.model.barred)
    @rule(who=workers)
    def unquiet(self, who: str) -> None:
        """Let it claim again."""
        self.check(
            lambda: self.run(barring.unquiet(self.keys, who, by=BY)), lambda: self.model.unquiet(who), refusals={}
        )

    @rule(version=st.sampled_from((None, "1", "1.4")))
    def set_lowest_version(self, version: str | None) -> None:
        """No worker here has a version."""
        self.check(
            lambda: self.run(barring.set_lowest_version(self.keys, version, by=BY)),
            lambda: self.model.set_lowest_version(version),
            refusals={},
        )

    @rule(limits=st.sampled_from(LIMITS))
    def set_limits(self, limits: tuple[int | None, int | None, float, int | None]) -> None:
        """Or remove them."""
        self.check(
            lambda: self.run(steering.set_limits(self.keys, *limits, by=BY)),
            lambda: self.model.set_limits(as_set(*limits)),
            refusals={},
        )

    @precondition(lambda self: len(self.model.queue) > 1 and self.model.paused_at is None and not self.model.barred)
    @rule(
        limits=st.sampled_from(LIMITS[1:]),
        ms=st.sampled_from((1, 1500)),
        act=st.sampled_from(("end", "go on", "change")),
        to=st.sampled_from(LIMITS),
    )
    def meet_a_limit(
        self,
        limits: tuple[int | None, int | None, float, int | None],
        ms: int,
        act: str,
        to: tuple[int | None, int | None, float, int | None],
    ) -> None:
        """One pool begins what it may, and another waits; then the first ends a run, and may begin another."""
        first, second, _ = WORKERS
        for worker in (first, second):
            self.register(worker)
        self.set_limits(limits)
        self.claim(first, 3)
        self.claim(second, 1)
        self.pass_time(ms)
        if act == "change":
            self.set_limits(to)
            return
        held = self.model.held_by(first)
        self._exchange(first, [ending(*claim, "released") for claim in held[:1]], 1 if act == "go on" else 0)

    @rule(is_last=st.booleans())
    def note_history(self, is_last: bool) -> None:
        """Any pool and dashboard asks for it."""
        self.check(
            lambda: self.run(note_history(self.keys, is_last=is_last)),
            lambda: self.model.note_history(is_last=is_last),
            refusals={},
        )

    # -- workers

    @rule(worker=workers)
    def register(self, worker: str) -> None:
        """Register, for the first time or again."""
        call = working.register(self.keys, worker, LEASE, f"e{worker}", {"host": worker})
        self.check(
            lambda: self.run(call),
            lambda: self.model.register(worker, LEASE, f"e{worker}", {"host": worker}),
            refusals={},
        )

    @rule(worker=workers, how=st.sampled_from(("certain", "in doubt", "older store")))
    def unregister_safely(self, worker: str, how: str) -> None:
        """Holding nothing any more, or something after all; or at a store that has forgotten the fence before it."""
        number = self.next_number(worker, 1)
        is_in_doubt = how == "in doubt"
        if how == "older store":
            self.check(
                lambda: self.run(working.unregister(self.keys, worker, number)),
                lambda: self.model.unregister(worker, number, is_in_doubt=False),
                refusals={},
            )
            return
        self.check(
            lambda: self.drive(working.unregister_safely(self.keys, worker, number, is_in_doubt=is_in_doubt)),
            lambda: self.model.unregister_safely(worker, number, is_in_doubt=is_in_doubt),
            refusals={},
        )

    @rule(worker=workers, ahead=few)
    def fence(self, worker: str, ahead: int) -> None:
        """What was sent before and arrives after this claims nothing."""
        number = self.numbers[worker] + ahead
        self.run(working.fence(self.keys, worker, number))
        self.model.fence(worker, number)

    @rule(worker=workers, beside=few)
    def renew(self, worker: str, beside: int) -> None:
        """The heartbeat, with what it holds and some claims of long ago."""
        old = [(id, number) for name, id, number in self.claims if name == worker][:beside]
        claims = [(id.encode(), number) for id, number in dict.fromkeys([*self.model.held_by(worker), *old])]
        call = working.renew(self.keys, worker, LEASE, Pulse(1, 2, claims), claims)
        counted = {"done": "1", "failed": "2", "running": str(len(claims))}

        def ask() -> tuple[str | None, int, list[int], list[int]]:
            renewal = self.run(call)
            return renewal.epoch, renewal.waiting, renewal.lost, renewal.cancelled

        held = [(raw.decode(), number) for raw, number in claims]
        self.check(ask, lambda: self.model.renew(worker, LEASE, counted, held), refusals={})

    @precondition(lambda self: self.model.queue)
    @rule(worker=workers)
    def hand_over(self, worker: str) -> None:
        """What BLMOVE does at the server."""
        claim_list = self.keys.claim_list(worker)
        self.bench.look.send("LMOVE", self.bench.key("queued"), claim_list, "LEFT", "RIGHT")
        self.model.hand_over(worker)

    @rule(worker=workers, verdicts=up_to(3, VERDICTS), want=few, takes_suspect=st.booleans())
    def exchange(self, worker: str, verdicts: Sequence[str], want: int, takes_suspect: bool) -> None:
        """A round: settle and claim."""
        held = self.model.held_by(worker)
        endings = [ending(*claim, how) for claim, how in zip(held, verdicts, strict=False) if how != "keep"]
        self._exchange(worker, endings, want, takes_suspect=takes_suspect)

    @rule(worker=workers, want=st.integers(1, 3))
    def claim(self, worker: str, want: int) -> None:
        """A round with nothing to settle."""
        self._exchange(worker, [], want)

    @precondition(lambda self: self._holders())
    @rule(data=st.data(), want=st.integers(1, 2), takes_suspect=flags)
    def claim_beside_runs(self, data: st.DataObject, want: int, takes_suspect: bool) -> None:
        """While an ID waits that must run alone (F28, F69)."""
        idle = set(IDS).difference(self.model.ids(State.PROCESSING))
        if idle and not self._waiting_suspects():
            id = min(idle)
            for state in (State.QUEUED, State.DELAYED, State.FAILED):
                self.discard([id], state, dry=False)
            self.restore([Record(id, crashes=SUSPECT_CRASHES)], dry=False)
        self._exchange(data.draw(st.sampled_from(self._holders())), [], want, takes_suspect=takes_suspect)

    def _waiting_suspects(self) -> list[str]:
        waiting = self.model.ids(State.QUEUED) + self.model.ids(State.DELAYED)
        return [id for id in waiting if self.model.entries[id].crashes >= SUSPECT_CRASHES]

    def _holders(self) -> list[str]:
        return [worker for worker in WORKERS if self.model.is_live(worker) and self.model.held_by(worker)]

    @precondition(lambda self: self._holders())
    @rule(data=st.data(), front=flags)
    def fail_and_requeue(self, data: st.DataObject, front: bool) -> None:
        """All that a worker holds, as a trial run finds it."""
        worker = data.draw(st.sampled_from(self._holders()))
        self._exchange(worker, [ending(*claim, "fail") for claim in self.model.held_by(worker)], 0)
        self.requeue(IDS, front, dry=False)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(VERDICTS[1:]))
    def settle_late(self, data: st.DataObject, how: str) -> None:
        """A claim of long ago, ended beside one that still counts (F21, F30)."""
        worker, id, number = data.draw(st.sampled_from(self._late_claims()))
        held = [claim for claim in self.model.held_by(worker) if claim != (id, number)][:1]
        self._exchange(worker, [ending(*claim, how) for claim in [(id, number), *held]], 0)

    def _late_claims(self) -> list[tuple[str, str, int]]:
        """Old claims: best on IDs that somebody else holds now, of workers that hold something."""
        held = {id: entry.token for id, entry in self.model.entries.items() if entry.token}
        late = [claim for claim in self.claims if held.get(claim[1]) != f"{claim[0]}:{claim[2]}"]
        taken_over = [claim for claim in late if claim[1] in held]
        beside_a_live_one = [claim for claim in taken_over if self.model.held_by(claim[0])]
        return beside_a_live_one or taken_over or late or self.claims

    def _suspect(self) -> bytes:
        """One that waits to run alone, whichever pool has set it apart."""
        waiting = [id for id in self.model.ids(State.DELAYED) if self.model.entries[id].crashes >= SUSPECT_CRASHES]
        return waiting[0].encode() if waiting else b""

    def _exchange(self, worker: str, endings: list[Ending], want: int, *, takes_suspect: bool = False) -> None:
        number = self.next_number(worker, want)
        ending_now = {(id, number) for id, number, _ in endings}
        kept = len([claim for claim in self.model.held_by(worker) if claim not in ending_now])
        policy = SuspectPolicy(kept, takes_suspect, self._suspect())
        call = working.exchange(self.keys, worker, settlement_of(endings), want, number, LEASE, policy)

        def ask() -> tuple[list[int], set[int], str, list[Details], list[str], int | None]:
            answer = self.run(call)
            self.claims += [(worker, claim.raw_id.decode(), claim.number) for claim in answer.claims]
            assert [claim.number for claim in answer.claims] == list(range(number, number + len(answer.claims)))
            apart = [raw.decode() for raw in answer.apart]
            return (
                answer.stale,
                {*answer.cancelled},
                answer.word,
                [_details(claim) for claim in answer.claims],
                apart,
                answer.again_ms,
            )

        def expect() -> tuple[list[int], set[int], str, list[Details], list[str], int | None]:
            stale, told = self.model.settle(worker, endings)
            word, ids, apart, again = self.model.claim(worker, want, number, policy, LEASE)
            claimed = [(id, self.model.entries[id]) for id in ids]
            return (
                stale,
                told,
                word,
                [_expected(id, e) for id, e in claimed],
                apart,
                again,
            )

        # Without a claim a repeated request leaves no trace, but a claim list goes back to the queue once only.
        self.check(ask, expect, refusals={"stale": len(endings)})

    @rule(worker=workers)
    def recover(self, worker: str) -> None:
        """A dead worker, or one that turns out to be alive."""
        assert self.run(recovering.expired_leases(self.keys))[1] == self.model.expired_leases()
        self.check(
            lambda: self.drive(recovering.recover(self.keys, worker, MAX_CRASHES)),
            lambda: self.model.recover(worker),
            refusals={},
        )
        self._take_back()

    def _take_back(self) -> None:
        """IDs handed to unregistered workers go back, and unregistered workers that hold IDs are found."""
        self.check(lambda: self.run(recovering.reclaim(self.keys, 0)), self.model.reclaim, refusals=None)
        _, found = self.run(recovering.unregistered_holders(self.keys, 0))
        assert set(found) == self.model.unregistered_holders()

    @precondition(lambda self: self.model.ids(State.PROCESSING))
    @rule(data=st.data(), worker=workers)
    def holder_dies(self, data: st.DataObject, worker: str) -> None:
        """And another takes up what it held."""
        token = self.model.entries[data.draw(st.sampled_from(self.model.ids(State.PROCESSING)))].token
        self.pass_time(LEASE)
        self.recover(token.rpartition(":")[0])
        self.register(worker)
        self.claim(worker, 3)

    @precondition(lambda self: self.model.ids(State.DELAYED))
    @rule(limit=st.integers(1, 3))
    def promote(self, limit: int) -> None:
        """Queue what is due."""
        self.check(lambda: self.run(working.promote(self.keys, limit, LEASE)), lambda: self.model.promote(limit))

    @rule()
    def sweep(self) -> None:
        """Finds nothing, as no Node client is here."""
        self.check(lambda: self.drive(working.sweep(self.keys, (), 100)), lambda: [0] * 10, refusals={})

    @rule(ms=st.sampled_from((1, 400, 999, 3000, LEASE, LEASE + 1, 30_000)))
    def pass_time(self, ms: int) -> None:
        """Nothing happens for a while."""
        self.now += ms
        self.model.now = self.now

    def teardown(self) -> None:
        """A check accuses nobody but workers that have died."""
        assert {fault.kind for fault in self.faults()} <= {FaultKind.ORPHANED}

    @invariant()
    def store_is_what_the_model_says(self) -> None:
        """To the last key."""
        type(self).steps += 1
        found = self.contents()
        self._forget_wake_ups(found)
        expected = self.model.contents()
        assert found == expected, _difference(found, expected)
        check_invariants(found)
        states = {id: entry.state.value for id, entry in self.model.entries.items()}
        said = {id: result for id, result in self.recorded.items() if result != states.get(id, "absent")}
        assert not said, f"the recorder says {said!r}, the model {states!r}"

    def _forget_wake_ups(self, found: Contents) -> None:
        """Those that have expired, which they do by the real clock."""
        woken = self.model.limits.woken
        self.woken_at = {worker: self.woken_at.get(worker, time.monotonic()) for worker in woken}
        woken -= {
            worker
            for worker, at in self.woken_at.items()
            if f"wake:{worker}" not in found and time.monotonic() > at + WAKE_S - 1
        }

    def contents(self) -> Contents:
        """All keys but the recorder's, whose last word on each ID is noted."""
        found = self.bench.look.contents(beside=1)
        for entry in found.pop("recording:moves", ()):
            _, move, _, result, _, _, *pairs = entry.split(" ")
            if move != "refuse" and result != "cancelling":  # neither moves an ID
                self.recorded |= dict.fromkeys(pairs[1::2], result)
        for name in ("recording", "recording:bytes"):
            found.pop(name, None)
        return found


def about(topic: str) -> type[Strict]:
    """`Strict` without the rules of all other topics. They can still be called, by other rules."""
    left_out = {name for names in SELDOM.values() for name in names}.difference(SELDOM.get(topic, ()))
    return type(Strict.__name__, (Strict,), {name: _only_called(getattr(Strict, name)) for name in left_out})


def _only_called(rule: Callable[..., None]) -> Callable[..., None]:
    def call(machine: Strict, *arguments: Any, **named: Any) -> None:
        rule(machine, *arguments, **named)

    return call


def _details(claim: Claim) -> Details:
    payload = (claim.raw_payload or b"").decode()
    counts = claim.attempts, claim.failures, claim.crashes
    return claim.raw_id.decode(), *counts, payload, claim.requests, claim.first_asked_at, claim.traces


def _expected(id: str, e: Entry) -> Details:
    return id, e.attempts, e.failures, e.crashes, e.payload, 1 + e.absorbed + e.again, e.first_asked, e.linked


def _growth(before: Any, after: Any) -> dict[str, int]:
    return {
        name: int(n) - int(before.get(name, "0")) for name, n in after.items() if int(n) != int(before.get(name, "0"))
    }


def _difference(found: dict[str, Any], expected: dict[str, Any]) -> str:
    lines = [
        f"{name}: the store has {found.get(name)!r}, the model {expected.get(name)!r}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    return "\n".join(lines)
