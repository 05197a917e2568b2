"""Looks for a bug in the convoy_core of this directory.

    python -m tests.model.hunt SOCKET FINDER SEED LIMIT SIGN TOPIC

Prints one JSON line: whether the bug was found, after how many steps or seeds, and by which error.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import convoy_core
from tests.model.explore import explore
from tests.model.machine import Bench, Strict, about
from tests.model.mixed import Mixed
from tests.model.simulation import FAULT_MIXES, play
from tests.model.wire import Wire


def hunt_with_machine(machine: type[Strict] | type[Mixed], path: str, seed: int, limit: int) -> tuple[int, str]:
    """Steps taken, and what went wrong, or nothing."""
    machine.bench = Bench(path)
    try:
        explore(machine, seed, limit, shrink=False)
    except Exception as error:  # noqa: BLE001 - whatever is raised has found it
        return machine.steps, f"{type(error).__name__}: {error}"
    return machine.steps, ""


def hunt_with_seeds(mix: str, path: str, first: int, limit: int, sign: str) -> tuple[int, str]:
    """Simulations played, and what went wrong that shows the sign, or nothing."""
    with Wire(path) as wire:
        for seed in range(first, first + limit):
            verdict, _ = play(seed, wire, FAULT_MIXES[mix])
            for detail in verdict.details:
                if sign in detail:
                    return seed - first + 1, detail
    return limit, ""


def main(path: str, finder: str, first: int, limit: int, sign: str, topic: str) -> None:
    """Hunt, and tell."""
    assert Path(convoy_core.__file__).is_relative_to(Path.cwd()), convoy_core.__file__
    logging.disable(logging.CRITICAL)
    machines: dict[str, type[Strict] | type[Mixed]] = {"Strict": about(topic), "Mixed": Mixed}
    if finder in machines:
        after, why = hunt_with_machine(machines[finder], path, first, limit)
    else:
        after, why = hunt_with_seeds(finder, path, first, limit, sign)
    sys.stdout.write(json.dumps({"found": bool(why), "after": after, "why": why[:300]}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
