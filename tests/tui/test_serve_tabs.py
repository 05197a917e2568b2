"""The dashboards of browser tabs: what they may do, when they end, and what they may cost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from convoy_core import Queue
from convoy_tui.dashboard.serve import tab as tabs
from convoy_tui.dashboard.serve.server import MOST_TABS
from convoy_tui.dashboard.serve.tab import Program
from tests.servers import RealServer
from tests.tui.served import Served, Window, browser, serving, status, websocket_status, window
from tests.waiting import eventually, patient


@pytest.fixture
def trucks(store: RealServer) -> Iterator[Queue]:
    """A queue with one ID."""
    with Queue("trucks", redis=store.url) as queue:
        queue.publish("a")
        yield queue


def told_of(pid: int, file: str) -> bytes:
    """What the system tells of a process."""
    return Path(f"/proc/{pid}/{file}").read_bytes()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.fixture(scope="module")
def served(valkey_server: RealServer) -> Iterator[Served]:
    """One server for the tests that do not end it."""
    with Served(valkey_server.url) as served:
        yield served


async def test_s14_a_served_dashboard_is_read_only_unless_writes_are_asked_for(served: Served, trucks: Queue) -> None:
    async with window(served) as tab:
        await tab.shows(" RO ")
        await tab.shows("NO WORKERS trucks")
        await tab.press("P")
        await tab.shows("This dashboard is read-only (--serve without --write).")
        await tab.press("\x1a")
        await tab.shows("A page in a browser has no shell to go back to.")
    assert not trucks.snapshot().paused


async def test_s27_a_list_is_downloaded_and_no_file_of_the_server_is_written(
    served: Served, trucks: Queue, tmp_path: Path
) -> None:
    async with browser(served) as client, client.ws_connect("/ws", origin=served.origin) as socket:
        tab = Window(socket)
        await tab.shows("NO WORKERS trucks")
        await tab.press("\r")
        await tab.shows("▌ a")
        await tab.press("e")
        await tab.shows("a download of your browser")
        await tab.press("\x15")
        await tab.hides("trucks-queued.txt")
        await tab.press(f"{tmp_path}/all.jsonl")
        await tab.shows("a line of JSON for each ID")
        await tab.press("\r")
        _, key = json.loads(await tab.is_told())
        async with client.get(f"/download/{key}") as answer:
            content = json.loads(await answer.text())
        await tab.shows("Saved 1 ID to all.jsonl")

    assert content["id"] == "a"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''all.jsonl"
    assert files_in(tmp_path) == []


async def test_messages_that_mean_nothing_end_nothing(served: Served, trucks: Queue) -> None:
    async with window(served) as tab:
        await tab.shows("NO WORKERS trucks")
        for message in (
            *(
                "",
                "{",
                "[]",
                "{}",
                "[" * 100_000,
                "[1]",
                '["stdin"]',
                '["stdin", 3]',
                '["stdin", ""]',
                '["stdin", "\\ud800"]',
            ),
            *('["resize", {"width": "a"}]', '["resize", {"width": -1, "height": 1e99}]', '["open_url", "x"]'),
            *('["resize", {"width": 1000000000, "height": 1000000000}]', '["meta", {"type": "quit"}]'),
        ):
            await tab.socket.send_str(message)
        await tab.socket.send_bytes(b"\xff" * 100)
        await tab.socket.send_json(["resize", {"width": 80, "height": 24}])
        await tab.socket.send_json(["ping", "x"])
        assert await tab.is_told() == '["pong", "x"]'
        await tab.press("?")
        await tab.shows("Esc closes")


async def test_a_tab_that_goes_ends_its_dashboard_and_a_signal_ends_all_and_the_server(store: RealServer) -> None:
    with Served(store.url) as served:
        async with browser(served) as client:
            sockets = [await client.ws_connect("/ws", origin=served.origin) for _ in range(2)]
            for socket in sockets:
                await Window(socket).shows("convoy")
            apps = served.apps
            assert len(apps) == 2

            sockets[0]._response.connection.transport.abort()  # type: ignore[union-attr]  # as when the browser dies
            await asyncio.to_thread(eventually, lambda: len(served.apps) == 1)
            end = asyncio.create_task(asyncio.to_thread(served.end, signal.SIGINT))
            while (await sockets[1].receive(patient())).type is not aiohttp.WSMsgType.CLOSED:
                pass
            code, said = await end
    assert code == 0
    assert said.count("\n") == 2, said
    assert [pid for pid in apps if is_there(pid)] == []


async def test_a_dashboard_whose_server_was_killed_ends(store: RealServer) -> None:
    with Served(store.url) as served:
        async with window(served) as tab:
            await tab.shows("convoy")
            (app,) = served.apps
            served.end(signal.SIGKILL)
    eventually(lambda: not is_there(app))


async def test_s25_no_password_shows_in_the_processes_the_page_or_what_is_drawn() -> None:
    with Served("redis://operator:S3cret@127.0.0.1:1/0") as served:
        async with browser(served) as client:
            async with client.get("/") as answer:
                page = await answer.text()
            async with client.ws_connect("/ws", origin=served.origin) as socket:
                tab = Window(socket)
                await tab.shows("No answer")
                commands = [told_of(pid, "cmdline") for pid in (served.process.pid, *served.apps)]
                environment = told_of(served.apps[0], "environ")
        assert len(commands) == 2
        assert "S3cret" not in page + tab.text + "".join(tab.texts)
        assert not any(b"S3cret" in command for command in commands)
        assert b"CONVOY_REDIS_URL=redis://operator:S3cret@" in environment
        assert "S3cret" not in served.end()[1]


async def test_s26_no_more_than_so_many_dashboards_are_started(tmp_path: Path) -> None:
    async with serving(Program(["cat"], {})) as (client, _):
        sockets = [await client.ws_connect("/ws") for _ in range(MOST_TABS)]
        assert await websocket_status(client) == 503
        async with client.get("/") as answer:
            assert answer.status == 503
            assert await answer.text() == f"{MOST_TABS} dashboards are open. Close a tab, and load this again.\n"

        await sockets[0].close()

        async with asyncio.timeout(patient()):
            while await status(client, "/") != 200:
                pass


async def test_s26_a_dashboard_that_does_not_quit_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "QUIT_S", 0.01)
    said: list[str] = []
    async with serving(Program(["sleep", "1000"], {}), said) as (client, _):
        await (await client.ws_connect("/ws")).close()
    assert said == ["A dashboard ended with code -9."]


@pytest.mark.parametrize(
    ("query", "size"), [("", "80 24"), ("?width=99999&height=x", "500 24"), ("?width=0&height=-1", "10 24")]
)
async def test_s26_no_page_asks_for_a_size_without_bounds(query: str, size: str) -> None:
    said: list[str] = []
    program = Program(["sh", "-c", "echo $COLUMNS $ROWS >&2; exit 1"], {"PATH": os.environ["PATH"]})
    async with serving(program, said) as (client, _), client.ws_connect(f"/ws{query}") as socket:
        assert (await socket.receive(patient())).type is aiohttp.WSMsgType.CLOSE
    assert said == [f"A dashboard ended with code 1. {size}"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ["no-such-program"],
            "A dashboard could not be started: [Errno 2] No such file or directory: 'no-such-program'",
        ),
        (["sh", "-c", "echo one >&2; printf 'two\\033[2J' >&2; exit 3"], "A dashboard ended with code 3. two\\x1b[2J"),
    ],
)
async def test_s24_why_a_dashboard_ended_is_told_to_the_terminal_alone(command: list[str], told: str) -> None:
    said: list[str] = []
    program = Program(command, {"PATH": os.environ["PATH"]})
    async with serving(program, said) as (client, _), client.ws_connect("/ws") as socket:
        assert (await socket.receive(patient())).type is aiohttp.WSMsgType.CLOSE
    assert said == [told]


DELIVERS = r"""
import io
from textual.app import App
class Delivers(App):
    def on_mount(self):
        self.set_interval(0.001, self.draw)
    def draw(self):
        self._driver.write("\x1b[H" + "x" * 9000)
    def on_key(self):
        self.copy_to_clipboard("copied")
        self.open_url("http://evil.example/")
        content = io.StringIO("one\ntwo é\n" * 50000)
        self.deliver_text(content, save_filename='a"b; é<b>\n.html', open_method="browser")
