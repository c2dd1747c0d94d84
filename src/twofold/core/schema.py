"""What a table looks like, and what two fields have in common; it must never know where the table lives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from twofold.core.names import closest

DEFAULT_SCALE = 10
"""Digits after the point kept for a decimal whose column declares none."""


class FieldType(StrEnum):
    """The types that Twofold can carry; a connector maps its own types to these."""

    TEXT = "text"
    CODE = "code"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    GUID = "guid"
    OPTION = "option"
    JSON = "json"
    BINARY = "binary"


TEXTUAL = frozenset({FieldType.TEXT, FieldType.CODE, FieldType.GUID, FieldType.JSON})
NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.FLOAT, FieldType.OPTION})


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table.

    `length` is in characters; `scale` is digits after the point, of a decimal or of a second.
    `generated`: the system makes a value for a new row that brings none (identity, server default).
    `read_only`: the system never accepts a value. `blank_is_null`: it cannot tell a blank from nothing.
    """

    name: str
    type: FieldType
    length: int | None = None
    scale: int | None = None
    nullable: bool = True
    generated: bool = False
    read_only: bool = False
    blank_is_null: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type in which connectors hand over this field and accept it."""
        return _dtype(self)


def _dtype(field: Field) -> pl.DataType:
    match field.type:
        case FieldType.INTEGER | FieldType.OPTION:
            return pl.Int64()
        case FieldType.DECIMAL:
            return pl.Decimal(38, _decimal_scale(field))
        case FieldType.FLOAT:
            return pl.Float64()
        case FieldType.BOOLEAN:
            return pl.Boolean()
        case FieldType.DATE:
            return pl.Date()
        case FieldType.TIME:
            return pl.Time()
        case FieldType.DATETIME:
            return pl.Datetime("us", "UTC")
        case FieldType.BINARY:
            return pl.Binary()
        case _:
            return pl.String()


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of one table.

    `key` is the table's own key, empty if it declares none. `rewrites`: triggers or computed columns may
    change what is written, so the engine reads back. `read_only`: a view, or a table we may not write.
    """

    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    rewrites: bool = False
    read_only: bool = False

    def get(self, name: str) -> Field | None:
        """The field called `name`, or None."""
        return next((field for field in self.fields if field.name == name), None)

    def __getitem__(self, name: str) -> Field:
        field = self.get(name)
        if field is None:
            raise KeyError(name)
        return field

    def unknown(self, name: str) -> str:
        """A sentence saying that this table has no field `name`, with the nearest one."""
        return f'{self.table} has no field "{name}".{closest(name, [f.name for f in self.fields])}'


@dataclass(frozen=True, slots=True)
class Common:
    """Where the values of two paired fields are compared: the least common type, length and scale."""

    type: FieldType
    length: int | None = None
    scale: int | None = None
    blank_is_null: bool = False

    @property
    def field(self) -> Field:
        """The same as a field of no table, for canonical values."""
        return Field("", self.type, self.length, self.scale, blank_is_null=self.blank_is_null)


def narrow(left: Field, right: Field) -> Common | str:
    """The least common ground of two fields, or a sentence saying why they cannot be compared."""
    kind = _common_type(left.type, right.type)
    if kind is None:
        return (
            f'"{left.name}" is {_article(left.type)} and "{right.name}" is {_article(right.type)}: '
            "they cannot be compared. Choose another field, or pair one of them with a text field."
        )
    blank = left.blank_is_null or right.blank_is_null or (_texts(left, right) and _not_null_pair(left, right))
    return Common(kind, _least(left.length, right.length), _common_scale(kind, left, right), blank)


def _texts(left: Field, right: Field) -> bool:
    return left.type in TEXTUAL and right.type in TEXTUAL


def _not_null_pair(left: Field, right: Field) -> bool:
    return left.nullable != right.nullable


def _article(kind: FieldType) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _least(*numbers: int | None) -> int | None:
    known = [number for number in numbers if number is not None]
    return min(known) if known else None


def _common_scale(kind: FieldType, left: Field, right: Field) -> int | None:
    if kind is FieldType.DECIMAL:
        return _least(*(_decimal_scale(f) for f in (left, right) if f.type is FieldType.DECIMAL))
    if kind in (FieldType.DATETIME, FieldType.TIME):
        return _least(left.scale, right.scale)
    return None


def _decimal_scale(field: Field) -> int:
    return DEFAULT_SCALE if field.scale is None else field.scale


def _common_type(left: FieldType, right: FieldType) -> FieldType | None:
    if FieldType.BINARY in (left, right):
        return None
    if left is right:
        return left
    for one, two in ((left, right), (right, left)):
        found = _PAIRS.get((one, two))
        if found is not None:
            return found
        if one is FieldType.TEXT:
            return two
    return None


_PAIRS: dict[tuple[FieldType, FieldType], FieldType] = {
    (FieldType.INTEGER, FieldType.DECIMAL): FieldType.DECIMAL,
    (FieldType.INTEGER, FieldType.FLOAT): FieldType.FLOAT,
    (FieldType.INTEGER, FieldType.OPTION): FieldType.INTEGER,
    (FieldType.INTEGER, FieldType.BOOLEAN): FieldType.BOOLEAN,
    (FieldType.DECIMAL, FieldType.FLOAT): FieldType.DECIMAL,
    (FieldType.DATE, FieldType.DATETIME): FieldType.DATE,
    (FieldType.CODE, FieldType.TEXT): FieldType.CODE,
    (FieldType.CODE, FieldType.INTEGER): FieldType.INTEGER,
    (FieldType.CODE, FieldType.GUID): FieldType.GUID,
    (FieldType.CODE, FieldType.OPTION): FieldType.OPTION,
}
