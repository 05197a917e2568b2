"""For the tests of programs that use Convoy: a throw-away store, everything run in the caller's thread, and a clock.

The fixtures `convoy_url`, `convoy_prefix`, `convoy_fleet`, `convoy_queue` and `convoy_clock` are there as soon as
Convoy is installed beside pytest.

    def test_a_truck_is_crushed(convoy_queue):
        convoy_queue.publish("42")

        assert drain(convoy_queue, crush).done == ["42"]
"""

from typing import TYPE_CHECKING, Final

from convoy_core.lazy_names import lazy_names

if TYPE_CHECKING:
    from convoy_core.testing.clock import Clock
    from convoy_core.testing.draining import Drained, drain, drain_async

__all__ = ["Clock", "Drained", "drain", "drain_async"]

_HOMES: Final = {
    "convoy_core.testing.clock": ("Clock",),
    "convoy_core.testing.draining": ("Drained", "drain", "drain_async"),
}
"""Where each name is defined. A test suite that asks for none loads none: pytest imports this package."""

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
