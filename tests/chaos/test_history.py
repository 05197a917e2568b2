"""What a storm tells of an ID that its judge objects to."""

from __future__ import annotations

from tests.chaos.history import tell
from tests.chaos.journal import Run
from tests.chaos.judge import Lapse, Pause, Rollback, Troubles, Verdict
from tests.chaos.work import Kind

KINDS: dict[int, Kind] = {1: "thread", 2: "command", 3: "async"}
RUNS = [Run("a", "11:1", 1, 105, 109), Run("a", "22:1", 2, 107), Run("b", "33:1", 3, 106, 106.5)]


def test_the_history_of_an_id_has_its_runs_and_the_faults_of_its_workers_and_the_store_in_order() -> None:
    troubles = Troubles(
        ends={1: 150, 2: 107.25, 3: 108},
        killed={2, 3},
        disturbed=[50, 103, 104.5, 104.75],
        pauses=[Pause(3, 105, 107)],
        lapses=[Lapse(1, 106, 106.5)],
        rollbacks=[Rollback(104, 104.5, 104.75), Rollback(10, 11, 12)],
    )

    lines = tell(Verdict(concurrent=["a"]), {"a": 101, "b": 100}, RUNS, KINDS, troubles)

    assert (
        "\n".join(lines)
        == """
concurrent: 'a'
      1.000  accepted
      3.000  store       loses its connections, or is killed
      4.000  store       is copied
      4.500  store       is killed, to come back as it was copied
      4.750  store       is back, as it was copied
      5.000  run begins  11:1 by worker 1 (thread)
      6.000  worker 1    has no living lease from here
      6.500  worker 1    has no living lease until here
      7.000  run begins  22:1 by worker 2 (command), which has no end
      7.250  worker 2    is dead
      9.000  run ends    11:1 by worker 1 (thread)"""
    )


def test_of_many_ids_and_events_the_first_are_told() -> None:
    lost = [f"{n}" for n in range(1000)]
    runs = [Run("a", f"11:{n}", 1, 100 + n, 101 + n) for n in range(1000)]

    lines = tell(Verdict(lost=lost, unattributed=["a"]), dict.fromkeys(lost, 100.0), runs, KINDS, Troubles())

    assert [line for line in lines if ":" in line[:14]] == [
        "unattributed: 'a'",
        "lost: '0'",
        "lost: '1'",
        "lost: '2'",
        "lost: '3'",
    ]
    assert lines[-1] == "and 996 IDs more"
    assert len(lines) < 60
