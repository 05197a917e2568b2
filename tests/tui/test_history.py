"""What a minute of snapshots is taken to say."""

from __future__ import annotations

from dataclasses import replace

from convoy_core import Counts, Snapshot
from convoy_tui.text.history import CELLS, History, Rates, Trends
from tests.tui.fixed import NOW, a_queue


def at(second: float, queued: int = 0, **changes: object) -> Snapshot:
    return replace(a_queue("q", queued=queued, **changes), at=NOW + second)


def learned(*snapshots: Snapshot) -> Trends:
    history = History()
    for snapshot in snapshots:
        history.add([snapshot])
    return history.trends("q")


def totals(**numbers: int) -> dict[str, int]:
    return {"published": 0, "done": 0, "failed": 0, "retried": 0, **numbers}


def test_an_unknown_queue_has_no_rates_and_an_empty_trend() -> None:
    assert History().trends("q") == Trends()


def test_one_sample_gives_no_rate() -> None:
    assert learned(at(0, 5)).rates == Rates()


def test_rates_are_what_the_counters_grew_per_second() -> None:
    seen = learned(
        at(0, 10, totals=totals(published=100, done=50, failed=1, retried=1)),
        at(4, 30, totals=totals(published=140, done=58, failed=2, retried=4)),
    )

    assert seen.rates == Rates(in_s=10, out_s=2, fail_s=1, net_s=5)


def test_rates_look_back_ten_seconds() -> None:
    seen = learned(*(at(second, totals=totals(published=1000 if second > 20 else 0)) for second in range(40)))

    assert seen.rates.in_s == 0


def test_a_counter_that_was_set_back_gives_no_rate() -> None:
    seen = learned(at(0, totals=totals(done=500)), at(1, totals=totals(done=3)))

    assert seen.rates.out_s is None
    assert seen.rates.net_s == 0


def test_work_done_by_node_alone_has_no_known_rates_but_a_net_change() -> None:
    seen = learned(
        *(at(second, 10 + second, processing=1, workers=0, totals={}) for second in range(3)),
    )

    assert seen.rates == Rates(net_s=1)


def test_no_rate_is_computed_across_a_gap() -> None:
    history = History()
    history.add([at(0, 7)])
    history.gap()
    history.add([at(40, 9)])

    seen = history.trends("q")

    assert seen.cells[CELLS - 1] == 9
    assert seen.cells[CELLS - 9] == 7
    assert seen.cells[CELLS - 8 : CELLS - 1] == (None,) * 7
    assert seen.rates == Rates()


def test_slow_polls_leave_no_gap() -> None:
    seen = learned(*(at(second, second) for second in (0, 20, 40)))

    assert seen.cells[-9:] == (0, 0, 0, 0, 20, 20, 20, 20, 40)


def test_a_trend_does_not_shift_within_the_same_five_seconds() -> None:
    samples = [at(second, second) for second in (0, 1, 2, 3)]

    assert learned(*samples[:3]).cells[:-1] == learned(*samples).cells[:-1]


def test_memory_is_bounded_however_often_someone_looks() -> None:
    history = History()
    for n in range(20_000):
        history.add([at(n / 20)])

    assert len(history._tracks["q"].samples) <= 160


def test_a_queue_that_is_gone_is_forgotten() -> None:
    history = History()
    history.add([at(0)])
    history.add([])

    assert history.trends("q") == Trends()


def test_drift_is_the_least_of_ten_seconds() -> None:
    assert learned(*(at(s, 1, drift=d) for s, d in enumerate((3, 2, 5)))).drift == 2
    assert learned(*(at(s, 1, drift=d) for s, d in enumerate((3, 0, 5)))).drift == 0
    assert learned(*(at(s, 1, drift=d) for s, d in enumerate((-3, -2)))).drift == -2


def test_growth_is_reported_after_a_whole_minute() -> None:
    assert learned(*(at(second, 10 * second) for second in range(61))).grows
    assert not learned(*(at(second, 10 * second) for second in range(30))).grows
    assert not learned(*(at(second, min(10 * second, 300)) for second in range(61))).grows


def test_equal_rates_in_and_out_are_steady_and_never_clear() -> None:
    flow = [at(s, 40 + s % 2, totals=totals(published=100 * s, done=100 * s)) for s in range(31)]

    assert learned(*flow).is_steady
    assert learned(*flow).clears_s is None


def test_what_shrinks_clears_in_time() -> None:
    flow = [at(s, 100 - 2 * s, totals=totals(done=2 * s)) for s in range(31)]

    assert learned(*flow).clears_s == 20


def test_a_clock_set_back_starts_anew() -> None:
    seen = learned(at(100, 5), at(0, 6))

    assert seen.rates == Rates()
    assert seen.cells[-1] == 6


def test_counts_are_not_needed_for_a_damaged_queue() -> None:
    broken = replace(at(0), counts=Counts(), damage="wrong type", totals={})

    assert learned(broken, replace(broken, at=NOW + 1)).rates == Rates(0, 0, 0, 0)
