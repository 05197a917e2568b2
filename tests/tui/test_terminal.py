"""The terminal: whatever comes from it is survived, and it is given back as it was, however the dashboard ends."""

from __future__ import annotations

import os
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from convoy_core import Fleet
from convoy_tui.dashboard.terminal_input import TerminalInput
from tests.servers import RealServer
from tests.tui.fixed import alarm_source, an_app, settle
from tests.tui.real_terminal import Terminal
from tests.tui.screen import hides, shows

SEED = int(os.environ.get("CONVOY_FUZZ_SEED", "12"))


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


# -- what comes from it


def read(*chunks: bytes) -> list[str]:
    """The messages of these bytes, as text; then time passes."""
    now = 0.0
    terminal = TerminalInput(lambda: now)
    messages = [message for chunk in chunks for message in terminal.feed(chunk)]
    now += 3
    messages += terminal.tick()
    return [
        f"paste {message.text!r}"
        if isinstance(message, events.Paste)
        else getattr(message, "key", type(message).__name__)
        for message in messages
    ]


def test_pasted_text_is_taken_as_it_is() -> None:
    pasted = b"a\rb\r\x1b[31mred\r\x00\xff\x1b[200~last"

    assert read(b"x\x1b[200~" + pasted + b"\x1b[201~y") == [
        "x",
        f"paste {pasted.decode('utf-8', 'surrogateescape')!r}",
        "y",
    ]


def test_a_paste_may_come_in_any_pieces() -> None:
    whole = b"x\x1b[A\x1b[200~\xc3\xa9\r\x1b[201\x1b[3m\x1b[201~y"
    expected = ["x", "up", "paste 'é\\r\\x1b[201\\x1b[3m'", "y"]

    assert read(whole) == expected
    assert read(*(whole[n : n + 1] for n in range(len(whole)))) == expected
    for cut in range(len(whole)):
        assert read(whole[:cut], whole[cut:]) == expected


def test_a_paste_without_an_end_is_over_when_nothing_more_comes() -> None:
    assert read(b"\x1b[200~a\rb\x1b[20") == ["paste 'a\\rb'"]


@pytest.mark.parametrize(
    "sequence",
    [b"\x1b[9999999999u", b"\x1b[48;0;0;0;0t", b"\x1b[48;99999;99999;1;1t", b"\x1b[99;99R", b"\xff", b"\x1b[55296u"],
)
def test_a_sequence_that_means_nothing_is_passed_over(sequence: bytes) -> None:
    assert {"Resize", "CursorPosition"} & set(read(sequence)) == set()
    assert read(sequence + b"\x1b[By")[-2:] == ["down", "y"]


