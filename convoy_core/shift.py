"""One life of a worker pool, from hello to bye, on one event loop.

It goes in rounds. In a round what has ended since the last is settled, and as many IDs as there are free slots are
claimed,
by one script. While nothing is to settle and nothing is queued, it waits in BLMOVE.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress

from convoy_core import calls, roll, worker_calls
from convoy_core.attempt import Claim
from convoy_core.calls import Call
from convoy_core.claiming import Claiming
from convoy_core.connect import Role, Store
from convoy_core.connection import AsyncConnection, Connection
from convoy_core.errors import ConvoyError
from convoy_core.fetch import Fetch, Handover
from convoy_core.handlers import close
from convoy_core.holdings import Holdings, Results
from convoy_core.logs import Log
from convoy_core.options import decode_id, encode_payload
from convoy_core.runs import Plan
from convoy_core.tallies import Tallies
from convoy_core.upkeep import Heartbeat, Upkeep
from convoy_core.worker_calls import Pulse, Renewal, Round, Settlement

log = Log(__name__)

RECONNECT_S = (0.1, 5.0)
"""Shortest and longest pause before the store is tried again, in seconds; it doubles, with full jitter."""

PAUSED_S = 1.0
"""How often a paused pool asks whether it may go on."""


class Shift:
    """The rounds of one pool. `run` is its whole life. Every method but `snapshot` belongs to its event loop."""

    def __init__(self, store: Store, prefix: str, plan: Plan) -> None:
        self.worker = secrets.token_hex(16)
        self.error: str | None = None
        """Why the store does not take anything at present; None while it does."""
        self.is_stopping = False
        self._plan = plan
        self._lease_ms = round(plan.options.lease_s * 1000)
        self._store = store
        self._commands = AsyncConnection(store, prefix=prefix, read_only=False)
        self._keys = self._commands.keyspace.queue(plan.queue, existing=True)
        self._upkeep = Upkeep(self._commands, self._keys, plan.options)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._is_closing = asyncio.Event()
        self._holdings = Holdings(plan, self.worker, self._look_again)
        self._claiming = Claiming(plan.concurrency, self._holdings)
        self._is_unsure = False  # after any trouble: the store may hold more, or less, than we know
        self._give_back_at: float | None = None
        self._tries = 0
        self._turned_at = time.monotonic()
        """When the event loop last turned, by the heartbeat's asking."""

    async def run(self, registered: Callable[[], None]) -> None:
        """Work until told to stop, or, in a burst, until nothing is left. Raises StoreError when it cannot even
        begin.
        """
        prefix, options = self._commands.keyspace.prefix, self._plan.options
        beats = Connection(self._store, prefix=prefix, read_only=False, role=Role.HEARTBEAT)
        heartbeat = Heartbeat(beats, self._keys, self.worker, options, self._pulse, self._report)
        fetch = Fetch(self._store, self._commands, self._keys, self.worker)
        try:
            await roll.refuse_eviction(self._commands, self._keys, self._plan.options)
            await self._register()
            registered()
            heartbeat.start()
            log.info("queue %s: worker %s started", self._plan.queue, self.worker)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._upkeep.run(self._is_closing, self._store_failed), name="convoy upkeep")
                fetching = tasks.create_task(self._fetch(fetch), name="convoy fetch")
                await self._rounds()
                self.is_stopping = True
                self._is_closing.set()
                self._claiming.may_wait.set()
                await fetch.interrupt()
                await fetching
                await self._rounds()  # to give back what was handed over at the last moment
            await self._sign_off(fetch)
        finally:
            self._holdings.runs.close()
            try:
                await close(self._plan.handler)
            finally:  # or a pool that is no more would renew its lease for ever
                await asyncio.to_thread(heartbeat.stop)
                await fetch.close()
                await self._commands.close()
            log.info("queue %s: worker %s stopped", self._plan.queue, self.worker)

    def request_stop(self, grace_s: float) -> None:
        """Stop claiming, and give back in `grace_s` seconds what has not ended by then; a second call can only
        shorten it.
        """
        log.info("queue %s: stopping; %d runs have %g s left", self._plan.queue, len(self._holdings.runs), grace_s)
        at = time.monotonic() + grace_s
        self.is_stopping = True
        self._give_back_at = at if self._give_back_at is None else min(at, self._give_back_at)
        self._loop.call_later(grace_s, self._end_grace)
        self._wake.set()

    @property
    def is_paused(self) -> bool:
        """Whether somebody has paused the queue."""
        return self._claiming.is_paused

    @property
    def tallies(self) -> Tallies:
        """What has become of its runs."""
        return self._holdings.tallies

    @property
    def shortage(self) -> str | None:
        """Why fewer run than the concurrency allows; None while all slots are to be had."""
        return self._holdings.runs.shortage

    def snapshot(self) -> tuple[tuple[str, float], ...]:
        """The IDs that occupy a slot, each with the seconds since it was claimed. May be called from any thread."""
        return self._holdings.runs.snapshot()

    # -- rounds

    async def _rounds(self) -> None:
        while not self._is_over():
            if self._grace_is_over():
                self._holdings.give_back()
            is_claiming = not self.is_stopping and self._claiming.wants
            if self._holdings.runs.results or is_claiming or self.error is not None:
                await self._exchange()
            else:
                self._holdings.start()
                self._wake.clear()
                await self._wake.wait()

    def _is_over(self) -> bool:
        if self._holdings:
            # With the store away nothing more can be written down; the lease will run out, and others take over.
            return self._grace_is_over() and self.error is not None
        return self.is_stopping or (self._plan.options.burst and not self._claiming.is_hungry)

    def _end_grace(self) -> None:
        # The timer decides, and no clock besides: uvloop's fires up to a turn of the loop before `time.monotonic` is
        # there, and who then looked at the clock would find it too early, and sleep on for as long as the job runs.
        self._give_back_at = time.monotonic()
        self._wake.set()

    def _grace_is_over(self) -> bool:
        return self._give_back_at is not None and time.monotonic() >= self._give_back_at

    async def _exchange(self) -> None:
        taken: Results = []
        try:
            if self._is_unsure:
                await self._resynchronise()
            settlement, taken = self._holdings.take_results()
            kept = len(self._holdings) - len(taken)
            want = 0 if self.is_stopping else self._claiming.share(kept)
            number = self._claiming.spend(want)
            call = worker_calls.exchange(self._keys, self.worker, settlement, want, number, self._lease_ms, kept=kept)
            answer = await self._send(call)
        except ConvoyError as error:
            self._holdings.put_back(taken)
            await self._back_off(error)
            return
        self.error, self._tries = None, 0
        self._holdings.settle(taken, set(answer.stale))
        self._take_on(answer, want)
        if answer.word in ("lapsed", "gone"):
            await self._return_to_roll(answer.word)

    async def _send(self, call: Call[Round]) -> Round:
        if not self._holdings.has_ready:
            return await self._commands.run(call)
        request = self._loop.create_task(self._commands.run(call))
        await asyncio.sleep(0)  # it is on its way, and leaves us time
        self._holdings.start()
        return await request

    def _take_on(self, answer: Round, want: int) -> None:
        self._holdings.add(answer.claims)
        self._claiming.learn(answer, want)
        if answer.word == "paused":
            self._loop.call_later(PAUSED_S, self._look_again)
        elif answer.word == "repeated":
            self._is_unsure = True

    def _look_again(self) -> None:
        self._claiming.is_hungry = True
        self._wake.set()

    async def _fetch(self, fetch: Fetch) -> None:
        """Wait at the empty queue whenever the rounds have found it so."""
        while not self._waits_no_more():
            await self._claiming.may_wait.wait()
            if self._waits_no_more():
                return
            if not self._claiming.can_wait():
                continue
            number = self._claiming.spend(1)
            try:
                self._claiming.is_waiting = True
                handover = await fetch.wait(self._claim_one(number))
                self._claiming.is_waiting = False
                self._take_over(handover, number)
            except ConvoyError as error:
                self._claiming.is_waiting = False
                # Perhaps an ID was handed over: the next claim looks into the claim list. Cleared before the pause,
                # since a stop during it sets the event for good.
                self._claiming.may_wait.clear()
                self._store_failed(error)
                await asyncio.sleep(RECONNECT_S[0])

    def _claim_one(self, number: int) -> Call[Round]:
        """To follow a wait, whenever that ends; so it must take no suspect, which could meet others here."""
        return worker_calls.exchange(self._keys, self.worker, Settlement(), 1, number, self._lease_ms, kept=1)

    def _take_over(self, handover: Handover, number: int) -> None:
        is_handed, answer = handover
        if answer is None or answer.word in ("repeated", "lapsed", "gone") or self._claiming.is_known(number):
            # Other requests were faster: the next of them finds what was handed over in the claim list, or has found
            # it among our holdings.
            if is_handed:
                self._claiming.may_wait.clear()
                self._look_again()
            return
        if self.is_stopping or self._claiming.is_exclusive:
            self._claiming.may_wait.clear()
            self._holdings.decline(answer.claims)
            self._wake.set()
            return
        self._take_on(answer, 1)
        self._holdings.start()
        if self._claiming.is_hungry:
            self._claiming.may_wait.clear()
            self._wake.set()

    def _waits_no_more(self) -> bool:
        return self.is_stopping or self._plan.options.burst

    # -- when the store is away

    def _store_failed(self, error: ConvoyError) -> None:
        if self.error is None:
            log.warning("queue %s: %s", self._plan.queue, error)
        self.error = str(error)
        # A store that has been away may come back without what it had acknowledged (a failover), and then holds for us
        # what we take for settled.
        self._is_unsure = True
        self._upkeep.postpone_judgement()
        self._look_again()

    async def _back_off(self, error: ConvoyError) -> None:
        self._store_failed(error)
        shortest, longest = RECONNECT_S
        pause = random.uniform(shortest, max(shortest, min(longest, shortest * 2 ** min(self._tries, 10))))
        self._tries += 1
        if self._give_back_at is not None:
            pause = min(pause, max(0.05, self._give_back_at - time.monotonic()))
        await asyncio.sleep(pause)

    async def _resynchronise(self) -> None:
        """Replies were lost: learn what we hold, settle what we still can, start what we did not know of."""
        # First of all, so that a request which arrives only after the question claims nothing unseen.
        await self._commands.run(worker_calls.fence(self._keys, self.worker, self._claiming.fence()))
        holdings = await self._commands.drive(worker_calls.holdings(self._keys, [self.worker]))
        for number, raw in self._holdings.reconcile({number: raw for raw, number in holdings[self.worker]}):
            details = await self._commands.run(calls.show(self._keys, decode_id(raw)))
            content = None if details.payload_bytes is None else encode_payload(details.payload)
            claim = Claim(raw, number, details.attempt - 1, details.failures, details.crashes, content)
            self._holdings.add([claim])
        self._is_unsure = False

    # -- lease

    async def _register(self) -> None:
        await self._commands.run(roll.sign_on(self._keys, self.worker, self._plan, secrets.token_hex(8)))

    async def _return_to_roll(self, word: str) -> None:
        """We were away for too long: the lease has lapsed, or (`gone`) others have already recovered what we held."""
        log.warning("queue %s: worker %s lost its lease (%s)", self._plan.queue, self.worker, word)
        self._is_unsure = True  # also fences off what may still arrive from before
        renew = worker_calls.renew(self._keys, self.worker, self._lease_ms, self._pulse(), ())
        try:
            await (self._commands.run(renew) if word == "lapsed" else self._register())
        except ConvoyError as error:
            await self._back_off(error)

    async def _sign_off(self, fetch: Fetch) -> None:
        # While something is held, or may be without our knowing, the lease must run out instead, for others to recover.
        if self._holdings or self._is_unsure:
            return
        steps = worker_calls.sign_off(self._keys, self.worker, self._claiming.spend(1), is_in_doubt=fetch.is_in_doubt)
        with suppress(ConvoyError):
            if not await self._commands.drive(steps):
                log.warning("queue %s: the store holds more for worker %s than it knew", self._plan.queue, self.worker)

    def _turn(self) -> None:
        self._turned_at = time.monotonic()

    def _pulse(self) -> Pulse:
        """On the heartbeat's thread, too. Raises ConvoyError, and so ends the renewing, when the event loop is
        stuck.
        """
        self._loop.call_soon_threadsafe(self._turn)
        silent_s = time.monotonic() - self._turned_at
        if silent_s > self._plan.options.watchdog_s:
            raise ConvoyError(f"the event loop has been stuck for {silent_s:.0f} s, so the lease is not renewed.")
        return Pulse(self.tallies.done, self.tallies.failed, self._holdings.pairs())

    def _report(self, renewal: Renewal) -> None:
        """On the heartbeat's thread: pass its answer to the event loop."""
        if renewal.lost:
            self._loop.call_soon_threadsafe(self._holdings.runs.mark_lost, renewal.lost)
        if renewal.epoch is None or renewal.waiting:
            self._loop.call_soon_threadsafe(self._look_again)
