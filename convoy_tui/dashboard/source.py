"""The data source of the dashboard: reads and changes a store through `convoy_core`, behind a protocol.

Rule: `look` is one round trip, however many queues there are, and two where some are new. The names of those that only
Node clients use are found by a scan of the store, which runs beside the polling, every half minute and on request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from convoy_core import (
    BATCH,
    AsyncFleet,
    Chunk,
    ConvoyError,
    Entry,
    Face,
    Handler,
    Jammed,
    Operator,
    Outcome,
    ReadOnly,
    Snapshot,
    State,
    Then,
    WorkerPool,
    describe_store,
)
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.reading.broken import BrokenReader
from convoy_tui.dashboard.reading.keeping import HistoryKeeper
from convoy_tui.text.broken import Broken
from convoy_tui.text.recalled import LONG_S, RECENT_S, Rows, Seen, at_stake, recalled
from convoy_tui.text.workers import holder

DISCOVER_S = 30.0
"""The interval of scans for queues that nobody registered."""
DISCOVER_EMPTY_S = 3.0
"""The same while no queue is known, so that the first one appears soon."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one read."""

    snapshots: tuple[Snapshot, ...]
    round_trip_s: float
    at: float | None
    """The store's time; None if there was no queue to read it from."""
    past: Mapping[str, Rows] = field(default_factory=dict)
    """What the store has kept of the queues that have not been looked at just before."""
    broken: Mapping[str, Broken] = field(default_factory=dict)
    """What broke in the queues that fail, as far as that was read."""
    no_writes: str = ""
    """Why the store takes no writes, where it has refused one that this dashboard makes by itself."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The failed IDs of a preview, and how many there are in total."""

    entries: tuple[Entry, ...]
    total: int


