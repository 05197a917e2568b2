"""Which process watches over the process groups that a worker has started."""

from __future__ import annotations

from pathlib import Path

from convoy_core.handlers import watcher_process

NAME = Path(watcher_process.__file__).name.encode()


def watcher_of(worker: int) -> int | None:
    """Its watcher's process ID, if it has one now. Linux tells; elsewhere nobody is found."""
    children = [child for thread in Path(f"/proc/{worker}/task").glob("*/children") for child in _words(thread)]
    return next((int(child) for child in children if _is_watcher(child)), None)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # the thread has ended
        return []


def _is_watcher(pid: str) -> bool:
    try:
        return any(word.endswith(NAME) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    except OSError:  # it has ended
        return False
