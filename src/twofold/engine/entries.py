"""Takes records from the errors list back into a run; it must never judge them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from twofold.core.frames import KEY
from twofold.core.mapping import Lookup
from twofold.core.names import EntryKind, Side
from twofold.engine import reader
from twofold.engine.lookups import answer
from twofold.engine.task import Task
from twofold.ports import Record


def worth_another_look(task: Task, found: pl.DataFrame) -> pl.DataFrame:
    """The entries to reconsider: those not set aside, and those whose blocking record is coupled by now."""
    waiting = found.filter(pl.col("skipped") & (pl.col("kind") == EntryKind.BLOCKED.value))
    if waiting.is_empty():
        return found.filter(~pl.col("skipped"))
    released = [row["id"] for row in waiting.iter_rows(named=True) if _cause_went_away(task, row)]
    if released and task.plan is None:
        freed = found.filter(pl.col("id").is_in(released)).with_columns(
            pl.lit(value=False).alias("skipped"), pl.lit(0, dtype=pl.Int64).alias("strikes")
        )
        task.store.record(task.name, Record(entries=freed))
    return found.filter(~pl.col("skipped") | pl.col("id").is_in(released))


def _cause_went_away(task: Task, entry: dict[str, Any]) -> bool:
    if not entry["blocking"]:
        return False
    mapping, side, value, named = json.loads(entry["blocking"])
    source = Side(side)
    if mapping not in task.neighbours:
        return False
    lookup = Lookup(
        mapping, left=named if source is Side.LEFT else None, right=named if source is Side.RIGHT else None
    )
    line = next(
        (ln for ln in task.layout.lines if ln.pair.lookup and ln.pair.lookup.mapping == mapping), None
    )
    return line is not None and len(answer(task, lookup, line, [value], source.other)[0]) > 0


def couplings_of_keys(task: Task, left: Sequence[str], right: Sequence[str]) -> pl.DataFrame:
    """The couplings of any of these keys, each once."""
    frames = [
        task.store.couplings(task.name, Side.LEFT, left),
        task.store.couplings(task.name, Side.RIGHT, right),
    ]
    return pl.concat(frames).unique("id", maintain_order=True)


def pairs_of_entries(task: Task, found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The complete pairs that these entries are about, as they are now."""
    keys = {side: found[f"{side}_key"].drop_nulls().unique(maintain_order=True).to_list() for side in Side}
    couplings = couplings_of_keys(task, keys[Side.LEFT], keys[Side.RIGHT])
    if couplings.height:
        yield reader.pairs_of_couplings(task, couplings)[0]
    for side in Side:
        known = set(couplings[f"{side}_key"].to_list())
        alone = [key for key in keys[side] if key not in known]
        rows = reader.fetch(task, side, alone).rows if alone else None
        if rows is not None and rows.height:
            yield reader.uncoupled_pairs(task, side, rows)


def forget_vanished(task: Task, found: pl.DataFrame) -> None:
    """Removes entries about records that are not coupled and no longer exist."""
    gone: list[int] = []
    for side in Side:
        alone = found.filter(pl.col(f"{side}_key").is_not_null() & pl.col(f"{side.other}_key").is_null())
        keys = alone[f"{side}_key"].to_list()
        if not keys:
            continue
        coupled = set(task.store.couplings(task.name, side, keys)[f"{side}_key"].to_list())
        read = reader.fetch(task, side, keys)
        there = {*read.rows[KEY].to_list(), *(problem.key for problem in read.unreadable)}
        gone += [
            row["id"] for row in alone.iter_rows(named=True) if row[f"{side}_key"] not in coupled | there
        ]
    if gone and task.plan is None:
        task.store.record(task.name, Record(solved=gone))
