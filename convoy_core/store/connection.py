"""Runs calls against a store: blocking and awaited, from one description of what a call needs.

What a call needs is decided once, in `ConnectionBase.steps`; the two connections only wait differently.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError, ResponseError

from convoy_core.errors import ConvoyError, InvalidOption
from convoy_core.moves.call import Call, Steps, command
from convoy_core.store import wait_replicas
from convoy_core.store.clients import CONNECTIONS, Role, Store
from convoy_core.store.driver import drive, drive_awaited
from convoy_core.store.error_translation import explain, explained
from convoy_core.store.fast_client import AsyncClient, Client, ConnectionCounter, reply_awaited, reply_of
from convoy_core.store.ready_made_client import store_of
from convoy_core.store.requests import Command, ConnectionBase

T = TypeVar("T")


class Connection(ConnectionBase):
    """Blocking, for any number of threads. Nothing is connected before the first call."""

    def __init__(
        self,
        given: str | redis.Redis | Store | None,
        *,
        prefix: str | None,
        read_only: bool,
        role: Role = Role.COMMAND,
    ) -> None:
        ready = given if isinstance(given, redis.Redis) else None
        super().__init__(store_of(given), prefix=prefix, read_only=read_only)
        self._role = role
        self._ready = ready
        self._own: redis.Redis | None = None
        self._opened = ConnectionCounter()

    @property
    def opened(self) -> int:
        """How many network connections have been opened so far; a ready-made client's own are not counted."""
        return self._opened.number

    def run(self, call: Call[T]) -> T:
        """Make one call. Raises StoreError, or ReadOnly before anything is sent."""
        client = self._client()

        def send(command: Command) -> Any:
            return client.execute_command(*command, keys=call.keys)  # type: ignore[no-untyped-call]

        try:
            if (command := self.at_once(call)) is not None:
                try:
                    return call.read(send(command))
                except ResponseError as error:
                    return drive(self.steps(call), send, error)
            return drive(
                self.steps(call), partial(wait_replicas.send, client, call, self.shown) if call.replicas else send
            )
        except (RedisError, OSError) as error:
            raise explain(error, self.shown) from error
        except ConvoyError:
            raise
        except BaseException:
            if self._ready is not None:
                # redis-py takes a connection back with its reply unread, if it was cut short before it read.
                self._ready.connection_pool.disconnect(inuse_connections=False)
            raise

    def run_ahead(self, calls: Iterable[Call[T]]) -> Iterator[T]:
        """Make calls of one script, one after the other, each sent before the reply to the one before is read; their
        results in order. An error may come when the next call has been sent already.
        """
        rest = iter(calls)
        for first in islice(rest, 1):
            yield self.run(first)  # which registers the queue, and loads the script
            client = self._client()
            while not first.replicas and isinstance(client, Client):
                left: list[tuple[Call[T], Any]] = []
                yield from self._ahead(client, rest, left)
                yield from (self._result(call, reply) for call, reply in left)
                if not left:
                    break
            yield from map(self.run, rest)

    def _ahead(self, client: Client, calls: Iterator[Call[T]], left: list[tuple[Call[T], Any]]) -> Iterator[T]:
        """Make the calls over one connection, if one can be spared, to the end or until the store does not know the
        script. The last replies are put into `left`, to be read after the connection was given back, since a call
        that holds one connection must not wait for another.
        """
        line = client.pinned_if_spare()
        try:
            with explained(self.shown):
                connection = line.open()
            before: Call[T] | None = None
            for call in calls if connection is not None else ():
                with explained(self.shown):
                    connection.send_packed_command(connection.pack_command(*self.by_hash(call)))
                    reply = reply_of(connection) if before is not None else None
                if before is not None and isinstance(reply, NoScriptError):
                    left.append((before, reply))
                    before = call
                    break
                if before is not None:
                    yield self._result(before, reply)
                before = call
            if before is not None:
                with explained(self.shown):
                    left.append((before, reply_of(connection)))
            line.give_back()
        except BaseException:
            line.drop()
            raise

    def _result(self, call: Call[T], reply: Any) -> T:
        if isinstance(reply, NoScriptError):
            return self.run(call)
        if isinstance(reply, ResponseError):
            raise explain(reply, self.shown) from reply
        return call.read(reply)

    def drive(self, steps: Steps[T]) -> T:
        """Make the calls that `steps` asks for, one after the other."""
        try:
            call = next(steps)
            while True:
                call = steps.send(self.run(call))
        except StopIteration as end:
            result: T = end.value
            return result

    def together(self, calls: list[Call[T]]) -> list[T]:
        """Make independent calls side by side; their results in order."""
        if len(calls) <= 1:
            return [self.run(call) for call in calls]
        with ThreadPoolExecutor(min(len(calls), CONNECTIONS), "convoy-calls") as threads:
            return list(threads.map(self.run, calls))

    def ping(self) -> float:
        """Seconds of one round trip."""
        start = time.perf_counter()
        self.run(command("TIME", read=bool))
        return time.perf_counter() - start

    def close(self) -> None:
        """Close what was made here."""
        if self._own is not None:
            self._own.close()

    def _client(self) -> redis.Redis:
        if self._ready is not None:
            return self._ready
        if self._own is None:
            self._own = self.store.client(self._role, self._opened)
        return self._own


