"""Calls that an exception or a cancellation cuts short (F72): the next gets its own answer; no connection is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import pytest
import redis

from convoy_core import AsyncQueue, Queue
from convoy_core.moves.call import Call, command
from convoy_core.store.connection import Connection
from tests.servers import RealServer
from tests.stepping import at_step
from tests.waiting import eventually

T = TypeVar("T")

CONNECTIONS = 8
BELOW = (
    "convoy_core.store.",
    "contextlib",
    "redis.",
)
"""The modules that a call goes through once it is about connections."""


class Cut(BaseException):
    """What a signal's handler might raise."""


def echo(word: int) -> Call[bytes]:
    return command("ECHO", b"%d" % word, read=bytes)


def in_a_thread_of_its_own(look: Callable[[], T]) -> T:
    """What comes of `look` where nothing else runs: an exception raised between two bytecodes of a handler leaves the
    handler's own current for the rest of its thread, and all that are raised there later have it as their context.
    """
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(look).result()


def cut_at(step: int, act: Callable[[], object]) -> Cut | None:
    """Have `Cut` raised at a step of `act`, counted in bytecodes; None where it took fewer."""

    def cut() -> None:
        raise Cut

    try:
        at_step(step, BELOW, act, cut)
    except Cut as error:
        return error
    return None


def cut_everywhere(connection: Connection, act: Callable[[], object], stride: int) -> tuple[int, list[int]]:
    """Cut `act` short once at every so many of its steps; how often that was, and after which cuts the next call was
    answered with what is not its own.
    """
    kept: list[Cut] = []  # with the frames that they arose in, as a notebook keeps the last one
    others: list[int] = []
    while (cut := cut_at(len(kept) * stride, act)) is not None:
        kept.append(cut)
        if connection.run(echo(len(kept))) != b"%d" % len(kept):
            others.append(len(kept))
    return len(kept), others


def most_at_once(connection: Connection, raw: redis.Redis) -> int:
    """How many connections can be in use at the same time."""
    wait = command("BLPOP", b"nothing", 20, read=lambda reply: reply)
    threads = [threading.Thread(target=connection.run, args=(wait,)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    with suppress(AssertionError):
        eventually(lambda: raw.info("clients")["blocked_clients"] == CONNECTIONS)
    most = int(raw.info("clients")["blocked_clients"])
    raw.rpush("nothing", *range(CONNECTIONS))
    for thread in threads:
        thread.join()
    return most


def publish_one(queue: Queue) -> None:
    queue.publish("one")


def publish_many(queue: Queue) -> None:
    queue.publish_many(str(number) for number in range(1200))


def look(queue: Queue) -> None:
    queue._connection.run(echo(1))
    queue.counts()


@pytest.mark.parametrize(
    ("act", "stride"),
    [(publish_one, 2), (publish_many, 23), (look, 3)],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_call_cut_short_at_any_step_leaves_the_next_its_own_answer_and_every_connection(
    store: RealServer, raw: redis.Redis, act: Callable[[Queue], None], stride: int
) -> None:
    with Queue("q", redis=store.url) as queue:
        act(queue)
        cuts, others = in_a_thread_of_its_own(lambda: cut_everywhere(queue._connection, lambda: act(queue), stride))

        assert cuts > 50
        assert others == []
        assert most_at_once(queue._connection, raw) == CONNECTIONS


ALARMS = textwrap.dedent("""
    import random, signal, sys, threading, time
    from convoy_core import Queue
    from convoy_core.moves.call import command

    class Late(Exception):
        pass

    def ring(*_):
        raise Late

    def settled():
        # The interpreter may overlook a signal that came as it took its lock, until it takes that again.
        time.sleep(0)

    signal.signal(signal.SIGALRM, ring)
    queue = Queue("q", redis=sys.argv[1])
    queue.publish("warm")
    started = time.perf_counter()
    for number in range(20):
        queue.publish(f"warm {number}")
    usual = (time.perf_counter() - started) / 20
    cut = crossed = number = 0
    while number < 1000 or cut <= 100:
        number += 1
        word = b"%d" % number
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1.5 * usual))
            queue.publish(str(number))
            signal.setitimer(signal.ITIMER_REAL, 0)
            settled()
        except Late:
            cut += 1
        crossed += queue._connection.run(command("ECHO", word, read=bytes)) != word
    wait = command("BLPOP", b"nothing", 20, read=list)
    threads = [threading.Thread(target=queue._connection.run, args=(wait,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(crossed)
""")


def test_after_a_thousand_signals_every_call_has_its_own_answer_and_no_connection_is_lost(
    store: RealServer, raw: redis.Redis
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ALARMS, store.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        eventually(lambda: raw.info("clients")["blocked_clients"] == CONNECTIONS or program.poll() is not None)
        is_over = program.poll() is not None
        raw.rpush("nothing", *range(CONNECTIONS))
        said, failed = program.communicate()

    assert not is_over, failed or "a connection was lost: they never were all in use at once"
    assert (said, program.returncode) == ("0\n", 0), failed


async def test_a_call_cancelled_at_any_turn_of_the_loop_leaves_the_next_its_own_answer_and_every_connection(
    store: RealServer, raw: redis.Redis
) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        connection = queue._connection
        await queue.publish("warm")
        number, cancelled, others = 0, 0, []
        while number < 150 or cancelled <= 50:  # beside a busy neighbour most have ended by then
            number += 1
            call = asyncio.create_task(queue.publish_many(f"{number} {one}" for one in range(number % 150 * 4)))
            for _ in range(number % 30):
                await asyncio.sleep(0)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call
            cancelled += call.cancelled()
            if await connection.run(echo(number)) != b"%d" % number:
                others.append(number)
        wait = command("BLPOP", b"nothing", 20, read=lambda reply: reply)
        waits = asyncio.gather(*(connection.run(wait) for _ in range(CONNECTIONS)))
        await asyncio.to_thread(eventually, lambda: raw.info("clients")["blocked_clients"] == CONNECTIONS)
        most = raw.info("clients")["blocked_clients"]
        raw.rpush("nothing", *range(CONNECTIONS))
        await waits

    assert others == []
    assert most == CONNECTIONS


def test_a_ready_made_client_cut_short_before_it_read_the_reply_is_not_left_with_it(store: RealServer) -> None:
    with store.client() as client:
        connection = Queue("q", redis=client)._connection
        connection.run(echo(0))
        cuts, others = in_a_thread_of_its_own(lambda: cut_everywhere(connection, lambda: connection.run(echo(0)), 11))

    assert cuts > 50
    assert others == []
