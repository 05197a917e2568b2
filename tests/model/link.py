"""The network between simulated clients and a real server: it delays, loses, repeats and breaks, as a seed decides.

Requests travel in virtual time; at the server each takes none. BLMOVE is played by the link, which hands IDs to waiting
clients in the order they came, since the real command would block the whole simulation.
"""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from convoy_core.moves.scripts import Script
from convoy_core.store.clients import Role, Store
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.transport import AsyncTransport, Command, Transport
from convoy_core.store.transport_errors import NoScript, NotSent, TransportError
from tests.model.loop import SimulatedLoop
from tests.model.wire import Parts, Wire

Observer: TypeAlias = "Callable[[str, list[str], Any], None]"
"""Called with each script the server has run: its name, its arguments, its reply."""

EPOCH_MS = 1_700_000_000_000
"""Unix ms at which every simulation begins."""
REPLY_S = 3.0
"""How long a client waits."""
PUSHES = ("publish", "exchange", "promote", "recover", "reclaim", "unregister", "set_limits")
"""Scripts after which something may be queued, or somebody be woken."""


class Fault(StrEnum):
    """What can happen to a request."""

    REFUSED = "no connection: it is never sent"
    LOST = "the connection breaks on the way there"
    UNANSWERED = "the connection breaks on the way back; the server may not notice"
    LATE = "it arrives after the client has given up"
    TWICE = "it arrives twice"
    SLOW = "it takes seconds"
    NO_SCRIPT = "the server has forgotten its scripts"


@dataclass(slots=True)
class _Waiter:
    """A BLMOVE that waits at the server."""

    client: SimulatedClient
    move: Parts
    answer: Callable[[Any], None]


