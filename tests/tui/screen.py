"""Reads the screen of a running app as text, cell by cell, and waits until it shows something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rich.segment import Segment
from textual.app import App
from textual.pilot import Pilot

from tests.waiting import patient


def rows_of(app: App[None]) -> list[list[Segment]]:
    """Every line of the screen as it would be written."""
    return [list(strip) for strip in app.screen._compositor.render_strips(app.size)]


def text_of(app: App[None]) -> str:
    """The screen's text, without what is blank at the ends of lines."""
    return "\n".join("".join(segment.text for segment in row).rstrip() for row in rows_of(app)).rstrip() + "\n"


def marked_text_of(app: App[None]) -> str:
    """The screen's text, and under each line that has any: b for bold cells, r for reversed ones, x for both."""
    lines = []
    for row in rows_of(app):
        lines.append("".join(segment.text for segment in row).rstrip())
        marks = "".join(_mark(segment) * len(segment.text) for segment in row).rstrip()
        lines += [f"~{marks[1:]}"] if marks.strip() else []
    return "\n".join(lines).rstrip() + "\n"


def _mark(segment: Segment) -> str:
    style = segment.style
    is_bold, is_reversed = bool(style and style.bold), bool(style and style.reverse)
    return "x" if is_bold and is_reversed else "r" if is_reversed else "b" if is_bold else " "


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Go on as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + patient()
    while not condition():
        assert time.monotonic() < deadline, f"not within {patient():g} s; the screen is\n{text_of(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def shows(pilot: Pilot[None], text: str) -> None:
    """Go on as soon as the screen shows the text."""
    await until(pilot, lambda: text in text_of(pilot.app))


async def hides(pilot: Pilot[None], text: str) -> None:
    """Go on as soon as the screen does not show the text any more."""
    await until(pilot, lambda: text not in text_of(pilot.app))


async def laid_out(pilot: Pilot[None], size: tuple[int, int] | None = None) -> None:
    """Go on when the screen has been laid out, for this size where one is given, and nothing of it is pending.

    A layout may ask for another one: of a dialog whose texts are wrapped for the room that they have now.
    """
    app, before, calm = pilot.app, "", 0

    def is_calm() -> bool:
        nonlocal before, calm
        is_wrong = size is not None and app.screen.size != size
        is_pending = is_wrong or app.screen._layout_required or app._resize_event is not None
        calm = 0 if is_pending or before != text_of(app) else calm + 1
        before = text_of(app)
        return calm == 3

    await until(pilot, is_calm)


async def resized(pilot: Pilot[None], size: tuple[int, int]) -> None:
    """Resize the terminal, and go on when the screen has been laid out for that size."""
    await pilot.resize_terminal(*size)
    await laid_out(pilot, size)
