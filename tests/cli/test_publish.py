"""`convoy publish`: IDs from everywhere, a tally in exact words, and nothing half said when it is cut short."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from convoy_core import Queue, State
from tests.cli.conftest import Convoy, states
from tests.servers import RealServer


def test_ids_come_as_arguments(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("publish", "trucks", "1", "2", "3")

    assert (result.exit_code, result.stdout) == (0, "3 published\n")
    assert trucks.counts().queued == 3


def test_ids_come_from_stdin_in_order(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("publish", "trucks", "-", input="".join(f"{n}\n" for n in range(1, 1001)))

    assert (result.exit_code, result.stdout) == (0, "1,000 published\n")
    assert [entry.id for entry in trucks.page(State.QUEUED, limit=3).entries] == ["1", "2", "3"]


def test_ids_come_from_a_file(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    file = tmp_path / "ids"
    file.write_bytes(b"a\n\nb\nc")

    result = convoy("publish", "trucks", "--from", str(file))

    assert (result.exit_code, result.stdout) == (0, "3 published\n")
    assert "1 empty line skipped" in result.stderr


def test_the_second_publish_finds_every_id_waiting(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1", "2")

    result = convoy("publish", "trucks", "1", "2", "3")

    assert (result.exit_code, result.stdout) == (0, "1 published, 2 already waiting\n")


def test_running_ids_are_told_apart(convoy: Convoy, run_since: Callable[..., None]) -> None:
    run_since("1")

    result = convoy("publish", "trucks", "1")

    assert (result.exit_code, result.stdout) == (0, "0 published, 1 already running\n")


def test_a_rerun_marks_a_running_id(convoy: Convoy, run_since: Callable[..., None], raw: redis.Redis) -> None:
    run_since("1")
    result = convoy("publish", "trucks", "1", "--rerun")

    assert (result.exit_code, result.stdout) == (0, "0 published, 1 will run again\n")
    assert raw.smembers("cv:trucks:rerun") == {b"1"}


@pytest.mark.parametrize("option", ["--rerun", "--delay=5m"])
def test_a_rerun_or_delay_without_a_worker_of_ours_says_what_it_needs(
    convoy: Convoy, run_since: Callable[..., None], raw: redis.Redis, option: str
) -> None:
    run_since("1")

    alone = convoy("publish", "trucks", "1", "2", option)
    raw.zadd("cv:trucks:workers", {"ab": (raw.time()[0] + 60) * 1000})
    served = convoy("publish", "trucks", "1", "3", option)

    assert "No Convoy worker is at trucks now; delays and reruns wait for one." in alone.stderr
    assert "No Convoy worker" not in served.stderr


def test_strict_ends_with_5_when_an_id_was_refused(convoy: Convoy) -> None:
    assert convoy("publish", "trucks", "1", "--strict").exit_code == 0
    assert convoy("publish", "trucks", "1", "2", "--strict").exit_code == 5


def test_a_dry_run_changes_nothing(convoy: Convoy, trucks: Queue) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("publish", "trucks", "1", "2", "--dry-run")

    assert result.stdout == "1 would be published, 1 already waiting\n"
    assert trucks.counts().queued == 1


def test_front_delay_and_payload_are_passed_on(convoy: Convoy, trucks: Queue) -> None:
    convoy("publish", "trucks", "1", "2")
    convoy("publish", "trucks", "3", "--front", "--payload", '{"color": "red"}')
    convoy("publish", "trucks", "4", "--delay", "10m")

    assert trucks.show("3").position == 0
    assert trucks.show("3").payload == {"color": "red"}
    assert trucks.show("4").state is State.DELAYED


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--delay", "5m"], "; not taken for what was there already: --delay"),
        (["--front", "--payload", "1"], "; not taken for what was there already: --front, --payload"),
        (["--rerun"], ""),
    ],
)
def test_options_that_a_waiting_id_does_not_take_are_named(convoy: Convoy, options: list[str], said: str) -> None:
    convoy("publish", "trucks", "1")

    again = convoy("publish", "trucks", "1", *options)
    document = convoy.json("publish", "trucks", "1", *options)

    assert again.stdout == f"0 published, 1 already waiting{said}\n"
    assert document["not_taken"] == re.findall(r"--(\w+)", said)
    assert convoy("publish", "trucks", "new", "--delay", "5m").stdout == "1 published\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--payload", "1", "--payload-policy", "replace"], ""),
        (["--delay", "5m", "--delay-policy", "later"], "; not taken for what was there already: --delay"),
        (["--payload", "1", "--payload-policy", "keep"], "; not taken for what was there already: --payload"),
    ],
)
def test_what_a_policy_lets_a_waiting_id_take_is_not_said_to_be_left(
    convoy: Convoy, trucks: Queue, options: list[str], said: str
) -> None:
    trucks.publish("1")

    result = convoy("publish", "trucks", "1", *options)

    assert result.stdout == f"0 published, 1 already waiting{said}\n"
    assert trucks.show("1").payload == (1 if "replace" in options else None)


def test_an_id_that_is_asked_for_again_and_again_waits_until_nobody_asks(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1", delay_s=60)

    result = convoy("publish", "trucks", "1", "--delay", "1h", "--delay-policy", "later")

    details = trucks.show("1")
    assert result.stdout == "0 published, 1 already waiting\n"
    assert details.due is not None
    assert details.due - details.at > 3000


def test_a_policy_that_does_not_exist_is_named(convoy: Convoy) -> None:
    result = convoy("publish", "trucks", "1", "--payload-policy", "newest")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("convoy: --payload-policy: 'newest'")


def test_a_running_id_takes_the_payload_of_a_rerun_and_no_delay(
    convoy: Convoy, run_since: Callable[..., None], raw: redis.Redis
) -> None:
    run_since("1")
    raw.hset("cv:trucks:owner", "1", f"{'ab' * 16}:1@1")

    document = convoy.json("publish", "trucks", "1", "--rerun", "--payload", "1", "--delay", "5m")

    assert (document["will_rerun"], document["not_taken"]) == (1, ["delay"])


def test_json_is_one_document(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    assert convoy.json("publish", "trucks", "1", "2") == {
        "schema": "convoy.publish/1",
        "queue": "trucks",
        "dry_run": False,
        "published": 1,
        "waiting": 1,
        "running": 0,
        "will_rerun": 0,
        "exact": True,
        "not_taken": [],
    }


def test_jsonl_answers_for_every_id(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("publish", "trucks", "1", "2", "-o", "jsonl")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["id"], line["answer"]) for line in lines] == [("1", "already_queued"), ("2", "queued")]
    assert {line["schema"] for line in lines} == {"convoy.publish/1"}
    assert "1 published, 1 already waiting" in result.stderr


def test_ids_are_those_that_were_accepted(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    assert convoy("publish", "trucks", "1", "2", "-o", "ids").stdout == "2\n"


def test_nothing_on_stdin_publishes_nothing(convoy: Convoy) -> None:
    result = convoy("publish", "trucks", "-", input="")

    assert (result.exit_code, result.stdout) == (0, "0 published\n")


def test_a_carriage_return_belongs_to_the_id_and_is_hinted_at(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("publish", "trucks", "-", input="1\r\n2\r\n")

    assert "2 IDs end in a carriage return" in result.stderr
    assert states(trucks, "1\r", "1") == [State.QUEUED, State.ABSENT]


def test_a_byte_order_mark_belongs_to_the_first_id_and_is_hinted_at(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("publish", "trucks", "-", input="\ufeff1\n2\n")
    other = convoy("publish", "trucks", "-", input="3\n\ufeff4\n")

    assert "The first ID begins with a byte order mark" in result.stderr
    assert states(trucks, "\ufeff1", "1") == [State.QUEUED, State.ABSENT]
    assert other.stderr == ""


def test_every_byte_value_comes_through_nul_separated(convoy: Convoy) -> None:
    ids = [bytes([value]) for value in range(1, 256)] + [b"a\nb", b"\xff\xfe", "日本".encode()]
    convoy.process("publish", "trucks", "-", "-0", input=b"\0".join(ids))

    listed = convoy.process("list", "trucks", "--all", "-o", "ids", "-0").stdout

    assert listed.split(b"\0")[:-1] == ids


def test_a_nul_byte_comes_through_newline_separated(convoy: Convoy) -> None:
    convoy.process("publish", "trucks", "-", input=b"a\0b\n\0\n")

    assert convoy.process("list", "trucks", "-o", "ids").stdout == b"a\0b\n\0\n"


def test_arguments_are_bytes_too(convoy: Convoy) -> None:
    convoy.process("publish", "trucks", b"\xff\x1b".decode("utf-8", "surrogateescape"))

    assert convoy.process("list", "trucks", "-o", "ids").stdout == b"\xff\x1b\n"


def test_an_id_that_looks_like_an_option_follows_two_dashes(convoy: Convoy, trucks: Queue) -> None:
    convoy("publish", "trucks", "--", "-5", "--redis")

    assert states(trucks, "-5", "--redis") == [State.QUEUED, State.QUEUED]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["trucks"], "No IDs given"),
        (["trucks", "1", "-"], "stands alone"),
        (["trucks", "1", "--from", "x"], "not both"),
        (["trucks", "--from", "/nowhere/ids"], "cannot be read"),
        (["trucks", "1", "--payload", "{"], "no JSON"),
        (["trucks", "1", "--delay", "soon"], "no duration"),
        (["trucks", "1", "--delay", "5m", "--front"], "not both"),
        (["bad name", "1"], "no queue name"),
        (["trucks", ""], "must not be empty"),
        (["trucks", "x" * 16385], "at most 16,384"),
        ([], "Missing argument"),
    ],
)
def test_contradictory_options_are_refused_with_2(convoy: Convoy, args: list[str], says: str) -> None:
    result = convoy("publish", *args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_line_that_is_no_id_stops_it_and_the_tally_stands(convoy: Convoy) -> None:
    lines = b"".join(b"%d\n" % n for n in range(20_000)) + b"x" * 100_000 + b"\nlast\n"

    result = convoy("publish", "trucks", "-", input=lines)

    assert result.exit_code == 5
    assert result.stdout == "20,000 published\n"
    assert "stdin, line 20,001" in result.stderr


def test_a_store_that_is_full_ends_with_7_or_5(convoy: Convoy, raw: redis.Redis, store: RealServer) -> None:
    raw.config_set("maxmemory", "1")
    try:
        result = convoy("publish", "trucks", "1")
    finally:
        raw.config_set("maxmemory", "0")

    assert (result.exit_code, result.stdout) == (7, "")
    assert "Make room" in result.stderr


def test_a_store_that_fills_up_on_the_way_ends_with_the_tally_and_5(convoy: Convoy, raw: redis.Redis) -> None:
    used = int(raw.info("memory")["used_memory"])
    raw.config_set("maxmemory", str(used + 4_000_000))
    try:
        result = convoy("publish", "trucks", "-", input="".join(f"{'x' * 200}{n}\n" for n in range(40_000)))
    finally:
        raw.config_set("maxmemory", "0")

    published = int(result.stdout.split()[0].replace(",", ""))
    assert result.exit_code == 5
    assert 0 < published < 40_000
    assert raw.llen("cv:trucks:queued") == published


def test_read_only_refuses_with_4(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("publish", "trucks", "1", "--read-only")

    assert (result.exit_code, result.stdout) == (4, "")
    assert "--read-only" in result.stderr
    assert trucks.counts().queued == 0


def test_quiet_drops_the_notes_but_not_the_answer(convoy: Convoy) -> None:
    result = convoy("publish", "trucks", "-", "-q", input="1\r\n\n")

    assert (result.stdout, result.stderr) == ("1 published\n", "")
