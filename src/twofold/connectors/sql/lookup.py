"""Rows by key, however the database spells its keys; it must never call a row absent without asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from twofold.connectors.sql.dialects import Dialect
from twofold.connectors.sql.forms import ALTERNATIVES
from twofold.connectors.sql.reader import Batch, Reader
from twofold.connectors.sql.relation import Column
from twofold.connectors.sql.values import decode
from twofold.core.frames import KEY
from twofold.core.keys import split_keys


def decode_keys(keys: Sequence[str], columns: Sequence[Column]) -> pl.DataFrame:
    """`#key` and the typed key fields of those keys that could be keys at all, each once."""
    asked = pl.Series(KEY, list(dict.fromkeys(keys)), dtype=pl.String)
    parts = split_keys(asked, len(columns))
    typed = [
        decode(part.to_list(), column.field, column.unit) for part, column in zip(parts, columns, strict=True)
    ]
    return pl.DataFrame([asked, *typed]).drop_nulls()


def find_rows(
    connection: sa.Connection,
    reader: Reader,
    dialect: Dialect,
    keys: Sequence[str],
    *,
    lock: bool = False,
    young: datetime | None = None,
) -> Batch:
    """The rows with these keys; `lock` keeps others from changing them until the transaction ends.

    One statement is enough unless keys are not found and the column might spell them in another way.
    """
    columns = [reader.relation[name] for name in reader.table.key]
    missing = decode_keys(keys, columns)
    batches: list[Batch] = []
    for spelt in _spellings(columns, dialect):
        batch = _ask(connection, reader, dialect, missing, spelt, lock=lock, young=young)
        batches.append(_asked_for(batch, missing))
        found = [*batches[-1].rows[KEY], *(bad.key for bad in batches[-1].unreadable)]
        missing = missing.filter(~pl.col(KEY).is_in(found))
        if missing.is_empty():
            break
    return batches[0] if len(batches) == 1 else _joined(batches)


def _spellings(columns: Sequence[Column], dialect: Dialect) -> Iterator[list[Column]]:
    yield list(columns)
    if dialect.is_strict:
        return
    choices = [ALTERNATIVES.get(column.field.type, ()) for column in columns]
    for place in range(max(map(len, choices))):
        yield [
            replace(column, form=forms[min(place, len(forms) - 1)]) if forms else column
            for column, forms in zip(columns, choices, strict=True)
        ]


def _ask(
    connection: sa.Connection,
    reader: Reader,
    dialect: Dialect,
    keys: pl.DataFrame,
    columns: Sequence[Column],
    *,
    lock: bool,
    young: datetime | None,
) -> Batch:
    if keys.is_empty():
        return reader.read([], young)
    raw = [dialect.encode(column, keys[column.field.name]) for column in columns]
    given = dialect.given([column.field.type for column in columns])
    pairs = zip(columns, given.columns, strict=True)
    same = [dialect.matched(reader.relation, column, each) for column, each in pairs]
    statement = reader.select().select_from(reader.relation.source, given.source).where(*same)
    if lock:
        statement = statement.with_for_update(of=reader.relation.source)
    return reader.read(dialect.read(connection, statement, given.pack(raw)), young)


def _asked_for(batch: Batch, asked: pl.DataFrame) -> Batch:
    """Only rows whose key is exactly one that was asked for: a database may think that "a" is "A"."""
    keys = set(asked[KEY])
    held = batch.rows[KEY].is_in(list(keys))
    unreadable = tuple(bad for bad in batch.unreadable if bad.key in keys)
    if held.all():
        return replace(batch, unreadable=unreadable)
    places = held.arg_true().to_list()
    raw: Mapping[str, list[Any]] = {name: [column[p] for p in places] for name, column in batch.raw.items()}
    rows, marks = batch.rows.filter(held), batch.marks.filter(held)
    return replace(batch, rows=rows, unreadable=unreadable, marks=marks, raw=raw)


def _joined(batches: Sequence[Batch]) -> Batch:
    return replace(
        batches[0],
        rows=pl.concat([batch.rows for batch in batches]),
        unreadable=tuple(bad for batch in batches for bad in batch.unreadable),
        marks=pl.concat([batch.marks for batch in batches]),
        raw={name: [v for batch in batches for v in batch.raw[name]] for name in batches[0].raw},
    )
