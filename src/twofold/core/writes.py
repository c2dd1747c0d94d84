"""Derives from judged pairs what each side would have written; it must never build a request.

Columns it adds for each side (letter l or r):
  w{letter}{n}     whether line n is written
  {side}_op        insert, update, delete, or null
  {side}_problem   a sentence that forbids the write
  {side}_fault     the field it speaks of
  {side}_blocked   the problem is a record not coupled
  {side}_deferred  a lookup is left for the second pass
  {side}_masked    the write is set aside: skipped
  {side}_template  which template applies, or null
  {side}_partial   an insert that leaves fields to the system
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from twofold.core.classify import SHORT, action_is
from twofold.core.decide import Action
from twofold.core.filter_grammar import parse_filters
from twofold.core.filters import to_polars
from twofold.core.layout import Layout, Line, constant_as
from twofold.core.mapping import Template
from twofold.core.names import Side
from twofold.core.pairing import fields_of_side
from twofold.core.situation import FieldCode, number
from twofold.core.values import scalar_text

INSERTS = {
    Side.RIGHT: (Action.INSERT_RIGHT, Action.RESTORE_RIGHT),
    Side.LEFT: (Action.INSERT_LEFT, Action.RESTORE_LEFT),
}
DELETES = {Side.RIGHT: Action.DELETE_RIGHT, Side.LEFT: Action.DELETE_LEFT}
FORCES = {Side.RIGHT: Action.FORCE_RIGHT, Side.LEFT: Action.FORCE_LEFT}
WINS = {Side.RIGHT: Action.SEND, Side.LEFT: Action.GET}
GOES = {Side.RIGHT: FieldCode.TO_RIGHT, Side.LEFT: FieldCode.TO_LEFT}


def derive(layout: Layout, judged: pl.DataFrame, allowed: Collection[Side]) -> pl.DataFrame:
    """The judged pairs with what each side would have written.

    `allowed` are the sides this run may write; the pairs carry `{side}_skipped` where writing to that side
    was set aside until a person says retry.
    """
    for side in Side:
        judged = judged.with_columns(_written(layout, side))
        judged = judged.with_columns(_op(layout, side, allowed=side in allowed))
        judged = judged.with_columns(_problem(layout, side))
        masked = pl.col(f"{side}_skipped") & pl.col(f"{side}_op").is_not_null()
        judged = judged.with_columns(masked.alias(f"{side}_masked"))
        unmasked = pl.when(~pl.col(f"{side}_masked")).then(pl.col(f"{side}_op"))
        judged = judged.with_columns(unmasked.alias(f"{side}_op"))
        judged = judged.with_columns(template_choice(layout, judged, side))
    return judged


def _written(layout: Layout, side: Side) -> list[pl.Expr]:
    letter = SHORT[side]
    columns = []
    for line in layout.lines:
        own = _written_line(layout, line, side) if line.writes(side) else pl.lit(value=False)
        columns.append(own.alias(f"w{letter}{line.number}"))
    return columns


def _written_line(layout: Layout, line: Line, side: Side) -> pl.Expr:
    letter, n = SHORT[side], line.number
    goes = pl.col(f"c{n}") == number(GOES[side])
    contested = pl.col(f"c{n}").is_in([number(FieldCode.OVERLAP), number(FieldCode.UNKNOWN)])
    updated = (
        (action_is(Action.WRITE, Action.SEND, Action.GET) & goes)
        | (action_is(WINS[side]) & contested)
        | action_is(FORCES[side])
    )
    written = updated | (action_is(*INSERTS[side]) & ~_left_out(layout, line, side))
    if line.pair.not_null:
        written = written & pl.col(f"{SHORT[side.other]}{n}").is_not_null()
    return written & pl.col(f"v{letter}{n}").is_not_null() if _must_bring_value(line, side) else written


def _must_bring_value(line: Line, side: Side) -> bool:
    """A system default fills the field of a new record; an explicit null would be refused."""
    field = line.field(side)
    return field.generated and not field.nullable


def defers(layout: Layout, line: Line, side: Side) -> bool:
    """Whether a lookup of this line that finds nothing may wait for the second pass."""
    lookup = line.pair.lookup
    return lookup is not None and lookup.mapping in layout.circular and line.field(side).nullable


def _left_out(layout: Layout, line: Line, side: Side) -> pl.Expr:
    return pl.col(f"m{SHORT[side]}{line.number}") if defers(layout, line, side) else pl.lit(value=False)


def _op(layout: Layout, side: Side, *, allowed: bool) -> list[pl.Expr]:
    if not allowed:
        nothing = [pl.lit(value=False).alias(f"{side}_{flag}") for flag in ("deferred", "partial")]
        return [pl.lit(None, dtype=pl.String).alias(f"{side}_op"), *nothing]
    letter = SHORT[side]
    insert = action_is(*INSERTS[side])
    some = [pl.col(f"w{letter}{line.number}") for line in layout.lines]
    op = (
        pl.when(insert)
        .then(pl.lit("insert"))
        .when(action_is(DELETES[side]))
        .then(pl.lit("delete"))
        .when(pl.any_horizontal(some) if some else pl.lit(value=False))
        .then(pl.lit("update"))
    )
    waiting = [pl.col(f"m{letter}{line.number}") for line in layout.lines if defers(layout, line, side)]
    deferred = insert & pl.any_horizontal(waiting) if waiting else pl.lit(value=False)
    written = [pl.col(f"w{letter}{line.number}") for line in layout.lines if line.writes(side)]
    partial = insert & ~pl.all_horizontal(written) if written else pl.lit(value=False)
    return [op.alias(f"{side}_op"), deferred.alias(f"{side}_deferred"), partial.alias(f"{side}_partial")]


def _problem(layout: Layout, side: Side) -> list[pl.Expr]:
    letter = SHORT[side]
    lines = [line for line in layout.lines if line.writes(side)]
    active = pl.col(f"{side}_op").is_not_null()

    def first(of: str, wanted: dict[int, pl.Expr]) -> pl.Expr:
        parts = [
            pl.when(active & pl.col(f"w{letter}{n}") & pl.col(f"p{letter}{n}").is_not_null()).then(value)
            for n, value in wanted.items()
        ]
        return (pl.coalesce(parts) if parts else pl.lit(None)).alias(f"{side}_{of}")

    return [
        first("problem", {line.number: pl.col(f"p{letter}{line.number}") for line in lines}).cast(pl.String),
        first("fault", {line.number: pl.lit(line.pair.label) for line in lines}).cast(pl.String),
        first("blocked", {line.number: pl.col(f"m{letter}{line.number}") for line in lines})
        .cast(pl.Boolean)
        .fill_null(value=False),
    ]


def template_choice(layout: Layout, judged: pl.DataFrame, side: Side) -> pl.Series:
    """The number of the first template whose `when` the source row satisfies, for new records on `side`."""
    templates = layout.mapping.templates.on(side)
    name = f"{side}_template"
    if not templates:
        return pl.Series(name, [None] * judged.height, dtype=pl.Int32)
    source = fields_of_side(judged, side.other)
    schema = layout.schema(side.other)
    choice = pl.coalesce(
        pl.when(to_polars(parse_filters(schema, template.when), schema)).then(pl.lit(index, dtype=pl.Int32))
        for index, template in enumerate(templates)
    )
    # One literal row where no template looks at the source.
    chosen = source.with_row_index("#row").select(choice.alias(name), "#row").get_column(name)
    return chosen if len(chosen) == judged.height else chosen.head(1).new_from_index(0, judged.height)


def template_values(layout: Layout, template: Template, side: Side) -> list[pl.Expr]:
    """The fields that a template adds to a new record: never one that the mapping writes."""
    mapped = {line.pair.on(side) for line in layout.lines if line.writes(side)}
    return [
        constant_as(scalar_text(value), layout.schema(side)[name]).alias(name)
        for name, value in template.set.items()
        if name not in mapped
    ]
