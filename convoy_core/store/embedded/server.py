"""The embedded store: a server of this machine, mostly Valkey from a wheel, shared by all processes of one user.

Rule: **whoever holds the lock file is the server, or is about to start it.** The starter takes the lock and hands the
open file to the server, so the kernel frees it when that server is gone and at no other moment. Pid files and socket
files can be stale, deleted or reused; the lock cannot, so two servers never share one directory.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from convoy_core import validation
from convoy_core.errors import EmbeddedStoreError
from convoy_core.store.address import Durability
from convoy_core.store.embedded import files, programs
from convoy_core.validation import Seconds

if sys.platform != "win32":
    import fcntl

_START_TIMEOUT_S: Final = 60.0
"""A saturated disk held a new server up for 26 s, before it had loaded anything."""
_REPLY_TIMEOUT_S: Final = 2.0
_POLL_S: Final = 0.01

# macOS keeps 104 bytes for a socket's path, Linux 108, each with a closing NUL.
_LONGEST_SOCKET_PATH: Final = 103 if sys.platform == "darwin" else 107


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known about an embedded server; the last four fields are None unless it answers."""

    running: bool
    pid: int | None
    directory: Path
    socket: Path
    version: str | None
    uptime_s: float | None
    used_memory_bytes: int | None
    durability: str | None
    """The server's own word, which others may have set: one of Durability, or `no`."""


