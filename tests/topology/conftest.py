"""Stores of several servers, started by the tests from the Valkey that comes with the package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import ClusterStore, ReplicatedStore, valkey_binary


@pytest.fixture(scope="session")
def _replicated() -> Iterator[ReplicatedStore]:
    store = ReplicatedStore(valkey_binary())
    yield store
    store.stop()


@pytest.fixture(scope="session")
def _cluster() -> Iterator[ClusterStore]:
    store = ClusterStore(valkey_binary())
    yield store
    store.stop()


@pytest.fixture
def replicated(_replicated: ReplicatedStore) -> ReplicatedStore:
    """A primary with replicas, behind Sentinels; empty."""
    with _replicated.primary.client() as client:
        client.flushall()
    return _replicated


@pytest.fixture
def cluster(_cluster: ClusterStore) -> ClusterStore:
    """A Cluster; empty."""
    _cluster.clear()
    return _cluster


@pytest.fixture(params=["replicated", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """Each of the two; empty."""
    store: ReplicatedStore | ClusterStore = request.getfixturevalue(request.param)
    return store.url
