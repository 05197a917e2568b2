"""How commands end: the exit code, at most two lines, never a traceback, never a password."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import typer

from convoy_core import Queue
from convoy_tui.cli.config_path import config_path
from convoy_tui.cli.lazy_group import load
from convoy_tui.cli.main import app
from convoy_tui.dashboard.main import app as dashboard
from tests.cli.conftest import Convoy
from tests.waiting import patient

CANARY = "c4n4ry-p4ss"
DUMP = Path(__file__).with_name("dump.jsonl")
main: Any = typer.main.get_command(app)
COMMANDS = [
    ["status"],
    ["status", "trucks", "--json"],
    ["list", "trucks"],
    ["show", "trucks", "1"],
    ["find", "1"],
    ["workers"],
    ["publish", "trucks", "1"],
    ["export", "trucks"],
    ["import", "trucks", str(DUMP)],
    ["requeue", "trucks", "1"],
    ["discard", "trucks", "1", "--yes"],
    ["cancel", "trucks", "1", "--yes"],
    ["jam-guard", "trucks", "--idle", "5m"],
    ["pause", "trucks"],
    ["resume", "trucks"],
    ["work", "trucks", "--handler", "examples.trucks:crush", "--burst"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_store_that_does_not_answer_ends_with_7(convoy: Convoy, command: list[str]) -> None:
    url = f"redis://user:{CANARY}@localhost:1"

    result = convoy(*command, env={"CONVOY_REDIS_URL": url})

    assert result.exit_code == 7
    assert CANARY not in result.output
    assert "user:***@localhost:1" in result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_wrong_password_ends_with_4(convoy: Convoy, command: list[str], raw: redis.Redis) -> None:
    raw.acl_setuser("eve", enabled=True, passwords=["+right"], keys=["*"], commands=["+@all"])

    result = convoy(*command, env={"CONVOY_REDIS_URL": convoy.url.replace("unix://", f"unix://eve:{CANARY}@")})

    assert result.exit_code == 4
    assert CANARY not in result.output


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{CANARY}/x#y@host",
        f"redis://user:{CANARY}#@host:port",
        f"nothing://user:{CANARY}@host",
        f"redis://user:{CANARY}@host:99999",
        f"redis://user:{CANARY}@[::1",
        f"{CANARY}",
        f"redis+nothing://user:{CANARY}@a,b/c",
    ],
)
@pytest.mark.parametrize("way", ["flag", "environment", "file"])
def test_a_url_that_cannot_be_used_ends_with_2_and_is_not_quoted(convoy: Convoy, url: str, way: str) -> None:
    config_path().parent.mkdir(parents=True)
    if way == "file":
        config_path().write_text(f"[profiles.x]\nurl = '{url}'")
    args = {"flag": ["--redis", url], "environment": [], "file": ["--profile", "x"]}[way]

    result = convoy("status", *args, env={"CONVOY_REDIS_URL": url if way == "environment" else None})

    assert result.exit_code == 2
    assert CANARY not in result.output


def test_a_broken_config_file_does_not_show_what_it_holds(convoy: Convoy) -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text(f"[profiles.x]\nurl = redis://:{CANARY}@host\npassword = {CANARY}")

    result = convoy("status")

    assert result.exit_code == 2
    assert CANARY not in result.output


def test_a_password_on_the_command_line_is_warned_about(convoy: Convoy) -> None:
    result = convoy("status", "--redis", f"redis://:{CANARY}@localhost:1")

    assert "can be seen by everyone" in result.stderr
    assert CANARY not in result.output


def test_a_missing_permission_ends_with_4(convoy: Convoy, raw: redis.Redis) -> None:
    may = ["+@read", "+evalsha_ro", "+eval_ro", "+time", "+hello", "+ping", "+client|setinfo", "+client|setname"]
    raw.acl_setuser("viewer", enabled=True, passwords=["+x"], keys=["*"], commands=may)
    url = convoy.url.replace("unix://", "unix://viewer:x@")
    convoy("publish", "trucks", "1")

    assert convoy("status", env={"CONVOY_REDIS_URL": url}).exit_code == 0
    assert convoy("publish", "trucks", "2", env={"CONVOY_REDIS_URL": url}).exit_code == 4


def test_a_damaged_queue_ends_with_1_and_says_which_key(convoy: Convoy, raw: redis.Redis) -> None:
    raw.set("cv:trucks:queued", "no list")

    result = convoy("publish", "trucks", "1")

    assert result.exit_code == 1
    assert "trucks" in result.stderr


def test_an_embedded_store_that_cannot_start_ends_with_7(convoy: Convoy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = convoy("status", "--redis", f"embedded:{tmp_path}/file")

    assert result.exit_code == 7


def test_a_reader_that_goes_away_is_no_failure(convoy: Convoy) -> None:
    convoy("publish", "trucks", "-", input="".join(f"{n}\n" for n in range(50_000)))
    script = f"{sys.executable} -m convoy_tui.cli list trucks --all -o ids; echo $? >&2"

    done = subprocess.run(
        ["sh", "-c", f"({script}) | head -1"],
        env={**os.environ, **convoy.environment},
        capture_output=True,
        check=True,
        timeout=patient(),
    )

    assert (done.stdout, done.stderr) == (b"0\n", b"0\n")


def test_an_unexpected_error_ends_with_1_and_two_lines(convoy: Convoy, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("boom\x1b[31m")

    monkeypatch.setattr("convoy_tui.cli.session.Session.names", explode)

    result = convoy("status")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == r"convoy: Unexpected RuntimeError: boom\x1b[31m"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["list", "trucks", "--state", "[/x]\x1b[2J"], r"[/x]\x1b[2J"),
        (["publsh"], "Did you mean 'publish'?"),
        (["publish", "--rerunn"], "--rerun"),
        (["status", "-o", "yaml"], "yaml"),
        (["list", "trucks", "--state", "lost"], "lost"),
        (["list", "trucks", "--limit", "x"], "no whole number"),
        (["list", "trucks", "--limit", "0"], "--limit: '0' is no whole number from 1 up."),
        (["show", "trucks"], "Missing argument"),
        (["server", "explode"], "No such command"),
        (["status", "--prefix", "a b"], "no key prefix"),
        (["work", "trucks"], "--handler"),
        (["work", "trucks", "--handler", "nothing"], "package.module:function"),
        (["work", "trucks", "--handler", "examples.nothing:crush"], "no module"),
        (["work", "trucks", "--handler", "examples.trucks:nothing"], "has no 'nothing'"),
        (["work", "trucks", "--handler", "examples.trucks:crush", "--concurrency", "0"], "--concurrency: '0' is no"),
        (["work", "trucks", "--handler", "examples.trucks:crush", "--retries", "-1"], "--retries: '-1' is no whole"),
        (["work", "trucks", "--handler", "examples.trucks:crush", "-o", "ids"], "no IDs"),
        (["status", "-o", "yaml"], "convoy: -o: 'yaml' is not one of"),
        (["work", "trucks", "-c", "1.5"], "convoy: -c: '1.5' is no whole number from 1 to 10,000."),
        (["list", "trucks", "--limit=-1"], "convoy: --limit: '-1' is no whole number from 1 up."),
        (["publish", "trucks", "1", "--delay", "5s", "--front"], "convoy: Give --front or --delay, not both."),
        (["work", "bad name", "--handler", "examples.trucks:crush"], "no queue name"),
    ],
)
def test_usage_errors_end_with_2_in_at_most_two_lines(convoy: Convoy, args: list[str], says: str) -> None:
    result = convoy(*args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_handler_is_imported_before_the_store_is_touched(convoy: Convoy) -> None:
    result = convoy("work", "trucks", "--handler", "no.such:thing", env={"CONVOY_REDIS_URL": "redis://localhost:1"})

    assert result.exit_code == 2


WRITES: list[list[str]] = [
    ["publish", "trucks", "9"],
    ["requeue", "trucks", "--all", "-y"],
    ["discard", "trucks", "--all", "-y"],
    ["cancel", "trucks", "1", "-y"],
    ["jam-guard", "trucks", "--idle", "5m", "-y"],
    ["pause", "trucks"],
    ["resume", "trucks"],
    ["work", "trucks", "--handler", "examples.trucks:crush", "--burst"],
]
READS: list[list[str]] = [
    ["status"],
    ["list", "trucks"],
    ["show", "trucks", "1"],
    ["find", "1"],
    ["workers"],
    ["requeue", "trucks", "--all", "-n"],
    ["discard", "trucks", "--all", "-n"],
    ["cancel", "trucks", "5", "-n"],
    ["publish", "trucks", "9", "-n"],
    ["jam-guard", "trucks", "--idle", "5m", "-n"],
    ["pause", "trucks", "-n"],
]


@pytest.mark.parametrize("command", WRITES, ids=lambda command: command[0])
def test_read_only_refuses_every_write(
    convoy: Convoy, command: list[str], fail: Callable[..., None], run_since: Callable[..., None]
) -> None:
    fail("1", "2")
    run_since("3", "4")

    result = convoy(*command, env={"CONVOY_READ_ONLY": "1"})

    assert (result.exit_code, result.stdout) == (4, "")
    assert "CONVOY_READ_ONLY" in result.stderr


def test_reading_never_writes(
    convoy: Convoy, trucks: Queue, raw: redis.Redis, fail: Callable[..., None], run_since: Callable[..., None]
) -> None:
    fail("1", "2")
    run_since("3")
    trucks.publish("5")
    raw.config_resetstat()

    for command in READS:
        assert convoy(*command, "--read-only").exit_code == 0

    sent = {name.removeprefix("cmdstat_") for name in raw.info("commandstats")}
    assert not sent & {"eval", "evalsha", "sadd", "rpush", "lpush", "zadd", "hset", "set", "del"}


TIMES = [
    ["status", "--interval"],
    ["doctor", "--grace"],
    ["record", "trucks", "--for"],
    ["wait", "trucks", "1", "--timeout"],
    ["requeue", "trucks", "1", "--try", "1", "--timeout"],
    ["status", "--jam-after"],
    ["metrics", "--jam-after"],
    ["watch", "--jam-after"],
    ["watch", "--interval"],
    ["log", "--since"],
    ["list", "trucks", "--older-than"],
    ["publish", "trucks", "1", "--delay"],
    ["jam-guard", "trucks", "--idle"],
    ["jam-guard", "trucks", "--idle", "5m", "--every"],
    ["work", "trucks", "--job-timeout"],
    ["work", "trucks", "--grace"],
    ["demo", "--for"],
    ["ack", "trucks", "--for"],
    ["tui", "--interval"],
]


@pytest.mark.parametrize("words", TIMES, ids=lambda words: f"{words[0]} {words[-1]}")
def test_every_time_is_a_duration_and_a_wrong_one_is_named(convoy: Convoy, words: list[str]) -> None:
    for wrong in ("soon", "-5s", "5 parsecs", "9" * 400):
        result = convoy(*words, wrong)

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"convoy: {words[-1]}: '{wrong[:20]}")


def test_the_table_of_times_is_whole() -> None:
    commands = {name: load(name) for name in main.commands}
    commands |= {f"server {name}": one for name, one in commands["server"].commands.items()}
    found = {
        (name, parameter.opts[0])
        for name, one in commands.items()
        for parameter in one.params
        if parameter.metavar == "TIME"
    }

    assert found == {(words[0], words[-1]) for words in TIMES}


def test_the_dashboard_has_the_same_options_by_both_its_names() -> None:
    def options(of: Any) -> set[str]:
        return {name for parameter in of.params for name in parameter.opts} - {"--version"}

    assert options(load("tui")) == options(typer.main.get_command(dashboard))
