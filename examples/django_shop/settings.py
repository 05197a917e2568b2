"""The least that Django needs. The store is that of CONVOY_REDIS_URL, else the embedded one."""

from pathlib import Path

SECRET_KEY = "only an example"  # noqa: S105 - nothing is signed here
INSTALLED_APPS = ["examples.django_shop.shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("shop.db")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
