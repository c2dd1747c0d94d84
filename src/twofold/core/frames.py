"""Names of the columns that travel between the parts; it must never compute."""

from __future__ import annotations

import polars as pl

# The names of our own columns begin with "#", so that they never meet a field of somebody's table.
KEY = "#key"
"""Canonical text of a record's immutable id; a composite one is a JSON array of texts."""
VERSION = "#version"
"""Text that changes when the record does; null where the table has none."""
SETTLED = "#settled"
"""False where another edit could still carry the same version (a coarse, young stamp)."""
KIND = "#kind"
"""Null where an op was done, else a `ports.ResultKind`."""
FIELD = "#field"
"""The field at fault, if the system named it."""
TEXT = "#text"
"""What the system said, for a person."""

ROW_META: dict[str, pl.DataType] = {KEY: pl.String(), VERSION: pl.String(), SETTLED: pl.Boolean()}

RESULT_SCHEMA: dict[str, pl.DataType] = {
    KEY: pl.String(),
    VERSION: pl.String(),
    SETTLED: pl.Boolean(),
    KIND: pl.String(),
    FIELD: pl.String(),
    TEXT: pl.String(),
}

COUPLING_SCHEMA: dict[str, pl.DataType] = {
    "id": pl.Int64(),
    "left_key": pl.String(),
    "right_key": pl.String(),
    "state": pl.String(),
    "left_version": pl.String(),
    "right_version": pl.String(),
    "left_base": pl.Binary(),
    "right_base": pl.Binary(),
}
"""`state` is a `core.situation.Link` name; a base holds 8 bytes for each slot, all zero where unknown."""

ENTRY_SCHEMA: dict[str, pl.DataType] = {
    "id": pl.Int64(),
    "left_key": pl.String(),
    "right_key": pl.String(),
    "direction": pl.String(),
    "kind": pl.String(),
    "message": pl.String(),
    "fields": pl.String(),
    "strikes": pl.Int64(),
    "skipped": pl.Boolean(),
    "blocking": pl.String(),
    "left_version": pl.String(),
    "right_version": pl.String(),
}
"""One line of the errors list; `fields` is a JSON array of names, `blocking` a JSON [mapping, side, key]."""
