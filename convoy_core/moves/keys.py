"""Every Redis key of one queue: names, types, and what being in each means.

Rule: no other module builds a key. The first group is redis-convoy's wire format, read and written by live Node
clients, so neither name, type nor meaning may change. The second group is ours alone; Node never reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from convoy_core.errors import InvalidQueueName
from convoy_core.options import MAX_QUEUE_NAME_BYTES, check_queue_name

SHARED = {
    "queued": "list",  # IDs waiting; push right, pop left
    "committed": "set",  # every ID waiting or running: the one test of uniqueness
    "processing": "zset",  # ID -> Unix seconds of the start; our heartbeat refreshes it to show Node's jam guard life
    "failed": "zset",  # ID -> number of failures
    "errorLog": "",  # prefix of errorLog.<day>, a list of up to 10,000 messages, newest first, kept one day
    "lock": "",  # prefix of lock:clearJammedJobs:<5 s bucket>, Node's guard lock
}

OURS = {
    "delayed": "zset",  # ID -> Unix ms when it is due
    "started": "zset",  # ID -> Unix ms of its true start, from its first heartbeat on, which refreshes `processing`
    "owner": "hash",  # ID -> "<token>@<Unix ms of the true start>"; its holder's fencing token is "<worker>:<number>"
    "workers": "zset",  # worker -> Unix ms when its lease ends
    "departed": "zset",  # unregistered worker -> Unix ms of that: a late wait may still fill its claim list
    "worker": "",  # prefix of worker:<id>, a hash: host, pid, handler, concurrency, since, done, failed, running
    "claim": "",  # prefix of claim:<worker>, a list: IDs handed to that worker by BLMOVE, not yet processing
    "published": "hash",  # ID -> Unix ms when it was accepted; if it was due later, a dot and the Unix ms of that
    "attempts": "hash",  # ID -> runs that failed since it was last queued from outside; the retry budget spent
    "failures": "hash",  # ID -> failures remembered while it is not in `failed`; forgotten when it succeeds
    "crashes": "hash",  # ID -> times its worker died or it was jammed
    "payload": "hash",  # ID -> payload, first byte tells the kind
    "requests": "hash",  # ID -> publishes that it has absorbed, and when the first came: see request_entry.lua
    "traces": "hash",  # ID -> contexts of the traced publishes that its run stands for: see trace_entry.lua
    "rerun": "set",  # running IDs to queue once more when their run ends
    "failure": "hash",  # ID -> JSON of the last failure
    "totals": "hash",  # counters that only grow
    "recording": "hash",  # since, until, limit: while it is there, moves are kept in `recording:moves`, a stream
    "history": "",  # prefix of history:seconds, :minutes and :hours, lists of packed counts and totals, oldest first
    "durations": "",  # prefix of durations:minutes and durations:hours, hashes: place -> packed counts; see moves
    "audit": "stream",  # what operators have done: by (JSON of who), verb, at (Unix ms), outcomes, before, after, id...
    "requeued": "stream",  # which IDs were requeued: by and at (as in `audit`), time (their `published`), id...
    "paused": "string",  # Unix ms since when no worker of ours claims
    "limits": "hash",  # what was set, the token bucket, and turn:<worker> -> Unix ms since when it waits
    "wake": "",  # prefix of wake:<worker>, a list: a value in it wakes that worker, which waits since a limit was met
    "cancelling": "hash",  # running ID -> token of the run that an operator has asked to end
    "about": "hash",  # owner, runbook, note; until, since, by, words, known: trouble that an operator knows of
    "barred": "hash",  # host:<host> and worker:<worker> -> Unix ms since when they claim nothing; lowest: a version
    "meta": "hash",  # schema version and epoch: a changed epoch means the store was emptied or replaced
}

TYPES: dict[str, str] = SHARED | OURS
"""Key name -> Redis type; empty for a prefix under which further keys stand."""

FAILING = frozenset({"attempts", "delayed", "failed", "failure", "failures"})
"""Those that a queue has where runs fail."""

RARE = FAILING | {
    "about",
    "audit",
    "barred",
    "cancelling",
    "crashes",
    "limits",
    "paused",
    "payload",
    "recording",
    "requests",
    "requeued",
    "rerun",
    "started",
    "traces",
}
"""Those that most queues do not have most of the time."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one queue.

    In a Cluster the queue's name is put in braces, so that all its keys share one slot.
    """

    prefix: str
    queue: str
    braces: bool = False
    _known: dict[tuple[str, ...], tuple[bytes, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def key_prefix(self) -> str:
        """What each of them begins with, as text."""
        queue = f"{{{self.queue}}}" if self.braces else self.queue
        return f"{self.prefix}{queue}:"

    def named(self, name: str) -> bytes:
        """The full key of `name`, which must be one of `TYPES`."""
        if name not in TYPES:
            raise KeyError(name)
        return f"{self.key_prefix}{name}".encode("utf-8", "surrogateescape")

    def all_named(self, names: tuple[str, ...]) -> tuple[bytes, ...]:
        """The full keys of `names`, in their order; the same few are asked for by every call, so they are kept."""
        keys = self._known.get(names)
        if keys is None:
            keys = self._known[names] = tuple(self.named(name) for name in names)
        return keys

    def claim_list(self, worker: str) -> bytes:
        """The list through which BLMOVE hands IDs to `worker`."""
        return self.named("claim") + b":" + worker.encode()

    def wake_list(self, worker: str) -> bytes:
        """The list by which `worker` is woken at a limit."""
        return self.named("wake") + b":" + worker.encode()


@dataclass(frozen=True, slots=True)
class Keyspace:
    """Where the queues of one prefix live."""

    prefix: str
    braces: bool = False

    @property
    def registry(self) -> bytes:
        """The set that names every queue that one of our clients ever wrote to."""
        return f"{self.prefix}queues".encode()

    def queue(self, name: str, *, existing: bool = False) -> Keys:
        """The keys of that queue; `existing` admits any name another client chose. Raises InvalidQueueName."""
        name = check_queue_name(name, existing=existing)
        if self.braces and not {"{", "}"}.isdisjoint(name):
            # With one that begins with } the keys would lie in many slots; a second tag inside ours helps nobody.
            raise InvalidQueueName(
                f"{name!r} cannot name a queue in a Cluster, where Convoy puts its own braces around."
            )
        return Keys(self.prefix, name, self.braces)

    def existing(self, queue: str, names: tuple[str, ...]) -> tuple[bytes, ...]:
        """The full keys of `names` of a queue that is there, remembered: a dashboard asks for the same every second."""
        return _existing(self, queue, names)

    @property
    def pattern(self) -> bytes:
        """What SCAN is to match to find every queue's keys; a prefix holds no character that SCAN would expand."""
        return f"{self.prefix}*".encode()

    def queue_of(self, key: bytes) -> str | None:
        """The name of the queue whose list, set or zset, or log of errors, `key` is; None for any other key.

        None as well for a name that is too long: it must not keep anybody from the other queues.
        """
        before, kind = self._split(key)
        name = self._unbraced(before)
        if name is None or (
            len(key) > MAX_QUEUE_NAME_BYTES and len(name.encode("utf-8", "surrogateescape")) > MAX_QUEUE_NAME_BYTES
        ):
            return None
        is_log = re.fullmatch(r"errorLog\.\d+", kind) is not None  # all that an idle queue of Node's leaves for a while
        return name if is_log or SHARED.get(kind) else None

    def claim_list_of(self, key: bytes) -> tuple[str, str] | None:
        """The name of the queue, and the worker, whose claim list `key` is; None for any other key."""
        before, worker = self._split(key)
        name, _, kind = before.rpartition(":")
        is_ours = kind == "claim" and worker.isascii() and worker  # the IDs of workers are hexadecimal
        queue = self._unbraced(name) if is_ours else None
        return None if queue is None else (queue, worker)

    def _split(self, key: bytes) -> tuple[str, str]:
        text = key.decode("utf-8", "surrogateescape")
        if not text.startswith(self.prefix):
            return "", ""
        before, _, last = text.removeprefix(self.prefix).rpartition(":")
        return before, last

    def _unbraced(self, name: str) -> str | None:
        if not self.braces:
            return name or None
        tag = re.fullmatch(r"\{([^{}]+)\}", name)
        return tag[1] if tag else None


@lru_cache(maxsize=4096)
def _existing(keyspace: Keyspace, queue: str, names: tuple[str, ...]) -> tuple[bytes, ...]:
    return keyspace.queue(queue, existing=True).all_named(names)
