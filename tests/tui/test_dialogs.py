"""Every dialog on a fixed source: what it shows, what it does when confirmed, and that it does nothing otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input

from convoy_core import Entry, Jammed, Outcome, Published, State, Then
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.spans import plain, width
from convoy_tui.dashboard.screens.jam_guard import JamGuardDialog
from convoy_tui.dashboard.screens.leave import LeaveDialog
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.screens.publish import read_draft
from convoy_tui.dashboard.services import LaunchForm
from convoy_tui.dashboard.widgets.entry import ManyLines
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from convoy_tui.text.health import Limits
from tests.tui.fixed import NOW, STUCK, FixedSource, a_queue, alarm_source, an_app, settle
from tests.tui.screen import hides, resized, rows_of, shows, text_of, until


@asynccontextmanager
async def opened(
    source: FixedSource, *, size: tuple[int, int] = (120, 36), environment: str | None = None
) -> AsyncIterator[tuple[Pilot[None], ConvoyApp]]:
    app = an_app(source, environment=environment)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot, app


@dataclass
class SlowSource(FixedSource):
    """Shows what is stuck only when it may."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def jammed(self, queue: str, idle_s: float) -> list[Jammed]:
        await self.may_answer.wait()
        return await super().jammed(queue, idle_s)


@dataclass
class SlowWrites(FixedSource):
    """Frees jobs only when it may, and says when it was asked to."""

    may_free: asyncio.Event = field(default_factory=asyncio.Event)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def free(
        self, queue: str, entries: Sequence[Jammed], then: Then, *, skip_live: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        self.is_asked.set()
        await self.may_free.wait()
        return await super().free(queue, entries, then, skip_live=skip_live, operation=operation)


@dataclass
class LostSource(FixedSource):
    """Is away after the first write."""

    def _write(self, *act: object) -> None:
        super()._write(*act)
        self.is_away = True


def alarmed() -> FixedSource:
    return alarm_source()[0]


def table(app: ConvoyApp) -> QueueTable:
    return app.screen_stack[1].query_one(QueueTable)


# -- the jam guard


async def test_jam_guard_frees_exactly_what_it_showed() -> None:
    source = alarmed()
    async with opened(source) as (pilot, _):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave processing. 4 stay.")
        await shows(pilot, "ALIVE, may still run it")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 2 and requeued them.")

    dead = [(entry.id, entry.start) for entry in STUCK if not entry.is_live]
    assert source.acts == [("free", "emails:transactional", dead, Then.REQUEUE, True)]


async def test_the_jam_guard_takes_the_jobs_of_living_workers_only_when_asked() -> None:
    source = alarmed()
    async with opened(source) as (pilot, _):
        await pilot.press("J")
        await shows(pilot, "1 is left out, since its worker lives.")
        await shows(pilot, "--then requeue --skip-live")
        await pilot.press("down", "down", "space")
        await shows(pilot, "1 of these is held by a live worker. Clearing it can run that job twice.")
        await hides(pilot, "--skip-live")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 3 and requeued them.")

    assert [([id for id, _ in act[2]], act[4]) for act in source.acts] == [  # type: ignore[attr-defined]
        (["mail:88412", "mail:88390"], True),
        (["mail:88377"], False),
    ]


async def test_an_answer_before_the_preview_does_nothing() -> None:
    source = SlowSource([a_queue("q", processing=1, jammed=1)], stuck={"q": STUCK})
    async with opened(source) as (pilot, app):
        await pilot.press("J", "ctrl+s", "ctrl+s")
        await shows(pilot, "Reading")
        assert isinstance(app.screen, JamGuardDialog)
        assert source.acts == []

        source.may_answer.set()
        await shows(pilot, "2 jobs will leave")
        assert source.acts == []
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 2")


async def test_the_configured_limit_is_the_one_that_is_shown_and_used() -> None:
    source = FixedSource([a_queue("q", processing=3, oldest_processing_s=724.0)], stuck={"q": STUCK})
    app = an_app(source, limits=Limits(jam_after_s=3600.0))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await shows(pilot, "limit 1h")
        await pilot.press("J")
        await shows(pilot, "Nothing has been running for that long")
        assert app.screen.query_one("#limit", Input).value == "1h"


async def test_jam_guard_leaves_out_what_was_left_out() -> None:
    source = alarmed()
    async with opened(source) as (pilot, _):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave")
        await pilot.press("down", "space")
        await shows(pilot, "1 job will leave processing. 5 stay.")
        await shows(pilot, "1 more, which are left out here")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 1")

    assert source.acts == [("free", "emails:transactional", [(STUCK[0].id, STUCK[0].start)], Then.REQUEUE, True)]


async def test_jam_guard_says_what_had_finished_meanwhile() -> None:
    source = replace(alarmed(), outcomes={"mail:88390": Outcome.GONE})
    async with opened(source) as (pilot, _):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 1 and requeued it; 1 had finished in the meantime.")


async def test_jam_guard_discards_only_after_the_name_was_typed() -> None:
    source = alarmed()
    async with opened(source) as (pilot, app):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave")
        app.screen.query_one("#then").focus()
        await pilot.press("down")
        await shows(pilot, "2 IDs are lost")
        assert app.screen.query_one("#confirm", Button).has_class("-danger")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert source.acts == []

        app.screen.query_one("#typed").focus()
        await pilot.press(*"emails:transactiona", "enter")
        assert source.acts == []
        await pilot.press("l", "enter")
        await shows(pilot, "Cleared 2 and discarded them.")

    assert [act[3] for act in source.acts] == [Then.DISCARD]


async def test_jam_guard_reads_again_for_another_limit() -> None:
    source = alarmed()
    async with opened(source) as (pilot, app):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave")
        limit = app.screen.query_one("#limit", Input)
        limit.focus()
        limit.value = "11m59s"
        await shows(pilot, "1 job will leave")
        limit.value = "soon"
        await shows(pilot, "is no duration")
        assert app.screen.query_one("#confirm", Button).disabled
        limit.value = "9h"
        await shows(pilot, "Nothing has been running for that long; the longest has for 12m04s.")
        app.screen.query_one("#leave").focus()
        await pilot.press("ctrl+s")
        await pilot.pause()

    assert source.acts == []


async def test_jam_guard_works_on_all_selected_queues() -> None:
    source = alarmed()
    other = [Jammed("hook:1", NOW - 400, 400.0, None, is_live=False)]
    source.stuck = {**source.stuck, "webhooks": other}
    async with opened(source) as (pilot, app):
        await pilot.press("space", "space", "J")
        await shows(pilot, "3 jobs will leave")
        await shows(pilot, "2 queues")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 3")
        assert table(app).selected == frozenset()

    assert [act[1] for act in source.acts] == ["emails:transactional", "webhooks"]


async def test_over_a_thousand_on_production_wants_the_name_typed() -> None:
    many = [Jammed(f"m{n}", NOW - 400, 400.0, None, is_live=False) for n in range(1200)]
    source = alarmed()
    source.stuck = {"emails:transactional": many}
    async with opened(source, environment="production") as (pilot, app):
        await pilot.press("J")
        await shows(pilot, "1,200 jobs will leave")
        await shows(pilot, "Type emails:transactional to go on")
        app.screen.query_one("#typed").focus()
        await pilot.press(*"emails:transactional", "enter")
        await shows(pilot, "Cleared 1,200")

    assert [len(act[2]) for act in source.acts] == [100] * 12  # type: ignore[arg-type]


async def test_jam_guard_stopped_midway_tells_what_it_cleared() -> None:
    many = [Jammed(f"m{n}", NOW - 400, 400.0, None, is_live=False) for n in range(250)]
    source = SlowWrites([a_queue("q", processing=250, jammed=250)], stuck={"q": many})
    async with opened(source) as (pilot, _):
        await pilot.press("J")
        await shows(pilot, "250 jobs will leave")
        await pilot.press("ctrl+s")
        await source.is_asked.wait()
        await pilot.press("escape")
        source.may_free.set()
        await shows(pilot, "Stopped. Cleared 100 and requeued them.")

    assert len(source.acts) == 1


async def test_a_stop_applies_to_its_own_attempt_only() -> None:
    source = SlowWrites([a_queue("q", processing=3, jammed=3)], stuck={"q": STUCK})
    async with opened(source) as (pilot, _):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave")
        await pilot.press("ctrl+s")
        await source.is_asked.wait()
        await pilot.press("escape")
        source.is_away = True
        source.may_free.set()
        await shows(pilot, "Not done. No store answers")
        source.is_away = False
        await shows(pilot, "Try again")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 2 and requeued them.")


# -- requeue


async def test_requeue_tells_what_becomes_of_each_and_does_that() -> None:
    source = alarmed()
    async with opened(source) as (pilot, _):
        await pilot.press("j", "R")
        await shows(pilot, "302   will be queued again")
        await shows(pilot, "14   already waiting or running")
        await shows(pilot, "288  ConnectTimeout")
        await pilot.press("y")
        await shows(pilot, "Requeued 302 IDs; 14 already waiting or running, dropped from failed; 1 no longer failed.")

    assert [(act[0], act[1], len(act[2])) for act in source.acts] == [("requeue", "webhooks", 317)]  # type: ignore[arg-type]


async def test_requeue_of_very_many_takes_ten_thousand_at_a_time_and_says_so() -> None:
    failures = [Entry(f"f{n}", State.FAILED, failures=1) for n in range(10_250)]
    source = FixedSource([a_queue("q", failed=len(failures))], failures={"q": failures})
    async with opened(source) as (pilot, _):
        await pilot.press("R")
        await shows(pilot, "10,250 failed. These are 10,000 of them")
        await pilot.press("y")
        await shows(pilot, "Requeued 10,000 IDs.")

    ids = [id for act in source.acts for id in act[2]]  # type: ignore[attr-defined]
    assert ids == [entry.id for entry in failures[:10_000]]


async def test_requeue_of_more_than_fits_names_the_queues_that_are_left_and_keeps_the_selection() -> None:
    failures = {name: [Entry(f"{name}{n}", State.FAILED, failures=1) for n in range(10_000)] for name in "abc"}
    failures["b"], failures["c"] = failures["b"][:500], failures["c"][:1]
    source = FixedSource([a_queue(name, failed=len(ids)) for name, ids in failures.items()], failures=failures)
    async with opened(source) as (pilot, app):
        await pilot.press("space", "space", "space", "R")
        await until(pilot, lambda: is_said(app, "10,501 failed. These are 10,000 of them; the others, in b, c, stay"))
        assert "--limit 10000" in text_of(app)
        await pilot.press("y")
        await shows(pilot, "Requeued 10,000 IDs. 501 more IDs are failed: press R again.")
        assert table(app).selected == {"a", "b", "c"}

    assert {act[1] for act in source.acts} == {"a"}


async def test_requeue_opens_nothing_where_nothing_failed() -> None:
    async with opened(FixedSource([a_queue("q")])) as (pilot, app):
        await pilot.press("R")
        await shows(pilot, "Nothing is failed there.")
        assert isinstance(app.screen, OverviewScreen)


# -- publish


def test_a_draft_is_taken_exactly_as_it_stands() -> None:
    draft = read_draft("a\r\n b\n\na\n[/\n")

    assert (draft.ids, draft.lines, draft.repeated, draft.spaced) == (("a", " b", "[/"), 4, 1, 1)


async def test_publish_counts_what_is_new_waiting_running_and_repeated() -> None:
    source = alarmed()
    async with opened(source) as (pilot, app):
        await pilot.press("N")
        app.screen.query_one(ManyLines).text = "mail:90001\nmail:90002\nmail:88412\nmail:90002"
        await shows(pilot, "4 lines, 3 distinct IDs")
        await shows(pilot, "1 new")
        await shows(pilot, "1 already running (mail:88412) · 1 already waiting (mail:90001) · 1 repeated")
        await pilot.press("ctrl+s")
        await shows(pilot, "Published 1 to emails:transactional")

    assert source.acts == [("publish", "emails:transactional", ["mail:90001", "mail:90002", "mail:88412"], False)]


async def test_publish_to_a_new_queue_says_that_it_is_new() -> None:
    source = FixedSource()
    async with opened(source) as (pilot, _):
        await pilot.press("N")
        await pilot.press(*"trucks", "tab", "4", "2")
        await shows(pilot, "This makes a new queue.")
        await shows(pilot, "1 line, 1 distinct ID")
        await pilot.press("ctrl+s")
        await shows(pilot, "Published 1 to trucks.")

    assert source.acts == [("publish", "trucks", ["42"], False)]


async def test_publish_refuses_what_is_no_queue_name_and_no_id() -> None:
    async with opened(FixedSource()) as (pilot, app):
        await pilot.press("N")
        app.screen.query_one("#queue", Input).value = "no name"
        await shows(pilot, "is no queue name")
        app.screen.query_one("#queue", Input).value = "trucks"
        app.screen.query_one(ManyLines).text = "a\n" + "x" * 20_000
        await shows(pilot, "Line 2: A job ID has 20,000 bytes")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.screen.query_one("#confirm", Button).disabled


async def test_publish_can_ask_for_another_run() -> None:
    source = replace(alarmed(), committed={"a": Published.WILL_RERUN})
    async with opened(source) as (pilot, app):
        await pilot.press("N")
        app.screen.query_one(ManyLines).text = "a"
        app.screen.query_one("#then").focus()
        await pilot.press("down")
        await shows(pilot, "1 running, will run once more")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: source.acts)

    assert source.acts == [("publish", "emails:transactional", ["a"], True)]


