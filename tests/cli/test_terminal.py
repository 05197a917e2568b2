"""What a person sees and answers: the progress bar, the question, colours, and nothing that a hostile ID wants."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from convoy_core import Queue, State
from tests.cli.conftest import Convoy, states
from tests.cli.terminal import Terminal
from tests.servers import RealServer, valkey_binary

Fail = Callable[..., None]
STYLE = re.compile(rb"\x1b\[[0-9;]*m")
"""Colours; on a terminal nothing else may follow an ESC in a table."""


@pytest.fixture
def terminal(convoy: Convoy) -> Callable[..., Terminal]:
    """Start a command in a terminal of 80 by 24."""

    def start(*args: str, **how: object) -> Terminal:
        env = {"CONVOY_REDIS_URL": convoy.url, **how.pop("env", {})}  # type: ignore[dict-item]  # only ever texts
        return Terminal(*args, env=env, **how)  # type: ignore[arg-type]  # passed through

    return start


def test_a_long_publish_shows_its_progress_and_leaves_the_tally(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    (tmp_path / "ids").write_text("".join(f"{n}\n" for n in range(100_000)))

    with (tmp_path / "ids").open("rb") as ids, terminal("publish", "trucks", "-", stdin=ids) as screen:
        screen.expect("publishing to trucks")
        screen.expect(" IDs")
        code = screen.end()

    assert code == 0
    assert screen.text == "100,000 published"
    assert "━".encode() in screen.written


def test_a_pipe_of_unknown_length_shows_a_count(terminal: Callable[..., Terminal]) -> None:
    reader, writer = os.pipe()
    with terminal("publish", "trucks", "-", stdin=reader) as screen:
        os.close(reader)
        os.write(writer, b"1\n2\n3\n")
        screen.expect("3 IDs")
        os.close(writer)
        assert screen.end() == 0

    assert screen.text == "3 published"


@pytest.mark.parametrize("args", [("export", "trucks"), ("publish", "trucks", "-", "-o", "jsonl")])
def test_what_goes_to_a_file_is_in_the_file_while_a_terminal_shows_the_progress(
    terminal: Callable[..., Terminal], trucks: Queue, tmp_path: Path, args: tuple[str, ...]
) -> None:
    trucks.publish_many([1, 2, 3])
    (tmp_path / "ids").write_text("1\n2\n3\n")

    with (
        (tmp_path / "ids").open("rb") as ids,
        (tmp_path / "lines").open("wb") as lines,
        terminal(*args, stdin=ids, stdout=lines) as screen,
    ):
        assert screen.end() == 0

    written = [json.loads(line)["id"] for line in (tmp_path / "lines").read_text().splitlines()]
    assert written == ["1", "2", "3"]
    assert b"schema" not in screen.written


def test_ctrl_c_prints_the_tally_and_ends_with_130(terminal: Callable[..., Terminal], trucks: Queue) -> None:
    reader, writer = os.pipe()
    with terminal("publish", "trucks", "-", stdin=reader) as screen:
        os.close(reader)
        os.write(writer, b"1\n2\n3\n")
        screen.expect("3 IDs")
        screen.interrupt()
        assert screen.end() == 130
    os.close(writer)

    assert "3 published" in screen.text
    assert trucks.counts().queued == 3


@pytest.mark.parametrize("answer", ["n\n", "\n", "what\n", "\x04"])
def test_a_question_that_is_not_answered_with_yes_changes_nothing(
    terminal: Callable[..., Terminal], trucks: Queue, fail: Fail, answer: str
) -> None:
    fail("1", "2")

    with terminal("discard", "trucks", "--all") as screen:
        screen.expect("Go on? [y/N]")
        assert "This forgets 2 failed IDs of trucks, at " in screen.text
        screen.press(answer)
        assert screen.end() == 6

    assert "Nothing changed." in screen.text
    assert trucks.counts().failed == 2


def test_the_answer_yes_is_carried_out(terminal: Callable[..., Terminal], trucks: Queue, fail: Fail) -> None:
    fail("1", "2")

    with terminal("requeue", "trucks", "--all") as screen:
        screen.expect("Go on? [y/N]")
        screen.press("y\n")
        assert screen.end() == 0

    assert screen.text.endswith("2 requeued")
    assert states(trucks, "1", "2") == [State.QUEUED, State.QUEUED]


def test_ctrl_c_at_the_question_changes_nothing(terminal: Callable[..., Terminal], trucks: Queue, fail: Fail) -> None:
    fail("1", "2")

    with terminal("discard", "trucks", "--all") as screen:
        screen.expect("Go on? [y/N]")
        screen.interrupt()
        assert screen.end() == 130

    assert trucks.counts().failed == 2


def test_the_jam_guard_shows_what_it_is_about_to_free(
    terminal: Callable[..., Terminal], run_since: Callable[..., None]
) -> None:
    run_since(*[f"job-{n}" for n in range(25)])

    with terminal("jam-guard", "trucks", "--idle", "5m", lines=40) as screen:
        screen.expect("Go on? [y/N]")
        assert "and 5 more" in screen.text
        assert "This frees 25 IDs of trucks" in screen.text
        screen.press("n\n")
        assert screen.end() == 6


@pytest.mark.parametrize(
    ("args", "env", "coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_come_and_go(
    terminal: Callable[..., Terminal], convoy: Convoy, args: list[str], env: dict[str, str], coloured: bool
) -> None:
    convoy("publish", "trucks", "1")

    with terminal("status", *args, env=env) as screen:
        assert screen.end() == 0

    assert bool(re.search(rb"\x1b\[[0-9;]*3[0-9]m", screen.written)) is coloured


def test_a_pipe_gets_no_colours_unless_it_asks(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    assert b"\x1b" not in convoy.process("status", "-o", "table").stdout
    assert b"\x1b[" in convoy.process("status", "-o", "table", "--color", "always").stdout


@pytest.mark.parametrize(
    "command",
    [
        ["list", "trucks"],
        ["list", "trucks", "-o", "ids"],
        ["list", "trucks", "-o", "ids", "-0"],
        ["list", "trucks", "-o", "json"],
        ["status"],
    ],
)
def test_hostile_ids_cannot_control_the_terminal(
    terminal: Callable[..., Terminal], convoy: Convoy, command: list[str]
) -> None:
    hostile = [b"\x1b]0;owned\x07", b"\x1b]52;c;cm0=\x07", b"\x1b[2J\x1b[H", b"\xc2\x9b31m", b"\x9b2J"]
    hostile.append(b"\x1b]8;;http://x\x1b\\link")
    convoy("publish", "trucks", "-", "-0", input=b"\0".join(hostile))

    with terminal(*command) as screen:
        assert screen.end() == 0

    assert b"\x1b" not in STYLE.sub(b"", screen.written)
    assert b"\x9b" not in screen.written
    assert screen.screen.title == ""


def test_ids_to_a_terminal_are_safe_and_to_a_pipe_exact(terminal: Callable[..., Terminal], convoy: Convoy) -> None:
    convoy("publish", "trucks", "-", "-0", input=b"a\x1b[31m")

    with terminal("list", "trucks", "-o", "ids", "-q") as screen:
        screen.end()

    assert screen.text == r"a\x1b[31m"
    assert convoy.process("list", "trucks", "-o", "ids").stdout == b"a\x1b[31m\n"


def test_a_watch_redraws_in_place(terminal: Callable[..., Terminal], convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    with terminal("status", "--watch", "--interval", "100ms") as screen:
        screen.expect("trucks: 1 ID waits")
        trucks.publish("2")
        screen.expect("trucks: 2 IDs wait")
        assert screen.text.count("QUEUED") == 1
        screen.interrupt()
        assert screen.end() == 130


def test_work_shows_one_line_while_it_runs(terminal: Callable[..., Terminal], trucks: Queue) -> None:
    trucks.publish("1")

    with terminal("work", "trucks", "--handler", "examples.trucks:crush") as screen:
        screen.expect(" · 1 done · 0 running")
        screen.interrupt()
        assert screen.end() == 0

    assert screen.text.endswith("1 done")


def test_a_jam_guard_repeats_until_it_is_stopped(
    terminal: Callable[..., Terminal], run_since: Callable[..., None]
) -> None:
    run_since("first")

    with terminal("jam-guard", "trucks", "--idle", "5m", "--every", "100ms", "--yes", "-o", "jsonl") as screen:
        screen.expect('"id": "first"')
        run_since("second")
        screen.expect('"id": "second"')
        screen.interrupt()
        assert screen.end() == 130

    assert "nothing has been processing" not in screen.text


def test_a_watch_continues_through_an_outage() -> None:
    server = RealServer(valkey_binary())
    try:
        Queue("trucks", redis=server.url).publish("1")
        with Terminal("status", "--watch", "--interval", "100ms", env={"CONVOY_REDIS_URL": server.url}) as screen:
            screen.expect("NO WORKERS")
            server.kill()
            screen.expect("Trying again every")
            server.start()
            screen.expect("idle")
            screen.interrupt()
            assert screen.end() == 130
    finally:
        server.stop()
