"""The catalogue of a PostgreSQL database: tables, types, keys, triggers; it must never look at rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from twofold.connectors.sql.dialects import run
from twofold.connectors.sql.relation import Column, Relation, make_relation
from twofold.core.schema import Field, FieldType

_TYPES: dict[str, FieldType] = {
    "smallint": FieldType.INTEGER,
    "integer": FieldType.INTEGER,
    "bigint": FieldType.INTEGER,
    "numeric": FieldType.DECIMAL,
    "real": FieldType.FLOAT,
    "double precision": FieldType.FLOAT,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "time without time zone": FieldType.TIME,
    "timestamp without time zone": FieldType.DATETIME,
    "timestamp with time zone": FieldType.DATETIME,
    "uuid": FieldType.GUID,
    "json": FieldType.JSON,
    "jsonb": FieldType.JSON,
    "bytea": FieldType.BINARY,
}
"""Types that are more than text; every other type travels in its text form."""

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname = coalesce(CAST(:schema AS text), current_schema()) ORDER BY c.relname COLLATE "C"
"""

_TABLE = """
SELECT c.oid, c.relkind, n.nspname,
       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')
       OR (c.relhasrules AND c.relkind = 'r')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = CAST(:name AS text)
  AND CASE WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(c.oid)
           ELSE n.nspname = CAST(:schema AS text) END
"""

# A domain is followed down to the type below it; the modifier is that of the first level that has one.
_COLUMNS = """
WITH RECURSIVE types(attnum, oid, modifier) AS (
  SELECT attnum, atttypid, atttypmod FROM pg_attribute
  WHERE attrelid = CAST(:oid AS oid) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT types.attnum, t.typbasetype, CASE WHEN types.modifier = -1 THEN t.typtypmod ELSE types.modifier END
  FROM types JOIN pg_type t ON t.oid = types.oid WHERE t.typtype = 'd')
SELECT a.attname, format_type(b.oid, -1), types.modifier, a.attnotnull, a.atthasdef, a.attidentity,
       a.attgenerated, coalesce(l.collisdeterministic, true)
FROM types JOIN pg_type b ON b.oid = types.oid AND b.typtype <> 'd'
JOIN pg_attribute a ON a.attrelid = CAST(:oid AS oid) AND a.attnum = types.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation ORDER BY a.attnum
"""

_UNIQUE = """
SELECT c.relname, i.indisprimary, array_agg(CAST(a.attname AS text) ORDER BY k.place)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
CROSS JOIN LATERAL unnest(CAST(i.indkey AS smallint[])) WITH ORDINALITY AS k(attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = CAST(:oid AS oid) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
  AND k.place <= i.indnkeyatts
GROUP BY c.relname, i.indisprimary
"""


def _query(connection: sa.Connection, text: str, **values: Any) -> list[tuple[Any, ...]]:
    shaped = {name: None if value is None else str(value) for name, value in values.items()}
    return run(connection, sa.text(text).bindparams(**shaped))


def table_names(connection: sa.Connection, schema: str | None) -> list[str]:
    """The tables and views of the schema; parts of partitioned tables are not listed."""
    return [row[0] for row in _query(connection, _TABLES, schema=schema)]


def load_relation(
    connection: sa.Connection, schema: str | None, table: str, shown: str | None = None
) -> Relation | None:
    """The relation called `table`, or None; messages call it `shown`."""
    found = _query(connection, _TABLE, schema=schema, name=table)
    if not found:
        return None
    oid, kind, _, triggers = found[0]
    columns = [_column(row) for row in _query(connection, _COLUMNS, oid=oid)]
    indexes = _query(connection, _UNIQUE, oid=oid)
    key = next((tuple(names) for _, primary, names in indexes if primary), ())
    view = kind in ("v", "m")
    return make_relation(
        shown or table,
        schema,
        columns,
        key=key,
        unique={name: tuple(names) for name, _, names in indexes},
        triggers=bool(triggers),
        view=view,
        hidden=() if view or kind == "f" else ("xmin",),
    )


def _column(row: tuple[Any, ...]) -> Column:
    name, native, modifier, not_null, default, identity, computed, deterministic = row
    kind = _TYPES.get(native, FieldType.TEXT)
    length, scale = _size(native, kind, modifier)
    field = Field(
        name,
        kind,
        length,
        scale,
        nullable=not not_null,
        generated=bool(default or identity or computed),
        read_only=bool(computed) or identity == "a",
    )
    plain = native in ("text", "character varying") and bool(deterministic)
    numeric = native == "numeric"
    precision = ((modifier - 4) >> 16) & 0xFFFF if numeric and modifier != -1 else None
    return Column(field, native, plain=plain, rounded=numeric and modifier == -1, precision=precision)


def _size(native: str, kind: FieldType, modifier: int) -> tuple[int | None, int | None]:
    if kind in (FieldType.DATETIME, FieldType.TIME):
        return None, 6 if modifier == -1 else modifier
    if modifier == -1:
        return None, None
    if kind is FieldType.DECIMAL:
        # The scale is an eleven-bit signed number.
        return None, max(0, min(37, (((modifier - 4) & 0x7FF) ^ 1024) - 1024))
    return (modifier - 4 if native in ("character varying", "bpchar") else None), None
