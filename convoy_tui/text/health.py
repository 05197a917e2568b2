"""The health of a queue as one word: how it is chosen and shown, which keys help, and which queues come first.

Rule: the first condition that holds decides, in the order of `Health`. Pure: the input is one snapshot and its trends,
which are the same whoever has watched. What waits while nothing ends is never green.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from convoy_core import Snapshot
from convoy_tui.text.ends import LEAST_RUNS
from convoy_tui.text.history import Trends
from convoy_tui.text.words import count


class Severity(StrEnum):
    """How urgent a word is."""

    ALARM = "alarm"
    WARNING = "warning"
    DELIBERATE = "deliberate"
    PLAIN = "plain"
    FINE = "fine"
    NOTHING = "nothing"


class Health(StrEnum):
    """The health words, worst first. Alarms are in capitals, so that they stand out even without colour."""

    DAMAGED = "DAMAGED"
    JAMMED = "JAMMED"
    FAILING = "FAILING"
    NO_WORKERS = "NO WORKERS"
    STALLED = "STALLED"
    OVERDUE = "OVERDUE"
    DRIFT = "DRIFT"
    BEHIND = "BEHIND"
    PAUSED = "paused"
    LIMITED = "limited"
    WAITING = "waiting"
    FLOWING = "flowing"
    FAILED = "failed"
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
    Health.STALLED: _Look("▬", "-", Severity.WARNING, ("W",)),
    Health.OVERDUE: _Look("◔", "@", Severity.WARNING, ("W",)),
    Health.DRIFT: _Look("≠", "!", Severity.WARNING),
    Health.BEHIND: _Look("△", "+", Severity.WARNING, ("W",)),
    Health.PAUSED: _Look("‖", "=", Severity.DELIBERATE, ("P",)),
    Health.LIMITED: _Look("◫", "|", Severity.DELIBERATE),
    Health.WAITING: _Look("◌", ":", Severity.PLAIN, ("W",)),
    Health.FLOWING: _Look("●", "o", Severity.FINE, ("N",)),
    Health.FAILED: _Look("◇", "v", Severity.PLAIN, ("R",)),
    Health.IDLE: _Look("○", ".", Severity.NOTHING, ("N",)),
}

STALE_SIGN, PLAIN_STALE_SIGN = "┄", "~"
KNOWN_SIGN, PLAIN_KNOWN_SIGN = "◎", "&"
"""Stands instead of the sign of a word that is acknowledged."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits above which a queue needs attention."""

    jam_after_s: float = 300.0
    failures_per_s: float = 1.0
    failing_share: float = 0.2
    """The share of failures among the runs that ended in the last minute."""
    least_failures: int = 3
    """Fewer failures than this are no alarm, whatever their share."""
    stalled_s: float = 60.0
    """A queue that waits for this long without a run that ends is stalled, unless its runs usually take longer."""
    clears_s: float = 3600.0
    """A queue that needs longer than this to empty is behind."""
    overdue_s: float = 10.0
    """A pool promotes due IDs every second, so an ID that is due for this long has no pool that does it."""


def assess(snapshot: Snapshot, trends: Trends, limits: Limits) -> Health:
    """The word for one sample, before `Steady` smooths it."""
    counts = snapshot.counts
    stands = snapshot.paused or snapshot.is_held_back
    holds = {
        Health.DAMAGED: snapshot.damage is not None,
        Health.JAMMED: snapshot.jammed > 0,
        Health.FAILING: fails_now(trends, limits) or _failed_last(snapshot, trends, limits),
        Health.NO_WORKERS: is_unserved(snapshot, trends),
        Health.STALLED: _is_stalled(snapshot, trends, limits),
        Health.OVERDUE: not snapshot.paused and overdue_s(snapshot) >= limits.overdue_s,
        Health.DRIFT: trends.drift != 0,
        Health.BEHIND: not stands and _is_behind(trends, limits),
        Health.PAUSED: snapshot.paused,
        Health.LIMITED: snapshot.is_held_back,
        Health.WAITING: counts.queued > 0 and not trends.moves,
        Health.FLOWING: counts.queued > 0 or counts.processing > 0,
        Health.FAILED: counts.failed > 0,
    }
    return next((word for word, is_so in holds.items() if is_so), Health.IDLE)


