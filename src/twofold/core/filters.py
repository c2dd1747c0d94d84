"""Business Central filter expressions as trees, and trees as Polars expressions; it must never ask a source.

A connector turns the same tree into SQL or OData; both ways mean the same:

- text compares by code point, case-sensitive, except after `@`;
- a null is a blank: `''` finds it, `<>X` finds it, and no comparison, range or pattern does.

After `@` both texts are compared as `fold_case` gives them: in Unicode lower case, a final sigma like any
other. The grammar is in `filter_grammar`.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from twofold.core.schema import Schema

Value = str | int | float | bool | Decimal | date | time | datetime
"""A value in a filter, already of the Python type of its field."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op value`; `<>` also holds for a null, every other operator does not."""

    field: str
    op: Literal["=", "<>", "<", "<=", ">", ">="]
    value: Value


@dataclass(frozen=True, slots=True)
class Range:
    """`low..high`, both included."""

    field: str
    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Like:
    """A text pattern with `*` (any run) and `?` (one character); `negated` also holds for a null."""

    field: str
    pattern: str
    ignore_case: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Blank:
    """Null, or the empty text; `negated` is everything else."""

    field: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """The field is one of many values; made by the engine, not by the grammar."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; no parts: always."""

    parts: Sequence[Filter]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: Sequence[Filter]


Filter = Compare | Range | Like | Blank | Within | All | AnyOf


# -- what a filter is about --------------------------------------------------------------------------------


def fields_of(where: Filter) -> set[str]:
    """The names of the fields that the filter reads."""
    if isinstance(where, (All, AnyOf)):
        return {name for part in where.parts for name in fields_of(part)}
    return {where.field}


def filter_signature(filters: Mapping[str, str]) -> str:
    """A stable text for filter expressions as written; the order of the fields does not matter."""
    stripped = {name: expression.strip() for name, expression in filters.items()}
    return json.dumps(stripped, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def fold_case(text: str) -> str:
    """The form in which texts are compared after `@`, for a connector that evaluates it in Python."""
    return text.lower().replace(_FINAL_SIGMA, _SIGMA)


# Lower-casing makes a sigma at the end of a word another letter, so a pattern could miss its own text.
_FINAL_SIGMA, _SIGMA = "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}"


# -- evaluation --------------------------------------------------------------------------------------------


def to_polars(where: Filter, dtypes: Mapping[str, pl.DataType] | Schema) -> pl.Expr:
    """The filter as a boolean expression that is never null.

    `dtypes` are those of the rows, by field: `rows.schema`, or the schema of the table. Raises KeyError for a
    field that `dtypes` lacks.
    """
    match where:
        case All():
            return pl.all_horizontal(pl.lit(value=True), *(to_polars(part, dtypes) for part in where.parts))
        case AnyOf():
            return pl.any_horizontal(pl.lit(value=False), *(to_polars(part, dtypes) for part in where.parts))
        case Blank():
            found = _blank(pl.col(where.field), _dtype_of(where.field, dtypes))
            return ~found if where.negated else found
        case Like():
            return _like(where)
        case Within():
            return _within(where, _dtype_of(where.field, dtypes))
        case Range():
            column = pl.col(where.field)
            return _never_null((column >= pl.lit(where.low)) & (column <= pl.lit(where.high)))
        case Compare():
            held = _COMPARISONS[where.op](pl.col(where.field), pl.lit(where.value))
            return _never_null(held, otherwise=where.op == "<>")


def _dtype_of(name: str, dtypes: Mapping[str, pl.DataType] | Schema) -> pl.DataType:
    return dtypes[name].dtype if isinstance(dtypes, Schema) else dtypes[name]


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _never_null(held: pl.Expr, *, otherwise: bool = False) -> pl.Expr:
    return held.fill_null(pl.lit(otherwise))


def _blank(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        return column.fill_null("") == ""
    if dtype == pl.Binary:
        return column.fill_null(b"") == b""
    return column.is_null()


def _like(where: Like) -> pl.Expr:
    column, pattern = pl.col(where.field), where.pattern
    if where.ignore_case:
        column, pattern = _folded(column), fold_case(pattern)
    found = column.str.contains(pattern_regex(pattern))
    return _never_null(~found if where.negated else found, otherwise=where.negated)


def _folded(column: pl.Expr) -> pl.Expr:
    return column.str.to_lowercase().str.replace_all(_FINAL_SIGMA, _SIGMA, literal=True)


def pattern_regex(pattern: str) -> str:
    """The regular expression (Rust syntax) that means the same as a pattern: the whole text, any line."""
    wild = {"*": ".*", "?": "."}
    body = "".join(wild.get(character) or pl.escape_regex(character) for character in pattern)
    return rf"(?s)\A{body}\z"


def _within(where: Within, dtype: pl.DataType) -> pl.Expr:
    # A decimal that has more digits than the column equals none of its values, so it must not be rounded.
    exact = None if dtype.is_decimal() and where.values else dtype
    values = pl.Series("values", list(where.values), dtype=exact)
    return _never_null(pl.col(where.field).is_in(values.implode()))


# -- as a person writes it ---------------------------------------------------------------------------------


def render(where: Filter) -> str:
    """The filter as a person would write it.

    A filter on one field is a filter expression in its canonical form: parsed, it gives the same tree again.
    A filter on several fields reads `blocked: '' and country: US|CA`.
    """
    if len(fields_of(where)) <= 1:
        return _expression(where, outer=AnyOf)
    if isinstance(where, (All, AnyOf)):
        joint = " and " if isinstance(where, All) else " or "
        return joint.join(_named(part) for part in where.parts)
    raise TypeError(f"{where!r} is not a filter")  # pragma: no cover - every other tree has one field


def _named(part: Filter) -> str:
    names = fields_of(part)
    return f"{names.pop()}: {render(part)}" if len(names) == 1 else f"({render(part)})"


def _expression(where: Filter, outer: type) -> str:
    match where:
        case AnyOf() | All():
            return _combination(where, outer)
        case Blank():
            return "<>''" if where.negated else "''"
        case Like():
            return (
                ("<>" if where.negated else "") + ("@" if where.ignore_case else "") + _pattern(where.pattern)
            )
        case Within():
            text = "|".join(literal(value) for value in where.values)
            return f"({text})" if outer is All and len(where.values) > 1 else text
        case Range():
            return f"{literal(where.low)}..{literal(where.high)}"
        case Compare():
            return ("" if where.op == "=" else where.op) + literal(where.value)


def _combination(where: All | AnyOf, outer: type) -> str:
    joint = "&" if isinstance(where, All) else "|"
    text = joint.join(_expression(part, type(where)) for part in where.parts)
    return f"({text})" if outer is All and isinstance(where, AnyOf) else text


def literal(value: Value) -> str:
    """A value as it is written in a filter expression, in quotes where it must be."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value if _is_plain(value) else quoted(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def quoted(text: str) -> str:
    """The text between single quotes, its own single quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def _is_plain(text: str) -> bool:
    special = set("|&()<>=*?'") & set(text)
    edges = text != text.strip() or text[:1] in ("", "@", ".") or text.endswith(".")
    return not (special or edges or ".." in text)


def _pattern(pattern: str) -> str:
    runs = re.split(r"([*?]+)", pattern)
    return "".join(run if run[:1] in ("*", "?") or not run or _is_plain(run) else quoted(run) for run in runs)