# -- pause


async def test_pause_says_what_it_means_and_pauses() -> None:
    source = alarmed()
    async with opened(source) as (pilot, _):
        await pilot.press("P")
        await shows(pilot, "Workers stop claiming; 1,204 IDs keep waiting.")
        await pilot.press("y")
        await shows(pilot, "Paused emails:transactional.")

    assert source.acts == [("pause", "emails:transactional")]


async def test_pause_of_several_tells_what_was_done_before_the_store_was_lost() -> None:
    source = LostSource([a_queue("a"), a_queue("b")])
    async with opened(source) as (pilot, _):
        await pilot.press("space", "space", "P")
        await shows(pilot, "Workers stop claiming")
        await pilot.press("y")
        await shows(pilot, "Paused a. Then it broke off: No store answers")

    assert source.acts == [("pause", "a")]


async def test_pause_of_a_paused_queue_resumes() -> None:
    source = FixedSource([a_queue("q", paused=True, queued=2)])
    async with opened(source) as (pilot, _):
        await pilot.press("P")
        await shows(pilot, "Workers claim again: 2 IDs that wait can be run.")
        await pilot.press("y")
        await shows(pilot, "Resumed q.")

    assert source.acts == [("resume", "q")]


# -- all of them


@pytest.mark.parametrize("keys", [("J",), ("j", "R"), ("N",), ("P",), ("W",)], ids=lambda keys: keys[-1])
@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_escape_leaves_and_changes_nothing(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    source = alarmed()
    async with opened(source, size=size) as (pilot, app):
        await pilot.press(*keys)
        await until(pilot, lambda: not isinstance(app.screen, OverviewScreen))
        await shows(pilot, "Esc")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))

    assert source.acts == []


