"""A queue with very many, or very large, IDs in every state, and what a worker does on it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from typing import NamedTuple

import redis

from benchmarks.figures import Settings
from benchmarks.store import server_for
from convoy_core import Fleet, Jammed, Queue
from convoy_core.jobs import Claim, Failed
from convoy_core.moves import recovering, working
from convoy_core.moves.call import bounded
from convoy_core.moves.working import Settlement
from convoy_core.options import BATCH, SMALL_BATCH

QUEUE = "bench"
LEASE_MS = 3_600_000
RECORD = '{"error":"ValueError: no","traceback":"' + 600 * "x" + '","worker":"w","attempt":1,"seconds":0.1}'


class Shape(NamedTuple):
    """How many IDs a queue has, and how large they are."""

    queued: int = 10_000
    failed: int = 2_000
    processing: int = 1_000
    delayed: int = 1_000
    id_bytes: int = 0
    """To which each ID is padded."""
    payload_bytes: int = 0
    """Of the payload of each queued ID; 0 for none."""
    batch: int = BATCH
    """How many IDs are published, claimed and settled at once."""
    pools: int = 0
    """How many are registered besides."""


class LongQueue:
    """A queue of that shape."""

    def __init__(self, url: str, shape: Shape) -> None:
        self.queue = Queue(QUEUE, redis=url)
        self.fleet = Fleet(redis=url)
        self.shape = shape
        self.keys = self.queue._connection.keyspace.queue(QUEUE)
        self._number = 1
        self._worker = self.register()
        self._fresh = (self.id(f"new{number}") for number in count())
        self._failed = (self.id(f"f{number}") for number in range(shape.failed))
        self._queued = (self.id(number) for number in range(shape.queued // 2, shape.queued))
        self._fill()

    def _fill(self) -> None:
        shape = self.shape
        for _ in range(shape.pools):
            self.register()
        self.queue.publish_many(self.id(f"f{number}") for number in range(shape.failed))
        for _ in range(0, shape.failed, SMALL_BATCH):
            self.fail(self.take(SMALL_BATCH))
        self.queue.publish_many(self.id(f"p{number}") for number in range(shape.processing))
        for _ in range(0, shape.processing, BATCH):
            # Some have lived through a heartbeat and some have not, which are looked for in different ways.
            self.renew(self.take(BATCH)[::2])
        self.queue.publish_many((self.id(f"d{number}") for number in range(shape.delayed)), delay_s=3600)
        self.queue.publish_many(
            (self.id(number) for number in range(shape.queued)), payload=self.payload if shape.payload_bytes else None
        )

    def close(self) -> None:
        """Close the connections."""
        self.fleet.close()
        self.queue.close()

    # -- IDs that nothing has been done to yet

    def id(self, name: object) -> str:
        """The ID of that name, as long as all are."""
        return str(name).ljust(self.shape.id_bytes, ".")

    @property
    def payload(self) -> str:
        """As large as those of the queued IDs."""
        return "x" * (self.shape.payload_bytes or 100)

    def fresh(self) -> list[str]:
        """A batch that the store does not know."""
        return list(islice(self._fresh, self.shape.batch))

    def failed(self) -> list[str]:
        """A batch of failed ones."""
        return list(islice(self._failed, self.shape.batch))

    def one_queued(self) -> list[str]:
        """One from the second half of the list."""
        return list(islice(self._queued, 1))

    def line_up(self) -> None:
        """Have a batch stand first in line, with payloads if the queued IDs have some."""
        payload = self.payload if self.shape.payload_bytes else None
        self.queue.publish_many(self.fresh(), payload=payload, front=True)

    def known(self) -> list[str]:
        """The last of those that are queued."""
        return [self.id(number) for number in range(self.shape.queued - self.shape.batch, self.shape.queued)]

    def some_jammed(self) -> list[Jammed]:
        """What a jam guard's preview shows last."""
        return self.queue.jammed(idle_s=0)[-SMALL_BATCH:]

    # -- what a worker does

    def take(self, n: int, *, worker: str | None = None) -> list[Claim]:
        """Claim so many, in as many claims as it takes."""
        taken: list[Claim] = []
        while len(taken) < n and (claims := self.claim(n - len(taken), worker=worker)):
            taken += claims
        return taken

    def claim(self, want: int, *, worker: str | None = None) -> list[Claim]:
        """Take what is next in line, by one script."""
        return self.exchange(Settlement(), want, worker=worker)

    def exchange(self, settlement: Settlement, want: int, *, worker: str | None = None) -> list[Claim]:
        """Settle, and take what is next in line."""
        number, self._number = self._number, self._number + want
        call = working.exchange(self.keys, worker or self._worker, settlement, want, number, LEASE_MS)
        return self.queue._connection.run(call).claims

    def settle(self, settled: str, claims: list[Claim], want: int = 0) -> None:
        """Have these completed, released or discarded, as a pool would; claim so many with each exchange."""
        for part in bounded(claims, [len(claim.raw_id) for claim in claims]):
            settlement = Settlement()
            setattr(settlement, settled, part)
            self.exchange(settlement, want)

    def fail(self, claims: list[Claim], retry_ms: int | None = None) -> None:
        """Have these failed, for good or to be tried again."""
        failure = Failed("ValueError: no", RECORD, retry_ms)
        for part in bounded(claims, [len(claim.raw_id) + len(RECORD) for claim in claims]):
            self.exchange(Settlement(failed=[(claim, failure) for claim in part]), 0)

    def defer(self, claims: list[Claim]) -> None:
        """Have these deferred for a moment."""
        for part in bounded(claims, [len(claim.raw_id) for claim in claims]):
            self.exchange(Settlement(deferred=[(claim, 5) for claim in part]), 0)

    def die(self) -> str:
        """Have another worker claim a batch, and its lease run out; its name."""
        worker = self.register()
        self.take(self.shape.batch, worker=worker)
        self.queue._connection.run(working.renew(self.keys, worker, 0, working.Pulse(0, 0, []), ()))
        return worker

    def recover(self, worker: str) -> object:
        """Take back what a dead worker held."""
        return self.queue._connection.drive(recovering.recover(self.keys, worker, 3))

    def delay(self) -> None:
        """Have a batch due at once."""
        self.queue.publish_many(self.fresh(), delay_s=0.001)

    def promote(self) -> object:
        """Queue what is due."""
        return self.queue._connection.run(working.promote(self.keys, BATCH, LEASE_MS))

    def held(self, workers: Sequence[str] = ()) -> object:
        """What these workers hold, or this one, by the store's word."""
        return self.queue._connection.drive(recovering.held_claims(self.keys, workers or [self._worker]))

    def expired_leases(self) -> None:
        """Which workers are dead."""
        found = 0
        while some := self.queue._connection.run(recovering.expired_leases(self.keys, found))[1]:
            found += len(some)

    def reclaim(self) -> None:
        """Look whether late waits have handed something to unregistered workers."""
        skip = 0
        for _ in range(30):
            skip, _ = self.queue._connection.run(recovering.reclaim(self.keys, skip))
            if not skip:
                return

    def audit(self) -> object:
        """Look for holders that are not registered."""
        return self.queue._connection.run(recovering.unregistered_holders(self.keys, 0))

    def sweep(self) -> object:
        """Look for what Node workers have left."""
        return self.queue._connection.drive(working.sweep(self.keys, (), BATCH))

    def renew(self, claims: Sequence[Claim]) -> None:
        """The heartbeat of a worker with these claims."""
        held = [(claim.raw_id, claim.number) for claim in claims]
        pulse = working.Pulse(0, 0, held)
        for part in bounded(held, [len(id) for id, _ in held]):
            self.queue._connection.run(working.renew(self.keys, self._worker, LEASE_MS, pulse, part))

    def register(self) -> str:
        """Another worker; its name."""
        worker = secrets.token_hex(16)
        about: dict[str, str | int] = {"host": "here", "pid": 1, "handler": "trucks.load", "concurrency": 10}
        self.queue._connection.run(working.register(self.keys, worker, LEASE_MS, "epoch", about))
        return worker


@contextmanager
def long_queue(settings: Settings, shape: Shape) -> Iterator[tuple[LongQueue, redis.Redis]]:
    """On a server of its own, with a bare client beside."""
    with server_for(settings) as server, server.client() as client:
        long = LongQueue(server.url, shape)
        try:
            yield long, client
        finally:
            long.close()
