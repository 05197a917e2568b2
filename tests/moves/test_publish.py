"""Publishing: every way from each state, and what a repetition leaves."""

from __future__ import annotations

import pytest

from convoy_core import DelayPolicy, PayloadPolicy, Published, Tally
from tests.moves.cases import DELAYED, DUE, FAILED, FOREIGN, MINE, PUBLISHED, QUEUED, RECORD, REFUSED, REMEMBERED, Case
from tests.moves.keyspace import NOW, T0, Keyspace, World

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
            "requests": {"a": "1"},
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
            "requests": {"a": "1"},
            "totals": {"published": "1", "refused": "1"},
        },
    ),
]

OLD_PAYLOAD: Keyspace = {"payload": {"a": "sold"}}
WAITS: Keyspace = {**DELAYED, "delayed": {"a": DUE}, "attempts": {"a": "1"}, **OLD_PAYLOAD}
"""For a retry."""
REPLACE, EARLIER, LATER = PayloadPolicy.REPLACE, DelayPolicy.EARLIER, DelayPolicy.LATER


def _moved(title: str, policy: DelayPolicy, delay_s: float, due: int) -> Case:
    return Case(
        "",
        title,
        WAITS,
        lambda world: world.queue.publish("a", payload="x", delay_s=delay_s, delay_policy=policy),
        Published.ALREADY_DELAYED,
        {**WAITS, "delayed": {"a": due}, **REFUSED},
    )


CASES += [
    Case(
        "",
        "publish gives an ID that is queued the newest payload and leaves its place",
        {**QUEUED, "queued": ["a", "b"], **OLD_PAYLOAD},
        lambda world: world.queue.publish("a", payload="new", payload_policy=REPLACE, front=True),
        Published.ALREADY_QUEUED,
        {**QUEUED, "queued": ["a", "b"], "payload": {"a": "snew"}, **REFUSED},
    ),
    Case(
        "",
        "publish without a payload takes away the one of an ID that waits for a retry",
        WAITS,
        lambda world: world.queue.publish("a", payload_policy=REPLACE),
        Published.ALREADY_DELAYED,
        {**{name: value for name, value in WAITS.items() if name != "payload"}, **REFUSED},
    ),
    Case(
        "",
        "publish leaves the payload of what runs",
        {**MINE, **OLD_PAYLOAD},
        lambda world: world.queue.publish("a", payload="new", payload_policy=REPLACE, delay_s=5, delay_policy=LATER),
        Published.PROCESSING,
        {**MINE, **OLD_PAYLOAD, **REFUSED},
    ),
    Case(
        "",
        "publish leaves the payload of what a Node worker runs",
        {**FOREIGN, **OLD_PAYLOAD},
        lambda world: world.queue.publish("a", payload_policy=REPLACE),
        Published.PROCESSING,
        {**FOREIGN, **OLD_PAYLOAD, **REFUSED},
    ),
    Case(
        "",
        "publish with a rerun and no payload takes away that of the next run",
        {**MINE, **OLD_PAYLOAD},
        lambda world: world.queue.publish("a", payload_policy=REPLACE, rerun=True),
        Published.WILL_RERUN,
        {**MINE, "rerun": {"a"}, **REFUSED, "requests": {"a": f"0 0 1 {T0}"}},
    ),
    _moved("publish brings the time forward", EARLIER, 5, NOW + 5000),
    _moved("publish brings the time forward to now", EARLIER, 0, NOW),
    _moved("publish does not put off what may only be earlier", EARLIER, 90, DUE),
    _moved("publish puts the time off", LATER, 90, NOW + 90_000),
    _moved("publish does not bring forward what may only be later", LATER, 5, DUE),
    Case(
        "",
        "publish delays nothing that is queued",
        QUEUED,
        lambda world: world.queue.publish("a", delay_s=90, delay_policy=LATER),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED},
    ),
    Case(
        "",
        "dry publish with both policies",
        WAITS,
        lambda world: next(
            world.queue.publish_chunks(
                ["a"], payload="new", delay_s=90, payload_policy=REPLACE, delay_policy=LATER, dry_run=True
            )
        ).answers(),
        [Published.ALREADY_DELAYED],
        WAITS,
    ),
    Case(
        "publish: absent -> delayed",
        "publish of new and known IDs with both policies",
        WAITS,
        lambda world: world.queue.publish_many(
            ["a", "b"], payload="new", delay_s=90, payload_policy=REPLACE, delay_policy=LATER
        ),
        Tally(published=1, waiting=1),
        {
            **WAITS,
            "delayed": {"a": NOW + 90_000, "b": NOW + 90_000},
            "committed": {"a", "b"},
            "published": {**WAITS["published"], "b": T0},  # type: ignore[dict-item]  # it is a hash
            "payload": {"a": "snew", "b": "snew"},
            "requests": {"a": "1"},
            "totals": {"published": "1", "refused": "1"},
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