class Source(Protocol):
    """A store with the operations that the screens need. Every method may raise ConvoyError."""

    @property
    def shown(self) -> str:
        """The address of the store, for people to read. It never holds a password."""

    @property
    def fleet(self) -> AsyncFleet:
        """The store, for what pages read: each through a module of `reading`."""

    async def look(self) -> Reading:
        """All queues at one instant."""

    def explain(self, rows: Sequence[Row]) -> None:
        """Read what broke in those of these queues that fail, for later readings."""

    @property
    def can_start(self) -> bool:
        """Whether the store is an embedded one, which `start_store` starts."""

    async def start_store(self) -> None:
        """Start the embedded store."""

    async def discover(self) -> None:
        """Find the names of all queues now."""

    async def jammed(self, queue: str, idle_s: float) -> list[Jammed]:
        """The jobs that have been running for longer than `idle_s` seconds."""

    async def free(
        self, queue: str, entries: Sequence[Jammed], then: Then, *, skip_live: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        """Free exactly these entries; with `skip_live` not those whose workers live by then."""

    async def failed(self, queue: str, limit: int) -> Failed:
        """Up to `limit` failed IDs."""

    async def requeue(
        self, queue: str, ids: Sequence[str], *, dry_run: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        """Queue exactly these IDs again, or return what that would do."""

    def publish(self, queue: str, ids: Sequence[str], *, rerun: bool, dry_run: bool) -> AsyncIterator[Chunk]:
        """Publish, or return what that would do."""

    async def pause(self, queue: str) -> bool:
        """Stop workers from claiming. Returns whether that changed anything."""

    async def resume(self, queue: str) -> bool:
        """Let workers claim again. Returns whether that changed anything."""

    def pool(self, queue: str, handler: Handler, *, concurrency: int, job_timeout: float | None) -> WorkerPool:
        """A pool for that queue, not started yet."""

    async def close(self) -> None:
        """Close the connections."""


class LiveSource:
    """A real store."""

    def __init__(
        self,
        *,
        url: str | None = None,
        prefix: str | None = None,
        read_only: bool = False,
        jam_after_s: float = 300.0,
        operator: str | None = None,
    ) -> None:
        self._store = describe_store(url)
        self._fleet = AsyncFleet(
            redis=self._store.url,
            prefix=prefix,
            read_only=read_only,
            operator=Operator.here(Face.DASHBOARD, who=operator),
        )
        self._read_only = read_only
        self._jam_after_s = jam_after_s
        self._names: list[str] = []
        self._discovered_at: float | None = None
        self._discovery: asyncio.Task[None] | None = None
        self._keeper = HistoryKeeper(self._fleet)
        self._is_started = False
        self._seen = Seen()
        self._broken = BrokenReader(self._fleet)

    @property
    def shown(self) -> str:
        """The address of the store, for people to read. It never holds a password."""
        return self._store.shown

    @property
    def fleet(self) -> AsyncFleet:
        """The store, for what pages read: each through a module of `reading`. It writes nothing if read-only."""
        return self._fleet

    async def look(self) -> Reading:
        """All queues at one instant, in one round trip."""
        if self._discovered_at is None:
            await self.discover()
        elif self._is_due() and (self._discovery is None or self._discovery.done()):
            self._discovery = asyncio.create_task(self._discover_beside(), name="convoy discovery")
        names, start = self._names, time.perf_counter()
        snapshots = await self._fleet.snapshot(names, jam_after_s=self._jam_after_s, registered=True)
        took = time.perf_counter() - start
        if not snapshots:
            return Reading((), took, None, no_writes=self._keeper.no_writes)
        new = {one.queue for one in snapshots}.difference(names)  # a scan may have found others gone meanwhile
        self._names = sorted({*self._names, *new})
        past = await self._recall(snapshots)
        if not self._read_only:
            self._keeper.keep(snapshots)
        broken = dict(self._broken.known)
        return Reading(tuple(snapshots), took, snapshots[0].at, past, broken, self._keeper.no_writes)

    def explain(self, rows: Sequence[Row]) -> None:
        """Read what broke in those of these queues that fail, beside the polls."""
        self._broken.ask(rows)

    async def _recall(self, snapshots: Sequence[Snapshot]) -> dict[str, Rows]:
        """What was kept of the queues that are new here, or were not looked at for a while."""
        past: dict[str, Rows] = {}
        if missed := self._seen.missed(snapshots):
            recent = await self._fleet.histories([one.queue for one in missed], last_s=RECENT_S)
            long = await self._fleet.histories([one.queue for one in at_stake(missed)], last_s=LONG_S)
            past = recalled(missed, recent, long)
        self._seen.note(snapshots)
        return past

    @property
    def can_start(self) -> bool:
        """Whether the store is an embedded one."""
        return self._store.embedded_server is not None

    async def start_store(self) -> None:
        """Start the embedded store: only somebody who asks for it does, or nobody could stop it for good."""
        if (server := self._store.embedded_server) is not None:
            await asyncio.to_thread(server.ensure)

    async def discover(self) -> None:
        """Scan the store for the names of all queues."""
        await self._start()
        self._names = await self._fleet.queues()
        self._discovered_at = time.monotonic()

    async def jammed(self, queue: str, idle_s: float) -> list[Jammed]:
        """The jobs that have been running for longer than `idle_s` seconds, each with its holder's host and process."""
        found = await self._fleet.queue(queue).jammed(idle_s=idle_s)
        if not any(entry.worker for entry in found):
            return found
        names = {pool.id: holder(pool) for pool in await self._fleet.queue(queue).workers()}
        return [replace(entry, worker=names.get(entry.worker or "", entry.worker)) for entry in found]

    async def free(
        self, queue: str, entries: Sequence[Jammed], then: Then, *, skip_live: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        """Free exactly these entries, each only if the run that was listed is still going on."""
        acting = self._fleet.queue(queue, operation=operation)
        return await acting.free_jammed(entries, then=then, skip_live=skip_live)

    async def failed(self, queue: str, limit: int) -> Failed:
        """Up to `limit` failed IDs, fewest failures first."""
        entries: list[Entry] = []
        start: int | None = 0
        total = 0
        while start is not None and len(entries) < limit:
            page = await self._fleet.queue(queue).page(
                State.FAILED, start=start, limit=min(BATCH, limit - len(entries))
            )
            entries += page.entries
            start, total = page.next, page.total
        return Failed(tuple(entries), max(total, len(entries)))

    async def requeue(
        self, queue: str, ids: Sequence[str], *, dry_run: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        """Queue exactly these IDs again, or return what that would do."""
        return await self._fleet.queue(queue, operation=operation).requeue(ids, dry_run=dry_run)

    async def publish(self, queue: str, ids: Sequence[str], *, rerun: bool, dry_run: bool) -> AsyncIterator[Chunk]:
        """Publish, or return what that would do."""
        async for chunk in self._fleet.queue(queue).publish_chunks(ids, rerun=rerun, dry_run=dry_run):
            yield chunk

    async def pause(self, queue: str) -> bool:
        """Stop workers from claiming."""
        return await self._fleet.queue(queue).pause()

    async def resume(self, queue: str) -> bool:
        """Let workers claim again."""
        return await self._fleet.queue(queue).resume()

    def pool(self, queue: str, handler: Handler, *, concurrency: int, job_timeout: float | None) -> WorkerPool:
        """A pool with connections of its own. Raises ReadOnly."""
        if self._read_only:
            raise ReadOnly("The dashboard is read-only, so it starts no workers.")
        return WorkerPool(self._fleet.queue(queue), handler, concurrency=concurrency, job_timeout=job_timeout)

    async def close(self) -> None:
        """Close the connections."""
        await self._broken.close()
        for beside in (self._discovery, self._keeper.task):
            if beside is not None:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)
        await self._fleet.close()

    def _is_due(self) -> bool:
        since = time.monotonic() - (self._discovered_at or 0.0)
        return since > (DISCOVER_S if self._names else DISCOVER_EMPTY_S)

    async def _discover_beside(self) -> None:
        try:
            await self.discover()
        except ConvoyError:
            self._discovered_at = time.monotonic()  # the read of the same tick reports the error

    async def _start(self) -> None:
        """Start an embedded server once, in a thread: in the event loop it would delay the first frame."""
        if not self._is_started and (server := self._store.embedded_server) is not None:
            await asyncio.to_thread(server.ensure)
        self._is_started = True
