"""The stage of a scenario: real Node clients, and a queue and pools of ours, told what to do in lines of text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from convoy_core import FaultKind, Job, PoolOptions, Queue, State, WorkerPool
from convoy_core.models import Then
from tests.interop.node_client import NodeClient
from tests.moves.keyspace import dump
from tests.servers import RealServer
from tests.waiting import eventually, patient

QUICK = PoolOptions(lease_s=1.0, beat_s=0.2, backoff_s=600.0)
CALM = PoolOptions(lease_s=300.0, beat_s=100.0)
"""With it no heartbeat comes in the midst of a scenario."""
GRACE_S = 0.2
"""Enough for a doctor where everybody stands still."""


class OurWorker:
    """A pool of ours whose runs go on until they are told to end."""

    def __init__(self, queue: Queue, options: PoolOptions, retries: int) -> None:
        self._ends: dict[str, str | None] = {}
        self._told = threading.Condition()
        self._running: list[str] = []
        self._is_over = False
        self.pool = WorkerPool(queue, self._run, concurrency=2, retries=retries, options=options)
        self.pool.start()

    def has_begun(self, id: str) -> None:
        """Wait until it runs this ID."""
        with self._told:
            assert self._told.wait_for(lambda: id in self._running, patient()), f"{id} was not begun"

    def end(self, id: str, error: str | None) -> None:
        """Let this run end."""
        before = self._ended()
        with self._told:
            self._ends[id] = error
            self._told.notify_all()
        eventually(lambda: self._ended() > before)

    def leave(self) -> None:
        """Stop as by its owner's wish, and give back what runs."""
        self.pool.stop(0)
        with self._told:
            self._is_over = True
            self._told.notify_all()

    def _ended(self) -> int:
        status = self.pool.status()
        return status.done + status.failed + status.retried + status.cancelled + status.stale

    def _run(self, job: Job) -> None:
        with self._told:
            self._running.append(job.id)
            self._told.notify_all()
            self._told.wait_for(lambda: job.id in self._ends or self._is_over, patient())
            self._running.remove(job.id)
            error = self._ends.pop(job.id, None)
        if error is not None:
            raise ValueError(error)


