"""One open state database, through Django's connections; it must never know what is stored.

Every access of the store goes through here, so that each error of a driver becomes a sentence, and every
thread's connection is closed with the store. A thread has a connection of its own.
"""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from twofold.errors import Refused
from twofold.store.dialect import Dialect, dialect_of
from twofold.store.failures import explained
from twofold.store.location import Location
from twofold.store.moments import Clock

Row = TypeVar("Row", bound=models.Model)


class Session:
    """A state database that is open under one of Django's aliases."""

    def __init__(self, alias: str, location: Location, clock: Clock) -> None:
        self.alias = alias
        self.location = location
        self._clock = clock
        self._opened: dict[int, BaseDatabaseWrapper] = {}
        self._lock = threading.Lock()

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """This thread's connection."""
        connection = connections[self.alias]
        if connection.settings_dict is not connections.settings[self.alias]:
            # This thread outlived another store that was open under the same alias.
            del connections[self.alias]
            connection = connections[self.alias]
        if id(connection) not in self._opened:
            self._adopt(connection)
        return connection

    def _adopt(self, connection: BaseDatabaseWrapper) -> None:
        with self._lock:
            connection.inc_thread_sharing()
            self._opened[id(connection)] = connection

    @property
    def dialect(self) -> Dialect:
        """What differs between the databases."""
        return dialect_of(self.connection.vendor)

    def now(self) -> datetime:
        """The present moment, aware."""
        return self._clock.now()

    def stamp(self, moment: datetime | None) -> Any:
        """A moment as a parameter of plain SQL."""
        return self.connection.ops.adapt_datetimefield_value(moment)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Errors of the database inside become `StoreBroken`; a lost connection is opened anew next time."""
        connection = self.connection
        try:
            with explained(self.location):
                yield
        finally:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()

    @contextmanager
    def transaction(self) -> Iterator[CursorWrapper]:
        """A cursor inside one transaction, which on SQLite holds the right to write from its start."""
        with self.speaking(), transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
            yield cursor

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self.speaking(), self.connection.cursor() as cursor:
            return query(cursor, statement, parameters)

    def pages(
        self, columns: str, table: str, condition: str, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows that exist now, by id (the first column), each page a statement of its own."""
        last = self.read(f"SELECT MAX(id) FROM {table} WHERE {condition}", parameters)[0][0]
        statement = (
            f"SELECT {columns} FROM {table} WHERE {condition} AND id > %s AND id <= %s ORDER BY id LIMIT %s"
        )
        after = 0
        while last is not None and (rows := self.read(statement, [*parameters, after, last, size])):
            yield rows
            after = int(rows[-1][0])

    def rows(self, model: type[Row]) -> QuerySet[Row]:
        """The rows of a model in this database; use within `speaking` or `transaction`."""
        found: QuerySet[Row] = model._default_manager.using(self.connection.alias)  # noqa: SLF001
        return found

    @contextmanager
    def apart(self) -> Iterator[BaseDatabaseWrapper]:
        """A further connection, usable from any thread, for what must outlive other transactions."""
        connection = connections.create_connection(self.alias)
        connection.inc_thread_sharing()
        try:
            yield connection
        finally:
            connection.close()

    def mapping_id(self, cursor: CursorWrapper, mapping: str) -> int:
        """The id of a mapping; raises `Refused` if none is called so."""
        found = query(cursor, "SELECT id FROM store_mapping WHERE name = %s", [mapping])
        if not found:
            raise Refused(f'There is no mapping "{mapping}". Add it to twofold.yaml and run `twofold apply`.')
        return int(found[0][0])

    def find_mapping(self, mapping: str) -> int:
        """The id of a mapping, asked outside a transaction."""
        with self.speaking(), self.connection.cursor() as cursor:
            return self.mapping_id(cursor, mapping)

    def close(self) -> None:
        """Close the connections of all threads and give the alias back."""
        with self._lock:
            for connection in self._opened.values():
                connection.close()
            self._opened.clear()
        with suppress(AttributeError):
            del connections[self.alias]
        if self.alias != "default":
            connections.settings.pop(self.alias, None)


def query(cursor: CursorWrapper, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows that one statement gives on an open cursor."""
    cursor.execute(statement, parameters)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
