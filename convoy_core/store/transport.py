"""How commands reach a store and replies come back: what every way to a server offers.

`server_transport` leads to one server, directly or by its Sentinels; `cluster` to whichever node a command belongs to;
`ready_made_client` sends over a client that the caller made. A sender depends on none of them.

`keys` are those that a command is about, where it names none itself: in a Cluster they tell the node.

Rule: a transport sends a command at most once. It raises the store's refusal (an `ErrorReply`), `NotSent`, or another
TransportError or an OSError when the command was sent and its reply is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from convoy_core.moves.call import Argument

Command: TypeAlias = "tuple[Argument, ...]"


class Line(Protocol):
    """One connection for some time, over which commands are sent ahead of their replies.

    It is made before it has a connection, so that whoever is cut short at any step can drop it.
    """

    def open(self) -> bool:
        """Get a connection; False where none can be spared."""

    def send(self, command: Command) -> None:
        """Send one command."""

    def receive(self) -> Any:
        """The next reply, or the store's refusal as a value."""

    def give_back(self) -> None:
        """Every reply was read."""

    def drop(self) -> None:
        """Not every reply was read, so the connection is closed; or it was given back already."""


class AsyncLine(Protocol):
    """The awaited twin of `Line`."""

    async def open(self) -> bool:
        """Get a connection; False where none can be spared."""

    async def send(self, command: Command) -> None:
        """Send one command."""

    async def receive(self) -> Any:
        """The next reply, or the store's refusal as a value."""

    def give_back(self) -> None:
        """Every reply was read."""

    def drop(self) -> None:
        """Not every reply was read, so the connection is closed; or it was given back already."""


class Transport(Protocol):
    """Blocking, for any number of threads."""

    def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command; its reply."""

    def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection; their replies, or the store's refusals as values, in order."""

    def line(self) -> Line | None:
        """To send ahead over; None where this transport cannot."""

    def close(self) -> None:
        """Close what was opened; the next command opens new connections."""


class AsyncTransport(Protocol):
    """The awaited twin of `Transport`, for any number of tasks."""

    async def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command; its reply."""

    async def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection; their replies, or the store's refusals as values, in order."""

    def line(self) -> AsyncLine | None:
        """To send ahead over; None where this transport cannot."""

    async def aclose(self) -> None:
        """Close what was opened; the next command opens new connections."""
