"""A logging handler that raises, or cannot be printed, ends nothing in a pool (F65)."""

from __future__ import annotations

import logging

from convoy_core import PoolOptions, Queue, WorkerPool
from tests.servers import RealServer


class Raising(logging.Handler):
    """What an application may have installed."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("no room")


def test_a_logging_handler_that_raises_stops_no_pool(store: RealServer) -> None:
    def fail(job: object) -> None:
        raise ValueError("flat tyre")

    logger, handler = logging.getLogger("convoy_core"), Raising()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with Queue("trucks", redis=store.url) as trucks:
            trucks.publish_many(["1", "2", "3"])

            status = WorkerPool(trucks, fail, concurrency=2, options=PoolOptions(burst=True)).run()

            assert (status.failed, trucks.counts().processing) == (3, 0)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
