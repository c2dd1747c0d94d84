"""What differs between SQLite and PostgreSQL in set-based statements; it must never know a table's meaning.

Rows are given as columns (lists of equal length). SQLite runs one prepared statement over them; PostgreSQL
takes them by COPY. Both take a list of keys as one JSON array, which is written and read at C speed.
"""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from django.db.backends.utils import CursorWrapper

NUMBERS = frozenset({"id", "mapping_id", "job_id"})
"""The columns by which rows are asked for that are not text."""

Columns = Mapping[str, Sequence[Any]]


def listed(values: Sequence[Any]) -> str:
    """Many texts or numbers as one parameter, for `Dialect.among`."""
    return json.dumps(list(values), ensure_ascii=False)


class Dialect(Protocol):
    """The statements that each database writes in its own way; names are ours, never a person's."""

    def among(self, column: str) -> str:
        """A condition with one parameter, made by `listed`: the column is one of many values."""
        ...

    def insert(self, cursor: CursorWrapper, table: str, columns: Columns, tail: str = "") -> None:
        """Insert rows; `tail` is the ON CONFLICT clause."""
        ...

    def update(self, cursor: CursorWrapper, table: str, columns: Columns, mapping: int) -> int:
        """Set the columns of the rows by `id` within a mapping and say how many there were.

        A null `synchronized_at` leaves the one that is stored.
        """
        ...

    def take_ids(self, cursor: CursorWrapper, table: str, count: int) -> list[int]:
        """`count` ids that no row of the table had or will get otherwise; within a transaction."""
        ...

    def keep_keys(self, cursor: CursorWrapper, table: str, keys: Sequence[str]) -> None:
        """Add keys to a temporary table with the one column `key`, each once."""
        ...


class SQLite:
    """SQLite 3.35 or newer."""

    def among(self, column: str) -> str:
        """See `Dialect`."""
        return f"{column} IN (SELECT value FROM json_each(%s))"

    def insert(self, cursor: CursorWrapper, table: str, columns: Columns, tail: str = "") -> None:
        """See `Dialect`."""
        marks = ", ".join(["%s"] * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {tail}"
        cursor.executemany(statement, _rows(columns))

    def update(self, cursor: CursorWrapper, table: str, columns: Columns, mapping: int) -> int:
        """See `Dialect`."""
        names = [name for name in columns if name != "id"]
        sets = ", ".join(f"{name} = {_assigned(name, '%s')}" for name in names)
        statement = f"UPDATE {table} SET {sets} WHERE id = %s AND mapping_id = {mapping}"
        cursor.executemany(statement, _rows({name: columns[name] for name in (*names, "id")}))
        return int(cursor.rowcount)

    def take_ids(self, cursor: CursorWrapper, table: str, count: int) -> list[int]:
        """See `Dialect`; AUTOINCREMENT keeps the highest id, and the transaction the right to write."""
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        first = (int(found[0]) if found else 0) + 1
        return list(range(first, first + count))

    def keep_keys(self, cursor: CursorWrapper, table: str, keys: Sequence[str]) -> None:
        """See `Dialect`."""
        cursor.execute(f"INSERT OR IGNORE INTO {table} SELECT value FROM json_each(%s)", [listed(keys)])


class PostgreSQL:
    """PostgreSQL, through psycopg 3."""

    def among(self, column: str) -> str:
        """See `Dialect`."""
        value = "value::bigint" if column in NUMBERS else "value"
        return f"{column} IN (SELECT {value} FROM json_array_elements_text(%s::json))"

    def insert(self, cursor: CursorWrapper, table: str, columns: Columns, tail: str = "") -> None:
        """See `Dialect`."""
        names = ", ".join(columns)
        if not tail:
            _copy(cursor, table, columns)
            return
        with _staged(cursor, table, columns) as staging:
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staging} {tail}")

    def update(self, cursor: CursorWrapper, table: str, columns: Columns, mapping: int) -> int:
        """See `Dialect`."""
        names = [name for name in columns if name != "id"]
        sets = ", ".join(f"{name} = {_assigned(name, f'new.{name}', f'{table}.')}" for name in names)
        with _staged(cursor, table, columns) as staging:
            cursor.execute(
                f"UPDATE {table} SET {sets} FROM {staging} AS new "
                f"WHERE {table}.id = new.id AND {table}.mapping_id = {mapping}"
            )
            return int(cursor.rowcount)

    def take_ids(self, cursor: CursorWrapper, table: str, count: int) -> list[int]:
        """See `Dialect`."""
        sequence = "pg_get_serial_sequence(%s, 'id')"
        cursor.execute(f"SELECT nextval({sequence}) FROM generate_series(1, %s)", [table, count])
        return sorted(int(row[0]) for row in cursor.fetchall())

    def keep_keys(self, cursor: CursorWrapper, table: str, keys: Sequence[str]) -> None:
        """See `Dialect`."""
        values = "SELECT value FROM json_array_elements_text(%s::json)"
        cursor.execute(f"INSERT INTO {table} {values} ON CONFLICT DO NOTHING", [listed(keys)])


@contextmanager
def _staged(cursor: CursorWrapper, table: str, columns: Columns) -> Iterator[str]:
    """The rows in a temporary table with the columns' own types."""
    staging = "twofold_staging"
    names = ", ".join(columns)
    cursor.execute(f"CREATE TEMPORARY TABLE {staging} AS SELECT {names} FROM {table} LIMIT 0")
    _copy(cursor, staging, columns)
    yield staging
    cursor.execute(f"DROP TABLE {staging}")


def _copy(cursor: CursorWrapper, table: str, columns: Columns) -> None:
    with (
        cursor.db.wrap_database_errors,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in _rows(columns):
            copy.write_row(row)


def _rows(columns: Columns) -> list[tuple[Any, ...]]:
    return list(zip(*columns.values(), strict=True))


def _assigned(name: str, value: str, owner: str = "") -> str:
    # A pair that is not synchronized by this write keeps the time when it last was.
    return f"COALESCE({value}, {owner}{name})" if name == "synchronized_at" else value


_DIALECTS: dict[str, Dialect] = {"sqlite": SQLite(), "postgresql": PostgreSQL()}


def dialect_of(vendor: str) -> Dialect:
    """The dialect of one of Django's database vendors."""
    return _DIALECTS[vendor]
