"""What the screens work with: the store, the workers of this process, and the newest board."""

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
    """How an action ended, in a sentence for the result line."""

    text: str
    tone: Tone = Tone.FINE


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """What the launch dialog starts with: what was typed last."""

    path: str = ""
    concurrency: str = "1"
    job_timeout: str = "5m"


@dataclass(slots=True)
class Services:
    """One dashboard's working place. The app keeps `board` new and says so through `changed`."""

    source: Source
    local_pools: LocalPools
    glyphs: Glyphs
    board: Board
    changed: Signal[Board]
    hurry: Callable[[], None]
    """Look at the store now: something was changed."""
    launch_form: LaunchForm = field(default_factory=LaunchForm)
