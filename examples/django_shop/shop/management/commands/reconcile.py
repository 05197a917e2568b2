"""`django reconcile`: publish every product that is not indexed. Run it from cron.

A process that dies between a commit and its publish leaves a product that nobody has published. What is in the queue
already is refused, so this may run at any time, and as often as one likes.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import F

from examples.django_shop.shop.models import Product, products


class Command(BaseCommand):
    """Publish what the queue lacks."""

    help = "Publish every product whose index is behind."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Publish them, a thousand at a time."""
        behind = Product.objects.exclude(indexed_name=F("name")).values_list("pk", flat=True)
        tally = products().publish_many(str(pk) for pk in behind.iterator())
        self.stdout.write(f"{tally.published} published, {tally.refused} in the queue already")
