"""Those who clean up after the dead die as well, in the middle of it, or their links break: IDs come back once."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import signal
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

import pytest
import redis

from convoy_core import Counts, PoolOptions, Queue, WorkerPool
from convoy_core.moves.scripts import load
from tests.moves.keyspace import seed as write
from tests.proxy import Cut, Proxy
from tests.servers import RealServer
from tests.waiting import eventually, patient

RECOVER = load("recover").flagged.sha.encode()
OPTIONS = PoolOptions(lease_s=0.4, beat_s=0.1)
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", __name__])  # so that a cleaner need not begin with imports
DEAD = "dd" * 16
IDS = [f"{n:03}" for n in range(250)]
"""Of the dead worker; it takes three requests to recover them, and a last one to unregister the worker."""


@pytest.fixture
def link(store: RealServer, raw: redis.Redis) -> Iterator[Proxy]:
    """The way to a paused queue, in which a dead worker held `IDS`, and had been handed one more."""
    raw.script_load(load("recover").flagged.source)  # so that the first request is the one that acts
    write(
        raw,
        {
            "workers": {DEAD: 1},
            "paused": "1",
            "queued": ["z"],
            f"claim:{DEAD}": ["handed over"],
            "committed": {*IDS, "handed over", "z"},
            "processing": dict.fromkeys(IDS, 1),
            "started": dict.fromkeys(IDS, 1),
            "owner": {id: f"{DEAD}:{n}@1" for n, id in enumerate(IDS, start=1)},
        },
    )
    path = store.directory / "p"
    path.unlink(missing_ok=True)
    proxy = Proxy(store.socket, path)
    yield proxy
    proxy.close()
    path.unlink(missing_ok=True)


def _assert_all_came_back_once(queue: Queue, raw: redis.Redis) -> None:
    assert [id.decode() for id in raw.lrange("cv:q:queued", 0, -1)] == [*IDS, "handed over", "z"]  # type: ignore[union-attr]  # redis-py unions both clients
    assert raw.hgetall("cv:q:crashes") == {id.encode(): b"1" for id in IDS}
    assert queue.snapshot().totals == {"recovered": len(IDS)}
    assert queue.counts() == Counts(queued=len(IDS) + 2, committed=len(IDS) + 2)


def _clean(url: str) -> None:
    """A cleaner's life; nothing is queued for it, as the queue is paused."""
    WorkerPool(Queue("q", redis=url), print, options=OPTIONS).run()


@pytest.mark.parametrize("cut", ["request", None], ids=["before", "after"])
def test_f11_cleaners_killed_in_the_middle_of_recovering_leave_every_id_in_its_place_once(
    store: RealServer, raw: redis.Redis, link: Proxy, cut: Cut | None
) -> None:
    """Each dies at its second request of recovering: before the store has seen it, or after."""
    cleaner: BaseProcess | None = None
    seen = 0

    def decide(request: bytes) -> Cut | None:
        nonlocal seen
        is_recovering = RECOVER in request and DEAD.encode() in request
        seen += is_recovering
        if not is_recovering or seen % 2:
            return None
        assert cleaner is not None
        cleaner.kill()
        return cut

    link.decide = decide
    with Queue("q", redis=store.url) as queue:
        for _ in range(3 if cut == "request" else 2):
            cleaner = PROCESSES.Process(target=_clean, args=(link.url,))
            cleaner.start()
            cleaner.join(patient())
            assert cleaner.exitcode == -signal.SIGKILL
        _assert_all_came_back_once(queue, raw)


def test_f11_a_link_cut_at_every_other_request_of_recovering_moves_every_id_once(
    store: RealServer, raw: redis.Redis, link: Proxy
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - to replay a failure
    dice = random.Random(seed)
    passing = itertools.cycle([False, True])

    def decide(request: bytes) -> Cut | None:
        return dice.choice(["request", "reply"]) if RECOVER in request and not next(passing) else None

    link.decide = decide
    with Queue("q", redis=store.url) as queue, WorkerPool(Queue("q", redis=link.url), print, options=OPTIONS):
        eventually(lambda: not queue.counts().processing)

        assert link.cuts
        _assert_all_came_back_once(queue, raw)
