"""Raw values of a database as typed columns; it must never lose a row for one bad value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import polars as pl

from twofold.connectors.sql import stamps
from twofold.core.schema import Field, FieldType

Raw = Sequence[Any]
"""One column as the driver handed it over."""

TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
FALSE = frozenset({"0", "false", "f", "no", "n", "off"})
_INTEGER = re.compile(r"^\s*[+-]?\d+\s*$")
_GUID = re.compile(r"^\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$")
_ZEROS = re.compile(r"^0000-00-00(?: 00:00:00(?:\.0+)?)?$")
_INT64 = 1 << 63

NOUNS = {
    FieldType.INTEGER: "a whole number",
    FieldType.OPTION: "a whole number",
    FieldType.DECIMAL: "a decimal number that fits",
    FieldType.FLOAT: "a number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date",
    FieldType.TIME: "a time of day",
    FieldType.DATETIME: "a date and time",
    FieldType.GUID: "a GUID",
    FieldType.JSON: "JSON",
    FieldType.BINARY: "binary",
}


# -- one value at a time: the meaning of a stored value ----------------------------------------------------


def text_of(value: Any) -> str | None:
    """A stored value as text; None for bytes and for a text with a NUL, which no other system could take."""
    if isinstance(value, str):
        return None if "\x00" in value else value
    return repr(value) if isinstance(value, (int, float)) else None


def integer_of(value: Any) -> int | None:
    """A stored value as a 64-bit whole number, or None."""
    if isinstance(value, str) and _INTEGER.match(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and -_INT64 <= value < _INT64 else None


def float_of(value: Any) -> float | None:
    """A stored value as a binary fraction, or None."""
    try:
        return None if isinstance(value, bytes) else float(value)
    except (OverflowError, TypeError, ValueError):
        return None


def boolean_of(value: Any) -> bool | None:
    """A stored value as true or false, however the column spells it, or None."""
    text = str(value).strip().lower()
    return True if text in TRUE else False if text in FALSE else None


def guid_of(value: Any) -> str | None:
    """A stored GUID in lower case with dashes, whether it was text or 16 bytes, or None."""
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == 16 else None
    text = value.strip() if isinstance(value, str) else ""
    return str(UUID(text)) if _GUID.match(text) else None


def json_of(value: Any) -> str | None:
    """Compact JSON text with sorted keys, or None."""
    text = value if isinstance(value, str) else text_of(value)
    try:
        return None if text is None else _canonical(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _canonical(document: Any) -> str | None:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


def stamp_text(value: Any, unit: str | None) -> str | None:
    """A stored stamp as text, numbers of that unit turned into ISO 8601."""
    if isinstance(value, (int, float)):
        return stamps.number_text(value, unit)
    return value if isinstance(value, str) else None


# -- a column at a time ------------------------------------------------------------------------------------


def _strict(values: Raw, dtype: pl.DataType) -> pl.Series | None:
    try:
        return pl.Series(values, dtype=dtype, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return None


def _each(values: Raw, convert: Callable[[Any], Any], dtype: pl.DataType) -> pl.Series:
    return pl.Series([None if value is None else convert(value) for value in values], dtype=dtype)


def _texts(values: Raw, _: Field) -> pl.Series:
    found = _strict(values, pl.String())
    if found is None or found.str.contains("\x00", literal=True).any():
        return _each(values, text_of, pl.String())
    return found


def _integers(values: Raw, _: Field) -> pl.Series:
    found = _strict(values, pl.Int64())
    return _each(values, integer_of, pl.Int64()) if found is None else found


def _decimals(values: Raw, field: Field) -> pl.Series:
    texts = pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)
    dtype = field.dtype
    scale = dtype.scale if isinstance(dtype, pl.Decimal) else 0
    return texts.str.to_decimal(scale=scale).cast(dtype, strict=False)


def _floats(values: Raw, _: Field) -> pl.Series:
    found = _strict(values, pl.Float64())
    return _each(values, float_of, pl.Float64()) if found is None else found


def _booleans(values: Raw, _: Field) -> pl.Series:
    found = _strict(values, pl.Boolean())
    if found is not None:
        return found
    numbers = _strict(values, pl.Int64())
    if numbers is not None and numbers.is_in([0, 1]).all():
        return numbers.cast(pl.Boolean)
    return _each(values, boolean_of, pl.Boolean())


def _stamp_texts(values: Raw, unit: str | None) -> pl.Series:
    found = _strict(values, pl.String())
    return _each(values, lambda value: stamp_text(value, unit), pl.String()) if found is None else found


def _guids(values: Raw, _: Field) -> pl.Series:
    found = _strict(values, pl.String())
    if found is not None and found.str.contains(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").all():
        return found
    return _each(values, guid_of, pl.String())


_COLUMNS: dict[FieldType, Callable[[Raw, Field], pl.Series]] = {
    FieldType.TEXT: _texts,
    FieldType.CODE: _texts,
    FieldType.INTEGER: _integers,
    FieldType.OPTION: _integers,
    FieldType.DECIMAL: _decimals,
    FieldType.FLOAT: _floats,
    FieldType.BOOLEAN: _booleans,
    FieldType.TIME: lambda values, _: stamps.parse_times(_each(values, text_of, pl.String())),
    FieldType.GUID: _guids,
    FieldType.JSON: lambda values, _: _each(values, json_of, pl.String()),
    FieldType.BINARY: lambda values, _: _each(values, _bytes_of, pl.Binary()),
}


def _bytes_of(value: Any) -> bytes | None:
    return bytes(value) if isinstance(value, (bytes, memoryview, bytearray)) else None


_STAMPS = {FieldType.DATE: stamps.parse_dates, FieldType.DATETIME: stamps.parse_stamps}


def decode(values: Raw, field: Field, unit: str | None = None) -> pl.Series:
    """The column in `field.dtype`; a value that is not of that type gives null, as does an empty text.

    `unit` is what numbers count in a column of stamps.
    """
    if field.type in _STAMPS:
        return _STAMPS[field.type](_stamp_texts(values, unit)).alias(field.name)
    return _COLUMNS[field.type](values, field).alias(field.name)


def bad_rows(values: Raw, decoded: pl.Series) -> list[int]:
    """The places where something was stored that could not be decoded."""
    if decoded.null_count() == values.count(None):
        return []
    lost = decoded.is_null().arg_true().to_list()
    return [place for place in lost if values[place] is not None and not _is_nothing(values[place])]


def _is_nothing(value: Any) -> bool:
    """Whether a stored value that is none of its type stands for nothing: no text, or a date of zeros."""
    return value == "" or (isinstance(value, str) and _ZEROS.match(value) is not None)


def describe_bad(value: Any, field: Field) -> str:
    """A sentence about a value that its column does not allow, for a person."""
    if isinstance(value, bytes):
        shown = f"{len(value)} bytes"
    else:
        text = str(value)
        shown = f'"{text[:40]}"' + ("..." if len(text) > 40 else "")
    noun = NOUNS.get(field.type, "readable text")
    shown = shown.replace("\x00", "?")
    return f'"{field.name}" holds {shown}, which is not {noun}. Correct the value there.'
