"""The bare store: the same scripts and commands, sent by the same client, without handlers."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
import redis.asyncio

from convoy_core.jobs import Claim
from convoy_core.moves import call, publishing, working
from convoy_core.moves.publishing import PublishOptions
from convoy_core.moves.working import Settlement
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.clients import Role, resolve
from convoy_core.store.connection import Connection
from convoy_core.store.transport import Command

T = TypeVar("T")

LEASE_MS = 3_600_000
"""No bare loop sends heartbeats, so its lease must last."""

EMPTY = "return {'queued', 1}"
"""A script that does nothing with what it is given."""


@dataclass(frozen=True, slots=True)
class Loop:
    """How a bare loop went."""

    started: float
    """`time.monotonic()` when the first IDs had been claimed."""
    ended: float
    done: int
    cpu_s: float = 0.0
    """Seconds of processor time it took meanwhile."""

    @property
    def rate(self) -> float:
        """IDs per second."""
        return self.done / (self.ended - self.started)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on the fastest event loop there is."""
    factory = importlib.import_module("uvloop").new_event_loop if importlib.util.find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


class BareWorker:
    """Settles what it has and claims as many again, as a pool would whose handlers take no time at all."""

    def __init__(self, url: str, queue: str, batch: int) -> None:
        self._connection = AsyncConnection(url, prefix=None, read_only=False)
        self._transport = resolve(url).async_transport(Role.COMMAND)
        self._keys = self._connection.keyspace.queue(queue)
        self._worker = secrets.token_hex(16)
        self._batch = batch
        self._number = 1

    async def prepare(self) -> None:
        """Register, and have the store know the script, without claiming anything."""
        await self._connection.run(working.register(self._keys, self._worker, LEASE_MS, "epoch", {}))
        await self._connection.run(working.exchange(self._keys, self._worker, Settlement(), 0, 0, 0))

    async def work(self) -> Loop:
        """Until nothing is queued."""
        claims = await self._exchange(Settlement())
        started, spent, done = time.monotonic(), time.process_time(), 0
        while claims:
            settled = Settlement(completed=claims)
            claims = await self._exchange(settled)
            done += len(settled.completed)
        return Loop(started, time.monotonic(), done, time.process_time() - spent)

    async def wait(self) -> list[Claim]:
        """Wait for an ID for up to two seconds, with its claim sent along, as a pool does."""
        call = self._call(Settlement())
        own = self._keys.claim_list(self._worker)
        move = ("BLMOVE", self._keys.named("queued"), own, "LEFT", "RIGHT", 2)
        *_, reply = await self._transport.send_together((("CLIENT", "ID"), move, self._connection.by_hash(call)))
        return call.read(reply).claims

    async def settle(self, claims: list[Claim]) -> None:
        """Have them done, and claim nothing."""
        await self._connection.run(
            working.exchange(self._keys, self._worker, Settlement(completed=claims), 0, self._number, LEASE_MS)
        )

    async def repeat_empty(self, ids: int) -> Loop:
        """Call a script that does nothing, with the same arguments, as often as `ids` would take."""
        claims = [Claim(b"%d" % (ids + number), number) for number in range(self._batch)]
        call = self._call(Settlement(completed=claims))
        command = as_empty(next(self._connection.requests(call)))
        await self._transport.send(("SCRIPT", "LOAD", EMPTY))
        started, calls_made = time.monotonic(), max(1, ids // self._batch)
        for _ in range(calls_made):
            await self._transport.send(command)
        return Loop(started, time.monotonic(), calls_made * self._batch)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()
        await self._connection.close()

    def _call(self, settlement: Settlement) -> call.Call[working.Round]:
        number, self._number = self._number, self._number + self._batch
        return working.exchange(self._keys, self._worker, settlement, self._batch, number, LEASE_MS)

    async def _exchange(self, settlement: Settlement) -> list[Claim]:
        call = self._call(settlement)
        reply = await self._transport.send(next(self._connection.requests(call)))
        return call.read(reply).claims


def publish_commands(url: str, queue: str, batches: Iterable[Sequence[int]]) -> list[Command]:
    """The commands that publishing each of these batches comes to, where the queue is registered already."""
    connection = Connection(url, prefix=None, read_only=False)
    keys = connection.keyspace.queue(queue)
    made = (call for ids in batches for call in publishing.publish(keys, ids, PublishOptions()))
    return [next(connection.requests(call._replace(registers=None))) for call in made]


def as_empty(command: Command) -> Command:
    """The same call of a script that does nothing."""
    word, _, *rest = command
    return (word, hashlib.sha1(EMPTY.encode(), usedforsecurity=False).hexdigest(), *rest)


def send_all(send: Callable[[Command], object], commands: Sequence[Command]) -> float:
    """Seconds to send them one after the other."""
    started = time.perf_counter()
    for command in commands:
        send(command)
    return time.perf_counter() - started


async def send_all_awaited(send: Callable[[Command], Awaitable[object]], commands: Sequence[Command]) -> float:
    """The same, awaited."""
    started = time.perf_counter()
    for command in commands:
        await send(command)
    return time.perf_counter() - started


def by_redis_py(client: redis.Redis) -> Callable[[Command], object]:
    """Sends by redis-py's own client."""
    return lambda command: client.execute_command(*command)  # type: ignore[no-untyped-call]


def by_redis_py_awaited(client: redis.asyncio.Redis) -> Callable[[Command], Awaitable[object]]:
    """The same, awaited."""
    return lambda command: client.execute_command(*command)  # type: ignore[no-untyped-call]
