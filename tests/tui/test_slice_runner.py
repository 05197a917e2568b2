"""A long action in slices: its progress, and what is said of it after its end, a stop or an error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from convoy_core import StoreUnreachable
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.services import Done
from convoy_tui.dashboard.slice_runner import SliceRunner


class Action:
    """Moves ten items in slices of four, four and two; at one item it may be stopped, at another fail."""

    def __init__(self, *, stop_at: int | None = None, fail_at: int | None = None) -> None:
        self.shown: list[str] = []
        self.begun: list[int] = []
        self._runner = SliceRunner(self.shown.append)
        self._stop_at = stop_at
        self._fail_at = fail_at
        if stop_at == -1:
            self._runner.stop()

    async def run(self) -> Done:
        return await self._runner.run(self._slices(), [], 10, lambda moved: Done(f"Moved {len(moved)}."))

    async def _slices(self) -> AsyncIterator[tuple[int, list[int]]]:
        for first in (0, 4, 8):
            self.begun.append(first)
            if first == self._fail_at:
                raise StoreUnreachable("No store answers.")
            if first == self._stop_at:
                self._runner.stop()
            items = list(range(first, min(first + 4, 10)))
            yield len(items), items


async def test_it_adds_up_all_slices_and_shows_each() -> None:
    action = Action()

    assert await action.run() == Done("Moved 10.")
    assert action.shown == ["4 of 10", "8 of 10", "10 of 10"]


@pytest.mark.parametrize(("stop_at", "begun", "moved"), [(-1, [], 0), (0, [0], 4), (4, [0, 4], 8)])
async def test_a_stop_ends_it_after_the_current_slice_and_tells_what_was_done(
    stop_at: int, begun: list[int], moved: int
) -> None:
    action = Action(stop_at=stop_at)

    assert await action.run() == Done(f"Stopped. Moved {moved}.", Tone.WARNING)
    assert action.begun == begun


async def test_a_stop_during_the_last_slice_stops_nothing() -> None:
    assert await Action(stop_at=8).run() == Done("Moved 10.")


async def test_an_error_in_the_first_slice_is_raised() -> None:
    with pytest.raises(StoreUnreachable):
        await Action(fail_at=0).run()


@pytest.mark.parametrize(("fail_at", "moved"), [(4, 4), (8, 8)])
async def test_an_error_in_a_later_slice_tells_what_was_done_before(fail_at: int, moved: int) -> None:
    told = f"Moved {moved}. Then it broke off: No store answers."

    assert await Action(fail_at=fail_at).run() == Done(told, Tone.ALARM)
