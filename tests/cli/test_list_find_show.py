"""`list`, `find`, `show` and `workers`: what they say, in every format."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import threading
from collections.abc import Callable

import pytest
import redis

from convoy_core import Queue, WorkerPool
from convoy_core.queue import Fleet
from convoy_tui.text.safe_text import safe
from tests.cli.conftest import Convoy
from tests.waiting import eventually, patient

HOSTILE = "\x1b]0;owned\x07\x7f\x9b31m\u202egpj.exe\n[red]\u200b"


def test_list_prints_a_table_for_people(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2")

    result = convoy("list", "trucks", "-o", "table")

    # On a busy machine they may have waited for a second already.
    assert re.sub(r"\d+s", "0s", result.stdout) == "ID  WAITING\n1        0s\n2        0s\n"


def test_list_is_tab_separated_when_piped(convoy: Convoy, fail: Callable[..., None]) -> None:
    fail("1", error="ValueError: no\tgood")

    assert convoy("list", "trucks", "--state", "failed").stdout == "1\t1700000000\t1\tValueError: no\\tgood\n"


def test_list_as_json_is_one_document(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2", "3")

    document = convoy.json("list", "trucks", "--limit", "2")

    assert {key: document[key] for key in ("schema", "queue", "state", "total", "next")} == {
        "schema": "convoy.list/1",
        "queue": "trucks",
        "state": "queued",
        "total": 3,
        "next": 2,
    }
    assert [entry["id"] for entry in document["entries"]] == ["1", "2"]
    assert set(document["entries"][0]) == {"queue", "id", "state", "since", "due", "worker", "failures", "error"}


def test_list_as_jsonl_is_one_line_each(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2")

    lines = convoy("list", "trucks", "-o", "jsonl").stdout.splitlines()

    assert [json.loads(line)["id"] for line in lines] == ["1", "2"]


def test_list_says_where_to_go_on(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2", "3")

    assert "2 of 3 queued; more: --start 2" in convoy("list", "trucks", "--limit", "2").stderr
    assert convoy("list", "trucks", "--start", "2", "-o", "ids").stdout == "3\n"


@pytest.mark.parametrize("state", ["queued", "delayed", "processing", "failed", "committed"])
def test_list_shows_each_state_or_says_that_there_is_nothing(convoy: Convoy, state: str, trucks: Queue) -> None:
    trucks.publish("other")
    trucks.discard(["other"], state=trucks.show("other").state)

    result = convoy("list", "trucks", "--state", state)

    assert (result.exit_code, result.stdout) == (0, "")
    assert f"Nothing in trucks is {state}" in result.stderr


def test_list_filters(convoy: Convoy, fail: Callable[..., None]) -> None:
    fail("a1", error="TimeoutError: slow")
    fail("a2", "b1", failures=3)

    def listed(*filters: str) -> list[str]:
        return convoy("list", "trucks", "-s", "failed", "-o", "ids", *filters).stdout.split()

    assert listed("--match", "a*") == ["a1", "a2"]
    assert listed("--error", "timeout") == ["a1"]
    assert listed("--min-failures", "2") == ["a2", "b1"]
    assert listed("--older-than", "1d", "--match", "b*") == ["b1"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["list", "trucks", "-s", "failed", "--match", "x*"], "None of 1 failed in trucks matches"),
        (["list", "trucks", "-s", "failed", "--match", "x*", "--all"], "None of 1 failed in trucks matches"),
        (["list", "trucks", "-s", "failed", "--older-than", "9999d"], "None of 1 failed in trucks matches"),
        (["list", "trucks", "-s", "committed", "--match", "x*"], "None of 1 committed in trucks matches"),
        (["list", "trucks", "-s", "delayed", "--min-failures", "1"], "Nothing in trucks is delayed"),
        (["requeue", "trucks", "--error", "x"], "Nothing that is failed in trucks matches"),
        (["requeue", "trucks", "--error", "x", "--dry-run"], "Nothing that is failed in trucks matches"),
        (["discard", "trucks", "--match", "x*"], "Nothing that is failed in trucks matches"),
        (["discard", "trucks", "--all", "-s", "delayed"], "There is nothing delayed in trucks"),
        (["discard", "trucks", "--all", "-s", "delayed", "-n"], "There is nothing delayed in trucks"),
        (["jam-guard", "trucks", "--idle", "5m"], "Nothing has been processing for longer than 5m"),
        (["jam-guard", "trucks", "--idle", "5m", "-n"], "Nothing has been processing for longer than 5m"),
        (["show", "trucks", "x"], "ID x is not in trucks"),
        (["find", "x"], "ID x is in none"),
        (["workers", "x"], "There is no queue x"),
        (["wait", "x", "1"], "There is no queue x"),
        (["status", "x", "--check"], "There is no queue x"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("format", ["plain", "json"])
def test_a_filter_that_lets_nothing_through_ends_with_3(
    convoy: Convoy, fail: Callable[..., None], command: list[str], says: str, format: str
) -> None:
    fail("1")
    convoy("publish", "trucks", "waiting")

    result = convoy(*command, "-o", format)

    assert result.exit_code == 3
    assert format == "json" or (result.stdout == "" and says in result.stderr)


@pytest.mark.parametrize(
    "command", [["list", "trucks", "-s", "delayed"], ["workers"], ["workers", "trucks"], ["status"]]
)
def test_nothing_where_no_filter_was_given_is_an_answer(convoy: Convoy, command: list[str]) -> None:
    convoy("publish", "trucks", "1")

    assert convoy(*command).exit_code == 0


def test_a_filtered_list_goes_on_where_it_stopped(convoy: Convoy) -> None:
    convoy("publish", "trucks", *[f"{kind}{n}" for n in range(3) for kind in "ab"])

    first = convoy.json("list", "trucks", "--match", "a*", "--limit", "2")
    rest = convoy.json("list", "trucks", "--match", "a*", "--start", str(first["next"]))

    assert [entry["id"] for entry in first["entries"] + rest["entries"]] == ["a0", "a1", "a2"]


def test_a_filtered_list_of_running_ids_goes_on_where_it_stopped(convoy: Convoy, raw: redis.Redis) -> None:
    # Those with a heartbeat are listed first, and then the others by their rank among all.
    raw.zadd("cv:trucks:processing", {f"{kind}{n}": 1000 + n for n in range(40) for kind in "ab"})
    raw.zadd("cv:trucks:started", {f"a{n}": 1_000_000 + n for n in range(30)})
    seen: list[str] = []

    following: int | None = 0
    while following is not None and len(seen) < 100:
        command = ["list", "trucks", "-s", "processing", "--match", "b*", "--limit", "3", "--start", str(following)]
        answer = convoy.json(*command)
        following = answer["next"]
        seen += [entry["id"] for entry in answer["entries"]]

    assert seen == [f"b{n}" for n in range(40)]


def test_all_goes_through_every_page(convoy: Convoy) -> None:
    convoy("publish", "trucks", "-", input="".join(f"{n}\n" for n in range(1200)))

    for state in ("queued", "committed"):
        listed = convoy("list", "trucks", "--state", state, "--all", "-o", "ids").stdout.split()
        assert sorted(map(int, listed)) == list(range(1200))


@pytest.mark.parametrize("state", ["queued", "delayed", "failed", "processing"])
def test_all_as_ids_is_what_the_other_formats_list(convoy: Convoy, raw: redis.Redis, state: str) -> None:
    ids = [f"{state[0]}-{n}" for n in range(1100)]
    if state == "queued":
        raw.rpush("cv:trucks:queued", *ids)
    else:
        raw.zadd(f"cv:trucks:{state}", {id: 2_000_000_000_000 + n for n, id in enumerate(ids)})
    raw.sadd("cv:queues", "trucks")
    options = ["list", "trucks", "--state", state, "--all", "--match", "*1*"]

    bare = convoy(*options, "-o", "ids").stdout.splitlines()

    assert bare == [id for id in ids if "1" in id]
    assert [line.split("\t")[0] for line in convoy(*options, "-o", "plain").stdout.splitlines()] == bare
    assert [json.loads(line)["id"] for line in convoy(*options, "-o", "jsonl").stdout.splitlines()] == bare


def test_processing_shows_who_holds_it(convoy: Convoy, run_since: Callable[..., None]) -> None:
    run_since("1", age_s=724)

    result = convoy("list", "trucks", "-s", "processing", "-o", "table")

    assert "12m04s" in result.stdout or "12m05s" in result.stdout
    assert "Node client" in result.stdout


@pytest.mark.parametrize("command", [["list", "trucks"], ["show", "trucks", HOSTILE], ["find", HOSTILE]])
@pytest.mark.parametrize("format", ["table", "plain", "json", "jsonl"])
def test_hostile_ids_are_shown_and_not_interpreted(convoy: Convoy, command: list[str], format: str) -> None:
    convoy("publish", "trucks", "-", "-0", input=HOSTILE)

    result = convoy(*command, "-o", format, "--color", "never")

    assert not set("\x1b\x07\x7f\x9b\u202e\u200b") & set(result.stdout)
    assert "\\u202egpj.exe" in result.stdout or command[0] == "find"


@pytest.mark.parametrize("format", ["table", "plain", "jsonl"])
def test_two_thousand_random_hostile_ids_come_out_safe(convoy: Convoy, format: str) -> None:
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    codes = [*range(1, 0xA0), *range(0x2000, 0x2070), *range(0xE0000, 0xE0080)]
    alphabet = [*map(chr, codes), "[red]", "[/"]
    ids = {"".join(draw.choices(alphabet, k=draw.randrange(1, 30))).encode() for _ in range(1000)}
    ids |= {draw.randbytes(draw.randrange(1, 30)).replace(b"\0", b"") or b"x" for _ in range(1000)}
    convoy("publish", "trucks", "-", "-0", "-q", input=b"\0".join(ids))

    lines = convoy("list", "trucks", "--all", "-o", format).stdout.split("\n")

    assert len(lines) - 1 - (format == "table") == len(ids), seed
    assert [line for line in lines for part in line.split("\t") if safe(part) != part] == [], seed


def test_a_hostile_error_is_shown_and_not_interpreted(convoy: Convoy, fail: Callable[..., None]) -> None:
    fail("1", error=HOSTILE)

    for command in (["list", "trucks", "-s", "failed"], ["show", "trucks", "1"]):
        assert not set("\x1b\x07\x9b\u202e") & set(convoy(*command, "-o", "table").stdout)


def test_a_hostile_queue_name_is_shown_and_not_interpreted(convoy: Convoy, raw: redis.Redis) -> None:
    raw.rpush(f"cv:{HOSTILE}:queued", "1")
    raw.sadd(f"cv:{HOSTILE}:committed", "1")

    for command in (["find", "1"], ["list", "no\x1b]0;x\x07"], ["list", HOSTILE]):
        assert not set("\x1b\x07\x9b\u202e") & set(convoy(*command).output)


def test_long_ids_are_cut_in_the_middle_of_a_table(convoy: Convoy) -> None:
    convoy("publish", "trucks", "start" + "x" * 300 + "end")

    lines = convoy("list", "trucks", "-o", "table", env={"COLUMNS": "60"}).stdout.splitlines()

    assert max(map(len, lines)) <= 60
    assert "startx" in lines[1]
    assert "xend" in lines[1]


def test_show_tells_everything(convoy: Convoy, fail: Callable[..., None]) -> None:
    fail("1", error="ValueError: bad wheel", failures=3)

    text = convoy("show", "trucks", "1", "-o", "table").stdout

    for words in ("failed for", "ValueError: bad wheel", "2023-11-14 22:13:20 UTC", "would queue it", "failures  3"):
        assert words in text


def test_show_of_a_waiting_id_has_its_place_and_payload(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2", "--payload", '["x", 1]')

    facts = dict(line.split("\t") for line in convoy("show", "trucks", "2").stdout.splitlines())

    assert facts["position"] == "2 in line"
    assert facts["payload"] == '["x", 1]'
    assert facts["publishing"] == "would be refused: already waiting"


def test_show_tells_for_how_many_publishes_a_run_stands(
    convoy: Convoy, run_since: Callable[..., None], raw: redis.Redis
) -> None:
    run_since("r")
    raw.sadd("cv:trucks:rerun", "r")
    now = raw.time()[0]
    raw.hset("cv:trucks:requests", "r", f"16 {now - 300}000 3 {now - 60}000")
    convoy("publish", "trucks", "alone")

    facts = dict(line.split("\t") for line in convoy("show", "trucks", "r").stdout.splitlines())
    document = convoy.json("show", "trucks", "r")

    assert facts["requests"].startswith("one run for 17 publishes, the first ")
    assert re.search(r" \(5m0\ds ago\)$", facts["requests"])
    assert facts["rerun"] == "runs once more after this run, for 3 publishes"
    assert (document["requests"], document["first_asked"], document["rerun_requests"]) == (17, now - 300, 3)
    assert "requests" not in convoy("show", "trucks", "alone").stdout


def test_show_as_json_keeps_bytes_and_values(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1", payload=b"\xff\x00")
    trucks.publish("2", payload={"a": 1})

    one, two = convoy.json("show", "trucks", "1"), convoy.json("show", "trucks", "2")

    assert (one["payload"], one["payload_base64"], one["payload_bytes"]) == (None, "/wA=", 2)
    assert two["payload"] == {"a": 1}
    assert one["schema"] == "convoy.show/1"


def test_show_of_an_unknown_id_ends_with_3(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("show", "trucks", "2")

    assert (result.exit_code, result.stdout) == (3, "")
    assert "2 is not in trucks" in result.stderr
    assert convoy("show", "trucks", "2", "--json").exit_code == 3


def test_find_looks_in_every_queue(convoy: Convoy, fail: Callable[..., None]) -> None:
    fail("1")
    convoy("publish", "vans", "1")

    document = convoy.json("find", "1")

    assert [(row["queue"], row["state"]) for row in document["queues"]] == [("trucks", "failed"), ("vans", "queued")]
    assert convoy("find", "1", "-o", "ids").stdout == "trucks\nvans\n"


def test_errors_shows_what_node_workers_have_logged_page_by_page(convoy: Convoy, raw: redis.Redis) -> None:
    now = raw.time()[0]
    today = now - now % 86_400
    raw.rpush(f"cv:trucks:errorLog.{today}", "new", "\x1b[31mred")
    raw.rpush(f"cv:trucks:errorLog.{today - 86_400}", "old")
    raw.zadd("cv:trucks:failed", {"1": 1})

    lines = convoy("errors", "trucks").stdout.splitlines()
    first, rest = convoy.json("errors", "trucks", "--limit", "2"), convoy.json("errors", "trucks", "--start", "2")

    assert [line.split("\t")[1] for line in lines] == ["new", "\\x1b[31mred", "old"]
    assert [error["text"] for error in (*first["errors"], *rest["errors"])] == ["new", "\x1b[31mred", "old"]
    assert (first["total"], first["next"], rest["next"]) == (3, 2, None)
    assert "`convoy errors trucks` has the log" in convoy("show", "trucks", "1").stdout
    assert convoy("errors", "trucks", "-o", "ids").exit_code == 2


def test_what_is_committed_and_in_no_place_is_missing_and_not_queued(convoy: Convoy, raw: redis.Redis) -> None:
    raw.sadd("cv:trucks:committed", "ghost")

    sheet, found = convoy("show", "trucks", "ghost"), convoy("find", "ghost")

    assert (sheet.exit_code, found.exit_code) == (0, 0)
    assert "state\tmissing: committed and in no list" in sheet.stdout
    assert found.stdout.startswith("trucks\tmissing\t")
    for told in (sheet.stderr, found.stderr):
        assert "convoy doctor trucks --fix" in told.replace("\n", " ")
    assert convoy.json("show", "trucks", "ghost")["is_missing"] is True


def test_what_a_node_client_is_about_to_queue_is_not_missing(
    convoy: Convoy, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.sadd("cv:trucks:committed", "late")
    monkeypatch.setattr("time.sleep", lambda _: raw.rpush("cv:trucks:queued", "late"))

    assert "state\tqueued\n" in convoy("show", "trucks", "late").stdout


def test_find_of_an_unknown_id_ends_with_3(convoy: Convoy) -> None:
    convoy("publish", "vans", "1")

    assert "ID 2 is in none of the 1 queue" in convoy("find", "2").stderr
    assert convoy("find", "2").exit_code == 3
    assert convoy("find", "2", "--json").exit_code == 3


@pytest.mark.parametrize(
    "command",
    [
        ["list", "truks"],
        ["show", "truks", "1"],
        ["workers", "truks"],
        ["status", "truks", "--check"],
        ["errors", "truks"],
        ["requeue", "truks", "1"],
        ["discard", "truks", "1", "-y"],
        ["cancel", "truks", "1", "-y"],
        ["jam-guard", "truks", "--idle", "5m"],
    ],
)
def test_an_unknown_queue_ends_with_3_and_the_one_meant(convoy: Convoy, command: list[str]) -> None:
    convoy("publish", "trucks", "1")

    result = convoy(*command)

    assert (result.exit_code, result.stdout) == (3, "")
    assert "There is no queue truks" in result.stderr
    assert "Did you mean trucks?" in result.stderr


def test_workers_shows_pools_and_what_they_hold(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    ours, now = "ab" * 16, raw.time()[0]
    raw.zadd("cv:trucks:workers", {ours: (now + 10) * 1000, "cd" * 16: (now - 90) * 1000})
    raw.hset(
        f"cv:trucks:worker:{ours}", mapping={"host": "h7", "pid": 12, "handler": "a:b", "concurrency": 4, "done": 9}
    )
    trucks.publish("1")
    raw.lpop("cv:trucks:queued")
    raw.zadd("cv:trucks:processing", {"1": now})
    raw.hset("cv:trucks:owner", "1", f"{ours}:1@{now * 1000}")

    alive, silent = convoy.json("workers", "trucks")["workers"]

    assert (alive["host"], alive["is_live"], alive["holds"], alive["done"]) == ("h7", True, ["1"], 9)
    assert silent["is_live"] is False
    assert "silent 1m" in convoy("workers", "-o", "table").stdout


def test_no_workers_is_said(convoy: Convoy, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("1")

    result = convoy("workers")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "No workers" in result.stderr


def test_people_read_the_host_and_the_process_of_a_holder_and_programs_its_id(convoy: Convoy, trucks: Queue) -> None:
    may_end = threading.Event()
    trucks.publish("1")
    with WorkerPool(trucks, lambda job: may_end.wait(patient())) as pool:
        try:
            eventually(lambda: trucks.counts().processing == 1)
            worker = pool.status().worker
            for words in (
                ("list", "trucks", "--state", "processing"),
                ("find", "1"),
                ("show", "trucks", "1"),
                ("jam-guard", "trucks", "--idle", "1ms", "--dry-run"),
            ):
                told = convoy(*words, "-o", "table").stdout
                assert f"{socket.gethostname()}:{os.getpid()}" in told, told
                assert worker not in told.replace(f"{worker}:1", "")  # the fencing token is told as it is
                assert worker in convoy(*words, "--json").stdout
        finally:
            may_end.set()
