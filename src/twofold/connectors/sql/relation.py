"""One table as the connector knows it: our fields beside the database's types; it must never run SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from twofold.connectors.sql.forms import Form, unit_of
from twofold.core.names import closest
from twofold.core.schema import Field, FieldType, Schema
from twofold.errors import SchemaDrift


class Native(sa.types.UserDefinedType[Any]):
    """A type of the database by name, for casts; it carries no length, so that a cast cannot truncate."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """The name as the database writes it."""
        return self.name


@dataclass(frozen=True, slots=True)
class Column:
    """A field and how the database keeps it.

    `native` is the bare name of its type; `affinity` SQLite's storage rule; `form` how values are spelt,
    where the database leaves that open; `plain`: equal texts are the same texts, whatever the collation;
    `rounded`: decimals may have more digits than the field; `precision` is a decimal's digits in all;
    `charset` and `collation` are those of a text, where the database keeps one for each column.
    """

    field: Field
    native: str = ""
    affinity: str = ""
    form: Form | None = None
    plain: bool = True
    rounded: bool = False
    precision: int | None = None
    charset: str | None = None
    collation: str | None = None

    @property
    def unit(self) -> str | None:
        """What numbers count, where the column keeps moments as numbers."""
        return unit_of(self.form)

    def stamped(self, form: Form | None) -> Column:
        """The same column read as a moment, for a text or number column that keeps change stamps."""
        kind = self.field.type if self.field.type is FieldType.DATE else FieldType.DATETIME
        return replace(self, field=replace(self.field, type=kind), form=form)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view; `unique` holds its primary key and unique constraints, by constraint name."""

    schema: Schema
    source: sa.TableClause
    columns: Mapping[str, Column]
    unique: Mapping[str, tuple[str, ...]]
    triggers: bool = False

    def __getitem__(self, name: str) -> Column:
        found = self.columns.get(name)
        if found is None:
            raise SchemaDrift(
                f"{self.schema.unknown(name)} Correct the mapping, or give the table that column again."
            )
        return found

    def expression(self, name: str) -> sa.ColumnElement[Any]:
        """The column in a statement."""
        return self.source.c[self[name].field.name]

    def fields(self, names: Sequence[str]) -> list[Field]:
        """The fields with these names; raises `SchemaDrift` for one the table does not have."""
        return [self[name].field for name in names]

    def is_unique(self, key: Sequence[str]) -> bool:
        """Whether the database itself keeps these columns unique."""
        return any(set(columns) <= set(key) for columns in self.unique.values())


def make_relation(
    name: str,
    schema: str | None,
    columns: Sequence[Column],
    *,
    key: Sequence[str],
    unique: Mapping[str, tuple[str, ...]],
    triggers: bool,
    view: bool,
    hidden: Sequence[str] = (),
) -> Relation:
    """The relation of catalogue facts; `hidden` columns can be read but are no fields."""
    fields = tuple(column.field for column in columns)
    computed = any(field.read_only for field in fields)
    described = Schema(name, fields, tuple(key), rewrites=triggers or computed, read_only=view)
    bare = name.removeprefix(f"{schema}.") if schema else name
    source = sa.table(bare, *map(sa.column, (*(field.name for field in fields), *hidden)), schema=schema)
    return Relation(described, source, {column.field.name: column for column in columns}, unique, triggers)


def no_such_table(wanted: str, tables: Sequence[str], connection: str) -> str:
    """A sentence about a table that is not there, with the nearest one."""
    return f'Connection "{connection}" has no table "{wanted}".{closest(wanted, tables)}'
