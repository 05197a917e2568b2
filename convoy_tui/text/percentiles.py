"""How long IDs waited and ran, in words: percentiles over the last minutes, hour and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from convoy_core import Durations, Percentiles
from convoy_tui.text.words import age, duration, number

LEGEND = "half · 95% · 99%"
"""What the numbers of `three` are."""


def briefly(seconds: float | None) -> str:
    """A duration in two digits, or as an age.

    >>> [briefly(s) for s in (0.001, 0.0894, 0.99, 1.0, 8.94, 12.6, 724, None)]
    ['1ms', '89ms', '990ms', '1.0s', '8.9s', '12s', '12m04s', '—']
    """
    if seconds is None:
        return "—"
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    return f"{seconds:.1f}s" if seconds < 9.95 else age(seconds)


def window(durations: Durations) -> str:
    """Over which time.

    >>> [window(Durations(s)) for s in (300.0, 3_600.0, 86_400.0)]
    ['5m', '1h', '24h']
    """
    return "24h" if durations.over_s == 86_400 else duration(durations.over_s)


def three(told: Percentiles) -> str:
    """Its three percentiles.

    >>> three(Percentiles(7, 0.0894, 1.2, 3.0))
    '89ms · 1.2s · 3.0s'
    """
    return " · ".join(map(briefly, (told.p50_s, told.p95_s, told.p99_s)))


def at_length(durations: Durations) -> str:
    """What is known of that time, in a sentence without its end; empty if that is nothing."""
    known = [
        f"{verb} {briefly(told.p50_s)} half the time, {briefly(told.p95_s)} at 95%, {briefly(told.p99_s)} at 99%"
        f" ({number(told.count)})"
        for verb, told in (("waited", durations.waits), ("ran", durations.runs))
        if told.count
    ]
    return "; ".join(known)


def last_hour(durations: Sequence[Durations]) -> Durations:
    """Of the times that are told, the last hour."""
    return next((each for each in durations if each.over_s == 3_600), Durations(3_600.0))


def record(durations: Sequence[Durations]) -> list[dict[str, object]]:
    """The member of a JSON document, to the millisecond."""
    return [{"over_s": each.over_s, "waits": _record(each.waits), "runs": _record(each.runs)} for each in durations]


def _record(told: Percentiles) -> dict[str, object]:
    return {name: value if value is None else round(value, 3) for name, value in asdict(told).items()}
