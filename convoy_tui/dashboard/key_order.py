"""Keys that come faster than the screen follows, in their order.

Textual gives a key to the widget that has the focus when it arrives, and goes on with the next one. What a key does
takes more steps: it rises to the app, the app asks a widget to act, the widget tells its page, the page opens another.
A key that is typed ahead would overtake that, act on the page before, or end in the wrong field.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

Typed: TypeAlias = events.Key | events.Paste

_ROUNDS = 2
"""A key rises in the first; what it has made a widget say rises in the second."""

_MOST_ROUNDS = 8
"""After these the next key has its turn, even if each has moved the focus."""

_MOST_S = 1.0
"""No longer than this does a key wait for one before it."""


class KeyOrder:
    """Holds each key until what the one before has led to is done, but not until the store has answered."""

    def __init__(self, app: App[None], give: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._give = give
        self._waiting: deque[Typed] = deque()
        self._turn = 0
        """Counts the keys that were given out: what belongs to an earlier one comes too late."""
        self._given_at: float | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something that was typed is not done with."""
        return self._given_at is not None

    async def take(self, event: Typed) -> None:
        """Give it out, now or when its turn comes."""
        self._waiting.append(event)
        if self._given_at is None or time.monotonic() - self._given_at > _MOST_S:
            await self._next()

    async def _next(self) -> None:
        self._turn += 1
        self._given_at = None
        if self._waiting:
            self._given_at = time.monotonic()
            await self._give(self._waiting.popleft())
            await self._follow(self._turn, rounds=1)

    async def _follow(self, turn: int, rounds: int) -> None:
        """Go the way of the key, behind it, from the focus up to the app, until that changes nothing any more."""
        if not self._app.screen_stack:
            return
        before = self._app.screen, self._app.focused
        way: deque[MessagePump] = deque((self._app.focused or self._app.screen).ancestors_with_self)

        async def step() -> None:
            while way:
                if way.popleft().call_later(step):
                    return  # one that is closing takes nothing any more
            if turn != self._turn or not self._app.screen_stack:
                return
            is_settled = (self._app.screen, self._app.focused) == before
            if rounds == _MOST_ROUNDS or (is_settled and rounds >= _ROUNDS):
                await self._next()
            else:
                await self._follow(turn, rounds + 1)

        await step()
