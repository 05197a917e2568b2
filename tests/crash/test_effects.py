"""A worker dies around the moment at which it writes down what it has done: effects may be repeated, and tell so."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from convoy_core import Counts, Job, PoolOptions, Queue, WorkerPool
from convoy_core.moves.scripts import load
from tests.proxy import Cut, Proxy
from tests.servers import RealServer
from tests.waiting import eventually, patient

EXCHANGE = load("exchange").flagged.sha.encode()
OPTIONS = PoolOptions(lease_s=0.6, beat_s=0.15)
AT_ONCE = 4
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", __name__])  # so that a life need not begin with imports
IDS = [str(n) for n in range(20)]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a handler left behind outside the queue, with what its job told of the run."""

    id: str
    token: str
    attempt: int
    crashes: int


@pytest.fixture
def link(store: RealServer, raw: redis.Redis) -> Iterator[Proxy]:
    raw.script_load(load("exchange").flagged.source)  # so that the first request is the one that acts
    path = store.directory / "p"
    path.unlink(missing_ok=True)
    proxy = Proxy(store.socket, path)
    yield proxy
    proxy.close()
    path.unlink(missing_ok=True)


def _work(url: str, store: str) -> None:
    """A life in which every run has an effect, at the store but past the link."""
    with redis.Redis(unix_socket_path=store) as client:

        def work(job: Job) -> None:
            client.rpush("effects", json.dumps([job.id, job.token, job.attempt, job.crashes]))

        WorkerPool(Queue("q", redis=url), work, concurrency=AT_ONCE, options=OPTIONS).run()


def _effects(raw: redis.Redis) -> list[Effect]:
    return [Effect(*json.loads(line)) for line in raw.lrange("effects", 0, -1)]


@pytest.mark.parametrize("cut", ["request", None], ids=["before", "after"])
def test_f24_what_was_in_flight_at_a_crash_runs_again_and_its_job_tells_so(
    store: RealServer, raw: redis.Redis, link: Proxy, cut: Cut | None
) -> None:
    """The crash comes when the first results are on their way: before the store has seen them, or after."""
    with Queue("q", redis=store.url) as queue:
        queue.publish_many(IDS)
        _die_at_the_first_results(store, raw, link, cut)
        before = _effects(raw)
        held = {id.decode(): token.decode() for id, token in raw.hgetall("cv:q:owner").items()}  # type: ignore[union-attr]  # redis-py unions both clients

        survivor = PROCESSES.Process(target=_work, args=(store.url, str(store.socket)))
        survivor.start()
        eventually(lambda: queue.counts() == Counts())
        survivor.terminate()
        survivor.join(patient())
        assert queue.snapshot().totals == {"published": len(IDS), "done": len(IDS), "recovered": len(held)}

    effects = _effects(raw)
    times = Counter(effect.id for effect in effects)
    repeated = {id for id, n in times.items() if n == 2}
    assert times.keys() == {*IDS}
    assert max(times.values()) <= 2
    assert repeated == {effect.id for effect in before} & held.keys()
    assert 1 <= len(held) <= AT_ONCE
    assert repeated or cut is None  # else their results were lost with the crash
    for effect in effects[len(before) :]:
        # No run has failed; but of the crash the second run is told, and it has a token of its own.
        assert (effect.attempt, effect.crashes) == (1, 1 if effect.id in held else 0)
        assert effect.token != held.get(effect.id)
    assert len({effect.token for effect in effects}) == len(effects)


def _die_at_the_first_results(store: RealServer, raw: redis.Redis, link: Proxy, cut: Cut | None) -> None:
    """Work until then over `link`, in another process."""
    own = _links(raw)
    victim = PROCESSES.Process(target=_work, args=(link.url, str(store.socket)))

    def decide(request: bytes) -> Cut | None:
        with store.client() as client:
            if EXCHANGE not in request or not client.exists("effects"):
                return None
        link.decide = lambda request: None
        victim.kill()
        return cut

    link.decide = decide
    victim.start()
    victim.join(patient())
    assert victim.exitcode == -signal.SIGKILL
    eventually(lambda: _links(raw) == own)  # whatever it had sent has been served


def _links(raw: redis.Redis) -> set[str]:
    """The connections of ours to the store, by name."""
    return {link["name"] for link in raw.client_list() if link["name"].startswith("convoy:")}
