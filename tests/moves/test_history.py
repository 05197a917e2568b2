"""The history of a queue: when a row is kept, how long, and what is read of it."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from convoy_core import Counts, Fleet, HistoryRow, StoreDamaged
from convoy_core.models import TOTALS
from convoy_core.moves import history
from convoy_core.moves.call import Steps
from convoy_core.moves.history import HOURS_KEPT_S, KEPT_S, LONG_KEPT_S, STEP_S, note_history
from tests.moves.cases import Case
from tests.moves.keyspace import ALIVE, NOW, SECOND, Keyspace, World, commands, seed
from tests.packed import history as kept
from tests.packed import packed, row

BUSY: Keyspace = {
    **ALIVE,
    "queued": ["a", "b"],
    "committed": {"a", "b", "p", "d"},
    "processing": {"p": SECOND},
    "delayed": {"d": NOW},
    "failed": {"f": 1, "g": 1, "h": 1},
    "totals": {"published": "70000", "done": "300", "failed": "5000000000", "stale": "x"},
}
COUNTS = Counts(queued=2, committed=4, processing=1, failed=3, delayed=1)
TOTALS_NOW = {"published": 70_000, "done": 300, "failed": 5_000_000_000}
HOURS = HOURS_KEPT_S // 3600
NEW = row(NOW, COUNTS, 1, TOTALS_NOW)


def old(seconds: float, **totals: int) -> list[int]:
    """A row of so long ago, or with less than 0, of a time that is yet to come."""
    return row(NOW - round(seconds * 1000), Counts(), 0, totals)


PEAK_OF_BEFORE = row(NOW - 3_600_000, Counts(99, 99, 99, 99, 99), 99, {"done": 100})
PEAK = row(NOW - 1_800_000, Counts(queued=7, committed=3, processing=5, failed=1), 9, {"done": 200})
LARGEST = row(NOW, Counts(queued=7, committed=4, processing=5, failed=3, delayed=1), 9, TOTALS_NOW)


def note(world: World) -> float:
    """What a pool asks for every now and then."""
    return world.run(note_history(world.keys))


def note_last(world: World) -> float:
    """What a pool asks for that ends."""
    return world.run(note_history(world.keys, is_last=True))


LONGER: Keyspace = {"history:minutes": kept([NEW]), "history:hours": kept([NEW])}
"""What is kept for long, where nothing was."""

CASES = [
    Case(
        "",
        "the first row",
        BUSY,
        note,
        10.0,
        {**BUSY, "history:seconds": kept([NEW]), "history:minutes": kept([NEW]), "history:hours": kept([NEW])},
    ),
    Case(
        "",
        "a row is kept when the newest is ten seconds old",
        {**BUSY, "history:seconds": kept([old(99), old(10, done=7)]), "history:minutes": kept([old(59)])},
        note,
        10.0,
        {**BUSY, "history:seconds": kept([old(99), old(10, done=7), NEW]), "history:minutes": kept([old(59)])},
    ),
    Case(
        "",
        "one of them is kept for long when the newest such is a minute old",
        {
            **BUSY,
            "history:seconds": kept([old(10)]),
            "history:minutes": kept([old(120), old(60)]),
            "history:hours": kept([old(5000), old(60)]),
        },
        note,
        10.0,
        {
            **BUSY,
            "history:seconds": kept([old(10), NEW]),
            "history:minutes": kept([old(120), old(60), NEW]),
            "history:hours": kept([old(5000), old(60)]),
        },
    ),
    Case(
        "",
        "the first of an hour is kept for a week, with the largest counts since the one before",
        {
            **BUSY,
            "history:seconds": kept([PEAK_OF_BEFORE, PEAK, old(10, done=290)]),
            "history:minutes": kept([old(60)]),
            "history:hours": kept([old(9000, done=80), old(3600, done=100)]),
        },
        note,
        10.0,
        {
            **BUSY,
            "history:seconds": kept([PEAK_OF_BEFORE, PEAK, old(10, done=290), NEW]),
            "history:minutes": kept([old(60), NEW]),
            "history:hours": kept([old(9000, done=80), old(3600, done=100), LARGEST]),
        },
    ),
    Case(
        "",
        "who ends keeps a last row, however young the newest is",
        {**BUSY, "history:seconds": kept([old(3)])},
        note_last,
        10.0,
        {**BUSY, **LONGER, "history:seconds": kept([old(3), NEW])},
    ),
    Case(
        "",
        "it stands in place of the newest, if the one before is near",
        {**BUSY, "history:seconds": kept([old(99), old(19, done=5), old(3, done=7)])},
        note_last,
        10.0,
        {**BUSY, **LONGER, "history:seconds": kept([old(99), old(19, done=5), NEW])},
    ),
    Case(
        "",
        "and beside it, if that is far",
        {**BUSY, "history:seconds": kept([old(20, done=5), old(3, done=7)])},
        note_last,
        10.0,
        {**BUSY, **LONGER, "history:seconds": kept([old(20, done=5), old(3, done=7), NEW])},
    ),
    Case(
        "",
        "none is kept before, and the answer says when it is time",
        {**BUSY, "history:seconds": kept([old(7.5)])},
        note,
        2.5,
        {**BUSY, "history:seconds": kept([old(7.5)])},
    ),
    Case(
        "",
        "counters that went back are kept as they were",
        {**BUSY, "history:seconds": kept([old(70, done=9), old(60, done=500)]), "history:minutes": kept([old(9)])},
        note,
        10.0,
        {**BUSY, "history:seconds": kept([old(70, done=9), old(60, done=500), NEW]), "history:minutes": kept([old(9)])},
    ),
    Case(
        "",
        "F19 a clock that was set back does not stop the history",
        {
            **BUSY,
            "history:seconds": kept([old(-3600)]),
            "history:minutes": kept([old(-3600)]),
            "history:hours": kept([old(-3600)]),
        },
        note,
        10.0,
        {
            **BUSY,
            "history:seconds": kept([old(-3600), NEW]),
            "history:minutes": kept([old(-3600), NEW]),
            "history:hours": kept([old(-3600), NEW]),
        },
    ),
    Case(
        "",
        "F31 a history whose newest row is none of ours begins anew",
        {
            **BUSY,
            "history:seconds": ["\udcc1"],
            "history:minutes": [packed([5]), "no row"],
            "history:hours": ["\udcc1"],
        },
        note,
        10.0,
        {**BUSY, "history:seconds": kept([NEW]), "history:minutes": kept([NEW]), "history:hours": kept([NEW])},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_row_is_kept_when_it_is_time(world: World, case: Case) -> None:
    case.check(world)


def test_a_history_gives_the_rows_of_its_time_the_older_ones_per_minute(world: World) -> None:
    per_minute = kept([old(60 * n, done=200 - n) for n in range(200, 0, -1)])
    fine = [old(7200, done=80), old(30, done=299, stale=1), old(10, done=299)]
    world.seed({**BUSY, "history:minutes": per_minute, "history:seconds": kept(fine)})
    note(world)
    now = NOW / 1000

    everything = world.queue.history()
    some = world.queue.history(now - 7260, now - 10)

    assert everything[-1] == HistoryRow(now, COUNTS, 1, TOTALS_NOW)
    assert [row.at for row in everything] == [
        *(now - 60 * n for n in range(200, 120, -1)),
        *(now - age for age in (7200, 30, 10, 0)),
    ]
    assert [row.at for row in some] == [now - 7260, now - 7200, now - 30, now - 10]
    assert [row.totals for row in some] == [{"done": 79}, {"done": 80}, {"done": 299, "stale": 1}, {"done": 299}]
    assert world.queue.history(now + 1) == []


def test_all_rows_of_a_week_are_read_in_slices(world: World) -> None:
    rows = [row(NOW - 60_000 * n, Counts(queued=n), 0, {"done": 5000 - n}) for n in range(1700, 0, -1)]
    world.seed({"history:minutes": kept(rows)})

    read = world.queue.history()

    assert [row.counts.queued for row in read] == [*range(1700, 0, -1)]
    assert [row.totals["done"] for row in read] == [*range(3300, 5000)]


def test_a_row_that_comes_while_others_are_read_changes_none_of_them(world: World) -> None:
    world.seed({"history:seconds": kept([old(10 * n, done=5000 - n) for n in range(720, 0, -1)])})

    def read() -> Steps[list[HistoryRow]]:
        """Another pool keeps a row after the first slice was read."""
        slices = history.history(world.keys, None, None)
        reply = yield next(slices)
        note(world)
        while True:
            try:
                reply = yield slices.send(reply)
            except StopIteration as ended:
                return list(ended.value)

    rows = world.drive(read())

    assert [row.at for row in rows] == [NOW / 1000 - 10 * n for n in range(719, 0, -1)], "the oldest has left meanwhile"
    assert [row.totals["done"] for row in rows] == [5000 - n for n in range(719, 0, -1)]


@pytest.mark.parametrize(("a_minute", "is_whole"), [(10, True), (60_000, True), (10**12, False)])
def test_the_lists_are_capped_and_take_less_than_a_mebibyte(world: World, a_minute: int, is_whole: bool) -> None:
    """All of a week is kept where thousands of IDs a second come and go; of absurd numbers the oldest leave early."""
    chance = random.Random(a_minute)
    counters = dict.fromkeys(TOTALS, 0)

    def busy(ago: int) -> list[int]:
        for name in TOTALS[:4] if is_whole else TOTALS:
            counters[name] += a_minute + chance.randrange(a_minute)
        return row(NOW - ago * 1000, Counts(*(chance.randrange(10**6) for _ in range(5))), 50, counters)

    fine, long = KEPT_S // STEP_S, LONG_KEPT_S // 60
    minutes = kept([busy(60 * n) for n in range(long, 0, -1)])
    counters = dict.fromkeys(TOTALS, 0)
    a_minute *= 60
    hours = kept([busy(3600 * n) for n in range(HOURS, 0, -1)])
    a_minute //= 60
    seconds = kept([busy(STEP_S * n) for n in range(fine, 0, -1)])
    world.seed({"history:seconds": seconds, "history:minutes": minutes, "history:hours": hours})
    seed(world.client, {"totals": {name: str(n) for name, n in counters.items()}})

    note(world)

    sizes = {name: world.client.llen(f"cv:q:history:{name}") for name in ("seconds", "minutes", "hours")}
    used = sum(int(world.client.memory_usage(f"cv:q:history:{name}", samples=0) or 0) for name in sizes)
    assert used <= 2**20
    assert (sizes == {"seconds": fine, "minutes": long, "hours": HOURS}) is is_whole
    assert sizes["minutes"] > long / 3
    assert sizes["hours"] > HOURS / 3


@pytest.mark.parametrize("key", ["history:seconds", "history:minutes", "history:hours"])
def test_a_key_of_another_type_is_left_alone_and_named(world: World, key: str) -> None:
    world.seed({**BUSY, key: "text"})

    with pytest.raises(StoreDamaged, match=key):
        note(world)
    assert world.state() == {**BUSY, key: "text"}
    if key == "history:hours":
        return  # they are read of many queues only
    with pytest.raises(StoreDamaged, match=key):
        world.queue.history(0)

    assert world.state() == {**BUSY, key: "text"}


NO_ROWS = [b"", b"\x98", b"\xdc\x00", b"\x91\x01", b"\x98\xcf\x00", b"\xa1x", b"\x98" + b"\xc0" * 8]


@pytest.mark.parametrize("raw", NO_ROWS)
def test_what_is_no_row_is_left_out(raw: bytes) -> None:
    assert history._row(raw, None) == (None, [])


def test_a_row_of_another_release_is_read_as_far_as_it_goes() -> None:
    found, counters = history._row(b"\x99\x05\x00\x01\x03\x02\x00\x00\x04\x07", None)

    assert found == HistoryRow(0.005, Counts(1, 3, 2), 4, {TOTALS[0]: 7})
    assert counters == [7]


def test_several_queues_are_noted_at_once(world: World) -> None:
    world.seed({**BUSY, "cv:other:failed": {"x": 1}})
    with Fleet(redis=world.server.url) as fleet:
        due_in_s = fleet.note_history(["q", "other"])
        again = fleet.note_history(["q", "other"])
        (noted,) = fleet.queue("other").history()

    assert due_in_s == 10.0
    assert 0 < again <= 10.0
    assert noted.counts == Counts(failed=1)


def test_the_last_rows_of_many_queues_are_read_at_once(world: World) -> None:
    fine = [old(age, done=1000 - age) for age in range(700, 0, -10)]
    coarse = [old(60 * n, done=500 - n) for n in range(200, 0, -1)]
    world.seed({"history:seconds": kept(fine), "history:minutes": kept(coarse), "cv:bad:history:seconds": {"x"}})
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = NOW

        minute = fleet.histories(["q", "bad", "none"], last_s=60)
        hours = fleet.histories(["q"], last_s=7200)

    ages = [NOW / 1000 - one.at for one in minute["q"]]
    assert ages == [70, 60, 50, 40, 30, 20, 10]
    assert [one.totals["done"] for one in minute["q"]] == [930, 940, 950, 960, 970, 980, 990]
    assert (minute["bad"], minute["none"]) == ([], [])
    assert [one.totals["done"] for one in hours["q"]] == [*range(379, 500)]


def test_rows_from_before_that_time_are_left_out(world: World) -> None:
    world.seed({"history:seconds": kept([old(9000, done=1), old(5, done=7)])})
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = NOW

        found = fleet.histories(["q"], last_s=60)

    assert [one.totals for one in found["q"]] == [{"done": 7}]


@pytest.mark.parametrize(("fine", "coarse", "hours", "most"), [(5, 5, 5, 8), (10, 20, 20, 19), (10, 60, 60, 23)])
def test_a_row_takes_no_more_commands_than_it_did_before_there_were_hours(
    world: World, fine: int, coarse: int, hours: int, most: int
) -> None:
    """Of a queue at rest; before, these were 10 where no row is due, 21 for one, and 24 for one of a minute."""
    kept_before = {
        "history:seconds": kept([old(fine)]),
        "history:minutes": kept([old(coarse)]),
        "history:hours": kept([old(hours)]),
    }
    world.seed(kept_before)
    note(world)
    world.seed(kept_before)

    assert sum(commands(world.client, lambda: note(world)).values()) <= most


# -- the rows of each hour


def hourly(*, first: int = 168, last: int = 1) -> list[list[int]]:
    return [old(3600 * n, done=2000 - n) for n in range(first, last - 1, -1)]


def minutely(first: int, last: int = 1) -> list[list[int]]:
    """One a minute from so many hours ago, each with as many waiting as it is minutes old."""
    rows = range(60 * first, 60 * (last - 1), -1)
    return [row(NOW - 60_000 * n, Counts(queued=n), 1, {"done": 100_000 - n}) for n in rows if n > 0]


def week(world: World, *names: str) -> dict[str, list[HistoryRow]]:
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = NOW
        return fleet.histories(names, last_s=7 * 86_400)


def test_a_week_of_a_hundred_queues_is_read_from_their_hours_in_one_round_trip(world: World) -> None:
    names = [f"q{n}" for n in range(100)]
    lists = {"hours": kept(hourly()), "minutes": kept(minutely(1)), "seconds": kept([old(3, done=9000)])}
    for name in names:
        seed(world.client, {f"cv:{name}:history:{kind}": rows for kind, rows in lists.items()})
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = NOW
        fleet.histories(names, last_s=7 * 86_400)

        sent = commands(world.client, lambda: fleet.histories(names, last_s=7 * 86_400))
        found = fleet.histories(names, last_s=7 * 86_400)

    assert sent["evalsha_ro"] == 1
    assert [len(rows) for rows in found.values()] == [169] * 100, "those of the hours, and the newest of all"
    assert [one.totals["done"] for one in found["q7"]] == [*range(2000 - 168, 2000), 9000]


def test_a_queue_whose_hours_begin_later_is_read_from_its_minutes_as_hours(world: World) -> None:
    rows = minutely(168)
    world.seed({"history:minutes": kept(rows), "history:seconds": kept(rows[-1:]), "history:hours": kept(rows[-1:])})
    seed(world.client, {"cv:young:history:minutes": kept(minutely(5)), "cv:young:history:seconds": kept(rows[-1:])})
    seed(world.client, {"cv:young:history:hours": kept(hourly(first=5))})

    found = week(world, "q", "young", "none")

    assert 168 <= len(found["q"]) <= 170
    assert [one.counts.queued for one in found["q"][:1]] == [168 * 60]
    assert found["q"][-1].totals["done"] == 100_000 - 1
    assert len(found["young"]) == 6
    assert found["none"] == []


def test_hours_that_no_pool_has_kept_for_a_while_are_read_from_the_minutes(world: World) -> None:
    """A pool of an older release keeps none."""
    rows = minutely(168)
    hours = hourly(last=30)
    world.seed({"history:minutes": kept(rows), "history:seconds": kept(rows[-1:]), "history:hours": kept(hours)})

    found = week(world, "q")["q"]

    assert max(after.at - before.at for before, after in pairwise(found)) <= 3660


def test_hours_are_the_same_from_both_kinds_of_rows(world: World) -> None:
    """What the script keeps of the rows as they come is what a reader makes of the minutes."""
    rows = [row(NOW + 60_000 * n, Counts(queued=n * 7919 % 1000), 1, {"done": 10 * n}) for n in range(300)]
    for n, one in enumerate(rows):
        world.queue._connection.now_ms = one[0]
        world.client.delete("cv:q:queued")
        if one[2]:
            world.client.rpush("cv:q:queued", *range(one[2]))
        seed(world.client, {"totals": {"done": str(10 * n)}})
        note(world)
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = rows[-1][0]
        kept_ = fleet.histories(["q"], last_s=7 * 86_400)["q"]
        world.client.delete("cv:q:history:hours")
        made = fleet.histories(["q"], last_s=7 * 86_400)["q"]

    assert [one.at for one in made] == [one.at for one in kept_]
    assert [one.totals for one in made] == [one.totals for one in kept_]
    assert [one.counts.queued for one in made[:-1]] == [one.counts.queued for one in kept_[:-1]]
