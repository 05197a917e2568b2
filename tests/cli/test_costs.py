"""What a command costs the store: a dry run never more than the deed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from convoy_core import Queue, State
from tests.cli.conftest import Convoy

N = 1000
LINES = "".join(f"{n}\n" for n in range(N))
BACKWARDS = "".join(f"{n}\n" for n in reversed(range(N)))

Fill = Callable[..., None]


@pytest.fixture
def cost(convoy: Convoy, raw: redis.Redis) -> Callable[..., int]:
    """Commands that the store has run for one of ours, those within scripts included."""

    def run(*command: str, input: str | None = None) -> int:
        raw.config_resetstat()
        result = convoy(*command, input=input)
        assert result.exit_code == 0, result.stderr
        calls = {name.removeprefix("cmdstat_"): int(row["calls"]) for name, row in raw.info("commandstats").items()}
        # The deed looks for what was at the head a moment ago, and there alone.
        assert "--dry-run" not in command or calls.get("lpos", 0) <= 100, "each of these goes through the list"
        return sum(calls.values())

    return run


QUEUED = [
    ["discard", "trucks", "--state", "queued", "--all"],
    ["discard", "trucks", "--state", "queued", "--all", "-o", "ids"],
    ["discard", "trucks", "--state", "queued", "--match", "*"],
    ["discard", "trucks", "--state", "queued", "--limit", str(N)],
]


@pytest.mark.parametrize("command", QUEUED, ids=" ".join)
def test_a_dry_run_of_a_discard_costs_no_more_than_the_deed(
    convoy: Convoy, trucks: Queue, cost: Callable[..., int], command: list[str]
) -> None:
    trucks.publish_many(range(N))
    asked = convoy(*command).stderr

    dry = cost(*command, "--dry-run")

    assert f"This forgets {N:,} queued IDs" in asked
    assert dry <= cost(*command, "--yes")
    assert trucks.counts().queued == 0


@pytest.mark.parametrize("lines", [LINES, BACKWARDS], ids=["in their order", "backwards"])
@pytest.mark.parametrize("command", [["discard", "trucks", "-", "--state", "queued"], ["cancel", "trucks", "-"]])
def test_a_dry_run_with_named_ids_costs_no_more_than_the_deed(
    trucks: Queue, cost: Callable[..., int], command: list[str], lines: str
) -> None:
    trucks.publish_many(range(N))

    dry = cost(*command, "--dry-run", input=lines)

    assert dry <= cost(*command, "--yes", input=lines)
    assert trucks.counts().queued == 0


def test_a_dry_run_of_a_discard_tells_the_queued_from_the_rest(convoy: Convoy, trucks: Queue, run_since: Fill) -> None:
    trucks.publish_many(range(N))
    trucks.publish("later", delay_s=60)
    run_since("running")
    lines = LINES + "later\nrunning\nabsent\n"

    result = convoy("discard", "trucks", "-", "--state", "queued", "--dry-run", input=lines)

    assert result.stdout == "1,000 would be discarded, 3 not queued\n"


def test_a_dry_run_finds_what_the_list_moved_past_it(trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish_many(range(N))
    run = trucks._connection.run

    def pop_before(call: object) -> object:
        raw.lpop("cv:trucks:queued", 50)
        return run(call)  # type: ignore[arg-type]  # passed through

    trucks._connection.run = pop_before  # type: ignore[method-assign, assignment]  # workers at work between two pages
    outcomes = trucks.discard(range(N), state=State.QUEUED, dry_run=True)

    left = {entry.id for entry in Queue("trucks", redis=trucks.store).entries(State.QUEUED)}
    assert left <= {id for id, outcome in outcomes.items() if outcome == "discarded"}


@pytest.mark.parametrize(
    "command",
    [
        ["publish", "trucks", "-"],
        ["requeue", "trucks", "-"],
        ["requeue", "trucks", "--all"],
        ["requeue", "trucks", "--match", "*"],
        ["discard", "trucks", "-"],
        ["discard", "trucks", "--all"],
        ["discard", "trucks", "--error", "flat"],
        ["jam-guard", "trucks", "--idle", "5m"],
        ["jam-guard", "trucks", "--idle", "5m", "--then", "discard"],
        ["pause", "trucks"],
        ["resume", "trucks"],
    ],
    ids=" ".join,
)
def test_no_dry_run_costs_more_than_the_deed(
    trucks: Queue, cost: Callable[..., int], fail: Fill, run_since: Fill, command: list[str]
) -> None:
    fail(*map(str, range(300)))
    run_since(*(f"running {n}" for n in range(300)))
    trucks.publish("x")
    lines = "".join(f"{n}\n" for n in range(300)) if "-" in command else None
    agreed = ["--yes"] if command[0] in ("requeue", "discard", "jam-guard") else []

    dry = cost(*command, "--dry-run", input=lines)

    assert dry <= cost(*command, *agreed, input=lines) + 50, "a look at all the counts is 30 commands"
