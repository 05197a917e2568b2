"""Trouble that an operator knows of: marked, calm, behind what needs somebody; and whose a queue in trouble is."""

from __future__ import annotations

import pytest

from convoy_core import About, Acknowledgement, Fleet, Snapshot
from convoy_tui.dashboard.board.board import Board, Link, LinkState, Place, Row, Watch
from convoy_tui.dashboard.board.cells import cells
from convoy_tui.dashboard.board.columns import columns
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.headline import verdict
from convoy_tui.dashboard.board.inspector import inspector
from convoy_tui.dashboard.board.needs import needs
from convoy_tui.dashboard.board.spans import Tone, plain, width
from convoy_tui.text.about import acknowledged
from convoy_tui.text.health import Health, Limits
from convoy_tui.text.history import Trends
from tests.servers import RealServer
from tests.tui.fixed import NOW, a_queue
from tests.tui.live import opened
from tests.tui.screen import shows, text_of

GLYPHS, ASCII = Glyphs(), Glyphs(is_ascii=True)
NEEDS_ONE = [health for health in Health if health.needs_you]


def known(*words: str, note: str = "they know", by: str = "ann") -> About:
    return About("team freight", "https://wiki.example/q", "", Acknowledgement(NOW + 3600, NOW, by, note, words))


def row(health: Health, about: About, **changes: object) -> Row:
    numbers: dict[str, object] = {"queued": 3, "processing": 2, "jammed": 1, "failed": 1, "workers": 0, **changes}
    return Row(a_queue("q", about=about, **numbers), Trends(drift=2, failed_1m=4), health)


def board(*rows: Row) -> Board:
    return Board(Place("s"), Link(LinkState.LIVE, heard_at=0.0), rows)


@pytest.mark.parametrize("health", NEEDS_ONE)
@pytest.mark.parametrize("words", [(), ("any word",)])
def test_a_row_alarms_unless_its_word_is_acknowledged(health: Health, words: tuple[str, ...]) -> None:
    tones = {Tone.ALARM, Tone.WARNING}
    shouting = row(health, known(*words, "other") if words else About())
    calm = row(health, known(*words, health.value) if words else known())

    loud, quiet = ({span.tone for span in cells(one, columns(200), GLYPHS)} for one in (shouting, calm))

    assert loud & tones
    assert not quiet & tones
    assert plain(cells(calm, columns(80), GLYPHS)).startswith(f"◎ {health.value}")
    assert plain(cells(calm, columns(80), ASCII)).startswith(f"& {health.value}")


def test_the_verdict_and_the_reasons_name_only_what_nobody_knows_of() -> None:
    calm, shouting = row(Health.FAILING, known("FAILING")), row(Health.JAMMED, known("FAILING"))

    both = board(shouting, calm)
    alone = board(calm)

    assert both.needing() == [shouting]
    assert plain(verdict(both, 120, 2, GLYPHS)[0]).startswith(" 1 of 2 queues need")
    assert plain(verdict(alone, 120, 2, GLYPHS)[0]) == " No queue needs you; 1 in trouble is acknowledged."
    assert "All queues" in plain(needs(alone, 120, 9, GLYPHS)[0])


def test_it_stands_behind_all_trouble_and_before_what_is_calm() -> None:
    def waiting(name: str, about: About, workers: int = 0) -> Snapshot:
        return a_queue(name, queued=5, workers=workers, about=about)

    readings = [waiting("known", known("NO WORKERS")), waiting("fine", About(), workers=1), waiting("sick", About())]

    rows = Watch(Limits()).take(readings)

    assert [one.queue for one in rows] == ["sick", "known", "fine"]


@pytest.mark.parametrize(("room", "height"), [(78, 3), (118, 12), (58, 50)])
def test_the_inspector_says_who_knows_until_when_and_why(room: int, height: int) -> None:
    one = row(Health.NO_WORKERS, known("NO WORKERS", by="\x1b[31mann", note="x\ny"))

    lines = inspector(one, board(one), room, height, GLYPHS)

    told = " ".join(" ".join(map(plain, lines)).split())
    assert acknowledged(one.snapshot, is_local=True) in told
    assert r"Acknowledged by \x1b[31mann until " in told
    assert r": x\ny" in told
    assert max(map(width, lines)) <= room
    assert ("runbook https://wiki.example/q" in told) is (height > 3)


@pytest.mark.parametrize(("health", "is_shown"), [(Health.NO_WORKERS, True), (Health.FLOWING, False)])
def test_whose_a_queue_is_and_what_to_do_stands_beside_one_in_trouble(health: Health, is_shown: bool) -> None:
    one = row(health, About("team freight", "https://wiki.example/q", "\x1b[1mbold"))

    told = " ".join(map(plain, inspector(one, board(one), 100, 20, GLYPHS)))

    for text in ("owner  team freight", "runbook  https://wiki.example/q", r"note  \x1b[1mbold"):
        assert (text in told) is is_shown


async def test_on_a_real_store_it_is_calm_until_it_is_taken_back(store: RealServer) -> None:
    with Fleet(redis=store.url) as fleet:
        trucks = fleet.queue("trucks")
        trucks.publish("1")
        trucks.describe(owner="team freight")
        trucks.acknowledge(for_s=3600, note="they know", words=["NO WORKERS"])
        async with opened(store.url) as (pilot, app):
            await shows(pilot, "No queue needs you; 1 in trouble is acknowledged.")
            calm = text_of(app)
            trucks.end_acknowledgement()
            await shows(pilot, "1 of 1 queue needs you: trucks has 1 waiting and no workers")

    assert "◎ NO WORKERS" in calm
    assert "Acknowledged by " in calm
    assert "they know" in calm
    assert "owner  team freight" in calm
