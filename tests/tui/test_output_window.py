"""The window with the output of local pools: what it costs while output flows, told by counting."""

from __future__ import annotations

import os
from typing import Self

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from convoy_tui.dashboard.board.spans import line
from convoy_tui.dashboard.output_log import OutputLog, Written
from convoy_tui.dashboard.screens import output
from convoy_tui.dashboard.screens.output import OutputScreen
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.tones import TonedApp
from tests.tui.fixed import FixedSource, a_queue, an_app
from tests.tui.screen import text_of, until
from tests.waiting import eventually


class CountedLines(Lines):
    """Counts what it has drawn again: regions, or 0 for everything."""

    def __init__(self) -> None:
        super().__init__(*(line(f"before {n}") for n in range(2000)))
        self.drawn: list[int] = []

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self.drawn.append(len(regions))
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class LinesApp(TonedApp):
    def compose(self) -> ComposeResult:
        yield CountedLines()


@pytest.mark.parametrize(("changed", "drawn"), [(0, []), (3, [1, 1, 1]), (2000, [0])])
async def test_where_most_lines_change_all_are_drawn_at_once(changed: int, drawn: list[int]) -> None:
    app: App[None] = LinesApp()
    async with app.run_test():
        lines = app.query_one(CountedLines)
        lines.drawn.clear()

        lines.show(line(f"{'after' if n < changed else 'before'} {n}") for n in range(2000))

        assert lines.drawn == drawn


async def test_only_lines_that_are_new_are_made_ready_to_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    made, make = 0, output._drawn

    def counting(written: Written, *, is_named: bool) -> object:
        nonlocal made
        made += 1
        return make(written, is_named=is_named)

    monkeypatch.setattr(output, "_drawn", counting)
    log = OutputLog()
    sink = log.open("local-1")
    app = an_app(FixedSource([a_queue("q")]))
    async with app.run_test(size=(100, 30)) as pilot:
        for n in range(150):
            os.write(sink, b"line %d\n" % n)
        eventually(lambda: log.count == 150)
        app.push_screen(OutputScreen(log, None))
        await until(pilot, lambda: "line 149" in text_of(app))
        made = 0
        os.write(sink, b"one more\n")
        await until(pilot, lambda: "one more" in text_of(app))
        assert made == 1
    os.close(sink)
