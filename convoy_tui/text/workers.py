"""What a worker pool is called by people: by its host and its process, and by what keeps it from claiming."""

from __future__ import annotations

from convoy_core import WorkerInfo


def holder(pool: WorkerInfo) -> str:
    """The host and the process of a pool, like `host-7:4012`. What another client has left out is left out."""
    return f"{pool.host}:{pool.pid}" if pool.pid is not None else pool.host or pool.id


def bar_word(pool: WorkerInfo) -> str:
    """What keeps a pool from claiming, in a word; empty where nothing does."""
    return "quiet" if pool.is_quiet else "outdated" if pool.is_outdated else ""
