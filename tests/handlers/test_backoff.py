"""Retries spread out, never come too late, and never overflow, however often an ID has failed."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from convoy_core import Counts, Job, PoolOptions, Queue, WorkerPool
from convoy_core.handlers.verdicts import VerdictRules, backoff_ms
from tests.moves.keyspace import ALIVE, NOW, W, World, seed
from tests.servers import RealServer
from tests.waiting import eventually

OPTIONS = PoolOptions(backoff_s=2.0, backoff_cap_s=3600.0)
SAMPLES = 20_000


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("failures", "ceiling_s"),
    [(0, 2), (1, 4), (2, 8), (10, 2048), (11, 3600), (63, 3600), (64, 3600), (1100, 3600), (10**6, 3600)],
)
def test_f27_a_backoff_lies_evenly_between_nothing_and_its_doubling_capped_ceiling(
    failures: int, ceiling_s: int
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - to replay a failure
    random.seed(seed)

    delays = [backoff_ms(failures, OPTIONS) for _ in range(SAMPLES)]

    ceiling = ceiling_s * 1000
    assert 0 <= min(delays) <= ceiling * 0.01
    assert ceiling * 0.99 <= max(delays) <= ceiling
    assert sum(delays) / SAMPLES == pytest.approx(ceiling / 2, rel=0.03)
    tenths = [sum(n * ceiling <= 10 * delay < (n + 1) * ceiling for delay in delays) for n in range(10)]
    assert tenths == [pytest.approx(SAMPLES / 10, rel=0.15)] * 10


@pytest.mark.parametrize("attempts", [10**6, 2**53 - 1])
def test_f27_an_id_that_has_failed_a_million_times_is_delayed_and_counted_as_any_other(
    world: World, attempts: int
) -> None:
    world.seed({**ALIVE, "queued": ["a"], "committed": {"a"}, "attempts": {"a": str(attempts)}})
    (claimed,) = world.exchange(want=1).claims
    assert claimed.attempts == attempts

    verdict = VerdictRules(W, 2**60, OPTIONS).failed(ValueError("boom"), claimed, 0.1)
    world.exchange(failed=[(claimed, verdict)])

    state = world.state()
    assert state["attempts"] == {"a": str(attempts + 1)}
    assert verdict.retry_ms is not None
    assert state["delayed"] == {"a": NOW + verdict.retry_ms}
    assert 0 <= verdict.retry_ms <= 3_600_000


@pytest.mark.parametrize(
    ("attempts", "counted"), [("-5", 0), ("nan", 0), ("inf", 0), ("words", 0), ("7.9", 7), ("1e6", 10**6)]
)
def test_f27_whatever_stands_for_the_attempts_an_id_is_delayed_and_counted_on(
    world: World, attempts: str, counted: int
) -> None:
    world.seed({**ALIVE, "queued": ["a"], "committed": {"a"}, "attempts": {"a": attempts}})
    (claimed,) = world.exchange(want=1).claims

    verdict = VerdictRules(W, 2**60, OPTIONS).failed(ValueError("boom"), claimed, 0.1)
    world.exchange(failed=[(claimed, verdict)])

    assert world.state()["attempts"] == {"a": str(counted + 1)}
    assert world.queue.counts() == Counts(committed=1, delayed=1)


def test_f27_retries_go_on_to_the_last_one_allowed_and_then_the_id_stays_failed(store: RealServer) -> None:
    attempts: list[int] = []

    def work(job: Job) -> None:
        attempts.append(job.attempt)
        raise ValueError("again")

    with Queue("q", redis=store.url) as queue, store.client() as client:
        queue.pause()
        queue.publish("a")
        seed(client, {"attempts": {"a": "1000000"}})
        queue.resume()
        options = PoolOptions(lease_s=1.2, beat_s=0.3, backoff_s=10, backoff_cap_s=0.05)
        with WorkerPool(queue, work, retries=1_000_002, options=options):
            eventually(lambda: queue.counts() == Counts(failed=1))
        failure = queue.show("a").failure

    assert attempts == [1_000_001, 1_000_002, 1_000_003]
    assert failure is not None
    assert failure.attempt == 1_000_003
