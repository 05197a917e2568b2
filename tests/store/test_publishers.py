"""Publishes that are made at the same moment share a round trip; each has an answer or an error of its own."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
import redis
import redis.asyncio

from convoy_core import (
    AsyncQueue,
    ConvoyError,
    DelayPolicy,
    Fleet,
    InvalidID,
    OutcomeUnknown,
    PayloadPolicy,
    Published,
    Queue,
    ReadOnly,
    State,
    StoreDamaged,
    StoreUnreachable,
)
from convoy_core import publisher as blocking
from convoy_core.moves import publishing
from convoy_core.publisher import _Caller
from convoy_core.store import wait_replicas
from tests.moves.keyspace import dump
from tests.servers import RealServer, valkey_binary
from tests.stepping import at_step
from tests.waiting import eventually, patient


def round_trips(raw: redis.Redis) -> int:
    """Scripts that clients have sent since `config resetstat`."""
    return sum(stat["calls"] for name, stat in raw.info("commandstats").items() if name.startswith("cmdstat_eval"))


@contextmanager
def paused(raw: redis.Redis) -> Iterator[None]:
    """A store that answers no write meanwhile."""
    raw.client_pause(100_000, all=False)
    try:
        yield
    finally:
        raw.client_unpause()


def waiting(queue: Queue) -> int:
    """How many threads wait for others' round trips."""
    return sum(len(callers._waiting) for callers in queue._publisher._by_replicas.values())


def waiting_tasks(queue: AsyncQueue) -> int:
    return sum(len(callers._waiting) for callers in queue._publisher._by_loop.values())


def is_sending(queue: Queue | AsyncQueue) -> bool:
    """Whether a connection is in use."""
    pool: Any = getattr(queue._connection._get_transport(), "_pool")  # noqa: B009 - that of one kind of transport
    slots = pool._places if isinstance(queue, Queue) else pool._last[1]
    return any(slot.is_open for slot in slots._all)


def all_at_once(acts: list[Callable[[], object]]) -> list[Any]:
    """Call each in a thread; what they return or raise, in order."""

    def outcome(act: Callable[[], object]) -> object:
        try:
            return act()
        except (ConvoyError, Cut) as error:
            return error

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(outcome, acts))


async def turns(n: int = 20) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


def newest_held(client: redis.Redis) -> int:
    """The newest connection whose request the paused server holds."""
    return max((int(one["id"]) for one in client.client_list() if "b" in one["flags"]), default=0)


class Cut(BaseException):
    """What may be raised in the midst of a call."""


# --- one round trip, and each its own answer


async def test_fifty_tasks_that_publish_in_a_loop_share_their_round_trips(store: RealServer, raw: redis.Redis) -> None:
    answers: Counter[Published] = Counter()

    async def publish(number: int) -> None:
        for one in range(20):
            answers[await queue.publish(f"{number // 2}-{one}")] += 1

    raw.config_resetstat()
    async with AsyncQueue("q", redis=store.url) as queue:
        await asyncio.gather(*(publish(number) for number in range(50)))

    assert answers == {Published.QUEUED: 500, Published.ALREADY_QUEUED: 500}
    assert round_trips(raw) <= 1000 / 8


async def test_ten_thousand_publishes_at_once_take_as_many_chunks_as_publish_many(
    store: RealServer, raw: redis.Redis
) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        raw.config_resetstat()
        answers = await asyncio.gather(*(queue.publish(n) for n in range(10_000)))

    assert set(answers) == {Published.QUEUED}
    assert round_trips(raw) <= 22


