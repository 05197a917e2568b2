"""Puts failed IDs into a queue, as a pool would have left them, and acts of operators into its audit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

import redis

from convoy_core import Fleet, Queue, Record, State
from convoy_core.failure_groups import what_broke

TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.12/site-packages/convoy_core/handlers/functions.py", line 88, in _work
    return self._function(job)
  File "/srv/app/jobs/trucks.py", line 14, in crush
    wheel = load(id)
ValueError: no wheel
"""


def fail(
    queue: Queue,
    ids: Iterable[str],
    error: str,
    traceback: str = TRACEBACK,
    *,
    at: float | None = None,
    attempt: int = 1,
) -> None:
    """Let these IDs be failed, now or at that time."""
    record = {
        "at": round(time.time() if at is None else at, 3),
        "group": what_broke(error, traceback),
        "attempt": attempt,
        "error": error,
        "traceback": traceback,
        "worker": "90aa17e2c5d1",
        "seconds": 1.5,
    }
    raw = json.dumps(record, separators=(",", ":")).encode()
    queue.restore(Record(id, State.FAILED, failures=attempt, raw_failure=raw) for id in ids)


# -- for the kept pictures: whole minutes and five seconds ago, so that they say the same for a while

HOOKS, MAIL = "webhooks", "emails:transactional"
DELIVER = TRACEBACK.replace("trucks.py", "send.py").replace("crush", "deliver").replace("ValueError: no wheel", "{}")


def ago(hours: float) -> float:
    """Unix seconds."""
    return time.time() - hours * 3600 - 5


def broken(fleet: Fleet, raw: redis.Redis) -> None:
    """Two queues in which several things broke: one goes on breaking, and nobody works on it."""
    hooks, mail = fleet.queue(HOOKS), fleet.queue(MAIL)
    hooks.publish_many([f"hook:{n}" for n in range(88)])
    no_answer = "ConnectTimeout: no answer from hooks.example in 30 s"
    for n in range(20):
        ids = [f"hook:{1000 + 2 * n}", f"hook:{1001 + 2 * n}"]
        fail(hooks, ids, no_answer, DELIVER.format(no_answer), at=ago(2.5 / 60 + n % 7 * 0.1), attempt=3)
    fail(hooks, [f"hook:{n}" for n in range(2000, 2006)], "exit status 22: curl: (22) error: 410 Gone", "", at=ago(2.2))
    fail(hooks, ["hook:\x1b[31m9\u202e"], "KeyError: '[/red]\x1b[2J'", "", at=ago(30.2))
    fail(mail, ["mail:88001", "mail:88002"], "TimeoutError: SMTP read", "", at=ago(4.2))


def a_little_broken(fleet: Fleet, raw: redis.Redis) -> None:
    """One ID has failed, some hours ago."""
    fleet.queue(HOOKS).publish("hook:1")
    fail(fleet.queue(HOOKS), ["hook:2"], "ValueError: no wheel", at=ago(3.2))


def steered(fleet: Fleet, raw: redis.Redis) -> None:
    """What operators have done to two queues in the last hours, and what became of a requeue."""
    hooks = fleet.queue(HOOKS)
    hooks.publish("hook:1")
    ids = [f"hook:{n}" for n in range(1000, 1016)]
    began = str(round(ago(3.2) * 1000))
    dana = _by("dana@ops-1", "command line", "the provider is back")
    _act(raw, HOOKS, dana, "requeue", began, "queued 16", *ids[:10])
    parts = ["by", dana, "at", began, "time", began, *(part for id in ids for part in ("id", id))]
    _send(raw, "XADD", f"cv:{HOOKS}:requeued", "*", *parts)
    fail(hooks, ids[:2], "ReadTimeout: 30 s", DELIVER.format("ReadTimeout: 30 s"), at=ago(3.1))
    raw.rpush(f"cv:{HOOKS}:queued", *ids[2:5])
    raw.sadd(f"cv:{HOOKS}:committed", *ids[2:5])
    raw.hset(f"cv:{HOOKS}:published", mapping=dict.fromkeys(ids[2:5], began))
    raw.hset(f"cv:{HOOKS}:failures", mapping=dict.fromkeys(ids[2:5], 1))
    odd = _by("e\x1b[31m\u202e", "library", "\x07[bold]")
    _act(raw, MAIL, odd, "discard", began, "discarded 2", "\x1b[2J", "mail:2")
    limits = ("before", "0 0 0 0", "after", "20 100 1000 10")
    _act(raw, MAIL, dana, "limit", str(round(ago(2.2) * 1000)), "limited 1", more=limits)
    erik = _by("erik@desk", "dashboard", "")
    _act(raw, HOOKS, erik, "pause", str(round(ago(1.7) * 1000)), "paused 1")
    _act(raw, HOOKS, erik, "resume", str(round(ago(1.6) * 1000)), "resumed 1")
    raw.sadd("cv::queues", MAIL, HOOKS)
    fleet.queue(MAIL).publish("mail:1")


def _by(who: str, face: str, reason: str) -> str:
    return json.dumps({"who": who, "face": face, "reason": reason, "operation": "op"}, separators=(",", ":"))


def _act(
    raw: redis.Redis, queue: str, by: str, verb: str, at: str, outcomes: str, *ids: str, more: Sequence[str] = ()
) -> None:
    fields = ["by", by, "verb", verb, "at", at, "outcomes", outcomes, *more]
    _send(raw, "XADD", f"cv:{queue}:audit", f"{at}-0", *fields, *(part for id in ids for part in ("id", id)))


def _send(raw: redis.Redis, *words: str) -> None:
    """A command in which a field comes more than once."""
    raw.execute_command(*words)  # type: ignore[no-untyped-call]
