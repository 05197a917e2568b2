"""Turns what redis-py raises into the errors of a transport. Only who uses redis-py needs it."""

from __future__ import annotations

from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.exceptions import AuthenticationError, InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import MasterNotFoundError

from convoy_core.store.transport_errors import NoPrimary, ProtocolError, TransportError, error_reply


def translated(error: RedisError | OSError) -> TransportError | OSError:
    """The error that our own connection would have raised. Chain with ``raise translated(error) from error``."""
    # asyncio's unix connection wraps whatever its handshake meets into a ConnectionError.
    inner = error.args[0] if error.args and isinstance(error.args[0], RedisError | OSError) else error
    if isinstance(inner, MasterNotFoundError | AsyncMasterNotFoundError):
        return NoPrimary(str(inner))
    if isinstance(inner, OSError) or not isinstance(inner, RedisError):
        return inner
    if _is_reply(inner):
        return error_reply(_text_of(inner))
    if isinstance(inner, InvalidResponse):
        return ProtocolError(str(inner))
    if isinstance(inner, RedisTimeoutError):
        return TimeoutError(str(inner))
    cause = inner.__cause__ or inner.__context__
    return cause if isinstance(cause, OSError) else ConnectionError(str(inner))


def _is_reply(error: RedisError) -> bool:
    """Whether the server said this; redis-py makes connection errors of some replies, and notes their first word."""
    return error.status_code is not None or isinstance(error, ResponseError | AuthenticationError)


def _text_of(error: RedisError) -> str:
    """The reply as the server wrote it; redis-py cuts off the first words it knows."""
    text, code = str(error), error.status_code
    if isinstance(error, AuthenticationError) and code is None:
        code = "WRONGPASS"
    return f"{code} {text}" if code and not text.startswith(f"{code} ") else text
