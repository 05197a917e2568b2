"""What a project's own tests look like.

python -m django test examples.django_shop --settings examples.django_shop.settings
"""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from convoy_core import State
from convoy_core.testing import drain
from examples.django_shop.shop.jobs import index
from examples.django_shop.shop.models import Product, products


class Committed(TransactionTestCase):
    """With real transactions."""

    def setUp(self) -> None:
        """An empty queue."""
        products().discard_all(State.QUEUED)

    def test_a_product_is_indexed_after_its_transaction_and_not_before(self) -> None:
        """As a worker sees it."""
        with transaction.atomic():
            truck = Product.objects.create(name="Grave Digger")
            self.assertEqual(products().counts().queued, 0)

        self.assertEqual(drain(products(), index).done, [str(truck.pk)])
        truck.refresh_from_db()
        self.assertEqual(truck.indexed_name, "Grave Digger")

    def test_what_is_rolled_back_is_not_published(self) -> None:
        """Nor is there anything to index."""
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Product.objects.create(name="Bigfoot")
            1 / 0  # noqa: B018 - that is the test

        self.assertEqual(products().counts().queued, 0)

    def test_a_deleted_product_is_dropped(self) -> None:
        """It is no failure."""
        products().publish("404")

        self.assertEqual(drain(products(), index).discarded, ["404"])

    def test_reconcile_publishes_what_was_missed_and_work_does_it(self) -> None:
        """As after a crash between a commit and its publish."""
        Product.objects.bulk_create([Product(name="a"), Product(name="b"), Product(name="c", indexed_name="c")])
        said = StringIO()

        call_command("reconcile", stdout=said)
        call_command("reconcile", stdout=said)
        call_command("work", "--burst", "--concurrency", "1", stdout=said)

        self.assertEqual(
            said.getvalue().splitlines(),
            ["2 published, 0 in the queue already", "0 published, 2 in the queue already", "2 done, 0 failed"],
        )


class Uncommitted(TestCase):
    """Inside of one transaction that is never committed."""

    def test_callbacks_are_run_by_hand(self) -> None:
        """Django's own way to see what would be published."""
        with self.captureOnCommitCallbacks() as callbacks:
            Product.objects.create(name="x")

        self.assertEqual(len(callbacks), 1)
