"""What the pool runs."""

from __future__ import annotations

from django.db import close_old_connections
from django.db.models import F

from convoy_core import Discard, Job
from examples.django_shop.shop.models import Product


def index(job: Job) -> Discard | None:
    """Index a product as it is now. One that has been deleted meanwhile is dropped."""
    close_old_connections()  # a pool's thread lives longer than a request
    # An update of the row alone: `save` would publish it again.
    found = Product.objects.filter(pk=job.id).update(indexed_name=F("name"))
    return None if found else Discard("the product is gone")
