"""Whole simulations of pools, publishers and bad luck, 200 in each run of the tests (CONVOY_SIM_SEEDS asks for more).

A seed that fails is played again by `python -m tests.model.simulation SOCKET SEED`; it does the same every time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from convoy_core.moves.keys import Keys
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.clients import Store
from convoy_core.worker.waiting import IdleWait
from tests.model.simulation import CANCELS, LATE, LIMITED, QUIETED, RESIZED, ROLLBACKS, play
from tests.model.wire import Wire
from tests.servers import RealServer

SEEDS = int(os.environ.get("CONVOY_SIM_SEEDS", "200"))
FIRST = int(os.environ.get("CONVOY_SIM_FIRST", "0"))
SHARES = 10


@pytest.fixture
def wire(store: RealServer) -> Iterator[Wire]:
    """An empty store. What the pools say in a storm is not worth a line."""
    logging.disable(logging.CRITICAL)
    with Wire(str(store.socket)) as wire:
        yield wire
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(90 + SEEDS)
@pytest.mark.parametrize("share", range(SHARES))
def test_after_the_storm_nothing_is_lost_stuck_or_unexplained(wire: Wire, share: int) -> None:
    seeds = range(FIRST + share, FIRST + SEEDS, SHARES)

    verdicts = {seed: play(seed, wire)[0] for seed in seeds}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}
    assert len(verdicts) == len(seeds)


@pytest.mark.timeout(90 + SEEDS)
@pytest.mark.parametrize("share", range(2))
def test_f64_waits_of_dead_workers_that_arrive_after_unregistration_are_given_back(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    """In every other share without a claim behind them, as in a Cluster."""
    if share:
        send_alone(monkeypatch)
    seeds = range(FIRST + share, FIRST + SEEDS // 20, 2)

    verdicts = {seed: play(seed, wire, LATE)[0] for seed in seeds}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


@pytest.mark.timeout(90 + SEEDS)
@pytest.mark.parametrize("share", range(2))
def test_f63_a_worker_stays_registered_when_the_store_comes_back_older(wire: Wire, share: int) -> None:
    """With long runs, full pools and paused ones; only what was acknowledged since the file was written may be lost."""
    seeds = range(FIRST + share, FIRST + SEEDS // 20, 2)

    verdicts = {seed: play(seed, wire, ROLLBACKS)[0] for seed in seeds}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


@pytest.mark.timeout(90 + SEEDS)
@pytest.mark.parametrize("share", range(2))
def test_no_limit_is_exceeded_and_every_pool_goes_on_when_it_may(wire: Wire, share: int) -> None:
    """In every other share without claims behind the waits, as in a Cluster."""
    seeds = range(FIRST + share, FIRST + SEEDS // 10, 2)

    verdicts = {seed: play(seed, wire, LIMITED)[0] for seed in seeds}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


@pytest.mark.timeout(90 + SEEDS)
@pytest.mark.parametrize("share", range(2))
def test_what_was_cancelled_does_not_run_again_and_nothing_else_is_lost(wire: Wire, share: int) -> None:
    seeds = range(FIRST + share, FIRST + SEEDS // 5, 2)

    verdicts = {seed: play(seed, wire, CANCELS)[0] for seed in seeds}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


@pytest.mark.timeout(90 + SEEDS)
def test_a_pool_that_is_given_more_slots_or_fewer_loses_nothing_and_goes_on(wire: Wire) -> None:
    verdicts = {seed: play(seed, wire, RESIZED)[0] for seed in range(FIRST, FIRST + SEEDS // 10)}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


@pytest.mark.timeout(90 + SEEDS)
@pytest.mark.parametrize("share", range(2))
def test_who_is_quiet_keeps_nothing_from_the_others_and_goes_on_when_it_may(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    """In every other share without claims behind the waits, as in a Cluster."""
    if share:
        send_alone(monkeypatch)
    seeds = range(FIRST + share, FIRST + SEEDS // 10, 2)

    verdicts = {seed: play(seed, wire, QUIETED)[0] for seed in seeds}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


def send_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits have no claim behind them."""
    begin = IdleWait.__init__

    def begin_alone(self: IdleWait, store: Store, commands: AsyncConnection, keys: Keys, worker: str) -> None:
        begin(self, store, commands, keys, worker)
        self._sends_along = False

    monkeypatch.setattr(IdleWait, "__init__", begin_alone)


def test_a_cluster_wait_is_sent_without_a_claim_and_loses_nothing(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    send_alone(monkeypatch)

    verdicts = {seed: play(seed, wire)[0] for seed in range(40)}

    assert {seed: verdict.details for seed, verdict in verdicts.items() if verdict.faults} == {}


def test_the_same_seed_gives_the_same_trace(wire: Wire) -> None:
    seeds = [3, 7, 8, 12, 23, 24]  # some end with several tasks of dead pools left over, whose order is chance

    traces = [play(seed, wire)[1] for seed in seeds * 2]

    assert traces[: len(seeds)] == traces[len(seeds) :]
    assert len(set(traces)) == len(seeds)


def test_the_simulation_is_full_of_faults(wire: Wire) -> None:
    """A simulation without faults would prove nothing: there are repeats, each with its reason."""
    verdicts = [play(seed, wire)[0] for seed in range(20)]

    assert sum(verdict.repeats for verdict in verdicts) >= 10
