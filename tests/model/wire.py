"""A minimal client: one socket, one request, one reply; it reads a whole queue in one round trip."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

import hiredis

from convoy_core.moves.call import Argument
from convoy_core.moves.keys import TYPES, Keys
from convoy_core.store.clients import Role, Store
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.transport import Command, Transport
from convoy_core.store.transport_errors import TransportError, error_reply

Parts: TypeAlias = "tuple[Argument, ...]"
Content: TypeAlias = "str | list[str] | set[str] | dict[str, str]"
Contents: TypeAlias = dict[str, Content]
"""Key name (without the queue's prefix) -> content, for every key that exists; numbers as the store writes them."""


class Wire:
    """A blocking connection without any of redis-py's care, for the hundred thousand calls of a random test."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(10)
        self._socket.connect(path)
        self._loaded: set[str] = set()
        self._reader = hiredis.Reader(replyError=error_reply)
        self.send("HELLO", 3)  # redis-py's default, and ours: some replies have another shape then

    def load(self, sources: Iterable[str]) -> None:
        """Have the server know these scripts."""
        for source in sources:
            if source not in self._loaded:
                self.send("SCRIPT", "LOAD", source)
                self._loaded.add(source)

    def send(self, *parts: Argument) -> Any:
        """One request and its reply; raises an ErrorReply."""
        self._socket.sendall(_packed(parts))
        return _checked(self._receive())

    def save(self) -> list[bytes]:
        """All there is, as in a file: key, content, key, content, ..."""
        saved: list[bytes] = self.send("EVAL", _SAVE, 0)
        return saved

    def restore(self, saved: list[bytes]) -> None:
        """Hold again what was saved, and nothing else."""
        self.send("FLUSHALL")
        for key, content in zip(saved[::2], saved[1::2], strict=True):
            self.send("RESTORE", key, 0, content)

    def send_both(self, first: Parts, second: Parts) -> tuple[Any, Any]:
        """Two requests in one round trip; the first reply may be an error, returned as it is."""
        self._socket.sendall(_packed(first) + _packed(second))
        return self._receive(), _checked(self._receive())

    def _receive(self) -> Any:
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return reply

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Nothing is left to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self.close()


def _packed(parts: Parts) -> bytes:
    request: Any = parts  # hiredis says that it takes one part
    packed: bytes = hiredis.pack_command(request)
    return packed


def _checked(reply: Any) -> Any:
    if isinstance(reply, TransportError):
        raise reply
    return reply


_SAVE = """
local saved, keys = {}, redis.call('KEYS', '*')
table.sort(keys)
for i, key in ipairs(keys) do saved[2 * i - 1], saved[2 * i] = key, redis.call('DUMP', key) end
return saved
"""

_READ_ALL = """
local all = { redis.call('DBSIZE') }
for i, kind in ipairs(ARGV) do
  local key = KEYS[i]
  if kind == 'list' then all[i + 1] = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then all[i + 1] = redis.call('SMEMBERS', key)
  elseif kind == 'hash' then all[i + 1] = redis.call('HGETALL', key)
  elseif kind == 'stream' then
    all[i + 1] = {}
    for j, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do all[i + 1][j] = table.concat(entry[2], ' ') end
  elseif kind == 'zset' then all[i + 1] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  else all[i + 1] = redis.call('GET', key) end
end
return all
"""


class Look:
    """Reads a queue whole, after every request that is sent by it, in the same round trip: every fixed key, those of
    the named workers, and the error logs of the named days.
    """

    def __init__(self, wire: Wire, keys: Keys, workers: tuple[str, ...], days: tuple[int, ...]) -> None:
        kinds = {name: kind for name, kind in TYPES.items() if kind}
        kinds |= {f"claim:{worker}": "list" for worker in workers}
        kinds |= {f"worker:{worker}": "hash" for worker in workers}
        kinds |= {f"wake:{worker}": "list" for worker in workers}
        kinds |= {f"history:{kind}": "list" for kind in ("seconds", "minutes", "hours")}
        kinds |= {f"errorLog.{day}": "list" for day in days}
        kinds |= {"recording:moves": "stream", "recording:bytes": "string"}
        self._wire = wire
        self._kinds = kinds
        full = [keys.named("queued").removesuffix(b"queued") + name.encode() for name in kinds]
        sha: bytes = wire.send("SCRIPT", "LOAD", _READ_ALL)
        self._request: tuple[Argument, ...] = ("EVALSHA", sha, len(full), *full, *kinds.values())
        self._seen: list[Any] = []

    def send(self, *parts: Argument) -> Any:
        """One request; raises an ErrorReply."""
        reply, self._seen = self._wire.send_both(parts, self._request)
        return _checked(reply)

    def contents(self, *, beside: int | None) -> Contents:
        """Everything there was after the last request.

        `beside` is how many keys of the store belong to others; None if there may be any number.
        """
        size, *values = self._seen
        found = {
            name: _readable(kind, value)
            for (name, kind), value in zip(self._kinds.items(), values, strict=True)
            if value
        }
        assert beside is None or size == len(found) + beside, (
            f"the store holds {size} keys, of which {sorted(found)} are known"
        )
        return found


class LookingStore(Store):
    """A store whose blocking transports send through a `Look`."""

    def transport(self, role: Role, opened: ConnectionCounter | None = None) -> Transport:
        """The same for every role."""
        return LookingTransport(_LOOKS[self.url])


class LookingTransport:
    """One that is only ever asked to send one command after the other."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """One round trip, with a look at everything behind it."""
        return self._look.send(*command)

    def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """One after the other; nobody needs more here."""
        return [self.send(command) for command in commands]

    def line(self) -> None:
        """Nothing is sent ahead here."""

    def close(self) -> None:
        """The wire is another's."""


_LOOKS: dict[str, Look] = {}


def store_behind(look: Look, path: str) -> Store:
    """A store for `Connection`."""
    url = f"unix://{path}"
    _LOOKS[url] = look
    return LookingStore(url)


def _readable(kind: str, value: Any) -> Content:
    if kind == "string":
        return _text(value)
    items = [_text(item) for item in value]
    if kind in ("list", "stream"):
        return items
    return set(items) if kind == "set" else dict(zip(items[::2], items[1::2], strict=True))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
