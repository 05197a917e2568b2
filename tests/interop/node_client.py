"""One process that runs the real redis-convoy, and does what it is told."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from tests.servers import RealServer
from tests.waiting import patient

SCRIPT = Path(__file__).parent / "node_client.cjs"


class NodeClient:
    """A Node process with one queue of redis-convoy, which publishes, works and guards."""

    def __init__(self, package: Path, store: RealServer, queue_name: str = "q") -> None:
        node = shutil.which("node")
        assert node is not None
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [node, str(SCRIPT), str(store.socket), queue_name],
            env={**os.environ, "NODE_PATH": str(package / "node_modules"), "NODE_NO_WARNINGS": "1"},
            cwd=package,  # its `config` reads, and writes, below the working directory
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, order: str, *details: object) -> Any:
        """Its answer to an order; `dead` where it dies over it."""
        self.tell(order, *details)
        return self._answers.get(timeout=patient())

    def tell(self, order: str, *details: object) -> None:
        """Give an order whose answer is not waited for."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([order, *details]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """The answer to an order given before."""
        return self._answers.get(timeout=patient())

    def event(self) -> tuple[str, str]:
        """What happens next: a word, and the ID or the command that it happens to."""
        return self._events.get(timeout=patient())

    def events_before_its_end(self) -> list[tuple[str, str]]:
        """What else has happened before it ended."""
        self._reader.join(patient())
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def kill(self) -> None:
        """SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(patient())

    def end(self) -> str:
        """Wait for its end, and return the last line that it wrote to stderr."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(patient())
        self._reader.join(patient())
        assert self._process.stderr is not None
        lines = self._process.stderr.read().strip().splitlines()
        self._process.stderr.close()
        return next((line for line in reversed(lines) if "Error" in line), "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
        self._reader.join(patient())
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                if "answer" in said:
                    self._answers.put(said["answer"])
                else:
                    self._events.put((said["event"], said["id"]))
        self._answers.put("dead")
