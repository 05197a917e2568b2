"""Every state a worker pool can be in and every event that moves it on: the whole machine as one table. No I/O.

Rule: nothing else decides what a pool may do next. The loop asks the state for its duties (what `claims`, `waits` and
`compares`), does the I/O, and reports what happened as an event; it keeps no flags of its own beside the state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class PoolState(StrEnum):
    """What a pool is doing."""

    IDLE = "idle"
    """Made, and not started yet."""
    STARTING = "starting"
    """Registering. Nothing is claimed before the store knows the worker."""
    RUNNING = "running"
    """The queue may hold more: claims up to its free slots."""
    WAITING = "waiting"
    """The queue was empty when last asked: the store hands over the next ID."""
    PAUSED = "paused"
    """Somebody paused the queue: asks again every second."""
    QUIET = "quiet"
    """Somebody has said that this worker, or this host, shall claim nothing: asks again every second."""
    OUTDATED = "outdated"
    """Its version is lower than the lowest that may claim from the queue: asks again every second."""
    LIMITED = "limited"
    """A limit of the queue is reached: asks again when the store said it may, or wakes it."""
    DRAINING = "draining"
    """Claims nothing until nothing is held, to run an ID alone that may have killed its workers."""
    ALONE = "alone"
    """Runs such an ID with nothing beside it."""
    UNSURE = "unsure"
    """The store may hold more for this pool, or less, than the pool knows: compares both before anything else."""
    STORE_AWAY = "store away"
    """The store took the last request badly, or not at all: tries again, ever more rarely."""
    STOPPING = "stopping"
    """Claims nothing more; what runs may end within the grace time."""
    STOPPING_UNSURE = "stopping, unsure"
    STOPPING_AWAY = "stopping, store away"
    STOPPED = "stopped"

    @property
    def is_working(self) -> bool:
        """Whether the pool is on duty and in touch with its store."""
        return self in WORKING

    @property
    def is_stopping(self) -> bool:
        """Whether a stop is under way, so that nothing may be claimed or started any more."""
        return self in ENDING

    @property
    def compares(self) -> bool:
        """Whether the pool must ask what the store holds for it before the next round."""
        return self in DOUBTFUL

    @property
    def is_barred(self) -> bool:
        """Whether the pool may claim nothing until somebody lifts that, whatever is queued."""
        return self in BARRED

    @property
    def is_exclusive(self) -> bool:
        """Whether nothing may be started beside what runs."""
        return self in (PoolState.DRAINING, PoolState.ALONE)


WORKING = frozenset(
    {
        PoolState.RUNNING,
        PoolState.WAITING,
        PoolState.PAUSED,
        PoolState.QUIET,
        PoolState.OUTDATED,
        PoolState.LIMITED,
        PoolState.DRAINING,
        PoolState.ALONE,
    },
)
BARRED = frozenset({PoolState.PAUSED, PoolState.QUIET, PoolState.OUTDATED})
"""It asks again every second whether it may claim."""
ENDING = frozenset({PoolState.STOPPING, PoolState.STOPPING_UNSURE, PoolState.STOPPING_AWAY})
DOUBTFUL = frozenset(
    {PoolState.UNSURE, PoolState.STORE_AWAY, PoolState.STOPPING_UNSURE, PoolState.STOPPING_AWAY},
)
ALIVE = frozenset(PoolState) - {PoolState.IDLE, PoolState.STOPPED}


class PoolEvent(StrEnum):
    """What can happen to a pool."""

    START = "start"
    REGISTERED = "registered"
    MORE = "more"
    """A claim was answered with as many IDs as it asked for."""
    EMPTY = "empty"
    """A claim was answered with fewer."""
    PAUSE_MET = "pause met"
    """A claim was refused, since the queue is paused."""
    QUIET_MET = "quiet met"
    """A claim was refused, since this worker or its host is quiet."""
    OUTDATED_MET = "outdated met"
    """A claim was refused, since this worker's version is too low."""
    LIMIT_MET = "limit met"
    """A claim was ended by a limit of the queue."""
    LOOK_AGAIN = "look again"
    """There may be something to claim after all: a pause or a limit may be over, or the store reports an unclaimed
    hand-over."""
    SUSPECT_DUE = "suspect due"
    """An ID that waits to run alone has its turn."""
    SUSPECT_CLAIMED = "suspect claimed"
    PATIENCE_OVER = "patience over"
    """Draining took longer than the queue can spare."""
    SUSPECT_ENDED = "suspect ended"
    """Nothing is held any more after a run alone."""
    DOUBTED = "doubted"
    """A new connection, another server, a lost reply or a lapsed lease: what the store holds for us is not certain."""
    COMPARED = "compared"
    """Both sides hold the same again."""
    FAILED = "failed"
    """The store could not be reached, or refused a request that it ought to take."""
    ACCEPTED = "accepted"
    """The store took a whole round."""
    STOP = "stop"
    CLOSED = "closed"
    """The pool's life is over, whatever ended it."""


