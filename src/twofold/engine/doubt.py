"""Looks for records whose insert got no reply, before anything is inserted again; it must never guess.

What was to be inserted is known from the fingerprints of the reserved coupling, so a record is found again
whatever became of its source. In this order, among the records that are not coupled:

1. those in which every field is as it was to be written; as many of these as were asked for are alike
2. those that agree in a group of match fields, as written or as the source has them now; only one will do
3. one that agrees in a value which no other record there has: a person must say whether it is the one
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from twofold.core.classify import SHORT, classify, with_values
from twofold.core.digest import UNKNOWN, digest, text_digest, unpack
from twofold.core.frames import KEY
from twofold.core.layout import Line, source_value
from twofold.core.matching import match_lines
from twofold.core.names import Side
from twofold.core.situation import Link
from twofold.engine.lookups import resolve
from twofold.engine.reader import pairs_of_couplings
from twofold.engine.task import Task

_BLANK = text_digest(None)
_FOUND = {"id": pl.Int64(), KEY: pl.String()}


Candidates = dict[Side, set[str]]
"""Records that may be the ones sought: nobody may take them for new ones."""


def settle_doubts(task: Task, couplings: pl.DataFrame) -> tuple[pl.DataFrame, Candidates]:
    """The doubtful couplings as they turn out, and the records that may belong to those still in doubt.

    Found: pending, with the key of the record. Not there: pending without a key, to be inserted again. Not
    certain: in doubt as before, for a person to decide.
    """
    parts = [couplings.filter(pl.col("state") != Link.IN_DOUBT.value)]
    candidates: Candidates = {side: set() for side in Side}
    for target in Side:
        doubtful = couplings.filter(
            (pl.col("state") == Link.IN_DOUBT.value)
            & pl.col(f"{target}_key").is_null()
            & pl.col(f"{target.other}_key").is_not_null()
        )
        if doubtful.height:
            settled, candidates[target] = _settled(task, doubtful, target)
            parts.append(settled)
    both = (pl.col("state") == Link.IN_DOUBT.value) & pl.all_horizontal(
        pl.col(f"{side}_key").is_not_null() for side in Side
    )
    return pl.concat([*parts, couplings.filter(both)]).unique("id", maintain_order=True), candidates


def _settled(task: Task, doubtful: pl.DataFrame, target: Side) -> tuple[pl.DataFrame, set[str]]:
    found, maybe = _search(task, doubtful, target)
    pending = Link.PENDING_RIGHT if target is Side.RIGHT else Link.PENDING_LEFT
    joined = doubtful.join(found.rename({KEY: "#found"}), on="id", how="left", maintain_order="left")
    asks = pl.col("id").is_in(maybe["id"].to_list())
    state = pl.when(asks).then(pl.lit(Link.IN_DOUBT.value)).otherwise(pl.lit(pending.value))
    settled = joined.with_columns(state.alias("state"), pl.col("#found").alias(f"{target}_key"))
    return settled.select(doubtful.columns), set(maybe[KEY])


def _search(task: Task, doubtful: pl.DataFrame, target: Side) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`id` and `#key` of what was found for certain, and of what may be it: a person must be asked."""
    lines = [line for line in task.layout.lines if line.writes(target)]
    meant = _meant(task, doubtful, target, lines)
    there = pl.concat(_standing(task, target, lines))
    standing = there.filter(~pl.col("#coupled"))
    found, maybe = _same(meant, standing, lines)
    asked = _still_sought(meant, found, maybe)
    candidates = _matching(task, asked, standing.join(found, on=KEY, how="anti"), lines)
    sure = _told_apart(candidates)
    found = pl.concat([found, sure])
    maybe = pl.concat([maybe, candidates.join(sure, on="id", how="anti")])
    asked = _still_sought(meant, found, maybe)
    return found, pl.concat([maybe, _resembling(asked, there, found, lines)])


def _still_sought(meant: pl.DataFrame, found: pl.DataFrame, maybe: pl.DataFrame) -> pl.DataFrame:
    return meant.filter(~pl.col("id").is_in([*found["id"], *maybe["id"]]))


