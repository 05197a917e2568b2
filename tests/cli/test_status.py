"""`convoy status`: honest numbers, one word per queue, and exit codes that a monitor can use."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable

import pytest
import redis

from convoy_core import Fleet, Queue
from tests.cli.conftest import Convoy

SHOWN = {
    "queue",
    "durations",
    "saved",
    "at",
    "health",
    "severity",
    "why",
    "paused",
    "limits",
    "held_back",
    "queued",
    "committed",
    "processing",
    "failed",
    "delayed",
    "drift",
    "jammed",
    "workers",
    "silent",
    "oldest_queued_s",
    "oldest_processing_s",
    "next_due_s",
    "overdue_s",
    "rates",
    "clears_s",
    "totals",
    "damage",
    "acknowledged",
    "owner",
    "runbook",
    "note",
}


def test_json_has_every_number_and_null_for_unknown_rates(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2")

    document = convoy.json("status")

    (row,) = document["queues"]
    assert document["schema"] == "convoy.status/1"
    assert set(row) == SHOWN
    assert (row["queued"], row["committed"], row["processing"], row["failed"]) == (2, 2, 0, 0)
    assert row["rates"] == {"in_s": None, "out_s": None, "fail_s": None, "net_s": None}


def test_the_share_that_uniqueness_saved_is_shown(convoy: Convoy) -> None:
    for _ in range(4):
        convoy("publish", "trucks", "1")
    convoy("pause", "idle")

    rows = {row["queue"]: row["saved"] for row in convoy.json("status")["queues"]}

    assert rows == {"trucks": 0.75, "idle": None}
    assert re.search(r"SAVED\n.*trucks.* 75%\n", convoy("status", "trucks", "-o", "table").stdout)


def test_a_watch_knows_the_rates_from_the_second_look_on(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("status", "--watch", "--samples", "2", "--interval", "450ms", "-o", "jsonl")

    first, second = [json.loads(line) for line in result.stdout.splitlines()]
    assert first["rates"]["in_s"] is None
    assert second["rates"]["in_s"] == 0


def test_plain_is_tab_separated_without_grouping(convoy: Convoy) -> None:
    convoy("publish", "trucks", "-", input="".join(f"{n}\n" for n in range(1500)))

    word, name, queued = convoy("status").stdout.split("\t")[:3]

    assert (word, name, queued) == ("NO WORKERS", "trucks", "1500")


def test_the_table_says_which_queues_need_attention_and_why(convoy: Convoy, run_since: Callable[..., None]) -> None:
    run_since("1", age_s=724)
    convoy("publish", "vans", "1")
    convoy("publish", "bikes", "1")
    convoy("pause", "bikes")

    lines = convoy("status", "-o", "table").stdout.splitlines()

    assert lines[0] == "2 of 3 queues need you."
    assert [line.split()[1] for line in lines[2:5]] == ["JAMMED", "NO", "paused"]
    assert lines[-2].startswith("■ trucks: 1 of 1 running job is past the 5m limit.")


def test_failures_alone_are_mentioned_and_alarm_beyond_the_number_that_was_given(
    convoy: Convoy, fail: Callable[..., None]
) -> None:
    fail("1", "2", "3")

    table = convoy("status", "-o", "table").stdout
    codes = [convoy("status", "--check", "--max-failed", n, "-q").exit_code for n in ("2", "3")]

    assert table.startswith("The queue is fine; 3 IDs have failed.\n")
    assert convoy("status", "--check").exit_code == 0
    assert codes == [10, 0]
    assert "trucks: 3 IDs have failed, more than 0." in convoy("status", "--check", "--max-failed", "0").stderr
    assert convoy("status", "--max-failed", "0").exit_code == 2


def test_what_is_overdue_is_a_warning_and_no_negative_number_anywhere(convoy: Convoy, raw: redis.Redis) -> None:
    due = (raw.time()[0] - 124) * 1000
    raw.zadd("cv:trucks:delayed", {"late": due})
    raw.sadd("cv:trucks:committed", "late")

    status = convoy("status", "trucks", "--check", "-o", "table")
    (row,) = convoy.json("status")["queues"]

    assert status.exit_code == 10
    assert "OVERDUE" in status.stdout
    told = " ".join(status.stdout.split())
    assert "1 delayed ID waits, and the first is overdue by 2m0" in told
    assert "no Convoy worker queues it" in told
    assert (row["next_due_s"], round(row["overdue_s"]) in range(124, 184)) == (0, True)
    assert "overdue by 2m0" in convoy("list", "trucks", "--state", "delayed", "-o", "table").stdout
    assert "(overdue by 2m0" in convoy("show", "trucks", "late").stdout


def test_a_table_fits_80_columns(convoy: Convoy, run_since: Callable[..., None]) -> None:
    run_since("1", age_s=724)
    convoy("publish", "a-queue-with-a-very-long-name:" + "x" * 60, "1")

    table = convoy("status", "-o", "table", env={"COLUMNS": "80"}).stdout.split("\n\n")[0]

    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize(
    ("prepare", "word", "code"),
    [
        ([], "idle", 0),
        (["publish", "trucks", "1"], "NO WORKERS", 10),
        (["pause", "trucks"], "paused", 0),
    ],
)
def test_check_ends_with_what_is_worst(convoy: Convoy, trucks: Queue, prepare: list[str], word: str, code: int) -> None:
    trucks.publish("0")
    trucks.discard(["0"], state=trucks.show("0").state)
    if prepare:
        convoy(*prepare)

    result = convoy("status", "trucks", "--check", "-o", "jsonl")

    assert (json.loads(result.stdout)["health"], result.exit_code) == (word, code)


def test_check_ends_with_11_for_a_jam_and_is_silent_when_quiet(convoy: Convoy, run_since: Callable[..., None]) -> None:
    run_since("1", age_s=301)

    result = convoy("status", "--check", "-q")

    assert (result.exit_code, result.stdout, result.stderr) == (11, "", "")
    assert convoy("status", "--check", "-q", "--jam-after", "10m").exit_code == 0


def test_drift_is_said_only_when_it_lasts(convoy: Convoy, raw: redis.Redis) -> None:
    raw.sadd("cv:trucks:committed", "ghost")

    result = convoy("status", "trucks", "--check", "-o", "json")

    (row,) = json.loads(result.stdout)["queues"]
    assert (row["health"], row["drift"], result.exit_code) == ("DRIFT", 1, 10)


def test_a_damaged_queue_is_an_alarm_and_not_an_end(convoy: Convoy, raw: redis.Redis) -> None:
    raw.set("cv:trucks:queued", "no list")
    raw.sadd("cv:queues", "trucks")
    convoy("publish", "vans", "1")

    result = convoy("status", "--check", "-o", "jsonl")

    words = {row["queue"]: row["health"] for row in map(json.loads, result.stdout.splitlines())}
    assert words == {"trucks": "DAMAGED", "vans": "NO WORKERS"}
    assert result.exit_code == 11


def test_a_queue_of_node_clients_alone_is_found(convoy: Convoy, raw: redis.Redis) -> None:
    raw.rpush("cv:node:queued", "1")
    raw.sadd("cv:node:committed", "1")

    assert convoy("status", "-o", "ids").stdout == "node\n"


def test_ids_are_the_queue_names(convoy: Convoy) -> None:
    convoy("publish", "vans", "1")
    convoy("publish", "trucks", "1")

    assert convoy("status", "-o", "ids").stdout == "trucks\nvans\n"


def test_an_empty_store_is_no_failure(convoy: Convoy) -> None:
    result = convoy("status")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "No queues yet" in result.stderr
    assert convoy.json("status")["queues"] == []


@pytest.mark.parametrize("format", ["plain", "json", "ids"])
def test_a_watch_needs_a_streaming_format(convoy: Convoy, format: str) -> None:
    result = convoy("status", "--watch", "-o", format)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "use -o jsonl" in result.stderr


def test_it_says_where_it_is_connected(convoy: Convoy, fleet: Fleet) -> None:
    assert f"Connected to {fleet.store}." in convoy("status").stderr


def test_it_says_that_it_is_embedded_and_hints_at_a_server_on_the_usual_port(
    convoy: Convoy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("localhost", 0)) as other:
        monkeypatch.setattr("convoy_tui.cli.session.USUAL_PORT", other.getsockname()[1])
        result = convoy("status", env={"CONVOY_REDIS_URL": None})
    convoy("server", "stop", env={"CONVOY_REDIS_URL": None})

    assert "Embedded store at " in result.stderr
    assert "answers on localhost" in result.stderr


def test_a_failing_queue_says_what_broke(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(range(12))
    convoy("work", "trucks", "--exec", "sh -c 'echo no road >&2; exit 3'", "--burst", "-q")

    (row,) = convoy.json("status")["queues"]

    assert row["health"] == "FAILING"
    assert row["why"].endswith("Commonest error, 12 of 12: exit status 3: no road.")
