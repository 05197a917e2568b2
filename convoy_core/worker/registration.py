"""How a worker registers with a queue, and when it refuses to."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from convoy_core.errors import StoreRefused, StoreUnsafe
from convoy_core.handlers.functions import name_of
from convoy_core.moves import working
from convoy_core.moves.call import Call
from convoy_core.moves.keys import Keys
from convoy_core.options import PoolOptions
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.worker.runs import Plan


async def refuse_eviction(commands: AsyncConnection, keys: Keys, options: PoolOptions) -> None:
    """Raise StoreUnsafe when the store evicts keys, or has (F40), unless that is allowed, or may not be asked."""
    if options.allow_eviction:
        return
    policy, evicted = "noeviction", 0
    with suppress(StoreRefused):  # a worker's permissions need not include looking
        policy, evicted = await commands.run(working.eviction(keys))
    if policy != "noeviction":
        raise StoreUnsafe(
            f"The store at {commands.shown} evicts keys when its memory is full (maxmemory-policy {policy}), and would"
            " lose IDs. Set it to noeviction, or allow eviction if losing some is acceptable."
        )
    if evicted:
        raise StoreUnsafe(
            f"The store at {commands.shown} has evicted {evicted:,} keys since it was started, so IDs may be missing."
            " Compare its queues with what should be in them and restart it (or CONFIG RESETSTAT), or allow eviction."
        )


def register_pool(keys: Keys, worker: str, plan: Plan, epoch: str, *, is_launch: bool) -> Call[str]:
    """Register with a fresh lease; the store's epoch, which is ours if it had none. The audit keeps a launch."""
    about: dict[str, str | int] = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "handler": name_of(plan.handler),
        "concurrency": plan.concurrency,
    }
    if plan.options.version_label:
        about["version"] = plan.options.version_label
    lease_ms = round(plan.options.lease_s * 1000)
    return working.register(keys, worker, lease_ms, epoch, about, by=plan.by if is_launch else "")
