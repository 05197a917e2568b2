"""What tells a pool that it may meet another store than before."""

from __future__ import annotations

from convoy_core import Queue
from convoy_core.moves import working
from convoy_core.worker.store_identity import StoreIdentity
from tests.servers import RealServer


class Connections:
    """Counts what has been opened."""

    def __init__(self) -> None:
        self.opened = 1

    def count(self) -> int:
        """How many so far."""
        return self.opened


def test_f63_a_new_connection_is_a_doubt_until_both_sides_are_compared() -> None:
    connections = Connections()
    identity = StoreIdentity(connections.count)
    identity.accept(identity.mark())
    assert not identity.has_changed()

    connections.opened += 1

    assert identity.has_changed()
    identity.accept(identity.mark())
    assert not identity.has_changed()


def test_f63_what_is_opened_while_comparing_is_a_new_doubt() -> None:
    connections = Connections()
    identity = StoreIdentity(connections.count)

    mark = identity.mark()
    connections.opened += 1
    identity.accept(mark)

    assert identity.has_changed()


def test_f63_another_server_behind_the_same_connection_is_a_doubt() -> None:
    identity = StoreIdentity(Connections().count)
    identity.accept(identity.mark())
    identity.saw("a")
    assert not identity.has_changed()  # the first one to be seen

    identity.saw(None)  # a heartbeat that may not ask
    assert not identity.has_changed()
    identity.saw("b")

    assert identity.has_changed()


def test_f63_each_start_of_a_server_has_its_own_run_id(store: RealServer) -> None:
    with Queue("q", redis=store.url) as queue, store.client() as client:
        keys = queue._connection.keyspace.queue("q")

        assert queue._connection.run(working.run_id(keys)) == client.info("server")["run_id"]
