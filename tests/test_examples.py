"""Every example runs, against a real store, as its first lines say."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Container, Iterator
from datetime import timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from convoy_core import Counts, Job, PoolOptions, Queue, State, WorkerPool
from convoy_core.testing import drain
from tests.servers import RealServer
from tests.waiting import eventually, patient

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def url(store: RealServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store that the examples use by themselves."""
    monkeypatch.setenv("CONVOY_REDIS_URL", store.url)


def test_the_web_app_publishes_and_says_what_became_of_it(store: RealServer) -> None:
    from fastapi.testclient import TestClient  # noqa: PLC0415 - the web framework is loaded for this test alone

    from examples.fastapi_app import app  # noqa: PLC0415

    with TestClient(app) as web, Queue("products", redis=store.url) as products:
        answers = [web.post("/products/42/index") for _ in range(2)]
        wrong = web.post(f"/products/{'x' * 20_000}/index")
        waiting = web.get("/products/42/index").json()
        drain(products, lambda job: None)
        gone = web.get("/products/42/index").json()
        store.kill()
        away = web.post("/products/43/index")
        store.start()

    assert [(answer.status_code, answer.json()["answer"]) for answer in answers] == [
        (202, "queued"),
        (200, "already_queued"),
    ]
    assert wrong.status_code == 422
    assert (waiting["state"], gone["state"]) == ("queued", "absent")
    assert away.status_code == 503


