"""Two minutes of use, recorded: the dashboard in a real terminal, on a real store with the queues of `convoy demo`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.tui.animation import Frame, Line, Run, drawn, lines_of
from tests.tui.real_terminal import Terminal
from tests.waiting import patient

ROOT = Path(__file__).parents[2]

SIZE = (104, 30)
_BEFORE_S = 75.0
"""Until there is a past to step back to, and enough has failed."""
_LEAST_S = 0.4
"""Between two frames: more would make the picture larger, and no clearer."""


@dataclass(frozen=True, slots=True)
class Step:
    """Keys, what the screen shows after them, and how long one looks at that."""

    keys: str
    shows: str
    look_s: float = 3.0


TOUR: Sequence[Step] = (
    Step("", "FAILING", 7),
    Step("3", "WHAT BROKE", 2),
    Step("a", "ValueError in", 5),
    Step("\r", "▸ import-", 6),  # the newest failure of the group
    Step("\x1b", "WHAT BROKE", 2),
    Step("R", "Try 1 of", 5),
    Step("y", "Leave the others", 5),
    Step("y", "Tried 1 ID", 4),
    Step("1", "STATE", 3),
    Step("/archive\r", "shown: archive", 3),
    Step("N", "To the queue", 1),
    Step("parcel-1\rparcel-2", "2 new", 3),
    Step("\x13", "Published 2", 3),
    Step("W", "Launch", 1),
    Step("examples.trucks:crush", "found", 2),
    Step("\x13", "Started", 6),
    Step("4", "slots busy", 6),
    Step("7", "[3 h]", 2),
    Step("\x1b[Z", "[15 min]", 6),
    Step("1", "STATE", 1),
    Step("\x1b", "imports", 2),
    Step("[", "THE PAST", 5),
    Step("0", "live", 4),
    Step("?", "Esc closes", 4),
    Step("\x1b", "STATE", 5),
)


class Recorder:
    """A terminal whose screen is kept each time that it has changed."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._began_at = time.monotonic()
        self.frames: list[Frame] = []

    @property
    def now_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began_at

    def look(self, seconds: float) -> None:
        """Keep what is to be seen for so long."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self._terminal.pause(min(_LEAST_S, max(0.05, end_s - self.now_s)))
            lines = lines_of(self._terminal.screen)
            if not self.frames or lines != self.frames[-1].lines:
                self.frames.append(Frame(self.now_s if self.frames else 0.0, lines))

    def take(self, step: Step) -> None:
        """Press the keys one by one, and look at what follows."""
        for key in [step.keys] if step.keys.startswith("\x1b") else step.keys:
            self._terminal.press(key)
            self.look(0.15)
        self._terminal.shows(step.shows)
        self.look(step.look_s)


def record(steps: Sequence[Step] = TOUR) -> str:
    """The picture as SVG."""
    with tempfile.TemporaryDirectory(prefix="cv") as home:
        own = {"HOME": home, "CONVOY_REDIS_URL": f"embedded:{home}/store", "TZ": "UTC"}
        convoy = [sys.executable, "-m", "convoy_tui.cli"]
        demo = subprocess.Popen([*convoy, "demo", "--quiet"], cwd=ROOT, env=os.environ | own, stdout=subprocess.DEVNULL)
        try:
            time.sleep(_BEFORE_S)
            options = ("--prefix", "cv-demo:", "--interval", "2s")
            with Terminal(*options, size=SIZE, env=own, cwd=ROOT) as terminal:
                terminal.shows("imports")
                recorder = Recorder(terminal)
                for step in steps:
                    recorder.take(step)
            frames = [replace(frame, lines=_anywhere(frame.lines, home)) for frame in recorder.frames]
            return drawn(frames, round(recorder.now_s, 2), SIZE[0])
        finally:
            demo.terminate()
            demo.wait(patient())
            subprocess.run([*convoy, "server", "stop"], cwd=ROOT, env=os.environ | own, capture_output=True, check=True)


def _anywhere(lines: tuple[Line, ...], home: str) -> tuple[Line, ...]:
    """The lines without the directories of this machine, and those of the project."""
    ours = re.compile(rf"{re.escape(str(ROOT))}/(?:\w+/)*")

    def told(line: Line) -> Iterator[Run]:
        shorter = 0
        for run in line:
            text = ours.sub("", run.text)
            whole = text.replace(f"{home}/store", "~/.local/share/convoy")
            whole = re.sub(rf"\({re.escape(tempfile.gettempdir())}[^)]*…", "(…", whole)  # where the screen has cut it
            yield replace(run, column=run.column - shorter, text=whole)
            shorter += len(run.text) - len(text)

    return tuple(tuple(told(line)) for line in lines)
