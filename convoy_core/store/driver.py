"""Runs an exchange of several requests, blocking or awaited, from one generator.

The generator yields what to send, and is sent the reply, or thrown the error that came instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from redis.exceptions import RedisError, ResponseError

S = TypeVar("S")
T = TypeVar("T")


def drive(dialogue: Generator[S, Any, T], send: Callable[[S], Any], refused: ResponseError | None = None) -> T:
    """Go through it to the end, and return what it comes to; `refused` is what came of its first request already."""
    try:
        request = next(dialogue)
        if refused is not None:
            request = dialogue.throw(refused)
        while True:
            try:
                reply = send(request)
            except (RedisError, OSError) as error:
                request = dialogue.throw(error)
            else:
                request = dialogue.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


async def drive_awaited(
    dialogue: Generator[S, Any, T], send: Callable[[S], Awaitable[Any]], refused: ResponseError | None = None
) -> T:
    """The awaited twin of `hold`."""
    try:
        request = next(dialogue)
        if refused is not None:
            request = dialogue.throw(refused)
        while True:
            try:
                reply = await send(request)
            except (RedisError, OSError) as error:
                request = dialogue.throw(error)
            else:
                request = dialogue.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result
