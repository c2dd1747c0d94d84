"""What a row of a memory table may hold, and how it is keyed; it must never know of tables or clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from twofold.core.keys import key_column, key_parts
from twofold.core.schema import DEFAULT_SCALE, TEXTUAL, Field, FieldType
from twofold.ports import ResultKind

Row = dict[str, Any]
"""The values of one record by field name, each of the Python type of its field."""


class Rejected(Exception):
    """The system refuses a write; `kind` says why, `field` names the field at fault where there is one."""

    def __init__(self, kind: ResultKind, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.field = field


_PYTHON: dict[FieldType, tuple[type, ...]] = {
    FieldType.INTEGER: (int,),
    FieldType.OPTION: (int,),
    FieldType.DECIMAL: (Decimal,),
    FieldType.FLOAT: (float,),
    FieldType.BOOLEAN: (bool,),
    FieldType.DATE: (date,),
    FieldType.TIME: (time,),
    FieldType.DATETIME: (datetime,),
    FieldType.BINARY: (bytes,),
}


def is_readable(field: Field, value: Any) -> bool:
    """Whether a stored value is what its column declares; nothing always is."""
    if value is None:
        return True
    # Python calls a bool an int and a datetime a date; a column does not.
    if isinstance(value, bool) and field.type is not FieldType.BOOLEAN:
        return False
    if isinstance(value, datetime):
        return field.type is FieldType.DATETIME and value.tzinfo is not None
    return isinstance(value, _PYTHON.get(field.type, (str,)))


def accept(field: Field, value: Any) -> Any:
    """The value as the system stores it; raises `Rejected` where it refuses it."""
    value = _blank(field, value)
    if value is None:
        if not field.nullable:
            raise failure(field, "must not be empty")
        return None
    if not is_readable(field, value):
        raise failure(field, f"takes a {field.type} value, not {value!r}")
    return _shape(field, value)


def failure(field: Field, complaint: str) -> Rejected:
    """A refusal that names the field and what is wrong with its value."""
    return Rejected(ResultKind.FAILED, f'"{field.name}" {complaint}.', field.name)


def _blank(field: Field, value: Any) -> Any:
    if not field.blank_is_null or value not in (None, ""):
        return value
    return None if field.nullable or field.type not in TEXTUAL else ""


def _shape(field: Field, value: Any) -> Any:
    if isinstance(value, str):
        return _text(field, value)
    if isinstance(value, Decimal):
        step = Decimal(1).scaleb(-(DEFAULT_SCALE if field.scale is None else field.scale))
        return value.quantize(step, ROUND_HALF_UP)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _text(field: Field, value: str) -> str:
    if "\x00" in value:
        raise failure(field, "must not contain the character NUL")
    if field.length is not None and len(value) > field.length:
        raise failure(field, f"takes at most {field.length} characters, not {len(value)}")
    return value.lower() if field.type is FieldType.GUID else value


def key_of(fields: Sequence[Field], row: Mapping[str, Any]) -> str:
    """The canonical key of a row that has all its key fields."""
    if len(fields) == 1 and isinstance(row[fields[0].name], str | int):
        text = str(row[fields[0].name])
        return text.lower() if fields[0].type is FieldType.GUID else text
    frame = pl.DataFrame([[row[f.name]] for f in fields], schema={f.name: f.dtype for f in fields})
    found: str = key_column(frame, fields)[0]
    return found


def parse_key(fields: Sequence[Field], key: str) -> Row:
    """The key fields that a key text stands for; raises ValueError where it is not such a key."""
    parts = key_parts(key, len(fields))
    return {field.name: _parse(field, part) for field, part in zip(fields, parts, strict=True)}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_PARSERS: dict[FieldType, Callable[[str], Any]] = {
    FieldType.INTEGER: int,
    FieldType.OPTION: int,
    FieldType.DECIMAL: Decimal,
    FieldType.FLOAT: float,
    FieldType.DATE: date.fromisoformat,
    FieldType.TIME: time.fromisoformat,
    FieldType.DATETIME: _moment,
    FieldType.GUID: str.lower,
}


def _parse(field: Field, text: str) -> Any:
    try:
        return _PARSERS.get(field.type, str)(text)
    except ArithmeticError as error:  # what Decimal raises instead of ValueError
        raise ValueError(f'"{text}" is not a {field.type}.') from error
