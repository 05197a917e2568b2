"""A store with pools of several hosts, alive and silent, and what they hold: for the pages about workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import redis

from convoy_core import Fleet
from convoy_core.moves import working
from convoy_core.moves.working import Pulse, Settlement

LEASE_MS = 3_600_000


class Crew:
    """Registers pools that are no processes, has them claim, and lets their leases run out."""

    def __init__(self, fleet: Fleet, client: redis.Redis) -> None:
        self._fleet = fleet
        self._client = client
        self._numbers: dict[str, int] = {}

    def joins(
        self,
        queue: str,
        id: str,
        *,
        host: str,
        pid: int = 4711,
        handler: str = "shop.mail:deliver",
        slots: int = 4,
        holds: Sequence[str] = (),
        counters: tuple[int, int] = (0, 0),
    ) -> None:
        """A pool that claims these IDs, which are published first."""
        on = self._fleet.queue(queue)
        keys, run = on._keys, on._connection.run
        about: Mapping[str, str | int] = {"host": host, "pid": pid, "handler": handler, "concurrency": slots}
        run(working.register(keys, id, LEASE_MS, "epoch", dict(about)))
        for name in holds:
            on.publish(name, front=True)
            number = self._numbers[id] = self._numbers.get(id, 0) + 1
            run(working.exchange(keys, id, Settlement(), 1, number, LEASE_MS))
        self.beats(queue, id, counters, len(holds))

    def beats(self, queue: str, id: str, counters: tuple[int, int], holds: int = 0) -> None:
        """Its heartbeat, with the runs that have ended by now."""
        on = self._fleet.queue(queue)
        on._connection.run(working.renew(on._keys, id, LEASE_MS, Pulse(*counters, [(b"", 0)] * holds), ()))

    def falls_silent(self, queue: str, id: str, for_s: float) -> None:
        """Its lease has run out so long ago."""
        seconds, micro = self._client.time()
        self._client.zadd(f"cv:{queue}:workers", {id: (seconds - for_s) * 1000 + micro / 1000})

    def holds_since(self, queue: str, id: str, seconds: float) -> None:
        """An ID was claimed so long ago."""
        now, _ = self._client.time()
        start = int((now - seconds) * 1000)
        self._client.zadd(f"cv:{queue}:started", {id: start})
        owner = self._client.hget(f"cv:{queue}:owner", id)
        assert isinstance(owner, bytes)
        self._client.hset(f"cv:{queue}:owner", id, owner.partition(b"@")[0] + b"@%d" % start)


def old_hosts(fleet: Fleet, client: redis.Redis) -> Crew:
    """The same, for hours: so that no second shows."""
    crew = some_hosts(fleet, client)
    mail, hour = "emails:transactional", 3600
    for id, hours in (("mail:88412", 9), ("mail:88390", 8), ("mail:88377", 3), ("mail:1", 30), ("mail:2", 26)):
        crew.holds_since(mail, id, hours * hour + 1800)
    crew.falls_silent(mail, "c" * 32, 25 * hour + 1800)
    now, _ = client.time()
    for queue, letter in ((mail, "a"), (mail, "c"), ("webhooks", "b"), ("search:index", "d")):
        client.hset(f"cv:{queue}:worker:{letter * 32}", "since", (now - 50 * hour - 1800) * 1000)
    return crew


def some_hosts(fleet: Fleet, client: redis.Redis) -> Crew:
    """Three hosts; one pool is silent, and one queue has nobody."""
    crew = Crew(fleet, client)
    mail = [f"mail:{n}" for n in (88412, 88390, 88377)]
    crew.joins("emails:transactional", "a" * 32, host="host-3", holds=mail, counters=(10_211, 40))
    crew.joins("webhooks", "b" * 32, host="host-3", pid=4712, handler="shop.hooks:call", slots=2, counters=(988, 0))
    crew.joins("emails:transactional", "c" * 32, host="host-7", pid=4012, holds=["mail:1", "mail:2"])
    crew.joins("search:index", "d" * 32, host="host-12", pid=901, handler="shop.search:index", slots=16)
    for id, seconds in (("mail:88412", 724), ("mail:88390", 718), ("mail:88377", 401), ("mail:1", 1400), ("mail:2", 9)):
        crew.holds_since("emails:transactional", id, seconds)
    crew.falls_silent("emails:transactional", "c" * 32, 711)
    fleet.queue("reports:nightly").publish_many(range(412))
    fleet.queue("emails:transactional").publish_many(range(1204))
    return crew


def two_hosts(fleet: Fleet, client: redis.Redis) -> Crew:
    """Two hosts whose pools are alive, and work."""
    crew = Crew(fleet, client)
    crew.joins("webhooks", "b" * 32, host="host-3", pid=4712, handler="shop.hooks:call", slots=2, holds=["hook:7"])
    crew.joins("search:index", "d" * 32, host="host-12", pid=901, handler="shop.search:index", slots=16)
    crew.holds_since("webhooks", "hook:7", 5400)
    now, _ = client.time()
    for queue, letter in (("webhooks", "b"), ("search:index", "d")):
        client.hset(f"cv:{queue}:worker:{letter * 32}", "since", (now - 50 * 3600 - 1800) * 1000)
    return crew
