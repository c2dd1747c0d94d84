"""PostgreSQL: how it reads, compares and writes; it must never cut a value to fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as types
from sqlalchemy.exc import DBAPIError

from twofold.connectors.sql.dialects import (
    Comparable,
    Element,
    Fault,
    Given,
    Write,
    compiled,
    count_changed,
    run,
    widened,
)
from twofold.connectors.sql.forms import Form
from twofold.connectors.sql.postgresql_catalogue import load_relation, table_names
from twofold.connectors.sql.postgresql_faults import read_fault
from twofold.connectors.sql.relation import Column, Native, Relation
from twofold.core.filters import Value
from twofold.core.schema import DEFAULT_SCALE, Field, FieldType

_DRIVEN = {
    "bigint",
    "integer",
    "smallint",
    "real",
    "double precision",
    "boolean",
    "bytea",
    "text",
    "character varying",
}
"""Types that the driver hands over as we need them; all others are read as text."""

_CAST_KEYS = _DRIVEN | {
    "uuid",
    "numeric",
    "date",
    "bpchar",
    "timestamp with time zone",
    "timestamp without time zone",
    "time without time zone",
}
"""Types whose values we can check before we ask, so that a key cannot break a statement."""


def value_text(value: Value) -> str:
    """A filter's value as PostgreSQL reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat(" ")
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def _text_bind(value: Any) -> Element:
    return sa.bindparam(None, value, type_=sa.Text(), unique=True)


def _raw_text(value: Any) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return value_text(value)


_ENCODERS: dict[FieldType, Callable[[pl.Series], pl.Series]] = {
    FieldType.BINARY: lambda values: "\\x" + values.bin.encode("hex"),
    FieldType.DATETIME: lambda values: values.dt.strftime("%Y-%m-%d %H:%M:%S%.6f+00"),
    FieldType.DATE: lambda values: values.dt.strftime("%Y-%m-%d"),
    FieldType.TIME: lambda values: values.dt.strftime("%H:%M:%S%.6f"),
}


