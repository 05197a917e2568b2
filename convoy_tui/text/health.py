"""The health of a queue as one word: how it is chosen, shown and explained, and which keys help.

Rule: the first condition that holds decides, in the order of `Health`. Pure: the input is one snapshot and its trends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from convoy_core import Snapshot
from convoy_tui.text.history import Trends
from convoy_tui.text.limits import in_words
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, due_in, duration, number


class Severity(StrEnum):
    """How urgent a word is."""

    ALARM = "alarm"
    WARNING = "warning"
    DELIBERATE = "deliberate"
    FINE = "fine"
    NOTHING = "nothing"


class Health(StrEnum):
    """The health words, worst first. Alarms are in capitals, so that they stand out even without colour."""

    DAMAGED = "DAMAGED"
    JAMMED = "JAMMED"
    FAILING = "FAILING"
    NO_WORKERS = "NO WORKERS"
    OVERDUE = "OVERDUE"
    DRIFT = "DRIFT"
    BEHIND = "BEHIND"
    PAUSED = "paused"
    LIMITED = "limited"
    FLOWING = "flowing"
    IDLE = "idle"

    @property
    def rank(self) -> int:
        """Position in the order; 0 is the worst."""
        return _RANKS[self]

    @property
    def severity(self) -> Severity:
        """How urgent the word is."""
        return _LOOKS[self].severity

    @property
    def needs_you(self) -> bool:
        """Whether someone should look."""
        return self.severity in (Severity.ALARM, Severity.WARNING)

    @property
    def offers(self) -> tuple[str, ...]:
        """The keys that help, the most useful first."""
        return _LOOKS[self].offers

    def sign(self, *, ascii_only: bool = False) -> str:
        """The sign shown before the word, one cell wide."""
        return _LOOKS[self].plain_sign if ascii_only else _LOOKS[self].sign


@dataclass(frozen=True, slots=True)
class _Look:
    sign: str
    plain_sign: str
    severity: Severity
    offers: tuple[str, ...] = ()


_RANKS = {word: rank for rank, word in enumerate(Health)}
_LOOKS = {
    Health.DAMAGED: _Look("◆", "%", Severity.ALARM),
    Health.JAMMED: _Look("■", "#", Severity.ALARM, ("J", "W")),
    Health.FAILING: _Look("✖", "x", Severity.ALARM, ("R", "P")),
    Health.NO_WORKERS: _Look("▲", "^", Severity.WARNING, ("W",)),
    Health.OVERDUE: _Look("◔", "@", Severity.WARNING, ("W",)),
    Health.DRIFT: _Look("≠", "!", Severity.WARNING),
    Health.BEHIND: _Look("△", "+", Severity.WARNING, ("W",)),
    Health.PAUSED: _Look("‖", "=", Severity.DELIBERATE, ("P",)),
    Health.LIMITED: _Look("◫", "|", Severity.DELIBERATE),
    Health.FLOWING: _Look("●", "o", Severity.FINE, ("N",)),
    Health.IDLE: _Look("○", ".", Severity.NOTHING, ("N",)),
}

STALE_SIGN, PLAIN_STALE_SIGN = "┄", "~"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits above which a queue needs attention."""

    jam_after_s: float = 300.0
    failures_per_s: float = 1.0
    failing_share: float = 0.2
    """The share of failures among the runs that ended in the last minute."""
    least_failures: int = 3
    """Fewer failures per minute than this are no alarm, whatever their share."""
    clears_s: float = 3600.0
    """A queue that needs longer than this to empty is behind."""
    overdue_s: float = 10.0
    """A pool promotes due IDs every second, so an ID that is due for this long has no pool that does it."""


def assess(snapshot: Snapshot, trends: Trends, limits: Limits) -> Health:
    """The word for one sample, before `Steady` smooths it."""
    counts = snapshot.counts
    holds = {
        Health.DAMAGED: snapshot.damage is not None,
        Health.JAMMED: snapshot.jammed > 0,
        Health.FAILING: _is_failing(trends, limits),
        Health.NO_WORKERS: is_unserved(snapshot, trends),
        Health.OVERDUE: _is_overdue(snapshot, limits),
        Health.DRIFT: trends.drift != 0,
        Health.BEHIND: not (snapshot.paused or snapshot.is_held_back) and _is_behind(trends, limits),
        Health.PAUSED: snapshot.paused,
        Health.LIMITED: snapshot.is_held_back,
        Health.FLOWING: counts.queued > 0 or counts.processing > 0,
    }
    return next((word for word, is_so in holds.items() if is_so), Health.IDLE)


