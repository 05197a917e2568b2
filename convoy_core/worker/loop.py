"""The loop of a worker pool, from registering to unregistering, on one event loop.

Each round settles finished runs and claims one ID per free slot, in one script. With nothing to settle and nothing
queued, the pool waits until the store hands over the next ID (`waiting`). `states` decides what may happen when.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from convoy_core.backoff import Backoff
from convoy_core.errors import ConvoyError, OutcomeUnknown
from convoy_core.handlers.functions import close
from convoy_core.jobs import Claim
from convoy_core.moves import looking, recovering, working
from convoy_core.moves.call import Call
from convoy_core.moves.working import Pulse, Renewal, Round, Settlement, SuspectPolicy
from convoy_core.options import decode_id, encode_payload
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.clients import Role, Store
from convoy_core.store.connection import Connection
from convoy_core.system.logs import Log
from convoy_core.worker import barred, limited, registration
from convoy_core.worker.claim_sequence import ClaimSequence
from convoy_core.worker.claims import Claims, Results
from convoy_core.worker.counters import Counters
from convoy_core.worker.heartbeat import Heartbeat
from convoy_core.worker.maintenance import Maintenance
from convoy_core.worker.measures import PoolMeasures
from convoy_core.worker.runs import Plan
from convoy_core.worker.states import Action, Facts, PoolEvent, PoolState, PoolStates
from convoy_core.worker.store_identity import StoreIdentity
from convoy_core.worker.suspects import Suspects
from convoy_core.worker.waiting import Handover, IdleWait

log = Log(__name__)

RECONNECT = Backoff(first_s=0.1, longest_s=5.0)
"""Pauses before the store is tried again."""

PAUSED_S = 1.0
"""How often a paused pool asks whether it may go on."""


class WorkerLoop:
    """The rounds of one pool. `run` is its whole life. Every method but `snapshot` belongs to its event loop."""

    def __init__(self, store: Store, prefix: str, plan: Plan, states: PoolStates | None = None) -> None:
        self.worker = secrets.token_hex(16)
        self.error: str | None = None
        """Why the store does not take anything at present; None while it does."""
        self._states = states or PoolStates(PoolState.STARTING)
        self._plan = plan
        self._lease_ms = round(plan.options.lease_s * 1000)
        self._commands = AsyncConnection(store, prefix=prefix, read_only=False)
        self._beats = Connection(store, prefix=prefix, read_only=False, role=Role.HEARTBEAT)
        self._identity = StoreIdentity(lambda: self._commands.opened + max(1, self._beats.opened))
        self._keys = self._commands.keyspace.queue(plan.queue, existing=True)
        self._maintenance = Maintenance(self._commands, self._keys, plan.options)
        self._idle_wait = IdleWait(store, self._commands, self._keys, self.worker)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._is_closing = asyncio.Event()
        self._may_wait = asyncio.Event()
        """Set while the pool may wait for a hand-over, and once it never may again."""
        self._claims = Claims(plan, self.worker, self._wake.set)
        self._sequence = ClaimSequence(plan.concurrency)
        self._suspects = Suspects()
        self._draining: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._slots_kept = 0
        """Slots kept for the claim behind a wait that is under way."""
        self._slots_asked = 0
        """Slots that the claim under way may fill."""
        self._is_handed = False
        """Whether an ID may lie in the claim list. Any exchange takes it up, or returns it to the queue."""
        self._limited_s = 0.0
        """How long to sleep at a limit."""
        self._limit_left = asyncio.Event()
        """Set while no limit holds the pool back."""
        self._barred = ""
        self._give_back_at: float | None = None
        self._tries = 0
        self._turned_at = time.monotonic()
        """When the event loop last turned, by the heartbeat's asking."""
        self._heartbeat: Heartbeat | None = None

    async def run(self, registered: Callable[[], None]) -> None:
        """Work until told to stop, or, in a burst, until nothing is left.

        Raises StoreError when it cannot even begin.
        """
        measures, options = self._claims.measures, self._plan.options
        heartbeat = Heartbeat(
            self._beats, self._keys, self.worker, options, self._beat, self._report, measures.take_back
        )
        self._heartbeat = heartbeat
        try:
            await registration.refuse_eviction(self._commands, self._keys, self._plan.options)
            await self._register(is_launch=True)
            self._identity.accept(self._identity.mark())
            self._handle(PoolEvent.REGISTERED)
            registered()
            heartbeat.start()
            log.info("queue %s: worker %s started", self._plan.queue, self.worker)
            await self._maintenance.note_history()  # before it claims: what it does is judged by the row from before
            async with asyncio.TaskGroup() as tasks:
                maintaining = self._maintenance.run(self._is_closing, self._store_failed, self._look_at_store)
                tasks.create_task(maintaining, name="convoy maintenance")
                fetching = tasks.create_task(self._keep_waiting(), name="convoy wait")
                await self._rounds()
                self._handle(PoolEvent.STOP)  # a burst is over
                self._is_closing.set()
                await self._idle_wait.interrupt()
                await fetching
            await self._rounds()  # to give back what was handed over at the last moment
            await self._unregister()
        finally:
            self._claims.close()
            try:
                await close(self._plan.handler)
            finally:  # else a pool that has ended would renew its lease for ever
                await asyncio.to_thread(heartbeat.stop)
                await self._idle_wait.close()
                await self._commands.close()
            log.info("queue %s: worker %s stopped", self._plan.queue, self.worker)

    def request_stop(self, grace_s: float) -> None:
        """Stop claiming, and give back in `grace_s` seconds what has not ended by then.

        A second call can only shorten that.
        """
        log.info("queue %s: stopping; %d runs have %g s left", self._plan.queue, len(self.snapshot()), grace_s)
        at = time.monotonic() + grace_s
        self._give_back_at = at if self._give_back_at is None else min(at, self._give_back_at)
        self._loop.call_later(grace_s, self._end_grace)
        self._handle(PoolEvent.STOP)

    def resize(self) -> None:
        """The plan's concurrency has changed: claim for more slots from now on, or let runs end until fewer go."""
        log.info("queue %s: up to %d at once from now on", self._plan.queue, self._plan.concurrency)
        self._sequence.resize(self._plan.concurrency)
        self._claims.resize()

    @property
    def counters(self) -> Counters:
        """What has become of its runs."""
        return self._claims.counters

    @property
    def shortage(self) -> str | None:
        """Why fewer run than the concurrency allows, if so."""
        return self._claims.shortage

    @property
    def barred(self) -> str | None:
        """Why it may claim nothing, if so: it is quiet, or its version is too low."""
        return self._barred or None

    def measured(self) -> PoolMeasures:
        """What it has measured. May be called from any thread."""
        return self._claims.measured()

    def snapshot(self) -> tuple[tuple[str, float], ...]:
        """The IDs that occupy a slot, each with the seconds since it was claimed. May be called from any thread."""
        return self._claims.snapshot()

    def silences(self) -> tuple[float, float, float]:
        """Seconds since the event loop turned, the heartbeat's thread turned, and the store answered that."""
        now, beats = time.monotonic(), self._heartbeat
        if beats is None:
            return 0.0, 0.0, 0.0
        return now - self._turned_at, now - beats.turned_at, now - beats.answered_at

    # -- states

    def _handle(self, event: PoolEvent, facts: Facts | None = None) -> None:
        """Let the table of states decide what follows from `event`, and do what it says."""
        for action in self._states.handle(event, facts or Facts(holds_suspect=self._claims.holds_suspect)):
            self._do(action, event)
        if self._state is PoolState.LIMITED:
            self._limit_left.clear()
        else:
            self._limit_left.set()
        self._wake.set()

    def _do(self, action: Action, event: PoolEvent) -> None:
        now = time.monotonic()
        match action:
            case Action.LOOK_LATER:
                if self._looking is not None:
                    self._looking.cancel()  # one at a time, or each run that ends would ask for one more
                pause = self._limited_s if self._state is PoolState.LIMITED else PAUSED_S
                self._looking = self._loop.call_later(pause, self._handle, PoolEvent.LOOK_AGAIN)
            case Action.POSTPONE_JUDGEMENT:
                self._maintenance.postpone_judgement()
            case Action.BEGIN_EPISODE:
                self._suspects.begin(now)
            case Action.LIMIT_DRAINING:
                self._draining = self._loop.call_later(self._suspects.patience_s, self._handle, PoolEvent.PATIENCE_OVER)
            case Action.END_EPISODE:
                self._suspects.end(now, has_run=event is not PoolEvent.PATIENCE_OVER)
                if self._draining is not None:
                    self._draining.cancel()

    @property
    def _state(self) -> PoolState:
        return self._states.state

    @property
    def _free(self) -> int:
        return self._claims.free - self._slots_kept - self._slots_asked

    @property
    def _waits(self) -> bool:
        """Whether the store is to tell the pool when it may claim again."""
        is_woken = self._state is PoolState.LIMITED and self._limited_s >= limited.WORTH_WAKING_S
        return is_woken or self._state is PoolState.WAITING

    def _let_fetch(self) -> None:
        if (self._waits and self._free > 0) or self._is_fetching_over(self._state):
            self._may_wait.set()
        else:
            self._may_wait.clear()

    def _look_at_store(self) -> None:
        """To be called after each exchange with the store, which may be another one than before."""
        if self._identity.has_changed() and not self._state.compares:
            log.info("queue %s: a new connection; what the store holds is compared", self._plan.queue)
            self._handle(PoolEvent.DOUBTED)

    # -- rounds

    async def _rounds(self) -> None:
        while not self._is_over():
            if self._grace_is_over():
                self._claims.give_back()
            if self._suspects:
                self._consider_suspects()
            self._let_fetch()
            if self._claims.has_results or self._is_handed or self._state.compares or self._may_claim():
                await self._exchange()
            else:
                self._wake.clear()
                self._claims.start()
                await self._wake.wait()
        self._let_fetch()

    def _may_claim(self) -> bool:
        state = self._state
        if state is PoolState.DRAINING:
            return not self._claims and self._free > 0
        return state is PoolState.RUNNING and self._free > 0

    def _is_over(self) -> bool:
        state = self._state
        if self._claims:
            # With the store away nothing more can be written down; the lease will run out, and others take over.
            return state is PoolState.STOPPING_AWAY and self._grace_is_over()
        if self._plan.options.burst and (state is PoolState.WAITING or state.is_barred):
            return not self._suspects
        return state in (PoolState.STOPPING, PoolState.STOPPING_AWAY)

    def _end_grace(self) -> None:
        # The timer decides, and not the clock: uvloop's timer fires up to one turn of the loop early. A comparison with
        # `time.monotonic` would then say "too early", and the pool would sleep for as long as the job runs.
        self._give_back_at = time.monotonic()
        self._wake.set()

    def _grace_is_over(self) -> bool:
        return self._give_back_at is not None and time.monotonic() >= self._give_back_at

    def _consider_suspects(self) -> None:
        has_nothing_else = self._state is PoolState.WAITING or self._plan.concurrency == 1
        is_idle = has_nothing_else and not self._claims
        if self._suspects.is_due(time.monotonic(), is_idle=is_idle):
            self._handle(PoolEvent.SUSPECT_DUE)

    async def _exchange(self) -> None:
        taken: Results = []
        is_handed, self._is_handed = self._is_handed, False
        try:
            if self._state.compares:
                await self._compare()
            settlement, taken = self._claims.take_results()
            kept = len(self._claims) - len(taken)
            want = self._share(kept)
            call = self._round(settlement, want, kept)
            self._slots_asked = want
            answer, asked = await self._send(call)
        except ConvoyError as error:
            self._slots_asked = 0
            self._is_handed |= is_handed
            self._claims.put_back(taken)
            await self._back_off(error)
            return
        self._slots_asked = 0
        self._claims.settle(taken, answer.stale, answer.cancelled)
        if self.error is not None:
            self.error, self._tries = None, 0
            self._handle(PoolEvent.ACCEPTED)
        self._take_on(answer, want, asked)
        if settlement.released:
            self._handle(PoolEvent.LOOK_AGAIN)  # they are queued again
        if answer.word in ("lapsed", "gone"):
            await self._register_again(answer.word)
        self._look_at_store()

    def _share(self, kept: int) -> int:
        """How many IDs this round claims."""
        if self._state is PoolState.ALONE and not kept:
            self._handle(PoolEvent.SUSPECT_ENDED)
        if self._state.is_stopping or (self._state.is_exclusive and kept):
            return 0
        return self._sequence.share(self._free)

    def _round(self, settlement: Settlement, want: int, kept: int) -> Call[Round]:
        named = self._suspects.next() if self._state is PoolState.DRAINING and want else b""
        spares_time = self._plan.concurrency == 1 or self._suspects.may_begin(time.monotonic())
        policy = SuspectPolicy(kept, spares_time or bool(named), named)
        number = self._sequence.spend(want)
        return working.exchange(self._keys, self.worker, settlement, want, number, self._lease_ms, policy)

    async def _send(self, call: Call[Round]) -> tuple[Round, int]:
        """The answer, and how often somebody had asked to look again when the request was sent."""
        asked = self._states.asked
        if not self._claims.has_ready:
            return await self._commands.run(call), asked
        request = self._loop.create_task(self._commands.run(call))
        await asyncio.sleep(0)  # it is on its way, and leaves us time
        self._claims.start()
        return await request, asked

    def _take_on(self, answer: Round, want: int, asked: int) -> None:
        """Add what was claimed to the claims held, and learn from the answer to a claim of up to `want`."""
        self._claims.cancel(answer.cancelled)
        self._claims.add(answer.claims)
        if answer.apart:
            self._suspects.note(answer.apart)
        facts = Facts(self._claims.holds_suspect, self._states.asked != asked)
        if answer.word not in ("quiet", "outdated"):
            self._barred = ""
        match answer.word:
            case "paused":
                self._handle(PoolEvent.PAUSE_MET, facts)
            case "quiet" | "outdated":
                self._bar(answer, facts)
            case "alone":
                self._handle(PoolEvent.SUSPECT_CLAIMED, facts)
            case "limited":
                self._limited_s = limited.pause_s(answer.again_ms)
                self._handle(PoolEvent.LIMIT_MET, facts)
            case "repeated":
                self._handle(PoolEvent.DOUBTED, facts)
            case "more":
                self._handle(PoolEvent.MORE, facts)
            case "open" if want:
                is_full = len(answer.claims) + len(answer.apart) >= want
                self._handle(PoolEvent.MORE if is_full else PoolEvent.EMPTY, facts)
            case _:
                pass

    def _bar(self, answer: Round, facts: Facts) -> None:
        """This pool may claim nothing; that is said once."""
        is_quiet = answer.word == "quiet"
        version = self._plan.options.version_label
        why = barred.quiet(answer.because) if is_quiet else barred.outdated(version, answer.because)
        if self._barred != why:
            log.warning("queue %s: %s", self._plan.queue, why)
        self._barred = why
        self._handle(PoolEvent.QUIET_MET if is_quiet else PoolEvent.OUTDATED_MET, facts)

    # -- waiting at an empty queue

    async def _keep_waiting(self) -> None:
        """Wait for a hand-over whenever the rounds have found the queue empty, and to be woken at a limit."""
        while True:
            await self._may_wait.wait()
            if self._is_fetching_over(self._state):
                return
            if not self._waits or self._free <= 0:
                self._may_wait.clear()  # the rounds were faster
                continue
            try:
                await (self._wait_for_turn() if self._state is PoolState.LIMITED else self._wait_for_id())
            except ConvoyError as error:
                # Perhaps an ID was handed over: the next claim looks into the claim list.
                self._slots_kept = 0
                self._wait_failed(error)
                await asyncio.sleep(RECONNECT.first_s)
            self._let_fetch()
            self._wake.set()  # a slot has come free

    async def _wait_for_id(self) -> None:
        number, asked = self._sequence.spend(1), self._states.asked
        self._slots_kept = 1
        handover = await self._idle_wait.wait(self._claim_one(number))
        self._slots_kept = 0
        self._take_over(handover, number, asked)

    async def _wait_for_turn(self) -> None:
        if await self._idle_wait.wait_for_turn(self._limit_left):
            self._handle(PoolEvent.LOOK_AGAIN)

    def _wait_failed(self, error: ConvoyError) -> None:
        if isinstance(error, OutcomeUnknown):
            log.info("queue %s: %s", self._plan.queue, error)
            self._handle(PoolEvent.DOUBTED)  # the comparison finds out whether the store is away
        else:
            self._store_failed(error)

    def _is_fetching_over(self, state: PoolState) -> bool:
        return self._plan.options.burst or state.is_stopping or state is PoolState.STOPPED

    def _claim_one(self, number: int) -> Call[Round]:
        """To follow a wait, whenever that ends; so it must take no suspect, which could meet others here."""
        policy = SuspectPolicy(kept=1)
        return working.exchange(self._keys, self.worker, Settlement(), 1, number, self._lease_ms, policy)

    def _take_over(self, handover: Handover, number: int, asked: int) -> None:
        is_handed, answer = handover
        if answer is None or answer.word in ("repeated", "lapsed", "gone") or self._sequence.is_known(number):
            # Other requests were faster: the next of them finds what was handed over in the claim list, or has found
            # it among our claims.
            if is_handed:
                self._look_into_claim_list()
        elif self._state.is_stopping or self._state.is_exclusive or self._free <= 0:
            self._claims.decline(answer.claims)
            self._suspects.note(answer.apart)
            self._wake.set()
        else:
            self._take_on(answer, 1, asked)
            self._claims.start()

    def _look_into_claim_list(self) -> None:
        self._is_handed = True
        self._handle(PoolEvent.LOOK_AGAIN)

    # -- when the store is away, or not what it was

    def _store_failed(self, error: ConvoyError) -> None:
        if self.error is None:
            self._claims.measures.store_disruptions += 1
            log.warning("queue %s: %s", self._plan.queue, error)
        self.error = str(error)
        self._handle(PoolEvent.FAILED)

    async def _back_off(self, error: ConvoyError) -> None:
        self._store_failed(error)
        pause = RECONNECT.spread_s(self._tries, at_least_s=RECONNECT.first_s)
        self._tries += 1
        if self._give_back_at is not None:
            pause = min(pause, max(0.05, self._give_back_at - time.monotonic()))
        await asyncio.sleep(pause)

    async def _compare(self) -> None:
        """Learn what the store holds for us, drop the results it no longer waits for, start what we did not know of."""
        mark = self._identity.mark()
        # First of all, so that a request which arrives only after the question claims nothing unseen.
        await self._commands.run(working.fence(self._keys, self.worker, self._sequence.fence()))
        held = await self._commands.drive(recovering.held_claims(self._keys, [self.worker]))
        for number, raw in self._claims.reconcile({number: raw for raw, number in held[self.worker]}):
            details = await self._commands.run(looking.show(self._keys, decode_id(raw)))
            content = None if details.payload_bytes is None else encode_payload(details.payload)
            claim = Claim(raw, number, details.attempt - 1, details.failures, details.crashes, content)
            claim.requests, claim.first_asked_at = details.requests, details.first_asked
            claim.traces, claim.waited_s = details.traces, details.waited_s
            (self._claims.decline if self._state.is_stopping else self._claims.add)([claim])
        self._identity.accept(mark)
        self._handle(PoolEvent.COMPARED)

    # -- lease

    async def _register(self, *, is_launch: bool) -> None:
        epoch = secrets.token_hex(8)
        await self._commands.run(
            registration.register_pool(self._keys, self.worker, self._plan, epoch, is_launch=is_launch)
        )

    async def _register_again(self, word: str) -> None:
        """We were away for too long: the lease has lapsed, or (`gone`) others have already recovered what we held."""
        log.warning("queue %s: worker %s lost its lease (%s)", self._plan.queue, self.worker, word)
        self._claims.measures.lost_lease(self._plan.options.lease_s)
        self._handle(PoolEvent.DOUBTED)  # also fences off what may still arrive from before
        renew = working.renew(self._keys, self.worker, self._lease_ms, self._pulse(), ())
        try:
            await (self._commands.run(renew) if word == "lapsed" else self._register(is_launch=False))
        except ConvoyError as error:
            await self._back_off(error)

    async def _unregister(self) -> None:
        # While something is held, or may be without our knowing, the lease must run out instead, for others to recover.
        if self._claims or self._state is not PoolState.STOPPING:
            return
        number, is_in_doubt = self._sequence.spend(1), self._idle_wait.is_in_doubt
        counted = self._claims.measures.tell()
        steps = working.unregister_safely(self._keys, self.worker, number, is_in_doubt=is_in_doubt, counted=counted)
        with suppress(ConvoyError):
            if not await self._commands.drive(steps):
                log.warning("queue %s: the store holds more for worker %s than it knew", self._plan.queue, self.worker)
            await self._maintenance.note_history(is_last=True)

    def _turn(self) -> None:
        self._turned_at = time.monotonic()

    def _pulse(self) -> Pulse:
        """On the heartbeat's thread, too.

        Raises ConvoyError, and so ends the renewing, when the event loop is stuck.
        """
        self._loop.call_soon_threadsafe(self._turn)
        silent_s = time.monotonic() - self._turned_at
        if silent_s > self._plan.options.watchdog_s:
            raise ConvoyError(f"the event loop has been stuck for {silent_s:.0f} s, so the lease is not renewed.")
        return Pulse(self.counters.done, self.counters.failed, self._claims.pairs(), self._plan.concurrency)

    def _beat(self) -> Pulse:
        """On the heartbeat's thread: with what has been measured since the last one."""
        return replace(self._pulse(), counted=self._claims.measures.tell())

    def _report(self, renewal: Renewal, run_id: str | None) -> None:
        """On the heartbeat's thread: pass its answer to the event loop."""
        if renewal.had_lapsed:
            self._loop.call_soon_threadsafe(self._claims.measures.lost_lease, self._plan.options.lease_s)
        self._loop.call_soon_threadsafe(self._hear, renewal, run_id)

    def _hear(self, renewal: Renewal, run_id: str | None) -> None:
        self._identity.saw(run_id)
        self._claims.mark_lost(renewal.lost)
        self._claims.cancel(renewal.cancelled)
        if renewal.waiting:
            self._look_into_claim_list()
        if renewal.epoch is None:
            self._handle(PoolEvent.LOOK_AGAIN)
        self._look_at_store()
