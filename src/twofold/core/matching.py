"""Finds the counterparts of uncoupled records by match fields; it must never settle for the likelier one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from twofold.core.layout import Layout, Line, source_value
from twofold.core.mapping import TableMapping
from twofold.core.names import Side
from twofold.core.schema import FieldType
from twofold.core.translation import Lookups, translate
from twofold.core.values import reduce


@dataclass(frozen=True, slots=True)
class Matches:
    """What came of matching, by left key.

    `coupled`: `left_key`, `right_key`. `ambiguous`: `left_key` and `candidates`, a list of right keys.
    `unmatched`: left keys. `lonely`: right keys that nothing claims.
    """

    coupled: pl.DataFrame
    ambiguous: pl.DataFrame
    unmatched: list[str]
    lonely: list[str]


def match_lines(mapping: TableMapping, lines: Sequence[Line]) -> list[list[Line]]:
    """The lines of each group of match fields, by priority; a group with an unmapped field is empty."""
    by_left = {line.pair.left: line for line in lines if line.pair.left and line.pair.right}
    whole = [group if set(group) <= set(by_left) else () for group in mapping.match]
    return [[by_left[name] for name in group] for group in whole]


def comparable(layout: Layout, rows: pl.DataFrame, side: Side, lookups: Lookups) -> pl.DataFrame:
    """`#key` and one column m{line} per match line: the value where the two sides can be compared.

    Text is compared without regard to case, as Business Central does unless told otherwise.
    """
    wanted = {line.number: line for group in match_lines(layout.mapping, layout.lines) for line in group}
    columns = [_comparable(line, side, lookups).alias(f"m{n}") for n, line in wanted.items()]
    return rows.select("#key", *columns)


def _comparable(line: Line, side: Side, lookups: Lookups) -> pl.Expr:
    value = source_value(line, side)
    if side is Side.LEFT:
        value = translate(line, Side.RIGHT, value, lookups).value
    value = reduce(value, line.right, line.common)
    if isinstance(line.right.dtype, pl.String) and line.common.type is not FieldType.DECIMAL:
        value = value.str.strip_chars().str.to_lowercase()
        return pl.when(value != "").then(value)
    return value


def find_matches(groups: Sequence[Sequence[Line]], left: pl.DataFrame, right: pl.DataFrame) -> Matches:
    """Couples what belongs together beyond doubt; `left` and `right` are uncoupled rows from `comparable`.

    Groups are independent alternatives, tried in order; within one all fields must be equal. A group with a
    blank field on either side says nothing about that record. A pair is coupled only if each is the other's
    only match.
    """
    coupled: list[pl.DataFrame] = []
    doubtful: dict[str, list[str]] = {}
    for group in groups:
        if not group:
            continue
        found = _candidates(group, left, right)
        sure = _mutual(found)
        coupled.append(sure)
        left = left.join(sure, left_on="#key", right_on="left_key", how="anti")
        right = right.join(sure, left_on="#key", right_on="right_key", how="anti")
        for key, candidates in _rivals(found, sure):
            doubtful.setdefault(key, candidates)
    return _matches(coupled, doubtful, left, right)


def _candidates(group: Sequence[Line], left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    names = [f"m{line.number}" for line in group]
    joined = left.select(pl.col("#key").alias("left_key"), *names).join(
        right.select(pl.col("#key").alias("right_key"), *names), on=names, how="inner", nulls_equal=False
    )
    return joined.select("left_key", "right_key")


def _mutual(found: pl.DataFrame) -> pl.DataFrame:
    alone = [pl.len().over(name) == 1 for name in ("left_key", "right_key")]
    return found.filter(*alone)


def _rivals(found: pl.DataFrame, sure: pl.DataFrame) -> list[tuple[str, list[str]]]:
    rest = found.join(sure, on=["left_key", "right_key"], how="anti")
    grouped = rest.group_by("left_key", maintain_order=True).agg(pl.col("right_key"))
    return [(key, sorted(candidates)) for key, candidates in grouped.iter_rows()]


def _still_free(candidates: list[str], free: Collection[str]) -> list[str]:
    """The candidates that no later group coupled; all of them if each was, for a person to see."""
    return [key for key in candidates if key in free] or candidates


def _matches(
    coupled: Sequence[pl.DataFrame], doubtful: dict[str, list[str]], left: pl.DataFrame, right: pl.DataFrame
) -> Matches:
    schema = {"left_key": pl.String(), "right_key": pl.String()}
    sure = pl.concat(coupled) if coupled else pl.DataFrame(schema=schema)
    open_left = left["#key"].to_list()
    free = set(right["#key"].to_list())
    ambiguous = {key: _still_free(doubtful[key], free) for key in open_left if key in doubtful}
    frame = pl.DataFrame(
        {"left_key": list(ambiguous), "candidates": list(ambiguous.values())},
        schema={"left_key": pl.String(), "candidates": pl.List(pl.String())},
    )
    claimed = {key for candidates in ambiguous.values() for key in candidates}
    return Matches(
        coupled=sure,
        ambiguous=frame,
        unmatched=[key for key in open_left if key not in ambiguous],
        lonely=[key for key in right["#key"].to_list() if key not in claimed],
    )
