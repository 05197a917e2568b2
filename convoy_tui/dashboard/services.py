"""What the screens share: the store, the workers of this process, and the newest board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from textual.signal import Signal

from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.dashboard.local_pools import LocalPools, RunsIn
from convoy_tui.dashboard.remembered import Memory
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
    runs_in: RunsIn = RunsIn.PROCESSES


@dataclass(frozen=True, slots=True)
class Where:
    """What a page is about: nothing in particular, a queue, or an ID of one."""

    queue: str | None = None
    id: str | None = None


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
    open: Callable[[str, Where], None]
    """Open the page of that name on top of the one that is shown."""
    find: Callable[[str], None]
    """Look for an ID in every queue."""
    launch_form: LaunchForm = field(default_factory=LaunchForm)
    kept: dict[tuple[str, Where], object] = field(default_factory=dict)
    """What a page keeps for when one comes back to it (its filter, its order), by its name and what it is about."""
    memory: Memory = field(default_factory=Memory)
    """What the next session shall know."""

    def __post_init__(self) -> None:
        """Begin with what the last session has chosen."""
        choices = self.memory.choices
        self.launch_form = LaunchForm(
            concurrency=choices.concurrency or self.launch_form.concurrency,
            job_timeout=choices.job_timeout or self.launch_form.job_timeout,
        )

    async def end(self) -> None:
        """Keep what this session has chosen."""
        form, usual = self.launch_form, LaunchForm()
        if (form.concurrency, form.job_timeout) != (usual.concurrency, usual.job_timeout):
            self.memory.note(concurrency=form.concurrency, job_timeout=form.job_timeout)
        await asyncio.to_thread(self.memory.save)
