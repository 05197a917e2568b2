"""Sends the requests of one generator, one after the other, blocking or awaited.

The generator yields what to send, and is sent the reply, or thrown the error that came instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from redis.exceptions import RedisError

S = TypeVar("S")
T = TypeVar("T")


def drive(requests: Generator[S, Any, T], send: Callable[[S], Any]) -> T:
    """Send them to the end. Returns their result."""
    try:
        request = next(requests)
        while True:
            try:
                reply = send(request)
            except (RedisError, OSError) as error:
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
            except (RedisError, OSError) as error:
                request = requests.throw(error)
            else:
                request = requests.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result
