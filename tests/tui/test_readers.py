"""What is read and written beside the polls: it is tried again after an error."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from convoy_core import AsyncFleet, Fleet
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.reading import broken as reading
from convoy_tui.dashboard.reading.broken import BrokenReader
from convoy_tui.dashboard.reading.keeping import HistoryKeeper
from convoy_tui.text.health import Health
from convoy_tui.text.history import Trends
from tests.servers import RealServer, valkey_binary
from tests.tui.failing import fail


@asynccontextmanager
async def a_reader(server: RealServer) -> AsyncIterator[BrokenReader]:
    fleet = AsyncFleet(redis=server.url)
    reader = BrokenReader(fleet)
    try:
        yield reader
    finally:
        await reader.close()
        await fleet.close()


async def asked(reader: BrokenReader, row: Row) -> None:
    """Have it read what is due of that queue."""
    reader.ask([row])
    assert reader._task is not None
    await reader._task


async def test_what_broke_is_read_again_after_an_error_though_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet:
            fail(fleet.queue("trucks"), ["a"], "ValueError: no wheel")
            row = Row(fleet.queue("trucks").snapshot(), Trends(), Health.FAILED)
            server.kill()
            async with a_reader(server) as reader:
                await asked(reader, row)
                assert not reader.known["trucks"].is_known
                reader.ask([row])
                assert reader._task is not None
                assert reader._task.done()  # not with each poll

                server.start()
                fail(fleet.queue("trucks"), ["a"], "ValueError: no wheel")
                monkeypatch.setattr(reading, "_AGAIN_S", 0.0)
                await asked(reader, row)

                assert reader.known["trucks"].commonest == "ValueError: no wheel"
    finally:
        server.stop()


class BrokenFleet:
    """Keeps no history, and by a fault of ours."""

    async def note_history(self, names: Iterable[str]) -> float:
        raise ZeroDivisionError


async def test_the_history_is_kept_again_after_any_error() -> None:
    keeper = HistoryKeeper(cast("AsyncFleet", BrokenFleet()))

    keeper.keep([])
    assert keeper.task is not None
    (error,) = await asyncio.gather(keeper.task, return_exceptions=True)

    assert isinstance(error, ZeroDivisionError)
    assert keeper._due_at < math.inf
