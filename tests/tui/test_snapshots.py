"""Every kept screen looks as it did."""

from __future__ import annotations

import pytest

from tests.tui.snapshots import FOLDER, Snap, in_utc, snaps, take


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    in_utc()


@pytest.mark.parametrize("snap", list(snaps()), ids=lambda snap: f"{snap.title}-{snap.sizes[0][0]}")
async def test_a_screen_looks_like_its_snapshots(snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    if snap.no_color:
        monkeypatch.setenv("NO_COLOR", "1")

    texts = await take(snap)

    for path, (width, _), seen in zip(snap.paths, snap.sizes, texts, strict=True):
        assert seen == path.read_text("utf-8"), f"{path.stem}: see python -m tests.tui.snapshots"
        assert max(map(len, seen.splitlines())) <= width
        assert not snap.is_ascii or seen.isascii()


def test_every_snapshot_is_compared() -> None:
    assert set(FOLDER.glob("*.txt")) == {path for snap in snaps() for path in snap.paths}
