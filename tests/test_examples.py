"""Every example runs, against a real store, as its first lines say."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from convoy_core import Job, PoolOptions, Queue, WorkerPool
from convoy_core.testing import drain
from tests.servers import RealServer
from tests.waiting import patient

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
