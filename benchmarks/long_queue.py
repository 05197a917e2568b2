"""A queue with very many IDs in every state, filled by its own operations, and the calls to measure on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from typing import Any, NamedTuple

import redis

from benchmarks.figures import Settings
from benchmarks.store import server_for
from convoy_core import Fleet, Jammed, Queue, State
from convoy_core.jobs import Claim, Failed
from convoy_core.moves import recovering, working
from convoy_core.moves.working import Settlement
from convoy_core.options import BATCH, SMALL_BATCH

QUEUE = "bench"
LEASE_MS = 3_600_000
RECORD = '{"error":"ValueError: no","traceback":"' + 600 * "x" + '","worker":"w","attempt":1,"seconds":0.1}'


class LongQueue:
    """1,000,000 IDs queued (or as many as are asked for), 100,000 failed, 10,000 processing, 10,000 delayed."""

    def __init__(self, url: str, settings: Settings, *, queued: int) -> None:
        self.queue = Queue(QUEUE, redis=url)
        self.fleet = Fleet(redis=url)
        self.queued = queued
        self.failed_count, self.processing_count = settings.size(100_000, 2_000), settings.size(10_000, 1_000)
        self._keys = self.queue._connection.keyspace.queue(QUEUE)
        self._number = 1
        self._worker = self._sign_on()
        self._fresh = (f"new{number}" for number in count())
        self._failed = (f"f{number}" for number in range(self.failed_count))
        self._queued = (str(number) for number in range(queued // 2, queued))
        self._fill()

    def _fill(self) -> None:
        self.queue.publish_many(f"f{number}" for number in range(self.failed_count))
        for _ in range(0, self.failed_count, SMALL_BATCH):
            self.fail(self.claim(SMALL_BATCH))
        self.queue.publish_many(f"p{number}" for number in range(self.processing_count))
        for _ in range(0, self.processing_count, BATCH):
            # Some have lived through a heartbeat and some have not, which are looked for in different ways.
            self.renew(self.claim(BATCH)[::2])
        self.queue.publish_many((f"d{number}" for number in range(self.processing_count)), delay_s=3600)
        self.queue.publish_many(range(self.queued))

    def close(self) -> None:
        """Close the connections."""
        self.fleet.close()
        self.queue.close()

    # -- IDs that nothing has been done to yet

    def fresh(self) -> list[str]:
        """A batch that the store does not know."""
        return list(islice(self._fresh, BATCH))

    def failed(self) -> list[str]:
        """A batch of failed ones."""
        return list(islice(self._failed, BATCH))

    def one_queued(self) -> list[str]:
        """One from the second half of the list."""
        return list(islice(self._queued, 1))

    def some_jammed(self) -> list[Jammed]:
        """What a jam guard's preview shows last."""
        return self.queue.jammed(idle_s=0)[-SMALL_BATCH:]

    # -- what a worker does

    def claim(self, want: int = BATCH, *, worker: str | None = None) -> list[Claim]:
        """Take what is next in line."""
        return self.exchange(Settlement(), want, worker=worker)

    def exchange(self, settlement: Settlement, want: int, *, worker: str | None = None) -> list[Claim]:
        """Settle, and take what is next in line."""
        number, self._number = self._number, self._number + want
        call = working.exchange(self._keys, worker or self._worker, settlement, want, number, LEASE_MS)
        return self.queue._connection.run(call).claims

    def fail(self, claims: Sequence[Claim], retry_ms: int | None = None) -> None:
        """Have these failed, for good or to be tried again."""
        failure = Failed("ValueError: no", RECORD, retry_ms)
        self.exchange(Settlement(failed=[(claim, failure) for claim in claims]), 0)

    def die(self) -> str:
        """Have another worker claim a batch, and its lease run out; its name."""
        worker = self._sign_on()
        self.claim(worker=worker)
        self.queue._connection.run(working.renew(self._keys, worker, 0, working.Pulse(0, 0, []), ()))
        return worker

    def recover(self, worker: str) -> object:
        """Take back what a dead worker held."""
        return self.queue._connection.drive(recovering.recover(self._keys, worker, 3))

    def delay(self) -> None:
        """Have a batch due at once."""
        self.queue.publish_many(self.fresh(), delay_s=0.001)

    def promote(self) -> object:
        """Queue what is due."""
        return self.queue._connection.run(working.promote(self._keys, BATCH, LEASE_MS))

    def sweep(self) -> object:
        """Look for what Node workers have left."""
        return self.queue._connection.run(working.sweep(self._keys, (), BATCH))

    def renew(self, claims: Sequence[Claim]) -> object:
        """The heartbeat of a worker with these claims."""
        held = [(claim.raw_id, claim.number) for claim in claims]
        pulse = working.Pulse(0, 0, held)
        return self.queue._connection.run(working.renew(self._keys, self._worker, LEASE_MS, pulse, held))

    def _sign_on(self) -> str:
        worker = secrets.token_hex(16)
        self.queue._connection.run(working.register(self._keys, worker, LEASE_MS, "epoch", {"host": "here"}))
        return worker


