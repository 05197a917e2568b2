"""Products, of which each is indexed after the transaction that has changed it.

python -m django work --settings examples.django_shop.settings        # a pool
python -m django reconcile --settings examples.django_shop.settings   # what was missed, as from cron
"""
