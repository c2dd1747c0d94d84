"""Keys as canonical text, single or composite; it must never know what a key means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from twofold.core.schema import Field


def key_text(parts: Sequence[str]) -> str:
    """One text for a key: the part itself, or a compact JSON array of texts for several."""
    return parts[0] if len(parts) == 1 else json.dumps(list(parts), ensure_ascii=False, separators=(",", ":"))


def key_parts(key: str, width: int) -> tuple[str, ...]:
    """The `width` texts of a key; raises ValueError with a sentence where the text is not such a key."""
    if width == 1:
        return (key,)
    try:
        parts = json.loads(key)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != width or not all(isinstance(p, str) for p in parts):
        raise ValueError(
            f"{key} is not a key: it takes a JSON array of {width} texts, such as {_example(width)}."
        )
    return tuple(parts)


def _example(width: int) -> str:
    return json.dumps([str(number + 1) for number in range(width)])


def canonical_key(key: str, width: int) -> str:
    """The same key as Twofold writes it, however its JSON was spaced."""
    return key_text(key_parts(key, width))


def part_text(field: Field) -> pl.Expr:
    """The column of a key field as text: numbers plain, GUIDs lower-case, dates ISO."""
    column = pl.col(field.name)
    match column_kind(field):
        case "text":
            return column
        case "guid":
            return column.str.to_lowercase()
        case "datetime":
            return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        case "decimal":
            text = column.cast(pl.String)
            short = text.str.strip_chars_end("0").str.strip_chars_end(".")
            return pl.when(text.str.contains(".", literal=True)).then(short).otherwise(text)
        case _:
            return column.cast(pl.String)


def column_kind(field: Field) -> str:
    """How a key column is spelt."""
    if field.type == "guid":
        return "guid"
    dtype = field.dtype
    if isinstance(dtype, pl.String):
        return "text"
    if isinstance(dtype, pl.Datetime):
        return "datetime"
    return "decimal" if isinstance(dtype, pl.Decimal) else "plain"


def key_column(rows: pl.DataFrame, fields: Sequence[Field]) -> pl.Series:
    """The keys of rows that carry their key fields; a key with a null part is null."""
    parts = rows.select(part_text(field).alias(str(number)) for number, field in enumerate(fields))
    if parts.width == 1:
        return parts.to_series()
    return pl.Series("key", [_joined(row) for row in parts.iter_rows()], dtype=pl.String)


def _joined(row: tuple[Any, ...]) -> str | None:
    return None if None in row else key_text(row)


def split_keys(keys: pl.Series, width: int) -> list[pl.Series]:
    """The parts of keys as text columns; a malformed key gives null parts."""
    if width == 1:
        return [keys]
    rows = [_split(key, width) for key in keys]
    return [pl.Series(str(n), [row[n] for row in rows], dtype=pl.String) for n in range(width)]


def _split(key: str | None, width: int) -> Sequence[str | None]:
    try:
        return key_parts(key or "", width)
    except ValueError:
        return (None,) * width
