"""Several kinds of results in one exchange."""

from __future__ import annotations

from functools import partial

import pytest

from convoy_core.moves.working import (
    Round,
)
from tests.moves.cases import LOG, NEW_RECORD, numbered
from tests.moves.keyspace import ALIVE, NOW, SECOND, Keyspace, W, World, claim, commands, failure


def test_f30_one_stale_token_in_an_exchange_spoils_nothing_else(world: World) -> None:
    held = {"done": 1, "late": 2, "bad": 3, "late2": 4, "back": 5, "late3": 6}
    world.seed(
        ALIVE,
        {
            "queued": ["new"],
            "committed": {*held, "new"},
            "processing": dict.fromkeys(held, SECOND),
            "started": dict.fromkeys(held, NOW),
            "owner": {id: f"{'bb' if 'late' in id else W}:{n}@{NOW}" for id, n in held.items()},
        },
    )

    answer = world.exchange(
        completed=[claim("late", 2), claim("done", 1)],
        failed=[(claim("late2", 4), failure()), (claim("bad", 3), failure())],
        released=[claim("late3", 6), claim("back", 5)],
        want=1,
    )

    late = {"late", "late2", "late3"}
    holders = {"late": "bb:2", "late2": "bb:4", "late3": "bb:6", "back": f"{W}:7"}
    assert answer == Round([2, 4, 6], "open", [claim("back", 7)])
    assert world.state() == {
        **ALIVE,
        **numbered(7),
        "queued": ["new"],
        "committed": {*late, "back", "new"},
        "processing": dict.fromkeys([*late, "back"], SECOND),
        "started": dict.fromkeys(late, NOW),
        "owner": {id: f"{token}@{NOW}" for id, token in holders.items()},
        "failed": {"bad": 1},
        "failure": {"bad": NEW_RECORD},
        LOG: ["boom"],
        "totals": {"done": "1", "failed": "1", "released": "1", "stale": "3"},
    }


def _held(n: int) -> Keyspace:
    ids = [f"id{number}" for number in range(n)]
    return {
        **ALIVE,
        "committed": {*ids},
        "processing": dict.fromkeys(ids, SECOND),
        "owner": {id: f"{W}:{number}@{NOW}" for number, id in enumerate(ids)},
        "published": dict.fromkeys(ids, str(NOW)),
    }


def test_no_type_is_asked_for_where_an_exchange_reads_the_key_anyway(world: World) -> None:
    world.seed(_held(1), {"queued": ["next"]})

    sent = commands(world.client, lambda: world.exchange(completed=[claim("id0", 0)], want=1))

    assert sent["zadd"] == 1
    assert "type" not in sent


@pytest.mark.parametrize("retry_ms", [None, 50])
def test_ten_failures_in_one_exchange_take_as_many_commands_as_one(world: World, retry_ms: int | None) -> None:
    costs = []
    for n in (1, 10):
        world.seed(_held(n))
        failed = [(claim(f"id{number}", number), failure(retry_ms=retry_ms)) for number in range(n)]
        costs.append(commands(world.client, partial(world.exchange, failed=failed)))

    assert {**costs[0], "eval": 0, "evalsha": 1} == {**costs[1], "eval": 0, "evalsha": 1}


@pytest.mark.parametrize("retry_ms", [None, 50])
def test_what_has_failed_and_is_claimed_in_the_same_round_runs_with_its_history(
    world: World, retry_ms: int | None
) -> None:
    """Its second copy waited: a push by hand, or a race of Node. Before this round the queue knew of no failure."""
    world.seed(
        ALIVE,
        {
            "queued": ["a"],
            "committed": {"a"},
            "processing": {"a": SECOND},
            "owner": {"a": f"{W}:1@{NOW}"},
        },
    )

    answer = world.exchange(failed=[(claim("a"), failure(retry_ms=retry_ms))], want=1)

    attempts = 0 if retry_ms is None else 1
    assert [(one.raw_id, one.attempts, one.failures) for one in answer.claims] == [(b"a", attempts, 1)]
    state = world.state()
    assert "failed" not in state
    assert state["failures"] == {"a": "1"}
