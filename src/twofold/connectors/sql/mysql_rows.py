"""How rows travel to and from MySQL and MariaDB; it must never know a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl
import sqlalchemy as sa

from twofold.connectors.sql.dialects import Element, Given
from twofold.connectors.sql.forms import GuidForm
from twofold.connectors.sql.relation import Column
from twofold.core.filters import Value
from twofold.core.schema import FieldType

PACKET = 1_000_000
"""So many characters of rows go in one statement; what a server takes at once is 4 MB or more."""

_ENCODERS: dict[FieldType, Callable[[pl.Series], pl.Series]] = {
    FieldType.BINARY: lambda values: values.bin.encode("hex"),
    FieldType.BOOLEAN: lambda values: values.cast(pl.Int8),
    FieldType.DATETIME: lambda values: values.dt.strftime("%Y-%m-%d %H:%M:%S%.6f"),
    FieldType.DATE: lambda values: values.dt.strftime("%Y-%m-%d"),
    FieldType.TIME: lambda values: values.dt.strftime("%H:%M:%S%.6f"),
}


def value_text(value: Value) -> str:
    """A filter's value as MySQL reads it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        utc = value.astimezone(UTC) if value.tzinfo else value
        return utc.replace(tzinfo=None).isoformat(" ")
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def encode(column: Column, series: pl.Series) -> list[Any]:
    """Values in `Field.dtype` as texts and numbers of JSON; bytes as hexadecimal digits."""
    kind = column.field.type
    if column.native == "binary" and kind is FieldType.GUID:
        return series.str.replace_all("-", "", literal=True).to_list()
    if isinstance(column.form, GuidForm):
        return column.form.write(series)
    if kind in (FieldType.DATETIME, FieldType.TIME):
        series = _cut(series, column.field.scale, 1 if kind is FieldType.DATETIME else 1000)
    encoder = _ENCODERS.get(kind)
    return (encoder(series) if encoder else series.cast(pl.String)).to_list()


def _cut(series: pl.Series, scale: int | None, unit: int) -> pl.Series:
    # MySQL would round up; a moment that is cut stays within the second it happened in.
    step = 10 ** (6 - (6 if scale is None else scale)) * unit
    whole: pl.Series = series.cast(pl.Int64) // step * step
    return whole.cast(series.dtype)


def given(width: int) -> Given:
    """Rows of texts that a statement brings along as one JSON parameter, `given`."""
    names = [f"g{place}" for place in range(width)]
    columns = ", ".join(
        f"{name} LONGTEXT CHARACTER SET utf8mb4 PATH '$[{place}]'" for place, name in enumerate(names)
    )
    paths: Element = sa.literal_column(f"'$[*]' COLUMNS ({columns})")
    source = sa.func.json_table(sa.bindparam("given", type_=sa.Text()), paths)
    table = source.table_valued(*names, name="given")
    return Given(table, list(table.c), lambda rows: {"given": "[" + ",".join(pack(rows)) + "]"})


def pack(columns: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Each row of the columns as a JSON array."""
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)
    return (encoder.encode(row) for row in zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def packets(columns: Sequence[Sequence[Any]]) -> Iterator[Mapping[str, Any]]:
    """Parameters for `given` that hold all rows, none of them larger than a server takes."""
    rows: list[str] = []
    size = 0
    for row in pack(columns):
        if rows and size + len(row) > PACKET:
            yield {"given": "[" + ",".join(rows) + "]"}
            rows, size = [], 0
        rows.append(row)
        size += len(row)
    if rows:
        yield {"given": "[" + ",".join(rows) + "]"}


def convert(expression: Element, kind: str) -> Element:
    """The expression as a value of that type of the database."""
    return sa.func.convert(expression, sa.literal_column(kind))


def recode(expression: Element, charset: str) -> Element:
    """The text in another character set."""
    return sa.func.convert(expression.op("USING")(sa.literal_column(charset)))


def exact(expression: Element) -> Element:
    """The text as its UTF-8 bytes, which compare by code point and count every trailing space."""
    return convert(recode(expression, "utf8mb4"), "BINARY")


def collated(expression: Element, column: Column) -> Element:
    """A text that compares with the column as the column's own values do, so that its index serves."""
    return recode(expression, column.charset or "utf8mb4").collate(column.collation or "utf8mb4_bin")
