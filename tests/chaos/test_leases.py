"""A lapse of a lease is what is proven by the store's word; what the store may have granted counts as granted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from convoy_core.moves.working import Pulse, register, renew
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.connection import Connection
from tests.chaos import leases
from tests.chaos.leases import Request, gaps_between
from tests.servers import RealServer


@pytest.mark.parametrize(
    ("requests", "end", "gaps"),
    [
        ([], 9, []),
        ([Request(0, 0.1, 0.05), Request(1, 1.1, 1.05)], 2.5, []),
        ([Request(0, 0.1, 0.05), Request(1, 1.1, 1.05)], 4, [(2.55, 4)]),
        ([Request(0, 0.1, 0.05), Request(2, 2.1, 2.05)], 3, [(1.55, 2.05)]),
        ([Request(0, 9, 0.05), Request(2, 9, 8)], 9, [(1.55, 8)]),
        ([Request(0, 0.1, 0.05), Request(1, 1.8), Request(3, 3.1, 3.05)], 4, []),
        ([Request(0, 0.1, 0.05), Request(2, 2.1), Request(5, 5.1, 5.05)], 6, [(1.55, 2), (3.6, 5.05)]),
        ([Request(0, 0.1, 0.05), Request(1)], 9, []),
    ],
    ids=[
        "never asked",
        "renewed in time",
        "not renewed until its end",
        "renewed too late",
        "granted long before the answer was read",
        "perhaps renewed",
        "perhaps renewed, but too late",
        "nobody knows since it was killed in asking",
    ],
)
def test_a_gap_is_the_time_in_which_a_worker_had_no_lease(
    requests: list[Request], end: float, gaps: list[tuple[float, float]]
) -> None:
    assert gaps_between(requests, 1.5, end) == [pytest.approx(gap) for gap in gaps]


def test_a_worker_that_renews_too_late_has_lapsed_meanwhile(
    store: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "run", Connection.run)
    monkeypatch.setattr(AsyncConnection, "run", AsyncConnection.run)
    leases.watch(tmp_path / "leases-7")
    connection = Connection(store.url, prefix=None, read_only=False)
    keys = connection.keyspace.queue("q")
    before = time.monotonic()
    connection.run(register(keys, "a" * 32, 100, "0", {}))
    time.sleep(0.3)
    connection.run(renew(keys, "a" * 32, 100, Pulse(0, 0, []), ()))
    after = time.monotonic()
    connection.close()

    (lapse,) = leases.read(tmp_path, {7: after}, 0.1)

    assert lapse.worker == 7
    assert before + 0.09 <= lapse.since < lapse.until <= after + 0.01
    assert lapse.until - lapse.since >= 0.19
