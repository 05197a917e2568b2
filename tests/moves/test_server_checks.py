"""The check of a server: each finding on a real server with that setting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from convoy_core import Finding, Fleet, Level
from convoy_core.moves import server_checks
from tests.servers import RealServer


@pytest.fixture
def raw(store: RealServer) -> Iterator[redis.Redis]:
    """The server, whose settings are put back."""
    names = ["appendonly", "appendfsync", "no-appendfsync-on-rewrite", "save", "maxmemory", "maxmemory-policy"]
    names += ["min-replicas-to-write", "timeout", "busy-reply-threshold", "maxclients"]
    with store.client() as client:
        before = {name: client.config_get(name)[name] for name in names}
        yield client
        for name, value in before.items():
            client.config_set(name, value)


def found(store: RealServer) -> dict[str, Finding]:
    with Fleet(redis=store.url) as fleet:
        return {finding.subject: finding for finding in fleet.check_server()}


SETTINGS = [
    (
        {"appendonly": "yes", "appendfsync": "everysec"},
        "persistence",
        Level.OK,
        "file, synced every second",
    ),
    ({"appendonly": "yes", "appendfsync": "always"}, "persistence", Level.OK, "append-only file, synced always"),
    ({"appendonly": "yes", "appendfsync": "no"}, "persistence", Level.WARNING, "append-only file, synced no"),
    (
        {"appendonly": "yes", "no-appendfsync-on-rewrite": "yes"},
        "persistence",
        Level.WARNING,
        "append-only file, synced",
    ),
    ({"appendonly": "no", "save": "3600 1"}, "persistence", Level.WARNING, "snapshots only"),
    ({"appendonly": "no", "save": ""}, "persistence", Level.ALARM, "none"),
    ({"maxmemory-policy": "noeviction"}, "eviction", Level.OK, "noeviction"),
    ({"maxmemory-policy": "allkeys-lru"}, "eviction", Level.ALARM, "allkeys-lru"),
    ({"maxmemory": "0"}, "memory", Level.OK, "no limit"),
    ({"maxmemory": "10gb"}, "memory", Level.OK, "of 10.0 GiB"),
    ({"maxmemory": "1", "maxmemory-policy": "noeviction"}, "memory", Level.ALARM, "of 0.0 MiB"),
    ({}, "replicas", Level.OK, "none"),
    ({"timeout": "0"}, "connections", Level.OK, " of "),
    ({"timeout": "30"}, "connections", Level.WARNING, " of "),
    ({"busy-reply-threshold": "5000"}, "scripts", Level.OK, "slow from 5000 ms on"),
    ({"busy-reply-threshold": "50"}, "scripts", Level.WARNING, "slow from 50 ms on"),
    ({}, "version", Level.OK, "Valkey "),
    ({}, "clock", Level.OK, "this machine's"),
]


@pytest.mark.parametrize(("settings", "subject", "level", "value"), SETTINGS)
def test_a_setting_is_judged(
    store: RealServer, raw: redis.Redis, settings: dict[str, str], subject: str, level: Level, value: str
) -> None:
    for name, text in settings.items():
        raw.config_set(name, text)

    finding = found(store)[subject]

    assert finding.level is level
    assert value in finding.value
    assert bool(finding.advice) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("told", "subject", "level"),
    [
        ({"redis_version": "6.0.16"}, "version", Level.ALARM),
        ({"redis_version": "6.2.0"}, "version", Level.OK),
        ({"redis_version": "7.2.4", "valkey_version": "7.1.0"}, "version", Level.ALARM),
    ],
)
def test_an_old_server_is_an_alarm(told: dict[str, str], subject: str, level: Level) -> None:
    """None so old can be installed here."""
    assert server_checks._version(told).level is level


def test_a_write_that_failed_is_an_alarm() -> None:
    finding = server_checks._persistence({"aof_enabled": "1", "aof_last_write_status": "err"}, {})

    assert (finding.level, finding.value) == (Level.ALARM, "could not write the append-only file")


@pytest.mark.parametrize(("off_s", "level"), [(4.0, Level.OK), (-6.0, Level.WARNING), (6.0, Level.WARNING)])
def test_clocks_that_differ_are_a_warning(off_s: float, level: Level) -> None:
    assert server_checks._clock(off_s).level is level


def test_a_user_that_may_not_ask_gets_no_error(store: RealServer) -> None:
    with store.client() as client:
        client.acl_setuser("shy", enabled=True, nopass=True, keys=["cv:*"], commands=["+@all", "-info", "-config"])
    with Fleet(redis=store.url.replace("unix://", "unix://shy:x@")) as fleet:
        levels = {finding.subject: finding.level for finding in fleet.check_server()}
        info = fleet.server_info()
    with store.client() as client:
        client.acl_deluser("shy")

    assert levels.pop("clock") is Level.OK
    assert set(levels.values()) == {Level.UNKNOWN}
    assert info == {}


def test_a_server_tells_of_itself_what_info_says(store: RealServer) -> None:
    with Fleet(redis=store.url) as fleet:
        told = fleet.server_info()

    assert (told["role"], told["maxmemory_policy"]) == ("master", "noeviction")
