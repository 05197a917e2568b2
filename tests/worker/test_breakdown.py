"""A pool whose thread breaks down says so, and is not taken for one that lives."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest

from convoy_core import ConvoyError, Job, PoolOptions, PoolState, Queue, State, WorkerPool
from tests.servers import RealServer
from tests.waiting import eventually

QUICK = PoolOptions(lease_s=0.9, beat_s=0.2, grace_s=5)


def _exit() -> None:
    raise SystemExit("the loop was told to exit")


def leave_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """What an exception of this kind in any callback does to a loop."""
    loop.call_soon(_exit)


def stop_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    """What a library does that takes the loop for its own."""
    loop.stop()


@pytest.mark.parametrize("break_down", [leave_at_once, stop_the_loop])
def test_a_pool_whose_thread_died_has_stopped_and_says_why(
    store: RealServer, break_down: Callable[[asyncio.AbstractEventLoop], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(job: Job) -> None:
        break_down(asyncio.get_running_loop())
        await asyncio.sleep(60)

    caplog.set_level(logging.CRITICAL, "asyncio")
    with Queue("q", redis=store.url) as queue:
        queue.publish("x")
        pool = WorkerPool(queue, handler, options=QUICK)
        pool.start()
        eventually(lambda: pool.status().state is PoolState.STOPPED)

        status = pool.stop()

        assert (status.state, status.error is None) == (PoolState.STOPPED, False)
        assert str(status.error).startswith("The pool broke down (")
        assert queue.show("x").state is State.PROCESSING
        eventually(lambda: (queue.snapshot().workers, queue.snapshot().silent) == (0, 1))

        with WorkerPool(queue, lambda _: None, options=QUICK):
            eventually(lambda: queue.show("x").state is State.ABSENT)


class Unnameable:
    """A handler that breaks whoever asks what it is called."""

    @property
    def shown(self) -> str:
        raise RuntimeError("no name")

    def __call__(self, job: Job) -> None:
        """Do nothing."""


def test_a_pool_that_breaks_down_at_its_start_is_not_taken_for_started(store: RealServer) -> None:
    with Queue("q", redis=store.url) as queue:
        pool = WorkerPool(queue, Unnameable(), options=QUICK)

        with pytest.raises(ConvoyError, match=r"The pool broke down \(RuntimeError: no name\)"):
            pool.start()

        assert pool.status().state is PoolState.STOPPED
        assert queue.workers() == []


class Unclosable:
    """A handler that cannot put away what it keeps."""

    async def __call__(self, job: Job) -> None:
        """Do nothing."""

    async def aclose(self) -> None:
        """Fail."""
        raise RuntimeError("it does not close")


async def test_a_pool_that_broke_down_at_its_end_renews_no_lease(store: RealServer) -> None:
    with Queue("q", redis=store.url) as queue:
        queue.publish("x")

        with pytest.raises(RuntimeError, match="it does not close"):
            await WorkerPool(queue, Unclosable(), options=PoolOptions(lease_s=0.9, beat_s=0.2, burst=True)).serve()

        assert [thread.name for thread in threading.enumerate() if "heartbeat" in thread.name] == []
        assert queue.workers() == []
