"""Why a queue has its health word: a sentence with the numbers that the word was chosen by. Pure."""

from __future__ import annotations

from convoy_core import Bars, Snapshot
from convoy_tui.text.health import Health, Limits, fails_now, failures, is_unserved, stalled_s
from convoy_tui.text.history import Trends
from convoy_tui.text.limits import in_words
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, due_in, duration, number

_EXACT_S = 300.0
"""Of what was longer ago the store has kept one row a minute."""


def why(health: Health, snapshot: Snapshot, trends: Trends, limits: Limits) -> str:
    """The explanation of the word in a sentence, with its numbers."""
    match health:
        case Health.DAMAGED:
            return f"It cannot be read: {safe(snapshot.damage or '', 200)}"
        case Health.OVERDUE:
            return _why_overdue(snapshot)
        case Health.FAILING:
            return _why_failing(snapshot, trends, limits)
        case Health.STALLED | Health.WAITING:
            return _why_still(snapshot, trends)
        case Health.JAMMED | Health.NO_WORKERS | Health.DRIFT | Health.BEHIND:
            return _why_alarmed(health, snapshot, trends, limits)
        case Health.PAUSED | Health.LIMITED | Health.FLOWING | Health.FAILED | Health.IDLE:
            return _why_calm(health, snapshot)


def _why_alarmed(health: Health, snapshot: Snapshot, trends: Trends, limits: Limits) -> str:
    counts = snapshot.counts
    if health is Health.JAMMED:
        jobs = f"{number(snapshot.jammed)} of {count(counts.processing, 'running job is', 'running jobs are')}"
        oldest = snapshot.oldest_processing_s
        longest = f" The longest has run for {age(oldest)}." if oldest is not None else ""
        return f"{jobs} past the {duration(limits.jam_after_s)} limit.{longest}"
    if health is Health.NO_WORKERS:
        return _why_unserved(snapshot)
    if health is Health.DRIFT:
        return _why_drifting(trends.drift)
    if trends.grows:
        return "More comes in than goes out, and has for a minute."
    return f"At this rate it takes {age(trends.clears_s or 0)} until it is empty."


def _why_failing(snapshot: Snapshot, trends: Trends, limits: Limits) -> str:
    unserved = f" {_why_unserved(snapshot)}" if is_unserved(snapshot, trends) else ""
    return f"{_what_failed(snapshot, trends, limits)}{unserved}"


def _what_failed(snapshot: Snapshot, trends: Trends, limits: Limits) -> str:
    last = trends.last_runs
    if fails_now(trends, limits) or last.failed_at is None:
        ended = trends.done_1m + trends.failed_1m
        return f"{number(trends.failed_1m)} of {count(ended, 'run')} failed in the last minute."
    ago_s = max(0.0, snapshot.at - last.failed_at)
    ago = age(ago_s) if ago_s < _EXACT_S else duration(ago_s // 60 * 60)
    return f"{number(last.failed)} of the last {count(last.runs, 'run')} failed, the last {ago} ago."


def _why_still(snapshot: Snapshot, trends: Trends) -> str:
    return f"{_why_waiting(snapshot, trends)}{_why_barred(snapshot.bars)}"


def _why_barred(bars: Bars) -> str:
    """What keeps workers from claiming, which may be why."""
    parts = [f"host {safe(host, 40)} is quiet" for host in bars.quiet_hosts[:3]]
    if len(bars.quiet_hosts) > 3:
        parts = [f"{count(len(bars.quiet_hosts), 'host')} are quiet"]
    if bars.quiet_workers:
        parts.append(f"{count(len(bars.quiet_workers), 'worker is', 'workers are')} quiet")
    if bars.lowest_version:
        parts.append(f"versions below {safe(bars.lowest_version, 40)} claim nothing")
    return f" Note: {', '.join(parts)}." if parts else ""


def _why_waiting(snapshot: Snapshot, trends: Trends) -> str:
    counts, still_s = snapshot.counts, stalled_s(snapshot, trends)
    waits = count(counts.queued, "ID waits", "IDs wait")
    if not counts.processing:
        return f"{waits}, and no worker has taken one{f' for {age(still_s)}' if still_s >= 1 else ' yet'}."
    ended = f"no run has ended for {age(still_s)}" if still_s >= 1 else "no run has been seen to end yet"
    running = count(counts.processing, "is running", "are running")
    oldest = snapshot.oldest_processing_s
    longest = "" if oldest is None else f", the longest for {age(oldest)}"
    return f"{waits}, and {ended}; {running}{longest}."


def _why_unserved(snapshot: Snapshot) -> str:
    counts = snapshot.counts
    if counts.processing and not snapshot.silent:
        held = count(snapshot.held, "ID is", "IDs are")
        return f"{held} held by workers that are gone, and nobody recovers them: start a worker."
    if counts.processing:
        gone, held = count(snapshot.silent, "pool"), count(snapshot.held, "ID")
        return f"{gone} fell silent, and nobody recovers the {held} held there: start a worker."
    return f"{count(counts.queued, 'ID waits and no worker takes it', 'IDs wait and no worker takes them')}."


def _why_overdue(snapshot: Snapshot) -> str:
    waits = count(snapshot.counts.delayed, "delayed ID waits", "delayed IDs wait")
    if snapshot.workers:
        return f"{waits}, and the first is {due_in(snapshot.next_due_s or 0)}: the workers here do not get round to it."
    return (
        f"{waits}, and the first is {due_in(snapshot.next_due_s or 0)}: no Convoy worker queues it, and Node's do not."
    )


def _why_drifting(drift: int) -> str:
    if drift > 0:
        what = f"{count(drift, 'ID is', 'IDs are')} committed but nowhere: publishing them is refused for ever."
    else:
        what = f"{count(-drift, 'ID is', 'IDs are')} here without being committed, and could be queued twice."
    return f"{what} A Node client that crashed leaves this behind."


def _why_calm(health: Health, snapshot: Snapshot) -> str:
    counts, due = snapshot.counts, snapshot.next_due_s
    if health is Health.PAUSED:
        running = f" {count(counts.processing, 'job goes', 'jobs go')} on." if counts.processing else ""
        return f"Paused on purpose: {count(counts.queued, 'ID waits', 'IDs wait')}.{running}"
    failed = f" {failures(counts.failed)}." if counts.failed else ""
    if health is Health.LIMITED:
        waiting = f"{count(counts.queued, 'ID waits', 'IDs wait')}, {number(counts.processing)} running"
        return f"Held back by its limits, {in_words(snapshot.limits)}: {waiting}.{failed}"
    if health is Health.FLOWING:
        return f"{number(counts.queued)} waiting, {number(counts.processing)} running.{failed}"
    if counts.delayed:
        when = "" if due is None else due_in(due)
        first = f", the first {'is' if when.startswith('over') else 'is due'} {when}" if when else ""
        return f"Nothing to do now; {count(counts.delayed, 'ID waits', 'IDs wait')} for a later time{first}.{failed}"
    return f"Nothing is waiting and nothing is running.{failed}"
