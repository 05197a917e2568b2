"""Every kept page looks as it did, and no picture shows what stands in for times."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.servers import RealServer
from tests.tui.page_snapshots import FOLDER, PageSnap, page_snaps, take
from tests.tui.snapshots import in_utc


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    in_utc()


@pytest.mark.parametrize("snap", list(page_snaps()), ids=lambda snap: f"{snap.name}-{snap.sizes[0][0]}")
async def test_a_page_looks_like_its_snapshots(store: RealServer, snap: PageSnap) -> None:
    texts = await take(snap, store)

    for path, (width, _), seen in zip(snap.paths, snap.sizes, texts, strict=True):
        assert seen == path.read_text("utf-8"), f"{path.stem}: see python -m tests.tui.page_snapshots"
        assert max(map(len, seen.splitlines())) <= width
        assert not snap.is_ascii or seen.isascii()


def test_every_page_snapshot_is_compared() -> None:
    assert set(FOLDER.glob("*.txt")) == {path for snap in page_snaps() for path in snap.paths}


def test_no_picture_shows_what_stands_in_place_of_times_in_a_snapshot() -> None:
    pictures = [*(Path(__file__).parents[2] / "screenshots").glob("*.svg")]

    assert len(pictures) > 20
    assert [each.name for each in pictures if re.search(r"\d(mSSs|hMMm)", each.read_text("utf-8"))] == []
