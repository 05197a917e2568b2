"""2,000 hostile strings through a real terminal: shown safely, never interpreted, and every column in its place."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis

from convoy_core import Fleet, Operator, Record, State
from convoy_core.failure_groups import what_broke
from convoy_tui.text.safe_text import _UNSAFE
from tests.servers import RealServer
from tests.tui.hostile import Hostile
from tests.tui.pools import Crew
from tests.tui.real_terminal import Terminal
from tests.waiting import patient

FAILED, QUEUES, POOLS, ACTS, FEW = 760, 300, 60, 30, 25
PAGE_DOWN, ESC = "\x1b[6~", "\x1b"

OURS = re.compile(
    r"\x1b\[\d+;\d+H"  # the cursor goes there
    r"|\x1b\[(?!38;5)[\d;]*m"  # colours: never those of a palette of 256, which the strings ask for
    r"|\x1b\[\?(?:1049|1000|1003|1004|1006|1015|2004|2026|2048|25|7)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p"
    r"|\x1b\[[<>=]?\d*(?:;\d)?u"  # how keys are reported
    r"|\x1b\[\d* q"
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # the clipboard, when asked for
    r"|\x1b\]22;[a-z]+\x07"  # the shape of the pointer
    r"|[\r\n]"
)
"""All that the dashboard itself has to say to a terminal."""


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


@pytest.fixture
def raw(store: RealServer) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


class Seeded:
    """A store full of hostile strings; the queue that matters has the most failures, and so stands first."""

    def __init__(self, fleet: Fleet, raw: redis.Redis) -> None:
        self.hostile = hostile = Hostile()
        self.name = hostile.text("m", most=150)
        self.queue = fleet.queue(self.name)
        self.queue.restore(self._failure(hostile.id("f")) for _ in range(FAILED))
        for _ in range(FEW):
            self.queue.publish(hostile.id("w"), payload=hostile.text("p"), delay_s=3600)
            self.queue.publish(hostile.id("u"), payload=hostile.text("p"))
        keys = self.queue.key_prefix.encode()
        raw.sadd(keys + b"committed", *(hostile.raw("o") for _ in range(FEW)))
        with raw.pipeline(transaction=False) as many:
            for _ in range(QUEUES):
                many.rpush(b"cv:" + hostile.raw("q", most=150).replace(b":", b"_") + b":queued", b"x")
            many.execute()
        self._employ(fleet, raw)
        for _ in range(ACTS):
            who, reason = hostile.text("a", most=60)[:90], hostile.text("r", most=90)[:190]
            fleet_of = Fleet(redis=fleet._connection.store.url, operator=Operator(who, reason=reason))
            with fleet_of:
                fleet_of.queue(self.name).pause()
                fleet_of.queue(self.name).resume()

    def _failure(self, id: str) -> Record:
        error = self.hostile.text("e", most=250)
        trace = f"Traceback\n  File {self.hostile.text('t', most=250)!r}, line 1, in x\nE: y"
        record = {"at": time.time(), "group": what_broke(error, trace), "error": error, "traceback": trace}
        return Record(
            id, State.FAILED, failures=1, raw_failure=json.dumps(record | {"worker": "w"}, ensure_ascii=False).encode()
        )

    def _employ(self, fleet: Fleet, raw: redis.Redis) -> None:
        crew = Crew(fleet, raw)
        for n in range(POOLS):
            id = f"{n:032x}"
            held = [self.hostile.id("l")] if n < FEW else []
            crew.joins(self.name, id, host="h", handler="f", slots=1, holds=held)
            record = self.queue.key_prefix.encode() + b"worker:" + id.encode()
            raw.hset(record, mapping={b"host": self.hostile.raw("h"), b"handler": self.hostile.raw("n")})


class Sweep:
    """Reads screen by screen, and keeps which strings were seen."""

    def __init__(self, terminal: Terminal, serials: dict[str, list[str]]) -> None:
        self._terminal = terminal
        self._all = {serial for given in serials.values() for serial in given}
        self.seen: set[str] = set()

    def look(self) -> set[str]:
        """The serials on the screen."""
        found = self._all & set(re.findall(r"[a-z]\d{4}", self._terminal.text))
        self.seen |= found
        return found

    def page_through(self, serials: list[str], check: Callable[[], None]) -> None:
        """Page down until all of them have been seen; from the top again where a page came and went too fast."""
        deadline = time.monotonic() + patient()
        self._terminal.until(lambda: self.look() & set(serials), f"any of {serials[0]}…")
        while True:
            self._terminal.until(self._is_known, "every row")
            check()
            before, cursor = self.look(), self._cursor
            left = sorted(set(serials) - self.seen)
            if not left:
                return
            assert time.monotonic() < deadline, f"not seen: {left[:9]}\n{self._terminal.text}"
            self._terminal.press("g" if serials[-1] in before else PAGE_DOWN)
            self._terminal.until(partial(self._has_turned, before, cursor), "another page")
            while self._terminal.read(0.05):
                pass  # until the whole page has come

    def _is_known(self) -> bool:
        return not any(line.strip("▌ ").startswith("… ") for line in rows(self._terminal))

    @property
    def _cursor(self) -> int:
        return next((y for y, line in enumerate(rows(self._terminal)) if line.startswith("▌")), -1)

    def _has_turned(self, before: set[str], cursor: int) -> bool:
        return self.look() != before or self._cursor != cursor


def rows(terminal: Terminal) -> list[str]:
    """The lines, with a blank for the second cell of a wide character, and without marks upon letters."""
    screen = terminal.screen
    return ["".join(screen.buffer[y][x].data[:1] or " " for x in range(screen.columns)) for y in range(screen.lines)]


def displaced(terminal: Terminal, heading: str, serial: re.Pattern[str]) -> list[str]:
    """The lines of the table with such a serial that end elsewhere than the heading of that column."""
    lines = rows(terminal)
    head = re.compile(rf" {heading}[▾▴]?(?= )")
    top = next((y for y, line in enumerate(lines) if head.search(line)), len(lines) - 1)
    found = head.search(lines[top])
    end = found.end() - 1 if found else 0
    table = [line for line in lines[top + 1 :] if serial.search(line[:30])]
    return [line for line in table if line[end] == " " or line[end + 1] != " "] if table else [lines[top]]


def aligned(terminal: Terminal, heading: str, serial: re.Pattern[str]) -> None:
    """In each line of the table that column is where its heading is, once the screen has been drawn."""
    terminal.until(lambda: not displaced(terminal, heading, serial), f"a straight column {heading}")


def framed(terminal: Terminal) -> None:
    """The frame of the dialog is whole, once it has been drawn."""
    terminal.until(lambda: _is_framed(rows(terminal)), "a whole frame")


def _is_framed(lines: list[str]) -> bool:
    top = next((y for y, line in enumerate(lines) if "╭" in line and "╮" in line), len(lines))
    for line in lines[top + 1 :]:
        ends = line[lines[top].index("╭")] + line[lines[top].index("╮")]
        if ends != "││":
            return ends == "╰╯"
    return False


@pytest.mark.timeout(300)
def test_2000_hostile_strings_are_shown_and_never_interpreted(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    seeded = Seeded(fleet, raw)
    serials = seeded.hostile.serials
    with Terminal("--redis", store.url, size=(200, 60)) as terminal:
        sweep = Sweep(terminal, serials)
        terminal.shows("q0000")
        sweep.page_through(serials["q"], lambda: aligned(terminal, "QUEUED", re.compile(r"q\d{4}")))
        terminal.press("/")
        terminal.shows("part of a name")
        terminal.press("m0000")
        terminal.hides("q0299")
        focused = terminal.background("m0000")
        terminal.press("\r")
        terminal.until(lambda: terminal.background("m0000") != focused, "the focus on the table")
        see_dialogs(terminal, "JRNPW")
        terminal.press("\r")
        see_tabs(terminal, sweep, serials)
        see_pages(terminal, sweep, serials)
        leave(terminal)

        assert terminal.ends() == 0
        assert terminal.is_clean()
    assert "stolen" not in terminal.screen.title
    said = bytes(terminal.written).decode()  # nothing that is no UTF-8 either
    theirs = OURS.sub("", said)
    assert [theirs[found.start() :][:40] for found in _UNSAFE.finditer(theirs)] == []
    assert len(sweep.seen) >= 2000, {kind: len(sweep.seen & set(given)) for kind, given in serials.items()}


def leave(terminal: Terminal) -> None:
    """Close what is open, and quit."""
    while terminal.process.poll() is None:
        terminal.press(ESC)
        terminal.pause()
        terminal.press("q")
        terminal.pause()


def see_dialogs(terminal: Terminal, keys: str) -> None:
    """Open each dialog, look at its frame, and leave it."""
    for key in keys:
        terminal.press(key)
        terminal.shows("╰")
        framed(terminal)
        terminal.pause(0.3)  # for what it reads
        framed(terminal)
        terminal.press(ESC)
        terminal.hides("╰")


def see_tabs(terminal: Terminal, sweep: Sweep, serials: dict[str, list[str]]) -> None:
    """Every tab of the queue, and an ID."""
    for tab, kind, heading in (
        ("Queued", "u", "WAITING"),
        ("Processing", "l", "RUNNING"),
        ("Delayed", "w", "FAILURES"),
        ("Failed", "f", "TIMES"),
    ):
        terminal.shows(f"[{tab}")
        pattern = re.compile(rf"{kind}\d{{4}}")
        sweep.page_through(serials[kind], partial(aligned, terminal, heading, pattern))
        if tab == "Failed":
            break
        terminal.press("]")
    see_dialogs(terminal, "RD")
    terminal.press("\r")
    terminal.shows("Frames")
    sweep.look()
    terminal.press("c")
    terminal.shows("clipboard")
    last = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", bytes(terminal.written))[-1]
    assert base64.b64decode(last).decode("utf-8", "surrogateescape").startswith("f0")
    terminal.press(ESC)
    terminal.shows("[Failed")
    terminal.press("]")
    terminal.shows("[Orphans")
    sweep.page_through(serials["o"], lambda: None)


def see_pages(terminal: Terminal, sweep: Sweep, serials: dict[str, list[str]]) -> None:
    """The other pages, the palette and the help."""
    terminal.press("3")
    terminal.shows("▸ failures")
    terminal.shows("e# ")  # a group goes by what its errors share
    see_dialogs(terminal, "R")
    terminal.press("4")
    terminal.shows("HOST, PID")
    sweep.page_through(serials["h"], lambda: aligned(terminal, "BUSY", re.compile(r"^.\s+\d+ +m0000")))
    terminal.press("\r")
    terminal.press("5")
    terminal.shows("▸ activity")
    terminal.until(lambda: sweep.look() & set(serials["a"]), "an operator")
    for key, shown in (("6", "▸ store"), ("7", "▸ time")):
        terminal.press(key)
        terminal.shows(shown)
    terminal.press("1")
    terminal.shows("QUEUED")
    for key in ":?f":
        terminal.press(key)
        terminal.pause(0.3)
        terminal.press(ESC)
        terminal.pause(0.3)
