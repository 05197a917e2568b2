"""Runs a publish script, then WAIT, on one connection.

WAIT confirms what its own connection has written, and everything where that is nothing. So both are sent in one write
over one connection of the client's pool; the client itself might use another one for WAIT, or reconnect before it.
Each publish writes something: one whose IDs are all there already counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import redis
import redis.asyncio
from redis.exceptions import ResponseError

from convoy_core.errors import OutcomeUnknown
from convoy_core.moves.call import Call
from convoy_core.store import ready_made_client
from convoy_core.store.cluster import AsyncClusterClient, ClusterClient
from convoy_core.store.error_translation import explain
from convoy_core.store.fast_client import AsyncClient, Client

Command: TypeAlias = "tuple[Any, ...]"

WAIT_MS: Final = 1000
"""How long the replicas have to confirm."""


class _Answer(NamedTuple):
    """The script's reply, and how many replicas confirmed it, or why WAIT was refused."""

    reply: Any
    confirmed: int | ResponseError


def send(client: redis.Redis, call: Call[Any], store: str, command: Command) -> Any:
    """Send a command of that call, WAIT behind it if it is the script.

    Raises OutcomeUnknown if too few replicas confirm.
    """
    if not command[0].startswith("EVAL"):
        return client.execute_command(*command, keys=call.keys)  # type: ignore[no-untyped-call] # redis-py left this one without types
    send_both = partial(_send_both, replicas=call.replicas)
    if isinstance(client, ClusterClient):
        answer = client.at_home(command, call.keys, send_both)
    else:
        answer = send_both(client, [command])
    return _confirmed(answer, call.replicas, store)


async def send_awaited(client: redis.asyncio.Redis, call: Call[Any], store: str, command: Command) -> Any:
    """The awaited twin of `send`."""
    if not command[0].startswith("EVAL"):
        return await client.execute_command(*command, keys=call.keys)  # type: ignore[no-untyped-call] # as above
    send_both = partial(_send_both_awaited, replicas=call.replicas)
    if isinstance(client, AsyncClusterClient):
        answer = await client.at_home(command, call.keys, send_both)
    else:
        answer = await send_both(client, [command])
    return _confirmed(answer, call.replicas, store)


def _send_both(client: redis.Redis, commands: Sequence[Command], *, replicas: int) -> _Answer:
    with client.pinned() if isinstance(client, Client) else ready_made_client.line(client) as line:
        line.send_packed_command(line.pack_commands([*commands, ("WAIT", replicas, WAIT_MS)]))
        # Where this raises the connection is closed: the next reply on it would be WAIT's.
        reply = [line.read_response() for _ in commands][-1]
        try:
            return _Answer(reply, line.read_response())
        except ResponseError as error:
            return _Answer(reply, error)


async def _send_both_awaited(client: redis.asyncio.Redis, commands: Sequence[Command], *, replicas: int) -> _Answer:
    async with client.pinned() if isinstance(client, AsyncClient) else ready_made_client.line_awaited(client) as line:
        await line.send_packed_command(line.pack_commands([*commands, ("WAIT", replicas, WAIT_MS)]))
        reply = [await line.read_response() for _ in commands][-1]  # as above
        try:
            return _Answer(reply, await line.read_response())
        except ResponseError as error:
            return _Answer(reply, error)


def _confirmed(answer: _Answer, replicas: int, store: str) -> Any:
    """The script's reply. Raises OutcomeUnknown if fewer replicas than that confirmed it."""
    reply, confirmed = answer
    if isinstance(confirmed, ResponseError):
        raise OutcomeUnknown(f"The IDs were taken, but no replica was asked: {explain(confirmed, store)}")
    if confirmed < replicas:
        raise OutcomeUnknown(
            f"The store at {store} has taken the IDs, but only {confirmed} of {replicas} replicas confirmed them within"
            f" {WAIT_MS / 1000:g} s, so a failover now could lose them. It is safe to repeat."
        )
    return reply
