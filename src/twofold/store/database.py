"""Opens the state database; it must never load Polars, so that listings start fast.

Django is configured once per process, with the store's app alone unless the web configured it before. Several
databases may be open at once, each under an alias of its own; the first one is Django's default.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twofold.errors import Refused, StoreBroken
from twofold.store import settings as defaults
from twofold.store.location import PATIENCE, Location, locate
from twofold.store.moments import Clock, SystemClock

if TYPE_CHECKING:
    from twofold.store.session import Session
    from twofold.store.store import DjangoStore

_lock = threading.Lock()
_open: set[str] = set()


def open_store(
    where: str | Path, *, clock: Clock | None = None, create: bool = True, patience: float = PATIENCE
) -> DjangoStore:
    """Open the state database at a path or URL, making or upgrading it as needed; close it after use.

    `create=False` refuses a file that is not there. `patience` is in seconds, for locks and connecting.
    Raises `Refused` where no state database can be or the server refuses, and for a newer version's state.
    """
    location = locate(where, patience)
    configure_django()
    from twofold.store.failures import check_file
    from twofold.store.session import Session
    from twofold.store.store import DjangoStore

    check_file(location, create=create)
    session = Session(_take_alias(location), location, clock or SystemClock())
    try:
        _prepare(session)
    except BaseException:
        close_session(session)
        raise
    return DjangoStore(session, lambda: close_session(session))


def configure_django(**further: Any) -> None:
    """Configure Django for this process, once; `further` settings replace those of `store.settings`."""
    from django.apps import apps
    from django.conf import settings

    if not settings.configured:
        own = {name: getattr(defaults, name) for name in dir(defaults) if name.isupper()}
        settings.configure(**(own | further))
    if not apps.ready:
        # What `django.setup` does besides, logging and URL prefixes, is the web's, and slow to load.
        apps.populate(settings.INSTALLED_APPS)


def _take_alias(location: Location) -> str:
    from django.db import connections

    with _lock:
        alias = next(name for name in _aliases() if name not in _open)
        _open.add(alias)
    connections.settings[alias] = _complete(location.settings)
    return alias


def _complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of one database with all that Django expects to find in them."""
    from django.db import connections

    complete: dict[str, Any] = connections.configure_settings({"default": dict(settings)})["default"]
    return complete


def _aliases() -> list[str]:
    return ["default", *(f"store_{number}" for number in range(2, len(_open) + 3))]


def _prepare(session: Session) -> None:
    from twofold.store.failures import explained
    from twofold.store.upgrade import bring_up

    # The first contact: what fails here is a wrong path, password or host, hence the person's to correct.
    try:
        with explained(session.location, Refused):
            session.connection.ensure_connection()
        bring_up(session)
    except StoreBroken as broken:
        raise Refused(str(broken)) from broken.__cause__


def close_session(session: Session) -> None:
    """Close a store's connections and free its alias."""
    from django.db import connections

    session.close()
    if session.alias == "default":
        # Nothing that asks Django for its default may reach a state that was closed.
        connections.settings["default"] = _complete(defaults.DATABASES["default"])
    with _lock:
        _open.discard(session.alias)
