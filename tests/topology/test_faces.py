"""Every face of Convoy on Sentinel and on a Cluster: the library, the pool, the command line, the dashboard."""

from __future__ import annotations

import asyncio
import threading

import pytest

from convoy_core import (
    AsyncFleet,
    AsyncQueue,
    Counts,
    Fleet,
    Job,
    PoolOptions,
    Published,
    Queue,
    State,
    Then,
    WorkerPool,
)
from convoy_core.moves import replies
from convoy_core.moves.call import command
from convoy_tui.dashboard.source import LiveSource
from tests.cli.conftest import Convoy
from tests.waiting import eventually, patient

QUICK = PoolOptions(lease_s=3, beat_s=0.5, grace_s=5, backoff_s=0.02)


def test_a_queue_publishes_and_shows_and_moves(url: str) -> None:
    with Queue("q", redis=url) as queue:
        assert queue.publish("1", payload={"a": 1}) is Published.QUEUED
        assert queue.publish("1") is Published.ALREADY_QUEUED
        assert queue.publish("2", delay_s=60) is Published.DELAYED
        assert queue.publish_many(range(3, 1203)).published == 1200
        assert queue.show("1").payload == {"a": 1}
        assert [entry.id for entry in queue.page(State.QUEUED, limit=2).entries] == ["1", "3"]
        assert queue.pause() is True
        assert queue.resume() is True
        queue.discard(["3"], state=State.QUEUED)
        assert queue.counts() == Counts(queued=1200, committed=1201, processing=0, failed=0, delayed=1)


async def test_an_awaited_queue_does_the_same(url: str) -> None:
    async with AsyncQueue("q", redis=url) as queue:
        assert await queue.publish("1") is Published.QUEUED
        assert (await queue.publish_many(range(1200))).published == 1199
        assert (await queue.show("1")).state is State.QUEUED
        assert (await queue.counts()).queued == 1200


async def test_the_connections_opened_are_counted(url: str) -> None:
    with Queue("q", redis=url) as queue:
        async with AsyncQueue("q", redis=url) as twin:
            for _ in range(2):
                queue.counts()
                await twin.counts()

            assert 1 <= queue._connection.opened == twin._connection.opened <= 2


def test_a_fleet_finds_and_reads_every_queue(url: str) -> None:
    names = [f"q{number:02}" for number in range(30)]
    with Fleet(redis=url) as fleet:
        for number, name in enumerate(names):
            fleet.queue(name).publish_many(range(number))

        snapshots = fleet.snapshot(names)

        assert fleet.ping() > 0
        assert fleet.queues() == names[1:]
        assert [(one.queue, one.counts.queued) for one in snapshots] == [(name, n) for n, name in enumerate(names)]
        assert fleet.snapshot([]) == []
        assert [found.queue for found in fleet.find("28")] == ["q29"]


async def test_an_awaited_fleet_does_the_same(url: str) -> None:
    names = [f"q{number:02}" for number in range(30)]
    async with AsyncFleet(redis=url) as fleet:
        for name in names:
            await fleet.queue(name).publish("1")

        snapshots = await fleet.snapshot(names)

        assert await fleet.queues() == names
        assert [one.queue for one in snapshots if one.counts.queued == 1] == names


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_a_pool_works_waits_and_stops_at_once(url: str, kind: str) -> None:
    ran: list[str] = []

    def work(job: Job) -> None:
        ran.append(job.id)
        if job.id == "bad":
            raise ValueError(job.id)

    async def work_gently(job: Job) -> None:
        work(job)

    with Queue("q", redis=url) as queue:
        queue.publish_many([*range(500), "bad"])
        with WorkerPool(queue, work if kind == "thread" else work_gently, concurrency=10, options=QUICK) as pool:
            eventually(lambda: queue.counts().committed == 0)
            eventually(lambda: is_waiting(queue))
            queue.publish("late")  # handed to the waiting pool by BLMOVE
            eventually(lambda: "late" in ran)
            eventually(lambda: is_waiting(queue))
            ended = waits_ended(queue)

        assert waits_ended(queue) == ended + 1
        assert sorted(ran) == sorted([*map(str, range(500)), "bad", "late"])
        assert pool.status().failed == 1
        assert queue.requeue_all() == {"bad": "queued"}
        assert queue.workers() == []


def is_waiting(queue: Queue) -> bool:
    """Whether somebody waits in BLMOVE, at the node that has the queue."""
    links = command("CLIENT", "LIST", read=bytes, beside=queue._keys.named("queued"))
    return any(
        b" name=convoy:fetch:" in link and b" cmd=blmove " in link for link in queue._connection.run(links).splitlines()
    )