class Facts(NamedTuple):
    """What guards look at, as it is when an event happens."""

    holds_suspect: bool = False
    """Whether a run is going that must be alone."""
    was_asked: bool = False
    """Whether LOOK_AGAIN came after the claim was sent whose answer this is."""


class Action(StrEnum):
    """What the loop has to do on a transition, besides the duties of its new state."""

    LOOK_LATER = "look later"
    """Report LOOK_AGAIN in a second, or when the store said that a limit may be over."""
    BEGIN_EPISODE = "begin episode"
    """The time for running suspects begins to be spent."""
    LIMIT_DRAINING = "limit draining"
    """Report PATIENCE_OVER when the pool has drained for as long as the queue can spare."""
    END_EPISODE = "end episode"
    """The time for running suspects is used up for a while."""
    POSTPONE_JUDGEMENT = "postpone judgement"
    """After an outage, or in an older file, all leases look expired: give other pools a full lease to renew theirs."""


Guard = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """On `event` in one of `sources`, if `guard` holds, the pool enters `target` and does `actions`."""

    event: PoolEvent
    sources: frozenset[PoolState]
    target: PoolState
    guard: Guard | None = None
    actions: tuple[Action, ...] = ()


def _holds_suspect(facts: Facts) -> bool:
    return facts.holds_suspect


def _was_asked(facts: Facts) -> bool:
    return facts.was_asked


def _on(
    event: PoolEvent,
    sources: Iterable[PoolState],
    target: PoolState,
    *actions: Action,
    guard: Guard | None = None,
) -> Rule:
    return Rule(event, frozenset(sources), target, guard, actions)


_BARS = {
    PoolEvent.PAUSE_MET: PoolState.PAUSED,
    PoolEvent.QUIET_MET: PoolState.QUIET,
    PoolEvent.OUTDATED_MET: PoolState.OUTDATED,
}


