"""Two versions of Convoy work on one queue, as in every upgrade: this one, and the one before."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.test_mutants import KNOWN, STORMS
from tests.chaos.test_storm import FAULTS
from tests.waiting import patient

ROOT = Path(__file__).parents[2]
REVISION = os.environ.get("CONVOY_OLDER_REVISION", "")
"""Which version is the older one; else the last tag, else the one before the library was last changed."""


LOSES = KNOWN["F1: BLPOP instead of BLMOVE"]


def _git(*words: str) -> str | None:
    """What git answers; None where it has no answer, as without a history."""
    if shutil.which("git") is None:
        return None
    answer = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 and answer.stdout.strip() else None


def _older_revision() -> str | None:
    if REVISION:
        return REVISION
    if (tag := _git("describe", "--tags", "--abbrev=0", "HEAD~")) is not None:
        return tag
    changed = _git("rev-list", "-1", "HEAD", "--", "convoy_core")
    return None if changed is None else _git("rev-parse", "--verify", f"{changed}~")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A directory with the convoy_core of the older version."""
    revision = _older_revision()
    if revision is None:
        pytest.skip("there is no git history here, to take an older version from")
    packed = tmp_path / "older.tar"
    if _git("rev-parse", "--verify", f"{revision}:convoy_core") is None:
        pytest.skip(f"the git history here does not reach back to {revision}")
    _git("archive", "--output", str(packed), revision, "convoy_core")
    (tmp_path / "older").mkdir()
    shutil.unpack_archive(packed, tmp_path / "older", filter="data")
    return tmp_path / "older"


@pytest.mark.timeout(240)
def test_nothing_is_lost_stuck_or_held_twice_while_two_versions_work_on_one_queue(older: Path) -> None:
    seed = random.SystemRandom().randrange(2**31)
    command = [sys.executable, "-m", "tests.chaos", "--kills", "24", "--server-kills", "2", "--seed", str(seed)]
    command += ["--rollbacks", "2", "--pauses", "2", "--older", str(older)]

    storm = subprocess.run(command, capture_output=True, text=True, timeout=patient(230), check=False)

    assert storm.returncode == 0, f"seed {seed}\n{storm.stdout}{storm.stderr}"
    seen = {
        name.strip(): int(n.replace(",", ""))
        for name, n in re.findall(r"^ *([a-z A-Z]+?) +([0-9,]+)", storm.stdout, re.MULTILINE)
    }
    of_older = re.search(r"with ([\d,]+) runs of another version", storm.stdout)
    assert of_older is not None
    assert int(of_older[1].replace(",", "")) > 100
    assert seen["older workers"] > 3
    assert seen["accepted IDs"] > 300
    assert [seen[fault] for fault in FAULTS] == [0] * len(FAULTS)


@pytest.mark.timeout(300)
def test_a_bug_of_the_older_version_alone_is_found(tmp_path: Path) -> None:
    LOSES.plant(ROOT / "convoy_core", tmp_path / "convoy_core")

    found = any(_loses(tmp_path, seed) for seed in range(1, STORMS + 1))

    assert found


def _loses(older: Path, seed: int) -> bool:
    command = [sys.executable, "-m", "tests.chaos", "--kills", "12", "--server-kills", "0", "--rollbacks", "0"]
    command += ["--pauses", "0", "--seed", str(seed), "--patience", "5", "--older", str(older)]
    storm = subprocess.run(command, capture_output=True, text=True, timeout=patient(85), check=False)
    lost = re.search(r"^lost +([\d,]+)", storm.stdout, re.MULTILINE)
    assert lost is not None, storm.stderr
    return storm.returncode == 1 and lost[1] != "0"
