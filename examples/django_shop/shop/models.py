"""Products that are published when they are saved."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models, transaction

from convoy_core import Queue


@cache
def products() -> Queue:
    """The queue of this process. It connects with the first publish."""
    return Queue("products")


class Product(models.Model):
    """One that has to be indexed after each change."""

    name = models.CharField(max_length=200)
    indexed_name = models.CharField(max_length=200, blank=True)

    def save(self, *arguments: Any, **named: Any) -> None:
        """Save, and publish once that is committed: a worker that looks earlier would not see it."""
        super().save(*arguments, **named)
        transaction.on_commit(lambda: products().publish(str(self.pk), rerun=True))
