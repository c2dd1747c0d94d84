"""Finds the couplings whose record a key sweep did not see; it must never hold the keys in memory.

The keys seen go to a temporary table of the database, on a connection of the sweep's own: it lives as long as
the sweep, other threads may add to it, and transactions of the run neither see nor undo it.
"""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import polars as pl
from django.db.backends.base.base import BaseDatabaseWrapper

from twofold.core.frames import COUPLING_SCHEMA
from twofold.core.names import Side
from twofold.store.failures import explained
from twofold.store.hotpath import COLUMNS, TABLE, framed
from twofold.store.session import Session, query

SEEN = "twofold_seen"


class StoreSweep:
    """One comparison of a side's keys with the couplings of a mapping."""

    def __init__(self, session: Session, connection: BaseDatabaseWrapper, identity: int, side: Side) -> None:
        self._session = session
        self._connection = connection
        self._identity = identity
        self._condition = (
            f"mapping_id = %s AND state = 'coupled' AND {side}_key IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {SEEN} WHERE {SEEN}.key = {side}_key)"
        )
        self._lock = Lock()
        self._run(f"CREATE TEMPORARY TABLE {SEEN} (key text PRIMARY KEY)")

    def saw(self, keys: pl.Series) -> None:
        """These keys exist; nulls and repetitions do no harm."""
        given = keys.drop_nulls().to_list()
        if given:
            with self._lock, explained(self._session.location), self._connection.cursor() as cursor:
                self._session.dialect.keep_keys(cursor, SEEN, given)

    def missing_count(self) -> int:
        """How many settled couplings have a key that was not seen."""
        return int(
            self._read(f"SELECT COUNT(*) FROM {TABLE} WHERE {self._condition}", [self._identity])[0][0]
        )

    def missing(self, size: int) -> Iterator[pl.DataFrame]:
        """Those couplings, by id, each page a statement of its own."""
        statement = f"SELECT {COLUMNS} FROM {TABLE} WHERE {self._condition} AND id > %s ORDER BY id LIMIT %s"
        after = 0
        while rows := self._read(statement, [self._identity, after, size]):
            yield framed(rows, COUPLING_SCHEMA)
            after = int(rows[-1][0])

    def _read(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock, explained(self._session.location), self._connection.cursor() as cursor:
            return query(cursor, statement, parameters)

    def _run(self, statement: str) -> None:
        with self._lock, explained(self._session.location), self._connection.cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def open_sweep(session: Session, mapping: str, side: Side) -> Iterator[StoreSweep]:
    """Begin a sweep of one side; its keys are forgotten at the end."""
    identity = session.find_mapping(mapping)
    with session.apart() as connection:
        yield StoreSweep(session, connection, identity, side)
