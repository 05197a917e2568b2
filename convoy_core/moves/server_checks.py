"""The check of a server as calls: what its settings and its state mean for the IDs in it. No I/O.

Sources: the servers' own documentation of INFO and CONFIG, https://valkey.io/commands/info/ and valkey.conf.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from convoy_core.checks import Finding, Level
from convoy_core.errors import StoreError
from convoy_core.moves import replies
from convoy_core.moves.call import Call, Steps, command
from convoy_core.moves.keys import Keyspace

OLDEST: Final = {"redis": (6, 2), "valkey": (7, 2)}
"""The oldest versions that Convoy runs on."""

CLOCK_S: Final = 5.0
"""How far clocks may differ: Node clients compare starts with their own."""

FULL: Final = 0.9
"""The share of `maxmemory` from which on its memory counts as scarce."""

LONGEST_SCRIPT_MS: Final = 1000
"""A server that calls a script slow sooner would refuse other clients meanwhile; ours take at most 20 ms."""

SHORTEST_IDLE_S: Final = 60
"""A server that closes idle connections sooner makes every quiet pool connect again and again."""

_SETTINGS: Final = (
    "appendfsync",
    "busy-reply-threshold",
    "lua-time-limit",
    "maxclients",
    "min-replicas-to-write",
    "no-appendfsync-on-rewrite",
    "save",
    "timeout",
)

Told = Mapping[str, str]


def server_info(keyspace: Keyspace) -> Steps[dict[str, str]]:
    """What the server tells of itself."""
    told = yield from _told(_info(keyspace))
    return told


def server_findings(keyspace: Keyspace) -> Steps[list[Finding]]:
    """One finding per subject. In a Cluster they are about the node that has the registry of queues."""
    before = time.time()
    now: float = yield command("TIME", read=lambda reply: int(reply[0]) + int(reply[1]) / 1e6, beside=keyspace.registry)
    off = now - (before + time.time()) / 2
    about = yield from _told(_info(keyspace))
    settings: dict[str, str] = {}
    for name in _SETTINGS:
        settings.update((yield from _told(_setting(keyspace, name))))
    return [
        _version(about),
        _persistence(about, settings),
        _eviction(about),
        _memory(about),
        _replicas(about, settings),
        _connections(about, settings),
        _scripts(settings),
        _clock(off),
    ]


def _told(call: Call[dict[str, str]]) -> Steps[dict[str, str]]:
    """What the server says, nothing where it refuses: many do not let their users ask."""
    try:
        told: dict[str, str] = yield call
    except StoreError:
        told = {}
    return told


def _info(keyspace: Keyspace) -> Call[dict[str, str]]:
    return command("INFO", read=replies.info, beside=keyspace.registry)


def _setting(keyspace: Keyspace, name: str) -> Call[dict[str, str]]:
    return command("CONFIG", "GET", name, read=_pairs, beside=keyspace.registry)


def _pairs(reply: Any) -> dict[str, str]:
    flat = [part for pair in reply.items() for part in pair] if isinstance(reply, dict) else reply
    texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _version(about: Told) -> Finding:
    name = "valkey" if "valkey_version" in about else "redis"
    version = about.get(f"{name}_version")
    if version is None:
        return _unknown("version")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    is_old = numbers < OLDEST[name]
    advice = "Convoy needs Redis 6.2 or Valkey 7.2, or newer." if is_old else ""
    return Finding("version", Level.ALARM if is_old else Level.OK, f"{name.capitalize()} {version}", advice)


def _persistence(about: Told, settings: Told) -> Finding:
    if "aof_enabled" not in about:
        return _unknown("persistence")
    failing = [
        what
        for what, field in (("the append-only file", "aof_last_write_status"), ("a snapshot", "rdb_last_bgsave_status"))
        if about.get(field, "ok") != "ok"
    ]
    if failing:
        advice = "See the server's log; until it can write, it may refuse writes or lose them at its next end."
        return Finding("persistence", Level.ALARM, f"could not write {failing[0]}", advice)
    return _file(settings) if about["aof_enabled"] == "1" else _snapshots(settings)


def _file(settings: Told) -> Finding:
    sync = settings.get("appendfsync", "unknown")
    value = f"append-only file, synced {'every second' if sync == 'everysec' else sync}"
    if settings.get("no-appendfsync-on-rewrite") == "yes":
        advice = "With no-appendfsync-on-rewrite a crash during a rewrite may lose half a minute; set it to no."
        return Finding("persistence", Level.WARNING, value, advice)
    if sync == "no":
        return Finding("persistence", Level.WARNING, value, "Set appendfsync to everysec, or to always.")
    return Finding("persistence", Level.OK, value)


def _snapshots(settings: Told) -> Finding:
    if settings.get("save") == "":
        return Finding("persistence", Level.ALARM, "none", "All is lost when the server ends. Set appendonly to yes.")
    advice = "What was written since the last snapshot is lost when the server dies. Set appendonly to yes."
    return Finding("persistence", Level.WARNING, "snapshots only", advice)


def _eviction(about: Told) -> Finding:
    policy = about.get("maxmemory_policy")
    if policy is None:
        return _unknown("eviction")
    evicted = replies.whole(about.get("evicted_keys", 0))
    if policy != "noeviction":
        return Finding(
            "eviction", Level.ALARM, policy, "It would remove whole queues. Set maxmemory-policy to noeviction."
        )
    if evicted:
        advice = "It may have lost IDs under an earlier policy. Compare its queues with what should be in them."
        return Finding("eviction", Level.WARNING, f"noeviction, {evicted:,} keys evicted before", advice)
    return Finding("eviction", Level.OK, policy)


def _memory(about: Told) -> Finding:
    if "used_memory" not in about:
        return _unknown("memory")
    used, most = replies.whole(about["used_memory"]), replies.whole(about.get("maxmemory", 0))
    if not most:
        return Finding("memory", Level.OK, f"{_size(used)}, no limit")
    value = f"{_size(used)} of {_size(most)}"
    if used < FULL * most:
        return Finding("memory", Level.OK, value)
    level = Level.ALARM if used >= most else Level.WARNING
    return Finding("memory", level, value, "When it is full, every publish is refused. Raise maxmemory.")


def _replicas(about: Told, settings: Told) -> Finding:
    role = about.get("role")
    if role is None:
        return _unknown("replicas")
    if role != "master":
        return Finding("replicas", Level.ALARM, "this is a replica itself", "It takes no writes. Name its primary.")
    replicas = replies.whole(about.get("connected_slaves", 0))
    value = f"{replicas} connected"
    if replicas and settings.get("min-replicas-to-write") == "0":
        advice = (
            "A primary that is cut off goes on accepting what a failover then loses. Set min-replicas-to-write to 1."
        )
        return Finding("replicas", Level.WARNING, value, advice)
    return Finding("replicas", Level.OK, value if replicas else "none")


def _connections(about: Told, settings: Told) -> Finding:
    if "connected_clients" not in about:
        return _unknown("connections")
    open_, most = replies.whole(about["connected_clients"]), replies.whole(settings.get("maxclients", 0))
    value = f"{open_:,} of {most:,}" if most else f"{open_:,}"
    if most and open_ >= FULL * most:
        return Finding("connections", Level.WARNING, value, "New clients will be turned away. Raise maxclients.")
    idle = replies.whole(settings.get("timeout", 0))
    if 0 < idle < SHORTEST_IDLE_S:
        advice = f"It closes connections that are idle for {idle} s. Set timeout to 0, or to 60 or more."
        return Finding("connections", Level.WARNING, value, advice)
    return Finding("connections", Level.OK, value)


def _scripts(settings: Told) -> Finding:
    limit = settings.get("busy-reply-threshold") or settings.get("lua-time-limit")
    if limit is None:
        return _unknown("scripts")
    value, number = f"slow from {limit} ms on", replies.whole(limit)
    if 0 < number < LONGEST_SCRIPT_MS:
        advice = "While a script is called slow, others get errors. Set busy-reply-threshold to 5000."
        return Finding("scripts", Level.WARNING, value, advice)
    return Finding("scripts", Level.OK, value)


def _clock(off_s: float) -> Finding:
    value = f"{abs(off_s):.1f} s {'ahead of' if off_s > 0 else 'behind'} this machine's"
    if abs(off_s) > CLOCK_S:
        advice = "Node clients use their own clocks, and would free running jobs. Set both clocks by NTP."
        return Finding("clock", Level.WARNING, value, advice)
    return Finding("clock", Level.OK, value)


def _size(n: int) -> str:
    mebibytes = n / 2**20
    return f"{mebibytes / 1024:.1f} GiB" if mebibytes >= 1024 else f"{mebibytes:.1f} MiB"


def _unknown(subject: str) -> Finding:
    return Finding(subject, Level.UNKNOWN, "not told", "This user may not ask: allow it INFO and CONFIG GET.")