def waits_ended(queue: Queue) -> int:
    """How many a wait there was ended by CLIENT UNBLOCK."""
    stats = command("INFO", "commandstats", read=replies.info, beside=queue._keys.named("queued"))
    counted = queue._connection.run(stats).get("cmdstat_client|unblock", "calls=0,")
    return int(counted.partition(",")[0].removeprefix("calls="))


async def test_an_awaited_pool_works_on_the_callers_loop(url: str) -> None:
    ran: list[str] = []

    async def work(job: Job) -> None:
        ran.append(job.id)

    async with AsyncQueue("q", redis=url) as queue:
        await queue.publish_many(range(300))

        options = PoolOptions(lease_s=3, beat_s=0.5, burst=True)
        status = await WorkerPool(queue, work, concurrency=10, options=options).serve()

        assert status.done == len(ran) == 300
        assert (await queue.counts()).committed == 0


def test_a_jammed_id_is_freed(url: str) -> None:
    release = threading.Event()
    with Queue("q", redis=url) as queue:
        queue.publish("1")
        with WorkerPool(queue, lambda _: release.wait(patient()), options=QUICK) as pool:
            eventually(lambda: queue.counts().processing == 1)

            freed = queue.jam_guard(idle_s=0, then=Then.DISCARD)

            release.set()
            eventually(lambda: pool.status().stale + pool.status().unknown == 1)
        assert freed == ["1"]
        assert queue.counts() == Counts()


def test_what_waits_and_what_runs_is_cancelled(url: str) -> None:
    """Also what was handed to a worker that has not claimed it, in a list whose name no key of the script tells."""

    async def work(job: Job) -> None:
        await asyncio.Event().wait()

    with Queue("q", redis=url) as queue:
        queue.publish_many(["runs", "handed", "waits"])
        with WorkerPool(queue, work, options=QUICK) as pool:
            eventually(lambda: queue.counts().processing == 1)
            worker, keys = pool.status().worker, queue._keys
            move = ("LMOVE", keys.named("queued"), keys.claim_list(worker), "LEFT", "RIGHT")
            queue._connection.run(command(*move, read=bytes, writes=True, beside=keys.named("queued")))

            answers = queue.cancel(["runs", "handed", "waits"])

            eventually(lambda: pool.status().cancelled)
            assert queue.counts() == Counts()
        assert answers == {"runs": "cancelling", "handed": "cancelled", "waits": "cancelled"}
        assert pool.status().cancelled == 1


def test_the_command_line_publishes_works_and_looks(url: str) -> None:
    convoy = Convoy(url)

    published = convoy("publish", "trucks", "-", input="\n".join(map(str, range(50))))
    worked = convoy("work", "trucks", "--handler", "examples.trucks:crush", "--burst", "--concurrency", "10")
    convoy("publish", "trucks", "51")
    status = convoy.json("status")

    assert published.stdout == "50 published\n"
    assert (worked.exit_code, worked.stdout) == (0, "50 done\n")
    assert [(row["queue"], row["queued"]) for row in status["queues"]] == [("trucks", 1)]
    assert convoy("list", "trucks", "--state", "queued", "-o", "ids").stdout == "51\n"


async def test_the_dashboard_source_polls_and_acts(url: str) -> None:
    source = LiveSource(url=url)
    for name in ("a", "b", "c"):
        async for _ in source.publish(name, ["1", "2"], rerun=False, dry_run=False):
            pass
    await source.discover()

    reading = await source.look()

    assert [(one.queue, one.counts.queued) for one in reading.snapshots] == [("a", 2), ("b", 2), ("c", 2)]
    assert await source.pause("b") is True
    assert (await source.look()).snapshots[1].paused is True
    await source.close()


async def test_the_dashboard_keeps_the_history_of_queues_without_pools(url: str) -> None:
    source, viewer = LiveSource(url=url), LiveSource(url=url, read_only=True)
    with Queue("a", redis=url) as queue, Queue("b", redis=url) as other:
        queue.publish("1")
        other.publish("2")
        await viewer.look()
        await viewer.close()
        assert queue.history() == []

        await source.look()
        await asyncio.to_thread(eventually, lambda: queue.history() and other.history())
        await source.look()
        await source.close()

        assert [row.counts.queued for row in [*queue.history(), *other.history()]] == [1, 1]
