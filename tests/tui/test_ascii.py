"""`--ascii` draws nothing else, whoever draws it."""

from __future__ import annotations

import pytest

from tests.tui.fixed import FixedSource, a_queue, an_app, settle
from tests.tui.screen import shows, text_of

HOSTILE = ["b\u00fcro", "\u65e5\u672c\u8a9e:queue", "\u202eright", "e\u0301", "\U0001f680 launch", "q"]


@pytest.mark.parametrize(
    ("keys", "ready"),
    [
        ((), "STATE"),
        (("colon",), "Jam guard  (J)"),
        (("colon", *"queue"), "Go to"),
        (("question_mark",), "Look"),
        (("slash", "\u00fc"), "b?ro"),
        (("N",), "Publish"),
        (("J",), "Jam guard"),
        (("f",), "ID"),
    ],
)
async def test_every_screen_is_ascii_alone(keys: tuple[str, ...], ready: str) -> None:
    source = FixedSource([a_queue(name, queued=3, workers=0) for name in HOSTILE])
    app = an_app(source, is_ascii=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await shows(pilot, ready)

        text = text_of(app)

    assert [line for line in text.splitlines() if not line.isascii()] == []
    assert max(map(len, text.splitlines())) <= 100
