"""Sends the requests of one generator, one after the other, blocking or awaited; or runs calls in threads.

The generator yields what to send, and is sent the reply, or thrown the error that came instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, TypeVar

from convoy_core.errors import StoreError
from convoy_core.store.transport_errors import TransportError

S = TypeVar("S")
T = TypeVar("T")


def drive(requests: Generator[S, Any, T], send: Callable[[S], Any]) -> T:
    """Send them to the end. Returns their result."""
    try:
        request = next(requests)
        while True:
            try:
                reply = send(request)
            except (TransportError, OSError, StoreError) as error:
                request = requests.throw(error)
            else:
                request = requests.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


async def drive_awaited(requests: Generator[S, Any, T], send: Callable[[S], Awaitable[Any]]) -> T:
    """The awaited twin of `drive`."""
    try:
        request = next(requests)
        while True:
            try:
                reply = await send(request)
            except (TransportError, OSError, StoreError) as error:
                request = requests.throw(error)
            else:
                request = requests.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


def side_by_side(run: Callable[[S], T], calls: Sequence[S], most: int) -> list[T]:
    """Run each in a thread, so many at the same time; their results in order."""
    if len(calls) <= 1:
        return [run(call) for call in calls]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few programs make such calls

    with ThreadPoolExecutor(min(len(calls), most), "convoy-calls") as threads:
        return list(threads.map(run, calls))


def results(ended: Sequence[T | StoreError]) -> list[T]:
    """Of calls that were made together. Raises the first error."""
    found: list[T] = []
    for each in ended:
        if isinstance(each, StoreError):
            raise each
        found.append(each)
    return found
