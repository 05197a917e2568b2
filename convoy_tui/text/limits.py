"""The limits of a queue in words, and rates as people write them."""

from __future__ import annotations

from convoy_core import InvalidOption, QueueLimits
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, duration, number, parse_duration

_EACH = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


def parse_rate(text: str) -> tuple[int, float]:
    """Starts and the seconds in which they may be, from "100/s", "30/m", "5/h" or "3/10s". Raises InvalidOption.

    >>> [parse_rate(text) for text in ("100/s", "30/m", "3/10s")]
    [(100, 1.0), (30, 60.0), (3, 10.0)]
    """
    starts, slash, period = text.strip().partition("/")
    if slash and starts.isascii() and starts.isdigit() and 0 < len(starts) < 8:
        try:
            return int(starts), parse_duration(period if period[:1].isdigit() else f"1{period}")
        except InvalidOption:
            pass
    raise InvalidOption(f"{safe(repr(text), 60)} is no rate; write it like 100/s, 30/m, 5/h or 3/10s.")


def in_words(limits: QueueLimits) -> str:
    """What is limited, as the end of a sentence.

    >>> in_words(QueueLimits(20, 100, 1.0, 10))
    'at most 20 runs at a time, and 100 starts a second, up to 10 of them at once'
    >>> in_words(QueueLimits(None, 3, 10.0, 1)), in_words(QueueLimits())
    ('at most 3 starts in 10s', 'no limits')
    """
    parts = []
    if limits.concurrency is not None:
        parts.append(f"{count(limits.concurrency, 'run')} at a time")
    if limits.rate is not None:
        each = _EACH.get(limits.period_s)
        parts.append(f"{count(limits.rate, 'start')} {f'a {each}' if each else f'in {duration(limits.period_s)}'}")
        if (limits.burst or 1) > 1:
            parts[-1] += f", up to {number(limits.burst or 1)} of them at once"
    return f"at most {', and '.join(parts)}".replace("a hour", "an hour") if parts else "no limits"


def in_short(limits: QueueLimits) -> str:
    """The same in a few words, for a column.

    >>> in_short(QueueLimits(20, 100, 60.0, 10)), in_short(QueueLimits(None, 3, 10.0, 1)), in_short(QueueLimits())
    ('20 at a time, 100/m', '3/10s', 'no limits')
    """
    parts = [f"{number(limits.concurrency)} at a time"] if limits.concurrency is not None else []
    parts += [_rate(limits)] if limits.rate is not None else []
    return ", ".join(parts) or "no limits"


def as_options(limits: QueueLimits) -> str:
    """The options of `convoy limit` that set these.

    >>> as_options(QueueLimits(20, 100, 60.0, 10)), as_options(QueueLimits(None, 3, 10.0, 1)), as_options(QueueLimits())
    ('--concurrency 20 --rate 100/m --burst 10', '--rate 3/10s --burst 1', '--none')
    """
    options = [f"--concurrency {limits.concurrency}"] if limits.concurrency is not None else []
    if limits.rate is not None:
        options.append(f"--rate {_rate(limits)} --burst {limits.burst}")
    return " ".join(options) or "--none"


def _rate(limits: QueueLimits) -> str:
    each = {1.0: "s", 60.0: "m", 3600.0: "h", 86400.0: "d"}.get(limits.period_s) or duration(limits.period_s)
    return f"{limits.rate}/{each}"
