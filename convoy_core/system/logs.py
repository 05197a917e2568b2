"""Loggers whose handlers can end nothing: what they raise is counted and dropped.

A log line is for people. A pool writes some between taking a result and noting it, where an exception would lose an ID.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from convoy_core.system.standard_streams import DROPPED


class Log(logging.LoggerAdapter[logging.Logger]):
    """The logger of a module, or of a run, whose `fields` each of its records has as attributes."""

    def __init__(self, name: str, fields: Mapping[str, object] | None = None) -> None:
        super().__init__(logging.getLogger(name), fields or {})

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log, or count the failure. A signal's exception passes."""
        try:
            if self.isEnabledFor(level):
                if self.extra:
                    kwargs["extra"] = {**(kwargs.get("extra") or {}), **self.extra}
                kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
                self.logger.log(level, msg, *args, **kwargs)
        except Exception:  # noqa: BLE001 - handlers are the user's code, and nothing that they say stops work
            LOST[0] += 1


LOST: Final = [0]
"""How many lines have been lost so, in this process."""


def lost_lines() -> int:
    """How many lines for people this process could not write: log lines, and writes to the standard streams."""
    return LOST[0] + DROPPED[0]