Delivers().run()
"""


async def test_a_file_is_downloaded_once_and_never_shown_as_a_page_of_ours() -> None:
    program = Program([sys.executable, "-c", DELIVERS], dict(os.environ))
    async with serving(program) as (client, _), client.ws_connect("/ws") as socket:
        tab = Window(socket)
        await tab.press("x")
        what, key = json.loads(await tab.is_told())
        async with client.get(f"/download/{key}") as answer:
            content = await answer.text("utf-8")
        again = await status(client, f"/download/{key}")

    assert what == "deliver_file_start"  # no page is opened
    assert b"\x1b]52;c;Y29waWVk\x07" in tab.written
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22b%3B%20%C3%A9%3Cb%3E%0A.html"
    assert content == "one\ntwo é\n" * 50000
    assert again == 404


async def test_half_a_file_is_not_taken_for_all_of_it() -> None:
    cut = DELIVERS.replace(
        "class Delivers",
        "class Cut(io.StringIO):\n    def read(self, size):\n        return "
        "super().read(size) if self.tell() == 0 else __import__('os')._exit(3)\nclass Delivers",
    ).replace('io.StringIO("one', 'Cut("one')
    program = Program([sys.executable, "-c", cut], dict(os.environ))
    async with serving(program) as (client, _), client.ws_connect("/ws") as socket:
        tab = Window(socket)
        await tab.press("x")
        _, key = json.loads(await tab.is_told())
        with pytest.raises(aiohttp.ClientPayloadError):
            async with client.get(f"/download/{key}") as answer:
                await answer.read()
