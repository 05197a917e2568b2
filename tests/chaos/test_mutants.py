"""The storm finds bugs that are planted for it; the same storm finds nothing where there are none.

What it cannot meet is left to the models: a worker that dies between a hand-over and the claim sent along with it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.mutants import MUTANTS, Mutant, Patch
from tests.waiting import patient

ROOT = Path(__file__).parents[2]
KILLS = 12
STORMS = 6
"""The most storms per bug: the moments of the kills are random. One in twenty misses a bug, and one in six with
rollbacks."""

PATIENCE_S = 5.0
"""More than a lease and a beat of the storm's workers, after which the last ID is taken back."""

NO_RECOVERY = Mutant(
    "F10: nobody takes back what a dead worker held",
    "simulation",
    (Patch("worker/maintenance.py", "for worker in expired:", "for worker in expired[:0]:"),),
)
EVERYBODY_IS_DEAD = Mutant(
    "F12: whoever comes takes the others for dead",
    "simulation",
    (
        Patch("worker/maintenance.py", "if not expired or time.monotonic() < self.judge_from:", "if not expired:"),
        Patch("moves/lua/reads/expired_leases.lua", "string.format('%d', now), 'LIMIT'", "'+inf', 'LIMIT'"),
        Patch(
            "moves/lua/recover.lua",
            "if lease and tonumber(lease) > now or latest and now > latest then return { 'alive' } end",
            "",
        ),
    ),
)
NEVER_COMPARE = "F63: nobody compares when a new connection is met"
KNOWN = {mutant.name: mutant for mutant in MUTANTS}


def blow(home: Path, seed: int, rollbacks: int = 0) -> tuple[int, dict[str, int]]:
    """A small storm over the convoy_core in `home`: its exit status, and the number of every line."""
    command = [sys.executable, "-m", "tests.chaos", "--kills", str(KILLS), "--server-kills", "0", "--pauses", "0"]
    command += ["--rollbacks", str(rollbacks), "--seed", str(seed), "--patience", str(PATIENCE_S)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    storm = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, timeout=patient(85), check=False
    )
    lines = re.findall(r"^ *([a-z A-Z]+?) +([0-9,]+)", storm.stdout, re.MULTILINE)
    assert lines, storm.stderr
    return storm.returncode, {name: int(n.replace(",", "")) for name, n in lines}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("mutant", "signs", "rollbacks"),
    [
        (KNOWN["F1: BLPOP instead of BLMOVE"], ["lost"], 0),
        (NO_RECOVERY, ["stuck"], 0),
        (EVERYBODY_IS_DEAD, ["concurrent holders"], 0),
        (KNOWN[NEVER_COMPARE], ["stuck", "concurrent holders"], 3),
    ],
    ids=lambda value: value.name if isinstance(value, Mutant) else None,
)
def test_a_planted_bug_is_found(tmp_path: Path, mutant: Mutant, signs: list[str], rollbacks: int) -> None:
    mutant.plant(ROOT / "convoy_core", tmp_path / "convoy_core")

    storms = (blow(tmp_path, seed, rollbacks) for seed in range(1, STORMS + 1))

    assert any(status == 1 and any(seen[sign] > 0 for sign in signs) for status, seen in storms)


def test_without_a_bug_nothing_is_found(tmp_path: Path) -> None:
    Mutant("none", "simulation", ()).plant(ROOT / "convoy_core", tmp_path / "convoy_core")

    status, seen = blow(tmp_path, 1, rollbacks=2)

    assert status == 0, seen
    assert seen["worker kills"] >= KILLS
