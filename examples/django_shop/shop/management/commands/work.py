"""`django work`: a pool in the foreground, until SIGTERM or Ctrl-C."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from convoy_core import PoolOptions, WorkerPool
from examples.django_shop.shop.jobs import index
from examples.django_shop.shop.models import products


class Command(BaseCommand):
    """Index products."""

    help = "Index products until stopped."

    def add_arguments(self, parser: Any) -> None:
        """The options of a pool that one needs here."""
        parser.add_argument("--concurrency", type=int, default=4)
        parser.add_argument("--burst", action="store_true", help="end when the queue is empty")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run it."""
        pool = WorkerPool(
            products(),
            index,
            concurrency=options["concurrency"],
            retries=3,
            options=PoolOptions(burst=options["burst"]),
        )
        final = pool.run()
        self.stdout.write(f"{final.done} done, {final.failed} failed")
