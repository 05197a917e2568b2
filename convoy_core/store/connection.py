"""Runs calls against a store, blocking.

What a call needs is decided once, in `ConnectionBase.requests`; how that is sent, by the transport. This connection and
its awaited twin only wait differently.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from convoy_core.errors import StoreError
from convoy_core.moves.call import Call, Rounds, Steps, command
from convoy_core.store import wait_replicas
from convoy_core.store.clients import CONNECTIONS, Role, Store
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.driver import drive, results, side_by_side
from convoy_core.store.error_translation import explain, explained
from convoy_core.store.requests import ConnectionBase, is_ready_made, refused_last, store_of
from convoy_core.store.transport import Command, Line, Transport
from convoy_core.store.transport_errors import ErrorReply, NoScript, TransportError

if TYPE_CHECKING:
    import redis

T = TypeVar("T")


class Connection(ConnectionBase):
    """Blocking, for any number of threads. Nothing is connected before the first call."""

    def __init__(
        self,
        given: str | redis.Redis | Store | None,
        *,
        prefix: str | None,
        read_only: bool,
        role: Role = Role.COMMAND,
    ) -> None:
        super().__init__(store_of(given), prefix=prefix, read_only=read_only)
        self._role = role
        self._opened = ConnectionCounter()
        self._transport: Transport | None = None
        if is_ready_made(given):
            from convoy_core.store.ready_made_client import transport_of  # noqa: PLC0415 - loads redis-py

            self._transport = transport_of(given)

    @property
    def opened(self) -> int:
        """How many network connections have been opened so far; a ready-made client's own are not counted."""
        return self._opened.number

    def run(self, call: Call[T]) -> T:
        """Make one call. Raises StoreError, or ReadOnly before anything is sent."""
        transport = self._get_transport()

        def send(command: Command) -> Any:
            if call.replicas:
                return wait_replicas.send(transport, call, self.shown, command)
            return transport.send(command, call.keys)

        try:
            return drive(self.requests(call), send)
        except (TransportError, OSError) as error:
            raise explain(error, self.shown) from error

    def run_pipelined(self, calls: Sequence[Call[T]]) -> Sequence[T | StoreError]:
        """Make calls on one queue that want the same number of replicas, in one round trip; in a Cluster, side by side.
        Returns their results, or the errors that they ended with.
        """
        if len(calls) == 1 or self.store.is_cluster:
            return side_by_side(self._run_or_fail, calls, CONNECTIONS)
        transport = self._get_transport()

        def send(commands: list[Command]) -> list[Any]:
            return wait_replicas.send_together(transport, calls, self.shown, commands)

        return drive(self.pipelined(calls), send)

    def _run_or_fail(self, call: Call[T]) -> T | StoreError:
        try:
            return self.run(call)
        except StoreError as error:
            return error

    def run_ahead(self, calls: Iterable[Call[T]]) -> Iterator[T]:
        """Make calls of one script, one after the other, each sent before the reply to the one before is read; their
        results in order. A refusal by the store comes after the results of all that had been sent already.
        """
        rest = iter(calls)
        for first in islice(rest, 1):
            yield self.run(first)  # which registers the queue, and loads the script
            while not first.replicas and (line := self._get_transport().line()) is not None:
                left: list[tuple[Call[T], Any]] = []
                yield from self._ahead(line, rest, left)
                yield from (self._result(call, reply) for call, reply in refused_last(left))
                if not left:
                    break
            yield from map(self.run, rest)

    def _ahead(self, line: Line, calls: Iterator[Call[T]], left: list[tuple[Call[T], Any]]) -> Iterator[T]:
        """Make the calls over one connection, if one can be spared, to the end or until the store refuses one, as when
        it does not know the script. The last replies are put into `left`, to be read after the connection was given
        back, since a call that holds one connection must not wait for another.
        """
        try:
            with explained(self.shown):
                is_open = line.open()
            before: Call[T] | None = None
            for call in calls if is_open else ():
                with explained(self.shown):
                    line.send(self.by_hash(call))
                    reply = line.receive() if before is not None else None
                if before is not None and isinstance(reply, ErrorReply):
                    left.append((before, reply))
                    before = call
                    break
                if before is not None:
                    yield self._result(before, reply)
                before = call
            if before is not None:
                with explained(self.shown):
                    left.append((before, line.receive()))
            line.give_back()
        except BaseException:
            line.drop()
            raise

    def _result(self, call: Call[T], reply: Any) -> T:
        if isinstance(reply, NoScript):
            return self.run(call)
        if isinstance(reply, ErrorReply):
            raise explain(reply, self.shown) from reply
        return call.read(reply)

    def drive(self, steps: Steps[T]) -> T:
        """Make the calls that `steps` asks for, one after the other."""
        return drive(steps, self.run)

    def drive_rounds(self, rounds: Rounds[T]) -> T:
        """Make the calls that `rounds` asks for, those of one list in one round trip."""
        return drive(rounds, self._together)

    def _together(self, calls: Sequence[Call[T]]) -> list[T]:
        ended = self.run_pipelined(calls)
        return results(ended)

    def ping(self) -> float:
        """Seconds of one round trip."""
        start = time.perf_counter()
        self.run(command("TIME", read=bool))
        return time.perf_counter() - start

    def close(self) -> None:
        """Close what was made here."""
        if self._transport is not None:
            self._transport.close()

    def _get_transport(self) -> Transport:
        if self._transport is None:
            self._transport = self.store.transport(self._role, self._opened)
        return self._transport