def _rules() -> Iterator[Rule]:
    """Per event and state the first rule counts whose guard holds. Where none does, the event changes nothing."""
    state, event, act = PoolState, PoolEvent, Action
    open_ = {state.RUNNING, state.WAITING, state.LIMITED} | BARRED

    yield _on(event.START, {state.IDLE}, state.STARTING)
    yield _on(event.REGISTERED, {state.STARTING}, state.RUNNING)

    # What claims tell of the queue. An answer that was sent before somebody asked to look again says nothing any more.
    yield _on(event.MORE, open_, state.RUNNING)
    yield _on(event.EMPTY, open_, state.RUNNING, guard=_was_asked)
    yield _on(event.EMPTY, open_, state.WAITING)
    for met, bar in _BARS.items():
        yield _on(met, open_, bar, act.LOOK_LATER)
        yield _on(met, {state.DRAINING}, bar, act.END_EPISODE, act.LOOK_LATER)
    yield _on(event.LIMIT_MET, open_, state.RUNNING, guard=_was_asked)
    yield _on(event.LIMIT_MET, open_, state.LIMITED, act.LOOK_LATER)
    yield _on(event.LOOK_AGAIN, open_, state.RUNNING)

    # Suspects run alone. A drained pool's claim may also find none, since another pool took it.
    yield _on(event.SUSPECT_DUE, {state.RUNNING, state.WAITING}, state.DRAINING, act.BEGIN_EPISODE, act.LIMIT_DRAINING)
    yield _on(event.SUSPECT_CLAIMED, open_ | {state.DRAINING}, state.ALONE, act.BEGIN_EPISODE)
    yield _on(event.PATIENCE_OVER, {state.DRAINING}, state.RUNNING, act.END_EPISODE)
    yield _on(event.MORE, {state.DRAINING}, state.RUNNING, act.END_EPISODE)
    yield _on(event.EMPTY, {state.DRAINING}, state.WAITING, act.END_EPISODE)
    yield _on(event.LIMIT_MET, {state.DRAINING}, state.LIMITED, act.END_EPISODE, act.LOOK_LATER)
    yield _on(event.SUSPECT_ENDED, {state.ALONE}, state.RUNNING, act.END_EPISODE)

    # Doubt and outages. What an outage interrupted is looked up anew afterwards.
    solo = {state.DRAINING, state.ALONE}
    yield _on(event.DOUBTED, solo, state.UNSURE, act.END_EPISODE, act.POSTPONE_JUDGEMENT)
    yield _on(event.DOUBTED, open_ | {state.UNSURE}, state.UNSURE, act.POSTPONE_JUDGEMENT)
    yield _on(event.DOUBTED, {state.STORE_AWAY}, state.STORE_AWAY, act.POSTPONE_JUDGEMENT)
    yield _on(event.DOUBTED, {state.STOPPING, state.STOPPING_UNSURE}, state.STOPPING_UNSURE, act.POSTPONE_JUDGEMENT)
    yield _on(event.DOUBTED, {state.STOPPING_AWAY}, state.STOPPING_AWAY, act.POSTPONE_JUDGEMENT)
    yield _on(event.COMPARED, {state.UNSURE}, state.ALONE, act.BEGIN_EPISODE, guard=_holds_suspect)
    yield _on(event.COMPARED, {state.UNSURE}, state.RUNNING)
    yield _on(event.COMPARED, {state.STOPPING_UNSURE}, state.STOPPING)
    yield _on(event.FAILED, solo, state.STORE_AWAY, act.END_EPISODE, act.POSTPONE_JUDGEMENT)
    yield _on(event.FAILED, open_ | {state.UNSURE, state.STORE_AWAY}, state.STORE_AWAY, act.POSTPONE_JUDGEMENT)
    yield _on(event.FAILED, ENDING, state.STOPPING_AWAY, act.POSTPONE_JUDGEMENT)
    yield _on(event.ACCEPTED, {state.STORE_AWAY}, state.ALONE, act.BEGIN_EPISODE, guard=_holds_suspect)
    yield _on(event.ACCEPTED, {state.STORE_AWAY}, state.RUNNING)
    yield _on(event.ACCEPTED, {state.STOPPING_AWAY}, state.STOPPING)

    # A stop before the start leaves nothing to start.
    yield _on(event.STOP, {state.IDLE}, state.STOPPED)
    yield _on(event.STOP, {state.STARTING} | WORKING, state.STOPPING)
    yield _on(event.STOP, {state.UNSURE}, state.STOPPING_UNSURE)
    yield _on(event.STOP, {state.STORE_AWAY}, state.STOPPING_AWAY)
    yield _on(event.CLOSED, ALIVE, state.STOPPED)


RULES: tuple[Rule, ...] = tuple(_rules())


def _by_place() -> dict[tuple[PoolState, PoolEvent], list[Rule]]:
    places: dict[tuple[PoolState, PoolEvent], list[Rule]] = defaultdict(list)
    for rule in RULES:
        for state in rule.sources:
            places[state, rule.event].append(rule)
    return dict(places)


_BY_PLACE = _by_place()  # a busy pool asks twice a round


def rule_for(state: PoolState, event: PoolEvent, facts: Facts) -> Rule | None:
    """The rule that `event` follows in `state`; None where it changes nothing."""
    for rule in _BY_PLACE.get((state, event), ()):
        if rule.guard is None or rule.guard(facts):
            return rule
    return None


@dataclass(slots=True)
class PoolStates:
    """The state of one pool. `state` may be read from any thread; events belong to the pool's event loop."""

    state: PoolState = PoolState.IDLE
    _asked: int = field(default=0, repr=False)

    @property
    def asked(self) -> int:
        """How often LOOK_AGAIN was reported. To be noted with each claim that is sent."""
        return self._asked

    def handle(self, event: PoolEvent, facts: Facts = Facts()) -> tuple[Action, ...]:  # noqa: B008 - it is frozen
        """Enter the state that `event` leads to; what is to be done about it."""
        self._asked += event is PoolEvent.LOOK_AGAIN
        rule = rule_for(self.state, event, facts)
        if rule is None:
            return ()
        self.state = rule.target
        return rule.actions
