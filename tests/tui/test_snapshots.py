"""Every kept screen looks as it did."""

from __future__ import annotations

import pytest

from tests.tui.snapshots import FOLDER, Snap, in_utc, snaps, take


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    in_utc()


@pytest.mark.parametrize("snap", list(snaps()), ids=lambda snap: snap.name)
async def test_a_screen_looks_like_its_snapshot(snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    if snap.no_color:
        monkeypatch.setenv("NO_COLOR", "1")

    seen = await take(snap)

    assert seen == (FOLDER / f"{snap.name}.txt").read_text("utf-8"), "see python -m tests.tui.snapshots"


def test_every_snapshot_is_compared() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {snap.name for snap in snaps()}


@pytest.mark.parametrize("snap", [snap for snap in snaps() if snap.is_ascii], ids=lambda snap: snap.name)
def test_an_ascii_screen_holds_ascii_alone(snap: Snap) -> None:
    text = (FOLDER / f"{snap.name}.txt").read_text("utf-8")

    assert [line for line in text.splitlines() if not line.isascii()] == []


@pytest.mark.parametrize("snap", list(snaps()), ids=lambda snap: snap.name)
def test_no_line_is_wider_than_the_screen(snap: Snap) -> None:
    lines = (FOLDER / f"{snap.name}.txt").read_text("utf-8").splitlines()

    assert max(len(line) for line in lines) <= snap.size[0]
