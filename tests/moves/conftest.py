"""An empty queue on each kind of server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.moves.keyspace import World
from tests.servers import RealServer


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()
