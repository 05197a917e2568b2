"""How a worker pool is named to people: by its host and its process."""

from __future__ import annotations

from convoy_core import WorkerInfo


def holder(pool: WorkerInfo) -> str:
    """The host and the process of a pool, like `host-7:4012`. What another client has left out is left out."""
    return f"{pool.host}:{pool.pid}" if pool.pid is not None else pool.host or pool.id
