"""Write screenshots/*.svg and *.png from fixed data: `python -m tests.tui.screenshots`, or `make screenshots`."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.text.history import History
from tests.servers import RealServer, valkey_binary
from tests.tui import page_snapshots
from tests.tui.fixed import FixedSource, alarm_source, an_app, calm, settle
from tests.tui.page_shots import PAGE_SHOTS, take_page
from tests.tui.page_snapshots import PageSnap
from tests.tui.screen import until
from tests.tui.snapshots import step_back
from tests.tui.tour import record

FOLDER = Path(__file__).parents[2] / "screenshots"
_FONT = "DejaVu Sans Mono"


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    size: tuple[int, int]
    walk: Callable[[Pilot[None], ConvoyApp, FixedSource], Awaitable[None]]
    make: Callable[[], tuple[FixedSource, History]] = alarm_source
    theme: str = "convoy-dark"


async def _stay(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await pilot.pause()


def _press(*keys: str) -> Callable[[Pilot[None], ConvoyApp, FixedSource], Awaitable[None]]:
    async def walk(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.6)

    return walk


async def _publish(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await pilot.press("N")
    await pilot.pause()
    ids = app.screen.query_one("#ids")
    ids.text = "mail:90001\nmail:90002\nmail:88412\nmail:90002\nmail:90003"  # type: ignore[attr-defined]
    await pilot.pause(0.8)


async def _step_back(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await step_back(pilot, app)


async def _lose(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    source.is_away = True
    await pilot.press("r")
    await pilot.pause(0.3)


def _calm() -> tuple[FixedSource, History]:
    snapshots, history = calm()
    return FixedSource(snapshots), history


SHOTS = (
    Shot("overview", (120, 36), _stay),
    Shot("overview-80x24", (80, 24), _stay),
    Shot("overview-wide", (200, 60), _stay),
    Shot("all-is-well", (120, 36), _stay, _calm),
    Shot("jam-guard", (120, 36), _press("J")),
    Shot("jam-guard-discard", (120, 36), _press("J", "tab", "tab", "down")),
    Shot("publish", (120, 36), _publish),
    Shot("requeue", (120, 36), _press("j", "R")),
    Shot("pause", (120, 36), _press("P")),
    Shot("launch", (120, 36), _press("W", *"builtins:print")),
    Shot("lost", (120, 36), _lose),
    Shot("past", (120, 36), _step_back),
    Shot("time", (120, 36), _press("7")),
    Shot("time-wide", (200, 60), _press("7")),
    Shot("store", (120, 36), _press("6")),
    Shot("commands", (120, 36), _press("colon", *"webh")),
    Shot("help", (120, 36), _press("question_mark")),
    Shot("overview-light", (120, 36), _stay, theme="convoy-light"),
    Shot("overview-high-contrast", (120, 36), _stay, theme="convoy-high-contrast"),
)
KEPT = (
    ("workers", (120, 36)),
    ("pool", (120, 36)),
    ("failures", (120, 36)),
    ("failures-wide", (200, 60)),
    ("requeue-group", (120, 36)),
    ("activity", (120, 36)),
    ("undo", (120, 36)),
    ("stop", (120, 36)),
)
"""The pages that are kept as text too, on a real store."""


async def take(shot: Shot) -> str:
    """The picture as SVG."""
    source, history = shot.make()
    app = an_app(source, history, theme=shot.theme)
    async with app.run_test(size=shot.size) as pilot:
        await settle(pilot)
        await shot.walk(pilot, app, source)
        await until(pilot, lambda: not app.page.is_loading)
        return app.export_screenshot(title="convoy-tui")


def prepare(svg: str) -> str:
    """What rsvg-convert needs: kept spaces, no no-break spaces, an installed font of the right width."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # a picture fetches nothing from the web
    svg = svg.replace("&#160;", " ").replace("\u00a0", " ").replace("<text ", '<text xml:space="preserve" ')
    # Rich draws cells of 12.2 pixels; our font is 0.602 of its size wide.
    return svg.replace("Fira Code", _FONT).replace("font-size: 20px", "font-size: 20.266px")


def main(names: list[str]) -> None:
    """Write the pictures of those names, or all. `tour` takes three minutes, and is never the same twice."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    for shot in SHOTS:
        if not names or shot.name in names:
            _write(shot.name, asyncio.run(take(shot)))
    for page in PAGE_SHOTS:
        if not names or page.name in names:
            _write(page.name, asyncio.run(take_page(page)))
    for name, size in KEPT:
        if not names or name in names:
            _write(name, _picture_of(name, size))
    if not names or "tour" in names:
        (FOLDER / "tour.svg").write_text(record(), "utf-8")


def _picture_of(name: str, size: tuple[int, int]) -> str:
    server = RealServer(valkey_binary())
    try:
        snap = PageSnap(name.removesuffix("-wide"), (size,))
        return asyncio.run(page_snapshots.take(snap, server, lambda app: app.export_screenshot(title="convoy-tui")))[0]
    finally:
        server.stop()


def _write(name: str, svg: str) -> None:
    path = FOLDER / f"{name}.svg"
    path.write_text(prepare(svg), "utf-8")
    if converter := shutil.which("rsvg-convert"):
        subprocess.run([converter, str(path), "-o", str(path.with_suffix(".png"))], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
