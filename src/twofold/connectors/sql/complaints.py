"""Why a row cannot be written, in words for a person; it must never show a value, which may be secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from twofold.connectors.sql.dialects import Fault
from twofold.connectors.sql.forms import INEXACT
from twofold.connectors.sql.relation import Column, Relation
from twofold.core.schema import Field, FieldType

_SENTENCES = {
    "not_null": "{field} may not be empty. Give it a value, or map a field or a constant to it.",
    "unique": "{field} must be unique, and another record already has the same value. Change one of the two.",
    "foreign_key": "{field} refers to a record that is missing, or other records refer to this one ({text}).",
    "check": "the value of {field} is not allowed by a rule of the table ({text}). Correct it at its source.",
    "too_long": "the value of {field} is too long{limit}. Shorten it, or set `truncate: true`.",
    "too_large": "the number in {field} is too large for the column. Correct it at its source.",
    "type": "the value of {field} does not fit the type of the column ({text}). Correct it at its source.",
    "trigger": "a rule of the database refused the record ({text}). Correct it at its source.",
    "ignored": "a trigger of the table kept the record from being written. Ask who looks after the table.",
    "inexact": "{field} cannot keep all digits of the number. Store it as text, or round it at its source.",
    "nul": "the text for {field} contains a NUL character, which cannot be stored. Remove it at its source.",
    "no_key": "the record needs a key, and the table makes none. Map a field to {field}, or set `key_from`.",
    "several": "several records have this key. A key must name one record; choose another `key`.",
}

_INTEGERS = {"smallint": 1 << 15, "integer": 1 << 31}


def field_at_fault(fault: Fault, relation: Relation) -> str | None:
    """The field that the database named, by itself or through a constraint."""
    columns = fault.columns or relation.unique.get(fault.constraint or "", ())
    return next((name for name in columns if relation.schema.get(name) is not None), None)


def complain(fault: Fault, relation: Relation, key: str | None) -> str:
    """A sentence about one record that cannot be written, with the way out."""
    name = field_at_fault(fault, relation)
    field = relation.schema.get(name) if name else None
    limit = f" (at most {field.length} characters)" if field is not None and field.length else ""
    said = " ".join(fault.text.split())[:200].rstrip(".")
    sentence = _SENTENCES.get(fault.kind, "the database refused the record ({text}).")
    record = f"{relation.schema.table} {key}" if key else f"A new record of {relation.schema.table}"
    return f"{record}: {sentence.format(field=_shown(name, fault), text=said, limit=limit)}"


def _shown(name: str | None, fault: Fault) -> str:
    if len(fault.columns) > 1:
        return " and ".join(f'"{column}"' for column in fault.columns)
    if name is not None:
        return f'"{name}"'
    return f'what the rule "{fault.constraint}" covers' if fault.constraint else "a field"


def foresee(
    relation: Relation, values: Mapping[str, pl.Series], raw: Mapping[str, Sequence[Any]]
) -> dict[int, Fault]:
    """The rows that cannot be written as they are: what the database would refuse, or store wrongly."""
    found: dict[int, Fault] = {}
    for name, series in values.items():
        column = relation[name]
        for kind, wrong in _wrong(column, series, raw[name], triggers=relation.triggers):
            for place in wrong.arg_true().to_list():
                found.setdefault(place, Fault(kind, (name,)))
    return found


def _wrong(
    column: Column, series: pl.Series, raw: Sequence[Any], *, triggers: bool
) -> Iterator[tuple[str, pl.Series]]:
    field = column.field
    if not field.nullable and not field.generated and not triggers and series.null_count():
        yield "not_null", series.is_null()
    if series.dtype == pl.String:
        yield from _wrong_texts(field, series)
    elif field.type is FieldType.INTEGER and column.native in _INTEGERS:
        bound = _INTEGERS[column.native]
        yield "too_large", ((series < -bound) | (series >= bound)).fill_null(value=False)
    elif field.type is FieldType.DECIMAL and column.precision is not None:
        whole = pl.Series([_whole_digits(value) for value in series], dtype=pl.Int64)
        yield "too_large", whole > column.precision - (field.scale or 0)
    if INEXACT in raw:
        yield "inexact", pl.Series([value is INEXACT for value in raw])


def _wrong_texts(field: Field, series: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    yield "nul", series.str.contains("\x00", literal=True).fill_null(value=False)
    if field.length is not None and field.type in (FieldType.TEXT, FieldType.CODE):
        yield "too_long", (series.str.len_chars() > field.length).fill_null(value=False)


def _whole_digits(value: Any) -> int:
    return 0 if value is None or abs(value) < 1 else len(str(int(abs(value))))
