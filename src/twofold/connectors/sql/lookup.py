"""Rows by key, however the database spells its keys; it must never call a row absent without asking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    asked = decode_keys(keys, columns)
    first = _ask(connection, reader, dialect, asked, [columns], lock=lock, young=young)
    if first.rows.height >= asked.height or (dialect.is_strict and not any(c.form for c in columns)):
        return first
    found = [*first.rows[KEY], *(bad.key for bad in first.unreadable)]
    missing = asked.filter(~pl.col(KEY).is_in(found))
    spellings = _spellings(columns)
    if missing.is_empty() or not spellings:
        return first
    second = _ask(connection, reader, dialect, missing, spellings, lock=lock, young=young)
    return _joined([first, second])


def _spellings(columns: Sequence[Column]) -> list[list[Column]]:
    """The columns as they would be, did they spell their values in each of the other usual ways."""
    choices = [
        [form for form in ALTERNATIVES.get(column.field.type, ()) if form != column.form]
        for column in columns
    ]
    return [
        [
            replace(column, form=forms[min(place, len(forms) - 1)]) if forms else column
            for column, forms in zip(columns, choices, strict=True)
        ]
        for place in range(max(map(len, choices)))
    ]


def _ask(
    connection: sa.Connection,
    reader: Reader,
    dialect: Dialect,
    keys: pl.DataFrame,
    spellings: Sequence[Sequence[Column]],
    *,
    lock: bool,
    young: datetime | None,
) -> Batch:
    """The rows with these keys, spelt in any of these ways, by one statement."""
    if keys.is_empty():
        return reader.read([], young)
    raw = _raw(keys, spellings, dialect)
    columns = spellings[0]
    given = dialect.given([column.field.type for column in columns])
    pairs = zip(columns, given.columns, strict=True)
    same = [dialect.matched(reader.relation, column, each) for column, each in pairs]
    statement = reader.select().select_from(reader.relation.source, given.source).where(*same)
    if lock:
        statement = statement.with_for_update(of=reader.relation.source)
    batch = reader.read(dialect.read(connection, statement, given.pack(raw)), young)
    return _asked_for(batch, keys)


def _raw(
    keys: pl.DataFrame, spellings: Sequence[Sequence[Column]], dialect: Dialect
) -> Sequence[Sequence[Any]]:
    """The raw values of each column, for all spellings one after another; none of them twice."""
    spelt = [[dialect.encode(column, keys[column.field.name]) for column in columns] for columns in spellings]
    if len(spelt) == 1:
        return spelt[0]
    rows = dict.fromkeys(row for raw in spelt for row in zip(*raw, strict=True))
    return list(zip(*rows, strict=True))


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
