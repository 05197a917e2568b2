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


@pytest.mark.parametrize("snap", list(page_snaps()), ids=lambda snap: snap.path.stem)
async def test_a_page_looks_like_its_snapshot(store: RealServer, snap: PageSnap) -> None:
    seen = await take(snap, store)

    assert seen == snap.path.read_text("utf-8"), "see python -m tests.tui.page_snapshots"
    assert max(map(len, seen.splitlines())) <= snap.size[0]
    assert not snap.is_ascii or seen.isascii()


def test_every_page_snapshot_is_compared() -> None:
    assert set(FOLDER.glob("*.txt")) == {snap.path for snap in page_snaps()}
