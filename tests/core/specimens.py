"""Tables, mappings and frames of pairs as small values, for the core's tests; it must never decide."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from twofold.core.digest import text_digest
from twofold.core.frames import COUPLING_SCHEMA, ENTRY_SCHEMA, KEY, SETTLED, VERSION
from twofold.core.layout import Layout, Line, lay_out
from twofold.core.mapping import FieldMapping, TableMapping, TableSide
from twofold.core.names import Direction, Side
from twofold.core.pairing import pair, side_rows
from twofold.core.schema import Field, FieldType, Schema

GOLDEN = Path(__file__).parent / "golden"
RENEW = "TWOFOLD_RENEW_GOLDEN"

TEXT = FieldType.TEXT
Row = Mapping[str, Any]


def agrees_with_golden(name: str, text: str) -> bool:
    """Whether a golden file says the same; with TWOFOLD_RENEW_GOLDEN set, it is written first."""
    path = GOLDEN / name
    if os.environ.get(RENEW):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text


def line_of(pair_: FieldMapping, left: Field, right: Field, way: Direction = Direction.BOTH) -> Line:
    """One line between two fields, as a layout makes it."""
    mapping = mapping_of(replace(pair_, direction=way))
    schemas = Schema("customer", (left,)), Schema("account", (right,))
    return lay_out(mapping, schemas[0], schemas[1], {pair_.identity: 0}).lines[0]


def mapping_of(*pairs: FieldMapping, **changes: Any) -> TableMapping:
    """A mapping from ERP to CRM with these pairs of fields."""
    left, right = TableSide("ERP", "customer", ("id",)), TableSide("CRM", "account", ("id",))
    return replace(TableMapping("CUSTOMER", left, right, pairs), **changes)


def layout_of(
    mapping: TableMapping, left: Sequence[Field], right: Sequence[Field], circular: Sequence[str] = ()
) -> Layout:
    """The layout of a mapping between two tables with a text key `id` and these fields."""
    key = Field("id", TEXT, length=36, nullable=False)
    slots = {pair_.identity: number for number, pair_ in enumerate(mapping.fields)}
    customer = Schema(mapping.left.table, (key, *left), ("id",))
    account = Schema(mapping.right.table, (key, *right), ("id",))
    return lay_out(mapping, customer, account, slots, circular)


def couplings_of(rows: Sequence[Row]) -> pl.DataFrame:
    """A frame of couplings; what a row does not say is null, and its bases are unknown."""
    blank: dict[str, Any] = {**dict.fromkeys(COUPLING_SCHEMA), "left_base": b"", "right_base": b""}
    full = [{**blank, "state": "coupled", **row} for row in rows]
    return pl.DataFrame(full, schema=COUPLING_SCHEMA)


def entries_of(rows: Sequence[Row]) -> pl.DataFrame:
    """A frame of entries; what a row does not say is blank."""
    blank = {**dict.fromkeys(ENTRY_SCHEMA), "fields": "[]", "strikes": 1, "skipped": False}
    return pl.DataFrame([{**blank, **row} for row in rows], schema=ENTRY_SCHEMA)


def base_of(*values: str | None, known: bool = True) -> bytes:
    """A base whose slots hold the digests of these canonical texts, or nothing."""
    digests = [text_digest(value) if known else 0 for value in values]
    return b"".join(digest.to_bytes(8, "little") for digest in digests)


def rows_of(layout: Layout, side: Side, rows: Mapping[str, Row]) -> pl.DataFrame:
    """Rows by key, as a connector gives them; `#version` and `#settled` may be among a row's values."""
    schema = layout.schema(side)
    names = layout.read[side]
    full = [{KEY: key, VERSION: "v1", SETTLED: True, **row} for key, row in rows.items()]
    dtypes = {KEY: pl.String(), VERSION: pl.String(), SETTLED: pl.Boolean()}
    return pl.DataFrame(full, schema={**dtypes, **{name: schema[name].dtype for name in names}})


def pairs_of(
    layout: Layout, couplings: pl.DataFrame, left: Mapping[str, Row], right: Mapping[str, Row]
) -> pl.DataFrame:
    """The frame of pairs of these rows."""
    marked = [
        side_rows(rows_of(layout, side, rows), side, layout.schema(side), layout.filters[side])
        for side, rows in ((Side.LEFT, left), (Side.RIGHT, right))
    ]
    return pair(couplings, *marked)
