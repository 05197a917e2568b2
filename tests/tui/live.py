"""The dashboard on a real store: opened, and looked at as text without what differs from run to run."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.board import Place
from convoy_tui.dashboard.remembered import Memory
from convoy_tui.dashboard.source import LiveSource
from tests.tui.screen import laid_out, resized, text_of, until


@asynccontextmanager
async def opened(
    url: str,
    *,
    read_only: bool = False,
    size: tuple[int, int] = (120, 36),
    interval_s: float = 0.2,
    shown: str | None = None,
    environment: str | None = None,
    is_ascii: bool = False,
    source: LiveSource | None = None,
    clock: Callable[[], float] = time.monotonic,
    memory: Memory | None = None,
) -> AsyncIterator[tuple[Pilot[None], ConvoyApp]]:
    """A dashboard that looks at the store of this URL; the title shows `shown` in the place of its address."""
    source = source or LiveSource(url=url, read_only=read_only)
    place = Place(shown or source.shown, environment, read_only, "--read-only" if read_only else "")
    app = ConvoyApp(source, place, interval_s=interval_s, is_ascii=is_ascii, clock=clock, memory=memory)
    async with app.run_test(size=size) as pilot:
        yield pilot, app


async def press_in_turn(pilot: Pilot[None], app: ConvoyApp, keys: Iterable[str]) -> None:
    """Press each key when the page has read what the one before it asked for, and is laid out.

    A page that a dialog covers before that is laid out when it is seen again, so it stays blank behind the dialog.
    """
    for key in keys:
        await pilot.press(key)
        await until(pilot, lambda: not app.page.is_loading)
        await laid_out(pilot)


async def at_size(pilot: Pilot[None], app: ConvoyApp, size: tuple[int, int], text: Callable[[ConvoyApp], str]) -> str:
    """The text at one size, once it is the same twice in a row and nothing is being read."""
    await resized(pilot, size)
    before = ""
    while app.page.is_loading or before != text(app):
        before = text(app)
        await pilot.pause()
    return before


def settled_text(app: ConvoyApp) -> str:
    """The screen's text with one round trip, one age of the reading and one time of day, for snapshots."""
    title, *rest = text_of(app).split("\n")
    said = re.sub(r"\d+\.\d ms", "0.4 ms", title)
    said = re.sub(r"([·-]) \d+ ?s ago", r"\1 0s ago", said)
    # The right end of the title stays where it is, whatever stands in front of it.
    said = re.sub(r" {2,}(?=[●o] )", lambda gap: gap[0] + " " * (len(title) - len(said)), said)
    return "\n".join([said, *map(_at_noon, rest)])


def _at_noon(line: str) -> str:
    line = re.sub(r"\d\d:\d\d:\d\d", "12:00:00", line)
    line = re.sub(r"(?<=\dm)\d\ds", "30s", line)
    return re.sub(r"\b\d\d-\d\d(?= 12:00:00)", "01-02", re.sub(r"\b\d{4}-\d\d-\d\d(?= 12:00:00)", "2026-01-02", line))
