"""Random steps against the models, 20,000 in each run of the tests.

CONVOY_MODEL_STEPS asks for more; CONVOY_MODEL_SEED repeats a run (with the same number of steps).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from tests.model.explore import explore
from tests.model.machine import Bench, Machine, Strict
from tests.model.mixed import Mixed
from tests.servers import RealServer

STEPS = int(os.environ.get("CONVOY_MODEL_STEPS", "20000"))
SEED = int(os.environ.get("CONVOY_MODEL_SEED") or "0")
"""0: another one each time, drawn late (each process of a test run has its own) and named when a step fails."""

SHARES = [(Strict, share) for share in range(3)] + [(Mixed, share) for share in range(2)]
"""Cut so that two processes can share the work."""


@pytest.fixture
def bench(store: RealServer) -> Iterator[Bench]:
    """An empty store."""
    bench = Bench(str(store.socket))
    yield bench
    bench.close()


@pytest.mark.timeout(90 + STEPS // 100)
@pytest.mark.parametrize(("machine", "share"), SHARES)
def test_after_every_random_step_the_store_is_as_it_must_be(bench: Bench, machine: type[Machine], share: int) -> None:
    machine.bench = bench
    wanted = -(-STEPS // len(SHARES))

    taken = explore(machine, SEED or secrets.randbits(32), wanted)

    assert taken >= wanted
