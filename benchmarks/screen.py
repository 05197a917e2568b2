"""The cost of the dashboard in a real terminal: its first useful frame, and what it takes once it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import AtMost, Figure, Row, Settings, columns
from benchmarks.store import server_for
from convoy_core import Queue
from tests.tui.real_terminal import Terminal

IDS = 100
SECONDS = 10.0
"""For so long the dashboard is watched at rest."""
SIZE = (120, 36)
KEYS = 100
_TICKS = os.sysconf("SC_CLK_TCK")


def starting(settings: Settings) -> list[Row]:
    """From the start of the process to the first frame with numbers, or with the sentence that the store is away."""
    with server_for(settings) as server:
        _fill(server.url, 100)
        rounds = [
            {"live": _frame(server.url, "live"), "away": _frame("redis://127.0.0.1:1", "No answer"), "bare": _bare()}
            for _ in range(settings.rounds)
        ]
    taken = columns(rounds)
    what = {"live": "100 queues", "away": "a store that is away"}
    return [
        Row(f"screen.start.{name}", f"First useful frame, {of}", "ms", taken[name], taken["bare"], _BARE, AtMost(700))
        for name, of in what.items()
    ]


def resting(settings: Settings) -> list[Row]:
    """Processor time, and bytes to the terminal, of a dashboard that is left alone at one look a second."""
    rows: list[Row] = []
    for queues in (100, 1000):
        with server_for(settings) as server:
            _fill(server.url, queues)
            rounds = [_rest(server.url, 2.0 if settings.is_quick else SECONDS) for _ in range(settings.rounds)]
        taken = columns(rounds)
        name, what = f"screen.rest.{queues}", f"Dashboard at rest, {queues} queues"
        goals = (AtMost(3), AtMost(6)) if queues == 100 else (None, None)
        whole = Figure((100.0,) * settings.rounds)
        rows += [
            Row(f"{name}.cpu", f"{what}: processor", "%", taken["cpu"], whole, "one core", goals[0]),
            Row(f"{name}.bytes", f"{what}: to the terminal", "KB/s", taken["bytes"], taken["frame"], _FRAME, goals[1]),
        ]
    return rows


def keys(settings: Settings) -> list[Row]:
    """From a letter typed into the filter until it is on the screen, while another process requeues 10,000 IDs."""
    n = settings.size(KEYS, 4)
    with server_for(settings) as server:
        _fill(server.url, 100)
        rounds = []
        for _ in range(settings.rounds):
            with Terminal("--redis", server.url, size=SIZE) as terminal:
                terminal.shows("live")
                terminal.press("/")
                terminal.shows("part of a name")
                terminal.press("z")
                terminal.shows("No queue has z in")
                rest = _slow_key_ms(terminal, n)
                words = [sys.executable, "-c", _REQUEUE, server.url, str(settings.size(10_000, 500))]
                with subprocess.Popen(words, stdout=subprocess.PIPE) as requeueing:
                    assert requeueing.stdout is not None
                    requeueing.stdout.readline()  # it has begun
                    rounds.append({"ours": _slow_key_ms(terminal, n), "rest": rest})
                    requeueing.kill()
    taken = columns(rounds)
    what = "A key of the dashboard, 100 queues, while 10,000 IDs are requeued: 95 of 100 within"
    return [Row("screen.keys", what, "ms", taken["ours"], taken["rest"], "the same at rest", AtMost(50))]


_REQUEUE = """
import sys, redis
from convoy_core import Queue
client, n = redis.Redis.from_url(sys.argv[1]), int(sys.argv[2])
with Queue("requeued", redis=sys.argv[1]) as queue:
    for turn in range(10_000):
        client.zadd(queue.key_prefix + "failed", {f"{turn}.{number}": 1 for number in range(n)})
        print(turn, flush=turn == 0)
        queue.requeue_all()
"""


def _slow_key_ms(terminal: Terminal, n: int) -> float:
    """What 95 of 100 letters take at most."""
    took = []
    for number in range(n):
        letter = "abcdefghij"[number % 10]
        began = time.perf_counter()
        terminal.press(letter)
        terminal.shows(f"No queue has z{letter} in")
        took.append((time.perf_counter() - began) * 1000)
        terminal.press(b"\x7f")
        terminal.shows("No queue has z in")
    return sorted(took)[int(0.95 * (n - 1))]


_BARE = "python -c 'import textual.app'"
_FRAME = "its first frame, in KB"


def _fill(url: str, queues: int) -> None:
    for number in range(queues):
        with Queue(f"queue{number}", redis=url) as queue:
            queue.publish_many(range(IDS))


def _frame(url: str, text: str) -> float:
    started = time.perf_counter()
    with Terminal("--redis", url, size=SIZE) as terminal:
        terminal.shows(text)
        return (time.perf_counter() - started) * 1000


def _bare() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
    return (time.perf_counter() - started) * 1000


def _rest(url: str, seconds: float) -> dict[str, float]:
    with Terminal("--redis", url, size=SIZE) as terminal:
        terminal.shows("live")
        frame = len(terminal.written)
        terminal.pause(2.0)
        used, written, began = _used_s(terminal.process.pid), len(terminal.written), time.monotonic()
        terminal.pause(seconds)
        took = time.monotonic() - began
        used, written = _used_s(terminal.process.pid) - used, len(terminal.written) - written
    return {"cpu": 100 * used / took, "bytes": written / 1000 / took, "frame": frame / 1000}


def _used_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
