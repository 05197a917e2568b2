"""Discarding the whole of a state, however large."""

from __future__ import annotations

import pytest

from convoy_core import Counts, InvalidOption, Published, Queue, State
from tests.servers import RealServer


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.FAILED])
def test_all_of_a_state_is_forgotten_and_the_rest_stays(each_store: RealServer, state: State) -> None:
    with Queue("q", redis=each_store.url) as queue, each_store.client() as client:
        queue.publish_many([f"queued {n}" for n in range(1200)], payload="cargo")
        queue.publish_many([f"delayed {n}" for n in range(1200)], delay_s=60)
        client.zadd("cv:q:failed", {f"failed {n}": n + 1 for n in range(1200)})
        client.zadd("cv:q:processing", {"running": 1})
        client.sadd("cv:q:committed", "running")
        before = queue.counts()

        gone = queue.discard_all(state)

        assert gone == 1200
        left = {name: getattr(before, name) for name in ("queued", "delayed", "processing", "failed")}
        left[state.value] = 0
        committed = left["queued"] + left["delayed"] + left["processing"]
        assert queue.counts() == Counts(committed=committed, **left)
        assert queue.snapshot().totals["discarded"] == 1200
        assert queue.publish(f"{state} 7") is Published.QUEUED


def test_a_running_id_of_which_a_copy_is_queued_keeps_its_place(store: RealServer) -> None:
    with Queue("q", redis=store.url) as queue, store.client() as client:
        queue.publish("a")
        client.zadd("cv:q:processing", {"a": 1})

        assert queue.discard_all(State.QUEUED) == 1
        assert queue.counts() == Counts(committed=1, processing=1)


def test_a_state_that_cannot_be_discarded_is_refused(store: RealServer) -> None:
    with Queue("q", redis=store.url) as queue, pytest.raises(InvalidOption, match="not processing ones"):
        queue.discard_all(State.PROCESSING)
