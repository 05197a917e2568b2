"""Runs an exchange of several requests, blocking or awaited, from one generator.

The generator yields what to send, and is sent the reply, or thrown the error that came instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from redis.exceptions import RedisError, ResponseError

S = TypeVar("S")
T = TypeVar("T")


def drive(exchange: Generator[S, Any, T], send: Callable[[S], Any], refused: ResponseError | None = None) -> T:
    """Run the exchange to its end. Returns its result.

    `refused` is the error that its first request has met already; None if that has not been sent.
    """
    try:
        request = next(exchange)
        if refused is not None:
            request = exchange.throw(refused)
        while True:
            try:
                reply = send(request)
            except (RedisError, OSError) as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


async def drive_awaited(
    exchange: Generator[S, Any, T], send: Callable[[S], Awaitable[Any]], refused: ResponseError | None = None
) -> T:
    """The awaited twin of `drive`."""
    try:
        request = next(exchange)
        if refused is not None:
            request = exchange.throw(refused)
        while True:
            try:
                reply = await send(request)
            except (RedisError, OSError) as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result
