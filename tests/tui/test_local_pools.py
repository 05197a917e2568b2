"""The pools of a dashboard's process, on a real store."""

from __future__ import annotations

import threading

from convoy_core import Handler, Job, PoolState, Queue, WorkerPool
from convoy_tui.dashboard.local_pools import Local, LocalPools, Order, RunsIn
from tests.servers import RealServer


def work(job: Job) -> None:
    pass


def test_a_pool_that_is_being_launched_while_all_are_dismissed_ends_as_well(store: RealServer) -> None:
    is_asked, may_start = threading.Event(), threading.Event()
    launched: list[Local] = []

    def make(order: Order, handler: Handler) -> WorkerPool:
        is_asked.set()
        may_start.wait()
        return WorkerPool(queue, handler)

    with Queue("q", redis=store.url) as queue:
        pools = LocalPools(make)
        order = Order("q", "", 1, None, RunsIn.THREADS, work)
        launching = threading.Thread(target=lambda: launched.append(pools.launch(order)))
        launching.start()
        is_asked.wait()

        pools.dismiss(0)
        may_start.set()
        launching.join()

        (local,) = launched
        state = local.status.state
        local.pool.stop(0)
        assert state is PoolState.STOPPED
        assert not queue.workers()
