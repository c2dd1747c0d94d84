"""Counts what a batch did, per direction, as Business Central counts; it must never count a write twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from twofold.core.classify import action_is
from twofold.core.decide import Action
from twofold.core.names import Direction, Side
from twofold.core.pairing import here, inside, now
from twofold.core.situation import State, number


def count(
    done: pl.DataFrame, promoted: Mapping[Direction, int], ran: Sequence[Direction], *, quiet: bool
) -> dict[Direction, dict[str, int]]:
    """The counters of each direction that ran, without those that are zero.

    `done` has the flags of `outcome`; `promoted` are the failures that became skipped. `quiet`: a second
    pass, whose writes were counted as inserts already.
    """
    return {direction: _counters(done, promoted, direction, ran, quiet=quiet) for direction in ran}


def _counters(
    done: pl.DataFrame,
    promoted: Mapping[Direction, int],
    direction: Direction,
    ran: Sequence[Direction],
    *,
    quiet: bool,
) -> dict[str, int]:
    counts = done.select(_sums(direction, ran)).row(0, named=True)
    counts["failed"] -= promoted[direction]
    counts["skipped"] += promoted[direction]
    if quiet:
        counts["modified"] = counts["unchanged"] = 0
    return {name: int(count) for name, count in counts.items() if count}


def _sums(direction: Direction, ran: Sequence[Direction]) -> list[pl.Expr]:
    target = direction.target
    good, op = pl.col(f"{target}_done"), pl.col(f"{target}_op")
    counted = {
        "inserted": good & (op == "insert"),
        "modified": good & (op == "update"),
        "deleted": good & (op == "delete"),
        "unchanged": _unchanged(target),
        "skipped": pl.col(f"{target}_masked") | _left_alone(target),
        "failed": pl.col(f"{target}_error").is_not_null(),
        "conflicts": pl.col("asks") & (direction is ran[0]),
        "uncoupled": action_is(Action.UNCOUPLE) & pl.col("drop") & _leads(direction, ran),
    }
    return [rows.sum().alias(name) for name, rows in counted.items()]


def _unchanged(target: Side) -> pl.Expr:
    """The source has a version that nobody has seen, and nothing was to be written; no echo counts.

    An edit that lost and was overwritten is not an unchanged record.
    """
    source = target.other
    lost = pl.col(f"{source}_op").is_not_null() & (pl.col(f"{source}_state") == number(State.CHANGED))
    stirred = pl.col(f"{source}_version").is_not_null() & (pl.col(now(source)) != pl.col(f"{source}_version"))
    idle = pl.col(f"{target}_op").is_null() & ~pl.col("open") & ~lost
    return (stirred & idle & pl.col(inside(source)) & ~pl.col("drop")).fill_null(value=False)


def _left_alone(target: Side) -> pl.Expr:
    """A person named this record, but it is not coupled and only coupled records are synchronized."""
    return action_is(Action.IGNORE) & pl.col("named") & pl.col(inside(target.other))


def _leads(direction: Direction, ran: Sequence[Direction]) -> pl.Expr:
    """An uncoupling counts in the job whose source vanished; in the only job if there is one."""
    if len(ran) == 1:
        return pl.lit(value=True)
    left_gone = ~pl.col(here(Side.LEFT))
    return left_gone if direction is Direction.TO_RIGHT else ~left_gone