class PostgresqlDialect:
    """PostgreSQL through psycopg 3."""

    name = "postgresql"
    driver = "postgresql+psycopg"
    extra: str | None = None
    is_strict = True
    key_length: int | None = None
    reading: Mapping[str, Any] = MappingProxyType({"isolation_level": "AUTOCOMMIT"})

    def options(self, url: sa.URL, timeout: float) -> dict[str, Any]:  # noqa: ARG002
        """Arguments for `sqlalchemy.create_engine`."""
        arguments = {"connect_timeout": max(2, round(timeout)), "application_name": "twofold"}
        return {"connect_args": arguments, "paramstyle": "format", "pool_pre_ping": True}

    def prepare(self, connection: Any, *, foreign_keys: bool) -> None:  # noqa: ARG002
        """Set up a new driver connection."""
        connection.autocommit, before = True, connection.autocommit
        connection.execute("SET datestyle = 'ISO, YMD'")
        connection.execute("SET timezone = 'UTC'")
        connection.execute("SET bytea_output = 'hex'")
        connection.execute("SET extra_float_digits = 1")
        connection.autocommit = before

    def begin(self, connection: sa.Connection) -> None:
        """The driver begins by itself, and every transaction may write."""

    def check(self, connection: sa.Connection) -> None:
        """Have constraints checked that would otherwise wait for the commit."""
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def read(
        self, connection: sa.Connection, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement; a value the driver cannot read comes as it is stored."""
        return run(connection, statement, parameters)

    def identity(self, connection: sa.Connection, url: sa.URL, workspace: Path) -> str:  # noqa: ARG002
        """A text that names the system."""
        database = run(connection, sa.text("SELECT current_database()"))[0][0]
        try:
            system = run(connection, sa.text("SELECT system_identifier FROM pg_control_system()"))[0][0]
        except sa.exc.DBAPIError:
            system = f"{url.host or 'localhost'}:{url.port or 5432}"
        return f"postgresql:{system}/{database}"

    def clock(self, connection: sa.Connection) -> datetime:
        """The server's time in UTC."""
        moment: datetime = run(connection, sa.text("SELECT clock_timestamp()"))[0][0]
        return moment.astimezone(UTC)

    def tables(self, connection: sa.Connection, schema: str | None) -> list[str]:
        """The tables and views."""
        return table_names(connection, schema)

    def load(self, connection: sa.Connection, schema: str | None, table: str) -> Relation | None:
        """The relation of that name, without forms; None if there is none."""
        found = load_relation(connection, schema, table)
        if found is None and "." in table:
            other, _, name = table.partition(".")
            found = load_relation(connection, other, name, shown=table)
        return found

    def sample(
        self,
        connection: sa.Connection,  # noqa: ARG002
        relation: Relation,  # noqa: ARG002
        name: str,  # noqa: ARG002
        kind: FieldType,  # noqa: ARG002
    ) -> Form | None:
        """The form in which a column keeps values of `kind`; None if it is empty, or of a strict type."""
        return None

    def shown(self, relation: Relation, name: str) -> Element:
        """The column as it is read; what comes back can be given to `placed`."""
        column = relation.expression(name)
        return column if relation[name].native in _DRIVEN else sa.cast(column, sa.Text)

    def text(self, expression: Element) -> Element:
        """The expression as the database itself writes it."""
        return sa.cast(expression, sa.Text)

    def ordered(self, relation: Relation, name: str, *, unique: bool) -> Element:
        """The column in an order that is total; `unique`: the database keeps it so."""
        column = relation.expression(name)
        is_text = relation[name].native in ("text", "character varying", "bpchar")
        return column.collate("C") if is_text and not unique else column

    def placed(self, column: Column, value: Any) -> Element:
        """A parameter that holds a raw value, comparable with the column."""
        return sa.cast(_text_bind(_raw_text(value)), Native(column.native))

    def matched(self, relation: Relation, column: Column, given: Element) -> Element:
        """That the column equals a given raw value exactly, whatever its collation says."""
        stored = relation.expression(column.field.name)
        if column.native not in _CAST_KEYS:
            return sa.cast(stored, sa.Text) == given
        # A number too large for a smaller type is simply not there; casting it to that type would fail.
        wide = "bigint" if column.field.type is FieldType.INTEGER else column.native
        same = stored == sa.cast(given, Native(wide))
        is_exact = column.plain or column.field.type is not FieldType.TEXT
        return same if is_exact else sa.and_(same, sa.cast(stored, sa.Text).collate("C") == given)

    def given(self, kinds: Sequence[FieldType]) -> Given:
        """Rows brought along, with columns of these kinds."""
        names = [f"g{place}" for place in range(len(kinds))]
        arrays = [sa.cast(sa.bindparam(name, type_=sa.Text()), sa.ARRAY(sa.Text)) for name in names]
        source = sa.func.unnest(*arrays).table_valued(*names, name="given").render_derived()
        return Given(
            source, list(source.c), lambda columns: dict(zip(names, map(_literal, columns), strict=True))
        )

    def blank(self, relation: Relation, name: str) -> Element:
        """That the field holds nothing, or a text of no length."""
        column = relation.expression(name)
        if relation[name].field.type not in (FieldType.TEXT, FieldType.CODE):
            return column.is_(None)
        return sa.or_(column.is_(None), self.text(column) == sa.literal_column("''"))

    def comparable(self, relation: Relation, name: str) -> Comparable | None:
        """How filters compare the field; None if only we can."""
        column, expression = relation[name], relation.expression(name)
        kind = column.field.type
        if kind in (FieldType.BINARY, FieldType.JSON):
            return None
        native = _COMPARED.get(kind)
        if native is None:
            text = (
                expression if column.native in ("text", "character varying") else sa.cast(expression, sa.Text)
            )
            return Comparable(text.collate("C"), lambda value: _text_bind(_plain(kind, value)), textual=True)
        if column.rounded:
            expression = sa.func.round(expression, sa.literal_column(str(DEFAULT_SCALE)))
        if kind is FieldType.DATETIME:
            native = column.native
        return Comparable(expression, lambda value: sa.cast(_text_bind(value_text(value)), Native(native)))

    def like(self, expression: Element, pattern: str) -> Element:
        """The pattern with `*` and `?`, case-sensitive."""
        escaped = re.sub(r"([\\%_])", r"\\\1", pattern)
        return expression.like(_text_bind(escaped.replace("*", "%").replace("?", "_")))

    def like_any_case(self, expression: Element, pattern: str) -> tuple[Element, bool]:
        """At least everything the pattern finds, whatever the case; and whether it is exactly that."""
        wide = widened(pattern)
        escaped = re.sub(r"([\\%_])", r"\\\1", wide).replace("*", "%")
        return expression.ilike(_text_bind(escaped)), wide == pattern

    def since(self, relation: Relation, column: Column, moment: datetime) -> Element:
        """At least everything stamped at or after the moment, and what cannot be read as a moment."""
        return relation.expression(column.field.name) >= self.placed(column, moment)

    def encode(self, column: Column, series: pl.Series) -> list[Any]:
        """Values in `Field.dtype` as the database is to keep them."""
        kind = column.field.type
        scale = column.field.scale
        if kind in (FieldType.DATETIME, FieldType.TIME) and scale is not None and scale < 6:
            # PostgreSQL would round up; a moment that is cut stays within the second it happened in.
            step = 10 ** (6 - scale)
            micros = series.cast(pl.Int64) // (step if kind is FieldType.DATETIME else step * 1000)
            series = (micros * (step if kind is FieldType.DATETIME else step * 1000)).cast(series.dtype)
        encoder = _ENCODERS.get(kind)
        return (encoder(series) if encoder else series.cast(pl.String)).to_list()

    def insert(self, connection: sa.Connection, write: Write) -> int:
        """Insert and return how many rows there were."""
        given, shown = self._given_columns(write)
        statement = sa.insert(write.relation.source).from_select(list(write.columns), sa.select(*shown))
        return count_changed(connection, statement, given.pack(list(write.columns.values())))

    def insert_one_by_one(
        self, connection: sa.Connection, write: Write, names: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Insert row by row, and return for each the fields `names` as they are read."""
        shown = [self.shown(write.relation, name) for name in names]
        bound = {
            name: sa.cast(
                sa.bindparam(f"v{place}", type_=sa.Text()),
                _native(write, name),
            )
            for place, name in enumerate(write.columns)
        }
        text, order, _ = compiled(
            connection, sa.insert(write.relation.source).values(bound).returning(*shown)
        )
        columns = list(write.columns.values())
        rows = list(zip(*(columns[int(name[1:])] for name in order), strict=True)) or [()] * len(write.places)
        return _execute_each(connection, text, rows)

    def update(self, connection: sa.Connection, write: Write) -> int:
        """Update by key and return how many rows there were."""
        given, shown = self._given_columns(write)
        statement = sa.update(write.relation.source).values(dict(zip(write.columns, shown, strict=False)))
        parameters = given.pack([*write.columns.values(), *write.key.values()])
        return count_changed(connection, statement.where(*self._same_key(write, given)), parameters)

    def delete(self, connection: sa.Connection, write: Write) -> int:
        """Delete by key and return how many rows there were."""
        bare = replace(write, columns={})
        given, _ = self._given_columns(bare)
        statement = sa.delete(write.relation.source).where(*self._same_key(bare, given))
        return count_changed(connection, statement, given.pack(list(write.key.values())))

    def fault(self, error: BaseException) -> Fault:
        """What an error of the driver means."""
        return read_fault(error)

    def ddl_types(self) -> Mapping[FieldType, Callable[[Field], Any]]:
        """The column type of each field type."""
        return DDL_TYPES

    def _given_columns(self, write: Write) -> tuple[Given, list[Element]]:
        names = [*write.columns, *write.key]
        given = self.given([write.relation[name].field.type for name in names])
        pairs = zip(names, given.columns, strict=True)
        return given, [sa.cast(column, _native(write, name)) for name, column in pairs]

    def _same_key(self, write: Write, given: Given) -> list[Element]:
        found = list(given.columns)[len(write.columns) :]
        return [
            self._equals(write.relation, name, column) for name, column in zip(write.key, found, strict=True)
        ]

    def _equals(self, relation: Relation, name: str, given: Element) -> Element:
        return relation.expression(name) == sa.cast(given, Native(relation[name].native))


def _plain(kind: FieldType, value: Value) -> str:
    return value_text(value).lower() if kind is FieldType.GUID else value_text(value)


def _literal(values: Sequence[Any]) -> str:
    """The values as the text of an array, which one cast unpacks; the driver would quote them one by one."""
    plain = all(value is None or isinstance(value, str) for value in values)
    raw = values if plain else [None if value is None else _raw_text(value) for value in values]
    texts = pl.Series(raw, dtype=pl.String)
    escaped = texts.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    quoted = ('"' + escaped + '"').fill_null("NULL")
    return "{" + (quoted.str.join(",")[0] or "") + "}"


def _native(write: Write, name: str) -> Native:
    return Native(write.relation[name].native)


def _execute_each(
    connection: sa.Connection, text: str, rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    # One statement and one result for each row: which key belongs to which row needs no trust in any order.
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        try:
            cursor.executemany(text, rows, returning=True)
        except psycopg.Error as error:
            raise DBAPIError.instance(text, None, error, psycopg.Error, dialect=connection.dialect) from error
        return [_next_row(cursor) for _ in rows]


def _next_row(cursor: Any) -> tuple[Any, ...]:
    row = cursor.fetchone()
    cursor.nextset()
    return tuple(row) if row else ()


_COMPARED: dict[FieldType, str] = {
    FieldType.INTEGER: "numeric",
    FieldType.OPTION: "numeric",
    FieldType.DECIMAL: "numeric",
    FieldType.FLOAT: "double precision",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "timestamp without time zone",
    FieldType.TIME: "time without time zone",
    FieldType.DATETIME: "timestamp with time zone",
}
"""The type in which a filter's value is compared; texts compare as texts."""


def _precise(field: Field, most: int = 6) -> int:
    return most if field.scale is None else min(most, field.scale)


DDL_TYPES: dict[FieldType, Callable[[Field], Any]] = {
    FieldType.TEXT: lambda field: sa.VARCHAR(field.length) if field.length else sa.TEXT(),
    FieldType.CODE: lambda field: sa.VARCHAR(field.length) if field.length else sa.TEXT(),
    FieldType.INTEGER: lambda _: sa.BIGINT(),
    FieldType.OPTION: lambda _: sa.BIGINT(),
    FieldType.DECIMAL: lambda field: sa.NUMERIC(38, DEFAULT_SCALE if field.scale is None else field.scale),
    FieldType.FLOAT: lambda _: types.DOUBLE_PRECISION(),
    FieldType.BOOLEAN: lambda _: sa.BOOLEAN(),
    FieldType.DATE: lambda _: sa.DATE(),
    FieldType.TIME: lambda field: types.TIME(precision=_precise(field)),
    FieldType.DATETIME: lambda field: types.TIMESTAMP(timezone=True, precision=_precise(field)),
    FieldType.GUID: lambda _: types.UUID(),
    FieldType.JSON: lambda _: types.JSONB(),
    FieldType.BINARY: lambda _: types.BYTEA(),
}

DIALECT = PostgresqlDialect()
