"""Locales that know little, and IDs that hold anything: what is shown is escaped, what is passed on is exact."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
import redis

from convoy_core import Queue, State
from convoy_tui.text.health import Health
from convoy_tui.text.safe_text import SHOWABLE
from tests.cli.conftest import Convoy
from tests.cli.terminal import Terminal

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0"}
RAW = b"\xc3\xa9-\xe2\x80\xa6-\xff"
"""`é-…-` and a byte that is no UTF-8."""
ID = RAW.decode("utf-8", "surrogateescape")
ESCAPED = rb"\u00e9-~-\xff"

TELL = (
    "import os, sys; told = [*map(os.fsencode, sys.argv[1:]), os.environb[b'CONVOY_ID']];"
    "open(b'told', 'ab').write(b' '.join(told))"
)


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["status", "trucks"],
        ["list", "trucks"],
        ["list", "trucks", "--state", "failed"],
        ["show", "trucks", ID],
        ["find", ID],
        ["workers"],
        ["publish", "trucks", ID],
        ["discard", "trucks", "--all", "--dry-run"],
        ["jam-guard", "trucks", "--idle", "5m", "--dry-run"],
        ["pause", "trucks"],
        ["publish", "trücks", "1"],
        ["--help"],
        ["publish", "--help"],
    ],
    ids=lambda words: " ".join(words).encode("ascii", "replace").decode(),
)
def test_an_ascii_terminal_is_shown_ascii(convoy: Convoy, trucks: Queue, raw: redis.Redis, command: list[str]) -> None:
    trucks.publish(ID)
    trucks.publish("x" * 200)
    raw.zadd("cv:trucks:failed", {b"failed " + RAW: 1})
    raw.hset("cv:trucks:failure", b"failed " + RAW, '{"error": "\u00e9"}')
    raw.zadd("cv:trucks:processing", {b"running " + RAW: 1})

    result = convoy.process(*command, *(["-o", "table"] if "--help" not in command else []), env=ASCII)

    assert result.returncode in (0, 2)
    assert (result.stdout + result.stderr).isascii()
    assert b"Error" not in result.stderr
    assert b"?" not in result.stdout.replace(b"[?]", b"").replace(b"* and ?", b"")
    if command[0] == "list":
        assert ESCAPED in result.stdout


@pytest.mark.parametrize("health", Health)
def test_a_symbol_that_cannot_be_encoded_falls_back_to_ascii(health: Health) -> None:
    assert health.sign().encode("ascii", SHOWABLE).decode() == health.sign(ascii_only=True)


def test_a_progress_bar_is_ascii_where_the_terminal_is(convoy: Convoy, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("".join(f"{n}\n" for n in range(30_000)))
    environment = {"CONVOY_REDIS_URL": convoy.url, **ASCII}

    with Terminal("publish", "trucks", "--from", str(tmp_path / "ids"), env=environment) as screen:
        screen.expect("IDs")
        assert screen.end() == 0

    assert screen.written.isascii()
    assert b"\\u" not in screen.written


def test_an_id_published_under_the_c_locale_is_the_same_id(convoy: Convoy, trucks: Queue) -> None:
    result = convoy.process("publish", "trucks", ID, env=ASCII)

    assert result.stdout == b"1 published\n"
    assert trucks.show(ID).state is State.QUEUED
    assert convoy.process("list", "trucks", "-o", "ids", "--match", "\u00e9*", env=ASCII).stdout == RAW + b"\n"
    assert convoy.process("find", ID, "-o", "ids", env=ASCII).stdout == b"trucks\n"
    assert convoy.process("discard", "trucks", ID, "-s", "queued", "-y", env=ASCII).stdout == b"1 discarded\n"


def test_files_and_payloads_are_the_same_under_the_c_locale(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    file = tmp_path / "\u00e9"
    file.write_bytes(RAW)

    convoy.process("publish", "trucks", "--from", str(file), "--payload", '"\u00e9"', env=ASCII)

    assert trucks.show(ID).payload == "\u00e9"


@pytest.mark.parametrize("env", [ASCII, {}], ids=["C", "UTF-8"])
@pytest.mark.parametrize("processes", [[], ["--processes", "1"]], ids=["alone", "supervised"])
def test_a_command_is_told_the_very_bytes(
    convoy: Convoy, trucks: Queue, tmp_path: Path, env: dict[str, str], processes: list[str]
) -> None:
    trucks.publish(ID)
    command = shlex.join([sys.executable, "-c", TELL, "{}", "\u00e9"])

    result = convoy.process("work", "trucks", "--exec", command, "--burst", *processes, env=env, cwd=tmp_path)

    assert result.stdout == b"1 done\n", result.stderr
    assert (tmp_path / "told").read_bytes() == RAW + b" \xc3\xa9 " + RAW


@pytest.mark.parametrize(("command", "hint"), [("list", "-0 ends"), ("publish", "-0 ends"), ("workers", "")])
def test_a_newline_in_an_id_is_warned_about_where_it_parts_ids(convoy: Convoy, command: str, hint: str) -> None:
    convoy("publish", "trucks", "a\nb")
    words = {"list": ["list", "trucks"], "publish": ["publish", "trucks", "c\nd", "e"], "workers": ["workers"]}[command]

    result = convoy(*words, "-o", "ids")

    assert ("1 ID holds a line end" in result.stderr) is bool(hint)
    assert hint in result.stderr
    assert "line end" not in convoy("list", "trucks", "-o", "ids", "-0").stderr
    assert "line end" not in convoy("list", "trucks", "-o", "jsonl").stderr


def test_a_jam_guard_that_knows_no_nul_names_another_way(convoy: Convoy, raw: redis.Redis, trucks: Queue) -> None:
    trucks.publish("x")
    raw.zadd("cv:trucks:processing", {"a\nb": 1})

    result = convoy("jam-guard", "trucks", "--idle", "5m", "--dry-run", "-o", "ids")

    assert "-o jsonl keeps each on its line" in result.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["publish", "trucks", "-5"], "begins with a dash follows two of them: convoy publish ... -- -5"),
        (["show", "trucks", "-x"], "convoy show ... -- -x"),
        (["publish", "--rerunn"], "See convoy publish --help"),
        (["status", "-5"], "See convoy status --help"),
        (
            ["status", "--watch"],
            "The answer is tab-separated where stdout is no terminal (-o plain); that does not fit",
        ),
        (["status", "--watch", "--json"], "--json does not fit here"),
        (["pause", "trucks", "-o", "ids"], "-o ids does not fit here"),
    ],
)
def test_a_usage_error_names_the_option_that_was_given(convoy: Convoy, args: list[str], says: str) -> None:
    convoy("publish", "trucks", "1")

    result = convoy(*args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
