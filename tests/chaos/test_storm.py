"""A small storm in every run of the gate; `make chaos` blows larger ones."""

from __future__ import annotations

import random
import re
import subprocess
import sys

import pytest

from tests.waiting import patient

KILLS, SERVER_KILLS, ROLLBACKS, PAUSES, PARTS = 60, 6, 4, 4, 2
FAULTS = (
    "lost",
    "stuck",
    "failed",
    "ghosts",
    "unattributed",
    "stale accepted",
    "concurrent holders",
    "broken workers",
    "left over",
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("part", range(PARTS))
def test_f1_f10_f34_f59_f63_nothing_is_lost_stuck_or_held_twice_whoever_is_killed(part: int) -> None:
    """In a process of its own, since it forks its workers."""
    seed = random.SystemRandom().randrange(2**31)
    command = [sys.executable, "-m", "tests.chaos", "--kills", str(KILLS // PARTS)]
    command += ["--server-kills", str(SERVER_KILLS // PARTS), "--seed", str(seed)]
    command += ["--rollbacks", str(ROLLBACKS // PARTS), "--pauses", str(PAUSES // PARTS)]

    storm = subprocess.run(command, capture_output=True, text=True, timeout=patient(170), check=False)

    assert storm.returncode == 0, f"seed {seed}\n{storm.stdout}{storm.stderr}"
    seen = {
        name.strip(): int(n.replace(",", ""))
        for name, n in re.findall(r"^ *([a-z A-Z]+?) +([0-9,]+)", storm.stdout, re.MULTILINE)
    }
    assert seen["worker kills"] >= KILLS // PARTS
    assert seen["server kills"] == SERVER_KILLS // PARTS
    assert min(seen["rollbacks"], seen["worker pauses"]) >= 2
    assert seen["publishers killed"] >= 1
    assert seen["accepted IDs"] > 500
    assert [seen[fault] for fault in FAULTS] == [0] * len(FAULTS)


BROKEN_OFF = """
from tests.chaos import storm
def fail(*_): raise AssertionError("the store did not come back")
storm._trouble = fail
storm.run(storm.Amounts(1, 0, 0, 0), 1, 5)
"""


def test_a_storm_that_breaks_off_says_why_and_leaves_no_worker() -> None:
    """Who waits for what it writes would wait for its workers, too."""
    storm = subprocess.run(
        [sys.executable, "-c", BROKEN_OFF], capture_output=True, text=True, timeout=patient(), check=False
    )

    assert storm.returncode == 1
    assert storm.stderr.endswith("AssertionError: the store did not come back\n")
