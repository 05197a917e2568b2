"""The session of one command: its settings, its store, its output and its messages."""

from __future__ import annotations

import os
import socket
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from convoy_core import Face, InvalidQueueName, Operator, ReadOnly, check_queue_name
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.holders import Holders
from convoy_tui.cli.io.formats import Color, Format
from convoy_tui.cli.io.messages import Messages
from convoy_tui.cli.io.output import Output
from convoy_tui.cli.otel_spans import OtelSpans, otel_spans
from convoy_tui.cli.settings import Settings, resolve, store_of
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count

if TYPE_CHECKING:
    from convoy_core import Fleet, Queue, StoreDescription, Tracing

USUAL_PORT = 6379


class Session:
    """The session of one command. It connects on the first use of the store."""

    def __init__(self, flags: Flags, *, nul: bool | None = None, reason: str | None = None) -> None:
        self.flags = flags
        self.reason = reason or ""
        """Why, for the audit."""
        color = flags.color or Color.AUTO
        self._reads_nul = nul is not None
        self._operation = os.urandom(4).hex()
        given = "--json" if flags.json else None
        wanted = Format.JSON if flags.json else flags.output
        self.out = Output(wanted, color=color, nul=bool(nul), given=given)
        self.messages = Messages(color=color, quiet=bool(flags.quiet))
        self.tracing: Tracing | None = None
        """How publishes and runs are traced, if they are."""

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises InvalidOption."""
        flags = self.flags
        return resolve(
            os.environ,
            redis=flags.redis,
            prefix=flags.prefix,
            profile=flags.profile,
            read_only=bool(flags.read_only),
            operator=flags.operator,
        )

    @cached_property
    def store(self) -> StoreDescription:
        """The store's address. Raises InvalidURL."""
        store = store_of(self.settings)
        if self.flags.redis and "***" in store.shown:
            self.messages.warn(
                "A password on the command line can be seen by everyone on this machine; "
                "CONVOY_REDIS_URL and the config file keep it to you."
            )
        for caution in store.cautions:
            self.messages.warn(caution)
        return store

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet of the store, which connects at its first call."""
        from convoy_core import Fleet  # noqa: PLC0415 - loads redis, and the help of a command needs none

        settings = self.settings
        return Fleet(
            redis=self.store.url,
            prefix=settings.prefix,
            read_only=settings.read_only,
            operator=self.operator,
            tracing=self.tracing,
        )

    def trace(self, spans: OtelSpans | None) -> None:
        """Trace by OpenTelemetry if this, or CONVOY_OTEL, says so. Before the store is used. Raises InvalidOption."""
        spans = spans or otel_spans(os.environ)
        if spans is not None:
            from convoy_core import Tracing  # noqa: PLC0415 - few commands are traced

            self.tracing = Tracing(ids=spans is OtelSpans.IDS)

    @cached_property
    def holders(self) -> Holders:
        """The names of pools, for tables."""
        return Holders(self.fleet)

    @property
    def operator(self) -> Operator:
        """Who acts: all that one command does is one operation. Raises InvalidOption."""
        return Operator.here(
            Face.COMMAND_LINE, who=self.settings.operator, reason=self.reason, operation=self._operation
        )

    @property
    def where(self) -> str:
        """The address of the store with the label of the environment."""
        label = self.settings.environment
        shown = "the embedded store" if self.store.is_embedded else self.store.shown
        return f"{shown} ({label})" if label else shown

    def must_write(self) -> None:
        """Refuse a write in read-only mode, before anything is read, asked or started."""
        if reason := self.settings.read_only_because:
            raise ReadOnly(f"This is read-only because of {reason}; nothing was changed.")

    def new_queue(self, name: str) -> Queue:
        """A queue that may not exist yet: a new name is checked. Raises InvalidQueueName."""
        try:
            check_queue_name(name)
        except InvalidQueueName:
            if name not in self.fleet.queues():
                raise
        return self.fleet.queue(name)

    def queue(self, name: str) -> Queue:
        """A queue that exists. Raises Ended with NOT_FOUND."""
        self.names([name])
        return self.fleet.queue(name)

    def named(self, names: list[str]) -> list[str]:
        """These queue names, known or not: an idle queue of Node leaves no key. Raises InvalidQueueName."""
        all_names: list[str] | None = None
        for name in names:
            if self._is_known(name):
                continue
            all_names = self.fleet.queues() if all_names is None else all_names
            if name not in all_names:
                check_queue_name(name)
                lost = self._no_queue(name, all_names)
                hint = f" {lost.advice}" if lost.advice else ""
                self.messages.warn(
                    f"Nobody has written to a queue {safe(name, 60)} yet, or it is idle and Node's alone.{hint}"
                )
        return list(dict.fromkeys(names))

    def names(self, names: list[str]) -> list[str]:
        """These queue names, each of which must exist, or if none are given all. Raises Ended with NOT_FOUND."""
        if not names:
            return self.fleet.queues()
        unknown = [name for name in names if not self._is_known(name)]
        if unknown:
            all_names = self.fleet.queues()  # this scans the store, so only if needed
            unknown = [name for name in unknown if name not in all_names]
            if unknown:
                raise self._no_queue(unknown[0], all_names)
        return list(dict.fromkeys(names))

    def say_where(self) -> None:
        """Print the address of the store, with a hint if another one may be intended."""
        if not self.store.is_embedded:
            self.messages.note(f"Connected to {self.where}.")
            return
        server = self.store.embedded_server
        self.messages.note(f"Embedded store at {server.directory if server else self.where}.")
        if self.settings.url is None and _answers("localhost", USUAL_PORT):
            self.messages.warn(
                f"A server answers on localhost:{USUAL_PORT}; to use that one: --redis redis://localhost:{USUAL_PORT}"
            )

    def warn_of_broken_ids(self) -> None:
        """Warn if IDs contain a line end, since they cannot be read back one per line."""
        if self.out.broken:
            hold = count(self.out.broken, "ID holds", "IDs hold")
            better = "-0 ends each in a NUL byte instead" if self._reads_nul else "-o jsonl keeps each on its line"
            self.messages.warn(f"{hold} a line end and cannot be told from several; {better}.")

    def close(self) -> None:
        """Close the connection, if one was made."""
        if "fleet" in self.__dict__:
            self.fleet.close()

    def _is_known(self, name: str) -> bool:
        snapshot = self.fleet.snapshot([name])[0]
        counts = snapshot.counts
        signs = (counts.committed, counts.queued, counts.processing, counts.failed, counts.delayed)
        return any(signs) or bool(snapshot.totals) or snapshot.paused or snapshot.damage is not None

    def _no_queue(self, name: str, names: list[str]) -> Ended:
        near = get_close_matches(name, names, 1)
        advice = f"Did you mean {near[0]}?" if near else "`convoy status` lists the queues there are."
        if not names:
            advice = f"There are no queues yet; `convoy publish {name} ID` makes one."
        return Ended(Code.NOT_FOUND, f"There is no queue {name} at {self.where}.", advice)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.2):
            return True
    except OSError:
        return False
