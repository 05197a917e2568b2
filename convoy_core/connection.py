"""Runs calls against a store: blocking and awaited, from one description of what a call needs.

What a call needs (registering its queue, the script's text where its hash is unknown, the right word for reads) is
decided once, in `_Exchange.steps`; the two connections only wait differently.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from typing import Any, TypeAlias, TypeVar

import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError, ResponseError

from convoy_core import borrowed, connect, replicas
from convoy_core.calls import Argument, Call, Steps, command
from convoy_core.connect import CONNECTIONS, Role, Store
from convoy_core.dialogue import hold, hold_awaited
from convoy_core.errors import ReadOnly, StoreDamaged
from convoy_core.faults import explain, explained
from convoy_core.keys import TYPES, Keyspace
from convoy_core.lean import AsyncClient, Client
from convoy_core.options import check_prefix
from convoy_core.scripts import Text

T = TypeVar("T")
Command: TypeAlias = "tuple[Argument, ...]"

_OLD_SERVER = re.compile(r"unknown command .*_RO|error compiling script .*unexpected symbol near '#'", re.IGNORECASE)


class _Exchange:
    """What both connections know: where they lead, under which prefix, and how a call becomes commands."""

    def __init__(self, store: Store, *, prefix: str | None, read_only: bool) -> None:
        self.store = store
        self.keyspace = Keyspace(check_prefix(prefix), braces=store.is_cluster)
        self.read_only = read_only
        self.now_ms: int | None = None
        """A clock for tests: scripts take this Unix time in ms instead of the store's own."""
        self._registered: set[str] = set()
        self._is_modern = True  # the server knows script flags and read-only evaluation; unlearned at its first "no"

    @property
    def shown(self) -> str:
        """Where this is connected, for people; never with a password."""
        return self.store.shown

    def check_writable(self) -> None:
        """Raise ReadOnly if nothing may be written here."""
        if self.read_only:
            raise ReadOnly("This connection is read-only; nothing was sent. Leave read-only mode to change anything.")

    def steps(self, call: Call[T]) -> Generator[Command, Any, T]:
        """Yield the commands that `call` takes, each to be answered by its reply or its error; return what it reads."""
        if call.writes:
            self.check_writable()
        if call.registers is not None and call.registers not in self._registered:
            # In a Cluster the registry lives in another slot than the queue, so no script can do this on the way.
            # Where it is refused (no memory, no permission) the call itself decides; a scan finds the queue.
            with suppress(ResponseError):
                yield "SADD", self.keyspace.registry, call.registers.encode("utf-8", "surrogateescape")
                self._registered.add(call.registers)
        if call.script is None:
            return call.read((yield call.arguments))
        try:
            reply = yield from self._evaluate(call)
        except ResponseError as error:
            if "WRONGTYPE" in str(error):
                yield from self._name_damage(call)
            # Redis before 7 knows no read-only evaluation, and cannot compile a line of flags.
            if not self._is_modern or not _OLD_SERVER.search(str(error)):
                raise
            self._is_modern = False
            reply = yield from self._evaluate(call)
        return call.read(reply)

    def _name_damage(self, call: Call[Any]) -> Generator[Command, Any, None]:
        """Raise StoreDamaged, naming the first of the call's keys that holds something of another type, if any does."""
        assert call.script is not None  # noqa: S101 - plain commands went another way
        for key, name in zip(call.keys, cycle(call.script.keys), strict=False):
            found = (yield "TYPE", key).decode()
            if TYPES[name] and found not in (TYPES[name], "none"):
                shown = key.decode("utf-8", "backslashreplace")
                said = f"The key {shown} holds a {found}, where Convoy keeps a {TYPES[name]}."
                raise StoreDamaged(f"The queue at {self.shown} is damaged: {said}")

    def _evaluate(self, call: Call[Any]) -> Generator[Command, Any, Any]:
        try:
            return (yield self.by_hash(call))
        except NoScriptError:
            return (yield self._eval("EVAL", self._text_for(call).source, call))

    def at_once(self, call: Call[Any]) -> Command | None:
        """The one command that `call` takes where nothing stands in its way; None where more is to be done."""
        if (
            call.script is None
            or call.replicas
            or (call.registers is not None and call.registers not in self._registered)
        ):
            return None
        if call.writes:
            self.check_writable()
        return self.by_hash(call)

    def by_hash(self, call: Call[Any]) -> Command:
        """The command that makes `call` where the server knows its script; else it answers NOSCRIPT."""
        return self._eval("EVALSHA", self._text_for(call).sha, call)

    def _text_for(self, call: Call[Any]) -> Text:
        assert call.script is not None  # noqa: S101 - plain commands go another way
        is_dry_run = not call.writes and not call.script.is_read
        return call.script.flagged if self._is_modern and not is_dry_run else call.script.portable

    def _eval(self, word: str, text: str, call: Call[Any]) -> Command:
        if self._is_modern and not call.writes:
            word += "_RO"
        now: Argument = b"" if self.now_ms is None else self.now_ms
        return (word, text, len(call.keys), *call.keys, now, *call.arguments)


