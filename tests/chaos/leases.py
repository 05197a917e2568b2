"""When the leases of the storm's workers had lapsed, by the store's own answers.

A worker writes a line before each request for a lease, and one with the answer. If the answer is unknown, the lease
counts as granted at the latest possible moment, so that every lapse is proven.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from convoy_core import ConvoyError
from convoy_core.moves.call import Call, command
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.connection import Connection
from tests.chaos.judge import Lapse

_ASKS = ("register", "renew")
_NEVER = float("inf")


class Request(NamedTuple):
    """For a lease; times are by `time.monotonic`."""

    sent: float
    over: float = _NEVER
    """When its outcome was known, or that it never would be."""
    granted: float | None = None
    """When the store granted the lease, by the store's clock; None where that is not known."""


def watch(path: Path) -> None:
    """Have this process, a worker, write down its leases."""
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    blocking, awaited = Connection.run, AsyncConnection.run

    def note(sent: float, **what: float | None) -> None:
        os.write(journal, json.dumps({"sent": sent, **what}).encode() + b"\n")

    def over(sent: float, lease_ms: Any = 0, end: float | None = None) -> None:
        now = time.monotonic()
        granted = None if end is None else (end - lease_ms) / 1000 - (time.time() - now)
        note(sent, over=now, granted=granted)

    def run_blocking(self: Connection, call: Call[object]) -> object:
        if not _asks(call):
            return blocking(self, call)
        note(sent := time.monotonic())
        end = None
        try:
            result = blocking(self, call)
            with suppress(ConvoyError):
                end = blocking(self, _end_of_lease(call))
        finally:
            over(sent, call.arguments[1], end)
        return result

    async def run_awaited(self: AsyncConnection, call: Call[object]) -> object:
        if not _asks(call):
            return await awaited(self, call)
        note(sent := time.monotonic())
        end = None
        try:
            result = await awaited(self, call)
            with suppress(ConvoyError):
                end = await awaited(self, _end_of_lease(call))
        finally:
            over(sent, call.arguments[1], end)
        return result

    Connection.run = run_blocking  # type: ignore[method-assign, assignment]
    AsyncConnection.run = run_awaited  # type: ignore[method-assign, assignment]


def _asks(call: Call[object]) -> bool:
    return call.script is not None and call.script.name in _ASKS


def _end_of_lease(call: Call[object]) -> Call[float | None]:
    assert call.script is not None
    workers = call.keys[call.script.keys.index("workers")]
    read: Callable[[Any], float | None] = lambda score: None if score is None else float(score)  # noqa: E731
    return command("ZSCORE", workers, call.arguments[0], read=read)


def read(directory: Path, ends: Mapping[int, float], lease_s: float) -> list[Lapse]:
    """Every lapse of every worker, up to its end, in the order of their beginnings."""
    lapses = []
    for journal in directory.glob("leases-*"):
        worker = int(journal.name.rpartition("-")[2])
        requests: dict[float, Request] = {}
        for line in journal.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):  # else a kill cut it short
                request = Request(**json.loads(line))
                requests[request.sent] = request
        gaps = gaps_between(requests.values(), lease_s, ends.get(worker, _NEVER))
        lapses += [Lapse(worker, since, until) for since, until in gaps]
    return sorted(lapses, key=lambda lapse: lapse.since)


def gaps_between(requests: Collection[Request], lease_s: float, end: float) -> list[tuple[float, float]]:
    """When there was certainly no lease, from the first request on."""
    gaps = []
    alive = sorted(
        (request.sent, request.over + lease_s)
        if request.granted is None
        else (request.granted, request.granted + lease_s)
        for request in requests
    )
    covered = alive[0][1] if alive else _NEVER
    for since, until in [*alive, (end, end)]:
        if covered < since:
            gaps.append((covered, since))
        covered = max(covered, until)
    return gaps