class Act(NamedTuple):
    """Something to do, and what has to be got ready for it, which is not measured."""

    do: Callable[[LongQueue, Any], object]
    prepare: Callable[[LongQueue], Any] = lambda _: None


def _page(state: State | None, part: float = 0.0) -> Act:
    """A page of 500 from that part of a state: 0 its start, 1 its end."""

    def do(long: LongQueue, total: int) -> object:
        return long.queue.page(state, start=max(0, round(part * (total - BATCH))), limit=BATCH)

    return Act(do, lambda long: long.queue.page(state, limit=1).total)


def _settle(settled: str, size: int = BATCH, *, want: int = 0) -> Act:
    return Act(
        lambda long, claims: long.exchange(Settlement(**{settled: claims}), want),
        lambda long: long.claim(size),
    )


ACTS: dict[str, Act] = {
    "counts": Act(lambda long, _: long.queue.counts()),
    "snapshot": Act(lambda long, _: long.fleet.snapshot([QUEUE])),
    "snapshot, all jammed": Act(lambda long, _: long.fleet.snapshot([QUEUE], jam_after_s=0)),
    "queue names": Act(lambda long, _: long.fleet.queues()),
    "find": Act(lambda long, _: long.fleet.find(long.queued - 1)),
    "page, queued, start": _page(State.QUEUED),
    "page, queued, middle": _page(State.QUEUED, 0.5),
    "page, queued, end": _page(State.QUEUED, 1),
    "page, delayed, middle": _page(State.DELAYED, 0.5),
    "page, failed, start": _page(State.FAILED),
    "page, failed, middle": _page(State.FAILED, 0.5),
    "page, failed, end": _page(State.FAILED, 1),
    "page, processing, start": _page(State.PROCESSING),
    "page, processing, middle": _page(State.PROCESSING, 0.5),
    "page, processing, end": _page(State.PROCESSING, 1),
    "page, committed": _page(None),
    "show, first in line": Act(
        lambda long, id: long.queue.show(id), lambda long: long.queue.page(State.QUEUED, limit=1).entries[0].id
    ),
    "show, last in line": Act(lambda long, _: long.queue.show(long.queued - 1)),
    "show, failed": Act(lambda long, _: long.queue.show(f"f{long.failed_count - 1}")),
    "workers": Act(lambda long, _: long.queue.workers()),
    "jammed": Act(lambda long, _: long.queue.jammed(idle_s=0)),
    "publish 500": Act(lambda long, ids: long.queue.publish_many(ids), LongQueue.fresh),
    "publish 500 to the front": Act(lambda long, ids: long.queue.publish_many(ids, front=True), LongQueue.fresh),
    "publish 500 with payload": Act(lambda long, ids: long.queue.publish_many(ids, payload="x" * 100), LongQueue.fresh),
    "publish 500 delayed": Act(lambda long, ids: long.queue.publish_many(ids, delay_s=3600), LongQueue.fresh),
    "publish 500 failed": Act(lambda long, ids: long.queue.publish_many(ids), LongQueue.failed),
    "publish 500 known": Act(lambda long, _: long.queue.publish_many(range(long.queued - BATCH, long.queued))),
    "requeue 500": Act(lambda long, ids: long.queue.requeue(ids), LongQueue.failed),
    "discard 500 failed": Act(lambda long, ids: long.queue.discard(ids, state=State.FAILED), LongQueue.failed),
    "discard one queued": Act(lambda long, ids: long.queue.discard(ids, state=State.QUEUED), LongQueue.one_queued),
    "jam guard, 100": Act(lambda long, entries: long.queue.free_jammed(entries), LongQueue.some_jammed),
    "claim 500": Act(lambda long, _: long.claim()),
    "complete 500": _settle("completed"),
    "complete 500, claim 500": _settle("completed", want=BATCH),
    "release 500": _settle("released"),
    "give up 500": _settle("discarded"),
    "fail 100": Act(lambda long, claims: long.fail(claims), lambda long: long.claim(SMALL_BATCH)),
    "retry 100": Act(lambda long, claims: long.fail(claims, 5), lambda long: long.claim(SMALL_BATCH)),
    "defer 100": Act(
        lambda long, claims: long.exchange(Settlement(deferred=[(claim, 5) for claim in claims]), 0),
        lambda long: long.claim(SMALL_BATCH),
    ),
    "renew 500": Act(lambda long, claims: long.renew(claims), LongQueue.claim),
    "recover 500": Act(lambda long, worker: long.recover(worker), LongQueue.die),
    "promote 500": Act(lambda long, _: long.promote(), LongQueue.delay),
    "sweep 500": Act(lambda long, _: long.sweep()),
    "pause": Act(lambda long, _: long.queue.pause()),
    "resume": Act(lambda long, _: long.queue.resume()),
}
"""Every public operation, and what a pool asks for, each with the largest batch that is sent at once."""


@contextmanager
def long_queue(settings: Settings, queued: int) -> Iterator[tuple[LongQueue, redis.Redis]]:
    """On a server of its own, with a bare client beside."""
    with server_for(settings) as server, server.client() as client:
        long = LongQueue(server.url, settings, queued=queued)
        try:
            yield long, client
        finally:
            long.close()