@dataclass(slots=True)
class Link:
    """One network and its server."""

    loop: SimulatedLoop
    wire: Wire
    rng: random.Random
    scripts: dict[str, Script]
    """By what is sent: its hash, or its source."""
    observe: Observer
    note: Callable[..., None]
    """Called with what happens to requests, for the trace."""
    faults: float = 0.03
    """Share of requests that something happens to."""
    is_faulty: bool = True
    is_down: bool = False
    cut_off: set[str] = field(default_factory=set)
    """Actors whose machines are gone."""
    alive: list[SimulatedClient] = field(default_factory=list)
    """Every client there ever was."""
    waiters: list[_Waiter] = field(default_factory=list)
    connections: int = 0
    """How many were opened."""
    lives: int = 0
    """How often the server was started again."""
    last_waits: dict[str, tuple[SimulatedClient, tuple[Parts, ...]]] = field(default_factory=dict)
    """By actor."""
    arrivals: list[float] = field(default_factory=list)
    """When the waits arrive that were held back."""
    clock_ms: int = 0
    """By how much the server's clock has been set forward."""
    last_arrival: float = 0.0
    """When the last request arrives whose client has given up on it."""

    # -- travelling

    async def request(self, client: SimulatedClient, *commands: Parts) -> list[Any]:
        """Send all at once, and wait for the replies, or for what a transport would raise."""
        fault = self._fault(client)
        if fault is Fault.REFUSED:
            raise _refused()
        client.connect()
        if any(parts[0] == "BLMOVE" for parts in commands):
            self.last_waits[client.actor] = client, commands
        reply = self.loop.create_future()
        reply.add_done_callback(_seen, context=Context())  # the dead do not look at their replies

        def answer(value: Any) -> None:
            if not reply.done():
                if isinstance(value, Exception):
                    client.is_connected = value is _NO_SCRIPT
                    reply.set_exception(value)
                else:
                    reply.set_result(value)

        self._send(client, commands, fault, answer)
        replies: list[Any] = await reply
        return replies

    def request_at_once(self, client: SimulatedClient, parts: Parts) -> Any:
        """The same for a blocking client, in no time at all."""
        fault = self._fault(client)
        if fault in (Fault.REFUSED, Fault.SLOW):
            raise _refused()
        client.connect()
        client.is_connected = fault not in (Fault.LOST, Fault.LATE, Fault.UNANSWERED)
        if fault in (Fault.LOST, Fault.LATE):
            if fault is Fault.LATE:
                self._arrive_later(self.rng.uniform(1, 4), client, (parts,))
            raise ConnectionResetError("Connection closed by server.")
        if fault is Fault.NO_SCRIPT and parts[0] == "EVALSHA":
            raise _NO_SCRIPT
        reply = self._run(parts)
        if fault is Fault.TWICE:
            self._run(parts)
        if fault is Fault.UNANSWERED:
            raise TimeoutError("Timeout reading from socket")
        return reply

    def _fault(self, client: SimulatedClient) -> Fault | None:
        if self.is_down or client.actor in self.cut_off:
            return Fault.REFUSED
        if not self.is_faulty or self.rng.random() >= self.faults:
            return None
        fault = self.rng.choice(list(Fault))
        if fault is Fault.TWICE and client.purpose is Role.WAIT:
            fault = Fault.UNANSWERED  # no proxy repeats a wait, and nobody could know of the second one
        self.note("fault", client.actor, client.purpose, fault.name)
        return fault

    def _send(
        self, client: SimulatedClient, commands: tuple[Parts, ...], fault: Fault | None, answer: Callable[[Any], None]
    ) -> None:
        there = self.rng.randrange(1, 5) / 1000
        broken = ConnectionResetError("Connection closed by server.")
        match fault:
            case Fault.LOST:
                self.loop.outside(there, answer, broken)
            case Fault.UNANSWERED:
                self.loop.outside(there, self._arrive, client, commands, _nothing)
                self.loop.outside(there, answer, broken)
            case Fault.LATE:
                self.loop.outside(REPLY_S, answer, TimeoutError("Timeout reading from socket"))
                self._arrive_later(REPLY_S + self.rng.uniform(-1, 1), client, commands)
            case Fault.TWICE:
                self.loop.outside(there, self._arrive, client, commands, answer)
                self._arrive_later(self.rng.uniform(0, 1), client, commands)
            case Fault.SLOW:
                self.loop.outside(self.rng.uniform(0.1, REPLY_S), self._arrive, client, commands, answer)
            case Fault.NO_SCRIPT if commands[0][0] == "EVALSHA":
                self.loop.outside(there, answer, _NO_SCRIPT)
            case _:
                self.loop.outside(there, self._arrive, client, commands, answer)

    def _arrive_later(self, delay: float, client: SimulatedClient, commands: tuple[Parts, ...]) -> None:
        self.last_arrival = max(self.last_arrival, self.loop.time() + delay)
        self.loop.outside(delay, self._arrive, client, commands, _nothing)

    def break_connections(self, actor: str | None = None) -> None:
        """Those who wait are told, or (a dead actor) the server notices that nobody listens any more."""
        for client in self.alive:
            if actor in (None, client.actor):
                client.is_connected = False
        for waiter in [w for w in self.waiters if actor is None or w.client.actor == actor]:
            self.waiters.remove(waiter)
            waiter.answer(ConnectionResetError("Connection closed by server."))

    def hold_back(self, actor: str, delay: float) -> None:
        """The network has kept the last wait of a dead actor, and delivers it in the end."""
        if actor in self.last_waits:
            self.arrivals.append(self.loop.time() + delay)
            self._arrive_later(delay, *self.last_waits[actor])

    def restart(self, saved: list[bytes]) -> None:
        """The server begins another life with an older file."""
        self.wire.restore(saved)
        self.lives += 1

    # -- at the server

    def _arrive(
        self,
        client: SimulatedClient,
        commands: tuple[Parts, ...],
        answer: Callable[[Any], None],
        replies: tuple[Any, ...] = (),
    ) -> None:
        """Run them in order; what follows a wait is run when that is over, after all others who were waiting."""
        if self.is_down:
            answer(ConnectionResetError("Connection reset by peer"))
            return
        if not commands:
            answer([*replies])
            return
        parts, *rest = commands

        def go_on(reply: Any) -> None:
            if isinstance(reply, ConnectionResetError):
                answer(reply)  # the connection is gone, and what was sent along with it
            else:
                self.loop.outside(0, self._arrive, client, tuple(rest), answer, (*replies, reply))

        if parts[0] in ("BLMOVE", "BLPOP"):  # the second is a mutant's
            self._wait(client, parts, go_on)
        else:
            self._arrive(client, tuple(rest), answer, (*replies, self._reply(client, parts)))

    def _reply(self, client: SimulatedClient, parts: Parts) -> Any:
        if parts[:2] == ("CLIENT", "ID"):
            return client.number
        if parts[:2] == ("CLIENT", "UNBLOCK"):
            self._unblock(int(parts[2]))
            return 1
        try:
            return self._run(parts)
        except TransportError as error:
            return error

    def _wait(self, client: SimulatedClient, parts: Parts, answer: Callable[[Any], None]) -> None:
        *move, timeout = parts[1:]
        move = [str(parts[0]).removeprefix("B"), *move]
        if (id := self.wire.send(*move)) is not None:
            self.note("handed over", client.actor, id)
            answer(id)
            return
        waiter = _Waiter(client, tuple(move), answer)
        self.waiters.append(waiter)
        self.loop.outside(float(timeout), self._time_out, waiter)

    def _time_out(self, waiter: _Waiter) -> None:
        if waiter in self.waiters:
            self.waiters.remove(waiter)
            waiter.answer(None)

    def _unblock(self, number: int) -> None:
        for waiter in [w for w in self.waiters if w.client.number == number]:
            self._time_out(waiter)

    def _serve_waiters(self) -> None:
        empty = set()
        for waiter in [*self.waiters]:
            source = waiter.move[1]
            if source in empty:
                continue
            if (id := self.wire.send(*waiter.move)) is None:
                empty.add(source)
                continue
            self.waiters.remove(waiter)
            self.note("handed over", waiter.client.actor, id)
            waiter.answer(id)

    def _run(self, parts: Parts) -> Any:
        word = str(parts[0])
        if word == "INFO":
            return f"run_id:life {self.lives}\r\n".encode()
        if not word.startswith("EVAL"):
            return self.wire.send(*parts)
        keys = int(parts[2])
        sent = [*parts]
        sent[3 + keys] = self.now_ms()
        reply = self.wire.send(*sent)
        script = self.scripts[str(parts[1])]
        arguments = [part.decode() if isinstance(part, bytes) else str(part) for part in parts[4 + keys :]]
        self.observe(script.name, arguments, reply)
        if script.name in PUSHES:
            self._serve_waiters()
        return reply

    def now_ms(self) -> int:
        """The server's clock."""
        return EPOCH_MS + self.clock_ms + round(self.loop.time() * 1000)