class EmbeddedServer:
    """The one server of a data directory; making this object touches nothing.

    Every method raises `EmbeddedStoreError` where the server cannot run: on Windows, without a server program,
    or in a directory that is not safe to use. Raises InvalidOption.
    """

    def __init__(self, directory: Path | None = None, durability: Durability = Durability.EVERYSEC) -> None:
        validation.one_of("directory", directory, Path | None, "a Path or None")
        validation.one_of("durability", durability, Durability, "a Durability, like Durability.ALWAYS")
        self._durability = durability
        chosen = directory or _usual_directory()
        # Two spellings of one directory must meet at one socket. The last part stays as it is, so that a
        # symbolic link there is seen, and refused.
        absolute = Path(os.path.abspath(chosen))  # noqa: PTH100 - resolve() would follow that link
        self._directory = absolute.parent.resolve() / absolute.name

    @property
    def directory(self) -> Path:
        """Where the data, the lock and the log are."""
        return self._directory

    @property
    def socket(self) -> Path:
        """Where the server listens: in its directory, or under /tmp when that path is too long."""
        inside = self._directory / "server.sock"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
            return inside
        # Every process must come to the same path, whatever its environment; so neither TMPDIR nor
        # XDG_RUNTIME_DIR, which a login session has and a cron job has not.
        name = hashlib.sha256(os.fsencode(self._directory)).hexdigest()[:16]
        return Path(f"/tmp/convoy-{_user()}/{name}.sock")  # noqa: S108 - owner and mode are checked before use

    def ensure(self) -> Path:
        """Start the server unless it runs, wait until it answers, and return its socket.

        May wait 60 s, when there is much data to load. A server started here outlives this process, and the
        death of this process at any point leaves either no server or one that the next caller adopts. Raises
        EmbeddedStoreError for a running server that keeps less than `Durability.ALWAYS` where that is wanted.
        """
        self._bring_up()
        if self._durability is Durability.ALWAYS and (found := self._fsync()) != Durability.ALWAYS:
            raise EmbeddedStoreError(
                f"The embedded store in {self._directory} runs with durability {found or 'unknown'}, and"
                f" {self._durability} is wanted. Run `convoy server start --durability {self._durability}`."
            )
        return self.socket

    def ensure_durability(self) -> None:
        """Start the server with the wanted durability, or switch a running one to it. Raises as `ensure` does."""
        self._bring_up()
        said = self._ask(f"CONFIG SET appendfsync {self._durability}".encode())
        if said != b"+OK":
            raise EmbeddedStoreError(
                f"The embedded store in {self._directory} did not take durability {self._durability}:"
                f" {said.decode(errors='replace') or 'no answer'}."
            )

    def _bring_up(self) -> None:
        _refuse_windows()
        files.prepare(self._directory)
        if self.socket.parent != self._directory:
            files.prepare_runtime(self.socket.parent)
        deadline = time.monotonic() + _START_TIMEOUT_S
        log_start: int | None = None
        while not self._answers():
            with self._lock(fcntl.LOCK_EX) as lock:
                if lock is not None and log_start is not None:
                    raise EmbeddedStoreError(files.why_it_ended(self._directory, log_start))
                if lock is not None:
                    log_start = self._launch(lock)
            if time.monotonic() > deadline:
                raise EmbeddedStoreError(self._why_unanswered())
            time.sleep(_POLL_S)

    def stop(self, timeout_s: Seconds = 10) -> bool:
        """Shut the server down cleanly and wait until it is gone; False when none ran.

        Nothing that it accepted is lost. The directory must be ours: another user's pid file could name any process.
        """
        timeout_s = validation.seconds("timeout_s", timeout_s)
        _refuse_windows()
        files.check(self._directory)
        if not self._is_held():
            return False
        pid = self._pid()
        self._ask_to_end(pid)
        deadline = time.monotonic() + timeout_s
        # Another process may start a new server the moment the old one is gone: then the lock is held, by
        # another pid.
        while self._is_held() and self._pid() in {pid, None}:
            if time.monotonic() > deadline:
                raise EmbeddedStoreError(
                    f"The embedded store in {self._directory} (process {pid}) did not stop within {timeout_s:g} s;"
                    f" see {files.log(self._directory)}."
                )
            time.sleep(_POLL_S)
        return True

    def status(self) -> ServerStatus:
        """Look at the server without starting, creating or changing anything."""
        _refuse_windows()
        facts = self._facts()
        running = bool(facts) or self._is_held()
        pid = int(facts["process_id"]) if facts else self._pid()
        return ServerStatus(
            running=running,
            pid=pid if running else None,
            directory=self._directory,
            socket=self.socket,
            version=facts.get("valkey_version", facts.get("redis_version")),
            uptime_s=float(facts["uptime_in_seconds"]) if facts else None,
            used_memory_bytes=int(facts["used_memory"]) if facts else None,
            durability=self._fsync() if facts else None,
        )

    @contextmanager
    def _lock(self, how: int) -> Iterator[int | None]:
        """Try to take the lock, without waiting; give the open file, or None when another holds it."""
        opened = os.open(files.lock(self._directory), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        # Above the standard streams: where one was closed, the server's would take the place of the lock.
        handle = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(opened)
        try:
            yield handle if _try_lock(handle, how) else None
            # Closing is the only way it is ever given back here: LOCK_UN would take it from the server as
            # well.
        finally:
            os.close(handle)

    def _is_held(self) -> bool:
        """Whether a server lives, or is being started."""
        if not files.lock(self._directory).exists():
            return False
        # A shared lock, so that two onlookers do not take each other for a server.
        with self._lock(fcntl.LOCK_SH) as lock:
            return lock is None

    def _launch(self, lock: int) -> int:
        """Start the server with the lock in its hands; return where its part of the log begins."""
        log_start = files.begin_log(self._directory)
        files.pid(self._directory).unlink(missing_ok=True)
        program = programs.find()
        try:  # nothing of our environment goes along: the server lives long, and there may be a password in it
            launched = subprocess.run(  # noqa: S603 - the program is the wheel's, or the user's own
                [program.path, *files.arguments(self._directory, self.socket, self._durability, program.unknown)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_START_TIMEOUT_S,
                check=False,
                cwd=self._directory,
                env={"LC_ALL": "C", "PATH": os.defpath},
                pass_fds=(lock,),
                umask=0o077,
                restore_signals=False,  # a full file is an error that the server names, and not its death (SIGXFSZ)
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedStoreError(f"The embedded store's server cannot be run: {error}.") from error
        if launched.returncode != 0:
            said = " ".join(launched.stdout.decode(errors="replace").split())
            raise EmbeddedStoreError(f"The embedded store's server refused to start in {self._directory}: {said}")
        return log_start

    def _answers(self) -> bool:
        # It refuses even this while its disk takes nothing more; reads and repairs go on.
        return self._ask(b"PING").startswith((b"+PONG", b"-MISCONF"))

    def _facts(self) -> dict[str, str]:
        """The server's own INFO; empty when it does not answer."""
        lines = self._ask(b"INFO").decode(errors="replace").splitlines()
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        return facts if {"process_id", "uptime_in_seconds", "used_memory"} <= facts.keys() else {}

    def _fsync(self) -> str | None:
        """The server's durability; None when it does not answer."""
        return self._ask(b"CONFIG GET appendfsync").decode(errors="replace") or None

    def _ask(self, command: bytes) -> bytes:
        """Send one command and return its reply without the frame, of several parts the last; nothing for none."""
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_REPLY_TIMEOUT_S)
                link.connect(str(self.socket))
                link.sendall(command + b"\r\n")
                with link.makefile("rb") as replies:
                    first = replies.readline().rstrip()
                    if first.startswith(b"*"):
                        return [b"", *(replies.readline() for _ in range(2 * int(first[1:])))][-1].rstrip()
                    return replies.read(int(first[1:])) if first.startswith(b"$") else first
        except OSError:
            return b""

    def _ask_to_end(self, pid: int | None) -> None:
        """SHUTDOWN by the socket, or by signal when the socket file was deleted and nobody can speak to the server."""
        reply = self._ask(b"SHUTDOWN") if self._ask(b"PING") else None
        if reply:
            raise EmbeddedStoreError(
                f"The embedded store in {self._directory} will not stop: {reply.decode(errors='replace')} "
                f"See {files.log(self._directory)}."
            )
        if reply is None and pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _pid(self) -> int | None:
        """The pid that the server wrote; it means something only while the lock is held."""
        try:
            return int(files.pid(self._directory).read_text())
        except (OSError, ValueError):
            return None

    def _why_unanswered(self) -> str:
        if self._ask(b"PING").startswith(b"-LOADING"):
            return f"The embedded store in {self._directory} is still loading its data; try again in a moment."
        return (
            f"The embedded store in {self._directory} is running (process {self._pid()}) but does not answer at"
            f" {self.socket}. Run `convoy server stop`, or end that process, and try again."
        )


def _try_lock(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _user() -> int:
    return os.geteuid() if sys.platform != "win32" else 0


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise EmbeddedStoreError(
            "The embedded store does not run on Windows; start a Redis or Valkey server (WSL or a container will"
            " do) and give its address with --redis or CONVOY_REDIS_URL."
        )


def _usual_directory() -> Path:
    from platformdirs import user_data_dir  # noqa: PLC0415 - a store of another address needs none

    return Path(user_data_dir("convoy", appauthor=False)) / "store"
