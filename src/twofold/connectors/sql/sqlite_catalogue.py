"""The catalogue of an SQLite database: tables, declared types, keys, triggers; it must never look at rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from twofold.connectors.sql.dialects import run
from twofold.connectors.sql.relation import Column, Relation, make_relation
from twofold.core.schema import Field, FieldType

_DECLARED: dict[str, FieldType] = {
    "DATE": FieldType.DATE,
    "DATETIME": FieldType.DATETIME,
    "DATETIME2": FieldType.DATETIME,
    "DATETIMEOFFSET": FieldType.DATETIME,
    "TIMESTAMP": FieldType.DATETIME,
    "TIMESTAMPTZ": FieldType.DATETIME,
    "TIMESTAMP WITH TIME ZONE": FieldType.DATETIME,
    "TIMESTAMP WITHOUT TIME ZONE": FieldType.DATETIME,
    "TIME": FieldType.TIME,
    "BOOLEAN": FieldType.BOOLEAN,
    "BOOL": FieldType.BOOLEAN,
    "BIT": FieldType.BOOLEAN,
    "UUID": FieldType.GUID,
    "GUID": FieldType.GUID,
    "UNIQUEIDENTIFIER": FieldType.GUID,
    "JSON": FieldType.JSON,
    "JSONB": FieldType.JSON,
    "STRING": FieldType.TEXT,
    "MONEY": FieldType.DECIMAL,
    "SMALLMONEY": FieldType.DECIMAL,
    "BINARY": FieldType.BINARY,
    "VARBINARY": FieldType.BINARY,
    "": FieldType.TEXT,
}
"""Declared names that say more than their affinity does."""

_AFFINITIES = (
    ("integer", ("INT",)),
    ("text", ("CHAR", "CLOB", "TEXT")),
    ("blob", ("BLOB",)),
    ("real", ("REAL", "FLOA", "DOUB")),
)
"""SQLite's own rule, in its order: the first whose letters occur in the declared type; else numeric."""

_BY_AFFINITY = {
    "integer": FieldType.INTEGER,
    "text": FieldType.TEXT,
    "blob": FieldType.BINARY,
    "real": FieldType.FLOAT,
    "numeric": FieldType.DECIMAL,
}
_SCALES = {"MONEY": 4, "SMALLMONEY": 4}
_TYPE = re.compile(r"^\s*(?P<name>[^()]*?)\s*(?:\(\s*(?P<first>\d+)\s*(?:,\s*(?P<second>\d+)\s*)?\))?\s*$")
_GENERATED = (2, 3)


def affinity_of(declared: str) -> str:
    """The storage rule of a declared type."""
    if not declared:
        return "blob"
    upper = declared.upper()
    return next((name for name, parts in _AFFINITIES if any(p in upper for p in parts)), "numeric")


def declared_type(declared: str) -> tuple[FieldType, int | None, int | None]:
    """The field type, length and scale of a declared type."""
    found = _TYPE.match(declared.upper())
    name = found["name"] if found else declared.upper()
    kind = _DECLARED.get(name, _BY_AFFINITY[affinity_of(declared)])
    numbers = [int(n) for n in (found["first"], found["second"]) if n is not None] if found else []
    if kind is FieldType.DECIMAL:
        return kind, None, min(37, numbers[1] if len(numbers) > 1 else 0) if numbers else _SCALES.get(name)
    length = numbers[0] if numbers and kind is FieldType.TEXT else None
    return kind, length, None


def table_names(connection: sa.Connection) -> list[str]:
    """The tables and views of the database, SQLite's own apart."""
    listed = run(connection, sa.text("SELECT name, type FROM pragma_table_list WHERE schema = 'main'"))
    return sorted(name for name, kind in listed if kind != "shadow" and not name.startswith("sqlite_"))


def load_relation(connection: sa.Connection, table: str) -> Relation | None:
    """The relation called `table`, in the case in which it was created; None if there is none."""
    listed = _table_facts(connection, table)
    if listed is None:
        return None
    name, kind, without_rowid = listed
    rows = _pragma(connection, "table_xinfo", name, 'name, type, "notnull", dflt_value, pk, hidden')
    key = tuple(row[0] for row in sorted((r for r in rows if r[4]), key=lambda r: r[4]))
    alias = key[0] if len(key) == 1 and not without_rowid else None
    columns = [_column(row, alias) for row in rows if row[5] != 1]
    unique = {**({"PRIMARY KEY": key} if key else {}), **_unique(connection, name)}
    triggers = _has_triggers(connection, name)
    return make_relation(name, None, columns, key=key, unique=unique, triggers=triggers, view=kind == "view")


def _table_facts(connection: sa.Connection, table: str) -> tuple[str, str, bool] | None:
    statement = sa.text("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name = :name")
    rows = run(connection, statement.bindparams(name=table))
    return (rows[0][0], rows[0][1], bool(rows[0][2])) if rows else None


def _pragma(connection: sa.Connection, pragma: str, argument: str, columns: str) -> list[tuple[Any, ...]]:
    # The names of pragmas and their columns are ours; only the argument comes from outside.
    statement = sa.text(f"SELECT {columns} FROM pragma_{pragma}(:argument)")  # noqa: S608
    return run(connection, statement.bindparams(argument=argument))


def _column(row: tuple[Any, ...], alias: str | None) -> Column:
    name, declared, not_null, default, _, hidden = row
    kind, length, scale = declared_type(declared)
    is_alias = name == alias and declared.upper() == "INTEGER"
    computed = hidden in _GENERATED
    field = Field(
        name,
        kind,
        length,
        scale,
        nullable=not not_null and not is_alias,
        generated=is_alias or (default is not None and default.upper() != "NULL") or computed,
        read_only=computed,
    )
    return Column(field, declared, affinity_of(declared))


def _unique(connection: sa.Connection, table: str) -> Mapping[str, tuple[str, ...]]:
    indexes = _pragma(connection, "index_list", table, 'name, "unique", partial')
    whole = [name for name, unique, partial in indexes if unique and not partial]
    found = {name: tuple(_index_columns(connection, name)) for name in whole}
    return {name: columns for name, columns in found.items() if None not in columns}


def _index_columns(connection: sa.Connection, index: str) -> list[str]:
    return [row[0] for row in _pragma(connection, "index_info", index, "name")]


def _has_triggers(connection: sa.Connection, table: str) -> bool:
    text = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name COLLATE NOCASE"
    statement = sa.text(text)
    return bool(run(connection, statement.bindparams(name=table)))
