"""What a dialect must tell the connector, and the dialects there are; it must never hold SQL of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from twofold.connectors.sql.forms import Form
from twofold.connectors.sql.relation import Column, Relation
from twofold.core.filters import Value
from twofold.core.schema import FieldType

Element = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Comparable:
    """A field as filters compare it: an expression, and what a filter's value becomes beside it."""

    expression: Element
    bind: Callable[[Value], Element]
    textual: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """Rows that a statement brings along as a table; `pack` makes its parameters of columns."""

    source: sa.FromClause
    columns: Sequence[Element]
    pack: Callable[[Sequence[Sequence[Any]]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What the database said: the kind of trouble, and what it named (columns, or a constraint)."""

    kind: str
    columns: tuple[str, ...] = ()
    constraint: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """Rows to write: raw values by column, and for an update or delete the raw key values as they are stored.

    `places` says which ops these are; an insert may have no column at all.
    """

    relation: Relation
    columns: Mapping[str, Sequence[Any]]
    key: Mapping[str, Sequence[Any]]
    places: Sequence[int] = ()


class Dialect(Protocol):
    """Everything in which databases differ.

    `extra` is what to install besides Twofold for the driver. `key_length` is how long a text key of a new
    table is, where the database cannot do without a limit.
    """

    name: str
    driver: str
    extra: str | None
    is_strict: bool
    key_length: int | None
    reading: Mapping[str, Any]

    def options(self, url: sa.URL, timeout: float) -> dict[str, Any]:
        """Arguments for `sqlalchemy.create_engine`."""
        ...

    def prepare(self, connection: Any, *, foreign_keys: bool) -> None:
        """Set up a new driver connection."""
        ...

    def begin(self, connection: sa.Connection) -> None:
        """Make the transaction of `connection` one that writes."""
        ...

    def check(self, connection: sa.Connection) -> None:
        """Have constraints checked that would otherwise wait for the commit."""
        ...

    def read(
        self, connection: sa.Connection, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement; a value the driver cannot read comes as it is stored."""
        ...

    def identity(self, connection: sa.Connection, url: sa.URL, workspace: Path) -> str:
        """A text that names the system."""
        ...

    def clock(self, connection: sa.Connection) -> datetime:
        """The server's time in UTC."""
        ...

    def tables(self, connection: sa.Connection, schema: str | None) -> list[str]:
        """The tables and views."""
        ...

    def load(self, connection: sa.Connection, schema: str | None, table: str) -> Relation | None:
        """The relation of that name, without forms; None if there is none."""
        ...

    def sample(
        self, connection: sa.Connection, relation: Relation, name: str, kind: FieldType
    ) -> Form | None:
        """The form in which a column keeps values of `kind`; None if it is empty, or of a strict type."""
        ...

    def shown(self, relation: Relation, name: str) -> Element:
        """The column as it is read; what comes back can be given to `placed`."""
        ...

    def text(self, expression: Element) -> Element:
        """The expression as the database itself writes it."""
        ...

    def ordered(self, relation: Relation, name: str, *, unique: bool) -> Element:
        """The column in an order that is total; `unique`: the database keeps it so."""
        ...

    def placed(self, column: Column, value: Any) -> Element:
        """A parameter that holds a raw value, comparable with the column."""
        ...

    def matched(self, relation: Relation, column: Column, given: Element) -> Element:
        """That the column equals a given raw value exactly, whatever its collation says."""
        ...

    def given(self, kinds: Sequence[FieldType]) -> Given:
        """Rows brought along, with columns of these kinds."""
        ...

    def blank(self, relation: Relation, name: str) -> Element:
        """That the field holds nothing, or a text of no length."""
        ...

    def comparable(self, relation: Relation, name: str) -> Comparable | None:
        """How filters compare the field; None if only we can."""
        ...

    def like(self, expression: Element, pattern: str) -> Element:
        """The pattern with `*` and `?`, case-sensitive."""
        ...

    def like_any_case(self, expression: Element, pattern: str) -> tuple[Element, bool]:
        """At least everything the pattern finds, whatever the case; and whether it is exactly that."""
        ...

    def since(self, relation: Relation, column: Column, moment: datetime) -> Element:
        """At least everything stamped at or after the moment, and what cannot be read as a moment."""
        ...

    def encode(self, column: Column, values: pl.Series) -> list[Any]:
        """Values in `Field.dtype` as the database is to keep them."""
        ...

    def insert(self, connection: sa.Connection, write: Write) -> int:
        """Insert and return how many rows there were."""
        ...

    def insert_one_by_one(
        self, connection: sa.Connection, write: Write, names: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Insert row by row, and return for each the fields `names` as they are read."""
        ...

    def update(self, connection: sa.Connection, write: Write) -> int:
        """Update by key and return how many rows there were."""
        ...

    def delete(self, connection: sa.Connection, write: Write) -> int:
        """Delete by key and return how many rows there were."""
        ...

    def fault(self, error: BaseException) -> Fault:
        """What an error of the driver means."""
        ...

    def ddl_types(self) -> Mapping[FieldType, Callable[[Any], Any]]:
        """The column type of each field type."""
        ...


_MODULES = {
    "sqlite": "twofold.connectors.sql.sqlite",
    "postgresql": "twofold.connectors.sql.postgresql",
    "postgres": "twofold.connectors.sql.postgresql",
    "mysql": "twofold.connectors.sql.mysql",
    "mariadb": "twofold.connectors.sql.mysql",
}


def known_backends() -> list[str]:
    """The beginnings of database URLs that can be connected."""
    return list(_MODULES)


def load_dialect(backend: str) -> Dialect:
    """The dialect of a URL that begins with `backend`; raises KeyError for an unknown one."""
    dialect: Dialect = import_module(_MODULES[backend]).DIALECT
    return dialect


def widened(pattern: str) -> str:
    """The pattern with a wild card for each letter whose case databases fold in ways of their own."""
    # Only ASCII folds alike everywhere; what another letter's lower case could meet becomes a wild card.
    return re.sub(r"[^\x00-\x7f]|[iIkK?]", "*", pattern)


def run(
    connection: sa.Connection, statement: Any, parameters: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows as the driver made them; a statement without rows gives none."""
    text, names, fixed = compiled(connection, statement)
    values = {**fixed, **(parameters or {})}
    result = connection.exec_driver_sql(text, tuple(values[name] for name in names))
    if result.cursor is None or not result.returns_rows:
        return []
    rows = _fetch(connection, result.cursor)
    result.close()
    return rows


def _fetch(connection: sa.Connection, cursor: Any) -> list[tuple[Any, ...]]:
    driver: Any = connection.dialect.loaded_dbapi
    try:
        return list(cursor.fetchall())
    except driver.Error as error:
        raise DBAPIError.instance(None, None, error, driver.Error, dialect=connection.dialect) from error


def count_changed(connection: sa.Connection, statement: Any, parameters: Mapping[str, Any]) -> int:
    """Run a statement that writes and return how many rows it wrote."""
    text, names, fixed = compiled(connection, statement)
    values = {**fixed, **parameters}
    return connection.exec_driver_sql(text, tuple(values[name] for name in names)).rowcount


def compiled(connection: sa.Connection, statement: Any) -> tuple[str, list[str], Mapping[str, Any]]:
    """The text of a statement, the names of its parameters in order, and the values it already has."""
    made = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    return str(made), list(made.positiontup or ()), made.params
