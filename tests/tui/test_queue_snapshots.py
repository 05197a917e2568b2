"""Every kept page looks as it did, at every size."""

from __future__ import annotations

import pytest

from tests.tui.queue_snapshots import FOLDER, STATES, names, take
from tests.tui.snapshots import in_utc


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    in_utc()


@pytest.mark.parametrize("state", STATES)
async def test_the_pages_look_like_their_snapshots(state: str) -> None:
    seen = await take(state)

    for name, text in seen.items():
        assert text == (FOLDER / f"{name}.txt").read_text("utf-8"), f"{name}: see python -m tests.tui.queue_snapshots"


def test_every_snapshot_of_a_page_is_compared() -> None:
    known = {name for _, _, shots in STATES.values() for shot in shots for name in names(shot)}

    assert {path.stem for path in FOLDER.glob("*.txt")} == known


def test_no_line_of_a_page_is_wider_than_the_screen() -> None:
    for path in FOLDER.glob("*.txt"):
        width = int(path.stem.rpartition("-")[2].partition("x")[0])
        assert max(len(line) for line in path.read_text("utf-8").splitlines()) <= width
