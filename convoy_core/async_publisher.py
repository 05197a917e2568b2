"""The awaited twin of `publisher`: publishes of single IDs, of which those that wait share a round trip.

A call that finds no other under way is sent at once, by its own task. Those that come meanwhile wait, and leave
together as one chunk when the reply is there, or as soon as they fill one. A chunk is sent by a task of its own: a
caller that is cancelled takes no answer from the others. That task ends with its last caller.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Future, Task
from collections import deque
from collections.abc import Awaitable, Iterable
from typing import Final, TypeAlias

from convoy_core.errors import ConvoyError, StoreUnreachable
from convoy_core.models import Published
from convoy_core.moves.keys import Keys
from convoy_core.moves.publishing import Single, again, cut_short, is_full, publish_single, publish_singles
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.error_translation import is_out_of_reach

SENDERS: Final = 4
"""The most chunks under way at the same time, where they are full: half of the connections."""

_Waiting: TypeAlias = "tuple[Future[Published], Single]"


class AsyncPublisher:
    """For any number of tasks, of one event loop or of several."""

    def __init__(self, connection: AsyncConnection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys
        self._by_loop: dict[tuple[AbstractEventLoop, int], _Callers] = {}
        self._last: _Callers | None = None

    def publish(self, single: Single) -> Awaitable[Published]:
        """Publish one ID, when awaited. Raises StoreError, or ReadOnly before anything is sent."""
        self._connection.check_writable()
        loop, callers = asyncio.get_running_loop(), self._last
        if callers is None or callers.loop is not loop or callers.replicas != single.replicas:
            callers = self._last = self._callers(loop, single.replicas)
        return callers.wait(single) if callers.is_busy else callers.send_at_once(single)

    def _callers(self, loop: AbstractEventLoop, replicas: int) -> _Callers:
        if (known := self._by_loop.get((loop, replicas))) is not None:
            return known
        self._by_loop = {key: known for key, known in self._by_loop.items() if not key[0].is_closed()}
        return self._by_loop.setdefault((loop, replicas), _Callers(self._connection, self._keys, loop, replicas))


class _Callers:
    """Those of one event loop that want the same number of replicas."""

    def __init__(self, connection: AsyncConnection, keys: Keys, loop: AbstractEventLoop, replicas: int) -> None:
        self.loop = loop
        self.replicas = replicas
        self._connection = connection
        self._keys = keys
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._alone = 0
        self._senders: dict[Task[None], list[_Waiting]] = {}
        """Each with the chunk that it has sent."""

    @property
    def is_busy(self) -> bool:
        """Whether another call is under way."""
        return bool(self._alone or self._senders)

    async def send_at_once(self, single: Single) -> Published:
        """Publish by the caller's own task."""
        self._alone += 1
        try:
            return await self._connection.run(publish_single(self._keys, single))
        except StoreUnreachable as error:
            self._fail_waiting(error)
            raise
        finally:
            self._alone -= 1
            self._start()

    async def wait(self, single: Single) -> Published:
        """Publish with the next chunk."""
        future: Future[Published] = self.loop.create_future()
        self._waiting.append((future, single))
        self._bytes += single.size
        if is_full(len(self._waiting), self._bytes):
            self._start()
        try:
            return await future
        except asyncio.CancelledError:
            self._cancel_senders()
            raise

    def _start(self) -> None:
        most = SENDERS if is_full(len(self._waiting), self._bytes) else 1
        if self._waiting and self._alone + len(self._senders) < most:
            task = self.loop.create_task(self._send(), name="convoy-publish")
            self._senders[task] = []
            task.add_done_callback(self._end)  # which is called even if it is cancelled before it has begun

    def _end(self, task: Task[None]) -> None:
        del self._senders[task]
        self._start()

    async def _send(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only a task runs this
        while chunk := self._take():
            self._senders[task] = chunk
            await self._send_chunk(chunk)
            self._senders[task] = []
            await asyncio.sleep(0)  # callers that have their answers may come again

    def _cancel_senders(self) -> None:
        """Cancel those whose callers are all gone."""
        for task, chunk in self._senders.items():
            if chunk and all(future.done() for future, _ in chunk):
                task.cancel()

    def _take(self) -> list[_Waiting]:
        """The next chunk, without those that were cancelled."""
        if not is_full(len(self._waiting), self._bytes):
            chunk = [one for one in self._waiting if not one[0].done()]
            self._clear()
            return chunk
        chunk, size = [], 0
        while self._waiting and not is_full(len(chunk), size):
            one = self._waiting.popleft()
            self._bytes -= one[1].size
            if not one[0].done():
                chunk.append(one)
                size += one[1].size
        return chunk

    def _clear(self) -> None:
        self._waiting.clear()
        self._bytes = 0

    async def _send_chunk(self, chunk: list[_Waiting]) -> None:
        try:
            await self._publish(chunk)
        except BaseException as error:
            _fail(chunk, error if isinstance(error, ConvoyError) else cut_short(self._connection.shown))
            raise

    async def _publish(self, chunk: list[_Waiting]) -> None:
        singles = publish_singles(self._keys, [single for _, single in chunk])
        results = await self._connection.run_pipelined(singles.calls)
        for place, outcome in singles.outcomes(results):
            future = chunk[place][0]
            if future.done():  # by the cancellation of its caller
                continue
            if isinstance(outcome, ConvoyError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if isinstance(results[0], ConvoyError):
            self._fail_waiting(results[0])

    def _fail_waiting(self, error: ConvoyError) -> None:
        """Fail all that wait if no connection can be opened, and no other is in use."""
        if is_out_of_reach(error) and self._alone + len(self._senders) == 1:
            _fail(self._waiting, error)
            self._clear()


def _fail(waiting: Iterable[_Waiting], error: ConvoyError) -> None:
    for future, _ in waiting:
        if not future.done():
            future.set_exception(again(error))
