"""Runs calls against a store, awaited: the twin of `connection`. Blocking programs do not load asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from convoy_core.errors import StoreError
from convoy_core.moves.call import Call, Rounds, Steps, command
from convoy_core.store import wait_replicas
from convoy_core.store.clients import Role, Store
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.driver import drive_awaited, results
from convoy_core.store.error_translation import explain, explained
from convoy_core.store.requests import ConnectionBase, is_ready_made, refused_last, store_of
from convoy_core.store.transport import AsyncLine, AsyncTransport, Command
from convoy_core.store.transport_errors import ErrorReply, NoScript, TransportError

if TYPE_CHECKING:
    import redis.asyncio

T = TypeVar("T")


class AsyncConnection(ConnectionBase):
    """The awaited twin, for any number of tasks."""

    def __init__(self, given: str | redis.asyncio.Redis | Store | None, *, prefix: str | None, read_only: bool) -> None:
        super().__init__(store_of(given), prefix=prefix, read_only=read_only)
        self._opened = ConnectionCounter()
        self._transport: AsyncTransport | None = None
        if is_ready_made(given):
            from convoy_core.store.ready_made_client import async_transport_of  # noqa: PLC0415 - loads redis-py

            self._transport = async_transport_of(given)

    @property
    def opened(self) -> int:
        """How many network connections have been opened so far; a ready-made client's own are not counted."""
        return self._opened.number

    async def run(self, call: Call[T]) -> T:
        """Make one call. Raises StoreError, or ReadOnly before anything is sent."""
        transport = self._get_transport()

        async def send(command: Command) -> Any:
            if call.replicas:
                return await wait_replicas.send_awaited(transport, call, self.shown, command)
            return await transport.send(command, call.keys)

        try:
            return await drive_awaited(self.requests(call), send)
        except (TransportError, OSError) as error:
            raise explain(error, self.shown) from error

    async def run_pipelined(self, calls: Sequence[Call[T]]) -> Sequence[T | StoreError]:
        """Make calls on one queue that want the same number of replicas, in one round trip; in a Cluster, side by side.
        Returns their results, or the errors that they ended with.
        """
        if len(calls) == 1:
            return [await self._run_or_fail(calls[0])]
        if self.store.is_cluster:
            return await asyncio.gather(*map(self._run_or_fail, calls))
        transport = self._get_transport()

        async def send(commands: list[Command]) -> list[Any]:
            return await wait_replicas.send_together_awaited(transport, calls, self.shown, commands)

        return await drive_awaited(self.pipelined(calls), send)

    async def _run_or_fail(self, call: Call[T]) -> T | StoreError:
        try:
            return await self.run(call)
        except StoreError as error:
            return error

    async def run_ahead(self, calls: Iterable[Call[T]]) -> AsyncIterator[T]:
        """Make calls of one script, one after the other, each sent before the reply to the one before is read; their
        results in order. A refusal by the store comes after the results of all that had been sent already.
        """
        rest = iter(calls)
        for first in islice(rest, 1):
            yield await self.run(first)
            while not first.replicas and (line := self._get_transport().line()) is not None:
                left: list[tuple[Call[T], Any]] = []
                async for result in self._ahead(line, rest, left):
                    yield result
                for call, reply in refused_last(left):
                    yield await self._result(call, reply)
                if not left:
                    break
            for call in rest:
                yield await self.run(call)

    async def _ahead(
        self, line: AsyncLine, calls: Iterator[Call[T]], left: list[tuple[Call[T], Any]]
    ) -> AsyncIterator[T]:
        try:
            with explained(self.shown):
                is_open = await line.open()
            before: Call[T] | None = None
            for call in calls if is_open else ():
                with explained(self.shown):
                    await line.send(self.by_hash(call))
                    reply = await line.receive() if before is not None else None
                if before is not None and isinstance(reply, ErrorReply):
                    left.append((before, reply))
                    before = call
                    break
                if before is not None:
                    yield await self._result(before, reply)
                before = call
            if before is not None:
                with explained(self.shown):
                    left.append((before, await line.receive()))
            line.give_back()
        except BaseException:
            line.drop()
            raise

    async def _result(self, call: Call[T], reply: Any) -> T:
        if isinstance(reply, NoScript):
            return await self.run(call)
        if isinstance(reply, ErrorReply):
            raise explain(reply, self.shown) from reply
        return call.read(reply)

    async def drive(self, steps: Steps[T]) -> T:
        """Make the calls that `steps` asks for, one after the other."""
        return await drive_awaited(steps, self.run)

    async def drive_rounds(self, rounds: Rounds[T]) -> T:
        """Make the calls that `rounds` asks for, those of one list in one round trip."""
        return await drive_awaited(rounds, self._together)

    async def _together(self, calls: Sequence[Call[T]]) -> list[T]:
        ended = await self.run_pipelined(calls)
        return results(ended)

    async def ping(self) -> float:
        """Seconds of one round trip."""
        start = time.perf_counter()
        await self.run(command("TIME", read=bool))
        return time.perf_counter() - start

    async def close(self) -> None:
        """Close what was made here."""
        if self._transport is not None:
            await self._transport.aclose()

    def _get_transport(self) -> AsyncTransport:
        if self._transport is None:
            self._transport = self.store.async_transport(Role.COMMAND, self._opened)
        return self._transport
