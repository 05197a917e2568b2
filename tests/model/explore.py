"""Makes a number of random steps with a machine. If one fails, prints how to repeat them."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine

STEPS_PER_RUN = 50
RUNS_PER_BATCH = 25
"""Within one batch Hypothesis varies what it has seen before; many small ones have seen more kinds of runs."""


def explore(machine: type[Machine], seed: int, steps: int, *, shrink: bool = True) -> int:
    """Take at least that many steps; how many were taken. A failure notes the seed, after Hypothesis has made it short.

    The count of a machine that failed stays in its `steps`.
    """
    machine.steps = batch = 0
    while machine.steps < steps:
        runs = min(RUNS_PER_BATCH, -(-(steps - machine.steps) // STEPS_PER_RUN))
        part: type[Machine] = seeded(seed * 1000 + batch)(type(machine.__name__, (machine,), {"steps": 0}))
        try:
            run_state_machine_as_test(part, settings=_profile(runs, shrink=shrink))
        except BaseException as error:
            error.add_note(f"Replay with CONVOY_MODEL_SEED={seed} (batch {batch} of {machine.__name__}, {runs} runs).")
            raise
        finally:
            machine.steps += part.steps
        batch += 1
    return machine.steps


def _profile(runs: int, *, shrink: bool) -> settings:
    return settings(
        max_examples=runs,
        stateful_step_count=STEPS_PER_RUN,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
