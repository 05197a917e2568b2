"""The pages beside the overview: their names, their keys, and how each is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convoy_tui.dashboard.screens.activity import ActivityScreen
from convoy_tui.dashboard.screens.failures import FailuresScreen
from convoy_tui.dashboard.screens.job import JobScreen
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.queue import QueueScreen
from convoy_tui.dashboard.screens.store import StoreScreen
from convoy_tui.dashboard.screens.time import TimeScreen
from convoy_tui.dashboard.screens.workers import WorkersScreen
from convoy_tui.dashboard.services import Services, Where


@dataclass(frozen=True, slots=True)
class PageKind:
    """One kind of page."""

    name: str
    key: str
    label: str
    tooltip: str
    make: Callable[[Services, Where], Page]


PAGES = (
    PageKind("queue", "2", "Queue", "what is in the queue under the cursor", QueueScreen),
    PageKind("failures", "3", "Failures", "what broke, in groups", FailuresScreen),
    PageKind("workers", "4", "Workers", "the pools of all queues, by host", WorkersScreen),
    PageKind("activity", "5", "Activity", "what operators have done", ActivityScreen),
    PageKind("store", "6", "Store", "the server, what is wrong, and the repair", StoreScreen),
    PageKind("time", "7", "Time", "charts of the last minutes, hours and days", TimeScreen),
    PageKind("job", "", "ID", "all about one ID", JobScreen),
)
"""Every page, in the order of the keys. `1` is the overview, and a page without a key is opened from another."""
