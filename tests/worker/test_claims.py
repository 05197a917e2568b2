"""What a pool does with the IDs that it holds, told to it one by one."""

from __future__ import annotations

import asyncio

from convoy_core import Job, PoolOptions
from convoy_core.jobs import Claim
from convoy_core.worker.claims import Claims
from convoy_core.worker.runs import Plan


async def test_what_there_is_no_slot_for_goes_back_and_the_pool_is_woken_to_say_so() -> None:
    """A comparison found three IDs, handed over while replies were on their way, and by now one may run."""
    running, doors, woken = list[str](), asyncio.Event(), list[None]()

    async def wait(job: Job) -> None:
        running.append(job.id)
        await doors.wait()

    claims = Claims(Plan("q", wait, 1, None, 0, PoolOptions()), "w", lambda: woken.append(None))
    claims.add([Claim(raw, number) for number, raw in enumerate((b"a", b"b", b"c"), 1)])
    claims.start()
    await asyncio.sleep(0)

    settlement, taken = claims.take_results()

    assert running == ["a"]
    assert [(claim.raw_id, verdict) for claim, verdict in taken] == [(b"b", "released"), (b"c", "released")]
    assert [claim.raw_id for claim in settlement.released] == [b"b", b"c"]
    assert woken
    doors.set()
    claims.close()
