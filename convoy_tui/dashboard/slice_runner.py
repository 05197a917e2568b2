"""Runs a long action slice by slice: shows the progress, can stop between two slices, and says what was done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol, Self, TypeVar

from convoy_core import ConvoyError
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.services import Done
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number


class Summable(Protocol):
    """A tally: of a slice, or of several."""

    def __add__(self, other: Self, /) -> Self:
        """The tally of both."""


TallyT = TypeVar("TallyT", bound=Summable)


class SliceRunner:
    """Runs one action. `show` receives its progress."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._is_stopped = False

    def stop(self) -> None:
        """Stop after the current slice."""
        self._is_stopped = True

    async def run(
        self, slices: AsyncIterator[tuple[int, TallyT]], tally: TallyT, total: int, tell: Callable[[TallyT], Done]
    ) -> Done:
        """Add up the slices, each with its number of items, of which there are `total`. Returns what was done.

        `tell` says it for a tally, also after a stop or an error. Raises ConvoyError if the first slice fails.
        """
        done = 0
        try:
            while done == total or not self._is_stopped:
                n, part = await anext(slices)
                done, tally = done + n, tally + part
                self._show(f"{number(done)} of {number(total)}")
        except StopAsyncIteration:
            return tell(tally)
        except ConvoyError as error:
            if not done:
                raise
            return Done(f"{tell(tally).text} Then it broke off: {safe(str(error), 200)}", Tone.ALARM)
        return Done(f"Stopped. {tell(tally).text}", Tone.WARNING)
