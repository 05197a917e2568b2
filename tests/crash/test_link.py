"""The link to the store fails at the worst moments: no ID is lost, none is run twice at once, and no alarm is false."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from convoy_core import AsyncQueue, Counts, Job, OutcomeUnknown, PoolOptions, Published, Queue, WorkerPool
from convoy_core.moves.scripts import load
from tests.proxy import Cut, Proxy
from tests.servers import RealServer
from tests.waiting import eventually

OPTIONS = PoolOptions(lease_s=1.5, beat_s=0.4)
EXCHANGE = load("exchange").flagged.sha.encode()
PUBLISH = load("publish").flagged.sha.encode()


@pytest.fixture
def link(store: RealServer) -> Iterator[Proxy]:
    with store.client() as client:
        for name in ("publish", "exchange"):
            client.script_load(load(name).flagged.source)  # so that the first request is the one that acts
    path = store.directory / "p"
    path.unlink(missing_ok=True)
    proxy = Proxy(store.socket, path)
    yield proxy
    proxy.close()
    Path(path).unlink(missing_ok=True)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    """The queue over a link that never fails."""
    with Queue("q", redis=store.url) as queue:
        yield queue


def once(marker: bytes, cut: Cut) -> Callable[[bytes], Cut | None]:
    """Cut the first request that holds `marker`."""
    left = [cut]
    return lambda request: left.pop() if left and marker in request else None


@pytest.mark.parametrize("cut", ["request", "reply"])
def test_f58_a_publish_whose_reply_is_lost_says_so_and_is_safe_to_repeat(queue: Queue, link: Proxy, cut: Cut) -> None:
    with Queue("q", redis=link.url) as remote:
        remote.counts()
        link.decide = once(PUBLISH, cut)
        with pytest.raises(OutcomeUnknown):
            remote.publish("a")

        expected = Published.ALREADY_QUEUED if cut == "reply" else Published.QUEUED
        assert remote.publish("a") is expected
    assert queue.counts() == Counts(queued=1, committed=1)


@pytest.mark.parametrize("cut", ["request", "reply"])
def test_f3_ids_claimed_by_a_request_whose_reply_is_lost_are_run(queue: Queue, link: Proxy, cut: Cut) -> None:
    queue.publish_many(["a", "b", "c"], payload="cargo")
    seen: list[tuple[str, object]] = []
    link.decide = once(EXCHANGE, cut)
    remote = Queue("q", redis=link.url)

    with WorkerPool(remote, lambda job: seen.append((job.id, job.payload)), concurrency=2, options=OPTIONS) as pool:
        eventually(lambda: queue.counts() == Counts())

    assert link.cuts == 1
    assert sorted(seen) == [("a", "cargo"), ("b", "cargo"), ("c", "cargo")]
    assert (pool.status().stale, "recovered" in queue.snapshot().totals) == (0, False)


@pytest.mark.parametrize("cut", ["request", "reply"])
def test_f2_an_id_handed_over_by_a_wait_whose_reply_is_lost_is_run(
    queue: Queue, link: Proxy, raw: redis.Redis, cut: Cut
) -> None:
    seen: list[str] = []
    remote = Queue("q", redis=link.url)
    link.decide = once(b"BLMOVE", cut)
    with WorkerPool(remote, lambda job: seen.append(job.id), options=OPTIONS):
        eventually(lambda: raw.info("clients")["blocked_clients"] == 1 or link.cuts)
        queue.publish("a")
        eventually(lambda: seen == ["a"])
        eventually(lambda: queue.counts() == Counts())


@pytest.mark.parametrize("seed", range(3))
def test_f23_lost_replies_of_results_raise_no_false_alarm(queue: Queue, link: Proxy, seed: int) -> None:
    print(f"seed {seed}")  # noqa: T201 - to replay a failure
    dice = random.Random(seed)
    seen: Counter[str] = Counter()

    def decide(request: bytes) -> Cut | None:
        return dice.choice(["request", "reply"]) if EXCHANGE in request and dice.random() < 0.1 else None

    def work(job: Job) -> None:
        seen[job.id] += 1

    queue.publish_many(range(400))
    link.decide = decide
    with WorkerPool(Queue("q", redis=link.url), work, concurrency=3, options=OPTIONS) as pool:
        eventually(lambda: queue.counts() == Counts())
        link.decide = lambda request: None
        eventually(lambda: pool.status().done + pool.status().unknown == 400)

    assert link.cuts > 5
    assert seen == Counter(map(str, range(400)))
    assert pool.status().stale == 0
    totals = queue.snapshot().totals
    assert totals == {"published": 400, "done": 400}


async def test_f61_cancelled_calls_never_hand_one_caller_the_reply_of_another(store: RealServer) -> None:
    dice = random.Random(61)
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish_many(range(50))

        async def look(n: int) -> None:
            details = await queue.show(n)
            assert details.id == str(n)
            assert details.position == n

        for _ in range(60):
            tasks = [asyncio.create_task(look(n)) for n in range(20)]
            await asyncio.sleep(0)
            for task in tasks:
                if dice.random() < 0.5:
                    asyncio.get_running_loop().call_later(dice.random() * 0.004, task.cancel)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
        await look(7)