@pytest.mark.parametrize("keys", [("j", "R"), ("P",)], ids=lambda keys: keys[-1])
async def test_enter_right_after_opening_chooses_the_safe_answer(keys: tuple[str, ...]) -> None:
    source = alarmed()
    async with opened(source) as (pilot, app):
        await pilot.press(*keys)
        await until(pilot, lambda: not isinstance(app.screen, OverviewScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))

    assert source.acts == []


@pytest.mark.parametrize("keys", [("J",), ("j", "R"), ("P",)], ids=lambda keys: keys[-1])
async def test_a_store_lost_while_a_dialog_is_open_is_never_a_success(keys: tuple[str, ...]) -> None:
    source = alarmed()
    async with opened(source) as (pilot, app):
        await pilot.press(*keys)
        await until(pilot, lambda: not app.screen.query_one("#confirm", Button).disabled)
        source.is_away = True
        answer = "ctrl+s" if keys == ("J",) else "y"
        await pilot.press(answer)
        await shows(pilot, "Not done. No store answers")
        source.is_away = False
        await shows(pilot, "Try again")
        await pilot.press(answer)
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))

    assert len(source.acts) == 1


async def test_read_only_disables_the_actions_and_says_why() -> None:
    source = replace(alarmed(), read_only=True)
    async with opened(source) as (pilot, app):
        for verb in "JRNPW":
            await pilot.press(verb)
            await shows(pilot, "This dashboard is read-only (--read-only)")
            assert isinstance(app.screen, OverviewScreen)
        assert "READ-ONLY" in text_of(app)

    assert source.acts == []


