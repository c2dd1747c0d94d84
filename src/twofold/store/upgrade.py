"""Brings a state database to this version's shape; it must never change one that a newer version made.

The shape is known by the names of the migrations that the database says it has had. When nothing is to be
done, that costs one statement; only otherwise Django's migration machinery is loaded.
"""

from __future__ import annotations

import importlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from pkgutil import ModuleInfo, iter_modules

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from twofold.errors import Refused
from twofold.store.session import Session, query

Names = frozenset[tuple[str, str]]

_ATTEMPTS = 50
_PAUSE = 0.1


def bring_up(session: Session) -> None:
    """Migrate the database if it is new or of an older version; raises `Refused` if it is of a newer one."""
    with session.speaking():
        known, applied = _known(), _applied(session.connection)
        _refuse_newer(session, known, applied)
        if known - applied:
            _refuse_foreign(session, applied)
            _keep_copy(session, known, applied)
            _migrate(session, known)
        if session.location.path is not None:
            _use_write_ahead_log(session.connection)


def _known() -> Names:
    return frozenset(
        (config.label, module.name)
        for config in apps.get_app_configs()
        for module in _migrations(config)
        if not module.name.startswith("_")
    )


def _migrations(config: AppConfig) -> list[ModuleInfo]:
    place = settings.MIGRATION_MODULES.get(config.label, f"{config.name}.migrations")
    try:
        package = importlib.import_module(str(place))
    except ModuleNotFoundError:
        return []
    return list(iter_modules(package.__path__))


def _applied(connection: BaseDatabaseWrapper) -> Names:
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return frozenset()
        return frozenset(query(cursor, "SELECT app, name FROM django_migrations"))


def _refuse_newer(session: Session, known: Names, applied: Names) -> None:
    ours = {app for app, _ in known}
    newer = sorted(name for app, name in applied - known if app in ours)
    if newer:
        raise Refused(
            f"The state database {session.location.shown} was made by a newer version of Twofold (it has "
            f"{newer[-1]}). Install that version or a later one, or restore the copy made before the upgrade."
        )


def _refuse_foreign(session: Session, applied: Names) -> None:
    # A file is Twofold's own; on a server, its tables may stand beside others.
    if session.location.path is None or applied:
        return
    with session.connection.cursor() as cursor:
        tables = session.connection.introspection.table_names(cursor)
    strange = [table for table in tables if not table.startswith(("store_", "django_"))]
    if strange:
        raise Refused(
            f"{session.location.shown} is a database of something else: it has a table {strange[0]}. "
            f"Choose another path for the state database."
        )


def _keep_copy(session: Session, known: Names, applied: Names) -> Path | None:
    """Copy the file beside itself before an upgrade, named by the first migration to come."""
    path = session.location.path
    if path is None or not applied:
        return None
    first = min(name for _, name in known - applied)
    copy = path.with_name(f"{path.stem}-before-{first}{path.suffix}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _migrate(session: Session, known: Names) -> None:
    """Run what is missing; when another process does the same at this moment, wait until it is done."""
    for attempt in range(_ATTEMPTS):
        try:
            return _run(session.connection.alias)
        except DatabaseError:
            if attempt == _ATTEMPTS - 1:
                raise
        time.sleep(_PAUSE)
        if _is_brought_up(session.connection, known):
            return None
    return None


def _is_brought_up(connection: BaseDatabaseWrapper, known: Names) -> bool:
    try:
        return known <= _applied(connection)
    except DatabaseError:
        return False


def _run(alias: str) -> None:
    from django.core.management import call_command

    call_command("migrate", database=alias, verbosity=0, interactive=False, skip_checks=True)


def _use_write_ahead_log(connection: BaseDatabaseWrapper) -> None:
    """Let readers go on while a run writes; the file remembers it, but a restored copy may not."""
    for attempt in range(_ATTEMPTS):
        try:
            return _switch_log(connection)
        except DatabaseError:
            # SQLite does not wait for other processes when it changes the journal; several may begin at once.
            if attempt == _ATTEMPTS - 1:
                raise
        time.sleep(_PAUSE)
    return None


def _switch_log(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if query(cursor, "PRAGMA journal_mode")[0][0] != "wal":
            cursor.execute("PRAGMA journal_mode=WAL")
