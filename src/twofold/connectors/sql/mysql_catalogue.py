"""The catalogue of a MySQL or MariaDB database: tables, types, keys, triggers; it must never look at rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from twofold.connectors.sql.dialects import run
from twofold.connectors.sql.forms import GuidForm
from twofold.connectors.sql.relation import Column, Relation, make_relation
from twofold.core.schema import Field, FieldType

_TYPES: dict[str, FieldType] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"), FieldType.INTEGER),
    **dict.fromkeys(("float", "double"), FieldType.FLOAT),
    **dict.fromkeys(("datetime", "timestamp"), FieldType.DATETIME),
    **dict.fromkeys(("binary", "varbinary"), FieldType.BINARY),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob", "vector"), FieldType.BINARY),
    **dict.fromkeys(("geometry", "point", "linestring", "polygon", "multipoint"), FieldType.BINARY),
    **dict.fromkeys(("multilinestring", "multipolygon", "geometrycollection"), FieldType.BINARY),
    "decimal": FieldType.DECIMAL,
    "date": FieldType.DATE,
    "time": FieldType.TIME,
    "uuid": FieldType.GUID,
    "json": FieldType.JSON,
}
"""Types that are more than text; every other type travels in its text form."""

_WHOLE_TYPES: dict[str, FieldType] = {
    "tinyint(1)": FieldType.BOOLEAN,
    "bit(1)": FieldType.BOOLEAN,
    "binary(16)": FieldType.GUID,
    "char(36)": FieldType.GUID,
}
"""Types that stand for another one only in exactly this size, as is the custom with these databases."""

_GUIDS = {"binary(16)": GuidForm(binary=True), "char(36)": GuidForm()}

_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = coalesce(:schema, database())
  AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') ORDER BY BINARY table_name
"""

_TABLE = """
SELECT table_type FROM information_schema.tables
WHERE table_schema = coalesce(:schema, database()) AND table_name = :name
  AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')
"""

_COLUMNS = """
SELECT column_name, data_type, column_type, is_nullable, column_default, extra, character_set_name,
       collation_name, numeric_precision, numeric_scale, datetime_precision, character_maximum_length
FROM information_schema.columns
WHERE table_schema = coalesce(:schema, database()) AND table_name = :name ORDER BY ordinal_position
"""

# An index on the beginning of a column, or on an expression, says nothing about whole values.
_UNIQUE = """
SELECT index_name, column_name, sub_part FROM information_schema.statistics
WHERE table_schema = coalesce(:schema, database()) AND table_name = :name AND non_unique = 0
ORDER BY index_name, seq_in_index
"""

_TRIGGERS = """
SELECT count(*) FROM information_schema.triggers
WHERE event_object_schema = coalesce(:schema, database()) AND event_object_table = :name
"""

_JSON_CHECKS = """
SELECT check_clause FROM information_schema.check_constraints
WHERE constraint_schema = coalesce(:schema, database()) AND table_name = :name
  AND check_clause LIKE 'json_valid(%'
"""


def _query(connection: sa.Connection, text: str, **values: str | None) -> list[tuple[Any, ...]]:
    return run(connection, sa.text(text).bindparams(**values))


def table_names(connection: sa.Connection, schema: str | None) -> list[str]:
    """The tables and views of the database."""
    return [row[0] for row in _query(connection, _TABLES, schema=schema)]


def load_relation(
    connection: sa.Connection, schema: str | None, table: str, shown: str | None = None
) -> Relation | None:
    """The relation called `table`, or None; messages call it `shown`."""
    asked = {"schema": schema, "name": table}
    found = _query(connection, _TABLE, **asked)
    if not found:
        return None
    unique = _unique(_query(connection, _UNIQUE, **asked))
    key = unique.get("PRIMARY", ())
    documents = _documents(connection, asked)
    columns = [_column(row, key, documents) for row in _query(connection, _COLUMNS, **asked)]
    return make_relation(
        shown or table,
        schema,
        columns,
        key=key,
        unique=unique,
        triggers=bool(_query(connection, _TRIGGERS, **asked)[0][0]),
        view=found[0][0] == "VIEW",
    )


def _unique(rows: list[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    partial = {index for index, column, part in rows if column is None or part is not None}
    found: dict[str, tuple[str, ...]] = {}
    for index, column, _ in rows:
        if index not in partial:
            found[index] = (*found.get(index, ()), column)
    return found


def _documents(connection: sa.Connection, asked: Mapping[str, str | None]) -> frozenset[str]:
    """The columns that MariaDB keeps as text with a check that the text is JSON."""
    if not getattr(connection.dialect, "is_mariadb", False):
        return frozenset()
    clauses = [row[0] for row in _query(connection, _JSON_CHECKS, **asked)]
    inner = [clause.removeprefix("json_valid(").removesuffix(")") for clause in clauses]
    return frozenset(name.strip("`").replace("``", "`") for name in inner)


def _column(row: tuple[Any, ...], key: tuple[str, ...], documents: frozenset[str]) -> Column:
    name, native, whole, nullable, default, extra, charset, collation, *size = row
    kind = _kind(name, native, whole, documents)
    length, scale = _size(kind, native, size)
    computed = any(word in extra.upper() for word in ("VIRTUAL", "STORED", "PERSISTENT"))
    field = Field(
        name,
        kind,
        length,
        scale,
        nullable=nullable == "YES",
        generated=_is_made(default, extra, is_key=name in key) or computed,
        read_only=computed,
    )
    form = _GUIDS.get(whole)
    precision = size[0] if kind is FieldType.DECIMAL else None
    return Column(
        field, native, form=form, plain=False, precision=precision, charset=charset, collation=collation
    )


def _kind(name: str, native: str, whole: str, documents: frozenset[str]) -> FieldType:
    if native == "longtext" and name in documents:
        return FieldType.JSON
    return _WHOLE_TYPES.get(whole) or _TYPES.get(native, FieldType.TEXT)


def _is_made(default: str | None, extra: str, *, is_key: bool) -> bool:
    """Whether a new row gets a value by itself; one in a key must be one that the database also tells us."""
    if "auto_increment" in extra.lower():
        return True
    has_default = default is not None and default.upper() != "NULL"
    return not is_key and (has_default or "on update" in extra.lower())


def _size(kind: FieldType, native: str, size: list[Any]) -> tuple[int | None, int | None]:
    _, scale, fraction, length = size
    if kind in (FieldType.DATETIME, FieldType.TIME):
        return None, 6 if fraction is None else int(fraction)
    if kind is FieldType.DECIMAL:
        return None, int(scale)
    return (int(length) if kind is FieldType.TEXT and native in ("char", "varchar") else None), None
