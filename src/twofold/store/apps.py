"""Names the state database's app for Django; it must never touch the database."""

from __future__ import annotations

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """The one Django app of the state."""

    name = "twofold.store"
    label = "store"
    verbose_name = "Twofold"
    default_auto_field = "django.db.models.BigAutoField"
