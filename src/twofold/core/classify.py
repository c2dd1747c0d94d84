"""Turns a frame of pairs into situations and actions, column by column; it must never hold a rule of its own.

Every rule that it applies is generated from `decide`.

Columns it adds, for each line n:
  l{n} r{n}    canonical value on each side          dl{n} dr{n}  its digest
  vr{n} vl{n}  the value translated to right, left   pr{n} pl{n}  a sentence where that failed
  mr{n} ml{n}  whether a lookup found nothing        c{n}         the field code
  e{n}         whether the two values agree
and `left_state`, `right_state`, `content`, `situation`, `action` for the pair.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from twofold.core.decide import ACTIONS, Policy, compile_fields, compile_table
from twofold.core.digest import digest, unpack
from twofold.core.layout import Layout, Line, source_value
from twofold.core.names import Direction, Side
from twofold.core.pairing import fields_of_side, here, inside
from twofold.core.situation import Content, FieldCode, Link, State, encode, number
from twofold.core.translation import Lookups, translate
from twofold.core.values import reduce

SHORT = {Side.LEFT: "l", Side.RIGHT: "r"}
"""The letter of a side in column names."""

_MOVED_NO, _MOVED_YES = 1, 2


def classify(
    layout: Layout, pairs: pl.DataFrame, lookups: Lookups, policy: Policy, *, full: bool = False
) -> pl.DataFrame:
    """The pairs with everything in the module's docstring; `full` also corrects drift of one-way fields."""
    judged = with_values(layout, pairs)
    judged = _with_translations(layout, judged, lookups)
    judged = _with_codes(layout, judged, full=full)
    judged = _with_states(layout, judged)
    return _with_actions(judged, policy)


