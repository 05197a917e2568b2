"""Runs a publish script, then WAIT, on one connection.

WAIT confirms what its own connection has written, and everything where that is nothing. So both are sent in one write
over one connection. Each publish writes something: one whose IDs are all there already counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from convoy_core.errors import OutcomeUnknown
from convoy_core.moves.call import Call
from convoy_core.store.error_translation import explain
from convoy_core.store.transport import AsyncTransport, Command, Transport
from convoy_core.store.transport_errors import ErrorReply

WAIT_MS: Final = 1000
"""How long the replicas have to confirm."""


def send(transport: Transport, call: Call[Any], store: str, command: Command) -> Any:
    """Send a command of that call, WAIT behind it if it is the script.

    Raises OutcomeUnknown if too few replicas confirm.
    """
    if not _is_script(command):
        return transport.send(command, call.keys)
    return _confirmed(transport.send_together((command, _wait(call)), call.keys), call.replicas, store)


async def send_awaited(transport: AsyncTransport, call: Call[Any], store: str, command: Command) -> Any:
    """The awaited twin of `send`."""
    if not _is_script(command):
        return await transport.send(command, call.keys)
    return _confirmed(await transport.send_together((command, _wait(call)), call.keys), call.replicas, store)


def send_together(
    transport: Transport, calls: Sequence[Call[Any]], store: str, commands: Sequence[Command]
) -> list[Any]:
    """Send commands of calls that want the same number of replicas, WAIT behind them if they are scripts.

    In place of a reply that too few replicas confirm there is an OutcomeUnknown.
    """
    if not (calls[0].replicas and any(map(_is_script, commands))):
        return transport.send_together(commands, calls[0].keys)
    answers = transport.send_together((*commands, _wait(calls[0])), calls[0].keys)
    return _all_confirmed(commands, answers, calls[0].replicas, store)


async def send_together_awaited(
    transport: AsyncTransport, calls: Sequence[Call[Any]], store: str, commands: Sequence[Command]
) -> list[Any]:
    """The awaited twin of `send_together`."""
    if not (calls[0].replicas and any(map(_is_script, commands))):
        return await transport.send_together(commands, calls[0].keys)
    answers = await transport.send_together((*commands, _wait(calls[0])), calls[0].keys)
    return _all_confirmed(commands, answers, calls[0].replicas, store)


def _is_script(command: Command) -> bool:
    return str(command[0]).startswith("EVAL")


def _wait(call: Call[Any]) -> Command:
    return "WAIT", call.replicas, WAIT_MS


def _all_confirmed(commands: Sequence[Command], answers: list[Any], replicas: int, store: str) -> list[Any]:
    *given, confirmed = answers
    for place, command in enumerate(commands):
        if _is_script(command):
            try:
                _confirmed([given[place], confirmed], replicas, store)
            except (ErrorReply, OutcomeUnknown) as error:
                given[place] = error
    return given


def _confirmed(answers: list[Any], replicas: int, store: str) -> Any:
    """The script's reply. Raises OutcomeUnknown if fewer replicas than that confirmed it."""
    reply, confirmed = answers
    if isinstance(reply, ErrorReply):
        raise reply
    if isinstance(confirmed, ErrorReply):
        raise OutcomeUnknown(f"The IDs were taken, but no replica was asked: {explain(confirmed, store)}")
    if confirmed < replicas:
        raise OutcomeUnknown(
            f"The store at {store} has taken the IDs, but only {confirmed} of {replicas} replicas confirmed them within"
            f" {WAIT_MS / 1000:g} s, so a failover now could lose them. It is safe to repeat."
        )
    return reply