class AsyncConnection(ConnectionBase):
    """The awaited twin, for any number of tasks."""

    def __init__(self, given: str | redis.asyncio.Redis | Store | None, *, prefix: str | None, read_only: bool) -> None:
        ready = given if isinstance(given, redis.asyncio.Redis) else None
        super().__init__(store_of(given), prefix=prefix, read_only=read_only)
        self._ready = ready
        self._own: redis.asyncio.Redis | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that a ready-made client belongs to."""
        self._opened = ConnectionCounter()

    @property
    def opened(self) -> int:
        """How many network connections have been opened so far; a ready-made client's own are not counted."""
        return self._opened.number

    async def run(self, call: Call[T]) -> T:
        """Make one call. Raises StoreError, or ReadOnly before anything is sent."""
        client = self._client()

        async def send(command: Command) -> Any:
            return await client.execute_command(*command, keys=call.keys)  # type: ignore[no-untyped-call]

        try:
            if (command := self.at_once(call)) is not None:
                try:
                    return call.read(await send(command))
                except ResponseError as error:
                    return await drive_awaited(self.steps(call), send, error)
            wait = partial(wait_replicas.send_awaited, client, call, self.shown) if call.replicas else send
            return await drive_awaited(self.steps(call), wait)
        except (RedisError, OSError) as error:
            raise explain(error, self.shown) from error

    async def run_ahead(self, calls: Iterable[Call[T]]) -> AsyncIterator[T]:
        """Make calls of one script, one after the other, each sent before the reply to the one before is read; their
        results in order. An error may come when the next call has been sent already.
        """
        rest = iter(calls)
        for first in islice(rest, 1):
            yield await self.run(first)
            client = self._client()
            while not first.replicas and isinstance(client, AsyncClient):
                left: list[tuple[Call[T], Any]] = []
                async for result in self._ahead(client, rest, left):
                    yield result
                for call, reply in left:
                    yield await self._result(call, reply)
                if not left:
                    break
            for call in rest:
                yield await self.run(call)

    async def _ahead(
        self, client: AsyncClient, calls: Iterator[Call[T]], left: list[tuple[Call[T], Any]]
    ) -> AsyncIterator[T]:
        line = client.pinned_if_spare()
        try:
            with explained(self.shown):
                connection = await line.open()
            before: Call[T] | None = None
            for call in calls if connection is not None else ():
                with explained(self.shown):
                    await connection.send_packed_command(connection.pack_command(*self.by_hash(call)))
                    reply = await reply_awaited(connection) if before is not None else None
                if before is not None and isinstance(reply, NoScriptError):
                    left.append((before, reply))
                    before = call
                    break
                if before is not None:
                    yield await self._result(before, reply)
                before = call
            if before is not None:
                with explained(self.shown):
                    left.append((before, await reply_awaited(connection)))
            line.give_back()
        except BaseException:
            line.drop()
            raise

    async def _result(self, call: Call[T], reply: Any) -> T:
        if isinstance(reply, NoScriptError):
            return await self.run(call)
        if isinstance(reply, ResponseError):
            raise explain(reply, self.shown) from reply
        return call.read(reply)

    async def drive(self, steps: Steps[T]) -> T:
        """Make the calls that `steps` asks for, one after the other."""
        try:
            call = next(steps)
            while True:
                call = steps.send(await self.run(call))
        except StopIteration as end:
            result: T = end.value
            return result

    async def together(self, calls: list[Call[T]]) -> list[T]:
        """Make independent calls side by side; their results in order."""
        return await asyncio.gather(*(self.run(call) for call in calls))

    async def ping(self) -> float:
        """Seconds of one round trip."""
        start = time.perf_counter()
        await self.run(command("TIME", read=bool))
        return time.perf_counter() - start

    async def close(self) -> None:
        """Close what was made here."""
        if self._own is not None:
            await self._own.aclose()

    def _client(self) -> redis.asyncio.Redis:
        if self._ready is not None:
            loop = asyncio.get_running_loop()
            self._loop = self._loop or loop
            if self._loop is not loop:
                raise InvalidOption(
                    "A ready-made client belongs to the event loop that it was first used on, and this is another."
                    " Make a queue with a new client for each, or give a URL."
                )
            return self._ready
        if self._own is None:
            self._own = self.store.async_client(Role.COMMAND, self._opened)
        return self._own
