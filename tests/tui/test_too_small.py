"""A terminal below 60x16 gets one clear sentence, and everything is as it was when it has grown again."""

from __future__ import annotations

import pytest

from convoy_tui.dashboard.screens.too_small import TooSmallScreen
from tests.tui.fixed import alarm_source, an_app, settle
from tests.tui.screen import hides, shows, text_of, until

SMALL = [(59, 24), (80, 15), (30, 10), (10, 3), (1, 1)]


@pytest.mark.parametrize("size", SMALL, ids=str)
async def test_a_small_terminal_is_told_what_is_needed_and_growing_brings_the_page_back(size: tuple[int, int]) -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await settle(pilot)
        if size[0] >= 10:
            assert "This" in text_of(app)
        if size[0] * size[1] >= 300:
            said = " ".join(text_of(app).split())
            assert f"This terminal has {size[0]} x {size[1]} cells. Convoy needs 60 x 16." in said
        await pilot.resize_terminal(80, 24)
        await shows(pilot, "emails:transactional")
        assert app.screen is app.overview


async def test_a_dialog_is_as_it_was_when_the_terminal_has_grown_again() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("N", *"a1")
        await shows(pilot, "Publish 1")
        await pilot.pause()
        before = text_of(app)
        await pilot.resize_terminal(40, 12)
        await shows(pilot, "Make it larger")
        await pilot.press("escape", "x", "y")
        await pilot.resize_terminal(50, 14)
        await shows(pilot, "50 x 14")
        await pilot.resize_terminal(80, 24)
        await hides(pilot, "Make it larger")
        await shows(pilot, "Publish 1")
        await pilot.pause()

        assert text_of(app) == before


async def test_q_quits_a_terminal_that_is_too_small() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(40, 12)) as pilot:
        await shows(pilot, "q quits")
        await pilot.press("q")
        await until(pilot, lambda: app._exit)
