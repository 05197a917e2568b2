"""Least privilege (S13): the users of docs/security.md can do all of their work, and nothing else.

The recipes are read out of that page, so it cannot say anything else than what was tested.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from convoy_core import (
    AsyncFleet,
    Fault,
    FaultKind,
    Fleet,
    Job,
    Published,
    Queue,
    Record,
    State,
    StoreError,
    StoreRefused,
    Then,
    WorkerPool,
)
from convoy_core.moves.recovering import recover
from convoy_core.moves.scripts import load
from convoy_core.store.error_translation import explain
from convoy_core.store.redis_py_errors import translated
from convoy_tui.dashboard.source import LiveSource
from tests.cli.conftest import Convoy
from tests.servers import ClusterStore, RealServer
from tests.topology.test_faces import QUICK, is_waiting
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
RECIPES = {name: rules.split() for name, rules in re.findall(r"^user (\w+) (.*)$", PAGE, re.MULTILINE)}


def _sent_by(module: str) -> set[str]:
    text = (ROOT / "convoy_core" / "moves" / f"{module}.py").read_text("utf-8")
    return set(re.findall(r'\b(?:of|load|per_id)\(\s*"(\w+)"', text))


WORKED = ("working", "recovering")
OPERATED = set().union(
    *(_sent_by(path.stem) for path in sorted((ROOT / "convoy_core" / "moves").glob("*.py")) if path.stem not in WORKED)
)
"""What is no worker's is an operator's: a new operation cannot be left out."""
SCRIPTS = {
    "publisher": {"publish"},
    "worker": _sent_by("working")
    | _sent_by("recovering")
    | {"note_history"}
    | {"show"},  # a pool that has lost a reply asks what it holds
    "operator": OPERATED,
    "viewer": {name for name in OPERATED if load(name).is_read},
}
PLAIN = {
    "publisher": {"sadd", "evalsha", "eval", "evalsha_ro", "eval_ro"},
    "worker": {
        *("sadd", "hscan", "blmove", "blpop", "client|id", "client|unblock"),
        *("evalsha", "eval", "evalsha_ro", "eval_ro"),
    },
    "operator": {"sadd", "smembers", "scan", "time", "zrange", "evalsha", "eval", "evalsha_ro", "eval_ro"},
    "viewer": {"smembers", "scan", "time", "zrange", "evalsha_ro", "eval_ro"},
}
EVERYONE = {"ping", "client|setname"}


def called_by(name: str) -> set[str]:
    """The commands in a script, which holds no function that nothing calls."""
    script = load(name)
    calls = re.findall(r"(?:call|put)\(\s*'([A-Z]+)'", script.flagged.source + script.portable.source)
    return {call.lower() for call in calls}


@pytest.mark.parametrize("name", SCRIPTS)
def test_s13_a_recipe_names_exactly_the_commands_that_are_sent_and_called(name: str) -> None:
    granted = {rule.removeprefix("+") for rule in RECIPES[name] if rule.startswith("+")}

    assert granted == EVERYONE | PLAIN[name] | {call for script in SCRIPTS[name] for call in called_by(script)}
    assert not {rule for rule in RECIPES[name] if "@" in rule or rule in {"~*", "allkeys", "allcommands", "nopass"}}


@pytest.fixture
def login(each_store: RealServer) -> Iterator[Callable[[str], str]]:
    """Make a user by its recipe; give a URL that logs in as it."""
    made = []
    with each_store.client() as client:

        def make(name: str) -> str:
            made.append(name)
            client.execute_command("ACL", "SETUSER", name, "reset", *RECIPES[name])
            password = next(rule[1:] for rule in RECIPES[name] if rule.startswith(">"))
            return each_store.url.replace("unix://", f"unix://{name}:{password}@")

        yield make
        for name in made:
            client.acl_deluser(name)


@pytest.fixture
def trucks(each_store: RealServer) -> Iterator[Queue]:
    """The queue, by a user who may do everything."""
    with Queue("trucks", redis=each_store.url) as queue:
        yield queue


def refusals(url: str, acts: dict[str, Callable[[Queue, Any], object]]) -> dict[str, str]:
    """What each act is refused with."""
    said = {}
    with Queue("trucks", redis=url) as queue, redis.Redis.from_url(url) as client:
        for name, act in acts.items():
            try:
                act(queue, client)
            except (StoreError, redis.RedisError) as error:
                explained = explain(error if isinstance(error, StoreError) else translated(error), "the store")
                assert type(explained) is StoreRefused, (name, explained)
                said[name] = str(explained)
    return said


NEVER: dict[str, Callable[[Queue, Any], object]] = {
    "keys": lambda _, client: client.keys("*"),
    "flushall": lambda _, client: client.flushall(),
    "config": lambda _, client: client.config_set("maxmemory", "1mb"),
    "script": lambda _, client: client.script_flush(),
    "acl": lambda _, client: client.acl_list(),
    "get of another's key": lambda _, client: client.eval("return redis.call('SMEMBERS', 'other')", 0),
    "command in a script": lambda _, client: client.eval("return redis.call('FLUSHALL')", 0),
}
STEER: dict[str, Callable[[Queue, Any], object]] = {
    "requeue": lambda queue, _: queue.requeue(["1"]),
    "discard": lambda queue, _: queue.discard(["1"], state=State.QUEUED),
    "cancel": lambda queue, _: queue.cancel(["1"]),
    "jam guard": lambda queue, _: queue.free_jammed(queue.jammed(idle_s=0)),
    "pause": lambda queue, _: queue.pause(),
    "restore": lambda queue, _: queue.restore([Record("1", State.FAILED)]),
    "resume": lambda queue, _: queue.resume(),
    "acknowledge": lambda queue, _: queue.acknowledge(for_s=60),
    "end_acknowledgement": lambda queue, _: queue.end_acknowledgement(),
    "describe": lambda queue, _: queue.describe(owner="team"),
    "quiet": lambda queue, _: queue.quiet("h"),
    "unquiet": lambda queue, _: queue.unquiet("h"),
    "set_lowest_version": lambda queue, _: queue.set_lowest_version("1.4"),
    "set_limits": lambda queue, _: queue.set_limits(concurrency=1),
    "repair": lambda queue, _: queue.repair([Fault(FaultKind.MISSING, "1")]),
}
PUBLISH: dict[str, Callable[[Queue, Any], object]] = {"publish": lambda queue, _: queue.publish("2")}
LOOK: dict[str, Callable[[Queue, Any], object]] = {
    "check": lambda queue, _: queue.check(grace_s=0),
    "counts": lambda queue, _: queue.counts(),
    "snapshot": lambda queue, _: queue.snapshot(),
    "page": lambda queue, _: queue.page(State.QUEUED),
    "failure groups": lambda queue, _: queue.failure_groups(),
}
WORK: dict[str, Callable[[Queue, Any], object]] = {
    "work": lambda queue, _: WorkerPool(queue, lambda _: None, options=QUICK).start(),
}


def test_s13_a_publisher_publishes_and_can_do_nothing_else(login: Callable[[str], str], trucks: Queue) -> None:
    url = login("publisher")
    _fail(trucks, "7")
    with Queue("trucks", redis=url) as queue:
        assert queue.publish("7") is Published.QUEUED
        assert queue.publish("1", payload={"a": 1}) is Published.QUEUED
        assert queue.publish("1", rerun=True) is Published.ALREADY_QUEUED
        assert queue.publish("later", delay_s=60) is Published.DELAYED
        assert queue.publish("first", front=True) is Published.QUEUED
        assert queue.publish_many(range(1000)).published == 998
        assert [chunk.tally.published for chunk in queue.publish_chunks(["new"], dry_run=True)] == [1]

    # Whoever may publish could queue a failed ID again, since publishing does that, too; and restore what was dumped;
    # and write what is said of the queue, and what bars its workers, which is a hash more each.
    allowed = {"requeue", "restore", "acknowledge", "end_acknowledgement", "describe", "unquiet"}
    allowed |= {"set_lowest_version"}
    forbidden = NEVER | LOOK | WORK | {name: act for name, act in STEER.items() if name not in allowed}
    said = refusals(url, forbidden)

    assert said.keys() == forbidden.keys()
    assert "may not run 'keys' at" in said["keys"]
    assert trucks.counts().committed == 1002


def test_s13_a_worker_runs_pools_and_steers_nothing(login: Callable[[str], str], trucks: Queue) -> None:
    ran: list[str] = []

    def work(job: Job) -> None:
        ran.append(job.id)
        if job.id == "long":
            eventually(lambda: job.cancelled)
        if job.id.startswith(("bad", "long")):
            raise ValueError(job.id)

    url = login("worker")
    trucks.publish_many([*range(600), "bad"], payload="x")
    trucks.publish("due", delay_s=0.2)
    with Queue("trucks", redis=url) as queue, WorkerPool(queue, work, concurrency=10, retries=1, options=QUICK) as pool:
        eventually(lambda: trucks.counts().failed == 1)
        eventually(lambda: "due" in ran)
        eventually(lambda: is_waiting(trucks))
        trucks.publish("late")  # handed over by BLMOVE
        eventually(lambda: "late" in ran)
        trucks.publish("long")
        eventually(lambda: "long" in ran)
        assert trucks.cancel(["long"]) == {"long": "cancelling"}
        eventually(lambda: pool.status().cancelled == 1)
        _leave_to_a_dead_worker(trucks, "orphan")
        eventually(lambda: "orphan" in ran)  # recovered
        eventually(lambda: is_waiting(trucks))
        assert pool.status().error is None
        steps = recover(queue._connection.keyspace.queue("trucks"), "d" * 32, 3)
        assert queue._connection.drive(steps) == {}  # dead for long enough to be unregistered
    assert trucks.counts().committed == 0
    assert trucks.workers() == []

    forbidden = NEVER | LOOK | {name: act for name, act in STEER.items() if name != "resume"}
    said = refusals(url, forbidden | {"fleet": lambda _, client: client.scan(0)})

    # Whoever keeps the history may count.
    assert said.keys() >= NEVER.keys() | {"fleet", "pause"}
    assert "may not run 'scan' at" in said["fleet"]


def test_s13_an_operator_uses_every_steering_command_and_no_worker_or_admin_ones(
    login: Callable[[str], str], trucks: Queue
) -> None:
    url = login("operator")
    convoy = Convoy(url)
    _fail(trucks, "1", "2", "3")
    trucks.publish_many(["q1", "q2", "q3", "q4"])
    trucks.publish("d1", delay_s=60)
    _run_since_long(trucks, "j1", "j2")

    with Fleet(redis=url) as fleet:
        queue = fleet.queue("trucks")
        assert fleet.queues() == ["trucks"]
        assert fleet.ping() > 0
        assert queue.requeue(["1"], dry_run=True) == queue.requeue(["1"]) == {"1": "queued"}
        assert queue.discard(["q1"], state=State.QUEUED, dry_run=True) == {"q1": "discarded"}
        assert queue.discard(["q1", "q2"], state=State.QUEUED) == {"q1": "discarded", "q2": "discarded"}
        assert (
            queue.cancel(["q4", "j1"], dry_run=True) == queue.cancel(["q4", "j1"]) == {"q4": "cancelled", "j1": "node"}
        )
        assert queue.discard(["d1"], state=State.DELAYED) == {"d1": "discarded"}
        assert queue.discard(["2"], state=State.FAILED) == {"2": "discarded"}
        assert queue.pause() is True
        assert queue.resume() is True
        assert queue.set_limits(concurrency=5, rate=100) is True
        assert queue.limits().concurrency == 5
        (entry, other) = queue.jammed(idle_s=60)
        assert queue.free_jammed([entry], then=Then.REQUEUE) == {entry.id: "queued"}
        assert queue.free_jammed([other], then=Then.FAIL) == {other.id: "failed"}
        assert queue.show("q3").state is State.QUEUED
        assert [page.id for page in queue.page(None).entries]
        assert queue.workers() == []
    for words in ("status", "list trucks", "show trucks q3", "find q3", "workers", "failures trucks"):
        assert convoy(*words.split()).exit_code == 0, words
    for words in ("publish trucks new", "pause trucks", "resume trucks", "requeue trucks 3"):
        assert convoy(*words.split()).exit_code == 0, words

    forbidden = NEVER | WORK
    said = refusals(url, forbidden)

    assert said.keys() == forbidden.keys()
    assert "may not run 'flushall' at" in said["flushall"]
    assert refusals(url, LOOK | STEER) == {}


async def test_s13_a_viewer_sees_everything_and_changes_nothing(login: Callable[[str], str], trucks: Queue) -> None:
    url = login("viewer")
    _fail(trucks, "1")
    trucks.publish_many(["q1", "q2"], payload={"a": 1})
    _run_since_long(trucks, "j1")

    async with AsyncFleet(redis=url, read_only=True) as fleet:
        queue = fleet.queue("trucks")
        assert await fleet.queues() == ["trucks"]
        assert (await fleet.snapshot(["trucks"]))[0].jammed == 1
        assert (await queue.show("q1")).payload == {"a": 1}
        assert [entry.id async for entry in queue.entries(State.FAILED)] == ["1"]
        assert [entry.id async for entry in queue.entries(State.PROCESSING)] == ["j1"]
        assert len([entry async for entry in queue.entries(None)]) == 3
        assert [group.samples for group in (await queue.failure_groups()).groups] == [("1",)]
        assert [row.id for row in await queue.jammed(idle_s=60)] == ["j1"]
        assert await queue.workers() == []
        assert [details.queue for details in await fleet.find("q1")] == ["trucks"]
    source = LiveSource(url=url, read_only=True)
    assert [one.queue for one in (await source.look()).snapshots] == ["trucks"]
    assert (await source.failed("trucks", 10)).total == 1
    await source.close()

    forbidden = NEVER | PUBLISH | STEER | WORK
    said = refusals(url, forbidden)

    assert said.keys() == forbidden.keys()
    assert "may not run 'evalsha' at" in said["pause"]


def test_s13_a_user_of_one_queue_reaches_no_other(login: Callable[[str], str], each_store: RealServer) -> None:
    url = login("publisher")
    with each_store.client() as client:
        client.execute_command("ACL", "SETUSER", "publisher", "resetkeys", "~cv:trucks:*")

    with Queue("trucks", redis=url) as queue:
        assert queue.publish("1") is Published.QUEUED
    with Queue("other", redis=url) as queue, pytest.raises(StoreRefused, match="may not touch a key"):
        queue.publish("1")


def test_s13_in_a_cluster_and_in_another_database_the_page_names_what_is_needed_besides(cluster: ClusterStore) -> None:
    needed = "A database other than 0 needs `+select`. A Cluster needs `+cluster|slots +asking`."
    assert needed in " ".join(PAGE.split())
    for node in cluster.nodes:
        with node.client() as client:
            for name in ("publisher", "worker"):
                client.execute_command("ACL", "SETUSER", name, "reset", *RECIPES[name], "+cluster|slots", "+asking")
    ran: list[str] = []

    with Queue("q", redis=cluster.url.replace("//", "//publisher:change-me-1@")) as queue:
        queue.publish_many(range(100))
    with (
        Queue("q", redis=cluster.url.replace("//", "//worker:change-me-2@")) as queue,
        WorkerPool(queue, lambda job: ran.append(job.id), options=QUICK),
    ):
        eventually(lambda: len(ran) == 100)


def _fail(queue: Queue, *ids: str) -> None:
    """Have a worker fail these."""

    def work(job: Job) -> None:
        raise ValueError(job.id)

    queue.publish_many(ids)
    with WorkerPool(queue, work, options=QUICK):
        eventually(lambda: set(ids) <= {entry.id for entry in queue.entries(State.FAILED)})


def _run_since_long(queue: Queue, *ids: str) -> None:
    """As a Node client's claim leaves them, ten minutes ago."""
    with redis.Redis.from_url(queue._connection.store.url) as client:
        client.zadd("cv:trucks:processing", {id: client.time()[0] - 600 for id in ids})
        client.sadd("cv:trucks:committed", *ids)


def _leave_to_a_dead_worker(queue: Queue, id: str) -> None:
    """As a claim leaves it whose worker has died since."""
    with redis.Redis.from_url(queue._connection.store.url) as client:
        now = client.time()[0]
        client.sadd("cv:trucks:committed", id)
        client.zadd("cv:trucks:processing", {id: now - 60})
        client.zadd("cv:trucks:started", {id: (now - 60) * 1000})
        client.hset("cv:trucks:owner", id, f"{'d' * 32}:1@{(now - 60) * 1000}")
        client.zadd("cv:trucks:workers", {"d" * 32: (now - 30) * 1000})
