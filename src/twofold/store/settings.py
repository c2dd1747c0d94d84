"""The least that Django needs, for migrations, type checks and the command line; it must never hold a secret.

`open_store` puts the real database in place of this one. The web adds its own apps on top.
"""

from __future__ import annotations

from typing import Any

INSTALLED_APPS = ["twofold.store.apps.StoreConfig"]

DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}

USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Twofold says what happened by itself; Django's own log lines would reach people's terminals twice.
LOGGING_CONFIG = None
