"""The log of local pools: it keeps the end of what was written, and never holds a writer up for long."""

from __future__ import annotations

import os
import threading

from convoy_tui.dashboard.output_log import OutputLog
from tests.waiting import eventually


def test_the_lines_of_each_pool_are_kept_as_they_were_written() -> None:
    log = OutputLog(clock=lambda: 5.0)
    one, two = log.open("local-1"), log.open("local-2")
    os.write(one, b"first\nhalf ")
    eventually(lambda: log.count == 1)
    os.write(one, b"a line\n\xff\x1b[2J\nno end")
    os.write(two, b"another\n")
    os.close(one)
    os.close(two)
    eventually(lambda: log.count == 5)

    assert [line.text for line in log.lines("local-1")] == ["first", "half a line", "\udcff\x1b[2J", "no end"]
    assert sorted(line.pool for line in log.lines()) == ["local-1"] * 4 + ["local-2"]


def test_a_flood_is_read_and_only_its_end_is_kept() -> None:
    log = OutputLog()
    sink = log.open("local-1")

    def flood() -> None:
        with os.fdopen(sink, "wb") as stream:
            for n in range(40_000):
                stream.write(b"line %d\n" % n)
            stream.write(b"x" * 5000)

    thread = threading.Thread(target=flood)
    thread.start()
    thread.join()
    eventually(lambda: log.lines() and log.lines()[-1].text.endswith("x"))

    assert len(log.lines()) <= 2000
    assert "line 39999" in [line.text for line in log.lines()]
    assert max(len(line.text) for line in log.lines()) <= 1000
