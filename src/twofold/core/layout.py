"""A table mapping joined with the two tables it found; it must never read a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from twofold.core import values
from twofold.core.digest import text_digest
from twofold.core.filter_grammar import parse_filters
from twofold.core.filters import All, fields_of
from twofold.core.mapping import FieldMapping, TableMapping, Transform
from twofold.core.names import Direction, Side
from twofold.core.schema import Common, Field, FieldType, Schema, narrow


@dataclass(frozen=True, slots=True)
class Line:
    """One field mapping at work: which way it travels, the two fields, and where they are compared.

    A side without a field of its own (a constant, a combination) has a text field without a name.
    """

    number: int
    slot: int
    pair: FieldMapping
    way: Direction
    left: Field
    right: Field
    common: Common

    def field(self, side: Side) -> Field:
        """The field on `side`."""
        return self.left if side is Side.LEFT else self.right

    def writes(self, side: Side) -> bool:
        """Whether this line writes to `side`."""
        return self.way.writes(side)


@dataclass(frozen=True)
class Layout:
    """Everything that is known about a mapping once both tables have been described."""

    mapping: TableMapping
    left: Schema
    right: Schema
    lines: tuple[Line, ...]
    circular: frozenset[str] = frozenset()

    def schema(self, side: Side) -> Schema:
        """The table on `side`."""
        return self.left if side is Side.LEFT else self.right

    @cached_property
    def width(self) -> int:
        """How many slots a base has."""
        return max((line.slot for line in self.lines), default=-1) + 1

    def key(self, side: Side) -> tuple[str, ...]:
        """The key fields of `side`: those that the mapping names, else the table's own."""
        return self.mapping.on(side).key or self.schema(side).key

    @cached_property
    def filters(self) -> Mapping[Side, All]:
        """The filter of each side as a tree."""
        return {side: parse_filters(self.schema(side), self.mapping.on(side).filter) for side in Side}

    @cached_property
    def read(self) -> Mapping[Side, tuple[str, ...]]:
        """The fields that are read on each side, in a stable order: only those that something needs."""
        return {side: tuple(sorted(set(self._needed(side)))) for side in Side}

    def _needed(self, side: Side) -> Iterator[str]:
        for line in self.lines:
            yield from line.pair.sources(side)
        yield from fields_of(self.filters[side])
        for template in self.mapping.templates.on(side.other):
            yield from template.when

    def writes_key(self, side: Side) -> bool:
        """Whether the mapping supplies every key field of new records on `side`."""
        written = {line.pair.on(side) for line in self.lines if line.writes(side)}
        return bool(self.key(side)) and set(self.key(side)) <= written

    def feed_signature(self) -> str:
        """What a cursor of this mapping is worth: another one of these needs a new start."""
        parts = [
            self.mapping.direction.value,
            *(_side_signature(self, side) for side in Side),
            *(
                [line.pair.identity, line_signature(line.pair, line.left, line.right), line.way]
                for line in self.lines
            ),
        ]
        return format(text_digest(json.dumps(parts)), "016x")


def _side_signature(layout: Layout, side: Side) -> str:
    own = layout.mapping.on(side)
    return json.dumps(
        [own.table, layout.key(side), own.modified, own.row_version, own.feed, sorted(own.filter.items())]
    )


def line_signature(pair: FieldMapping, left: Field, right: Field) -> str:
    """How the values of a pair are made canonical, as a stable text; another one makes the base unknown."""
    lookup = pair.lookup
    parts = [
        *((field.type, field.scale, field.blank_is_null) for field in (left, right)),
        pair.constant,
        [lookup.mapping, lookup.left, lookup.right] if lookup else None,
        sorted((key, values.scalar_text(value)) for key, value in pair.options.items()),
        [[rule.name, sorted(rule.parameters.items())] for rule in pair.transform.to_right],
        [[rule.name, sorted(rule.parameters.items())] for rule in pair.transform.to_left],
        [pair.combine, pair.join] if pair.combine else None,
        pair.truncate,
    ]
    return format(text_digest(json.dumps(parts)), "016x")


def line_fields(pair: FieldMapping, left: Schema, right: Schema) -> tuple[Field, Field]:
    """The two fields of a pair; a side it does not name gets a nameless text field."""
    nameless = Field("", FieldType.TEXT)
    return (
        left[pair.left] if pair.left is not None else nameless,
        right[pair.right] if pair.right is not None else nameless,
    )


def lay_out(
    mapping: TableMapping,
    left: Schema,
    right: Schema,
    slots: Mapping[str, int],
    circular: Sequence[str] = (),
) -> Layout:
    """The layout of a checked mapping; raises ValueError for a pair that cannot be compared.

    `slots` maps field identities to slots; `circular` names the mappings that this one shares a circle of
    lookups with, itself included if it looks up itself.
    """
    lines = tuple(
        _line(number, slots[pair.identity], pair, way, *line_fields(pair, left, right))
        for number, (pair, way) in enumerate(mapping.active())
    )
    return Layout(mapping, left, right, lines, frozenset(circular))


def _line(number: int, slot: int, pair: FieldMapping, way: Direction, left: Field, right: Field) -> Line:
    common = common_ground(pair, left, right)
    if isinstance(common, str):
        raise ValueError(common)  # noqa: TRY004 - a wrong mapping, not a wrong type
    return Line(number, slot, pair, way, left, right, common)


def common_ground(pair: FieldMapping, left: Field, right: Field) -> Common | str:
    """Where the pair is compared: as `narrow` says, but a translated value as the target has it."""
    found = narrow(left, right)
    if FieldType.BINARY in (left.type, right.type):
        return found
    transformed = isinstance(found, str) and pair.transform != Transform()
    if pair.lookup is None and not pair.options and not transformed:
        # Without `truncate`, a text that one side cannot hold is not equal to its beginning.
        return found if isinstance(found, str) or pair.truncate else replace(found, length=None)
    blank = left.blank_is_null or right.blank_is_null
    return Common(FieldType.TEXT, blank_is_null=blank)


def source_value(line: Line, side: Side) -> pl.Expr:
    """The canonical value of a line on `side`, from columns named as the fields."""
    pair = line.pair
    field = line.field(side)
    if pair.on(side) is not None:
        return values.canonical(pl.col(field.name), field)
    if pair.combine:
        parts = [pl.col(name).cast(pl.String) for name in pair.combine]
        return values.canonical(values.joined(parts, pair.join), field)
    return pl.lit(values.scalar_text(pair.constant), dtype=pl.String)


def constant_as(value: str | None, field: Field) -> pl.Expr:
    """A constant or template value as the field has it; null where it does not fit its type."""
    return values.canonical(values.parse(pl.lit(value, dtype=pl.String), field), field)
