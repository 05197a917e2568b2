"""What a pool holds: every claim, from the store's answer until the store has written down its end. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from convoy_core.jobs import Claim, Verdict
from convoy_core.moves.working import Settlement
from convoy_core.options import BATCH, BATCH_BYTES, SMALL_BATCH, SUSPECT_CRASHES
from convoy_core.system.logs import Log
from convoy_core.worker.counters import Counters
from convoy_core.worker.measures import Measures, PoolMeasures
from convoy_core.worker.runs import Plan, Runs
from convoy_core.worker.settling import settle

log = Log(__name__)

Results: TypeAlias = "list[tuple[Claim, Verdict]]"


class Claims:
    """The claims of one pool. `wake` is called when one of its runs has ended."""

    def __init__(self, plan: Plan, worker: str, wake: Callable[[], None]) -> None:
        self._runs = Runs(plan, worker, self._ended, wake)
        self._results: deque[tuple[Claim, Verdict]] = deque()
        self.counters = Counters()
        self._plan = plan
        self._wake = wake
        self._held: dict[int, bytes] = {}
        """Number -> ID of every claim that the store believes we hold; the heartbeat's thread reads it."""
        self._suspects: set[int] = set()
        """Numbers of the claims that must run alone."""
        self._ready: list[Claim] = []
        """Those that are yet to be started."""

    def __len__(self) -> int:
        """How many."""
        return len(self._held)

    @property
    def free(self) -> int:
        """Slots that a claim could fill."""
        return self._runs.free - len(self._ready)

    @property
    def shortage(self) -> str | None:
        """Why fewer run than the concurrency allows, if so. May be called from any thread."""
        return self._runs.shortage

    @property
    def measures(self) -> Measures:
        """What is measured of its runs."""
        return self._runs.measures

    def measured(self) -> PoolMeasures:
        """The same as it is now, and what goes. May be called from any thread."""
        going_s = [seconds for _, seconds in self.snapshot()]
        measures = self.measures
        return PoolMeasures(
            self._plan.queue,
            slots=self._runs.slots,
            busy=len(going_s),
            unfinished_s=sum(going_s),
            longest_s=max(going_s, default=0.0),
            waits=measures.waits.copy(),
            runs={outcome: histogram.copy() for outcome, histogram in measures.runs.items()},
            retries=self.counters.retried,
            leases_lost=measures.leases_lost,
            store_disruptions=measures.store_disruptions,
        )

    @property
    def has_results(self) -> bool:
        """Whether `take_results` has anything to take."""
        return bool(self._results)

    @property
    def holds_suspect(self) -> bool:
        """Whether one of them must run alone."""
        return bool(self._suspects)

    @property
    def has_ready(self) -> bool:
        """Whether `start` has anything to start."""
        return bool(self._ready)

    def pairs(self) -> list[tuple[bytes, int]]:
        """ID and number of every claim. May be called from any thread."""
        return [(raw, number) for number, raw in list(self._held.items())]

    def add(self, claims: Sequence[Claim]) -> None:
        """Hold claims that the store has handed over; `start` runs them."""
        for claim in claims:
            self._held[claim.number] = claim.raw_id
            if claim.crashes >= SUSPECT_CRASHES:
                self._suspects.add(claim.number)
        self._ready += claims

    def resize(self) -> None:
        """The plan's concurrency has changed."""
        self._runs.resize()

    def decline(self, claims: Sequence[Claim]) -> None:
        """Give claims back that arrived too late, uncharged."""
        self._held.update((claim.number, claim.raw_id) for claim in claims)
        self._results.extend((claim, "released") for claim in claims)

    def start(self) -> None:
        """Run the handler on what is ready, and give back what there is no slot for: another pool may have one.

        There is more than fits when slots have been taken away meanwhile, or after a comparison: it finds what was
        handed over while a reply was on its way, and a store that came back older hands out what had ended.
        """
        fitting = self._runs.free
        ready, self._ready = self._ready, []
        for claim in ready[:fitting]:
            self._runs.start(claim)
        if len(ready) > fitting:
            self.decline(ready[fitting:])
            self._wake()

    def give_back(self) -> None:
        """Stop every run; what is held is released unharmed."""
        self._results.extend((claim, "released") for claim in self._ready)
        self._ready.clear()
        self._runs.give_back()

    def mark_lost(self, numbers: Iterable[int]) -> None:
        """Somebody took the IDs of these claims away: tell their handlers. Their results will be stale."""
        self._runs.mark_lost(numbers)

    def cancel(self, numbers: Collection[int]) -> None:
        """An operator has asked these runs to end. What has not begun does not begin."""
        if not numbers:
            return
        for claim in [claim for claim in self._ready if claim.number in numbers]:
            self._ready.remove(claim)
            self._ended(claim, "cancelled")
        self._runs.cancel(numbers)

    def snapshot(self) -> tuple[tuple[str, float], ...]:
        """The IDs that occupy a slot, each with the seconds since it was claimed. May be called from any thread."""
        return self._runs.snapshot()

    def close(self) -> None:
        """Start no more."""
        self._runs.close()

    def take_results(self) -> tuple[Settlement, Results]:
        """Results to be written down by one exchange, and the same to be counted, or put back, after it."""
        settlement = Settlement()
        taken: Results = []
        results, defer_s = self._results, self._plan.options.defer_s
        while results and len(taken) < BATCH and settlement.costly < SMALL_BATCH and settlement.bytes < BATCH_BYTES:
            claim, verdict = results.popleft()
            taken.append((claim, settle(settlement, claim, verdict, defer_s=defer_s)))
        return settlement, taken

    def put_back(self, taken: Results) -> None:
        """Keep results whose exchange failed: they may or may not have been written down."""
        self._results.extendleft(reversed(taken))

    def settle(self, taken: Results, stale: Collection[int], cancelled: Collection[int]) -> None:
        """Drop and count results that were written down; those of `stale` claims changed nothing.

        Those of `cancelled` ones were written down as cancelled, whatever they were; the rest of these still run.
        """
        count = self.counters.count
        for claim, verdict in taken:
            self._held.pop(claim.number, None)
            number = claim.number
            count("stale" if number in stale else "cancelled" if number in cancelled else verdict)
        if self._suspects:
            self._suspects.intersection_update(self._held)
        if stale:
            log.warning("queue %s: %d results came too late and changed nothing", self._plan.queue, len(stale))

    def reconcile(self, held: Mapping[int, bytes]) -> list[tuple[int, bytes]]:
        """After a lost reply, drop the claims that the store no longer holds for us.

        Returns number and ID of claims in `held` that we did not know of.
        """
        for claim, verdict in list(self._results):
            if held.get(claim.number) != claim.raw_id:
                # Written down before the reply was lost, most likely; or recovered by somebody. Nobody can tell.
                self._results.remove((claim, verdict))
                self.counters.unknown += 1
                self._held.pop(claim.number, None)
                self._suspects.discard(claim.number)
        self._runs.mark_lost([number for number, raw in self._held.items() if held.get(number) != raw])
        # A store that came back older may give a number out again, when an old request arrives a second time.
        self.decline([Claim(raw, number) for number, raw in held.items() if self._held.get(number, raw) != raw])
        return [(number, raw) for number, raw in held.items() if number not in self._held]

    def _ended(self, claim: Claim, verdict: Verdict) -> None:
        self._results.append((claim, verdict))
        self._wake()
