"""The overview by hand: moving, selecting, filtering, freezing, the palette, the help, the mouse."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.spans import plain, width
from convoy_tui.dashboard.screens.help import HelpScreen
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.themes import THEMES
from convoy_tui.dashboard.widgets.footer import Entry, fit
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from tests.tui.fixed import FixedSource, a_queue, alarm_source, an_app, settle
from tests.tui.screen import hides, rows_of, shows, text_of, until


def letters(n: int = 5, **changes: object) -> FixedSource:
    return FixedSource([a_queue(name, **changes) for name in "abcdefghijklmnopqrstuvwxyz"[:n]])


def table(app: ConvoyApp) -> QueueTable:
    return app.screen.query_one(QueueTable)


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ((), "a"),
        (("j", "down", "k"), "b"),
        (("up",), "a"),
        (("G",), "e"),
        (("end", "g"), "a"),
        (("pagedown",), "e"),
        (("G", "pageup"), "a"),
    ],
)
async def test_the_cursor_moves_and_stops_at_the_ends(keys: tuple[str, ...], cursor: str) -> None:
    app = an_app(letters())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        assert table(app).cursor == cursor


async def test_the_cursor_stays_on_the_worst_until_someone_moves_it() -> None:
    source = letters()
    app = an_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        source.snapshots[2] = a_queue("c", jammed=1, processing=1)
        await settle(pilot)
        assert table(app).cursor == "c"
        await shows(pilot, "1 of 1 running job is past")


async def test_the_cursor_follows_its_queue_through_a_new_order() -> None:
    now = 0.0
    source = letters()
    app = an_app(source, clock=lambda: now)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j")
        now += 6
        source.snapshots[2] = a_queue("c", jammed=1, processing=1)
        await settle(pilot)
        assert table(app).order == ("c", "a", "b", "d", "e")
        assert table(app).cursor == "c"


async def test_the_order_holds_while_the_rows_are_being_used() -> None:
    now = 0.0
    source = letters()
    app = an_app(source, clock=lambda: now)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("j")
        source.snapshots[4] = a_queue("e", jammed=1, processing=1)
        await settle(pilot)
        await shows(pilot, "e is jammed")
        assert table(app).order == ("a", "b", "c", "d", "e")

        await pilot.press("space")
        now += 60
        await settle(pilot)
        assert table(app).order == ("a", "b", "c", "d", "e")

        await pilot.press("escape")
        now += 6
        await settle(pilot)
        assert table(app).order == ("e", "a", "b", "c", "d")


async def test_a_queue_that_vanishes_takes_its_selection_along() -> None:
    source = letters()
    app = an_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("asterisk")
        await shows(pilot, "5 queues selected")
        del source.snapshots[1:]
        await settle(pilot)
        assert table(app).selected == {"a"}
        del source.snapshots[:]
        await settle(pilot)
        await shows(pilot, "No queues here yet.")
        assert table(app).targets == ()


async def test_the_filter_hides_until_it_is_cleared() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"mail")
        await hides(pilot, "webhooks  ")
        await pilot.press("enter")
        assert table(app).has_focus
        assert table(app).order == ("emails:transactional",)
        await pilot.press("escape")
        await shows(pilot, "geo:lookup")
        assert not app.screen.query_one("#search", Input).display


async def test_a_key_pauses_the_poller_and_the_title_says_so() -> None:
    app = an_app(letters())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("p")
        await shows(pilot, "frozen")
        assert app._poller.is_frozen
        await pilot.press("p")
        await hides(pilot, "frozen")
        assert not app._poller.is_frozen


async def test_the_palette_runs_commands_and_goes_to_queues() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("colon")
        await shows(pilot, "Jam guard")
        await pilot.press(*"geo:lookup")
        await shows(pilot, "Go to geo:lookup")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen) and table(app).cursor == "geo:lookup")
        await pilot.press("ctrl+p", *"freeze")
        await shows(pilot, "Freeze  (p)")
        await pilot.press("enter")
        await shows(pilot, "frozen")


async def test_the_help_lists_every_key_that_works() -> None:
    app = an_app(letters())
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        ids = {entry.binding.id for entry in app.screen.active_bindings.values() if not entry.binding.system}
        descriptions = {entry.binding.description for entry in app.screen.active_bindings.values() if entry.binding.id}
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        text = text_of(app)

    assert ids >= {"jam", "app.help", "table.down", "filter"}
    assert {description for description in descriptions if description not in text} == set()


async def test_a_click_on_a_row_a_key_and_an_offer_do_what_they_say() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.click("#queues", offset=(20, 2))
        assert table(app).cursor == "webhooks"
        await pilot.click("#keys", offset=(14, 0))
        await shows(pilot, "Jam guard · webhooks")
        await pilot.press("escape")
        await pilot.click("#inspector", offset=(16, 3))
        await shows(pilot, "Requeue · webhooks")


async def test_every_theme_paints_alarms_readable_on_the_cursor() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for theme in THEMES:
            app.theme = theme.name
            await pilot.pause()
            for row in rows_of(app)[4:8]:
                for segment in row:
                    if segment.text.strip(" ▁▂▃▄▅▆▇") and segment.style and segment.style.bold:
                        assert contrast(segment.style.color, segment.style.bgcolor) >= 4.0, (theme.name, segment.text)


def contrast(front: object, back: object) -> float:
    def light(color: object) -> float:
        parts = [float(value) / 255 for value in color.get_truecolor()]  # type: ignore[attr-defined]
        linear: list[float] = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(front), light(back)), reverse=True)
    return (high + 0.05) / (low + 0.05)


async def test_other_themes_know_our_colours() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for name in ("textual-dark", "textual-light", "nord", "ansi-dark"):
            app.theme = name
            await pilot.pause()
            assert "JAMMED" in text_of(app)


async def test_a_resize_folds_the_screen() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        await shows(pilot, "COMMITTED")
        await pilot.resize_terminal(80, 24)
        await hides(pilot, "COMMITTED")
        await hides(pilot, "CLEARS")
        await pilot.resize_terminal(120, 36)
        await shows(pilot, "CLEARS")


async def test_a_store_that_never_answered_is_the_same_screen_with_the_reason() -> None:
    source = FixedSource(is_away=True)
    app = an_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "No answer. No store answers: connection refused.")
        await shows(pilot, "r retries now")
        source.is_away = False
        source.snapshots = [a_queue("q", queued=1)]
        await pilot.press("r")
        await shows(pilot, "The queue is fine.")


async def test_the_first_frame_comes_before_any_number() -> None:
    app = an_app(FixedSource(is_away=True))
    async with app.run_test(size=(120, 36)):
        assert "convoy" in text_of(app)


async def test_a_hundred_queues_scroll_and_the_headings_stay() -> None:
    app = an_app(FixedSource([a_queue(f"queue-{n:03}", queued=7) for n in range(100)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("G")
        await shows(pilot, "queue-099")
        assert "STATE" in text_of(app)
        await pilot.press("g")
        await shows(pilot, "queue-000")


async def test_only_rows_that_changed_are_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = letters(20, queued=1)
    app = an_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        painted: list[int] = []
        real = QueueTable.render_line

        def counted(self: QueueTable, y: int) -> object:
            painted.append(y)
            return real(self, y)

        monkeypatch.setattr(QueueTable, "render_line", counted)
        source.snapshots[7] = a_queue("h", queued=2)
        await settle(pilot, looks=1)
        await until(pilot, lambda: painted)

    assert set(painted) == {8}


def test_the_footer_shows_whole_entries_and_always_the_way_to_the_rest() -> None:
    entries = [Entry("J", "J", "Jam guard"), Entry("R", "R", "Requeue"), Entry("N", "N", "Publish", is_enabled=False)]
    always = [Entry("colon", ":", "Commands"), Entry("question_mark", "?", "Help")]

    for room in range(24, 100):
        line = fit(entries, always, room)
        assert width(line) == room
        assert plain(line).rstrip().endswith(": Commands  ? Help")
        assert "…" not in plain(line)
        for entry in entries:
            assert entry.text in plain(line) or entry.text[:4] not in plain(line)


@pytest.mark.parametrize("columns", [80, 100, 120])
async def test_the_footer_keeps_filter_select_and_quit(columns: int) -> None:
    app = an_app(letters())
    async with app.run_test(size=(columns, 24)) as pilot:
        await settle(pilot)

        keys = text_of(app).splitlines()[-1]

    for kept in ("/ Filter", "Space Select", "q Quit", ": Commands", "? Help"):
        assert kept in keys


async def test_a_filter_without_a_match_says_so() -> None:
    app = an_app(letters(3))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("slash", "x", "x")
        await shows(pilot, "No queue has xx in its name.")
        await shows(pilot, "Esc clears the filter: 3 queues are hidden by it")
        await pilot.press("escape")
        await hides(pilot, "No queue has")
        await shows(pilot, "QUEUED")


async def test_the_cursor_is_on_its_queue_again_after_a_filter_that_hid_all() -> None:
    app = an_app(letters(3))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j")
        chosen = table(app).cursor
        await pilot.press("slash", "x", "x")
        await shows(pilot, "No queue has xx in its name.")
        await pilot.press("escape")
        await hides(pilot, "No queue has")

        assert table(app).cursor == chosen


async def test_quitting_leaves() -> None:
    app = an_app(letters())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_no_key_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every binding of the overview leads to an action that exists."""
    app = an_app(letters())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for entry in app.screen.active_bindings.values():
            name = entry.binding.action.partition("(")[0].rpartition(".")[2]
            assert hasattr(entry.node, f"action_{name}") or hasattr(app, f"action_{name}"), entry
