"""What a dashboard remembers of the last session: where, how safely, and what of it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from convoy_core import Fleet
from convoy_tui.dashboard.remembered import Memory, Remembered, recall, remember, state_path
from tests.servers import RealServer
from tests.tui.live import opened
from tests.tui.screen import shows, text_of, until

CHOICES = Remembered(theme="convoy-light", interval_s="5", order="name", period="24 h")


def test_choices_are_there_again_and_only_their_user_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "state" / "convoy" / "dashboard.json"

    remember(path, CHOICES)
    remember(path, CHOICES)

    assert recall(path) == CHOICES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\xff\xfe",
            b"{",
            b"[]",
            b"3",
            b'{"theme": 7, "order": ["x"]}',
            b'{"theme": "\\u001b[31m"}',
            b"[" * 9000,
        ),
        *(json.dumps({"theme": "x" * 1000, "order": "a\nb"}).encode(), b'{"theme": null, "unknown": "x"}'),
    ],
    ids=range(10),
)
def test_a_broken_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dashboard.json"
    path.write_bytes(content)

    assert recall(path) == Remembered()


def test_what_is_understood_of_a_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    path.write_text('{"theme": "convoy-light", "order": 5}')

    assert recall(path) == Remembered(theme="convoy-light")


def test_a_place_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken").mkdir()

    remember(tmp_path / "file" / "dashboard.json", CHOICES)
    remember(tmp_path / "taken", CHOICES)

    assert recall(tmp_path / "taken") == Remembered()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "taken"]


def test_the_file_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_path() == tmp_path / "convoy" / "dashboard.json"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_path() == tmp_path / ".local" / "state" / "convoy" / "dashboard.json"


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5.0), ("0.5", 0.5), ("0", None), ("1e9", None), ("nan", None), ("x", None)]
)
def test_a_pace_that_cannot_be_chosen_is_not_used(tmp_path: Path, text: str, seconds: float | None) -> None:
    remember(tmp_path / "s.json", Remembered(interval_s=text))

    assert Memory(tmp_path / "s.json").interval_s == seconds


async def test_a_session_begins_as_the_last_one_ended(store: RealServer, tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    with Fleet(redis=store.url) as fleet:
        fleet.queue("zebra").publish_many(range(3))
        fleet.queue("ant").publish("a")
    async with opened(store.url, memory=Memory(path)) as (pilot, app):
        await shows(pilot, "▌ ▲ NO WORKERS zebra")
        await pilot.press("t", "s", "minus")
        await shows(pilot, "▲ NO WORKERS ant")
        await pilot.press("7", "tab")
        await shows(pilot, "[24 h]")
        assert not path.exists()
    assert recall(path) == Remembered(theme="convoy-light", interval_s="1", order="name", period="24 h")
    async with opened(store.url, memory=Memory(path)) as (pilot, app):
        await shows(pilot, "NO WORKERS zebra")
        lines = [line for line in text_of(app).splitlines() if "NO WORKERS" in line and "need you" not in line]
        assert "ant" in lines[0]
        assert app.theme == "convoy-light"
        await pilot.press("7")
        await shows(pilot, "[24 h]")


async def test_a_session_in_which_nothing_was_chosen_writes_no_file(store: RealServer, tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    async with opened(store.url, memory=Memory(path)) as (pilot, app):
        await until(pilot, lambda: app.services.board.link.heard_at is not None)
    assert not path.exists()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names are what is asked for


async def test_nothing_secret_is_in_the_file(tmp_path: Path, store: RealServer) -> None:
    path = tmp_path / "dashboard.json"
    async with opened(store.url, memory=Memory(path)) as (pilot, app):
        await pilot.press("t")
        await until(pilot, lambda: app.theme == "convoy-light")
    assert set(json.loads(path.read_text())) == {"theme", "interval_s", "order", "period", "concurrency", "job_timeout"}
    assert store.url not in path.read_text()
