"""SQLite: its catalogue, its loose types and its statements; it must never trust a declared type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import sqlalchemy as sa

from twofold.connectors.sql import values
from twofold.connectors.sql.dialects import Comparable, Element, Fault, Given, Write, compiled, run
from twofold.connectors.sql.forms import DEFAULTS, Form, GuidForm, sample_form, write_numbers
from twofold.connectors.sql.relation import Column, Native, Relation
from twofold.connectors.sql.sqlite_catalogue import load_relation, table_names
from twofold.connectors.sql.sqlite_faults import read_fault
from twofold.connectors.sql.stamps import StampForm, stamp_micros, time_micros
from twofold.core.filters import Value, fold_case
from twofold.core.schema import Field, FieldType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SAMPLE = 200
_DAY = 86_400_000_000
_JULIAN_EPOCH = 2440587.5
_SLACK = 1 / 86_400


def _moment_micros(value: Value) -> int:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MICROSECOND
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND
    return stamp_micros(str(value)) or 0


def _time_value(value: Value) -> int | None:
    return time_micros(value.isoformat() if isinstance(value, time) else str(value))


def _number_value(value: Value) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 1 << 63 else float(value)
    return value


def _guid_value(value: Value) -> str:
    return values.guid_of(str(value)) or str(value).lower()


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "twofold_time": time_micros,
    "twofold_guid": values.guid_of,
    "twofold_json": values.json_of,
    "twofold_boolean": lambda value: None if value is None else values.boolean_of(value),
    "twofold_fold": lambda value: fold_case(value) if isinstance(value, str) else None,
    "twofold_bytes": bytes.fromhex,
}
"""SQL functions that read a stored value exactly as our columns do."""

_COMPARED: dict[FieldType, tuple[str, Callable[[Value], Any]]] = {
    FieldType.DATE: ("twofold_stamp", _moment_micros),
    FieldType.DATETIME: ("twofold_stamp", _moment_micros),
    FieldType.TIME: ("twofold_time", _time_value),
    FieldType.GUID: ("twofold_guid", _guid_value),
    FieldType.JSON: ("twofold_json", str),
    FieldType.BOOLEAN: ("twofold_boolean", bool),
}


class SqliteDialect:
    """SQLite through the driver of the standard library."""

    name = "sqlite"
    driver = "sqlite"
    extra: str | None = None
    is_strict = False
    key_length: int | None = None
    reading: Mapping[str, Any] = MappingProxyType({})

    def options(self, url: sa.URL, timeout: float) -> dict[str, Any]:  # noqa: ARG002
        """Arguments for `sqlalchemy.create_engine`."""
        return {"connect_args": {"timeout": timeout}, "poolclass": sa.QueuePool}

    def prepare(self, connection: Any, *, foreign_keys: bool) -> None:
        """Set up a new driver connection."""
        connection.isolation_level = None
        for name, function in FUNCTIONS.items():
            connection.create_function(name, 1, function, deterministic=True)
        connection.create_function("twofold_stamp", 2, stamp_micros, deterministic=True)
        if foreign_keys:
            connection.execute("PRAGMA foreign_keys = ON")

    def begin(self, connection: sa.Connection) -> None:
        """Make the transaction of `connection` one that writes."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def check(self, connection: sa.Connection) -> None:
        """Nothing can be asked of SQLite here; a deferred foreign key speaks at the commit."""

    def read(
        self, connection: sa.Connection, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement; a value the driver cannot read comes as it is stored."""
        try:
            return run(connection, statement, parameters)
        except sa.exc.OperationalError as error:
            if "Could not decode" not in str(error.orig):
                raise
        driver: Any = connection.connection.driver_connection
        driver.text_factory = _readable
        try:
            return run(connection, statement, parameters)
        finally:
            driver.text_factory = str

    def identity(self, connection: sa.Connection, url: sa.URL, workspace: Path) -> str:  # noqa: ARG002
        """A text that names the system."""
        rows = run(connection, sa.text("SELECT file FROM pragma_database_list WHERE name = 'main'"))
        path, root = Path(rows[0][0]).resolve(), workspace.resolve()
        return f"sqlite:{path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()}"

    def clock(self, connection: sa.Connection) -> datetime:  # noqa: ARG002
        """The server's time in UTC."""
        return datetime.now(UTC)

    def tables(self, connection: sa.Connection, schema: str | None) -> list[str]:  # noqa: ARG002
        """The tables and views."""
        return table_names(connection)

    def load(self, connection: sa.Connection, schema: str | None, table: str) -> Relation | None:  # noqa: ARG002
        """The relation of that name, without forms; None if there is none."""
        return load_relation(connection, table)

    def sample(
        self, connection: sa.Connection, relation: Relation, name: str, kind: FieldType
    ) -> Form | None:
        """The form in which a column keeps values of `kind`; None if it is empty, or of a strict type."""
        if kind not in DEFAULTS:
            return None
        column = relation.expression(name)
        stored = sa.select(column).where(column.is_not(None), column != sa.literal("")).limit(_SAMPLE)
        return sample_form(kind, [row[0] for row in run(connection, stored)])

    def shown(self, relation: Relation, name: str) -> Element:
        """The column as it is read; what comes back can be given to `placed`."""
        return relation.expression(name)

    def text(self, expression: Element) -> Element:
        """The expression as the database itself writes it."""
        return sa.cast(expression, sa.Text)

    def ordered(self, relation: Relation, name: str, *, unique: bool) -> Element:  # noqa: ARG002
        """The column in an order that is total; `unique`: the database keeps it so."""
        column = relation.expression(name)
        return column.collate("BINARY") if relation[name].affinity == "text" else column

    def placed(self, column: Column, value: Any) -> Element:  # noqa: ARG002
        """A parameter that holds a raw value, comparable with the column."""
        return sa.bindparam(None, value, unique=True)

    def matched(self, relation: Relation, column: Column, given: Element) -> Element:
        """That the column equals a given raw value exactly, whatever its collation says."""
        stored = relation.expression(column.field.name)
        if isinstance(column.form, GuidForm) and column.form.binary:
            return stored == sa.func.twofold_bytes(given)
        if column.affinity != "text":
            return stored == given
        return sa.and_(stored == given, stored.collate("BINARY") == given)

    def given(self, kinds: Sequence[FieldType]) -> Given:
        """Rows brought along, with columns of these kinds."""
        source = sa.func.json_each(sa.bindparam("given")).table_valued("value", name="given")
        columns = [
            sa.func.json_extract(source.c.value, sa.literal_column(f"'$[{place}]'"))
            for place in range(len(kinds))
        ]
        return Given(source, columns, _pack)

    def blank(self, relation: Relation, name: str) -> Element:
        """That the field holds nothing, or a text of no length, which reads as nothing in any column."""
        column = relation.expression(name)
        return sa.or_(column.is_(None), self.text(column) == sa.literal_column("''"))

    def comparable(self, relation: Relation, name: str) -> Comparable | None:
        """How filters compare the field; None if only we can."""
        column, expression = relation[name], relation.expression(name)
        kind = column.field.type
        if kind in _COMPARED:
            function, convert = _COMPARED[kind]
            textual = kind in (FieldType.GUID, FieldType.JSON)
            unit = [sa.literal(column.unit)] if function == "twofold_stamp" else []
            return Comparable(getattr(sa.func, function)(expression, *unit), _binder(convert), textual)
        if kind is FieldType.BINARY:
            return None
        if kind is FieldType.DECIMAL:
            rounded = sa.func.round(expression, sa.literal_column(str(_scale(column.field))))
            whole = sa.func.typeof(expression) == sa.literal_column("'integer'")
            return Comparable(sa.case((whole, expression), else_=rounded), _binder(_number_value))
        if kind in (FieldType.INTEGER, FieldType.FLOAT):
            return Comparable(expression, _binder(_number_value))
        text = expression if column.affinity == "text" else sa.cast(expression, sa.Text)
        return Comparable(text.collate("BINARY"), _binder(str), textual=True)

    def like(self, expression: Element, pattern: str) -> Element:
        """The pattern with `*` and `?`, case-sensitive."""
        return expression.op("GLOB")(sa.bindparam(None, pattern.replace("[", "[[]"), unique=True))

    def like_any_case(self, expression: Element, pattern: str) -> tuple[Element, bool]:
        """At least everything the pattern finds, whatever the case; and whether it is exactly that."""
        return self.like(sa.func.twofold_fold(expression), fold_case(pattern)), True

    def since(self, relation: Relation, column: Column, moment: datetime) -> Element:
        """At least everything stamped at or after the moment, and what cannot be read as a moment."""
        stored = relation.expression(column.field.name)
        day_before = sa.literal((moment - timedelta(days=1)).strftime("%Y-%m-%d"))
        early = sa.literal(_numeric_bound(column, moment))
        near = sa.or_(stored >= day_before, sa.and_(stored < sa.literal(""), stored >= early))
        # SQLite's own reading of texts is fast but knows only milliseconds and fewer forms: it may find more.
        day = sa.func.julianday(stored)
        text_is_new = sa.or_(day.is_(None), day >= _moment_micros(moment) / _DAY + _JULIAN_EPOCH - _SLACK)
        number = sa.func.twofold_stamp(stored, sa.literal(column.unit))
        number_is_new = sa.or_(number.is_(None), number >= _moment_micros(moment))
        is_text = sa.func.typeof(stored) == sa.literal_column("'text'")
        return sa.and_(near, sa.case((is_text, text_is_new), else_=number_is_new))

    def encode(self, column: Column, series: pl.Series) -> list[Any]:
        """Values in `Field.dtype` as the database is to keep them."""
        kind = column.field.type
        form = column.form or DEFAULTS.get(kind)
        if form is not None:
            return form.write(series)
        return write_numbers(series) if kind is FieldType.DECIMAL else series.to_list()

    def insert(self, connection: sa.Connection, write: Write) -> int:
        """Insert and return how many rows there were."""
        statement = sa.insert(write.relation.source).values(_binds(write.columns, "v"))
        return _execute_many(connection, statement, _named(write.columns, "v"))

    def insert_one_by_one(
        self, connection: sa.Connection, write: Write, names: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Insert row by row, and return for each the fields `names` as they are read."""
        statement = sa.insert(write.relation.source).values(_binds(write.columns, "v"))
        shown = [self.shown(write.relation, name) for name in names]
        text, order, _ = compiled(connection, statement.returning(*shown))
        rows = _rows(_named(write.columns, "v"), order) if order else [()] * len(write.places)
        return [_one(connection, text, row) for row in rows]

    def update(self, connection: sa.Connection, write: Write) -> int:
        """Update by key and return how many rows there were."""
        statement = sa.update(write.relation.source).values(_binds(write.columns, "v"))
        parameters = {**_named(write.columns, "v"), **_named(write.key, "k")}
        return _execute_many(connection, statement.where(*_same_key(write)), parameters)

    def delete(self, connection: sa.Connection, write: Write) -> int:
        """Delete by key and return how many rows there were."""
        statement = sa.delete(write.relation.source).where(*_same_key(write))
        return _execute_many(connection, statement, _named(write.key, "k"))

    def fault(self, error: BaseException) -> Fault:
        """What an error of the driver means."""
        return read_fault(error)

    def ddl_types(self) -> Mapping[FieldType, Callable[[Field], Any]]:
        """The column type of each field type."""
        return DDL_TYPES


def _readable(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _scale(field: Field) -> int:
    dtype = field.dtype
    return dtype.scale if isinstance(dtype, pl.Decimal) else 0


def _binder(convert: Callable[[Value], Any]) -> Callable[[Value], Element]:
    return lambda value: sa.bindparam(None, convert(value), unique=True)


def _numeric_bound(column: Column, moment: datetime) -> float:
    form = column.form if isinstance(column.form, StampForm) and column.form.unit != "text" else None
    stamps = pl.Series([moment], dtype=pl.Datetime("us", "UTC"))
    found: float = (form or StampForm("julian", width=0)).write(stamps)[0]
    return found


def _pack(columns: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    return {"given": json.dumps(list(zip(*columns, strict=True)), default=_hex)}


def _hex(value: Any) -> str | None:
    return value.hex() if isinstance(value, bytes) else None


def _named(columns: Mapping[str, Sequence[Any]], prefix: str) -> dict[str, Sequence[Any]]:
    return {f"{prefix}{place}": found for place, found in enumerate(columns.values())}


def _binds(columns: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name: sa.bindparam(f"{prefix}{place}") for place, name in enumerate(columns)}


def _same_key(write: Write) -> list[Element]:
    relation = write.relation
    return [
        (DIALECT.ordered(relation, name, unique=True)) == bind
        for name, bind in _binds(write.key, "k").items()
    ]


def _rows(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(columns[name] for name in names), strict=True))


def _execute_many(connection: sa.Connection, statement: Any, columns: Mapping[str, Sequence[Any]]) -> int:
    text, names, _ = compiled(connection, statement)
    return connection.exec_driver_sql(text, _rows(columns, names)).rowcount


def _one(connection: sa.Connection, text: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    found = connection.exec_driver_sql(text, row).cursor
    rows = found.fetchall() if found is not None else []
    return tuple(rows[0]) if rows else ()


DDL_TYPES: dict[FieldType, Callable[[Field], Any]] = {
    FieldType.TEXT: lambda field: sa.VARCHAR(field.length) if field.length else sa.TEXT(),
    FieldType.CODE: lambda field: sa.VARCHAR(field.length) if field.length else sa.TEXT(),
    FieldType.INTEGER: lambda _: sa.INTEGER(),
    FieldType.OPTION: lambda _: sa.INTEGER(),
    FieldType.DECIMAL: lambda field: sa.DECIMAL(38, _scale(field)),
    FieldType.FLOAT: lambda _: sa.REAL(),
    FieldType.BOOLEAN: lambda _: Native("BOOLEAN"),
    FieldType.DATE: lambda _: Native("DATE"),
    FieldType.TIME: lambda _: Native("TIME"),
    FieldType.DATETIME: lambda _: Native("DATETIME"),
    FieldType.GUID: lambda _: Native("UUID"),
    FieldType.JSON: lambda _: Native("JSON"),
    FieldType.BINARY: lambda _: Native("BLOB"),
}

DIALECT = SqliteDialect()
