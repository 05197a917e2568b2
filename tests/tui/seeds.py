"""Queues with a past, written into a real store as the scripts would have left them, each thing so many seconds ago.

Ages are chosen in the middle of what is shown, so that a screen says the same for some seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import redis

MAIL = "emails:transactional"
HOOKS = "webhooks"
NODE_ID = b"\xff\x1b[31m[/red]"
"""An ID that is neither UTF-8 nor free of control bytes and markup."""

TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/webhooks/send.py", line 48, in deliver
    resp = client.post(url, json=body)
  File "/srv/shop/.venv/lib/python3.12/site-packages/httpx/_client.py", line 1144, in post
    return self.request(
  File "/srv/shop/.venv/lib/python3.12/site-packages/httpx/_client.py", line 825, in request
    return self.send(request, auth=auth, follow_redirects=follow_redirects)
  File "/usr/lib/python3.12/ssl.py", line 1103, in read
    return self._sslobj.read(len, buffer)
httpx.ConnectTimeout: no answer from hooks.example in 30 s
"""


def ago_ms(seconds: float) -> int:
    """Unix milliseconds, so many seconds ago."""
    return int((time.time() - seconds) * 1000)


def queued(raw: redis.Redis, queue: str, ids: Mapping[str | bytes, float]) -> None:
    """IDs that wait, each with how long it has."""
    key = f"cv:{queue}:"
    raw.rpush(f"{key}queued", *ids)
    raw.sadd(f"{key}committed", *ids)
    raw.hset(f"{key}published", mapping={id: ago_ms(age) for id, age in ids.items()})


def pool(raw: redis.Redis, queue: str, id: str, host: str, pid: int, *, lease_s: float) -> None:
    """A worker pool whose lease ends in so many seconds."""
    key = f"cv:{queue}:"
    raw.zadd(f"{key}workers", {id: ago_ms(-lease_s)})
    fields: dict[str, str | int] = {"host": host, "pid": pid, "handler": "shop.mail:deliver", "concurrency": 4}
    fields |= {"since": ago_ms(90_030), "done": 10211, "failed": 40, "running": 3}
    for name, value in fields.items():
        raw.hset(f"{key}worker:{id}", name, str(value))


def running(raw: redis.Redis, queue: str, ids: Mapping[str, tuple[str | None, float]]) -> None:
    """IDs that run, each with its pool (None is a Node client) and how long it has run."""
    key = f"cv:{queue}:"
    for n, (id, (worker, age)) in enumerate(ids.items()):
        start = ago_ms(age)
        raw.sadd(f"{key}committed", id)
        raw.zadd(f"{key}processing", {id: start // 1000})
        if worker:
            raw.zadd(f"{key}started", {id: start})
            raw.hset(f"{key}owner", id, f"{worker}:{n + 1}@{start}")


def failed(
    raw: redis.Redis, queue: str, ids: Mapping[str | bytes, tuple[int, float, str]], *, traceback: str | None = None
) -> None:
    """Failed IDs, each with its number of failures, how long ago the last was, and its error."""
    key = f"cv:{queue}:"
    for id, (times, age, error) in ids.items():
        record = {
            "error": error,
            "at": time.time() - age,
            "worker": "3f9c21d0a7b4",
            "attempt": times,
            "seconds": 30.0,
        }
        record |= {"what": error.partition(":")[0]}
        if traceback:
            record["traceback"] = traceback
        raw.zadd(f"{key}failed", {id.encode() if isinstance(id, str) else id: times})
        raw.hset(f"{key}failure", id, json.dumps(record))


def delayed(raw: redis.Redis, queue: str, ids: Mapping[str, float]) -> None:
    """Delayed IDs, each with in how many seconds it is due."""
    key = f"cv:{queue}:"
    raw.zadd(f"{key}delayed", {id: ago_ms(-due) for id, due in ids.items()})
    raw.sadd(f"{key}committed", *ids)


def alarm(raw: redis.Redis) -> None:
    """A jammed queue of mail, whose one pool is gone, and failing webhooks."""
    queued(raw, MAIL, {f"mail:{90_000 + n}": 5430 - n for n in range(1204)})
    pool(raw, MAIL, "3f9c21d0a7b4", "host-7", 4012, lease_s=-3090)
    pool(raw, MAIL, "90aa17e2c5d1", "host-3", 4711, lease_s=86_400)
    runs = {"mail:88412": ("3f9c21d0a7b4", 12_030.0), "mail:88390": ("3f9c21d0a7b4", 11_430.0)}
    runs |= {"mail:88377": ("90aa17e2c5d1", 7_230.0)}
    running(raw, MAIL, {**runs, "mail:89020": (None, 4_230.0)})
    delayed(raw, MAIL, {"mail:95000": 12_030.0, "mail:95001": 86_400.0 * 2 + 1830})
    failed(raw, MAIL, {"mail:88001": (1, 15_030.0, "TimeoutError: SMTP read")})
    raw.sadd(f"cv:{MAIL}:committed", "mail:77001", "mail:77002")
    hooks: dict[str | bytes, tuple[int, float, str]] = {
        f"hook:{1000 + n}": (1 + n * 7 % 9, 3630.0 + 60 * n, "ConnectTimeout: no answer from hooks.example in 30 s")
        for n in range(40)
    }
    hooks |= {f"hook:{2000 + n}": (1, 7230.0 + n, "HTTPStatusError: 410 Gone: hooks.example/in") for n in range(6)}
    failed(raw, HOOKS, {**hooks, NODE_ID: (3, 9030.0, "ValueError: \x1b[2J[/bad] \u202e")}, traceback=TRACEBACK)
    payload = {"url": "https://hooks.example/in", "event": "invoice.paid", "attempt": 3, "tags": ["eu", None, True]}
    raw.hset(f"cv:{HOOKS}:payload", "hook:1000", b"j" + json.dumps(payload).encode())


def normal(raw: redis.Redis) -> None:
    """A queue that is at work."""
    queued(raw, MAIL, {f"mail:{90_000 + n}": 30 for n in range(12)})
    pool(raw, MAIL, "90aa17e2c5d1", "host-3", 4711, lease_s=86_400)
    running(raw, MAIL, {f"mail:{89_990 + n}": ("90aa17e2c5d1", 65.0) for n in range(4)})


def empty(raw: redis.Redis) -> None:
    """A queue in which nothing is left but that it is known."""
    raw.sadd("cv:queues", MAIL)
    raw.hset(f"cv:{MAIL}:totals", mapping={"published": 12, "done": 12})
