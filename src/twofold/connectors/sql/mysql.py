"""MySQL and MariaDB: how they read, compare and write; it must never cut a value to fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import sqlalchemy as sa

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
from twofold.connectors.sql.mysql_catalogue import load_relation, table_names
from twofold.connectors.sql.mysql_definition import DDL_TYPES
from twofold.connectors.sql.mysql_faults import read_fault
from twofold.connectors.sql.mysql_rows import (
    collated,
    convert,
    encode,
    exact,
    given,
    packets,
    recode,
    value_text,
)
from twofold.connectors.sql.relation import Column, Relation
from twofold.core.filters import Value
from twofold.core.schema import Field, FieldType

_SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
"""Nothing is cut or replaced in silence, backslashes escape, and a key of 0 is a key."""

_STAMPS = {FieldType.DATE: "DATETIME(6)", FieldType.DATETIME: "DATETIME(6)", FieldType.TIME: "TIME(6)"}

_SYSTEM = "SELECT @@{variable}, @@hostname, @@port, @@socket, database()"


def _bind(value: Any) -> Element:
    return sa.bindparam(None, value, unique=True)


class MysqlDialect:
    """MySQL 8 and MariaDB 10.6 or later through PyMySQL."""

    name = "mysql"
    driver = "mysql+pymysql"
    extra: str | None = "mysql"
    is_strict = True
    key_length: int | None = 255
    reading: Mapping[str, Any] = MappingProxyType({"isolation_level": "AUTOCOMMIT"})

    def options(self, url: sa.URL, timeout: float) -> dict[str, Any]:
        """Arguments for `sqlalchemy.create_engine`."""
        patience = max(1, round(timeout))
        arguments = {
            "charset": "utf8mb4",
            "connect_timeout": max(2, patience),
            "conv": _conversions(),
            # Nobody listens on a socket of the same machine, and reading all certificates takes its time.
            "ssl_disabled": True if "unix_socket" in url.query else None,
            "init_command": (
                f"SET SESSION sql_mode = '{_SQL_MODE}', time_zone = '+00:00', "
                f"innodb_lock_wait_timeout = {patience}, lock_wait_timeout = {patience}"
            ),
        }
        # Every statement sees what others have committed by then, as with the other databases.
        return {
            "connect_args": arguments,
            "paramstyle": "format",
            "pool_pre_ping": True,
            "isolation_level": "READ COMMITTED",
        }

    def prepare(self, connection: Any, *, foreign_keys: bool) -> None:
        """Set up a new driver connection; all that is needed goes with its first statement."""

    def begin(self, connection: sa.Connection) -> None:
        """The driver begins by itself, and every transaction may write."""

    def check(self, connection: sa.Connection) -> None:
        """No constraint waits for the commit."""

    def read(
        self, connection: sa.Connection, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement; a value the driver cannot read comes as it is stored."""
        return run(connection, statement, parameters)

    def identity(self, connection: sa.Connection, url: sa.URL, workspace: Path) -> str:  # noqa: ARG002
        """A text that names the system: MySQL's own UUID, or what MariaDB says of its machine."""
        is_mariadb = getattr(connection.dialect, "is_mariadb", False)
        variable = "server_uid" if is_mariadb else "server_uuid"
        system, host, port, socket, database = run(connection, sa.text(_SYSTEM.format(variable=variable)))[0]
        place = f"{host}:{port or socket}:" if is_mariadb else ""
        return f"mysql:{place}{system}/{database}"

    def clock(self, connection: sa.Connection) -> datetime:
        """The server's time in UTC."""
        return datetime.fromisoformat(run(connection, sa.text("SELECT UTC_TIMESTAMP(6)"))[0][0]).replace(
            tzinfo=UTC
        )

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
        column, expression = relation[name], relation.expression(name)
        if column.native == "bit":
            return convert(expression, "UNSIGNED")
        # A FLOAT shows only six digits by itself.
        return expression.op("+")(sa.literal_column("0e0")) if column.native == "float" else expression

    def text(self, expression: Element) -> Element:
        """The expression as the database itself writes it."""
        return convert(expression, "CHAR")

    def ordered(self, relation: Relation, name: str, *, unique: bool) -> Element:
        """The column in an order that is total; `unique`: the database keeps it so."""
        column, expression = relation[name], relation.expression(name)
        is_own = unique and column.native not in ("enum", "set")
        return expression if is_own or column.collation is None else exact(expression)

    def placed(self, column: Column, value: Any) -> Element:
        """A parameter that holds a raw value, comparable with the column."""
        kind = column.field.type
        if kind in _STAMPS:
            return convert(_bind(value_text(value)), _STAMPS[kind])
        if kind is FieldType.DECIMAL:
            return convert(_bind(str(value)), f"DECIMAL(65,{column.field.scale or 0})")
        return _bind(value)

    def matched(self, relation: Relation, column: Column, given: Element) -> Element:
        """That the column equals a given raw value exactly, whatever its collation says."""
        stored = relation.expression(column.field.name)
        if column.collation is None:
            return stored == _typed(column, given)
        same = stored == collated(given, column)
        is_exact = column.field.type is FieldType.GUID
        return same if is_exact else sa.and_(same, exact(stored) == exact(given))

    def given(self, kinds: Sequence[FieldType]) -> Given:
        """Rows brought along, with columns of these kinds."""
        return given(len(kinds))

    def blank(self, relation: Relation, name: str) -> Element:
        """That the field holds nothing; a date of zeros is nothing too."""
        column, expression = relation[name], relation.expression(name)
        if column.collation is not None and column.field.type in (FieldType.TEXT, FieldType.CODE):
            return sa.or_(expression.is_(None), sa.func.char_length(expression) == sa.literal_column("0"))
        return self._stamp(column, expression).is_(None)

    def comparable(self, relation: Relation, name: str) -> Comparable | None:
        """How filters compare the field; None if only we can."""
        column, expression = relation[name], relation.expression(name)
        kind = column.field.type
        if kind in (FieldType.BINARY, FieldType.JSON):
            return None
        if kind in _STAMPS:
            native = _STAMPS[kind]
            return Comparable(
                self._stamp(column, expression), lambda value: convert(_bind(value_text(value)), native)
            )
        if kind is FieldType.GUID:
            text = exact(sa.func.lower(_guid_text(column, expression)))
            return Comparable(text, lambda value: _bind(str(value).lower()), textual=True)
        if column.collation is None and kind is not FieldType.TEXT:
            return Comparable(self.shown(relation, name), _number)
        return Comparable(exact(expression), lambda value: _bind(value_text(value)), textual=True)

    def _stamp(self, column: Column, expression: Element) -> Element:
        if column.field.type not in (FieldType.DATE, FieldType.DATETIME):
            return expression
        zeros = expression == sa.literal_column("0")
        return sa.case((zeros, sa.null()), else_=expression)

    def like(self, expression: Element, pattern: str) -> Element:
        """The pattern with `*` and `?`, case-sensitive."""
        return _characters(expression).like(_bind(_wild(pattern)))

    def like_any_case(self, expression: Element, pattern: str) -> tuple[Element, bool]:
        """At least everything the pattern finds, whatever the case; and whether it is exactly that."""
        wide = widened(pattern)
        return sa.func.lower(_characters(expression)).like(_bind(_wild(wide.lower()))), wide == pattern

    def since(self, relation: Relation, column: Column, moment: datetime) -> Element:
        """At least everything stamped at or after the moment, and what cannot be read as a moment."""
        return relation.expression(column.field.name) >= self.placed(column, moment)

    def encode(self, column: Column, series: pl.Series) -> list[Any]:
        """Values in `Field.dtype` as the database is to keep them."""
        return encode(column, series)

    def insert(self, connection: sa.Connection, write: Write) -> int:
        """Insert and return how many rows there were."""
        rows, shown = _given_columns(write)
        statement = sa.insert(write.relation.source).from_select(
            list(write.columns), sa.select(*shown).select_from(rows.source)
        )
        return _send(connection, statement, list(write.columns.values()))

    def insert_one_by_one(
        self, connection: sa.Connection, write: Write, names: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Insert row by row, and return for each the fields `names` as they are read."""
        bound = {
            name: _typed(write.relation[name], sa.bindparam(f"v{place}"))
            for place, name in enumerate(write.columns)
        }
        statement: Any = sa.insert(write.relation.source).values(bound)
        tells = bool(connection.dialect.insert_returning)
        if tells:
            statement = statement.returning(*(self.shown(write.relation, name) for name in names))
        text, order, _ = compiled(connection, statement)
        columns = list(write.columns.values())
        bound_columns = [columns[int(name[1:])] for name in order]
        rows = list(zip(*bound_columns, strict=True)) or [()] * len(write.places)
        if tells:
            return [_insert_one(connection, text, row) for row in rows]
        return [_insert_and_learn(connection, text, row, write, names, n) for n, row in enumerate(rows)]

    def update(self, connection: sa.Connection, write: Write) -> int:
        """Update by key and return how many rows there were."""
        rows, shown = _given_columns(write)
        statement = sa.update(write.relation.source).values(dict(zip(write.columns, shown, strict=False)))
        statement = statement.where(*self._same_key(write, rows))
        return _send(connection, statement, [*write.columns.values(), *write.key.values()])

    def delete(self, connection: sa.Connection, write: Write) -> int:
        """Delete by key and return how many rows there were."""
        bare = replace(write, columns={})
        rows, _ = _given_columns(bare)
        statement = sa.delete(write.relation.source).where(*self._same_key(bare, rows))
        return _send(connection, statement, list(write.key.values()))

    def fault(self, error: BaseException) -> Fault:
        """What an error of the driver means."""
        return read_fault(error)

    def ddl_types(self) -> Mapping[FieldType, Callable[[Field], Any]]:
        """The column type of each field type."""
        return DDL_TYPES

    def _same_key(self, write: Write, rows: Given) -> list[Element]:
        found = list(rows.columns)[len(write.columns) :]
        return [
            self.matched(write.relation, write.relation[name], column)
            for name, column in zip(write.key, found, strict=True)
        ]


def _conversions() -> dict[Any, Any]:
    """What the driver does with values: numbers become numbers, everything else stays as it is shown."""
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import encoders

    whole = ("TINY", "SHORT", "INT24", "LONG", "LONGLONG", "YEAR")
    numbers = {getattr(FIELD_TYPE, name): int for name in whole}
    return {**encoders, **numbers, FIELD_TYPE.FLOAT: float, FIELD_TYPE.DOUBLE: float}


def _typed(column: Column, given: Element) -> Element:
    """A given text as a value of the column, where the column would not take the text for it."""
    kind = column.field.type
    if column.native in _BYTES and kind in (FieldType.BINARY, FieldType.GUID):
        return sa.func.unhex(given)
    if kind in (FieldType.INTEGER, FieldType.BOOLEAN):
        return convert(given, "UNSIGNED" if column.native == "bit" else "SIGNED")
    if kind is FieldType.DECIMAL:
        return convert(given, f"DECIMAL({column.precision or 65},{column.field.scale or 0})")
    if kind in (FieldType.DATE, FieldType.DATETIME, FieldType.TIME):
        return convert(given, _STAMPS[kind])
    return given


_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})


def _guid_text(column: Column, expression: Element) -> Element:
    if column.native != "binary":
        return convert(expression, "CHAR")
    digits = sa.func.hex(expression)
    parts = [
        sa.func.substr(digits, sa.literal_column(str(start)), sa.literal_column(str(size)))
        for start, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    ]
    # CONCAT is null where a part is, which CONCAT_WS is not.
    dash: Element = sa.literal_column("'-'")
    return sa.func.concat(parts[0], *(element for part in parts[1:] for element in (dash, part)))


def _number(value: Value) -> Element:
    return _bind(int(value) if isinstance(value, bool) else value)


def _characters(expression: Element) -> Element:
    """Bytes that `exact` made, as characters again: a pattern's `?` stands for a whole one."""
    return recode(expression, "utf8mb4").collate("utf8mb4_bin")


def _wild(pattern: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%").replace("?", "_")


def _given_columns(write: Write) -> tuple[Given, list[Element]]:
    names = [*write.columns, *write.key]
    rows = given(len(names))
    pairs = zip(write.columns, rows.columns, strict=False)
    return rows, [_typed(write.relation[name], column) for name, column in pairs]


def _send(connection: sa.Connection, statement: Any, columns: Sequence[Sequence[Any]]) -> int:
    return sum(count_changed(connection, statement, parameters) for parameters in packets(columns))


def _insert_one(connection: sa.Connection, text: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    found = connection.exec_driver_sql(text, row).cursor
    rows = found.fetchall() if found is not None else []
    return tuple(rows[0]) if rows else ()


def _insert_and_learn(
    connection: sa.Connection,
    text: str,
    row: tuple[Any, ...],
    write: Write,
    names: Sequence[str],
    place: int,
) -> tuple[Any, ...]:
    """Insert one row of MySQL, which tells no more of it than the number it counted."""
    made = connection.exec_driver_sql(text, row).lastrowid or None
    key = [
        made if write.relation[name].field.generated else write.columns.get(name, {place: None})[place]
        for name in names
    ]
    return () if None in key else tuple(key)


DIALECT = MysqlDialect()
