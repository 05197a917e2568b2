"""The table of a pool's states: every state meets every event, and random sequences keep what a pool may rest on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convoy_core import PoolState
from convoy_core.worker.states import (
    ALIVE,
    DOUBTFUL,
    ENDING,
    RULES,
    WORKING,
    Action,
    Facts,
    PoolEvent,
    PoolStates,
    Rule,
    rule_for,
)

S, E = PoolState, PoolEvent
BARS = {E.PAUSE_MET: S.PAUSED, E.QUIET_MET: S.QUIET, E.OUTDATED_MET: S.OUTDATED}
OPEN = (S.RUNNING, S.WAITING, S.LIMITED, *BARS.values())
SOLO = (S.DRAINING, S.ALONE)
CALM, ASKED, SUSPECT = Facts(), Facts(was_asked=True), Facts(holds_suspect=True)

EXPECTED: dict[tuple[PoolState, PoolEvent], PoolState] = {
    (S.IDLE, E.START): S.STARTING,
    (S.IDLE, E.STOP): S.STOPPED,
    (S.STARTING, E.REGISTERED): S.RUNNING,
    (S.STARTING, E.STOP): S.STOPPING,
    **{(state, E.MORE): S.RUNNING for state in OPEN},
    **{(state, E.EMPTY): S.WAITING for state in OPEN},
    **{(state, met): bar for state in (*OPEN, S.DRAINING) for met, bar in BARS.items()},
    **{(state, E.LIMIT_MET): S.LIMITED for state in OPEN},
    **{(state, E.LOOK_AGAIN): S.RUNNING for state in OPEN},
    **{(state, E.SUSPECT_CLAIMED): S.ALONE for state in OPEN},
    **{(state, E.SUSPECT_DUE): S.DRAINING for state in (S.RUNNING, S.WAITING)},
    (S.DRAINING, E.SUSPECT_CLAIMED): S.ALONE,
    (S.DRAINING, E.PATIENCE_OVER): S.RUNNING,
    (S.DRAINING, E.MORE): S.RUNNING,
    (S.DRAINING, E.EMPTY): S.WAITING,
    (S.DRAINING, E.LIMIT_MET): S.LIMITED,
    (S.ALONE, E.SUSPECT_ENDED): S.RUNNING,
    **{(state, E.DOUBTED): S.UNSURE for state in (*OPEN, *SOLO)},
    (S.STOPPING, E.DOUBTED): S.STOPPING_UNSURE,
    (S.UNSURE, E.COMPARED): S.RUNNING,
    (S.STOPPING_UNSURE, E.COMPARED): S.STOPPING,
    **{(state, E.FAILED): S.STORE_AWAY for state in (*OPEN, *SOLO, S.UNSURE, S.STORE_AWAY)},
    **{(state, E.FAILED): S.STOPPING_AWAY for state in (S.STOPPING, S.STOPPING_UNSURE, S.STOPPING_AWAY)},
    (S.STORE_AWAY, E.ACCEPTED): S.RUNNING,
    (S.STOPPING_AWAY, E.ACCEPTED): S.STOPPING,
    **{(state, E.STOP): S.STOPPING for state in (*OPEN, *SOLO)},
    (S.UNSURE, E.STOP): S.STOPPING_UNSURE,
    (S.STORE_AWAY, E.STOP): S.STOPPING_AWAY,
    **{(state, E.CLOSED): S.STOPPED for state in S if state not in (S.IDLE, S.STOPPED)},
}
"""Written out by state, where the table is written by rule; what is not here changes nothing."""


@pytest.mark.parametrize(("state", "event"), [*product(PoolState, PoolEvent)])
def test_every_state_meets_every_event(state: PoolState, event: PoolEvent) -> None:
    states = PoolStates(state)

    states.handle(event, CALM)

    assert states.state is EXPECTED.get((state, event), state)


def test_a_snapshot_requested_before_a_refresh_does_not_end_the_refresh() -> None:
    for state, event in product(OPEN, (E.EMPTY, E.LIMIT_MET)):
        rule = rule_for(state, event, ASKED)
        assert rule is not None
        assert rule.target is S.RUNNING


@pytest.mark.parametrize(("state", "event"), [(S.UNSURE, E.COMPARED), (S.STORE_AWAY, E.ACCEPTED)])
def test_f28_a_suspect_that_ran_through_an_outage_still_runs_alone(state: PoolState, event: PoolEvent) -> None:
    states = PoolStates(state)

    actions = states.handle(event, SUSPECT)

    assert (states.state, actions) == (S.ALONE, (Action.BEGIN_EPISODE,))


def test_only_the_two_guards_make_a_difference() -> None:
    for state, event in product(PoolState, PoolEvent):
        targets = {facts: rule.target for facts in (CALM, ASKED, SUSPECT) if (rule := rule_for(state, event, facts))}
        if (state in OPEN and event in (E.EMPTY, E.LIMIT_MET)) or (state, event) in (
            (S.UNSURE, E.COMPARED),
            (S.STORE_AWAY, E.ACCEPTED),
        ):
            assert len(set(targets.values())) == 2
        else:
            assert len(set(targets.values())) <= 1


def test_no_rule_is_hidden_behind_another() -> None:
    seen: set[tuple[PoolState, PoolEvent]] = set()
    for rule in RULES:
        for state in rule.sources:
            assert (state, rule.event) not in seen, f"{rule.event} in {state} is decided twice"
            if rule.guard is None:
                seen.add((state, rule.event))


def test_the_state_groups_cover_what_they_say() -> None:
    assert WORKING | ENDING | DOUBTFUL | {S.STARTING} == ALIVE
    assert not WORKING & (ENDING | DOUBTFUL)
    assert {state for state in S if state.compares} == DOUBTFUL
    assert {state for state in S if state.is_exclusive} == set(SOLO)


FACTS = [Facts(*each) for each in product((False, True), repeat=2)]
STEPS = [*product(PoolState, PoolEvent, FACTS)]
LIVES = st.lists(st.tuples(st.sampled_from(PoolEvent), st.sampled_from(FACTS)), max_size=60)
Life = Iterable[tuple[PoolEvent, Facts]]


def check_what_ends_and_what_doubt_leads_to(start: PoolState, life: Life) -> None:
    states = PoolStates(start)
    for event, facts in life:
        before = states.state
        states.handle(event, facts)
        after = states.state
        if before in ENDING:
            assert after in ENDING | {S.STOPPED}
        elif before in DOUBTFUL and after in WORKING:
            assert event in (E.COMPARED, E.ACCEPTED)
        elif before is S.STARTING and after in WORKING:
            assert event is E.REGISTERED
        elif before is S.STOPPED:
            assert after is S.STOPPED


def check_when_time_for_suspects_is_spent(start: PoolState, life: Life) -> None:
    states = PoolStates(start)
    is_spending = start in SOLO
    for event, facts in life:
        for action in states.handle(event, facts):
            is_spending = action is Action.BEGIN_EPISODE or (is_spending and action is not Action.END_EPISODE)
        if states.state in WORKING | DOUBTFUL - ENDING:
            assert is_spending == (states.state in SOLO)


def test_a_stop_is_final_and_doubt_ends_with_a_comparison() -> None:
    for state, event, facts in STEPS:
        check_what_ends_and_what_doubt_leads_to(state, [(event, facts)])


def test_time_for_suspects_is_spent_exactly_while_the_pool_drains_or_runs_one() -> None:
    for state, event, facts in STEPS:
        check_when_time_for_suspects_is_spent(state, [(event, facts)])


@given(st.sampled_from(PoolState), LIVES)
def test_what_every_step_keeps_is_kept_by_any_life(start: PoolState, life: list[tuple[PoolEvent, Facts]]) -> None:
    check_what_ends_and_what_doubt_leads_to(start, life)
    check_when_time_for_suspects_is_spent(start, life)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.event} to {rule.target}")
def test_an_outage_or_a_doubt_postpones_judgement_and_a_pause_or_a_limit_is_looked_at_again(rule: Rule) -> None:
    assert (Action.POSTPONE_JUDGEMENT in rule.actions) == (rule.event in (E.FAILED, E.DOUBTED))
    assert (Action.LOOK_LATER in rule.actions) == (rule.target in (*BARS.values(), S.LIMITED)), (
        "or it would stay so for good"
    )
