"""Lets pairs of a circle of lookups wait for the second pass; it must never count them as failed.

What waits has an entry, so that a run that stops between the passes loses nothing: the next one looks again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import polars as pl

from twofold.core.classify import SHORT
from twofold.core.frames import ENTRY_SCHEMA
from twofold.core.layout import Layout, Line
from twofold.core.names import TO, EntryKind, Side
from twofold.core.pairing import now
from twofold.core.situation import FieldCode, number


def hold(
    layout: Layout, derived: pl.DataFrame, struck: Collection[str] | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The pairs to go on with, and the coupled ones whose circular lookup has no answer yet.

    In the second pass what has no answer is a failure or a question, but only once a run: `struck` are the
    left keys of those that were told already; None is the first pass, in which all of them wait.
    """
    waits = [_waits(line, side) for line, side in _circular(layout)]
    if not waits:
        return derived, derived.clear()
    held = pl.col("id").is_not_null() & pl.any_horizontal(waits)
    if struck is not None:
        held = held & pl.col("left_key").is_in(list(struck)).fill_null(value=False)
    return derived.filter(~held), derived.filter(held)


def struck_in(done: pl.DataFrame) -> list[str]:
    """The left keys of the pairs that failed."""
    failed = pl.any_horizontal(pl.col(f"{side}_error").is_not_null() for side in Side)
    return done.filter(failed)["left_key"].drop_nulls().to_list()


def _circular(layout: Layout) -> Iterator[tuple[Line, Side]]:
    for line in layout.lines:
        if line.pair.lookup is not None and line.pair.lookup.mapping in layout.circular:
            yield from ((line, side) for side in Side if line.writes(side))


def _waits(line: Line, side: Side) -> pl.Expr:
    differs = pl.col(f"c{line.number}") != number(FieldCode.SAME)
    return differs & pl.col(f"m{SHORT[side]}{line.number}") & ~pl.col(f"{side}_masked")


def unfinished(done: pl.DataFrame) -> list[str]:
    """The left keys of the pairs that were just inserted without some lookup."""
    inserted = pl.any_horizontal(pl.col(f"{side}_deferred") & pl.col(f"{side}_done") for side in Side)
    return done.filter(inserted).select(pl.coalesce("left_new_key", "left_key")).to_series().to_list()


def entries_of(layout: Layout, held: pl.DataFrame, done: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The entries of held pairs, and of new records whose lookup was left out; what is in `before` stays."""
    rows = [*_of_held(layout, held), *_of_inserted(layout, done)]
    known = {_place(entry) for entry in before.iter_rows(named=True)}
    fresh = [row for row in rows if _place(row) not in known]
    return pl.DataFrame(fresh, schema=ENTRY_SCHEMA)


def _place(entry: dict[str, Any]) -> tuple[str, str, str]:
    return entry["left_key"] or "", entry["right_key"] or "", entry["direction"] or ""


def _of_held(layout: Layout, held: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in held.iter_rows(named=True):
        line, side = next((ln, s) for ln, s in _circular(layout) if row[f"m{SHORT[s]}{ln.number}"])
        yield _entry(row, line, side, (row["left_key"], row["right_key"]))


def _of_inserted(layout: Layout, done: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for side in Side:
        for row in done.filter(pl.col(f"{side}_deferred") & pl.col(f"{side}_done")).iter_rows(named=True):
            line = next(ln for ln, s in _circular(layout) if s is side and row[f"m{SHORT[s]}{ln.number}"])
            keys = row["left_new_key"] or row["left_key"], row["right_new_key"] or row["right_key"]
            yield _entry(row, line, side, keys)


def _entry(row: dict[str, Any], line: Line, side: Side, keys: tuple[str, str]) -> dict[str, Any]:
    name = line.pair.lookup.mapping if line.pair.lookup is not None else ""
    return {
        **dict.fromkeys(ENTRY_SCHEMA),
        "left_key": keys[0],
        "right_key": keys[1],
        "direction": TO[side].value,
        "kind": EntryKind.BLOCKED.value,
        "message": f"{line.pair.label} waits until {name} has been synchronized; the next run takes it up.",
        "fields": json.dumps([line.pair.label], ensure_ascii=False),
        "strikes": 0,
        "skipped": False,
        "left_version": row[now(Side.LEFT)],
        "right_version": row[now(Side.RIGHT)],
    }
