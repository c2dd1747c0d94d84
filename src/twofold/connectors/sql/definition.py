"""CREATE TABLE for a table that is missing; it must never run what it prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from twofold.connectors.sql.connection import Database
from twofold.core.schema import Field, FieldType

_OPTIONS: Mapping[str, Any] = {
    "sqlite_autoincrement": True,
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
"""A new table tells upper from lower case in its keys, and has transactions."""


def create_statement(database: Database, table: str, fields: Sequence[Field], key: Sequence[str]) -> str:
    """The statement for a table with these fields, quoted and typed for the database; ends with a semicolon.

    A number that SQLite makes is never used again after a delete, as elsewhere.
    """
    types = database.dialect.ddl_types()
    limit = database.dialect.key_length
    sized = [replace(f, length=f.length or limit) if f.name in key else f for f in fields]
    columns = [_column(field, types[field.type](field), key) for field in sized]
    made = sa.Table(table, sa.MetaData(), *columns, schema=database.settings.schema, **_OPTIONS)
    text = str(CreateTable(made).compile(dialect=database.engine.dialect))
    # The drivers double a percent sign that stands in a name; a person's client does not want that.
    return "\n".join(line.rstrip() for line in text.replace("%%", "%").strip().splitlines()) + ";\n"


def _column(field: Field, kind: sa.types.TypeEngine[object], key: Sequence[str]) -> sa.Column[object]:
    is_key = field.name in key
    makes = field.generated and field.type is FieldType.INTEGER and list(key) == [field.name]
    identity = [sa.Identity(always=False)] if makes else []
    return sa.Column(
        field.name,
        kind,
        *identity,
        primary_key=is_key,
        nullable=field.nullable and not is_key,
        autoincrement=makes,
    )
