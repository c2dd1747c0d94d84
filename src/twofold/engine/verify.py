"""Compares every coupled pair field by field; it must never write to a side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from twofold.core.classify import SHORT, classify, with_values
from twofold.core.layout import Line
from twofold.core.names import Direction, Side
from twofold.core.pairing import here, inside
from twofold.core.plan import HIDDEN, plain
from twofold.core.situation import Link
from twofold.engine.lookups import resolve
from twofold.engine.reader import keys_on, pairs_of_couplings
from twofold.engine.task import PAGE, Task
from twofold.ports import Unreadable


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: a differing field, a missing record, an unfinished coupling."""

    left_key: str | None
    right_key: str | None
    kind: str
    field: str | None
    left: Any
    right: Any
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def compare(task: Task) -> Iterator[tuple[int, list[Finding]]]:
    """For each page of couplings, how many pairs it has and what is wrong with them."""
    for couplings in task.store.pages(task.name, PAGE):
        pairs, problems = pairs_of_couplings(task, couplings)
        found = [finding for side, bad in problems.items() for finding in _unreadable(side, bad)]
        judged = classify(
            task.layout, pairs, resolve(task, with_values(task.layout, pairs)), task.policy, full=True
        )
        yield couplings.height, [*found, *_findings(task, judged)]


def _unreadable(side: Side, problems: Sequence[Unreadable]) -> Iterator[Finding]:
    for problem in problems:
        left, right = (problem.key, None) if side is Side.LEFT else (None, problem.key)
        yield Finding(left, right, "unreadable", problem.field, None, None, problem.text)


def _findings(task: Task, judged: pl.DataFrame) -> Iterator[Finding]:
    both = pl.col(here(Side.LEFT)) & pl.col(here(Side.RIGHT))
    scope = pl.col(inside(Side.LEFT)) & pl.col(inside(Side.RIGHT))
    unfinished = pl.col("state") != Link.COUPLED.value
    differs = [~pl.col(f"e{line.number}") for line in task.layout.lines]
    bad = judged.filter(~both | unfinished | (scope & pl.any_horizontal(differs)))
    for row in bad.iter_rows(named=True):
        yield from _of_row(task, row)


def _of_row(task: Task, row: Mapping[str, Any]) -> Iterator[Finding]:
    if row["state"] != Link.COUPLED.value:
        yield _finding(row, "unfinished", "Its insert was not finished; the next run looks for the record.")
        return
    for side in Side:
        if not row[here(side)]:
            name = task.layout.mapping.on(side).connection
            yield _finding(row, "missing", f"{row[f'{side}_key']} does not exist in {name}.")
    if row[here(Side.LEFT)] and row[here(Side.RIGHT)]:
        for line in task.layout.lines:
            if not row[f"e{line.number}"]:
                yield _different(task, row, line)


def _finding(row: Mapping[str, Any], kind: str, sentence: str) -> Finding:
    return Finding(row["left_key"], row["right_key"], kind, None, None, None, sentence)


def _different(task: Task, row: Mapping[str, Any], line: Line) -> Finding:
    shown = {
        side: HIDDEN if line.pair.sensitive else plain(row[f"{SHORT[side]}{line.number}"]) for side in Side
    }
    mapping = task.layout.mapping
    said = ", ".join(f"{shown[side]!r} in {mapping.on(side).connection}" for side in Side)
    way = "" if line.way is Direction.BOTH else f" ({line.way.value} only)"
    return Finding(
        row["left_key"],
        row["right_key"],
        "different",
        line.pair.label,
        shown[Side.LEFT],
        shown[Side.RIGHT],
        f"{line.pair.label}{way} differs: {said}.",
    )


def count_uncoupled(task: Task) -> tuple[int, int]:
    """How many records in the filter of each side are not coupled."""
    left, right = (_uncoupled(task, side) for side in Side)
    return left, right


def _uncoupled(task: Task, side: Side) -> int:
    total = 0
    for keys, _ in keys_on(task, side):
        total += len(keys) - task.store.couplings(task.name, side, keys.to_list()).height
    return total