async def test_a_lost_store_disables_the_actions_and_says_why() -> None:
    source = alarmed()
    async with opened(source) as (pilot, app):
        source.is_away = True
        await pilot.press("r")
        await shows(pilot, "No answer")
        await pilot.press("J")
        await shows(pilot, "Nothing can be changed until the store answers.")
        source.is_away = False
        await pilot.press("r")
        await shows(pilot, "The store is back after 0 s.")
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JamGuardDialog))


@pytest.mark.parametrize("key", ["P", "N", "question_mark", "colon"])
async def test_what_is_closed_twice_closes_no_other(key: str) -> None:
    async with opened(alarmed()) as (pilot, app):
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(app.screen, OverviewScreen))
        screen = app.screen
        for _ in range(3):
            screen.dismiss()
        await pilot.pause()
        assert [type(screen) for screen in app.screen_stack[1:]] == [OverviewScreen]


async def test_a_dialog_that_ends_below_another_closes_itself_alone() -> None:
    source = SlowWrites([a_queue("q", processing=3, jammed=3)], stuck={"q": STUCK})
    async with opened(source) as (pilot, app):
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave")
        await pilot.press("ctrl+s")
        await source.is_asked.wait()
        app.push_screen(LeaveDialog(app.services))
        await shows(pilot, "Nothing runs in them.")
        source.may_free.set()
        await until(pilot, lambda: source.acts)
        await pilot.pause()
        assert [type(screen) for screen in app.screen_stack[-2:]] == [JamGuardDialog, LeaveDialog]
        await pilot.press("escape")
        await shows(pilot, "Cleared 2 and requeued them.")
        assert [type(screen) for screen in app.screen_stack[1:]] == [OverviewScreen]


