"""The files of an embedded store, whether their directory is safe, and what the server is told.

Rule: everything is the user's alone (0700 and 0600), and nothing that exists is ever deleted but the pid file of a dead
server and the older of two logs.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Final

from convoy_core.errors import EmbeddedStoreError
from convoy_core.store.address import Durability
from convoy_core.store.embedded import programs
from convoy_core.system import private_directories

_AOF_DIRECTORY: Final = "appendonlydir"
_LARGEST_LOG_BYTES: Final = 1_000_000


def lock(directory: Path) -> Path:
    """The lock that the living server holds. It is the first file made, so it also marks a directory as ours."""
    return directory / "server.lock"


def log(directory: Path) -> Path:
    """The server's log, kept over restarts and set aside when it has grown large."""
    return directory / "server.log"


def pid(directory: Path) -> Path:
    """The pid that the server writes when it is up."""
    return directory / "server.pid"


def prepare(directory: Path) -> None:
    """Make the data directory, or check that it is safe and holds nothing of anybody else.

    Raises `EmbeddedStoreError`.
    """
    try:
        private_directories.make(directory)
        names = {path.name for path in directory.iterdir()}
        if names and not names & {lock(directory).name, _AOF_DIRECTORY}:
            raise EmbeddedStoreError(
                f"{directory} holds files that are no Convoy store; give it a directory of its own."
            )
        if not names:
            directory.chmod(0o700)
        private_directories.refuse_open(directory)
    except OSError as error:
        raise EmbeddedStoreError(f"The embedded store cannot use {directory}: {error.strerror}.") from error


def prepare_runtime(directory: Path) -> None:
    """Make the short directory for the socket under /tmp, where anybody might have been first.

    Raises `EmbeddedStoreError`.
    """
    try:
        private_directories.make(directory)
        private_directories.refuse_open(directory)
    except OSError as error:
        raise EmbeddedStoreError(f"The embedded store cannot use {directory}: {error.strerror}.") from error


def check(directory: Path) -> None:
    """Raise `EmbeddedStoreError` for a directory that is there and that others could have filled or replaced."""
    try:
        private_directories.check(directory)
    except OSError as error:
        raise EmbeddedStoreError(f"The embedded store cannot use {directory}: {error.strerror}.") from error


def arguments(directory: Path, socket: Path, durability: Durability, unknown: Collection[str] = ()) -> list[str]:
    """The server's settings: durable, never evicting, and reached by this user's socket alone.

    They go on the command line, which takes any path as it is. A configuration file's name is read as a pattern when it
    holds ``[`` or ``*``, and one sent by stdin is cut short when the sender is killed, which leaves a server with the
    default settings: an open port. Those that the server does not know are left out.
    """
    chosen: dict[str, str | Path] = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        # It forks and leaves its parent by itself, so no zombie stays behind when it ends before the starter does.
        "daemonize": "yes",
        "pidfile": pid(directory),
        "logfile": log(directory),
        "dir": directory,
        "appendonly": "yes",
        "appendfsync": durability,
        "appenddirname": _AOF_DIRECTORY,
        # The append-only file has everything; a second copy would be one more thing to explain.
        "save": "",
        # A tail cut by a power loss is dropped and reported; damage in the middle refuses to load.
        "aof-load-truncated": "yes",
        # An evicted key here is a lost job.
        "maxmemory-policy": "noeviction",
        # Longer ones become tables and trees: a flat list is walked for every ID.
        "hash-max-listpack-entries": "16",
        "set-max-listpack-entries": "16",
        "zset-max-listpack-entries": "16",
        "enable-debug-command": "no",
        "enable-module-command": "no",
        "enable-protected-configs": "no",
    }
    return [word for name, value in chosen.items() if name not in unknown for word in (f"--{name}", str(value))]


def begin_log(directory: Path) -> int:
    """Set a large log aside; return where, in bytes, the next server's lines will begin."""
    path = log(directory)
    size = path.stat().st_size if path.exists() else 0
    if size <= _LARGEST_LOG_BYTES:
        return size
    path.replace(path.with_suffix(".log.1"))
    return 0


def why_it_ended(directory: Path, log_start: int) -> str:
    """Say in the server's own last words, since `log_start`, why it is gone, and how to check its data."""
    try:
        with log(directory).open("rb") as stream:
            stream.seek(log_start)
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    # A line is "pid:role date time level text"; the level # marks a warning.
    words = [line.partition(" # ")[2] for line in lines if " # " in line] or lines
    said = " / ".join(words[-3:]) or "it left no word"
    reason = f"The embedded store in {directory} did not start; its data was left as it is. Its log says: {said}"
    manifest = directory / _AOF_DIRECTORY / "appendonly.aof.manifest"
    if any("append only file" in line.lower() for line in lines) and manifest.exists():
        server = programs.find().path
        program, data = shlex.quote(str(server)), shlex.quote(str(manifest))
        reason += (
            f"\nMake a copy of the directory, then check the data with: "
            f'bash -c \'exec -a {server.name.removesuffix("-server")}-check-aof "$0" "$1"\' {program} {data}'
        )
    return reason
