"""The metrics of a store, read over HTTP by Prometheus' own parser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest
import redis
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from convoy_core import (
    Fleet,
    InvalidOption,
    Job,
    PoolOptions,
    Retry,
    WorkerPool,
)
from convoy_core.metrics import MetricsServer, StoreCollector
from tests.metrics.scrapes import scrape
from tests.servers import RealServer
from tests.waiting import patient


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


@pytest.fixture
def server(fleet: Fleet) -> Iterator[MetricsServer]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(fleet, jam_after_s=0.0))
    with MetricsServer(registry, "127.0.0.1", 0) as server:
        yield server


def test_every_state_and_counter_of_a_queue_is_told(fleet: Fleet, server: MetricsServer) -> None:
    queue = fleet.queue("trucks")

    def handle(job: Job) -> object:
        if job.id == "later":
            return Retry(3600)
        if job.id == "bad":
            raise ValueError("no")
        return None

    queue.publish_many(["good", "bad", "later"])
    WorkerPool(queue, handle, options=PoolOptions(burst=True)).run()
    queue.publish_many(["a", "b"])
    queue.publish("a")
    queue.pause()

    seen = scrape(server.port)

    told = {key: value for key, value in seen.items() if key[0] != "convoy_queue_oldest_age_seconds"}
    outcomes = {"done": 1, "failed": 1, "deferred": 1}
    names = ("done", "failed", "deferred", "retried", "released", "recovered", "jammed", "cancelled")
    assert {key[0] for key in told if key[0] not in ("convoy_build_info", "convoy_store_up")} == {
        "convoy_queue_depth", "convoy_queue_committed", "convoy_queue_paused", "convoy_queue_held_back",
        "convoy_queue_damaged", "convoy_queue_workers", "convoy_queue_jammed", "convoy_publishes_total",
        "convoy_runs_total",
    }  # fmt: skip
    depths = {"queued": 2, "delayed": 1, "processing": 0, "failed": 1}
    assert {state: seen["convoy_queue_depth", "trucks", state] for state in depths} == depths
    assert seen["convoy_queue_committed", "trucks"] == 3
    assert seen["convoy_queue_paused", "trucks"] == 1
    assert seen["convoy_publishes_total", "trucks", "accepted"] == 5
    assert seen["convoy_publishes_total", "trucks", "absorbed"] == 1
    assert {name: seen["convoy_runs_total", "trucks", name] for name in names} == dict.fromkeys(names, 0) | outcomes
    assert seen["convoy_queue_oldest_age_seconds", "trucks", "queued"] >= 0
    assert ("convoy_queue_oldest_age_seconds", "trucks", "processing") not in seen
    assert seen[("convoy_store_up",)] == 1


def test_one_scrape_is_one_snapshot_however_many_queues_there_are(
    fleet: Fleet, server: MetricsServer, raw: redis.Redis
) -> None:
    for number in range(50):
        fleet.queue(f"q{number}").publish("1")
    scrape(server.port)
    raw.config_resetstat()

    scrape(server.port)

    calls = {name: info["calls"] for name, info in raw.info("commandstats").items() if "eval" in name}
    assert calls == {"cmdstat_evalsha_ro": 1}


def test_a_store_that_is_away_is_told_and_a_scrape_never_fails(
    store: RealServer, fleet: Fleet, server: MetricsServer
) -> None:
    fleet.queue("trucks").publish("1")
    assert scrape(server.port)[("convoy_store_up",)] == 1

    store.kill()
    away = scrape(server.port)
    store.start()
    fleet.queue("trucks").publish("1")  # what a kill has taken

    assert scrape(server.port)["convoy_queue_depth", "trucks", "queued"] == 1
    assert {name for name, *_ in away} == {"convoy_build_info", "convoy_store_up"}
    assert away[("convoy_store_up",)] == 0


def test_a_damaged_queue_is_told_as_such_and_nothing_else_of_it(
    fleet: Fleet, server: MetricsServer, raw: redis.Redis
) -> None:
    fleet.queue("good").publish("1")
    fleet.queue("bad").publish("1")
    raw.delete("cv:bad:queued")
    raw.set("cv:bad:queued", "text")

    seen = scrape(server.port)

    assert {key: value for key, value in seen.items() if "bad" in key} == {("convoy_queue_damaged", "bad"): 1}
    assert seen["convoy_queue_depth", "good", "queued"] == 1


@pytest.mark.parametrize("name", ["ü", 'a"b\\c', "line\nend", "\udcff\udcfe", "a b{c=1}"], ids=ascii)
def test_any_queue_name_is_a_label(fleet: Fleet, server: MetricsServer, name: str) -> None:
    fleet.queue(name).publish("1")

    seen = scrape(server.port)

    shown = name.replace("\udcff\udcfe", "\\xff\\xfe")
    assert seen["convoy_queue_depth", shown, "queued"] == 1


def test_it_speaks_openmetrics_to_who_asks_and_refuses_other_paths_and_writes(server: MetricsServer) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=patient())
    connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    said = connection.getresponse().read().decode()
    families = {family.name for family in open_metrics(said)}  # type: ignore[no-untyped-call]  # prometheus_client's
    statuses = []
    for method, path in (("GET", "/"), ("GET", "/etc/passwd"), ("POST", "/metrics")):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=patient())
        connection.request(method, path)
        statuses.append(connection.getresponse().status)

    assert {"convoy_publishes", "convoy_queue_depth"} <= families
    assert statuses == [404, 404, 405]


def test_a_port_that_is_taken_is_refused_in_one_sentence(server: MetricsServer) -> None:
    with pytest.raises(InvalidOption, match=rf"^Nothing can listen at 127.0.0.1:{server.port}: .*in use\.$"):
        MetricsServer(CollectorRegistry(), "127.0.0.1", server.port)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda _: StoreCollector("redis://"), "fleet is 'redis://'; it must be a Fleet."),  # type: ignore[arg-type]  # as below
        (lambda fleet: StoreCollector(fleet, jam_after_s=-1), "jam_after_s is -1"),
        (lambda fleet: MetricsServer(fleet, "127.0.0.1", 0), "registry is "),
        (lambda fleet: MetricsServer(CollectorRegistry(), 7, 0), "host is 7"),  # type: ignore[arg-type]
        (lambda fleet: MetricsServer(CollectorRegistry(), "127.0.0.1", 70_000), "port is 70000"),
    ],
)
def test_wrong_arguments_are_refused_by_name(fleet: Fleet, wrong: Callable[[Fleet], object], said: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        wrong(fleet)

    assert said in str(refused.value)
