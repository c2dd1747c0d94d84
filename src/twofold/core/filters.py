"""Business Central filter expressions as trees, and trees as Polars expressions; it must never ask a source.

A connector turns the same tree into SQL or OData; both ways mean the same:

- text compares by code point, case-sensitive, except after `@`;
- a null is a blank: `''` finds it, `<>X` finds it, and no comparison, range or pattern does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal

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
