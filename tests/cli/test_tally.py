"""What workers did, in words and on one line, and the lines by which processes tell it each other."""

from __future__ import annotations

from typing import Any

import pytest

from convoy_core import PoolState, PoolStatus
from convoy_core.system.json_lines import Malformed, decode_message
from convoy_tui.cli.io.messages import LogLine
from convoy_tui.cli.work.control_socket import Final, Message, Report, decode, encode
from convoy_tui.cli.work.progress import Progress, WorkTally, together
from convoy_tui.cli.work.worker_process import in_brief


def test_the_tally_omits_zero_counts() -> None:
    status = PoolStatus(PoolState.STOPPED, "ab", done=1200, failed=2, deferred=6, discarded=5, released=3, stale=4)

    assert WorkTally.of(status).words == (
        "1,200 done, 2 failed, 6 asked for later, 5 discarded, 3 released, 4 too late (somebody else had the ID)"
    )
    assert WorkTally().words == "0 done"


def test_tallies_are_summed() -> None:
    assert WorkTally(done=1, failed=2) + WorkTally(done=3, unknown=1) == WorkTally(done=4, failed=2, unknown=1)


def test_the_progress_line_fits_and_is_harmless() -> None:
    status = PoolStatus(PoolState.RUNNING, "ab", (("x\x1b[2J" * 50, 12.0), ("b", 1.0)), done=5)

    line = Progress.of(status).line(80)

    assert line.plain.startswith("running · 5 done · 2 running · longest 12s: x\\x1b")
    assert line.cells <= 80


def test_several_processes_are_shown_as_one() -> None:
    one = Progress("running", WorkTally(done=1), 2, ("a", 3.0))
    two = Progress("running", WorkTally(failed=1), 1, ("b", 5.0))
    new = Progress("starting")

    assert together([one, two], WorkTally(done=10)) == Progress(
        "2 processes running", WorkTally(done=11, failed=1), 3, ("b", 5.0)
    )
    assert together([one, new, two], WorkTally()).state == "2 processes running, 1 starting"
    assert together([], WorkTally(done=10)) == Progress("no process", WorkTally(done=10))


@pytest.mark.parametrize(
    "message",
    [
        Report("ab", Progress("running", WorkTally(done=1), 2, ("line\nend and \udcff", 3.0), "away")),
        Report("", Progress("idle")),
        LogLine("two\nlines", is_warning=True),
        Final(7, "it is away.", "Try later."),
        Final(0),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    line = encode(message)

    assert decode(decode_message(line)) == message
    assert line.count(b"\n") == 1


@pytest.mark.parametrize(
    "line",
    [
        Malformed(b"x\n"),
        {},
        {"Report": {"worker": "ab", "progress": {}}},
        {"LogLine": 5},
        {"LogLine": {"text": 5, "is_warning": True}},
        {"Final": {"code": None}},
    ],
)
def test_what_no_worker_process_writes_is_no_message(line: dict[str, Any] | Malformed) -> None:
    assert decode(line) is None


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("one line", "one line"),
        ("", ""),
        ("exit status 1: Traceback:\n  File x\n  ValueError: flat\n", "exit status 1: Traceback: ... ValueError: flat"),
    ],
)
def test_of_several_lines_the_first_and_the_last_are_shown(text: str, brief: str) -> None:
    assert in_brief(text) == brief
