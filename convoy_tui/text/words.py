"""How ages, numbers and durations are written and read, in the command line and the dashboard alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from convoy_core import InvalidOption
from convoy_tui.text.safe_text import safe

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
_PLAIN = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def clock(at: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Unix seconds as date and time in UTC; what is no date, since another client may store any number, as a number."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return f"{at:g}"


def is_production(environment: str | None) -> bool:
    """Whether the label of an environment says that it is the one that matters."""
    return (environment or "").lower() in ("production", "prod", "live")


def age(seconds: float) -> str:
    """A duration in two units, rounded down, so that an age never looks longer than it is.

    >>> [age(s) for s in (0.4, 8, 724, 12000, 183600)]
    ['0s', '8s', '12m04s', '3h20m', '2d03h']
    """
    whole = int(seconds)
    if whole < 0:
        return "-" + age(-seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    if whole < 86400 * 100:
        return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"
    return f"{number(whole // 86400)}d"


def due_in(seconds: float) -> str:
    """When something is due, that many seconds from now. Less than 2 s late is "now": pools promote once a second.

    >>> [due_in(s) for s in (340, 0, -1.5, -124)]
    ['in 5m40s', 'now', 'now', 'overdue by 2m04s']
    """
    if seconds > 0:
        return f"in {age(seconds)}"
    return "now" if seconds > -2 else f"overdue by {age(-seconds)}"


def duration(seconds: float) -> str:
    """A duration in the format of the options.

    >>> [duration(s) for s in (0.5, 5, 1.5, 90, 300, 5400, 7200)]
    ['500ms', '5s', '1.5s', '1m30s', '5m', '1h30m', '2h']
    """
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    if seconds < 60:
        return f"{seconds:g}s"
    return age(seconds).replace("m00s", "m").replace("h00m", "h")


def number(n: int) -> str:
    """A number with its digits in groups of three.

    >>> number(1204)
    '1,204'
    """
    return f"{n:,}"


def count(n: int, thing: str, things: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "job"), count(1200, "job"), count(2, "queue is", "queues are")
    ('1 job', '1,200 jobs', '2 queues are')
    """
    return f"{number(n)} {thing if n == 1 else things or thing + 's'}"


def parse_duration(text: str) -> float:
    """Seconds from "5m", "30s", "1h30m", "250ms", "2d" or a plain number of seconds. Raises InvalidOption.

    >>> [parse_duration(text) for text in ("5m", "1h30m", "250ms", "2.5")]
    [300.0, 5400.0, 0.25, 2.5]
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        raise InvalidOption(
            f"{safe(repr(text), 60)} is no duration; write it like 30s, 5m, 1h30m, 250ms or 2d, "
            "or as a plain number of seconds."
        )
    return sum(float(amount) * _UNITS[unit] for amount, unit in parts)
