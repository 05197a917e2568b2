"""A publisher process of the storm: many threads or tasks that publish one by one at the same moment, and share chunks.

Whoever has its turn sends for the others as well. The whole process may be killed at any moment, and tasks of it are
cancelled in the midst of a call. It writes down each ID when the answer has come that it was accepted: no kill after
that loses it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from convoy_core import AsyncQueue, Queue, StoreError

TASKS: Final = 20
THREADS: Final = 6
EACH: Final = 8
"""How many callers there are in one process, and how many IDs each publishes."""

AGAIN_S: Final = 0.05
"""Before a publish is tried again whose answer was an error: the server is being killed and started."""


def run(url: str, directory: Path, number: int, seed: int) -> NoReturn:
    """Publish until all are accepted. In a forked child: ends the process, with 1 for what must not happen."""
    journal = os.open(directory / f"published-{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def accepted(id: str) -> None:
        os.write(journal, json.dumps([id, time.monotonic()]).encode() + b"\n")

    status = 0
    try:
        dice = random.Random(seed)
        if dice.random() < 0.5:
            asyncio.run(_in_tasks(url, number, dice, accepted))
        else:
            _in_threads(url, number, accepted)
    except BaseException:  # noqa: BLE001 - nothing may return from here
        traceback.print_exc()
        status = 1
    finally:
        sys.stderr.flush()
        os._exit(status)


async def _in_tasks(url: str, number: int, dice: random.Random, accepted: Callable[[str], None]) -> None:
    """Each task publishes some IDs. Some are cancelled meanwhile; the others must have their answers all the same."""
    async with AsyncQueue("storm", redis=url) as queue:

        async def publish(caller: int) -> None:
            for n in range(EACH):
                id = _id(number, caller, n)
                while True:
                    try:
                        await queue.publish(id)
                    except StoreError:
                        await asyncio.sleep(AGAIN_S)
                    else:
                        accepted(id)
                        break

        tasks = [asyncio.create_task(publish(caller)) for caller in range(TASKS)]
        for task in dice.sample(tasks, TASKS // 4):
            await asyncio.sleep(dice.random() * 0.002)
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end


def _in_threads(url: str, number: int, accepted: Callable[[str], None]) -> None:
    failed: list[BaseException] = []
    with Queue("storm", redis=url) as queue:

        def publish(caller: int) -> None:
            try:
                for n in range(EACH):
                    id = _id(number, caller, n)
                    while True:
                        try:
                            queue.publish(id)
                        except StoreError:
                            time.sleep(AGAIN_S)
                        else:
                            accepted(id)
                            break
            except BaseException as error:  # noqa: BLE001 - told by the one who waits
                failed.append(error)

        threads = [threading.Thread(target=publish, args=(caller,)) for caller in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


def _id(number: int, caller: int, n: int) -> str:
    return f"shared-{number}-{caller}-{n}"


def read(directory: Path) -> dict[str, float]:
    """Which IDs were accepted by publisher processes, and when, by `time.monotonic`. A line that a kill cut is none."""
    accepted: dict[str, float] = {}
    for journal in sorted(directory.glob("published-*")):
        for line in journal.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                id, at = json.loads(line)
                accepted[id] = at
    return accepted
