"""Every planted bug is found, and soon: what the models and the simulation do not see, they do not prove."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.model.mutants import LIMITS, MUTANTS, Mutant
from tests.servers import RealServer
from tests.waiting import patient

ROOT = Path(__file__).parents[2]


def hunt(store: RealServer, home: Path, mutant: Mutant, limit: int) -> dict[str, Any]:
    """Run the hunt on the convoy_core in `home`."""
    command = [sys.executable, "-m", "tests.model.hunt", str(store.socket), mutant.finder]
    command += [str(mutant.first_seed), str(limit), mutant.sign, mutant.topic]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=patient(280)
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(store: RealServer, tmp_path: Path, mutant: Mutant) -> None:
    mutant.plant(ROOT / "convoy_core", tmp_path / "convoy_core")
    limit = LIMITS[mutant.finder]

    found = hunt(store, tmp_path, mutant, limit)

    assert found["found"], f"{mutant.finder} took {found['after']} steps or seeds and saw nothing"
    assert found["after"] <= limit


def test_without_a_bug_nothing_is_found(store: RealServer, tmp_path: Path) -> None:
    none = Mutant("none", "Mixed", ())
    none.plant(ROOT / "convoy_core", tmp_path / "convoy_core")

    found = hunt(store, tmp_path, none, 500)

    assert found == {"found": False, "after": found["after"], "why": ""}


def test_the_page_about_reliability_counts_the_planted_bugs() -> None:
    assert f"finds each of {len(MUTANTS)} bugs" in (ROOT / "docs/reliability.md").read_text("utf-8")
