"""What people see of a queue, a fleet and a pool in a debugger or a log: which one, where, and no password."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
import redis.asyncio

from convoy_core import AsyncFleet, AsyncQueue, Fleet, Queue, WorkerPool

SECRET = "hunter2"
URL = f"rediss://ops:{SECRET}@store.example:6380/3"
SHOWN = "rediss://ops:***@store.example:6380/3"

REPRS: dict[str, tuple[Callable[[], object], str]] = {
    "a queue": (lambda: Queue("trucks", redis=URL), f"<Queue 'trucks' at {SHOWN}>"),
    "an awaited queue": (lambda: AsyncQueue("trucks", redis=URL), f"<AsyncQueue 'trucks' at {SHOWN}>"),
    "a fleet": (lambda: Fleet(redis=URL), f"<Fleet at {SHOWN}>"),
    "an awaited fleet": (lambda: AsyncFleet(redis=URL), f"<AsyncFleet at {SHOWN}>"),
    "a queue of a fleet": (lambda: Fleet(redis=URL).queue("trucks"), f"<Queue 'trucks' at {SHOWN}>"),
    "a queue whose name another client chose": (
        lambda: AsyncFleet(redis=URL).queue("two\nlines"),
        f"<AsyncQueue 'two\\nlines' at {SHOWN}>",
    ),
    "a read-only queue under a prefix of its own": (
        lambda: Queue("trucks", redis=URL, prefix="yard:", read_only=True),
        f"<Queue 'trucks' at {SHOWN}, prefix yard:, read-only>",
    ),
    "a queue over a ready-made client": (
        lambda: Queue("trucks", redis=redis.Redis(host="store.example", username="ops", password=SECRET)),
        "<Queue 'trucks' at redis://ops:***@store.example:6379/0>",
    ),
    "an awaited queue over a ready-made client": (
        lambda: AsyncQueue("trucks", redis=redis.asyncio.Redis(host="store.example", password=SECRET)),
        "<AsyncQueue 'trucks' at redis://:***@store.example:6379/0>",
    ),
    "a pool": (lambda: WorkerPool(Queue("trucks", redis=URL), print), f"<WorkerPool on 'trucks' at {SHOWN}: idle>"),
}


@pytest.mark.parametrize("kind", REPRS)
def test_a_repr_says_which_one_it_is_and_where_and_shows_no_password(kind: str) -> None:
    make, expected = REPRS[kind]

    shown = repr(make())

    assert shown == expected
    assert SECRET not in shown


def test_a_subclass_is_shown_by_its_own_name() -> None:
    class Trucks(Queue):
        pass

    assert repr(Trucks("trucks", redis=URL)) == f"<Trucks 'trucks' at {SHOWN}>"
