"""Convoy's moves mixed with those of Node clients, which publish and claim in two commands and know no key of ours.

The store cannot always be whole here. What a Node client's deed may break, and for how long, is `ALLOWED`; whatever
else is broken is ours. Some things hold no matter what Node does: see `always` and the checks behind each move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from convoy_core.checks import FaultKind, Repaired
from convoy_core.models import Cancelled, Outcome, Then
from convoy_core.moves import cancelling, discarding, dumping, publishing, recovering, repairing, steering, working
from convoy_core.moves.publishing import PublishOptions
from convoy_core.moves.recovering import LATE_MS
from convoy_core.moves.working import Pulse
from convoy_core.records import Record, Restored
from convoy_core.states import State
from tests.model.invariants import Places
from tests.model.machine import (
    IDS,
    LEASE,
    PUBLISHES,
    RECORDS,
    VERDICTS,
    WORKERS,
    Bench,
    Machine,
    ending,
    few,
    flags,
    ids,
    settlement_of,
    up_to,
    workers,
)
from tests.model.reference import MAX_CRASHES

__all__ = ["Bench", "Mixed"]

T = TypeVar("T")

NOWHERE = "committed and nowhere"
UNCOMMITTED = "waits or runs without being committed"
COPIES = "in several places"
STILL_FAILED = "in `failed` while it waits or runs"
UNSEEN = "held by our worker and not in `processing`"
FOREIGN = "runs without an owner"
LEFT_OVER = "absent and remembered"
UNGRANTED = "to run again, and nobody of ours runs it"

ALLOWED: dict[str, frozenset[str]] = {
    "SADD of a publish": frozenset({NOWHERE, STILL_FAILED, FOREIGN, UNGRANTED}),
    "RPUSH of a publish": frozenset({COPIES, STILL_FAILED, UNCOMMITTED, UNGRANTED}),
    "BLPOP": frozenset({NOWHERE, LEFT_OVER}),
    "ZADD": frozenset({FOREIGN, COPIES, STILL_FAILED, UNCOMMITTED, UNGRANTED}),
    "ZINCRBY of a failure": frozenset({STILL_FAILED}),
    "ZREM and SREM of a finish": frozenset({LEFT_OVER, UNCOMMITTED, UNSEEN, COPIES, UNGRANTED}),
    "ZREM and SREM of a jam guard": frozenset({LEFT_OVER, UNCOMMITTED, UNSEEN, COPIES, UNGRANTED}),
    "a copy pushed by hand": frozenset({COPIES, UNCOMMITTED, STILL_FAILED, LEFT_OVER, NOWHERE}),
    # The ID is published again while it waits; when one of the two fails for good the other still waits.
    "a SREM by hand": frozenset({COPIES, UNCOMMITTED, LEFT_OVER, STILL_FAILED}),
}
"""What a Node client does to an ID -> what may be wrong with that ID until it is whole again."""


class Mixed(Machine):
    """Our clients and Node's on one queue."""

    def __init__(self) -> None:
        super().__init__()
        self.half_published: list[str] = []
        self.in_hand: list[str] = []
        self.node_runs: list[str] = []
        self.deeds: defaultdict[str, set[str]] = defaultdict(set)
        self.wanted: set[str] = set()
        """IDs that were accepted and have neither run nor been given up."""
        self.claims: dict[str, list[tuple[str, int]]] = {worker: [] for worker in WORKERS}
        """What each of our workers believes to hold."""
        self.at = Places({})

    # -- our moves, each with what it promises

    @initialize()
    def begin(self) -> None:
        """Two pools and an ID."""
        for worker in WORKERS[:2]:
            self.register(worker)
        self.publish(IDS[:1], PublishOptions())

    @rule(ids=ids, options=st.sampled_from(PUBLISHES))
    def publish(self, ids: Sequence[str], options: PublishOptions) -> None:
        """What it accepts waits in one more place, and is known."""
        (call,) = publishing.publish(self.keys, ids, options)
        before, answers = self.at, self.run(call).answers()
        self.look()
        for id, answer in zip(ids, answers, strict=True):
            assert id not in before.owner or answer in ("processing", "will_rerun")
            if answer.is_accepted and not options.dry_run:
                self.wanted.add(id)
                assert id in self.at.committed or answer == "will_rerun"
                assert id not in self.at.failed or answer == "will_rerun"
                assert answer != "will_rerun" or id in self.at.rerun

    @rule(record=st.sampled_from(RECORDS))
    def restore(self, record: Record) -> None:
        """What is anywhere is left alone."""
        (call,) = dumping.restore(self.keys, [record], dry_run=False)
        before, ((id, answer),) = self.at, self.run(call)
        self.look()
        is_known = id in before.committed | before.failed | before.delayed | before.processing | set(before.owner)
        assert (answer is Restored.PRESENT) == is_known
        if answer in (Restored.QUEUED, Restored.DELAYED):
            self.wanted.add(id)
            self._is_mended(id, set(self.at.listed) if answer is Restored.QUEUED else self.at.delayed)

    @rule(worker=workers, verdicts=up_to(2, VERDICTS), want=few)
    def exchange(self, worker: str, verdicts: Sequence[str], want: int) -> None:
        """Ends what the worker believes to hold, and never hands out what somebody runs."""
        before, believed = self.at, self.claims[worker]
        settled = [(claim, how) for claim, how in zip(believed, verdicts, strict=False) if how != "keep"]
        number = self.next_number(worker, want)
        settlement = settlement_of([ending(*claim, how) for claim, how in settled])
        answer = self.run(working.exchange(self.keys, worker, settlement, want, number, LEASE))
        self.look()
        stale = set(answer.stale)
        claimed = {claim.raw_id.decode(): claim.number for claim in answer.claims}
        for (id, old), how in settled:
            is_stale = before.owner.get(id) != f"{worker}:{old}"
            assert is_stale == (old in stale), "a token counts exactly while it stands in `owner`"
            believed.remove((id, old))
            if not is_stale and id not in claimed:
                self._has_ended(id, how, before)
        ended_well = {f"{worker}:{old}" for (_, old), how in settled if how in ("completed", "discard")}
        marks = {token for id, token in before.marks.items() if token.startswith(f"{worker}:")}
        assert {f"{worker}:{number}" for number in answer.cancelled} == marks - ended_well
        over = {id for (id, old), _ in settled if old not in stale}
        running = (set(before.owner) | before.processing) - over
        assert not running & set(claimed), "no ID is handed out while somebody runs it"
        for id, number in claimed.items():
            assert self.at.owner[id] == f"{worker}:{number}"
            assert id not in self.at.failed
            self._is_mended(id, self.at.processing)
            believed.append((id, number))

    @precondition(lambda self: self.at.listed)
    @rule(worker=workers, want=few)
    def take(self, worker: str, want: int) -> None:
        """By chance the worker that asks is seldom a living one, and then nothing waits."""
        self.register(worker)
        self.exchange(worker, (), want)

    def _has_ended(self, id: str, how: str, before: Places) -> None:
        if id in before.marks and how not in ("completed", "discard"):
            how = "cancelled"
        assert id not in self.at.owner, "an ended run has no owner"
        if id in before.rerun or how == "released":
            self._is_mended(id, set(self.at.listed))
        elif how in ("later", "fail with retries left"):
            self._is_mended(id, self.at.delayed)
        elif how == "fail":
            assert id in self.at.failed
        elif not self._waits(id):
            self.wanted.discard(id)

    @rule(worker=workers)
    def renew(self, worker: str) -> None:
        """Puts back what a Node guard took away from a living run."""
        held = [(id.encode(), number) for id, number in self.claims[worker]]
        renewal = self.run(working.renew(self.keys, worker, LEASE, Pulse(0, 0, held), held))
        self.look()
        lost = set(renewal.lost)
        if renewal.epoch is None:
            return
        for id, number in self.claims[worker]:
            if self.at.owner.get(id) == f"{worker}:{number}":
                self._is_mended(id, self.at.processing)
                assert (number in renewal.cancelled) == (id in self.at.marks)
            else:
                assert number in lost

    @rule(worker=workers)
    def register(self, worker: str) -> None:
        """Registers."""
        self.run(working.register(self.keys, worker, LEASE, "e", {"host": worker}))
        self.look()

    @precondition(lambda self: self.at.listed)
    @rule(worker=workers)
    def hand_over(self, worker: str) -> None:
        """BLMOVE."""
        self.node("LMOVE", "queued", self.keys.claim_list(worker), "LEFT", "RIGHT")

    @rule(worker=workers)
    def recover(self, worker: str, max_crashes: int = MAX_CRASHES) -> None:
        """All that a dead worker held waits again or has failed; what Node did meanwhile costs none of it."""
        token = f"{worker}:"
        before, marks = {id for id, owner in self.at.owner.items() if owner.startswith(token)}, self.at.marks
        moved = self.drive(recovering.recover(self.keys, worker, max_crashes))
        self.look()
        assert set(moved) == before or not moved
        for id, where in moved.items():
            assert id not in self.at.owner
            if where == "queued":
                self._is_mended(id, set(self.at.listed))
            elif where == "cancelled":
                assert id in marks
                self._given_up(id)
            else:
                assert id in self.at.failed
            assert id not in marks or where != "failed"

    @precondition(lambda self: self.at.owner)
    @rule(data=st.data(), max_crashes=st.sampled_from((MAX_CRASHES, 1)))
    def a_holder_dies(self, data: st.DataObject, max_crashes: int) -> None:
        """By chance hardly a dead worker holds anything, and no ID crashes as often as the usual limit says."""
        worker = data.draw(st.sampled_from(sorted({owner.rpartition(":")[0] for owner in self.at.owner.values()})))
        self.now += LEASE
        self.recover(worker, max_crashes)

    @rule(limit=st.integers(1, 3))
    def promote(self, limit: int) -> None:
        """Queues what is due, but for copies of what a Node worker runs."""
        before = self.at
        self.run(working.promote(self.keys, limit, LEASE))
        self.look()
        for id in before.delayed - self.at.delayed:
            assert id not in before.processing
            self._is_mended(id, set(self.at.listed))

    @rule(idle_ms=st.sampled_from((0, 20_000)), then=st.sampled_from(Then), skip_live=flags)
    def jam_guard(self, idle_ms: int, then: Then, skip_live: bool) -> None:
        """On our entries and Node's; keeps off while a Node guard has the lock."""
        seen = self.drive(steering.jammed(self.keys, idle_ms / 1000))
        before = self.at
        steps = steering.free_jammed(self.keys, seen, then, skip_live=skip_live, max_crashes=MAX_CRASHES)
        outcomes = self.drive(steps)
        self.look()
        for id, outcome in outcomes.items():
            match outcome:
                case Outcome.QUEUED:
                    self._is_mended(id, set(self.at.listed))
                case Outcome.FAILED:
                    assert id in self.at.failed
                case Outcome.DISCARDED:
                    assert id not in self.at.owner
                    self._given_up(id)
                case _:
                    assert before.owner.get(id) == self.at.owner.get(id)

    @rule(ids=ids)
    def requeue(self, ids: Sequence[str]) -> None:
        """Each leaves `failed`, and is committed."""
        outcomes = self.drive(steering.requeue(self.keys, ids, front=False, dry_run=False))
        self.look()
        for id, outcome in outcomes.items():
            if outcome is Outcome.QUEUED:
                self.wanted.add(id)
                self._is_mended(id, set(self.at.listed))
            assert id not in self.at.failed

    @rule(ids=ids, state=st.sampled_from((State.QUEUED, State.DELAYED, State.FAILED)))
    def discard(self, ids: Sequence[str], state: State) -> None:
        """Only what waits there; a run is left alone."""
        before = self.at
        outcomes = self.drive(discarding.discard(self.keys, ids, state, dry_run=False))
        self.look()
        assert self.at.owner == before.owner
        assert self.at.processing == before.processing
        self._is_known_as(before, set(before.owner) | before.processing)
        for id, outcome in outcomes.items():
            if outcome is Outcome.DISCARDED:
                self._given_up(id)

    @rule(id=st.sampled_from(IDS))
    def cancel(self, id: str) -> None:
        """What waits is gone, and what runs is left alone and marked."""
        before = self.at
        (answer,) = self.drive(cancelling.cancel(self.keys, [id], dry_run=False)).values()
        self.look()
        assert (self.at.owner, self.at.processing) == (before.owner, before.processing)
        self._is_known_as(before, set(before.owner) | before.processing)
        is_ours, is_nodes = id in before.owner, id in before.processing and id not in before.owner
        assert (answer is Cancelled.CANCELLING, answer is Cancelled.NODE) == (is_ours, is_nodes)
        assert (id in self.at.marks) == is_ours
        if answer is Cancelled.CANCELLED:
            self._given_up(id)

    @rule(limit=st.sampled_from((1, 1000)))
    def sweep(self, limit: int) -> None:
        """What Node finished is queued if it was to run again, and else forgotten, by one script or several."""
        before = self.at
        self.drive(working.sweep(self.keys, (), limit))
        self.look()
        self._is_known_as(before, set(before.owner) | before.committed)
        busy = set(before.owner) | before.processing | before.committed
        for id in before.rerun - busy:
            self._is_mended(id, set(self.at.listed))
        assert self.at.rerun == before.rerun & busy, "a wish is granted once, and none is dropped"
        assert not [id for id in IDS if LEFT_OVER in self.deviations(id)]
        for name in ("published", "attempts", "failures", "crashes", "requests"):
            assert not (self.at.failed - busy) & self.at.remembered[name], f"{name} remembers a failed ID"

    @precondition(lambda self: self.unseen())
    @rule(data=st.data(), act=st.sampled_from(("publish", "renew", "sweep", "end", "recover")))
    def while_a_run_is_unseen(self, data: st.DataObject, act: str) -> None:
        """A Node client has dropped what our worker runs (F50); most moves meet that too seldom by chance."""
        id = data.draw(st.sampled_from(sorted(self.unseen())))
        worker = self.at.owner[id].rpartition(":")[0]
        match act:
            case "publish":
                self.publish([id], PublishOptions(rerun=data.draw(flags)))
            case "renew":
                self.renew(worker)
            case "sweep":
                self.sweep(1000)
            case "end":
                how = data.draw(st.sampled_from(VERDICTS[1:]))
                self.exchange(worker, [how] * len(self.claims[worker]), 0)
            case _:
                self.now += LEASE
                self.recover(worker)

    def unseen(self) -> set[str]:
        """IDs that our workers hold and that `processing` does not show."""
        return set(self.at.owner) - self.at.processing

    @precondition(lambda self: self.copies())
    @rule(worker=workers, is_discarded=flags)
    def while_a_copy_waits(self, worker: str, is_discarded: bool) -> None:
        """Of what runs (F8): it is discarded, or its turn comes."""
        if is_discarded:
            self.discard(self.copies(), State.QUEUED)
        else:
            self.register(worker)
            self.exchange(worker, (), 3)

    def copies(self) -> list[str]:
        """IDs that run and wait as well."""
        return sorted(id for id in {*self.at.owner, *self.at.processing} if self.at.listed[id])

    @rule(ms=st.sampled_from((1, 999, 3000, LEASE + 1)))
    def pass_time(self, ms: int) -> None:
        """Nothing happens for a while."""
        self.now += ms

    # -- Node's half-steps

    def node(self, command: str, key: str, *rest: bytes | str | int) -> object:
        """One command of a Node client."""
        reply: object = self.bench.look.send(command, self.bench.key(key), *rest)
        self.look()
        return reply

    @rule(id=st.sampled_from(IDS))
    def node_publish_begins(self, id: str) -> None:
        """SADD, and if it was new, an RPUSH that may never come."""
        if self.node("SADD", "committed", id):
            self.half_published.append(id)
            self.deeds[id].add("SADD of a publish")

    @precondition(lambda self: self.half_published)
    @rule(first=flags)
    def node_publish_ends(self, first: bool) -> None:
        """RPUSH."""
        id = self.half_published.pop(0 if first else -1)
        self.deeds[id].add("RPUSH of a publish")
        self.wanted.add(id)
        self.node("RPUSH", "queued", id)

    @precondition(lambda self: self.at.listed)
    @rule()
    def node_claim_begins(self) -> None:
        """BLPOP: nowhere, until the ZADD that may never come."""
        raw = self.bench.look.send("LPOP", self.bench.key("queued"))
        if raw is not None:
            self.in_hand.append(raw.decode())
            self.deeds[raw.decode()].add("BLPOP")
        self.look()

    @precondition(lambda self: self.in_hand)
    @rule(first=flags)
    def node_claim_ends(self, first: bool) -> None:
        """ZADD."""
        id = self.in_hand.pop(0 if first else -1)
        self.node_runs.append(id)
        self.deeds[id].add("ZADD")
        self.node("ZADD", "processing", self.now // 1000, id)

    @precondition(lambda self: self.node_runs)
    @rule(first=flags)
    def node_finishes(self, first: bool) -> None:
        """In time, or long after somebody else has taken the ID over (F51)."""
        self._node_ends(self.node_runs.pop(0 if first else -1), "ZREM and SREM of a finish")

    @precondition(lambda self: self.node_runs)
    @rule()
    def node_run_fails(self) -> None:
        """ZINCRBY; the finish is a step of its own."""
        self.deeds[self.node_runs[0]].add("ZINCRBY of a failure")
        self.node("ZINCRBY", "failed", 1, self.node_runs[0])

    @precondition(lambda self: self.at.processing)
    @rule(data=st.data())
    def node_guard(self, data: st.DataObject) -> None:
        """Drops an entry by its score, whoever runs it (F50)."""
        ours = sorted(self.at.processing & set(self.at.owner))
        self._node_ends(data.draw(st.sampled_from(ours or sorted(self.at.processing))), "ZREM and SREM of a jam guard")

    def _node_ends(self, id: str, deed: str) -> None:
        self.deeds[id].add(deed)
        self.bench.look.send("ZREM", self.bench.key("processing"), id)
        self.node("SREM", "committed", id)
        if id not in self.at.owner:
            self._given_up(id)

    @rule()
    def node_clients_die(self) -> None:
        """Their half-steps stay half."""
        for id in (*self.half_published, *self.in_hand):
            self._given_up(id)
        self.half_published, self.in_hand = [], []

    @rule(id=st.sampled_from(IDS))
    def push_by_hand(self, id: str) -> None:
        """A second copy, perhaps (F8)."""
        self.deeds[id].add("a copy pushed by hand")
        self.node("RPUSH", "queued", id)

    @rule(id=st.sampled_from(IDS))
    def remove_by_hand(self, id: str) -> None:
        """F9."""
        self.deeds[id].add("a SREM by hand")
        self.node("SREM", "committed", id)

    # -- checks

    def look(self) -> None:
        """See where everything is now."""
        self.at = Places(self.bench.look.contents(beside=1))

    def deviations(self, id: str) -> set[str]:
        """What is wrong with an ID."""
        at = self.at
        is_somewhere, is_committed = at.count(id) > 0, id in at.committed
        is_known = is_committed or is_somewhere or id in at.owner or id in at.failed
        found = {
            NOWHERE: is_committed and not is_somewhere and id not in at.owner,
            UNCOMMITTED: is_somewhere and not is_committed,
            COPIES: at.count(id) + (id in at.owner and id not in at.processing) > 1,
            STILL_FAILED: id in at.failed and (is_somewhere or is_committed),
            UNSEEN: id in at.owner and id not in at.processing,
            FOREIGN: id in at.processing and id not in at.owner,
            UNGRANTED: id in at.rerun and id not in at.owner,
            LEFT_OVER: not is_known and any(id in ids for ids in (*at.remembered.values(), *at.shown.values())),
        }
        return {name for name, is_so in found.items() if is_so}

    def teardown(self) -> None:
        """Two repairs put right what Node has left behind, then what dead workers have, and lose nothing wanted."""
        self._repair()
        self.now += LEASE + LATE_MS
        self._repair()
        assert not self.at.owner.keys()

    def _repair(self) -> None:
        before = self.at
        for _ in range(2):
            answers = self.drive(repairing.repair(self.keys, self.faults(), MAX_CRASHES))
            for fault, answer in answers.items():
                if fault.kind is FaultKind.ORPHANED and fault.worker is None:
                    is_to_end = fault.id in before.marks and fault.id not in before.rerun
                    assert is_to_end == (answer is Repaired.FORGOTTEN)
        assert self.faults() == ()
        self.look()
        for id in IDS:
            assert self.deviations(id) <= {STILL_FAILED, FOREIGN, UNGRANTED}, id
        lost = self.wanted - self.at.somewhere() - self.at.failed
        lost -= {*self.half_published, *self.in_hand, *before.marks}
        assert not lost, f"lost by a repair: {lost}"

    @invariant()
    def only_node_breaks_anything(self) -> None:
        """Each thing that is wrong with an ID is explained by what Node did to it since it was whole."""
        type(self).steps += 1
        for id in IDS:
            wrong = self.deviations(id)
            allowed = {name for deed in self.deeds[id] for name in ALLOWED[deed]}
            assert wrong <= allowed, f"{id!r}: {wrong - allowed}, after {self.deeds[id] or 'nothing'} of Node's"
            is_in_nodes_hands = id in (*self.half_published, *self.in_hand, *self.node_runs)
            if not wrong and not is_in_nodes_hands:
                self.deeds[id].clear()

    @invariant()
    def always(self) -> None:
        """Whatever Node does: nothing accepted is lost, every run of ours has one owner and one start."""
        at = self.at
        assert at.started.items() <= at.starts.items()
        assert at.marks.items() <= at.owner.items()
        assert len(set(at.owner.values())) == len(at.owner)
        lost = self.wanted - at.somewhere() - set(at.owner) - at.failed - at.rerun
        lost -= {*self.half_published, *self.in_hand}
        assert not lost, f"lost: {lost}"

    def _is_mended(self, id: str, place: Iterable[str]) -> None:
        assert id in place
        assert id in self.at.committed

    def _is_known_as(self, before: Places, ids: set[str]) -> None:
        """Nothing that is remembered about these IDs has been forgotten, nor that they are committed."""
        assert before.committed & ids <= self.at.committed
        for name in before.remembered:
            assert before.remembered[name] & ids <= self.at.remembered[name]
        for name in before.shown:
            assert before.shown[name] & ids <= self.at.shown[name]

    def _waits(self, id: str) -> bool:
        return id in self.at.listed or id in self.at.delayed

    def _given_up(self, id: str) -> None:
        if not self._waits(id) and id not in self.at.rerun:
            self.wanted.discard(id)
