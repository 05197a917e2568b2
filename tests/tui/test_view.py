"""Cells, sentences and the inspector, without a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from convoy_core import Snapshot
from convoy_tui.dashboard.board.board import Board, Link, LinkState, Place, Row, Watch
from convoy_tui.dashboard.board.cells import MARGIN, cells, heading
from convoy_tui.dashboard.board.columns import clears, columns, rate, short, trend
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.headline import title, verdict
from convoy_tui.dashboard.board.inspector import inspector, rule
from convoy_tui.dashboard.board.spans import Span, Tone, clip, plain, spread, width, wrap
from convoy_tui.text.health import Health, Limits
from convoy_tui.text.history import CELLS, Rates, Trends
from tests.tui.fixed import a_queue, alarms

HOSTILE = [
    "[/",
    "[@click=app.quit]x[/]",
    "\x1b[31mred",
    "a\u202eb",
    "line\nbreak",
    "x" * 16_384,
    "日本語" * 30,
    "\udcff",
]
GLYPHS = Glyphs()


def row(snapshot: Snapshot, health: Health = Health.FLOWING, trends: Trends = Trends()) -> Row:  # noqa: B008 - frozen
    return Row(snapshot, trends, health)


def board(*rows: Row, store: str = "redis://a:6379/0", **link: object) -> Board:
    return Board(Place(store, "production"), Link(LinkState.LIVE, heard_at=0.0, **link), rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("room", [20, 40, 60, 76, 80, 100, 120, 139, 200, 300])
def test_a_row_and_its_headings_fill_the_same_cells_whatever_stands_there(room: int) -> None:
    chosen = columns(room)
    full = a_queue("q" * 300, queued=123_456_789, processing=99_999, failed=10**9, delayed=10**6, workers=1234)
    busy = Trends(rates=Rates(12345.6, 99_999.9, 0.05, -1e7), clears_s=1e9)

    lines = [heading(chosen), *(cells(row(full, health, busy), chosen, GLYPHS) for health in Health)]

    assert {width(line) for line in lines} == {width(lines[0])}
    assert MARGIN + width(lines[0]) <= max(room, 46)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_takes_its_cells_and_no_more(name: str) -> None:
    line = cells(row(a_queue(name)), columns(120), GLYPHS)

    assert width(line) == width(heading(columns(120)))
    assert not any(ord(c) < 32 or c in "\u202e\udcff" for c in plain(line))


def test_small_screens_keep_state_name_queued_and_failed() -> None:
    assert [column.title for column in columns(60)] == ["STATE", "QUEUE", "QUEUED", "FAILED"]
    assert [column.title for column in columns(80)] == ["STATE", "QUEUE", "QUEUED", "PROC", "FAILED", "OLDEST"]


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0"), (99_999, "99,999"), (100_000, "100k"), (1_204_551, "1.20M"), (45_000_000, "45.0M"), (10**12, "1e+12")],
)
def test_large_numbers_are_abbreviated(n: int, text: str) -> None:
    assert short(n) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (0.0, "0"), (0.04, "<0.1"), (2.25, "2.2"), (640.4, "640"), (-0.04, ">-0.1")]
)
def test_a_rate_that_is_not_known_is_a_dash_and_never_0(value: float | None, text: str) -> None:
    assert rate(value) == text


def test_a_trend_starts_at_0_and_leaves_gaps_blank() -> None:
    assert trend((None, 0, 1, 50, 100), GLYPHS) == " ▁▂▄▇"
    assert trend((61,) * 3, GLYPHS) == "▄▄▄"
    assert trend((0,) * 3, Glyphs(is_ascii=True)) == "___"
    assert trend((None,) * CELLS, GLYPHS) == " " * CELLS


@pytest.mark.parametrize(
    ("text", "snapshot", "trends"),
    [
        ("paused", a_queue("q", queued=1, paused=True), Trends()),
        ("now", a_queue("q", processing=1), Trends()),
        ("19s", a_queue("q", queued=38), Trends(clears_s=19.2)),
        ("steady", a_queue("q", queued=38), Trends(rates=Rates(net_s=0), is_steady=True)),
        ("never", a_queue("q", queued=38), Trends(rates=Rates(net_s=2))),
        ("—", a_queue("q", queued=38), Trends()),
    ],
)
def test_clears_says_how_long_or_why_not(text: str, snapshot: Snapshot, trends: Trends) -> None:
    assert clears(row(snapshot, trends=trends)) == text


def test_the_verdict_names_the_worst_first_and_counts_what_it_cannot_show() -> None:
    watch = Watch(Limits(), alarms()[1])
    rows: tuple[Row, ...] = ()
    for _ in range(3):
        rows = watch.take(alarms()[0])

    for room in (60, 80, 100, 120, 200):
        lines = [plain(line) for line in verdict(board(*rows), room, 2, GLYPHS)]
        assert lines[0].startswith(" 4 of 10 ")
        assert "emails:transactional" in lines[0]
        assert max(map(len, lines)) <= room
        assert len(lines) == 2


def test_a_hundred_alarms_fit_into_two_lines() -> None:
    rows = [row(a_queue(f"a-rather-long-name-{n}", queued=1, workers=0), Health.NO_WORKERS) for n in range(100)]

    lines = [plain(line) for line in verdict(board(*rows), 120, 2, GLYPHS)]

    assert len(lines) == 2
    assert lines[1].endswith("and 97 more")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("No queues here yet.", []),
        ("The queue is fine.", [row(a_queue("q"))]),
        ("The queue is paused.", [row(a_queue("q"), Health.PAUSED)]),
        ("All 2 queues are fine.", [row(a_queue("q")), row(a_queue("r"))]),
        ("All 2 queues are fine; 1 of them paused.", [row(a_queue("q")), row(a_queue("r"), Health.PAUSED)]),
    ],
)
def test_the_verdict_of_a_calm_store(text: str, rows: list[Row]) -> None:
    assert plain(verdict(board(*rows), 120, 2, GLYPHS)[0]).strip() == text


def test_the_title_never_holds_more_than_fits() -> None:
    for room in (60, 80, 100, 120, 200):
        assert width(title(board(store="redis://" + "very-long." * 30 + ":6379/0"), room, GLYPHS)) == room


@pytest.mark.parametrize("health", list(Health))
@pytest.mark.parametrize(("room", "height"), [(78, 3), (118, 10), (58, 50)])
def test_the_inspector_fits_and_explains(health: Health, room: int, height: int) -> None:
    one = row(
        a_queue("q", queued=3, processing=2, jammed=1, failed=1, delayed=2, next_due_s=4.0), health, Trends(drift=2)
    )

    lines = inspector(one, board(one), room, height, GLYPHS)

    assert 3 <= len(lines) <= height
    assert max(map(width, lines)) <= room
    assert health.value in plain(lines[0])


def test_the_inspector_offers_no_key_when_nothing_may_be_written() -> None:
    one = row(a_queue("q", jammed=1), Health.JAMMED)
    read_only = Board(Place("s", read_only=True), Link(LinkState.LIVE, heard_at=0.0), (one,))

    assert any(span.key == "J" for line in inspector(one, board(one), 120, 10, GLYPHS) for span in line)
    assert not any(span.key for line in inspector(one, read_only, 120, 10, GLYPHS) for span in line)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_rule_is_as_wide_as_the_screen(name: str) -> None:
    assert width(rule(name, 80, GLYPHS)) == 80


def test_lines_are_clipped_and_spread_by_cells() -> None:
    wide = (Span("日本語", Tone.NORMAL), Span("abc"))

    assert plain(clip(wide, 9)) == "日本語abc"
    assert plain(clip(wide, 6)) == "日本 …"
    assert width(spread(wide, (Span("right"),), 12)) == 12
    assert all(cell_len(part) <= 10 for part in wrap("a word and averyveryverylongone 日本語日本語日本語", 10))


def test_numbers_are_stale_when_a_poll_is_late() -> None:
    late = Board(Place("s"), Link(LinkState.LIVE, heard_at=0.0), (), now=3.5)

    assert late.is_stale
    assert not Board(Place("s"), Link(LinkState.LIVE, heard_at=0.0), (), now=2.0).is_stale
    assert not Board(Place("s"), Link(LinkState.LIVE, heard_at=0.0), (), now=99.0, is_frozen=True).is_stale