def is_acknowledged(snapshot: Snapshot, health: Health) -> bool:
    """Whether this is trouble that an operator knows of, so that nobody need be told. What is damaged cannot say."""
    known = snapshot.about.acknowledged
    return known is not None and health.needs_you and known.covers(health.value)


def knows_failures(snapshot: Snapshot) -> bool:
    """Whether an operator knows that IDs of this queue have failed."""
    known = snapshot.about.acknowledged
    return known is not None and (known.covers(Health.FAILED.value) or known.covers(Health.FAILING.value))


def is_unserved(snapshot: Snapshot, trends: Trends) -> bool:
    """Whether IDs wait, or are held by dead pools, and no worker claims or recovers them.

    Node workers do not register. They are recognized by the IDs that they hold, or that end.
    """
    counts = snapshot.counts
    if snapshot.workers:
        return False
    if snapshot.held and counts.processing:
        return True
    return not (snapshot.paused or counts.processing or trends.shrinks or trends.moves) and counts.queued > 0


def stalled_s(snapshot: Snapshot, trends: Trends) -> float:
    """For how long IDs have waited without a run that ended, though one could have: the longest has run for as long."""
    oldest = snapshot.oldest_processing_s
    return trends.still_s if oldest is None else min(trends.still_s, oldest)


def overdue_s(snapshot: Snapshot) -> float:
    """For how long the first delayed ID has been due; 0 if none is."""
    return max(0.0, -(snapshot.next_due_s or 0.0))


def fails_now(trends: Trends, limits: Limits) -> bool:
    """Whether too many runs have failed in the last minute."""
    if (trends.rates.fail_s or 0.0) > limits.failures_per_s:
        return True
    return _is_too_much(trends.failed_1m, trends.done_1m + trends.failed_1m, limits)


def _failed_last(snapshot: Snapshot, trends: Trends, limits: Limits) -> bool:
    """Whether too many of the last runs failed, however long ago, and nobody has seen to those IDs since."""
    if trends.done_1m + trends.failed_1m >= LEAST_RUNS or snapshot.paused:
        return False
    is_left = snapshot.counts.failed + snapshot.counts.delayed > 0
    return is_left and _is_too_much(trends.last_runs.failed, trends.last_runs.runs, limits)


def _is_too_much(failed: int, ended: int, limits: Limits) -> bool:
    return failed >= limits.least_failures and failed > limits.failing_share * ended


def _is_stalled(snapshot: Snapshot, trends: Trends, limits: Limits) -> bool:
    waits_for_its_turn = snapshot.is_held_back and snapshot.limits.rate is not None
    if snapshot.paused or waits_for_its_turn or not snapshot.counts.queued:
        return False
    return stalled_s(snapshot, trends) > max(limits.stalled_s, 1.5 * trends.usual_s)


def _is_behind(trends: Trends, limits: Limits) -> bool:
    return trends.grows or (trends.clears_s is not None and trends.clears_s > limits.clears_s)


def order(health: Health, snapshot: Snapshot, trends: Trends) -> tuple[int, int, str]:
    """What queues are sorted by: the worst word first, of equal ones the heaviest, then by name.

    Trouble that is acknowledged stands behind all other, with what somebody has chosen. What needs nobody goes by the
    size of its number, so that rows do not change places with each ID.
    """
    weight = _weight(health, snapshot, trends)
    if is_acknowledged(snapshot, health):
        return Health.PAUSED.rank, -len(str(weight)), snapshot.queue
    return health.rank, -weight if health.needs_you else -len(str(weight)), snapshot.queue


def _weight(health: Health, snapshot: Snapshot, trends: Trends) -> int:
    counts = snapshot.counts
    match health:
        case Health.JAMMED:
            return snapshot.jammed
        case Health.FAILING:
            return trends.failed_1m or trends.last_runs.failed
        case Health.DRIFT:
            return abs(trends.drift)
        case Health.FAILED | Health.OVERDUE | Health.IDLE | Health.DAMAGED:
            return counts.failed or counts.delayed
        case (
            Health.NO_WORKERS
            | Health.STALLED
            | Health.BEHIND
            | Health.WAITING
            | Health.FLOWING
            | Health.PAUSED
            | Health.LIMITED
        ):
            return counts.queued + counts.processing


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
