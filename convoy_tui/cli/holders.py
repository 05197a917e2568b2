"""The holders of IDs as people know them: the host and the process of a pool, in the place of its ID."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from convoy_core import ConvoyError
from convoy_tui.text.workers import holder

if TYPE_CHECKING:
    from convoy_core import Fleet


class Holders:
    """Names pools. The registered workers of a queue are read when one of them is first asked for."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._names: dict[tuple[str, str], str] = {}

    def name(self, queue: str, worker: str) -> str:
        """Host and process, like `host-7:4012`; the worker's ID where it is not registered, or may not be read."""
        if (queue, worker) not in self._names:
            self._names[queue, worker] = worker
            with suppress(ConvoyError):  # what was asked for has been read: its holder's name is an extra
                self._names.update(((queue, each.id), holder(each)) for each in self._fleet.queue(queue).workers())
        return self._names[queue, worker]