def _meant(task: Task, doubtful: pl.DataFrame, target: Side, lines: list[Line]) -> pl.DataFrame:
    """For each doubtful record the digests of every line as it was to be written (t) and would be now (n)."""
    pairs, _ = pairs_of_couplings(task, doubtful)
    judged = classify(task.layout, pairs, resolve(task, with_values(task.layout, pairs)), task.policy)
    current = judged.select(
        "id",
        *(
            digest(pl.col(f"v{SHORT[target]}{line.number}"), line.field(target).dtype).alias(
                f"n{line.number}"
            )
            for line in lines
        ),
    )
    written = doubtful.select(
        "id", *(unpack(pl.col(f"{target}_base"), line.slot).alias(f"t{line.number}") for line in lines)
    )
    return written.join(current, on="id", how="left", maintain_order="left")


def _standing(task: Task, target: Side, lines: list[Line]) -> Iterator[pl.DataFrame]:
    """The records of the target, in or out of the filter: key, digests, and whether they are coupled."""
    end = task.ends[target]
    fields = tuple(dict.fromkeys(line.field(target).name for line in lines))
    digests = [
        digest(source_value(line, target), line.field(target).dtype).alias(f"t{line.number}")
        for line in lines
    ]
    for page in end.connector.changes(end.table, fields, None, None):
        known = task.store.couplings(task.name, target, page.rows[KEY].to_list())
        coupled = pl.col(KEY).is_in(known[f"{target}_key"].to_list()).alias("#coupled")
        yield page.rows.unique(KEY, keep="last", maintain_order=True).select(KEY, coupled, *digests)


# -- the three ways to find a record -----------------------------------------------------------------------


def _same(
    meant: pl.DataFrame, standing: pl.DataFrame, lines: list[Line]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records that are alike in everything are interchangeable; more of them than were inserted are not."""
    names = [f"t{line.number}" for line in lines]
    known = meant.filter(pl.all_horizontal(pl.col(name) != UNKNOWN for name in names))
    sought = known.with_columns(
        pl.int_range(pl.len()).over(names).alias("#turn"), pl.len().over(names).alias("#n")
    )
    there = standing.with_columns(
        pl.int_range(pl.len()).over(names).alias("#turn"), pl.len().over(names).alias("#there")
    )
    crowded = sought.join(there.filter(pl.col("#turn") == 0), on=names).filter(
        pl.col("#there") > pl.col("#n")
    )
    maybe = crowded.select("id", *names).join(there, on=names).select(*_FOUND)
    paired = sought.join(there, on=[*names, "#turn"]).select(*_FOUND)
    return paired.join(maybe, on="id", how="anti"), maybe


def _matching(task: Task, asked: pl.DataFrame, standing: pl.DataFrame, lines: list[Line]) -> pl.DataFrame:
    """`id` and `#key` of what agrees in the first group of match fields that finds anything."""
    found = pl.DataFrame(schema=_FOUND)
    numbers = {line.number for line in lines}
    for group in match_lines(task.layout.mapping, task.layout.lines):
        own = [line for line in group if line.number in numbers]
        for letter in ("t", "n") if own else ():
            rest = asked.join(found, on="id", how="anti")
            found = pl.concat([found, _agreeing(rest, standing, own, letter)])
    return found


def _agreeing(asked: pl.DataFrame, standing: pl.DataFrame, group: list[Line], letter: str) -> pl.DataFrame:
    mine = [f"{letter}{line.number}" for line in group]
    theirs = [f"t{line.number}" for line in group]
    filled = asked.filter(pl.all_horizontal(~pl.col(name).is_in([UNKNOWN, _BLANK]) for name in mine))
    return filled.select("id", *mine).join(standing, left_on=mine, right_on=theirs).select(*_FOUND)


def _resembling(
    asked: pl.DataFrame, there: pl.DataFrame, found: pl.DataFrame, lines: list[Line]
) -> pl.DataFrame:
    """`id` and `#key` of what agrees in a value that nothing else on the target has, coupled or not."""
    parts = [pl.DataFrame(schema=_FOUND)]
    for name in (f"t{line.number}" for line in lines):
        filled = asked.filter(~pl.col(name).is_in([UNKNOWN, _BLANK])).select("id", name)
        telling = there.filter(pl.len().over(name) == 1, ~pl.col("#coupled"))
        parts.append(filled.join(telling, on=name).select(*_FOUND))
    return pl.concat(parts).unique().join(found, on=KEY, how="anti")


def _told_apart(candidates: pl.DataFrame) -> pl.DataFrame:
    """Who has one candidate whom nobody else has."""
    once = candidates.unique()
    return once.filter(*(pl.len().over(name) == 1 for name in ("id", KEY)))
