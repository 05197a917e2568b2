"""Numbers for monitoring systems, in the form of Prometheus. Needs the extra `metrics`.

>>> from convoy_core import Fleet
>>> from prometheus_client import REGISTRY
>>> REGISTRY.register(StoreCollector(Fleet()))  # doctest: +SKIP
"""

from convoy_core.metrics.pool import PoolCollector
from convoy_core.metrics.serving import MetricsServer
from convoy_core.metrics.store import StoreCollector
from convoy_core.worker.measures import Measured

__all__ = ["Measured", "MetricsServer", "PoolCollector", "StoreCollector"]
