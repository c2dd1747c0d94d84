"""Finds counterparts of uncoupled records by the match fields; it must never couple what is ambiguous."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from twofold.core.classify import with_values
from twofold.core.filters import to_polars
from twofold.core.frames import COUPLING_SCHEMA, KEY
from twofold.core.matching import Matches, comparable, find_matches, match_lines
from twofold.core.names import Side
from twofold.core.pairing import PREFIX, here
from twofold.core.situation import Link
from twofold.core.translation import Lookups
from twofold.engine.lookups import resolve
from twofold.engine.task import PAGE, Task
from twofold.ports import Record


def match(task: Task, left_keys: Collection[str] = ()) -> Matches:
    """What belongs together among the uncoupled records in both filters.

    `left_keys` narrows what is told, not what is compared: what another record also matches is ambiguous.
    """
    frames = {side: _uncoupled(task, side) for side in Side}
    lookups = _lookups(task, frames[Side.LEFT])
    sides = {side: comparable(task.layout, frames[side], side, lookups) for side in Side}
    groups = match_lines(task.layout.mapping, task.layout.lines)
    found = find_matches(groups, sides[Side.LEFT], sides[Side.RIGHT])
    return _only(found, left_keys) if left_keys else found


def _only(found: Matches, left_keys: Collection[str]) -> Matches:
    wanted = pl.col("left_key").is_in(list(left_keys))
    unmatched = [key for key in found.unmatched if key in left_keys]
    return Matches(found.coupled.filter(wanted), found.ambiguous.filter(wanted), unmatched, found.lonely)


def _uncoupled(task: Task, side: Side) -> pl.DataFrame:
    """The uncoupled records of a side with the fields that matching needs."""
    end = task.ends[side]
    lines = [line for group in match_lines(task.layout.mapping, task.layout.lines) for line in group]
    fields = tuple(dict.fromkeys(name for line in lines for name in line.pair.sources(side)))
    parts = []
    for page in end.connector.changes(end.table, fields, task.layout.filters[side], None):
        known = task.store.couplings(task.name, side, page.rows[KEY].to_list())
        rows = page.rows.select(KEY, *fields).unique(KEY, keep="last", maintain_order=True)
        parts.append(rows.join(known, left_on=KEY, right_on=f"{side}_key", how="anti"))
    return pl.concat(parts)


def _lookups(task: Task, rows: pl.DataFrame) -> Lookups:
    if not any(line.pair.lookup for line in task.layout.lines):
        return Lookups()
    prefixed = rows.select(
        *(
            (
                pl.col(name) if name in rows.columns else pl.lit(None, dtype=task.layout.left[name].dtype)
            ).alias(PREFIX[Side.LEFT] + name)
            for name in task.read(Side.LEFT)
        ),
        pl.lit(value=True).alias(here(Side.LEFT)),
    )
    blank = [
        pl.lit(None, dtype=task.layout.right[name].dtype).alias(PREFIX[Side.RIGHT] + name)
        for name in task.read(Side.RIGHT)
    ]
    return resolve(task, with_values(task.layout, prefixed.with_columns(blank)))


def couple(task: Task, matches: Matches) -> None:
    """Record the sure matches as couplings that were never synchronized."""
    for start in range(0, matches.coupled.height, PAGE):
        part = matches.coupled.slice(start, PAGE)
        task.store.record(task.name, Record(couple=new_couplings(part)))


def new_couplings(keys: pl.DataFrame) -> pl.DataFrame:
    """Couplings of `left_key` and `right_key` without a base."""
    blank = {name: pl.lit(None, dtype=dtype).alias(name) for name, dtype in COUPLING_SCHEMA.items()}
    values = {**blank, "left_key": pl.col("left_key"), "right_key": pl.col("right_key")}
    values |= {"state": pl.lit(Link.COUPLED.value).alias("state")}
    values |= {base: pl.lit(b"", dtype=pl.Binary).alias(base) for base in ("left_base", "right_base")}
    return keys.select(*(values[name] for name in COUPLING_SCHEMA))


def in_filter(task: Task, side: Side, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that the mapping's filter of this side lets through."""
    return rows.filter(to_polars(task.layout.filters[side], task.layout.schema(side)))
