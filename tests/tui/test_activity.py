"""The Activity page on a real store: what operators have done, live, filtered, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from textual.widgets import Input

from convoy_core import AuditEntry, Face, Fleet, Operator, Queue, State, WorkerPool
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.activity import Act, fits, newest_first, sheet
from convoy_tui.dashboard.board.spans import plain
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.screens.undo import UndoDialog
from convoy_tui.dashboard.widgets.table import Table
from tests.servers import RealServer
from tests.tui.failing import fail
from tests.tui.fixed import alarm_source, an_app, settle
from tests.tui.live import opened
from tests.tui.screen import shows, text_of, until
from tests.waiting import eventually


@pytest.fixture
def dana(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url, operator=Operator("dana@ops", Face.COMMAND_LINE, "the provider is back")) as fleet:
        yield fleet


@pytest.fixture
def erik(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url, operator=Operator("erik@desk")) as fleet:
        yield fleet


def verbs(app: ConvoyApp) -> list[str]:
    table: Table[Act] = app.screen.query_one("#audit", Table)
    return [act.entry.verb for act in table.window.rows]


async def test_what_operators_do_appears_the_newest_first(store: RealServer, dana: Fleet, erik: Fleet) -> None:
    fail(dana.queue("trucks"), ["a", "b"], "ValueError: 1")
    dana.queue("trucks").requeue(["a", "b"])
    with store.client() as client:  # acts of one millisecond on two queues have no order
        (act,) = dana.queue("trucks").audit()
        eventually(lambda: client.time() > (int(act.at), int(act.at % 1 * 1e6) + 1000))
    erik.queue("cars").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await shows(pilot, "2 acts")
        await until(pilot, lambda: verbs(app) == ["pause", "requeue"])
        await shows(pilot, "erik@desk          cars")
        erik.queue("cars").resume()
        await until(pilot, lambda: verbs(app) == ["resume", "pause", "requeue"])
        await pilot.press("G")
        await shows(pilot, "dana@ops requeued 2 IDs of trucks")
        await shows(pilot, "the provider is back")


async def test_the_acts_are_filtered_by_queue_operator_verb_and_text(
    store: RealServer, dana: Fleet, erik: Fleet
) -> None:
    trucks = dana.queue("trucks")
    trucks.publish_many(["a", "b", "c"])
    trucks.discard(["a"], state=State.QUEUED)
    erik.queue("trucks").discard(["b"], state=State.QUEUED)
    erik.queue("cars").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await until(pilot, lambda: len(verbs(app)) == 3)

        def shown(n: int) -> bool:
            return len(verbs(app)) == n

        for wanted, n in (
            ("queue:cars", 1),
            ("who:dana", 1),
            ("act:discard", 2),
            ("provider", 1),
            ("who:erik disc", 1),
        ):
            await pilot.press("slash")
            await pilot.press(*wanted)
            await until(pilot, partial(shown, n))
            await pilot.press("escape")
            await until(pilot, lambda: len(verbs(app)) == 3)
        await pilot.press("slash", *"nobody", "enter")
        await shows(pilot, "0 of 3 acts fit 'nobody'")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))


async def test_a_part_that_is_added_to_an_act_changes_its_row(store: RealServer) -> None:
    with Fleet(redis=store.url, operator=Operator("dana@ops", operation="one")) as fleet:
        trucks = fleet.queue("trucks")
        fail(trucks, ["a", "b"], "ValueError: 1")
        trucks.requeue(["a"])
        async with opened(store.url) as (pilot, app):
            await shows(pilot, "trucks")
            await pilot.press("5")
            await shows(pilot, "1 queued")
            trucks.requeue(["b"])
            await shows(pilot, "2 queued")
            assert verbs(app) == ["requeue"]


def test_acts_of_one_millisecond_stand_in_the_order_in_which_the_store_kept_them() -> None:
    places = [f"1700000000000-{n}" for n in range(12)]
    acts = [
        AuditEntry("q", 1.7e9, 1.7e9, "dana", "library", f"act-{n}", {}, (), "", "op", place)
        for n, place in enumerate(places)
    ]

    assert [act.place for act in newest_first(acts, "")] == places[::-1]


async def test_what_is_shown_again_is_not_filtered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def counting(entry: AuditEntry, wanted: str) -> bool:
        nonlocal looked_at
        looked_at += 1
        return fits(entry, wanted)

    monkeypatch.setattr("convoy_tui.dashboard.board.activity.fits", counting)
    source, _ = alarm_source()
    app = an_app(source)
    async with app.run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        await until(pilot, lambda: "dana@host-3" in text_of(app))
        before = looked_at
        await pilot.press("j", "k")
        await settle(pilot)
        assert looked_at == before
        await pilot.press("5")
        await shows(pilot, "3 acts")
        await pilot.press("/", *"requeue", "enter")
        await shows(pilot, "1 of 3 acts fit")
        await pilot.pause()
        before = looked_at
        await settle(pilot)
        assert looked_at == before


async def test_what_a_dialog_does_in_slices_is_one_act(store: RealServer, erik: Fleet) -> None:
    trucks = erik.queue("trucks")
    fail(trucks, (f"f{n}" for n in range(1200)), "boom")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "1,200")
        await pilot.press("R")
        await shows(pilot, "Requeue 1,200")
        await pilot.press("y")
        await shows(pilot, "Requeued 1,200 IDs")
        await pilot.press("enter")
        await shows(pilot, "▌ ")
        await pilot.press("asterisk", "D")
        await shows(pilot, "Type trucks")
        app.screen.query_one("#typed", Input).value = "trucks"
        app.screen.query_one("#typed", Input).focus()
        await pilot.press("enter")
        await shows(pilot, "Discarded 1,200 IDs.")

    acts = [(act.verb, act.outcomes) for act in trucks.audit()]
    assert acts == [("requeue", {"queued": 1200}), ("discard", {"discarded": 1200})]


async def test_without_an_act_the_page_says_so(store: RealServer, dana: Fleet) -> None:
    dana.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await shows(pilot, "Nobody has done anything that is kept.")


async def test_what_others_wrote_is_shown_safely(store: RealServer) -> None:
    with Fleet(redis=store.url, operator=Operator("e\x1b[31mvil\u202e", Face.LIBRARY, "\x07[bold]")) as fleet:
        fleet.queue("trucks").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await shows(pilot, r"e\x1b[31mvil\u202e paused trucks")
        assert r"\x07[bold]" in text_of(app)


# -- undo


async def test_a_requeue_is_undone_for_those_that_have_not_run(store: RealServer, dana: Fleet) -> None:
    trucks = dana.queue("trucks")
    fail(trucks, ["a", "b", "c", "d"], "ValueError: 1")
    trucks.requeue(["a", "b", "c", "d"])
    with WorkerPool(trucks, lambda job: None, concurrency=1) as pool:
        assert eventually(lambda: pool.status().done == 4)
    fail(trucks, ["e", "f"], "ValueError: 1")
    trucks.requeue(["e", "f"])
    trucks.cancel(["e"])
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await until(pilot, lambda: verbs(app) == ["cancel", "requeue", "work", "requeue"])
        await pilot.press("G")
        await shows(pilot, "since   4 done")
        await pilot.press("U")
        await shows(pilot, "None of these IDs waits as it was requeued")
        await pilot.press("y", "escape", "k", "k", "U")
        await shows(pilot, "1 of the 2 waits and goes back to failed.")
        await shows(pilot, "1 has run, or been asked for again or removed since: left alone.")
        await pilot.press("y")
        await shows(pilot, "Put 1 ID back to failed; 1 had run, or were asked for or removed since.")
        await until(pilot, lambda: verbs(app)[0] == "withdraw")
    assert [entry.id for entry in trucks.entries(State.FAILED)] == ["f"]


@pytest.mark.parametrize(
    ("does", "command", "effect", "says"),
    [
        (lambda queue: queue.pause(), "convoy resume trucks", "Workers claim again: 1 ID", "Resumed trucks."),
        (
            lambda queue: queue.set_limits(concurrency=5),
            "convoy limit trucks --none",
            "at most 5 runs at a time. They become again: no limits.",
            "Set back the limits of trucks to no limits.",
        ),
    ],
)
async def test_an_act_on_a_queue_is_undone_with_what_that_does(
    store: RealServer, dana: Fleet, does: Callable[[Queue], object], command: str, effect: str, says: str
) -> None:
    trucks = dana.queue("trucks")
    trucks.publish("a")
    does(trucks)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await until(pilot, lambda: len(verbs(app)) == 1)
        await pilot.press("U")
        await shows(pilot, effect)
        await shows(pilot, command)
        await pilot.press("y")
        await shows(pilot, says)
    assert (trucks.snapshot().paused, trucks.limits().is_set) == (False, False)


async def test_what_somebody_has_done_meanwhile_is_not_undone(store: RealServer, dana: Fleet, erik: Fleet) -> None:
    dana.queue("trucks").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await until(pilot, lambda: len(verbs(app)) == 1)
        await pilot.press("U")
        await shows(pilot, "Workers claim again")
        erik.queue("trucks").resume()
        erik.queue("trucks").pause()
        await pilot.press("y")
        await shows(pilot, "Nothing undone: Somebody has done so since")
    assert dana.queue("trucks").snapshot().paused


async def test_what_cannot_be_undone_says_why(store: RealServer, dana: Fleet) -> None:
    dana.queue("trucks").publish("a")
    dana.queue("trucks").discard(["a"], state=State.QUEUED)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await until(pilot, lambda: len(verbs(app)) == 1)
        await pilot.press("U")
        await shows(pilot, "its IDs are forgotten")
        assert not isinstance(app.screen, UndoDialog)


SAID: dict[str, tuple[Callable[[Queue], object], tuple[str, ...]]] = {
    "ack": (
        lambda queue: queue.acknowledge(for_s=60, note="they know"),
        ("acknowledged the trouble of trucks", "This is taken back with `convoy ack trucks --end`."),
    ),
    "describe": (lambda queue: queue.describe(owner="a", note="b"), ("described trucks", "done    owner, note")),
    "quiet": (
        lambda queue: queue.quiet("host-7"),
        ("had nobody there claim from trucks", "whom    host-7", "This is taken back with `convoy unquiet`."),
    ),
    "version": (
        lambda queue: queue.set_lowest_version("1.4"),
        ("set the lowest version of trucks", "version 1.4", "`convoy describe trucks --lowest-version`"),
    ),
}


@pytest.mark.parametrize("verb", SAID)
def test_what_is_said_of_a_queue_or_bars_its_workers_is_told_in_words(dana: Fleet, verb: str) -> None:
    act, parts = SAID[verb]
    act(dana.queue("trucks"))

    (entry,) = dana.queue("trucks").audit()
    told = " ".join(map(plain, sheet(Act(entry, entry.at), None, 100)))

    assert entry.verb == verb
    assert [part for part in parts if part not in told] == []
    assert " ID" not in told
