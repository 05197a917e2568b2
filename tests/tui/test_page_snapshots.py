"""Every kept page looks as it did."""

from __future__ import annotations

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
