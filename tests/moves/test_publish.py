"""Publishing: every way from each state, and what a repetition leaves."""

from __future__ import annotations

import pytest

from convoy_core import Published, Tally
from tests.moves.cases import DUE, FAILED, PUBLISHED, RECORD, REMEMBERED, Case
from tests.moves.keyspace import T0, World

CASES = [
    Case(
        "publish: absent -> queued",
        "publish queues an absent ID",
        {},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish queues behind what is there",
        {"queued": ["x"], "committed": {"x"}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["x", "a"], "committed": {"x", "a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish to the front keeps the order of its IDs",
        {"queued": ["x"], "committed": {"x"}},
        lambda world: world.queue.publish_many(["a", "b"], front=True),
        Tally(published=2),
        {
            "queued": ["a", "b", "x"],
            "committed": {"x", "a", "b"},
            "published": {"a": T0, "b": T0},
            "totals": {"published": "2"},
        },
    ),
    Case(
        "publish: absent -> delayed",
        "publish with a delay",
        {},
        lambda world: world.queue.publish("a", delay_s=60),
        Published.DELAYED,
        {"delayed": {"a": DUE}, "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish stores the payload",
        {},
        lambda world: world.queue.publish("a", payload={"n": 1}),
        Published.QUEUED,
        {
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "payload": {"a": 'j{"n":1}'},
            **PUBLISHED,
        },
    ),
    Case(
        "publish: failed -> queued",
        "publish of a failed ID remembers how often it failed and why",
        FAILED,
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            **PUBLISHED,
        },
    ),
    Case(
        "publish: failed -> delayed",
        "publish of a failed ID with a delay",
        {**FAILED, "payload": {"a": "sold"}},
        lambda world: world.queue.publish("a", delay_s=60),
        Published.DELAYED,
        {
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            **PUBLISHED,
        },
    ),
    Case(
        "publish: absent -> queued",
        "F53 publish of an absent ID drops what a Node client left behind",
        {**REMEMBERED, "rerun": {"a"}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish twice in one chunk accepts the first",
        {},
        lambda world: next(world.queue.publish_chunks(["a", "b", "a"])).answers(),
        [Published.QUEUED, Published.QUEUED, Published.ALREADY_QUEUED],
        {
            "queued": ["a", "b"],
            "committed": {"a", "b"},
            "published": {"a": T0, "b": T0},
            "totals": {"published": "2", "refused": "1"},
        },
    ),
    Case(
        "publish: absent -> delayed",
        "publish twice in one delayed chunk",
        {},
        lambda world: next(world.queue.publish_chunks(["a", "a"], delay_s=60)).answers(),
        [Published.DELAYED, Published.ALREADY_DELAYED],
        {
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": T0},
            "totals": {"published": "1", "refused": "1"},
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
