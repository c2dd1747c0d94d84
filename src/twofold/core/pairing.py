"""Joins rows of both sides through their couplings into pairs; it must never guess what belongs together."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from twofold.core.filters import Filter, to_polars
from twofold.core.frames import COUPLING_SCHEMA, KEY, SETTLED, VERSION
from twofold.core.names import Side
from twofold.core.schema import Schema
from twofold.core.situation import Link

PREFIX = {Side.LEFT: "L.", Side.RIGHT: "R."}
"""What the fields of a side are called in a frame of pairs: the prefix and their own name."""


def here(side: Side) -> str:
    """The column that says whether the record exists on `side`."""
    return f"{side}_here"


def inside(side: Side) -> str:
    """The column that says whether it is in the filter."""
    return f"{side}_inside"


def now(side: Side) -> str:
    """The column with the version as just read; the coupling's own is `left_version`, `right_version`."""
    return f"{side}_now"


def settled(side: Side) -> str:
    """The column that says whether that version may be remembered."""
    return f"{side}_settled"


def deduplicate(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Rows that came twice, once; and the keys that several different rows claim, without those rows."""
    if rows[KEY].n_unique() == rows.height:
        return rows, []
    once = rows.unique(maintain_order=True, keep="last")
    counts = once.group_by(KEY).len().filter(pl.col("len") > 1)
    claimed = counts[KEY].to_list()
    return once.filter(~pl.col(KEY).is_in(claimed)), sorted(claimed)


def side_rows(rows: pl.DataFrame, side: Side, schema: Schema, where: Filter) -> pl.DataFrame:
    """The rows of one side as they enter a frame of pairs."""
    marked = rows.with_columns(to_polars(where, schema).alias(inside(side)))
    names = {KEY: f"{side}_key", VERSION: now(side), SETTLED: settled(side), inside(side): inside(side)}
    return marked.select(
        *(pl.col(old).alias(new) for old, new in names.items()),
        pl.lit(value=True).alias(here(side)),
        *(pl.col(name).alias(PREFIX[side] + name) for name in rows.columns if name not in names),
    )


def pair(couplings: pl.DataFrame, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """One row per pair: every coupling with what was found of it, then rows that are not coupled.

    `left` and `right` are from `side_rows` and hold every existing record that these couplings name.
    """
    coupled = couplings.join(left, on="left_key", how="left").join(right, on="right_key", how="left")
    alone = [
        rows.join(couplings, on=f"{side}_key", how="anti")
        for side, rows in ((Side.LEFT, left), (Side.RIGHT, right))
    ]
    pairs = pl.concat([coupled, *(rows for rows in alone if rows.height)], how="diagonal")
    return pairs.with_columns(
        pl.col("state").fill_null(Link.NONE.value),
        *(pl.col(flag(side)).fill_null(value=False) for side in Side for flag in (here, inside)),
    )


def fields_of_side(pairs: pl.DataFrame, side: Side) -> pl.DataFrame:
    """The fields of one side under their own names."""
    prefix = PREFIX[side]
    return pairs.select(
        pl.col(name).alias(name[len(prefix) :]) for name in pairs.columns if name.startswith(prefix)
    )


def empty_rows(fields: Sequence[str], schema: Schema) -> pl.DataFrame:
    """No rows, with the columns that a connector would give."""
    meta = {KEY: pl.String(), VERSION: pl.String(), SETTLED: pl.Boolean()}
    return pl.DataFrame(schema={**meta, **{name: schema[name].dtype for name in fields}})


def new_keys(
    rows: pl.DataFrame, couplings: pl.DataFrame, side: Side, *, thorough: bool = False
) -> pl.DataFrame:
    """The rows worth a look: not coupled, or with a version that the coupling does not remember.

    `#known` tells the coupled ones from the others; `thorough` keeps those of a remembered version too.
    """
    known = couplings.select(
        pl.col(f"{side}_key").alias(KEY),
        pl.col(f"{side}_version").alias("#seen"),
        pl.lit(value=True).alias("#known"),
    )
    joined = rows.join(known, on=KEY, how="left", maintain_order="left")
    same = (pl.col(VERSION) == pl.col("#seen")).fill_null(value=False)
    return (joined if thorough else joined.filter(~same)).drop("#seen")


__all__ = [
    "COUPLING_SCHEMA",
    "deduplicate",
    "empty_rows",
    "fields_of_side",
    "here",
    "inside",
    "new_keys",
    "now",
    "pair",
    "settled",
    "side_rows",
]