def with_values(layout: Layout, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs with the canonical value and the digest of each line on each side."""
    for side in Side:
        letter = SHORT[side]
        own = fields_of_side(pairs, side)
        plain = own.select(source_value(line, side).alias(f"{letter}{line.number}") for line in layout.lines)
        digests = plain.select(
            digest(pl.col(name), plain.schema[name]).alias(f"d{name}") for name in plain.columns
        )
        # A constant alone has one row; a frame of pairs may have any number.
        pairs = pairs.with_columns(*_spread(plain, pairs.height), *_spread(digests, pairs.height))
    return pairs


def _spread(frame: pl.DataFrame, height: int) -> Iterable[pl.Series]:
    for column in frame.get_columns():
        yield column if len(column) == height else column.head(1).new_from_index(0, height)


def _with_translations(layout: Layout, judged: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    columns: list[pl.Expr] = []
    for line in layout.lines:
        for side in Side:
            if not line.writes(side):
                continue
            letter, source = SHORT[side], SHORT[side.other]
            value = translate(line, side, pl.col(f"{source}{line.number}"), lookups)
            present = pl.col(here(side.other))
            columns += [
                pl.when(present).then(value.value).alias(f"v{letter}{line.number}"),
                pl.when(present).then(value.problem).alias(f"p{letter}{line.number}"),
                (present & value.missing).alias(f"m{letter}{line.number}"),
            ]
    return judged.with_columns(columns)


def moved(line: Line, side: Side) -> pl.Expr:
    """The code of `Moved` for one line on one side."""
    base = unpack(pl.col(f"{side}_base"), line.slot)
    current = pl.col(f"d{SHORT[side]}{line.number}")
    # A pending insert's base is what we meant to write; if something else stands there, whose is it?
    pending = pl.col("state") == (Link.PENDING_LEFT if side is Side.LEFT else Link.PENDING_RIGHT).value
    code = pl.when(base == 0).then(0).when(base == current).then(_MOVED_NO)
    return code.when(pending).then(0).otherwise(_MOVED_YES)


def equal(line: Line) -> pl.Expr:
    """Whether the two values agree where they can be compared, in either direction that the line travels."""
    ways = [_agrees(line, side) for side in Side if line.writes(side)]
    return pl.any_horizontal(ways)


def _agrees(line: Line, side: Side) -> pl.Expr:
    letter, n = SHORT[side], line.number
    field = line.field(side)
    arriving = reduce(pl.col(f"v{letter}{n}"), field, line.common)
    standing = reduce(pl.col(f"{letter}{n}"), field, line.common)
    agrees = arriving.eq_missing(standing) & pl.col(f"p{letter}{n}").is_null()
    if line.pair.not_null:
        agrees = agrees | pl.col(f"{SHORT[side.other]}{n}").is_null()
    return agrees


def _with_codes(layout: Layout, judged: pl.DataFrame, *, full: bool) -> pl.DataFrame:
    both = pl.col(here(Side.LEFT)) & pl.col(here(Side.RIGHT))
    moves = judged.with_columns(
        *(moved(line, side).alias(f"#m{SHORT[side]}{line.number}") for line in layout.lines for side in Side),
        *(equal(line).alias(f"e{line.number}") for line in layout.lines),
        both.alias("#both"),
    )
    codes = [_codes(line, moves, full=full) for line in layout.lines]
    return moves.with_columns(codes)


def _codes(line: Line, moves: pl.DataFrame, *, full: bool) -> pl.Series:
    n = line.number
    index = moves.select(
        ((pl.col(f"#ml{n}") * 3 + pl.col(f"#mr{n}")) * 2 + pl.col(f"e{n}").cast(pl.Int32)).alias("index")
    ).to_series()
    table = pl.Series(compile_fields(line.way, full), dtype=pl.UInt8)
    # A pair with one side only has nothing to compare: all of its fields count as the same.
    return (table.gather(index) * moves["#both"].cast(pl.UInt8)).alias(f"c{n}")


def _any(parts: list[pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(parts) if parts else pl.lit(value=False)


def _with_states(layout: Layout, judged: pl.DataFrame) -> pl.DataFrame:
    columns = [_state(layout, side).alias(f"{side}_state") for side in Side]
    return judged.with_columns(*columns, _content(layout).alias("content")).drop(
        [name for name in judged.columns if name.startswith("#")]
    )


def _state(layout: Layout, side: Side) -> pl.Expr:
    letter = SHORT[side]
    edited = _any([pl.col(f"#m{letter}{line.number}") == _MOVED_YES for line in layout.lines])
    # Where the counterpart is gone, a field without a base may have been edited: it counts as changed.
    unproved = _any([pl.col(f"#m{letter}{line.number}") == 0 for line in layout.lines])
    changed = edited | (unproved & ~pl.col(here(side.other)))
    return (
        pl.when(~pl.col(here(side)))
        .then(number(State.ABSENT))
        .when(~pl.col(inside(side)))
        .then(number(State.OUTSIDE))
        .when(changed)
        .then(number(State.CHANGED))
        .otherwise(number(State.UNCHANGED))
    )


def _content(layout: Layout) -> pl.Expr:
    two_way = [line for line in layout.lines if line.way is Direction.BOTH]
    one_way = [line for line in layout.lines if line.way is not Direction.BOTH]

    def has(code: FieldCode) -> pl.Expr:
        return _any([pl.col(f"c{line.number}") == number(code) for line in two_way])

    right, left = has(FieldCode.TO_RIGHT), has(FieldCode.TO_LEFT)
    only = _any([pl.col(f"c{line.number}") != number(FieldCode.SAME) for line in one_way])
    return (
        pl.when(has(FieldCode.UNKNOWN))
        .then(number(Content.UNKNOWN))
        .when(has(FieldCode.OVERLAP))
        .then(number(Content.OVERLAP))
        .when(right & left)
        .then(number(Content.DISJOINT))
        .when(right)
        .then(number(Content.TO_RIGHT))
        .when(left)
        .then(number(Content.TO_LEFT))
        .when(only)
        .then(number(Content.ONE_WAY))
        .otherwise(number(Content.SAME))
    )


def _with_actions(judged: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    links = pl.col("state").replace_strict({link.value: number(link) for link in Link}, return_dtype=pl.Int32)
    code = encode(links, pl.col("left_state"), pl.col("right_state"), pl.col("content"))
    judged = judged.with_columns(code.alias("situation"))
    table = pl.Series("action", compile_table(policy), dtype=pl.UInt8)
    return judged.with_columns(table.gather(judged["situation"]).alias("action"))


def action_is(*actions: str) -> pl.Expr:
    """Whether the pair's action is one of these."""
    wanted = [index for index, action in enumerate(ACTIONS) if action in actions]
    return pl.col("action").is_in(wanted)