class Connection(_Exchange):
    """A blocking connection, made at the first call, and anew in a forked child."""

    def __init__(
        self,
        given: str | redis.Redis | Store | None,
        *,
        prefix: str | None,
        read_only: bool,
        role: Role = Role.COMMAND,
    ) -> None:
        ready = given if isinstance(given, redis.Redis) else None
        super().__init__(_store(given), prefix=prefix, read_only=read_only)
        self._role = role
        self._ready = ready
        self._own: redis.Redis | None = None
        self._pid = os.getpid()

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
                    return hold(self.steps(call), send, error)
            return hold(self.steps(call), partial(replicas.send, client, call, self.shown) if call.replicas else send)
        except (RedisError, OSError) as error:
            raise explain(error, self.shown) from error

    def run_ahead(self, calls: Iterable[Call[T]]) -> Iterator[T]:
        """Make calls of one script, one after the other, each sent before the reply to the one before is read; their
        results in order. An error may come when the next call has been sent already.
        """
        rest = iter(calls)
        for first in islice(rest, 1):
            yield self.run(first)  # which registers the queue, and teaches the store the script
            client = self._client()
            if first.replicas or not isinstance(client, Client):
                yield from map(self.run, rest)
                return
            with client.line() as line:
                before: Call[T] | None = None
                for call in rest:
                    with explained(self.shown):
                        line.send_packed_command(line.pack_command(*self.by_hash(call)))
                    if before is not None:
                        yield self._read(line, before)
                    before = call
                if before is not None:
                    yield self._read(line, before)

    def _read(self, line: Any, call: Call[T]) -> T:
        with explained(self.shown):
            try:
                return call.read(line.read_response())
            except NoScriptError:
                return self.run(call)

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
        if self._own is not None and self._pid == os.getpid():
            self._own.close()
        self._own = None

    def _client(self) -> redis.Redis:
        if self._ready is not None:
            return self._ready
        if self._own is None or self._pid != os.getpid():
            # A socket shared with the parent would hand one process the other's replies (RELIABILITY F60).
            self._own = self.store.client(self._role)
            self._pid = os.getpid()
        return self._own


class AsyncConnection(_Exchange):
    """The awaited twin, for one event loop."""

    def __init__(self, given: str | redis.asyncio.Redis | Store | None, *, prefix: str | None, read_only: bool) -> None:
        ready = given if isinstance(given, redis.asyncio.Redis) else None
        super().__init__(_store(given), prefix=prefix, read_only=read_only)
        self._ready = ready
        self._own: redis.asyncio.Redis | None = None
        self._pid = os.getpid()

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
                    return await hold_awaited(self.steps(call), send, error)
            wait = partial(replicas.send_awaited, client, call, self.shown) if call.replicas else send
            return await hold_awaited(self.steps(call), wait)
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
            if first.replicas or not isinstance(client, AsyncClient):
                for call in rest:
                    yield await self.run(call)
                return
            async with client.line() as line:
                before: Call[T] | None = None
                for call in rest:
                    with explained(self.shown):
                        await line.send_packed_command(line.pack_command(*self.by_hash(call)))
                    if before is not None:
                        yield await self._read(line, before)
                    before = call
                if before is not None:
                    yield await self._read(line, before)

    async def _read(self, line: Any, call: Call[T]) -> T:
        with explained(self.shown):
            try:
                return call.read(await line.read_response())
            except NoScriptError:
                return await self.run(call)

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
        if self._own is not None and self._pid == os.getpid():
            await self._own.aclose()
        self._own = None

    def _client(self) -> redis.asyncio.Redis:
        if self._ready is not None:
            return self._ready
        if self._own is None or self._pid != os.getpid():
            self._own = self.store.async_client(Role.COMMAND)
            self._pid = os.getpid()
        return self._own


def _store(given: str | redis.Redis | redis.asyncio.Redis | Store | None) -> Store:
    if isinstance(given, Store):
        return given
    if given is None or isinstance(given, str):
        return connect.resolve(given)
    return borrowed.like(given)
