"""The pytest plugin: a store that is thrown away after the session, and a prefix of its own for each test.

pytest loads it by itself where Convoy is installed. Nothing is started before a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # loaded by the first fixture: other test suites should not wait for it
    from convoy_core import Fleet, Queue
    from convoy_core.testing import Clock


@pytest.fixture(scope="session")
def convoy_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store that is there for this session alone."""
    from convoy_core import EmbeddedServer  # noqa: PLC0415

    server = EmbeddedServer(tmp_path_factory.mktemp("convoy") / "store")
    yield f"unix://{server.ensure()}"
    server.stop()


@pytest.fixture
def convoy_prefix() -> str:
    """A prefix that no other test has, nor another run of this one."""
    return f"test-{os.urandom(8).hex()}:"


@pytest.fixture
def convoy_fleet(convoy_url: str, convoy_prefix: str) -> Iterator[Fleet]:
    """All queues of this test."""
    from convoy_core import Fleet  # noqa: PLC0415

    with Fleet(redis=convoy_url, prefix=convoy_prefix) as fleet:
        yield fleet


@pytest.fixture
def convoy_queue(convoy_fleet: Fleet) -> Queue:
    """An empty queue, called `test`."""
    return convoy_fleet.queue("test")


@pytest.fixture
def convoy_clock(convoy_fleet: Fleet) -> Iterator[Clock]:
    """The time of `convoy_fleet` and its queues, which stands still until it is set."""
    from convoy_core.testing import Clock  # noqa: PLC0415

    with Clock(convoy_fleet) as clock:
        yield clock