_NO_SCRIPT = NoScript("NOSCRIPT No matching script.")


def _refused() -> NotSent:
    return NotSent(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))


def _seen(reply: asyncio.Future[Any]) -> None:
    if not reply.cancelled():
        reply.exception()


def _nothing(value: Any) -> None:
    """Nobody listens for this reply."""


class SimulatedStore(Store):
    """Where an actor's clients come from."""

    def __init__(self, link: Link, actor: str) -> None:
        super().__init__("redis://simulated")
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_actor", actor)

    _link: Link
    _actor: str

    def transport(self, role: Role, opened: ConnectionCounter | None = None) -> Transport:
        """For the heartbeat."""
        return BlockingClient(SimulatedClient(self._link, self._actor, role, opened or ConnectionCounter()))

    def async_transport(self, role: Role, opened: ConnectionCounter | None = None) -> AsyncTransport:
        """For everything else."""
        return SimulatedClient(self._link, self._actor, role, opened or ConnectionCounter())


class SimulatedClient:
    """An awaited transport with one connection."""

    def __init__(self, link: Link, actor: str, role: Role, opened: ConnectionCounter) -> None:
        self.link = link
        self.actor = actor
        self.purpose = role
        self.number = 0
        """Of its one connection."""
        self.is_connected = False
        self._opened_so_far = opened
        link.alive.append(self)

    def connect(self) -> None:
        """Open a connection, unless there is one."""
        if not self.is_connected:
            self.link.connections += 1
            self.number = self.link.connections
            self.is_connected = True
            self._opened_so_far.note()

    async def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """One request, and its reply or what a transport raises."""
        (reply,) = await self.link.request(self, command)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Several requests at once."""
        return await self.link.request(self, *commands)

    def line(self) -> None:
        """Nothing is sent ahead here."""

    async def aclose(self) -> None:
        """Nothing is open."""


class BlockingClient:
    """The same for the heartbeat's blocking connection."""

    def __init__(self, client: SimulatedClient) -> None:
        self._simulated = client

    def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """One request, in no time."""
        return self._simulated.link.request_at_once(self._simulated, command)

    def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """One after the other; a heartbeat needs no more."""
        return [self.send(command) for command in commands]

    def line(self) -> None:
        """Nothing is sent ahead here."""

    def close(self) -> None:
        """Nothing is open."""
