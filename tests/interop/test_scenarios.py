"""What real Node clients and ours do together on one queue: scenarios with all answers, and all keys that they leave.

A line is what somebody does: `node` and `node2` are processes of redis-convoy, `pool` is a worker pool of ours, `ours`
our `Queue`, and `store` what time does. After the arrow stands the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.interop.stage import Stage, play

Scenario = tuple[str, Mapping[str, Any]]

PUBLISHING: dict[str, Scenario] = {
    "what node published is refused to ours": (
        """
        node add a -> accepted
        ours publish a -> already_queued
        ours counts -> 1 0 0
        """,
        {"queued": ["a"], "committed": {"a"}, "requests": {"a"}},
    ),
    "what ours published is refused to node": (
        """
        ours publish a -> queued
        node add a -> committed
        node counts -> 1 0 0
        """,
        {"queued": ["a"], "committed": {"a"}, "published": {"a"}},
    ),
    "both keep one order": (
        """
        node add a -> accepted
        ours publish b -> queued
        node add c -> accepted
        ours publish d front -> queued
        ours run -> d a b c
        """,
        {},
    ),
    "what ours delays is refused to node and not seen as queued": (
        """
        ours publish a later -> delayed
        node add a -> committed
        node counts -> 0 0 0
        ours state a -> delayed
        """,
        {"committed": {"a"}, "delayed": {"a"}, "published": {"a"}},
    ),
    "what ours discards may be published by node": (
        """
        ours publish a -> queued
        ours discard a queued -> discarded
        node add a -> accepted
        """,
        {"queued": ["a"], "committed": {"a"}},
    ),
    "what node published is discarded by ours": (
        """
        node add a -> accepted
        node add b -> accepted
        ours discard a queued -> discarded
        node add a -> accepted
        """,
        {"queued": ["b", "a"], "committed": {"a", "b"}},
    ),
    "two node clients and ours publish the same": (
        """
        node add a -> accepted
        node2 add a -> committed
        ours publish a -> already_queued
        node2 add b -> accepted
        node add b -> committed
        """,
        {"queued": ["a", "b"], "committed": {"a", "b"}, "requests": {"a"}},
    ),
    "ours is refused in the midst of a publish of node": (
        """
        node set_trap hold rpush -> rpush
        node begins add a
        node held rpush
        ours publish a -> already_queued
        ours counts -> 0 0 0
        node begins go_on
        node answers
        node answers -> accepted
        """,
        {"queued": ["a"], "committed": {"a"}, "requests": {"a"}},
    ),
}

WORKING: dict[str, Scenario] = {
    "node runs what ours published": (
        """
        ours publish a -> queued
        node work
        node began a
        node counts -> 0 1 0
        ours state a -> processing
        ours publish a -> processing
        node finish a
        ours state a -> absent
        """,
        {"published": {"a"}, "requests": {"a"}},
    ),
    "ours runs what node published": (
        """
        node add a -> accepted
        pool starts
        pool began a
        node add a -> committed
        node counts -> 0 1 0
        pool finish a
        node counts -> 0 0 0
        node add a -> accepted
        pool began a
        pool finish a
        """,
        {},
    ),
    "a waiting node worker gets what ours publishes": (
        """
        node work
        node waits
        ours publish a -> queued
        node began a
        node finish a
        """,
        {"published": {"a"}},
    ),
    "a waiting node worker gets what ours publishes in front": (
        """
        node work
        node waits
        ours publish a front -> queued
        node began a
        """,
        {"processing": {"a"}, "committed": {"a"}, "published": {"a"}},
    ),
    "a waiting pool gets what node publishes": (
        """
        pool starts
        pool waits
        node add a -> accepted
        pool began a
        pool finish a
        """,
        {},
    ),
    "a node worker and a pool share a queue": (
        """
        node work
        node waits
        node2 add a -> accepted
        node began a
        pool starts
        pool waits
        node2 add b -> accepted
        pool began b
        node finish a
        node waits
        pool finish b
        """,
        {},
    ),
    "a payload of ours is left by node and swept by a pool": (
        """
        ours publish a payload -> queued
        node work
        node began a
        node finish a
        ours check
        ours repair -> forgotten:a
        """,
        {},
    ),
    "our next publish of it begins anew": (
        """
        ours publish a payload -> queued
        node work
        node began a
        node finish a
        node stop
        ours publish a later -> delayed
        """,
        {"committed": {"a"}, "delayed": {"a"}, "published": {"a"}},
    ),
    "what was asked for while node runs it is run once more by a pool": (
        """
        node add a -> accepted
        node work
        node began a
        ours publish a rerun -> will_rerun
        node stop
        node finish a
        pool starts
        pool began a
        pool finish a
        """,
        {},
    ),
    "a publish by node takes the place of a rerun": (
        """
        node add a -> accepted
        node work
        node began a
        ours publish a rerun -> will_rerun
        node stop
        node finish a
        node2 add a -> accepted
        ours run -> a
        """,
        {},
    ),
    "a paused queue stops ours and not node": (
        """
        ours pause
        ours publish a -> queued
        node work
        node began a
        node finish a
        node stop
        ours resume
        """,
        {"published": {"a"}},
    ),
}

FAILING: dict[str, Scenario] = {
    "f54 what node counts adds to what ours remembers": (
        """
        node add a -> accepted
        node work
        node began a
        node fail a first
        ours requeue a -> queued
        node began a
        node fail a second
        ours failures a -> 2
        ours publish a -> queued
        node began a
        node fail a third
        ours failures a -> 3
        node stop
        ours repair -> forgotten:a
        ours failures a -> 3
        """,
        {"failed": {"a": 3}, "errorLog": ["third", "second", "first"]},
    ),
    "node fails what ours published": (
        """
        ours publish a -> queued
        node work
        node began a
        node fail a no_tyres
        ours state a -> failed
        ours failures a -> 1
        ours errors -> no_tyres
        ours counts -> 0 0 1
        """,
        {"failed": {"a": 1}, "errorLog": ["no_tyres"], "published": {"a"}},
    ),
    "an error object of node is logged as its text": (
        """
        node add a -> accepted
        node work
        node began a
        node fail_with_error a no_tyres
        ours errors -> TypeError:_no_tyres
        """,
        {"failed": {"a": 1}, "errorLog": ["TypeError: no_tyres"]},
    ),
    "ours fails what node published": (
        """
        node add a -> accepted
        pool starts
        pool began a
        pool fail a no_tyres
        pool stops
        node counts -> 0 0 1
        node add a -> accepted
        """,
        {
            "queued": ["a"],
            "committed": {"a"},
            "failed": {"a": 1},
            "failure": {"a"},
            "errorLog": ["ValueError: no_tyres"],
        },
    ),
    "failures of node and ours add up": (
        """
        node add a -> accepted
        node work
        node began a
        node fail a first
        node stop
        ours publish a -> queued
        node began a
        node fail a second
        ours failures a -> 2
        ours publish a -> queued
        pool starts
        pool began a
        pool fail a third
        ours failures a -> 3
        node counts -> 0 0 1
        """,
        {"failed": {"a": 3}, "failure": {"a"}, "errorLog": ["ValueError: third", "second", "first"]},
    ),
    "what node failed succeeds with ours": (
        """
        node add a -> accepted
        node work
        node began a
        node fail a first
        node stop
        node2 add a -> accepted
        node began a
        node finish a
        node2 add a -> accepted
        ours state a -> queued
        ours run -> a
        ours state a -> absent
        """,
        {"errorLog": ["first"]},
    ),
    "ours requeues what node failed": (
        """
        node add a -> accepted
        node work
        node began a
        node fail a first
        ours requeue a -> queued
        node began a
        node finish a
        node stop
        ours repair -> forgotten:a
        """,
        {"errorLog": ["first"]},
    ),
    "ours discards what node failed": (
        """
        node add a -> accepted
        node work
        node began a
        node fail a first
        ours discard a failed -> discarded
        node counts -> 0 0 0
        """,
        {"errorLog": ["first"]},
    ),
    "what ours will retry is refused to node": (
        """
        ours publish a -> queued
        pool starts retrying
        pool began a
        pool fail a first
        pool stops
        node add a -> committed
        node counts -> 0 0 0
        ours state a -> delayed
        """,
        {
            "committed": {"a"},
            "delayed": {"a"},
            "published": {"a"},
            "attempts": {"a": "1"},
            "failures": {"a": "1"},
            "failure": {"a"},
            "errorLog": ["ValueError: first"],
        },
    ),
    "ours may publish between the two halves of a failure of node": (
        """
        node add a -> accepted
        node work
        node began a
        node set_trap hold zincrby -> zincrby
        node begins fail a late
        node held zincrby
        node stop
        ours publish a later -> delayed
        node begins go_on
        node answers
        node answers
        ours state a -> delayed
        ours check
        """,
        {"committed": {"a"}, "delayed": {"a"}, "published": {"a"}, "failed": {"a": 1}, "errorLog": ["late"]},
    ),
    "a run that node has timed out is failed and may be published": (
        """
        node open 50
        node add a -> accepted
        node work
        node began a
        ours waits timeout
        ours state a -> failed
        ours publish a later -> delayed
        """,
        {
            "committed": {"a"},
            "delayed": {"a"},
            "published": {"a"},
            "failures": {"a": "1"},
            "errorLog": ["timeout"],
        },
    ),
    "node ends a timed out run after ours has begun it again": (
        """
        node open 50
        node add a -> accepted
        node work
        node began a
        node stop
        ours waits timeout
        ours publish a -> queued
        pool starts
        pool began a
        node finish a
        ours publish a -> processing
        pool beats a
        node2 add a -> committed
        pool finish a
        """,
        {"errorLog": ["timeout"]},
    ),
    "node ends a timed out run after ours has published it again": (
        """
        node open 50
        node add a -> accepted
        node work
        node began a
        node stop
        ours waits timeout
        ours publish a -> queued
        node finish a
        ours check -> uncommitted:a
        ours repair -> committed:a gone:a
        node2 add a -> committed
        ours run -> a
        """,
        {"errorLog": ["timeout"]},
    ),
}

GUARDING: dict[str, Scenario] = {
    "ours frees what a node worker left": (
        """
        node add a -> accepted
        node work
        node began a
        node killed
        store age a 60
        ours guard 30 -> a
        ours run -> a
        """,
        {},
    ),
    "ours leaves what a node worker began just now": (
        """
        node add a -> accepted
        node work
        node began a
        ours guard 30
        """,
        {"processing": {"a"}, "committed": {"a"}},
    ),
    "ours forgets what a node worker left where told so": (
        """
        node add a -> accepted
        node work
        node began a
        node killed
        store age a 60
        ours guard 30 discard -> a
        node2 add a -> accepted
        """,
        {"queued": ["a"], "committed": {"a"}},
    ),
    "ours fails what a node worker left where told so": (
        """
        node add a -> accepted
        node work
        node began a
        node killed
        store age a 60
        ours guard 30 fail -> a
        node2 counts -> 0 0 1
        """,
        {"failed": {"a": 1}, "failure": {"a"}, "errorLog": ["jammed"]},
    ),
    "node frees what a node worker left and it is absent for ours": (
        """
        node add a -> accepted
        node work
        node began a
        node killed
        store age a 60
        node2 clear 30 -> a
        ours state a -> absent
        ours publish a -> queued
        """,
        {"queued": ["a"], "committed": {"a"}, "published": {"a"}},
    ),
    "node finds nothing jammed in a live run of ours": (
        """
        ours publish a -> queued
        pool starts
        pool began a
        store age a 60
        pool beats a
        node clear 30
        store unlock
        pool finish a
        """,
        {},
    ),
    "a run of ours that node freed stays ours": (
        """
        ours publish a -> queued
        pool starts
        pool began a
        node clear -60 -> a
        ours publish a -> processing
        pool beats a
        node add a -> committed
        pool finish a
        ours state a -> absent
        """,
        {},
    ),
    "a guard of node that found nothing holds ours off until its lock is gone": (
        """
        node add a -> accepted
        node work
        node began a
        store early
        node2 clear 30
        store age a 60
        ours free 30 -> a:locked
        store unlock
        ours free 30 -> a:queued
        """,
        {"queued": ["a"], "committed": {"a"}, "crashes": {"a": "1"}},
    ),
    "ours holds off in the midst of a guard of node": (
        """
        node add a -> accepted
        node work
        node began a
        store age a 60
        node2 set_trap hold zrangebyscore -> zrangebyscore
        store early
        node2 begins clear 30
        node2 held zrangebyscore
        ours free 30 -> a:locked
        node2 begins go_on
        node2 answers
        node2 answers -> a
        ours free 30
        """,
        {},
    ),
    "two guards of node and ours free an id once": (
        """
        node add a -> accepted
        node work
        node began a
        node killed
        store age a 60
        node2 clear 30 -> a
        node3 clear 30
        store unlock
        ours guard 30
        """,
        {},
    ),
    "a repeating guard of node frees what was left": (
        """
        node add a -> accepted
        node work
        node began a
        node killed
        store age a 60
        node2 guard 30
        node2 freed a
        ours state a -> absent
        """,
        {},
    ),
    "node ends a run that ours freed while it waits": (
        """
        node add a -> accepted
        node work
        node began a
        node stop
        store age a 60
        ours guard 30 -> a
        node finish a
        ours check -> uncommitted:a
        ours repair -> committed:a gone:a
        ours publish a -> already_queued
        ours run -> a
        """,
        {},
    ),
    "node ends a run that ours freed and took over": (
        """
        node add a -> accepted
        node work
        node began a
        node stop
        store age a 60
        ours guard 30 -> a
        pool starts
        pool began a
        node finish a
        ours publish a -> processing
        pool beats a
        node2 add a -> committed
        pool finish a
        """,
        {},
    ),
    "what node may publish then runs once more afterwards": (
        """
        node add a -> accepted
        node work
        node began a
        node stop
        store age a 60
        ours guard 30 -> a
        pool starts calm
        pool began a
        node finish a
        node2 add a -> accepted
        node2 add a -> committed
        ours publish a -> processing
        pool finish a
        pool began a
        pool finish a
        """,
        {},
    ),
}

STOPPING: dict[str, Scenario] = {
    "a node worker that was stopped takes one more and no second": (
        """
        node work
        node waits
        node stop
        ours publish a -> queued
        ours publish b -> queued
        node began a
        node finish a
        node counts -> 1 0 0
        """,
        {"queued": ["b"], "committed": {"b"}, "published": {"a", "b"}},
    ),
    "a node worker that was stopped goes on when started again": (
        """
        node work
        node waits
        node stop
        ours publish a -> queued
        node began a
        node finish a
        ours publish b -> queued
        node work
        node began b
        node finish b
        """,
        {"published": {"a", "b"}},
    ),
    "a stopped pool gives back what node then runs": (
        """
        ours publish a -> queued
        node add b -> accepted
        pool starts
        pool began a
        pool began b
        pool stops
        node work
        node began a
        node finish a
        node began b
        node finish b
        """,
        {"published": {"a"}},
    ),
    "what node closes with goes on with ours": (
        """
        node add a -> accepted
        node add b -> accepted
        node close
        ours run -> a b
        """,
        {},
    ),
    "a pool that starts beside a waiting node worker takes nothing from it": (
        """
        node work
        node waits
        pool starts
        pool waits
        ours publish a -> queued
        node began a
        ours publish b -> queued
        pool began b
        pool stops
        """,
        {"queued": ["b"], "processing": {"a"}, "committed": {"a", "b"}, "published": {"a", "b"}},
    ),
}

CANCELLING: dict[str, Scenario] = {
    "what node published is cancelled by ours and may be published anew": (
        """
        node add a -> accepted
        ours cancel a -> cancelled
        node add a -> accepted
        """,
        {"queued": ["a"], "committed": {"a"}},
    ),
    "what node runs cannot be cancelled by ours, and the answer says so": (
        """
        node add a -> accepted
        node work
        node began a
        ours cancel a -> node
        ours state a -> processing
        node finish a
        ours state a -> absent
        """,
        {},
    ),
    "what node is just publishing is left alone by a cancel": (
        """
        node set_trap hold rpush -> rpush
        node begins add a
        node held rpush
        ours cancel a -> missing
        node begins go_on
        node answers
        node answers -> accepted
        ours cancel a -> cancelled
        """,
        {},
    ),
    "what ours was asked to end is refused to node until it has ended": (
        """
        ours publish a -> queued
        pool starts retrying
        pool began a
        ours cancel a -> cancelling
        node add a -> committed
        pool fail a no_tyres
        pool stops
        ours counts -> 0 0 0
        node add a -> accepted
        """,
        {"queued": ["a"], "committed": {"a"}},
    ),
    "a node guard drops what ours was asked to end, and it ends all the same": (
        """
        ours publish a -> queued
        pool starts calm retrying
        pool began a
        ours cancel a -> cancelling
        store age a 600
        node guard 300
        store unlock
        ours cancel a -> cancelling
        pool fail a no_tyres
        pool stops
        ours counts -> 0 0 0
        """,
        {},
    ),
}

SCENARIOS = PUBLISHING | WORKING | FAILING | GUARDING | STOPPING | CANCELLING


@pytest.mark.parametrize("name", SCENARIOS)
def test_node_and_ours_on_one_queue(stage: Stage, name: str) -> None:
    script, left = SCENARIOS[name]

    play(stage, script)

    assert stage.left() == left
