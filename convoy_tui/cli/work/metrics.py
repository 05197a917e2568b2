"""The metrics of workers, served to Prometheus while they work."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from convoy_core import InvalidOption
from convoy_tui.cli.io.messages import Messages
from convoy_tui.text.address import Address

if TYPE_CHECKING:
    from convoy_core.metrics import Measured

METRICS_PORT: Final = 9466


def need_prometheus() -> None:
    """Raise InvalidOption if the client of Prometheus is not installed."""
    if importlib.util.find_spec("prometheus_client") is None:
        raise InvalidOption("metrics need prometheus-client; install it: pip install 'convoy-queue[metrics]'")


@contextmanager
def served(measured: Measured, address: Address | None, messages: Messages) -> Iterator[None]:
    """Serve them while the block lasts. Raises InvalidOption if nothing can listen at that address."""
    if address is None:
        yield
        return
    need_prometheus()
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - the extra may be missing, and most ask for none

    from convoy_core.metrics import MetricsServer, PoolCollector  # noqa: PLC0415 - as above

    registry = CollectorRegistry(auto_describe=False)
    registry.register(PoolCollector(measured))
    with MetricsServer(registry, address.host, address.port) as server:
        messages.note(f"http://{Address(address.host, server.port)}/metrics")
        yield
