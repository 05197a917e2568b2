"""How a call becomes commands: shared by the blocking and the awaited connection."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any, TypeVar

from convoy_core import validation
from convoy_core.errors import ReadOnly, StoreError
from convoy_core.moves.call import Call
from convoy_core.moves.keys import TYPES, Keyspace
from convoy_core.moves.scripts import Text
from convoy_core.options import DEFAULT_PREFIX, check_prefix
from convoy_core.store.clients import Store, resolve
from convoy_core.store.error_translation import DAMAGED_WORD, explain
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply, NoScript, TransportError

T = TypeVar("T")

_OLD_SERVER = re.compile(r"unknown command .*_RO|error compiling script .*unexpected symbol near '#'", re.IGNORECASE)


class ConnectionBase:
    """The store, the key prefix, and which scripts the server is known to have."""

    def __init__(self, store: Store, *, prefix: str | None, read_only: bool) -> None:
        self.store = store
        self.keyspace = Keyspace(check_prefix(prefix), braces=store.is_cluster)
        self.read_only = validation.flag("read_only", read_only)
        self.now_ms: int | None = None
        """A clock for tests: scripts take this Unix time in ms instead of the store's own."""
        self._registered: set[str] = set()
        self._is_modern = True  # the server knows script flags and read-only evaluation; unlearned at its first "no"

    @property
    def shown(self) -> str:
        """Where this is connected, for people; never with a password."""
        return self.store.shown

    def __str__(self) -> str:
        """The same, with what is not as usual: the prefix, and that nothing may be written."""
        prefix = "" if self.keyspace.prefix == DEFAULT_PREFIX else f", prefix {self.keyspace.prefix}"
        return f"{self.shown}{prefix}{', read-only' if self.read_only else ''}"

    def check_writable(self) -> None:
        """Raise ReadOnly if nothing may be written here."""
        if self.read_only:
            raise ReadOnly("This connection is read-only; nothing was sent. Leave read-only mode to change anything.")

    def requests(self, call: Call[T]) -> Generator[Command, Any, T]:
        """Yield the commands that `call` takes, each to be answered by its reply or its error; return what it reads."""
        if call.writes:
            self.check_writable()
        if call.registers is not None and call.registers not in self._registered:
            # In a Cluster the registry lives in another slot than the queue, so no script can do this on the way.
            # Where it is refused (no memory, no permission) the call itself decides; a scan finds the queue.
            with suppress(ErrorReply):
                yield "SADD", self.keyspace.registry, call.registers.encode("utf-8", "surrogateescape")
                self._registered.add(call.registers)
        if call.script is None:
            return call.read((yield call.arguments))
        try:
            reply = yield from self._evaluate(call)
        except ErrorReply as error:
            if "WRONGTYPE" in str(error):
                yield from self._name_damage(call)
            # Redis before 7 knows no read-only evaluation, and cannot compile a line of flags.
            if not self._is_modern or not _OLD_SERVER.search(str(error)):
                raise
            self._is_modern = False
            reply = yield from self._evaluate(call)
        return call.read(reply)

    def pipelined(self, calls: Sequence[Call[T]]) -> Generator[list[Command], list[Any], list[T | StoreError]]:
        """Yield the next command of each call, all to be answered together; return the results of the calls, or the
        errors that they ended with.
        """
        results: dict[int, T | StoreError] = {}
        steps = [self.requests(call) for call in calls]
        replies: dict[int, Any] = dict.fromkeys(range(len(calls)))
        while True:
            commands: dict[int, Command] = {}
            for place, reply in replies.items():
                step = steps[place]
                try:
                    commands[place] = step.throw(reply) if isinstance(reply, Exception) else step.send(reply)
                except StopIteration as end:
                    results[place] = end.value
                except StoreError as error:
                    results[place] = error
                except (TransportError, OSError) as error:
                    found = results[place] = explain(error, self.shown)
                    found.__cause__ = error
            if not commands:
                return [results[place] for place in range(len(calls))]
            try:
                answers = yield [*commands.values()]
            except (TransportError, OSError) as error:
                answers = [error] * len(commands)
            replies = dict(zip(commands, answers, strict=True))

    def _name_damage(self, call: Call[Any]) -> Generator[Command, Any, None]:
        """Refuse as a script does, naming the first of the call's keys that holds something of another type, if any."""
        assert call.script is not None  # noqa: S101 - plain commands went another way
        for key, name in zip(call.keys, cycle(call.script.keys), strict=False):
            found = (yield "TYPE", key).decode()
            if TYPES[name] and found not in (TYPES[name], "none"):
                shown = key.decode("utf-8", "backslashreplace")
                said = f"The key {shown} holds a {found}, where Convoy keeps a {TYPES[name]}."
                raise ErrorReply(f"{DAMAGED_WORD} {said}")

    def _evaluate(self, call: Call[Any]) -> Generator[Command, Any, Any]:
        try:
            return (yield self.by_hash(call))
        except NoScript:
            return (yield self._eval("EVAL", self._text_for(call).source, call))

    def by_hash(self, call: Call[Any]) -> Command:
        """The command that makes `call` where the server knows its script; else it answers NOSCRIPT."""
        return self._eval("EVALSHA", self._text_for(call).sha, call)

    def _text_for(self, call: Call[Any]) -> Text:
        assert call.script is not None  # noqa: S101 - plain commands go another way
        is_dry_run = not call.writes and not call.script.is_read
        return call.script.flagged if self._is_modern and not is_dry_run else call.script.portable

    def _eval(self, word: str, text: str, call: Call[Any]) -> Command:
        if self._is_modern and not call.writes:
            word += "_RO"
        now = "" if self.now_ms is None else str(self.now_ms)
        return (word, text, len(call.keys), *call.keys, now, *call.arguments)


def refused_last(answers: list[tuple[Call[T], Any]]) -> list[tuple[Call[T], Any]]:
    """Calls with their replies; those that the store refused for another reason than an unknown script are last."""
    return sorted(answers, key=lambda one: isinstance(one[1], ErrorReply) and not isinstance(one[1], NoScript))


def is_ready_made(given: object) -> bool:
    """Whether that is a client of the caller's own."""
    return not (given is None or isinstance(given, str | Store))


def store_of(given: object) -> Store:
    """The store that a caller means by a URL, a client of their own, or nothing. Raises as `like` and `resolve` do."""
    if isinstance(given, Store):
        return given
    if given is None or isinstance(given, str):
        return resolve(given)
    from convoy_core.store.ready_made_client import like  # noqa: PLC0415 - loads redis-py

    return like(given)