def test_threads_that_wait_for_one_reply_share_the_next_round_trip(store: RealServer, raw: redis.Redis) -> None:
    with Queue("q", redis=store.url) as queue:
        queue.publish("warm")
        raw.config_resetstat()
        with ThreadPoolExecutor(20) as threads:
            with paused(raw):
                calls = [threads.submit(queue.publish, number // 2) for number in range(20)]
                eventually(lambda: waiting(queue) == 19)
            answers = Counter(call.result() for call in calls)

    assert answers == {Published.QUEUED: 10, Published.ALREADY_QUEUED: 10}
    assert round_trips(raw) == 2


async def test_a_lone_publish_is_sent_at_once_by_its_own_task(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        with paused(raw):
            call = asyncio.create_task(queue.publish("1"))
            await asyncio.sleep(0)

            assert is_sending(queue)
            assert asyncio.all_tasks() == {call, asyncio.current_task()}

        assert await call is Published.QUEUED


OPTIONS: list[dict[str, Any]] = [
    {},
    {"payload": "one"},
    {"payload": {"two": 2}},
    {"delay_s": 100},
    {"delay_s": 200, "payload": b"three"},
    {"front": True},
    {"rerun": True},
]


def found(raw: redis.Redis) -> dict[str, object]:
    """All that is in the store, which is emptied; the list without its order."""
    state: dict[str, Any] = {**dump(raw)}
    state["queued"] = {*state["queued"]}
    state.pop("cv:queues", None)  # which a queue writes once
    raw.flushall()
    return state


async def test_tasks_that_publish_each_in_its_own_way_share_a_round_trip(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        queue._connection.now_ms = 1_700_000_000_000
        alone = [await queue.publish(n, **OPTIONS[n % len(OPTIONS)]) for n in range(28)]
        expected = found(raw)
        await queue.publish("warm")
        raw.flushall()
        raw.config_resetstat()
        with paused(raw):
            calls = [asyncio.create_task(queue.publish(n, **OPTIONS[n % len(OPTIONS)])) for n in range(28)]
            await turns()
        together = await asyncio.gather(*calls)

    assert together == alone
    assert found(raw) == expected


async def test_a_pipeline_of_several_ways_to_publish_is_written_at_once(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        with paused(raw):
            first = asyncio.create_task(queue.publish("first"))
            await turns()
            before = raw.info("stats")["total_reads_processed"]
            calls = [asyncio.create_task(queue.publish(n, payload=n)) for n in range(20)]
            await turns()
        await asyncio.gather(first, *calls)

        assert raw.info("stats")["total_reads_processed"] - before <= 5, "that of the pipeline, and of our looks"


async def test_publishes_that_share_a_round_trip_have_each_its_own_policies(
    store: RealServer, raw: redis.Redis
) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("a", payload="old")
        await queue.publish("b", payload="old", delay_s=600)
        raw.config_resetstat()
        with paused(raw):
            calls = [asyncio.create_task(queue.publish("first"))]
            await turns()
            again = partial(queue.publish, payload="new")
            calls += [
                asyncio.create_task(again("a", payload_policy=PayloadPolicy.REPLACE)),
                asyncio.create_task(again("b", delay_s=1, delay_policy=DelayPolicy.EARLIER)),
                asyncio.create_task(again("c")),
            ]
            await turns()
        said = await asyncio.gather(*calls)
        a, b, c = [await queue.show(id) for id in "abc"]

    assert said == [Published.QUEUED, Published.ALREADY_QUEUED, Published.ALREADY_DELAYED, Published.QUEUED]
    assert (a.payload, b.payload, c.payload) == ("new", "old", "new")
    assert b.due is not None
    assert b.due - b.at < 10


def test_calls_in_one_round_trip_have_each_its_own_error(store: RealServer, raw: redis.Redis) -> None:
    with Fleet(redis=store.url) as fleet:
        raw.set("cv:broken:queued", "no list")
        calls = [
            publishing.publish_single(fleet.queue(name)._keys, publishing.single("1"))
            for name in ("good", "broken", "better")
        ]
        for _ in range(2):  # as it is when the store does not know the script, and when it does
            one, damaged, other = fleet._connection.run_pipelined(calls)

            assert isinstance(damaged, StoreDamaged)
            assert "cv:broken:queued" in str(damaged)
            assert isinstance(one, Published)
            assert isinstance(other, Published)


async def test_what_is_refused_before_it_is_sent_harms_nobody_else(store: RealServer) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        said = await asyncio.gather(
            *(queue.publish("" if n % 10 == 0 else str(n)) for n in range(100)), return_exceptions=True
        )

    assert Counter(map(type, said)) == {InvalidID: 10, Published: 90}


async def test_a_read_only_queue_refuses_at_once(store: RealServer) -> None:
    async with AsyncQueue("q", redis=store.url, read_only=True) as queue:
        said = await asyncio.gather(*(queue.publish(n) for n in range(3)), return_exceptions=True)

    assert [type(one) for one in said] == [ReadOnly] * 3
    with Queue("q", redis=store.url, read_only=True) as refusing:
        assert {type(one) for one in all_at_once([lambda: refusing.publish("1")] * 3)} == {ReadOnly}


async def test_chunks_are_bounded_by_bytes(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        raw.config_resetstat()
        await asyncio.gather(*(queue.publish(n, payload=b"x" * 100_000) for n in range(30)))

    assert round_trips(raw) >= 10


@pytest.mark.parametrize("options", [{}, {"payload": 1}])
async def test_a_chunk_waits_for_replicas_once_and_holds_up_nobody_who_does_not(
    store: RealServer, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch, options: dict[str, int]
) -> None:
    monkeypatch.setattr(wait_replicas, "WAIT_MS", 100)
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        raw.config_resetstat()
        calls = [
            asyncio.create_task(queue.publish(n, wait_replicas=1, payload=n if options else None)) for n in range(20)
        ]
        await turns()
        answer = await queue.publish("other")
        assert not any(call.done() for call in calls)
        said = await asyncio.gather(*calls, return_exceptions=True)

    assert answer is Published.QUEUED
    assert [type(one) for one in said] == [OutcomeUnknown] * 20
    assert len({id(one) for one in said}) == 20
    assert raw.llen("cv:q:queued") == 22
    assert raw.info("commandstats")["cmdstat_wait"]["calls"] == 2


# --- calls that are cut short


async def test_f77_a_cancelled_task_takes_no_answer_from_the_others(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        with paused(raw):
            calls = [asyncio.create_task(queue.publish(n)) for n in range(20)]
            await turns()
            calls[3].cancel()  # it waits to be sent
            await turns()
        await calls[0]
        with paused(raw):
            calls += [asyncio.create_task(queue.publish(n)) for n in range(20, 30)]
            await turns()
            for n in (0, 5, 20, 25):
                calls[n].cancel()
            await turns()
        said = await asyncio.gather(*calls, return_exceptions=True)
        entries = [entry.id async for entry in queue.entries(State.QUEUED)]

    cancelled = {n for n, one in enumerate(said) if isinstance(one, asyncio.CancelledError)}
    assert {*said} - {one for one in said if isinstance(one, asyncio.CancelledError)} == {Published.QUEUED}
    assert 3 in cancelled
    assert cancelled <= {0, 3, 5, 20, 25}
    assert "3" not in entries
    assert {str(n) for n in range(30)} - {*entries} <= {str(n) for n in cancelled}


async def test_a_chunk_whose_callers_are_all_gone_is_given_up(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        with paused(raw):
            first = asyncio.create_task(queue.publish("first"))
            await turns()
            calls = [asyncio.create_task(queue.publish(n)) for n in range(20)]
            await turns()
            first.cancel()  # so that the others are sent
            await turns()
            await asyncio.to_thread(eventually, lambda: waiting_tasks(queue) == 0)
            for call in calls:
                call.cancel()
            await turns()

            assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await asyncio.gather(*(queue.publish(f"next {n}") for n in range(3))) == [Published.QUEUED] * 3


async def test_a_task_cancelled_at_any_turn_of_the_loop_leaves_the_others_whole(store: RealServer) -> None:
    said: list[object] = []
    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish("warm")
        for number in range(150):
            calls = [asyncio.create_task(queue.publish(f"{number}-{one}")) for one in range(6)]
            await turns(number % 30)
            cancelled = calls.pop(number % 6)
            cancelled.cancel()
            said += await asyncio.gather(*calls, return_exceptions=True)
            with suppress(asyncio.CancelledError):
                await cancelled
        await turns()

        assert {*said} == {Published.QUEUED}
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert queue._connection.opened <= 151


async def test_a_loop_that_shuts_down_ends_all_calls_and_those_of_its_last_tasks(store: RealServer) -> None:
    queue = AsyncQueue("q", redis=store.url)
    said: list[object] = []

    async def insist(number: int) -> None:
        try:
            while True:
                await queue.publish(f"{number}")
        finally:
            said.append(await queue.publish(f"last {number}"))

    async def leave() -> None:
        tasks = [asyncio.create_task(insist(number)) for number in range(10)]
        await turns(100)
        del tasks

    await asyncio.to_thread(asyncio.run, leave())
    gc.collect()

    assert said == [Published.QUEUED] * 10


def test_a_loop_closed_in_the_midst_leaves_the_next_one_whole(store: RealServer, raw: redis.Redis) -> None:
    queue = AsyncQueue("q", redis=store.url)

    async def publish(*ids: str) -> list[Published | BaseException]:
        return await asyncio.gather(*map(queue.publish, ids), return_exceptions=True)

    async def begin() -> None:
        await queue.publish("warm")
        with paused(raw), suppress(TimeoutError):
            await asyncio.wait_for(publish("1", "2", "3"), 0.05)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    gc.collect()  # what was left would warn

    assert {*asyncio.run(publish("4", "5", "6"))} == {Published.QUEUED}


async def test_one_queue_serves_two_event_loops_at_the_same_time(store: RealServer) -> None:
    queue = AsyncQueue("q", redis=store.url)

    async def publish(name: str) -> list[Published]:
        return [
            answer
            for part in range(20)
            for answer in await asyncio.gather(*(queue.publish(f"{name}-{part}-{n}") for n in range(20)))
        ]

    said = await asyncio.gather(*(asyncio.to_thread(asyncio.run, publish(name)) for name in "ab"))

    assert Counter(said[0] + said[1]) == {Published.QUEUED: 800}


def cut_sender(queue: Queue, step: int, deed: Callable[[], object]) -> list[Any]:
    """Publish by two threads: one sends for both, and `deed` is done at that step of it. Their answers."""
    single = publishing.single("turn")
    holder = _Caller(single)
    callers = queue._publisher._by_replicas.setdefault(0, blocking._Callers(queue._connection, queue._keys))
    assert callers._is_first(holder)
    steps: list[bool] = []

    def publish() -> Published:
        answers: list[Published] = []
        try:
            steps.append(
                at_step(step, ("convoy_core.publisher",), lambda: answers.append(queue.publish(f"one {step}")), act)
            )
        except Cut:
            if not answers:
                raise
        return answers[0]

    def act() -> None:
        deed()

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(publish)
        eventually(lambda: waiting(queue) == 1 or first.done())
        second = threads.submit(queue.publish, f"other {step}")
        eventually(lambda: second.done() or waiting(queue) == (1 if first.done() else 2))
        callers._leave(holder)
        said = [_outcome(first.result, patient()), _outcome(second.result, patient())]
        said.append(threads.submit(queue.publish, f"next {step}").result(patient()))
    return [*said, steps != [False]]


def _outcome(act: Callable[[float], object], limit: float) -> object:
    try:
        return act(limit)
    except (ConvoyError, Cut) as error:
        return error


def test_f77_a_sender_cut_short_at_any_step_leaves_the_others_an_honest_answer(
    store: RealServer, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "_LOOK_S", 0.02)
    kept, step, others = [], 0, Counter[str]()

    def cut() -> None:
        raise Cut

    with Queue("q", redis=store.url) as queue:
        queue.publish("warm")
        while True:
            first, second, then, reached = cut_sender(queue, step, cut)
            kept.append(first)  # with its frames
            assert then is Published.QUEUED
            assert second is Published.QUEUED or type(second) is OutcomeUnknown, (step, second)
            if second is Published.QUEUED:
                assert raw.sismember("cv:q:committed", f"other {step}"), step
            others[str(second)[:20]] += 1
            if not reached:
                break
            step += 7

    assert step > 100
    assert len(others) == 2, others


def test_a_publish_in_the_midst_of_one_by_the_same_thread_waits_for_nobody(store: RealServer) -> None:
    """As by a finalizer that the garbage collector runs there."""
    step = 0
    with Queue("q", redis=store.url) as queue:
        while True:
            nested = partial(queue.publish, f"nested {step}")
            first, second, then, reached = cut_sender(queue, step, nested)
            assert (first, second, then) == (Published.QUEUED,) * 3, step
            if not reached:
                break
            step += 11

        assert step > 100
        assert queue.show("nested 11").state is State.QUEUED


ALARMS = textwrap.dedent("""
    import random, signal, sys, threading, time
    from convoy_core import Queue

    class Late(Exception):
        pass

    def ring(*_):
        raise Late

    signal.signal(signal.SIGALRM, ring)
    queue = Queue("q", redis=sys.argv[1])
    queue.publish("warm")
    said, done = [], threading.Event()

    def publish(number):
        at = 0
        while not done.is_set():
            at += 1
            said.append(queue.publish(f"{number}-{at}"))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    cut = number = 0
    while number < 300 or cut <= 100 or len(said) <= 300:  # however fast the machine is
        number += 1
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-3))
            queue.publish(f"main {number}")
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Late:
            cut += 1
    done.set()
    for thread in threads:
        thread.join()
    print(*{*said})
""")


def test_signals_that_cut_the_main_thread_short_leave_all_other_threads_whole(store: RealServer) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ALARMS, store.url], capture_output=True, text=True, timeout=patient(), check=False
    )

    assert (said.stdout, said.returncode) == ("queued\n", 0), said.stderr


FORKS = textwrap.dedent("""
    import os, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    from convoy_core import Queue

    queue = Queue("q", redis=sys.argv[1])
    other = Queue("q", redis=sys.argv[1])
    queue.publish("warm")
    other._connection._get_transport().send(("CLIENT", "PAUSE", 100000, "WRITE"))
    threads = [threading.Thread(target=queue.publish, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    while sum(len(each._waiting) for each in queue._publisher._by_replicas.values()) < 2:
        pass
    if (child := os.fork()) == 0:
        other._connection._get_transport().send(("CLIENT", "UNPAUSE"))
        with ThreadPoolExecutor(2) as pool:
            print(*pool.map(queue.publish, "ab"), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    for thread in threads:
        thread.join()
    print(queue.counts().queued)
""")


def test_a_forked_child_waits_for_no_thread_of_its_parent(store: RealServer) -> None:
    said = subprocess.run(
        [sys.executable, "-c", FORKS, store.url], capture_output=True, text=True, timeout=patient(), check=False
    )

    assert (said.stdout, said.returncode) == ("queued queued\n6\n", 0), said.stderr


# --- a store that is gone


def test_when_the_store_dies_each_thread_learns_what_became_of_its_own_id() -> None:
    server = RealServer(valkey_binary())
    with Queue("q", redis=server.url) as queue, server.client() as client:
        queue.publish("warm")
        with ThreadPoolExecutor(20) as threads:
            client.client_pause(100_000, all=False)
            sent = threads.submit(queue.publish, "sent")
            eventually(lambda: is_sending(queue))
            waits = [threads.submit(queue.publish, number) for number in range(19)]
            eventually(lambda: waiting(queue) == 19)
            server.kill()
            unknown, unsent = sent.exception(), [call.exception() for call in waits]
    server.stop()

    assert type(unknown) is OutcomeUnknown
    assert [type(one) for one in unsent] == [StoreUnreachable] * 19
    assert len({id(one) for one in unsent}) == 19
    assert len({str(one) for one in unsent}) == 1


async def test_when_the_store_dies_each_task_learns_what_became_of_its_own_id() -> None:
    server = RealServer(valkey_binary())
    async with AsyncQueue("q", redis=server.url) as queue:
        with server.client() as client:
            await queue.publish("warm")
            client.client_pause(100_000, all=False)
            first = asyncio.create_task(queue.publish("first"))
            await asyncio.to_thread(eventually, lambda: newest_held(client) > 0)
            chunk = [asyncio.create_task(queue.publish(n)) for n in range(10)]
            await turns()
            held = newest_held(client)
            first.cancel()  # so that the others are sent, by a new connection
            await asyncio.to_thread(eventually, lambda: newest_held(client) > held)
            waits = [asyncio.create_task(queue.publish(n)) for n in range(10)]
            await turns()
        await asyncio.to_thread(server.kill)
        said = await asyncio.gather(*chunk, *waits, return_exceptions=True)
    server.stop()

    assert [type(one) for one in said] == [OutcomeUnknown] * 10 + [StoreUnreachable] * 10
    assert len({id(one) for one in said}) == 20


async def test_a_ready_made_client_takes_chunks_as_well(store: RealServer, raw: redis.Redis) -> None:
    client = redis.asyncio.Redis(unix_socket_path=str(store.socket))
    raw.config_resetstat()
    with store.client() as blocking_client:
        said = all_at_once([partial(Queue("q", redis=blocking_client).publish, n) for n in range(8)])
    queue = AsyncQueue("q", redis=client)
    said += await asyncio.gather(*(queue.publish(n, payload=n % 3) for n in range(8, 40)))
    await client.aclose()

    assert said == [Published.QUEUED] * 40
    assert round_trips(raw) < 50