class Stage:
    """Everybody who acts on the queue `q`: whoever is named for the first time enters."""

    def __init__(self, package: Path, store: RealServer) -> None:
        self.store = store
        self.client = store.client()
        self.queue = Queue("q", redis=store.url)
        self._package = package
        self._actors = ExitStack()
        self._nodes: dict[str, NodeClient] = {}
        self._pools: dict[str, OurWorker] = {}

    def act(self, line: str) -> str:
        """Have somebody do something: `who verb details`. Returns the answer in words, empty where there is none."""
        who, verb, *details = line.split()
        if who == "ours":
            return str(getattr(self, f"_ours_{verb}")(*details))
        if who == "store":
            return str(getattr(self, f"_store_{verb}")(*details))
        if who.startswith("pool"):
            return self._pool_act(who, verb, details)
        return self._node_act(who, verb, details)

    def node(self, name: str) -> NodeClient:
        """The Node client of that name."""
        if name not in self._nodes:
            self._nodes[name] = self._actors.enter_context(NodeClient(self._package, self.store))
        return self._nodes[name]

    def left(self) -> dict[str, Any]:
        """All keys, but for counters, who worked, the moments of things, and the lock that Node's guards leave."""
        found = {_name(key): _timeless(key, value) for key, value in dump(self.client).items()}
        return {key: value for key, value in found.items() if key not in _UNTOLD and not key.startswith("lock:")}

    def leave(self) -> None:
        """Stop every pool of ours, as their owners would."""
        for worker in self._pools.values():
            worker.leave()
        self._pools.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self._actors.close()
        self.queue.close()
        self.client.close()

    # What Node clients do.

    def _node_act(self, who: str, verb: str, details: list[str]) -> str:
        node = self.node(who)
        if verb in {"began", "held", "freed"}:
            assert node.event() == (verb, details[0])
            return ""
        if (special := getattr(self, f"_node_{verb}", None)) is not None:
            return str(special(node, *details))
        return _words(node.ask(verb, *details))

    def _node_waits(self, node: NodeClient) -> str:
        eventually(lambda: self._is_blocked("blpop"))
        return ""

    def _node_begins(self, node: NodeClient, *order: str) -> str:
        node.tell(order[0], *(int(detail) if order[0] == "clear" else detail for detail in order[1:]))
        return ""

    def _node_answers(self, node: NodeClient) -> str:
        return _words(node.answer())

    def _node_open(self, node: NodeClient, timeout_ms: str) -> str:
        return _words(node.ask("open", {"jobTimeout": int(timeout_ms)}))

    def _node_clear(self, node: NodeClient, idle_s: str) -> str:
        return _words(node.ask("clear", int(idle_s)))

    def _node_guard(self, node: NodeClient, idle_s: str) -> str:
        return _words(node.ask("guard", int(idle_s)))

    def _node_killed(self, node: NodeClient) -> str:
        node.kill()
        return ""

    def _node_ends(self, node: NodeClient) -> str:
        return node.end()

    # What ours do.

    def _pool_act(self, who: str, verb: str, details: list[str]) -> str:
        if verb == "starts":
            calm, retries = "calm" in details, 3 if "retrying" in details else 0
            self._pools[who] = OurWorker(self.queue, CALM if calm else QUICK, retries)
            return ""
        worker = self._pools[who]
        match verb:
            case "began":
                worker.has_begun(*details)
            case "finish":
                worker.end(details[0], None)
            case "fail":
                worker.end(details[0], details[1])
            case "waits":
                eventually(lambda: self._is_blocked("blmove"))
            case "beats":
                eventually(lambda: self._is_restored(details[0]))
            case _:
                assert verb == "stops"
                self._pools.pop(who).leave()
        return ""

    def _ours_publish(self, id: str, *options: str) -> str:
        return self.queue.publish(id, **_OPTIONS[options[0]] if options else {})

    def _ours_run(self) -> str:
        """A pool works through what there is."""
        seen: list[str] = []
        WorkerPool(self.queue, lambda job: seen.append(job.id), options=PoolOptions(burst=True)).run()
        return " ".join(seen)

    def _ours_counts(self) -> str:
        counts = self.queue.counts()
        return f"{counts.queued} {counts.processing} {counts.failed}"

    def _ours_state(self, id: str) -> str:
        return self.queue.show(id).state

    def _ours_sees(self, id: str, state: str) -> str:
        """Wait until it is so."""
        eventually(lambda: self.queue.show(id).state == state)
        return ""

    def _ours_failures(self, id: str) -> str:
        return str(self.queue.show(id).failures)

    def _ours_errors(self) -> str:
        return " ".join(error.text.replace(" ", "_") for error in self.queue.errors().errors)

    def _ours_waits(self, error: str) -> str:
        """Until that is the newest line of the log: Node writes it last of all."""
        eventually(lambda: self._ours_errors().partition(" ")[0] == error)
        return ""

    def _ours_guard(self, idle: str, then: str = "requeue") -> str:
        return " ".join(sorted(self.queue.jam_guard(idle_s=int(idle), then=Then(then))))

    def _ours_free(self, idle: str) -> str:
        outcomes = self.queue.free_jammed(self.queue.jammed(idle_s=int(idle)))
        return " ".join(f"{id}:{outcome}" for id, outcome in outcomes.items())

    def _ours_requeue(self, id: str) -> str:
        return self.queue.requeue([id])[id]

    def _ours_discard(self, id: str, state: str) -> str:
        return self.queue.discard([id], state=State(state))[id]

    def _ours_cancel(self, id: str) -> str:
        return self.queue.cancel([id])[id]

    def _ours_pause(self) -> str:
        self.queue.pause()
        return ""

    def _ours_resume(self) -> str:
        self.queue.resume()
        return ""

    def _ours_check(self) -> str:
        """What is wrong, but for our data about IDs that Node has finished, which a pool sweeps."""
        faults = self.queue.check(grace_s=GRACE_S).faults
        return " ".join(sorted(f"{fault.kind}:{fault.id}" for fault in faults if fault.kind is not FaultKind.LEFTOVER))

    def _ours_repair(self) -> str:
        repaired = self.queue.repair(self.queue.check(grace_s=GRACE_S).faults)
        return " ".join(sorted(f"{answer}:{fault.id}" for fault, answer in repaired.items()))

    # What happens to the store.

    def _store_age(self, id: str, seconds: str) -> str:
        """As if that run had begun so long ago."""
        self.client.zincrby("cv:q:processing", -int(seconds), id)
        return ""

    def _store_early(self) -> str:
        """The lock of Node's guards is named after five seconds of the clock: wait for the first two of them."""
        eventually(lambda: int(self.client.time()[0]) % 5 < 2)
        return ""

    def _store_unlock(self) -> str:
        """As if the lock of Node's guards had expired."""
        for key in self.client.scan_iter("cv:q:lock:*"):
            self.client.delete(key)
        return ""

    def _is_blocked(self, command: str) -> bool:
        rows: list[dict[str, str]] = self.client.client_list()
        return any(row["cmd"] == command and "b" in row["flags"] for row in rows)

    def _is_restored(self, id: str) -> bool:
        score = self.client.zscore("cv:q:processing", id)
        is_fresh = score is not None and self.client.time()[0] - score < 10
        return is_fresh and bool(self.client.sismember("cv:q:committed", id))


_OPTIONS: Mapping[str, dict[str, Any]] = {
    "later": {"delay_s": 60},
    "front": {"front": True},
    "rerun": {"rerun": True},
    "payload": {"payload": "p"},
}

_OF_MOMENTS = {"processing", "delayed", "started", "published", "owner", "failure", "requests"}
_UNTOLD = {
    "totals",
    "meta",
    "departed",
    "cv:queues",
    "audit",
    "requeued",
    "history:seconds",
    "history:minutes",
    "history:hours",
} | {
    "durations:minutes",
    "durations:hours",
}


def _name(key: str) -> str:
    kind, dot, _ = key.partition(".")
    return kind if dot and kind == "errorLog" else key


def _timeless(key: str, value: Any) -> Any:
    """Without the moments, which differ from run to run."""
    return set(value) if key in _OF_MOMENTS else value


def _words(answer: Any) -> str:
    if answer is None:
        return ""
    return " ".join(map(str, answer)) if isinstance(answer, list) else str(answer)


def play(stage: Stage, script: str) -> None:
    """Each line is what somebody does, and after the arrow what they must answer; no arrow stands for nothing."""
    wrong: list[str] = []
    act: Callable[[str], str] = stage.act
    for line in filter(None, (line.strip() for line in script.splitlines())):
        does, _, wanted = (part.strip() for part in line.partition("->"))
        answered = act(does)
        if answered != wanted:
            wrong.append(f"{does} -> {answered or 'nothing'}, not {wanted or 'nothing'}")
    stage.leave()
    assert not wrong, "; ".join(wrong)
