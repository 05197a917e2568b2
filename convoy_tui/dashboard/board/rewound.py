"""The overview at a time in the past: which times there are, and the rows of queues from what the store has kept. Pure.

A queue is judged as if somebody had looked at it then: by `assess`, from the rows up to that time. What no row holds
(how long runs had been going on, limits) is unknown and counts as nothing wrong; whether it was paused the audit tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from convoy_core import AuditEntry, HistoryRow, Snapshot
from convoy_tui.dashboard.board.board import Row
from convoy_tui.text.health import Limits, assess, order
from convoy_tui.text.history import History, Rates, Trends
from convoy_tui.text.past import GAP_S, single_rows

_STEPS: Final = ((900.0, 60.0), (10_800.0, 600.0), (86_400.0, 3600.0), (604_800.0, 21_600.0))
"""Up to so long ago, a step is so long."""


def step_s(ago: float) -> float:
    """The step at a time so long ago."""
    return next((step for longest, step in _STEPS if ago < longest), _STEPS[-1][1])


def earlier(at: float | None, now: float) -> float:
    """The last full step before `at`, or before now; no longer ago than the store keeps rows."""
    start = now - 15 if at is None else at
    step = step_s(now - start)
    return max(math.ceil(start / step) * step - step, math.ceil((now - _STEPS[-1][0]) / step) * step)


def later(at: float, now: float) -> float | None:
    """The next full step after `at`; None for now."""
    step = step_s(now - at - 1)
    following = math.floor(at / step) * step + step
    return None if following > now - 15 else following


def step_name(ago: float) -> str:
    """The step in words.

    >>> [step_name(ago) for ago in (5, 3600, 7200 * 3, 200_000)]
    ['1 min', '10 min', '1 h', '6 h']
    """
    seconds = int(step_s(ago))
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"


def past_rows(
    kept: Mapping[str, Sequence[HistoryRow]], at: float, limits: Limits, acts: Iterable[AuditEntry], paused: set[str]
) -> tuple[Row, ...]:
    """The rows of the overview at that time, of the queues of which something was kept just before it.

    `acts` is the audit, and `paused` has the queues that are paused now.
    """
    steering: dict[str, list[AuditEntry]] = {}
    for act in acts:
        if act.verb in ("pause", "resume"):
            steering.setdefault(act.queue, []).append(act)
    found = []
    for queue, rows in kept.items():
        until = [row for row in rows if row.at <= at]
        if until and at - until[-1].at <= GAP_S:
            was_paused = paused_at(steering.get(queue, ()), at, is_now=queue in paused)
            found.append(_row(queue, until, was_paused, limits))
    return tuple(sorted(found, key=lambda row: order(row.health, row.snapshot, row.trends)))


def paused_at(acts: Iterable[AuditEntry], at: float, *, is_now: bool) -> bool:
    """Whether a queue was paused then: what was done last before, or the opposite of what was done next, or as now."""
    before = [act for act in acts if act.at <= at]
    if before:
        return max(before, key=lambda act: act.at).verb == "pause"
    after = [act for act in acts if act.at > at]
    return min(after, key=lambda act: act.at).verb == "resume" if after else is_now


def _row(queue: str, rows: Sequence[HistoryRow], was_paused: bool, limits: Limits) -> Row:
    last = rows[-1]
    snapshot = Snapshot(
        queue=queue,
        at=last.at,
        counts=last.counts,
        paused=was_paused,
        workers=last.workers,
        silent=0,
        jammed=0,
        oldest_queued_s=None,
        oldest_processing_s=None,
        next_due_s=None,
        totals=last.totals,
        held=last.counts.processing if last.workers else 0,
    )
    history = History()
    history.recall(snapshot, tuple(rows[:-1]))
    history.add([snapshot])
    trends = _completed(history.trends(queue), rows)
    return Row(snapshot, trends, assess(snapshot, trends, limits))


def _completed(trends: Trends, rows: Sequence[HistoryRow]) -> Trends:
    """The trends with what one reading cannot tell: rates where there is a row a minute, and a drift that lasts."""
    drifts = [row.counts.drift for row in rows[-2:]]
    lasts = len(drifts) == 2 and min(drifts) * max(drifts) > 0
    trends = replace(trends, drift=min(drifts, key=abs) if lasts else 0)
    if trends.rates.in_s is not None or len(rows) < 2 or rows[-1].at - rows[-2].at > GAP_S:
        return trends
    part = single_rows(rows[-2:])[-1]
    net_s = (rows[-1].counts.queued - rows[-2].counts.queued) / (rows[-1].at - rows[-2].at)
    return replace(trends, rates=Rates(part.in_s, part.out_s, part.fail_s, net_s))