def is_unserved(snapshot: Snapshot, trends: Trends) -> bool:
    """Whether IDs wait, or are held by dead pools, and no worker claims or recovers them.

    Node workers do not register. They are recognized by the IDs that they hold or claim.
    """
    if snapshot.workers or trends.shrinks:
        return False
    if snapshot.silent and snapshot.counts.processing:
        return True
    return not snapshot.paused and snapshot.counts.queued > 0 and not snapshot.counts.processing


def _is_overdue(snapshot: Snapshot, limits: Limits) -> bool:
    due = snapshot.next_due_s
    return not snapshot.paused and due is not None and due <= -limits.overdue_s


def _is_failing(trends: Trends, limits: Limits) -> bool:
    if (trends.rates.fail_s or 0.0) > limits.failures_per_s:
        return True
    ended = trends.done_1m + trends.failed_1m
    return trends.failed_1m >= limits.least_failures and trends.failed_1m > limits.failing_share * ended


def _is_behind(trends: Trends, limits: Limits) -> bool:
    return trends.grows or (trends.clears_s is not None and trends.clears_s > limits.clears_s)


@dataclass(slots=True)
class _Trial:
    shown: Health
    candidate: Health
    seen: int


@dataclass(slots=True)
class Steady:
    """Shows a new word only after two equal samples (DRIFT: three), so that the display does not flicker.

    The first word of a queue is shown at once, except DRIFT: between two commands of a Node client every queue drifts.
    """

    _trials: dict[str, _Trial] = field(default_factory=dict)

    def settle(self, queue: str, word: Health, calm: Health) -> Health:
        """The word to show, given that of the newest sample. `calm` is shown instead of a first DRIFT."""
        trial = self._trials.get(queue)
        if trial is None:
            shown = calm if word is Health.DRIFT else word
            trial = self._trials[queue] = _Trial(shown, word, 0)
        trial.seen = trial.seen + 1 if word is trial.candidate else 1
        trial.candidate = word
        if trial.seen >= (3 if word is Health.DRIFT else 2):
            trial.shown = word
        return trial.shown

    def keep(self, queues: Iterable[str]) -> None:
        """Forget every other queue."""
        known = set(queues)
        for gone in self._trials.keys() - known:
            del self._trials[gone]


def failures(n: int) -> str:
    """The number of failed IDs as a sentence, for queues that need no attention.

    >>> failures(1), failures(1200)
    ('1 ID has failed', '1,200 IDs have failed')
    """
    return count(n, "ID has failed", "IDs have failed")


def word(health: Health, trends: Trends) -> str:
    """The word as the table shows it."""
    return f"DRIFT {trends.drift:+d}" if health is Health.DRIFT else health.value


def why(health: Health, snapshot: Snapshot, trends: Trends, limits: Limits) -> str:
    """The explanation of the word in a sentence, with its numbers."""
    match health:
        case Health.DAMAGED:
            return f"It cannot be read: {safe(snapshot.damage or '', 200)}"
        case Health.OVERDUE:
            return _why_overdue(snapshot)
        case Health.JAMMED | Health.FAILING | Health.NO_WORKERS | Health.DRIFT | Health.BEHIND:
            return _why_alarmed(health, snapshot, trends, limits)
        case Health.PAUSED | Health.LIMITED | Health.FLOWING | Health.IDLE:
            return _why_calm(health, snapshot)


def _why_alarmed(health: Health, snapshot: Snapshot, trends: Trends, limits: Limits) -> str:
    counts = snapshot.counts
    if health is Health.JAMMED:
        jobs = f"{number(snapshot.jammed)} of {count(counts.processing, 'running job is', 'running jobs are')}"
        oldest = snapshot.oldest_processing_s
        longest = f" The longest has run for {age(oldest)}." if oldest is not None else ""
        return f"{jobs} past the {duration(limits.jam_after_s)} limit.{longest}"
    if health is Health.FAILING:
        ended = trends.done_1m + trends.failed_1m
        return f"{number(trends.failed_1m)} of {count(ended, 'run')} failed in the last minute."
    if health is Health.NO_WORKERS:
        return _why_unserved(snapshot)
    if health is Health.DRIFT:
        return _why_drifting(trends.drift)
    if trends.grows:
        return "More comes in than goes out, and has for a minute."
    return f"At this rate it takes {age(trends.clears_s or 0)} until it is empty."


def _why_unserved(snapshot: Snapshot) -> str:
    counts = snapshot.counts
    if snapshot.silent and counts.processing:
        gone, running = count(snapshot.silent, "pool", "pools"), count(counts.processing, "ID", "IDs")
        return f"{gone} fell silent and nobody recovers the {running} in processing: start a worker."
    return f"{count(counts.queued, 'ID waits', 'IDs wait')} and no worker takes them."


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
