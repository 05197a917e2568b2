"""Every public operation of a queue, and what a pool asks for, each with the largest batch that is sent at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.long_queue import QUEUE, LongQueue
from convoy_core import State, decode_id
from convoy_core.jobs import Claim
from convoy_core.options import BATCH, SMALL_BATCH


class Act(NamedTuple):
    """Something to do, and what has to be got ready for it, which is not measured."""

    do: Callable[[LongQueue, Any], object]
    prepare: Callable[[LongQueue], Any] = lambda _: None


def page(state: State | None, part: float = 0.0) -> Act:
    """A page of 500 from that part of a state: 0 its start, 1 its end."""

    def do(long: LongQueue, total: int) -> object:
        return long.queue.page(state, start=max(0, round(part * (total - BATCH))), limit=BATCH)

    return Act(do, lambda long: long.queue.page(state, limit=1).total)


def _settle(settled: str, *, want: int = 0) -> Act:
    def prepare(long: LongQueue) -> list[Claim]:
        claims = long.take(long.shape.batch)
        long.line_up()
        return claims

    return Act(lambda long, claims: long.settle(settled, claims, want), prepare)


def _cancel(long: LongQueue, claims: list[Claim]) -> None:
    """Ask all of these runs to end, and have them given back, which ends them."""
    long.queue.cancel(decode_id(claim.raw_id) for claim in claims)
    long.settle("released", claims)


def _take_some(long: LongQueue) -> list[Claim]:
    return long.take(min(SMALL_BATCH, long.shape.batch))


ACTS: dict[str, Act] = {
    "counts": Act(lambda long, _: long.queue.counts()),
    "snapshot": Act(lambda long, _: long.fleet.snapshot([QUEUE])),
    "snapshot, all jammed": Act(lambda long, _: long.fleet.snapshot([QUEUE], jam_after_s=0)),
    "queue names": Act(lambda long, _: long.fleet.queues()),
    "find": Act(lambda long, ids: long.fleet.find(ids[-1]), LongQueue.known),
    "page, queued, start": page(State.QUEUED),
    "page, queued, middle": page(State.QUEUED, 0.5),
    "page, queued, end": page(State.QUEUED, 1),
    "page, delayed, middle": page(State.DELAYED, 0.5),
    "page, failed, start": page(State.FAILED),
    "page, failed, middle": page(State.FAILED, 0.5),
    "page, failed, end": page(State.FAILED, 1),
    "page, processing, start": page(State.PROCESSING),
    "page, processing, middle": page(State.PROCESSING, 0.5),
    "page, processing, end": page(State.PROCESSING, 1),
    "page, committed": page(None),
    "failure groups": Act(lambda long, _: long.queue.failure_groups()),
    "errors": Act(lambda long, _: long.queue.errors(limit=BATCH)),
    "show, first in line": Act(
        lambda long, id: long.queue.show(id), lambda long: long.queue.page(State.QUEUED, limit=1).entries[0].id
    ),
    "show, last in line": Act(lambda long, ids: long.queue.show(ids[-1]), LongQueue.known),
    "show, failed": Act(lambda long, _: long.queue.show(long.id(f"f{long.shape.failed - 1}"))),
    "workers": Act(lambda long, _: long.queue.workers()),
    "states": Act(lambda long, ids: list(long.queue.states(ids)), LongQueue.known),
    "check": Act(lambda long, _: long.queue.check(grace_s=0)),
    "jammed": Act(lambda long, _: long.queue.jammed(idle_s=0)),
    "publish": Act(lambda long, ids: long.queue.publish_many(ids), LongQueue.fresh),
    "publish to the front": Act(lambda long, ids: long.queue.publish_many(ids, front=True), LongQueue.fresh),
    "publish with payload": Act(lambda long, ids: long.queue.publish_many(ids, payload=long.payload), LongQueue.fresh),
    "publish delayed": Act(lambda long, ids: long.queue.publish_many(ids, delay_s=3600), LongQueue.fresh),
    "publish failed": Act(lambda long, ids: long.queue.publish_many(ids), LongQueue.failed),
    "publish known": Act(lambda long, ids: long.queue.publish_many(ids), LongQueue.known),
    "requeue": Act(lambda long, ids: long.queue.requeue(ids), LongQueue.failed),
    "discard failed": Act(lambda long, ids: long.queue.discard(ids, state=State.FAILED), LongQueue.failed),
    "discard one queued": Act(lambda long, ids: long.queue.discard(ids, state=State.QUEUED), LongQueue.one_queued),
    "cancel one queued": Act(lambda long, ids: long.queue.cancel(ids), LongQueue.one_queued),
    "cancel running, and abort": Act(_cancel, lambda long: long.take(long.shape.batch)),
    "discard the first delayed": Act(lambda long, _: long.queue.discard_all(State.DELAYED, limit=long.shape.batch)),
    "jam guard": Act(lambda long, entries: long.queue.free_jammed(entries), LongQueue.some_jammed),
    "claim": Act(lambda long, _: long.claim(long.shape.batch), LongQueue.line_up),
    "complete": _settle("completed"),
    "complete and claim": _settle("completed", want=BATCH),
    "release": _settle("released"),
    "give up": _settle("discarded"),
    "fail": Act(lambda long, claims: long.fail(claims), _take_some),
    "retry": Act(lambda long, claims: long.fail(claims, 5), _take_some),
    "defer": Act(lambda long, claims: long.defer(claims), _take_some),
    "renew": Act(lambda long, claims: long.renew(claims), lambda long: long.take(long.shape.batch)),
    "compare": Act(lambda long, _: long.held()),
    "recover": Act(lambda long, worker: long.recover(worker), LongQueue.die),
    "audit": Act(lambda long, _: long.audit()),
    "promote": Act(lambda long, _: long.promote(), LongQueue.delay),
    "sweep": Act(lambda long, _: long.sweep()),
    "record": Act(lambda long, _: long.queue.record(for_s=3600)),
    "publish, recorded": Act(lambda long, ids: long.queue.publish_many(ids), LongQueue.fresh),
    "complete and claim, recorded": _settle("completed", want=BATCH),
    "trace": Act(lambda long, _: [*long.queue.trace("1")]),
    "stop recording": Act(lambda long, _: long.queue.stop_recording()),
    "pause": Act(lambda long, _: long.queue.pause()),
    "resume": Act(lambda long, _: long.queue.resume()),
}
"""Name -> act."""