def test_the_tests_of_the_django_project_pass_by_djangos_own_runner(store: RealServer, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "django", "test", "examples.django_shop"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "examples.django_shop.settings", "PYTHONPATH": str(ROOT)}

    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=patient(), check=False
    )

    assert ended.returncode == 0, ended.stderr
    assert "Ran 5 tests" in ended.stderr


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Five pages that link to each other, and one that nobody links to."""
    pages = tmp_path / "site"
    pages.mkdir()
    (pages / "index.html").write_text('<a href="a.html">a</a> <a href="b.html#top">b</a> <a href="mailto:x@y">m</a>')
    for name, target in (("a", "b"), ("b", "c"), ("c", "index"), ("alone", "a")):
        (pages / f"{name}.html").write_text(f'<a href="{target}.html">next</a> <a href="http://example.org/">out</a>')

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, directory=str(pages), **named)

        def log_message(self, format: str, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_the_crawler_fetches_each_page_once(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from examples import crawler  # noqa: PLC0415 - as above

    monkeypatch.setenv("CRAWLED", str(tmp_path / "crawled.db"))
    fetched: list[str] = []

    def fetch(job: Job) -> object:
        fetched.append(job.id)
        return crawler.fetch(job)

    with Queue("pages") as pages:
        pages.publish_many([f"{site}/index.html", "ftp://elsewhere/"])
        final = WorkerPool(pages, fetch, concurrency=3, options=PoolOptions(burst=True)).run()

    with sqlite3.connect(tmp_path / "crawled.db") as crawled:
        known = {url.removeprefix(site) for (url,) in crawled.execute("SELECT url FROM pages")}
    crawled.close()
    assert known == {"/index.html", "/a.html", "/b.html", "/c.html"}
    assert (final.failed, final.discarded) == (0, 1)
    assert len(fetched) < 10


def test_a_change_during_a_run_is_one_more_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from examples import reindex  # noqa: PLC0415 - as above

    ran: list[tuple[str, int]] = []
    with Queue("documents") as documents:

        def index(job: Job) -> None:
            if not ran:
                for _ in range(3):
                    documents.publish("42", rerun=True)
            ran.append((job.id, job.requests))
            reindex.index(job)

        for _ in range(5):
            documents.publish("42", rerun=True)
        drain(documents, index)

    assert ran == [("42", 5), ("42", 3)]


@pytest.mark.parametrize("is_async", [True, False], ids=["task", "thread"])
def test_sentry_gets_each_failure_with_its_run(is_async: bool) -> None:
    import sentry_sdk  # noqa: PLC0415 - as above
    from sentry_sdk.transport import Transport  # noqa: PLC0415

    from examples import hooks  # noqa: PLC0415

    events: list[Any] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            events.extend(item.payload.json for item in envelope.items if item.type == "event")

    def called(job: Job) -> None:
        if job.id.startswith("bad"):
            raise LookupError(job.id)

    async def awaited(job: Job) -> None:
        called(job)

    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Kept, default_integrations=False)
    try:
        with Queue("trucks") as trucks:
            trucks.publish_many(["bad1", "good", "bad2"])
            handler: Any = awaited if is_async else called
            WorkerPool(trucks, handler, concurrency=3, hooks=[hooks.sentry], options=PoolOptions(burst=True)).run()
        sentry_sdk.flush()
    finally:
        sentry_sdk.init()

    said = {event["exception"]["values"][0]["value"]: event for event in events}
    assert said.keys() == {"bad1", "bad2"}
    assert {value: event["contexts"]["convoy"]["id"] for value, event in said.items()} == {
        "bad1": "bad1",
        "bad2": "bad2",
    }
    assert {event["tags"]["convoy.queue"] for event in events} == {"trucks"}


def test_lines_of_structlog_name_the_run_and_no_other() -> None:
    import structlog  # noqa: PLC0415 - as above

    from examples import hooks  # noqa: PLC0415

    async def handle(job: Job) -> None:
        structlog.get_logger().info("crushing", lane=job.payload)

    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as lines, Queue("trucks") as trucks:
        trucks.publish("1", payload=3)
        trucks.publish("2", payload=4)
        WorkerPool(trucks, handle, concurrency=2, hooks=[hooks.structured], options=PoolOptions(burst=True)).run()
        structlog.get_logger().info("outside")

    assert sorted((line["event"], line.get("job_id"), line.get("lane")) for line in lines[:2]) == [
        ("crushing", "1", 3),
        ("crushing", "2", 4),
    ]
    assert "job_id" not in lines[2]


# -- shell


def output(*words: str, cwd: Path = ROOT, codes: Container[int] = (0,), **environment: str) -> str:
    """What a program prints that ends with one of these codes."""
    ended = subprocess.run(
        words,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=patient(),
        check=False,
    )
    assert ended.returncode in codes, ended.stderr
    return ended.stdout


BIN = Path(sys.executable).parent


def convoy(*words: str, cwd: Path = ROOT) -> str:
    """What a command prints."""
    return output(str(BIN / "convoy"), *words, cwd=cwd, codes=(0, 5))


def test_the_shell_script_compresses_files_of_any_name_and_leaves_those_in_use(tmp_path: Path) -> None:
    names = ["a.log", "b $(touch spoilt); 'c'.log", "fresh.log", "-d.log"]
    for name in names:
        (tmp_path / name).write_text("line\n" * 100)
        if name != "fresh.log":
            os.utime(tmp_path / name, (10**9, 10**9))
    with Queue("logs") as logs:
        logs.publish_many([*(f"./{name}" for name in names), "./gone.log"])
        convoy("work", "logs", "--exec", f"sh {ROOT}/examples/compress.sh {{}}", "--burst", "-c", "2", cwd=tmp_path)

        assert {path.name for path in tmp_path.iterdir()} == {
            *(f"{name}.gz" for name in names if name != "fresh.log")
        } | {"fresh.log"}
        assert [entry.id for entry in logs.entries(State.DELAYED)] == ["./fresh.log"]
        assert logs.counts() == Counts(committed=1, delayed=1)


RECURRING = ROOT / "examples/recurring"


def recurring() -> list[list[str]]:
    """The commands that cron and systemd run."""
    lines = (RECURRING / "crontab").read_text("utf-8").splitlines()
    found = [line.split("convoy ", 1)[1] for line in lines if "bin/convoy" in line]
    lines = (RECURRING / "convoy-publish@.service").read_text("utf-8").splitlines()
    return [
        line.removesuffix(" >/dev/null").split()
        for line in [*found, *(line.split("convoy ", 1)[1] for line in lines if "ExecStart" in line)]
    ]


def test_what_recurs_is_published_once_while_it_waits(tmp_path: Path) -> None:
    (tmp_path / "feeds.txt").write_text("bbc\nheise\n")
    for _ in range(2):
        for words in recurring():
            convoy(*(word.replace("/etc/convoy", str(tmp_path)).replace("%I", "weekly") for word in words))
    with Queue("reports") as reports, Queue("feeds") as feeds:
        assert [entry.id for entry in reports.entries(State.QUEUED)] == ["nightly", "weekly"]
        assert [entry.id for entry in feeds.entries(State.QUEUED)] == ["bbc", "heise"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (systemd)")
def test_systemd_finds_no_fault_in_the_timer(tmp_path: Path) -> None:
    copies = [tmp_path / "convoy-publish@.service", tmp_path / "convoy-publish@.timer"]
    for copy in copies:
        text = (RECURRING / copy.name).read_text("utf-8")
        copy.write_text(text.replace("/opt/convoy/bin/convoy", "/bin/true"), "utf-8")

    checked = subprocess.run(
        ["systemd-analyze", "verify", *map(str, copies)], capture_output=True, text=True, timeout=patient(), check=False
    )

    assert (checked.returncode, [line for line in checked.stderr.splitlines() if "convoy" in line]) == (0, [])


def _has_namespaces() -> bool:
    words = ["unshare", "--uts", "--map-root-user", "hostname", "host-a"]
    return (
        shutil.which("unshare") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not _has_namespaces(), reason="no namespaces with a host name of their own (unshare) here")
def test_two_hosts_work_on_one_queue() -> None:
    output("sh", "examples/two_hosts.sh", "trucks", PATH=f"{BIN}:{os.environ['PATH']}")

    with Queue("trucks") as trucks:
        assert trucks.counts() == Counts()
        assert trucks.snapshot().totals["done"] == 100


@pytest.mark.skipif(not _has_namespaces(), reason="no namespaces with a host name of their own (unshare) here")
def test_a_host_takes_over_what_another_held_that_was_switched_off(tmp_path: Path) -> None:
    pool = (
        "import time; from convoy_core import *; options = PoolOptions(lease_s=2, beat_s=0.5);"
        "WorkerPool(Queue('trucks'), lambda job: time.sleep(600), options=options).run()"
    )

    def host(name: str) -> subprocess.Popen[bytes]:
        start = ["sh", "-c", 'hostname "$1" && exec "$2" -c "$3"', "-", name, sys.executable, pool]
        return subprocess.Popen(["unshare", "--uts", "--map-root-user", *start], cwd=ROOT)

    def holders() -> dict[str, int]:
        return {info.host: info.running for info in trucks.workers() if info.is_live}

    with Queue("trucks") as trucks:
        trucks.publish("42")
        first = host("host-a")
        try:
            eventually(lambda: holders() == {"host-a": 1})
            second = host("host-b")
            try:
                eventually(lambda: holders() == {"host-a": 1, "host-b": 0})
                first.kill()
                eventually(lambda: holders() == {"host-b": 1})
            finally:
                second.kill()
                second.wait()
        finally:
            first.kill()
            first.wait()


# -- from other queues


def test_jobs_of_rq_become_ids_and_those_of_other_functions_stay(store: RealServer) -> None:
    import rq  # noqa: PLC0415 - as above

    with store.client() as client, Queue("users") as users:
        old = rq.Queue("default", connection=client)
        for user in (1, 2, 2):
            old.enqueue("shop.jobs.reindex", user)
        kept = old.enqueue("shop.jobs.other", 9)
        old.enqueue("shop.jobs.reindex", user_id=7)
        old.enqueue_in(timedelta(minutes=5), "shop.jobs.reindex", 8)
        words = ["-m", "examples.from_rq", "default", "shop.jobs.reindex", "users"]

        told = [output(sys.executable, *words, RQ_REDIS_URL=store.url) for _ in range(2)]

        assert sorted(told[0].splitlines()) == ["1 already_queued", "1 delayed", "3 queued"]
        assert told[1] == ""
        assert [entry.id for entry in users.entries(State.QUEUED)] == ["1", "2", "7"]
        assert [entry.id for entry in users.entries(State.DELAYED)] == ["8"]
        assert old.get_job_ids() == [kept.id]


def test_calls_of_celery_become_ids_and_those_of_other_tasks_stay_in_their_order(store: RealServer) -> None:
    from celery import Celery  # noqa: PLC0415 - as above

    broker = store.url.replace("unix://", "redis+socket://")
    app = Celery(broker=broker, set_as_current=False)
    app.send_task("shop.tasks.other", args=(1,))
    for user in (11, 12, 12):
        app.send_task("shop.tasks.reindex", args=(user,))
    app.send_task("shop.tasks.other", args=(2,))
    app.send_task("shop.tasks.reindex", kwargs={"user_id": 13}, countdown=300)
    app.close()
    words = ["-m", "examples.from_celery", "celery", "shop.tasks.reindex", "users"]
    with store.client() as client, Queue("users") as users:
        before = client.lrange("celery", 0, -1)

        told = [output(sys.executable, *words, CELERY_BROKER_URL=broker) for _ in range(2)]

        assert sorted(told[0].splitlines()) == ["1 already_queued", "1 delayed", "2 queued"]
        assert told[1] == ""
        assert [entry.id for entry in users.entries(State.QUEUED)] == ["11", "12"]
        assert [entry.id for entry in users.entries(State.DELAYED)] == ["13"]
        ids = [json.loads(call)["headers"]["id"] for call in client.lrange("celery", 0, -1)]
        assert ids == [json.loads(before[place])["headers"]["id"] for place in (1, 5)]