def test_any_bytes_into_the_terminal_are_survived(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    dice = random.Random(SEED)
    parts = [
        b"\x1b[",
        b"\x1b[<",
        b"\x1b[200~",
        b"\x1b[201~",
        b"\x1bO",
        b"\xff",
        b"u",
        b"M",
        b";",
        b"9" * 7,
        b"N",
        b"J",
        b":",
    ]
    noise = b"".join(dice.choice([*parts, dice.randbytes(3)]) for _ in range(600))
    with Terminal("--redis", store.url) as terminal:
        terminal.shows("trucks")
        terminal.press(b"\xff")
        answer(terminal)
        terminal.press(b"\x1b")
        for start in range(0, len(noise), 500):
            # What would end or suspend it by right is left out.
            terminal.press(noise[start : start + 500].translate(None, b"q\x11\x1a"))
            terminal.pause()
        terminal.press(b"\x1b[201~")
        answer(terminal)
        leave(terminal)

        assert terminal.ends() == 0, f"seed {SEED}"
        assert terminal.is_clean()


def answer(terminal: Terminal) -> None:
    """Close what is open, and see the help, which shows that keys are still heard."""

    def is_answered() -> bool:
        assert terminal.process.poll() is None, terminal.farewell
        for key in (b"\x1b", b"\x1b", b"?"):
            terminal.press(key)
            terminal.pause()
        return "Esc closes" in terminal.text

    terminal.until(is_answered, "an answer")


def leave(terminal: Terminal) -> None:
    """Close what is open, and quit."""

    def is_gone() -> bool:
        for key in (b"\x1b", b"q"):
            terminal.press(key)
            terminal.pause()
        return terminal.process.poll() is not None

    terminal.until(is_gone, "the end")


def test_an_exception_ends_it_with_one_sentence_and_a_code(store: RealServer, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import convoy_tui.dashboard.screens.overview as overview\n"
        "def fail(self): raise ZeroDivisionError('[red] of a\\x1b[31m queue')\n"
        "overview.OverviewScreen.action_filter = fail\n"
    )
    with Terminal("--redis", store.url, env={"PYTHONPATH": str(tmp_path)}) as terminal:
        terminal.shows("No queues here yet.")
        terminal.press("/")

        assert terminal.ends() == 1
        assert terminal.is_clean()
    assert terminal.farewell == (
        "convoy-tui ended on an unexpected ZeroDivisionError at sitecustomize.py:2: "
        r"[red] of a\x1b[31m queue. Please report it."
    )


PASTED = b"a\rb\r\x1b[31mred\r\x0cform\xc2\x85feed\xe2\x80\xa8\r\r\n\xff\xfe\rlast"


def test_pasted_ids_are_published_exactly(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("x")
    with Terminal("--redis", store.url) as terminal:
        terminal.shows("NO WORKERS trucks")
        terminal.press("N")
        terminal.shows("To the queue")
        terminal.paste(PASTED)
        terminal.shows("6 new")
        terminal.press(b"\x13")
        terminal.shows("Published 6 to trucks.")
        leave(terminal)

    with store.client() as client:
        assert client.lrange("cv:trucks:queued", 0, -1)[1:] == re.split(b"[\r\n]+", PASTED)


async def test_a_field_of_one_line_refuses_what_it_cannot_take_whole() -> None:
    app = an_app(alarm_source()[0])
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        for text, said in (("a\rb", "takes one line, and these are 2."), ("\x1b[31mred", r"takes no \x1b.")):
            app.post_message(events.Paste(text))
            await shows(pilot, said)
            assert app.screen.query_one("#search", Input).value == ""
        app.post_message(events.Paste("mail\r"))
        await hides(pilot, "geo:lookup")


# -- how it is given back


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_as_the_key_does(store: RealServer, number: signal.Signals) -> None:
    with Terminal("--redis", store.url) as terminal:
        terminal.shows("No queues here yet.")
        assert not terminal.is_clean()
        terminal.signal(number)

        assert terminal.ends() == 0
        assert terminal.is_clean()


def test_ctrl_z_suspends_it_anywhere_and_it_comes_back(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    with Terminal("--redis", store.url) as terminal:
        terminal.shows("NO WORKERS trucks")
        for keys, shown in (("", "trucks"), ("N", "To the queue"), ("\x1b", "Commands"), (":", "Command, queue or ID")):
            terminal.press(keys)
            terminal.shows(shown)
            terminal.pause()
            terminal.press(b"\x1a")
            terminal.stops()
            assert terminal.is_clean()

            terminal.signal(signal.SIGCONT)
            terminal.until(lambda: not terminal.is_clean(), "the dashboard")
        answer(terminal)
        terminal.signal(signal.SIGSTOP)  # of which it is not told
        terminal.stops()
        terminal.signal(signal.SIGCONT)
        answer(terminal)
        leave(terminal)

        assert terminal.ends() == 0
        assert terminal.is_clean()


OVER = {"N": "To the queue", ":": "Command, queue or ID", "?": "Esc closes", "/": "part of a name"}
"""What opens over a page, by its key, and what it shows."""


def test_ctrl_c_names_the_key_that_quits_anywhere(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    with Terminal("--redis", store.url) as terminal:
        terminal.shows("NO WORKERS trucks")
        terminal.press(b"\x03")
        terminal.shows("q quits.")
        for key, shown in OVER.items():
            terminal.press("R")  # says that nothing has failed, in the same place
            terminal.hides("q quits.")
            terminal.press(key)
            terminal.shows(shown)
            terminal.press(b"\x03")
            terminal.shows("q quits.")
            if shown in terminal.text:
                terminal.press(b"\x1b")
                terminal.hides(shown)
                terminal.pause()
        leave(terminal)

        assert terminal.ends() == 0


HOLD = """
import os, pathlib, time
go = pathlib.Path(__file__).with_suffix(".go")
def hold(job):
    go.with_suffix(".began").touch()
    os.write(1, b"\\x1b[?1049l\\x1b[2Jspoilt")
    while not go.exists(): time.sleep(0.01)
"""


@pytest.mark.parametrize("is_cut_short", [False, True], ids=["once", "twice"])
def test_a_signal_lets_running_jobs_finish_and_a_second_gives_them_back(
    store: RealServer, fleet: Fleet, tmp_path: Path, is_cut_short: bool
) -> None:
    (tmp_path / "holding.py").write_text(HOLD)
    fleet.queue("trucks").publish("a")
    with Terminal("--redis", store.url, cwd=tmp_path) as terminal:
        terminal.shows("NO WORKERS trucks")
        terminal.press("W")
        terminal.shows("Time limit")
        terminal.press("holding:hold")
        terminal.shows("found: a plain function")
        terminal.press(b"\x13")
        terminal.shows("Started local-1")
        # Not only claimed: what has not begun is given back at once, and there is nothing to wait for.
        terminal.until((tmp_path / "holding.began").exists, "a run")
        terminal.signal(signal.SIGTERM)
        terminal.shows("Nothing more is claimed.")
        assert "spoilt" not in terminal.text
        if is_cut_short:
            terminal.signal(signal.SIGTERM)
        else:
            (tmp_path / "holding.go").touch()

        assert terminal.ends() == 0
        assert terminal.is_clean()
    counts = fleet.queue("trucks").counts()
    assert (counts.queued, counts.processing) == ((1, 0) if is_cut_short else (0, 0))
    assert fleet.queue("trucks").workers() == []


def test_what_is_typed_while_it_ends_does_not_come_between_its_last_words(store: RealServer, fleet: Fleet) -> None:
    """The system echoes keys again as soon as it may: not before the terminal's own screen is back."""
    fleet.queue("trucks").publish("a")
    with Terminal("--redis", store.url) as terminal:
        terminal.shows("NO WORKERS trucks")
        terminal.press("q")
        while terminal.process.poll() is None:
            terminal.press("~" * 8)
            terminal.read(0.0005)
        assert terminal.ends() == 0
        assert terminal.is_clean()
        last_words = bytes(terminal.written).rindex(b"\x1b[?1004l")

    assert b"~~" not in terminal.written[:last_words]
