"""What the storm's judge lets pass: a pause, a lapse and a rollback excuse nothing but what they can have caused."""

from __future__ import annotations

import pytest

from tests.chaos.journal import Run
from tests.chaos.judge import Lapse, Pause, Rollback, Troubles, Verdict, judge_runs


def verdict_on(first: Run, second: Run, troubles: Troubles) -> Verdict:
    """Of two runs of one ID."""
    verdict = Verdict()
    judge_runs([first, second], troubles, verdict)
    return verdict


LONG, WITHIN = Run("a", "1:1", 1, 100, 105), Run("a", "2:1", 2, 103, 103.5)


@pytest.mark.parametrize(
    ("troubles", "is_excused"),
    [
        (Troubles(), False),
        (Troubles(pauses=[Pause(1, 101, 103)]), True),
        (Troubles(pauses=[Pause(3, 101, 103)]), False),
        (Troubles(pauses=[Pause(1, 90, 92)]), False),
        (Troubles(pauses=[Pause(1, 104, 107)]), False),
        (Troubles(lapses=[Lapse(1, 101, 102)]), True),
        (Troubles(lapses=[Lapse(1, 102.9, 104)]), True),
        (Troubles(lapses=[Lapse(2, 99, 104)]), True),
        (Troubles(lapses=[Lapse(3, 101, 104)]), False),
        (Troubles(lapses=[Lapse(1, 97, 99.9)]), False),
        (Troubles(lapses=[Lapse(1, 103.1, 104)]), False),
        (Troubles(lapses=[Lapse(2, 101, 104)]), False),
        (Troubles(lapses=[Lapse(2, 99, 102)]), False),
        (Troubles(rollbacks=[Rollback(99, 101, 101.1)]), True),
        (Troubles(rollbacks=[Rollback(100.5, 102, 102.1)]), False),
        (Troubles(rollbacks=[Rollback(90, 92, 92.1)]), False),
    ],
    ids=[
        "nothing happened",
        "the first stood still",
        "another stood still",
        "it stood still long before",
        "it stood still afterwards",
        "its lease had lapsed under the first run",
        "it lapsed just before the second run",
        "the second had held it first, and its lease had lapsed",
        "another's lease had lapsed",
        "it had lapsed only before the first run",
        "it lapsed only after the second had begun",
        "that of the second lapsed, but only after the first had begun",
        "that of the second had lapsed, but no longer",
        "the store forgot its claim",
        "the store remembered its claim",
        "the store forgot what was before",
    ],
)
def test_two_live_holders_are_excused_by_what_took_the_claim_from_the_first_alone(
    troubles: Troubles, is_excused: bool
) -> None:
    verdict = verdict_on(LONG, WITHIN, troubles)

    assert (verdict.concurrent, verdict.overtaken) == (([], ["a"]) if is_excused else (["a"], []))


def test_a_run_that_begins_after_its_holder_died_is_not_concurrent() -> None:
    verdict = verdict_on(Run("a", "1:1", 1, 100), WITHIN, Troubles(ends={1: 101}, killed={1}))

    assert (verdict.concurrent, verdict.overtaken, verdict.repeated) == ([], [], ["a"])


def test_a_second_run_after_a_clean_end_has_no_cause() -> None:
    verdict = verdict_on(Run("a", "1:1", 1, 100, 101), WITHIN, Troubles(ends={1: 102}))

    assert verdict.unattributed == ["a"]


def test_a_lapsed_lease_explains_a_second_run_of_ids_of_the_same_worker_only() -> None:
    several = Run("a", "1:1", 1, 100, 101), Run("a", "2:1", 2, 103, 104)

    assert verdict_on(*several, Troubles(lapses=[Lapse(1, 101.5, 102)])).unattributed == []
    assert verdict_on(*several, Troubles(lapses=[Lapse(2, 101.5, 102)])).unattributed == ["a"]


def test_leases_lapse_by_themselves_but_under_a_pause_and_of_the_dead() -> None:
    by_itself, paused, dead = Lapse(1, 101, 102), Lapse(2, 101, 104), Lapse(3, 101, 103)
    troubles = Troubles(ends={1: 104, 3: 103}, killed={1, 3}, pauses=[Pause(2, 100, 103)])
    troubles.lapses = [by_itself, paused, dead]

    assert troubles.lapsed_by_themselves == [by_itself]
