"""Cells, sentences and the inspector, without a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from convoy_core import Entry, Snapshot, State
from convoy_tui.dashboard.board.board import Board, Link, LinkState, Place, Row, Watch
from convoy_tui.dashboard.board.cells import MARGIN, cells, heading
from convoy_tui.dashboard.board.columns import clears, columns, rate, short, trend
from convoy_tui.dashboard.board.entries import Item, Tab, columns_of
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.headline import title, verdict
from convoy_tui.dashboard.board.inspector import inspector, rule
from convoy_tui.dashboard.board.needs import needs
from convoy_tui.dashboard.board.spans import Span, Tone, changed, clip, fold, line, plain, spread, width, wrap
from convoy_tui.text.broken import Broken
from convoy_tui.text.health import Health, Limits, order
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


def test_small_screens_keep_the_state_the_name_and_where_ids_are() -> None:
    smallest = ["STATE", "QUEUE", "QUEUED", "DELAYED", "FAILED"]

    assert [column.title for column in columns(60)] == smallest
    assert [column.title for column in columns(80)] == [*smallest[:3], "PROC", *smallest[3:], "FAIL/m", "OLDEST"]


@pytest.mark.parametrize("room", [60, 80, 100, 120, 139, 200])
def test_a_delayed_id_is_visible_at_every_width(room: int) -> None:
    text = plain(cells(row(a_queue("q", delayed=12)), columns(room), GLYPHS))

    assert " 12 " in text


@pytest.mark.parametrize("room", [80, 100, 120, 139])
def test_the_number_of_the_alarm_stands_in_its_row(room: int) -> None:
    failing = row(a_queue("q", failed=317), Health.FAILING, Trends(failed_1m=840, done_1m=1200))
    jammed = row(a_queue("q", processing=6, jammed=3), Health.JAMMED)

    said = [plain(verdict(board(one), 120, 2, GLYPHS)[0]) for one in (failing, jammed)]
    shown = [plain(cells(one, columns(room), GLYPHS)).split() for one in (failing, jammed)]

    assert "840 in the last minute" in said[0]
    assert "840" in shown[0]
    assert "3 jobs past" in said[1]
    assert "3/6" in shown[1]


@pytest.mark.parametrize(
    ("text", "health", "snapshot"),
    [
        ("5m00s", Health.NO_WORKERS, a_queue("q", queued=3, workers=0, oldest_queued_s=303.0)),
        ("9m00s", Health.FLOWING, a_queue("q", processing=1, oldest_queued_s=540.0, oldest_processing_s=4.0)),
        ("4s", Health.FLOWING, a_queue("q", processing=1, oldest_queued_s=1.0, oldest_processing_s=4.0)),
        ("2m00s", Health.OVERDUE, a_queue("q", delayed=1, next_due_s=-124.0)),
        ("12m04s", Health.JAMMED, a_queue("q", jammed=1, oldest_queued_s=9999.0, oldest_processing_s=724.0)),
        ("—", Health.IDLE, a_queue("q", delayed=1, next_due_s=60.0)),
    ],
)
def test_oldest_is_also_of_what_waits(text: str, health: Health, snapshot: Snapshot) -> None:
    assert text in plain(cells(row(snapshot, health), columns(80), GLYPHS)).split()


def test_a_wide_table_shows_whole_names_of_queues() -> None:
    name = "shop:" + "orders:" * 6 + "end"
    chosen = columns(140, len(name))

    assert name in plain(cells(row(a_queue(name)), chosen, GLYPHS))
    assert "COMMITTED" not in [column.title for column in chosen]


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


def test_trends_under_each_other_say_what_their_tallest_bar_is() -> None:
    few, many = (row(a_queue("q"), trends=Trends(cells=(0, n) * 6)) for n in (5, 5210))

    told = [plain(cells(one, columns(120), GLYPHS)) for one in (few, many)]

    assert "▇▇▇▇▇▇     5 " in told[0]
    assert "▇▇▇▇▇▇ 5,210 " in told[1]


def test_a_trend_starts_at_0_and_leaves_gaps_blank() -> None:
    assert trend((None, 0, 1, 50, 100), GLYPHS) == " ▁▂▄▇"
    assert trend((61,) * 3, GLYPHS) == "▇▇▇"
    assert trend((0,) * 3, Glyphs(is_ascii=True)) == "___"
    assert trend((None,) * CELLS, GLYPHS) == " " * CELLS


@pytest.mark.parametrize(
    ("text", "snapshot", "trends"),
    [
        ("paused", a_queue("q", queued=1, paused=True), Trends()),
        ("—", a_queue("q", processing=1), Trends(clears_s=0.0)),
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


@pytest.mark.parametrize("failed", [0, 3])
def test_a_requeue_is_offered_only_where_something_is_failed(failed: int) -> None:
    """Runs fail as well where each is tried again."""
    failing = row(a_queue("q", failed=failed), Health.FAILING)

    told = "\n".join(map(plain, inspector(failing, board(failing), 100, 8, GLYPHS)))

    assert ("[R] requeue 3 failures" in told) is bool(failed)
    assert "[P] pause" in told


def test_the_inspector_offers_no_key_when_nothing_may_be_written() -> None:
    one = row(a_queue("q", jammed=1), Health.JAMMED)
    read_only = Board(Place("s", read_only=True), Link(LinkState.LIVE, heard_at=0.0), (one,))

    assert any(span.key == "J" for line in inspector(one, board(one), 120, 10, GLYPHS) for span in line)
    assert not any(span.key for line in inspector(one, read_only, 120, 10, GLYPHS) for span in line)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_rule_is_as_wide_as_the_screen(name: str) -> None:
    assert width(rule(name, 80, GLYPHS)) == 80


def test_a_run_that_begins_is_at_once_past_a_limit_of_0() -> None:
    item = Item(Entry("a", State.PROCESSING, since=9.0), at=9.0, limit_s=0.0)

    (limit,) = (column for column in columns_of(Tab.PROCESSING, 140) if column.title == "LIMIT")

    assert limit.draw(item, GLYPHS).text.strip() == "past by 0s"


def test_lines_are_clipped_and_spread_by_cells() -> None:
    wide = (Span("日本語", Tone.NORMAL), Span("abc"))

    assert plain(clip(wide, 9)) == "日本語abc"
    assert plain(clip(wide, 6)) == "日本 …"
    assert width(spread(wide, (Span("right"),), 12)) == 12
    assert all(cell_len(part) <= 10 for part in wrap("a word and averyveryverylongone 日本語日本語日本語", 10))


@pytest.mark.parametrize(
    ("interval_s", "since_s", "says", "is_stale"),
    [
        (1.0, 0.0, "● live 0.4 ms, every 1s", False),
        (1.0, 2.5, "● live 0.4 ms, every 1s", False),
        (1.0, 3.5, "● late · 3s ago, every 1s", True),
        (5.0, 0.0, "● 0s ago, every 5s", False),
        (5.0, 4.0, "● 4s ago, every 5s", False),
        (5.0, 7.5, "● late · 7s ago, every 5s", True),
    ],
)
def test_the_title_says_the_pace_and_live_only_where_a_lost_store_would_show_at_once(
    interval_s: float, since_s: float, says: str, is_stale: bool
) -> None:
    link = Link(LinkState.LIVE, 0.0004, heard_at=0.0)
    now = Board(Place("s"), link, (row(a_queue("q")),), now=since_s, interval_s=interval_s)

    assert f" {says} " in plain(title(now, 120, GLYPHS))
    assert now.is_stale is is_stale


def test_numbers_are_not_stale_while_polling_is_frozen() -> None:
    assert not Board(Place("s"), Link(LinkState.LIVE, heard_at=0.0), (), now=99.0, is_frozen=True).is_stale


def test_failing_says_what_broke_the_commonest_and_the_newest() -> None:
    broken = Broken("HTTP 410 Gone", "ConnectTimeout: no answer in 30 s\nand more", 288, 317)
    one = Row(a_queue("hooks", failed=317), Trends(failed_1m=840, done_1m=9), Health.FAILING, broken)

    tall, short = (
        "\n".join(plain(each) for each in inspector(one, board(one), 118, height, GLYPHS)) for height in (10, 3)
    )
    said = plain(verdict(board(one), 120, 2, GLYPHS)[0])

    for text in (tall, short, said):
        assert "ConnectTimeout: no answer in 30 s" in text
        assert "and more" not in text
    assert "288 of 317  ConnectTimeout" in tall
    assert "newest  HTTP 410 Gone" in tall


@pytest.mark.parametrize("error", HOSTILE)
def test_a_hostile_error_takes_its_room_and_no_more(error: str) -> None:
    one = Row(a_queue("q", failed=3), Trends(failed_1m=8), Health.FAILING, Broken("x" + error, error, 1, 3))

    lines = [*inspector(one, board(one), 78, 10, GLYPHS), *verdict(board(one), 120, 2, GLYPHS)]

    assert max(map(width, lines)) <= 120
    assert not any(ord(c) < 32 or c in "\u202e\udcff" for each in lines for c in plain(each))


@pytest.mark.parametrize("height", [2, 4, 6, 9, 40])
def test_empty_lines_below_the_rows_say_why_queues_need_someone(height: int) -> None:
    rows = [
        row(a_queue(f"queue-{n}", queued=7, workers=0), Health.NO_WORKERS, Trends(rates=Rates(in_s=2.0)))
        for n in range(8)
    ]

    lines = [plain(each) for each in needs(board(*rows), 118, height, GLYPHS)]

    assert len(lines) <= height
    assert max([0, *map(len, lines)]) <= 118
    if height >= 4:
        assert "queue-0  7 IDs wait and no worker takes them." in lines[1] or "and 8 more" in lines[1]
        assert lines[-1].startswith(" All 8: 56 waiting, 0 running, 0 delayed, 0 failed   in 16/s")


def test_no_room_or_no_queue_leaves_the_lines_below_empty() -> None:
    assert needs(board(row(a_queue("q"))), 80, 3, GLYPHS) == []
    assert needs(board(), 80, 20, GLYPHS) == []


@pytest.mark.parametrize(
    ("before", "after", "cells"),
    [
        ("abc", "abc", None),
        ("a1c  ", "a2c  ", (1, 2)),
        ("a12c", "a34d", (1, 4)),
        ("日本1", "日本2", (0, 5)),
        ("", "abc", (0, 3)),
    ],
)
def test_only_the_cells_that_differ_are_sent_again(before: str, after: str, cells: tuple[int, int] | None) -> None:
    assert changed((Span(before),), (Span(after),)) == cells


def test_a_cell_of_another_tone_differs() -> None:
    assert changed((Span("ab"), Span("c")), (Span("a"), Span("bc", Tone.ALARM))) == (1, 3)


def test_of_equal_words_the_heaviest_stands_first_and_is_named_first() -> None:
    light, heavy = a_queue("a", queued=1, workers=0), a_queue("z", queued=1_000_000, workers=0)
    idle, left = a_queue("b"), a_queue("y", failed=3)

    rows = Watch(Limits()).take([light, idle, left, heavy])

    assert [each.queue for each in rows] == ["z", "a", "y", "b"]
    assert plain(verdict(board(*rows), 120, 2, GLYPHS)[0]).startswith(" 2 of 4 queues need you: z has 1.00M waiting")


def test_calm_rows_do_not_change_places_with_each_id() -> None:
    def at(a: int, b: int) -> list[str]:
        busy = [row(a_queue(name, queued=n), trends=Trends(moves=True)) for name, n in (("a", a), ("b", b))]
        return [each.queue for each in sorted(busy, key=lambda each: order(each.health, each.snapshot, each.trends))]

    assert at(40, 41) == at(41, 40) == ["a", "b"]
    assert at(40, 4000) == ["b", "a"]


@pytest.mark.parametrize("room", [-3, 0, 1, 2, 3, 7])
def test_text_is_broken_in_any_room_and_nothing_of_it_is_lost(room: int) -> None:
    """Too little room counts as two cells: no character is wider."""
    text = "the 駐車場 is full"

    wrapped, folded = wrap(text, room), fold(line(text), room, indent=1)

    assert "".join(wrapped).replace(" ", "") == "".join(map(plain, folded)).replace(" ", "") == text.replace(" ", "")
    assert max(map(cell_len, wrapped)) <= max(room, 2)
