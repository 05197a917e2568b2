"""The whole keyspace in a readable form: seed it, act once, compare it.

A string is a str, a list a list, a set a set, a zset a dict of numbers and a hash a dict of strings. Of a stream each
entry is one text, without its name. Keys of the queue
`q` are written without their `cv:q:`; all other keys in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import redis

from convoy_core import Queue
from convoy_core.jobs import Claim, Failed
from convoy_core.moves.call import Call, Steps
from convoy_core.moves.keys import Keys
from convoy_core.moves.working import WITH_NOTHING_BESIDE, Round, Settlement, SuspectPolicy, exchange
from convoy_core.operators import NOBODY
from tests.servers import RealServer

T = TypeVar("T")
Value: TypeAlias = "str | list[str] | set[str] | Mapping[str, float] | Mapping[str, str]"
Keyspace: TypeAlias = "Mapping[str, Value]"

NOW = 1_700_000_000_000
"""The clock of these tests: Unix ms."""
SECOND = NOW // 1000
DAY = 1_699_920_000
"""Start of that UTC day: names the error log."""
T0 = str(NOW)
LEASE = 15_000
W = "aa"
"""A worker with a live lease, and its entry in `workers`."""
ALIVE: Keyspace = {"workers": {W: NOW + LEASE}}

_OURS = "cv:q:"


def seed(client: redis.Redis, keyspace: Keyspace) -> None:
    """Write every key of `keyspace`."""
    with client.pipeline(transaction=False) as pipe:
        for name, value in keyspace.items():
            key = _bytes(name if name.startswith("cv:") else _OURS + name)
            match value:
                case str():
                    pipe.set(key, _bytes(value))
                case list():
                    pipe.rpush(key, *map(_bytes, value))
                case set():
                    pipe.sadd(key, *map(_bytes, value))
                case _ if all(isinstance(number, str) for number in value.values()):
                    pipe.hset(key, mapping={_bytes(field): _bytes(str(text)) for field, text in value.items()})
                case _:
                    pipe.zadd(key, {_bytes(member): float(score) for member, score in value.items()})
        pipe.execute()


def dump(client: redis.Redis) -> dict[str, Value]:
    """Every key there is, with its content."""
    keys = sorted(client.scan_iter(count=1000))
    pipe: Any  # redis-py gives its command methods no types
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.type(key)
        kinds = pipe.execute()
        for key, kind in zip(keys, kinds, strict=True):
            pipe.execute_command(*(part if part is not _KEY else key for part in _LOOK[kind]))
        contents = pipe.execute()
    return {
        _text(key).removeprefix(_OURS): _readable(kind, content)
        for key, kind, content in zip(keys, kinds, contents, strict=True)
    }


_KEY = object()
_LOOK: dict[bytes, tuple[Any, ...]] = {
    b"string": ("GET", _KEY),
    b"list": ("LRANGE", _KEY, 0, -1),
    b"set": ("SMEMBERS", _KEY),
    b"hash": ("HGETALL", _KEY),
    b"zset": ("ZRANGE", _KEY, 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", _KEY, "-", "+"),
}


def _readable(kind: bytes, content: Any) -> Value:
    match kind:
        case b"string":
            return _text(content)
        case b"list":
            return [_text(item) for item in content]
        case b"stream":
            return [" ".join(_text(part) for part in entry) for _, entry in content]
        case b"set":
            return {_text(member) for member in content}
        case b"hash":
            return {_text(field): _text(value) for field, value in content.items()}
        case _:
            return {_text(member): float(score) for member, score in content}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class World:
    """The queue `q` on one store, at `NOW`; its name is in the registry from the start, and not shown."""

    def __init__(self, server: RealServer) -> None:
        self.server = server
        self.client = server.client()
        self.queue = Queue("q", redis=server.url, operator=NOBODY)
        self.queue._connection.now_ms = NOW

    @property
    def keys(self) -> Keys:
        """The keys of `q`."""
        return self.queue._connection.keyspace.queue("q")

    def seed(self, *parts: Keyspace) -> None:
        """Start from these keys and no others; a later part's key replaces an earlier one's."""
        self.client.flushdb()
        seed(self.client, {"cv:queues": {"q"}})
        seed(self.client, {name: value for part in parts for name, value in part.items()})

    def state(self) -> dict[str, Value]:
        """All keys but the registry."""
        found = dump(self.client)
        assert found.pop("cv:queues", {"q"}) == {"q"}
        return found

    def run(self, call: Call[T]) -> T:
        """Make one call."""
        return self.queue._connection.run(call)

    def drive(self, steps: Steps[T]) -> T:
        """Make the calls that `steps` asks for."""
        return self.queue._connection.drive(steps)

    def exchange(
        self,
        *,
        completed: list[Claim] | None = None,
        failed: list[tuple[Claim, Failed]] | None = None,
        released: list[Claim] | None = None,
        discarded: list[Claim] | None = None,
        deferred: list[tuple[Claim, int]] | None = None,
        cancelled: list[Claim] | None = None,
        want: int = 0,
        number: int = 7,
        wait_ms: int = LEASE,
        suspects: SuspectPolicy = WITH_NOTHING_BESIDE,
    ) -> Round:
        """One round of worker `W`."""
        ended = (completed or [], failed or [], released or [], discarded or [], deferred or [], cancelled or [])
        settlement = Settlement(*ended)
        return self.run(exchange(self.keys, W, settlement, want, number, wait_ms, suspects))

    def close(self) -> None:
        """Close both connections."""
        self.queue.close()
        self.client.close()


def claim(
    id: str, number: int = 1, *, attempts: int = 0, failures: int = 0, crashes: int = 0, payload: bytes | None = None
) -> Claim:
    """What worker `W` holds of `id`, by its count `number`."""
    return Claim(_bytes(id), number, attempts, failures, crashes, payload)


def failure(message: str = "boom", retry_ms: int | None = None) -> Failed:
    """A verdict on a failed run."""
    return Failed(message, f'{{"error":"{message}"}}', retry_ms)


def commands(client: redis.Redis, act: Callable[[], object]) -> dict[str, int]:
    """What the store was sent while `act` ran: command -> times."""
    client.config_resetstat()
    act()
    return sent_since_reset(client)


def sent_since_reset(client: redis.Redis) -> dict[str, int]:
    """What the store was sent since CONFIG RESETSTAT, but for these looks and what a new connection begins with."""
    ours = {"info", "config|resetstat", "client|setinfo", "client|setname", "hello", "select"}
    stats: dict[str, dict[str, int]] = client.info("commandstats")
    sent = {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()}
    return {name: n for name, n in sent.items() if name not in ours}