OPENED = {
    "jam guard": (("J",), "jobs will leave"),
    "jam guard of the living": (("J", "down", "down", "space"), "can run that job twice"),
    "jam guard with discard": (("J", "tab", "tab", "down"), "Type emails:transactional to go on"),
    "requeue": (("j", "R"), "will be queued again"),
    "publish": (("N", "x"), "1 new"),
    "pause of all": (("asterisk", "P"), "Workers stop claiming"),
    "launch": (("W",), "found: a plain function"),
    "quit": ((), "Nothing runs in"),
}
"""The keys that open a dialog, and what it says then."""


SIZES = ((120, 36), (80, 24), (60, 16))


async def test_a_dialog_cuts_nothing_and_a_resize_lays_it_out_as_if_opened_there() -> None:
    texts = {first: await _opened_at(first) for first in SIZES}
    for size in SIZES:
        for first in SIZES:
            for name in OPENED:
                assert texts[first][name][size] == texts[size][name][size], (name, first, size)


def _inside(app: ConvoyApp, region: Region) -> str:
    """What stands there. The page behind a dialog is laid out anew when it is on top again."""
    lines = ["".join(segment.text for segment in row) for row in rows_of(app)]
    return "\n".join(each[region.x : region.right] for each in lines[region.y : region.bottom])


