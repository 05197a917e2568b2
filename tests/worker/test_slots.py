"""How many runs may go after a shortage: told by a table of what happened and when."""

from __future__ import annotations

import pytest

from convoy_core.worker.slots import PAUSES, Slots

SHORT = "no descriptors"


def after(*shortages: tuple[float, int], most: int = 100) -> Slots:
    """Slots after shortages: when, and how many went on."""
    slots = Slots(most)
    for at, going in shortages:
        slots.look(at)
        slots.refuse(at, going, SHORT)
    return slots


@pytest.mark.parametrize(
    ("shortages", "at", "allowed"),
    [
        ([], 0, 100),
        # What goes keeps its places, and nothing more is tried for half a second.
        ([(0, 40)], 0, 40),
        ([(0, 40)], 0.4, 40),
        # Then a quarter more, once a second.
        ([(0, 40)], 0.5, 50),
        ([(0, 40)], 1.4, 50),
        ([(0, 40)], 1.5, 62),
        ([(0, 40)], 2.5, 77),
        ([(0, 40)], 4.5, 100),
        # From nothing one at a time.
        ([(0, 0)], 0.4, 0),
        ([(0, 0)], 0.5, 1),
        ([(0, 0)], 1.5, 2),
        ([(0, 0)], 60, 100),
        # Several that fail together are one shortage, as deep as the last of them shows.
        ([(0, 99), (0.01, 70), (0.02, 42)], 0.4, 42),
        ([(0, 99), (0.01, 70), (0.02, 42)], 0.5, 52),
        # Each further one before all are back lasts twice as long.
        ([(0, 40), (0.5, 45)], 1.4, 45),
        ([(0, 40), (0.5, 45)], 1.5, 56),
        ([(0, 40), (0.5, 45), (1.5, 45)], 3.4, 45),
        ([(0, 40), (0.5, 45), (1.5, 45)], 3.5, 56),
        # More never go than were allowed.
        ([(0, 40), (0.2, 60)], 0.4, 40),
        # After a recovery the next shortage is a first one again.
        ([(0, 0), (0.5, 0), (100, 50)], 100.4, 50),
        ([(0, 0), (0.5, 0), (100, 50)], 100.5, 62),
    ],
)
def test_a_shortage_allows_what_goes_and_then_ever_more(
    shortages: list[tuple[float, int]], at: float, allowed: int
) -> None:
    assert after(*shortages).allowed(at) == allowed


def test_the_pause_is_bounded() -> None:
    slots = after(*((100.0 * n, 0) for n in range(1)))
    at = 0.0
    for _ in range(20):
        wait = slots.look(at)
        assert wait is not None
        at += wait
        slots.refuse(at, 0, SHORT)

    assert slots.look(at) == PAUSES.longest_s


@pytest.mark.parametrize(("at", "wait"), [(0, 0.5), (0.4, 0.1), (0.5, 1.0), (1.25, 0.25), (60, None)])
def test_it_tells_when_to_look_again_until_the_shortage_is_over(at: float, wait: float | None) -> None:
    slots = after((0, 40))

    assert slots.look(at) == (None if wait is None else pytest.approx(wait))
    assert slots.why == (None if wait is None else SHORT)


def test_only_a_new_pause_is_announced() -> None:
    slots = Slots(10)

    news = [at for at in (0, 0.1, 0.4, 0.5, 0.6, 1.5) if slots.refuse(at, 0, SHORT)]

    assert news == [0, 0.5, 1.5]


def test_more_places_are_there_at_once_unless_a_shortage_holds_back() -> None:
    slots = Slots(2)
    slots.resize(10)
    assert slots.allowed(0) == 10

    slots.refuse(0, 4, SHORT)
    slots.resize(100)
    assert slots.allowed(0.4) == 4
    assert slots.allowed(60) == 100


def test_with_fewer_places_than_a_shortage_has_left_it_is_over() -> None:
    slots = after((0, 40))
    slots.resize(30)

    assert slots.look(0.1) is None
    assert slots.why is None
