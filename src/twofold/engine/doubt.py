"""Looks for records whose insert got no reply, before anything is inserted again; it must never guess between two."""

from __future__ import annotations

import polars as pl

from twofold.core.classify import SHORT, classify, with_values
from twofold.core.filters import Within
from twofold.core.frames import KEY
from twofold.core.layout import Line, source_value
from twofold.core.matching import match_lines
from twofold.core.names import Side
from twofold.core.situation import Link
from twofold.core.values import reduce
from twofold.engine.lookups import resolve
from twofold.engine.reader import pairs_of_couplings
from twofold.engine.task import Task


def settle_doubts(task: Task, couplings: pl.DataFrame) -> pl.DataFrame:
    """The doubtful couplings as they turn out.

    Found: pending, with the key of the record. Not there: pending without a key, to be inserted again. Several:
    in doubt as before, for a person to decide.
    """
    parts = [couplings.filter(pl.col("state") != Link.IN_DOUBT.value)]
    for target in Side:
        doubtful = couplings.filter(
            (pl.col("state") == Link.IN_DOUBT.value)
            & pl.col(f"{target}_key").is_null()
            & pl.col(f"{target.other}_key").is_not_null()
        )
        if doubtful.height:
            parts.append(_settled(task, doubtful, target))
    return pl.concat(parts)


def _settled(task: Task, doubtful: pl.DataFrame, target: Side) -> pl.DataFrame:
    found = _found(task, doubtful, target)
    pending = Link.PENDING_RIGHT if target is Side.RIGHT else Link.PENDING_LEFT
    joined = doubtful.join(found, on="id", how="left", maintain_order="left")
    several = (pl.col("#count") > 1).fill_null(value=False)
    state = pl.when(several).then(pl.lit(Link.IN_DOUBT.value)).otherwise(pl.lit(pending.value))
    key = pl.when(~several).then(pl.col("#found"))
    return joined.with_columns(state.alias("state"), key.alias(f"{target}_key")).select(doubtful.columns)


def _found(task: Task, doubtful: pl.DataFrame, target: Side) -> pl.DataFrame:
    """`id`, `#found` and `#count` of uncoupled records that look like the ones we meant to insert."""
    lines = _telling_lines(task, target)
    meant = _meant(task, doubtful, target, lines)
    standing = _standing(task, target, lines, meant)
    names = [f"t{line.number}" for line in lines]
    joined = meant.join(standing, on=names, how="inner", nulls_equal=True)
    return joined.group_by("id").agg(pl.col(KEY).first().alias("#found"), pl.col(KEY).n_unique().alias("#count"))


def _telling_lines(task: Task, target: Side) -> list[Line]:
    """The first group of match fields that is written to the target, else everything that is written."""
    groups = match_lines(task.layout.mapping, task.layout.lines)
    written = [line for line in task.layout.lines if line.writes(target) and line.pair.lookup is None]
    telling = [[line for line in group if line.writes(target)] for group in groups]
    return next((group for group in telling if group), written)


def _meant(task: Task, doubtful: pl.DataFrame, target: Side, lines: list[Line]) -> pl.DataFrame:
    pairs, _ = pairs_of_couplings(task, doubtful)
    lookups = resolve(task, with_values(task.layout, pairs))
    judged = classify(task.layout, pairs, lookups, task.policy)
    letter = SHORT[target]
    return judged.select(
        "id",
        *(
            reduce(pl.col(f"v{letter}{line.number}"), line.field(target), line.common).alias(f"t{line.number}")
            for line in lines
        ),
    )


def _standing(task: Task, target: Side, lines: list[Line], meant: pl.DataFrame) -> pl.DataFrame:
    """The uncoupled records on the target whose first telling field is one of those we meant to write."""
    end = task.ends[target]
    field = lines[0].field(target)
    values = meant[f"t{lines[0].number}"].drop_nulls().unique().to_list()
    where = Within(field.name, tuple(values)) if values else None
    fields = tuple(dict.fromkeys(line.field(target).name for line in lines))
    parts = []
    for page in end.connector.changes(end.table, fields, where, None):
        known = task.store.couplings(task.name, target, page.rows[KEY].to_list())
        alone = page.rows.join(known, left_on=KEY, right_on=f"{target}_key", how="anti")
        parts.append(
            alone.select(
                KEY,
                *(
                    reduce(source_value(line, target), line.field(target), line.common).alias(f"t{line.number}")
                    for line in lines
                ),
            )
        )
    return pl.concat(parts)