async def _opened_at(first: tuple[int, int]) -> dict[str, dict[tuple[int, int], str]]:
    """The text of every dialog, opened at that size and then resized to each of them."""
    texts: dict[str, dict[tuple[int, int], str]] = {}
    async with opened(alarmed(), size=first, environment="production") as (pilot, app):
        app.services.launch_form = LaunchForm("builtins:print")
        for name, (keys, said) in OPENED.items():
            await resized(pilot, first)
            if name == "quit":
                app.push_screen(LeaveDialog(app.services))
            await pilot.press(*keys)
            await until(pilot, partial(is_said, app, said))
            texts[name] = {}
            for size in (first, *(size for size in SIZES if size != first)):
                await resized(pilot, size)
                assert list(out_of_sight(app.screen)) == [], (name, first, size)
                texts[name][size] = _inside(app, app.screen.query_one("#frame").region)
            while not isinstance(app.screen, OverviewScreen):
                await pilot.press("escape")
            await pilot.press("escape", "g")
    return texts


def is_said(app: ConvoyApp, said: str) -> bool:
    """Whether the screen shows it, maybe over several lines of a dialog."""
    return said in " ".join(text_of(app).replace("│", " ").split())


def out_of_sight(dialog: Screen[object]) -> Iterator[str | None]:
    """What is cut off: by its own width, or by the frame. The command line comes last, and may be."""
    frame = dialog.query_one("#frame").content_region
    for widget in dialog.query("#frame *"):
        is_shown = all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
        if not is_shown or widget.id == "command":
            continue
        if isinstance(widget, Lines):
            yield from (plain(each) for each in widget._lines if width(each) > widget.size.width)
        if not frame.contains_region(widget.region):
            yield f"{widget!r} at {widget.region} of {frame}"


def begins_in(app: ConvoyApp, field: str) -> bool:
    """Whether a dialog is ready, with the focus in that field."""
    button = app.screen.query("#confirm").first(Button)
    return app.focused is not None and app.focused.id == field and (not button.disabled or field == "ids")


FIELDS = {"J": "limit", "N": "ids", "W": "path"}
"""The dialogs with a field, by the key that opens them, and where each begins."""


async def test_a_dialog_with_a_field_begins_in_it_and_no_letter_confirms() -> None:
    source = alarmed()
    async with opened(source, environment="production") as (pilot, app):
        app.services.launch_form = LaunchForm("builtins:print")
        for key, field in FIELDS.items():
            await pilot.press(key)
            await until(pilot, partial(begins_in, app, field))
            dialog = app.screen
            await pilot.press(*"my.module:fny", "enter")
            for focus in ("#leave", "#then"):
                dialog.query_one(focus).focus()
                await pilot.press(*"yYJ")
            assert app.screen is dialog
            assert source.acts == []
            assert app.services.local_pools.is_idle
            while not isinstance(app.screen, OverviewScreen):
                await pilot.press("escape")


async def test_y_confirms_nothing_while_a_word_has_to_be_typed() -> None:
    failures = [Entry(f"f{n}", State.FAILED, failures=1) for n in range(1200)]
    source = FixedSource([a_queue("ryer", failed=len(failures))], failures={"ryer": failures})
    async with opened(source, environment="production") as (pilot, app):
        await pilot.press("R")
        await shows(pilot, "Type ryer to go on")
        assert app.focused is app.screen.query_one("#typed")
        await pilot.press(*"ryer")
        app.screen.query_one("#leave").focus()
        await pilot.press("y")
        await pilot.pause()
        assert source.acts == []
        await pilot.press("ctrl+s")
        await shows(pilot, "Requeued 1,200 IDs.")


async def test_typing_in_the_launch_dialog_replaces_the_last_handler() -> None:
    async with opened(alarmed()) as (pilot, app):
        app.services.launch_form = LaunchForm("builtins:print")
        await pilot.press("W")
        await shows(pilot, "found: a plain function")
        await pilot.press(*"my.module:fn")
        assert app.screen.query_one("#path", Input).value == "my.module:fn"
        await shows(pilot, "There is no module 'my'")
        assert app.screen.query_one("#confirm", Button).disabled
