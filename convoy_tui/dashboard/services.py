"""What the screens share: the store, the workers of this process, and the newest board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from textual.signal import Signal

from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.columns import Glyphs
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.local_pools import LocalPools
from convoy_tui.dashboard.source import Source


@dataclass(frozen=True, slots=True)
class Done:
    """The result of an action, as a sentence for the result line."""

    text: str
    tone: Tone = Tone.FINE


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """The initial values of the launch dialog: those that were typed last."""

    path: str = ""
    concurrency: str = "1"
    job_timeout: str = "5m"


@dataclass(slots=True)
class Services:
    """The shared objects of one dashboard. The app replaces `board` and announces it through `changed`."""

    source: Source
    local_pools: LocalPools
    glyphs: Glyphs
    board: Board
    changed: Signal[Board]
    hurry: Callable[[], None]
    """Read the store now, after a change."""
    launch_form: LaunchForm = field(default_factory=LaunchForm)
