"""What a person wrote: table mappings and field mappings as data; it must never read a file or a schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from twofold.core.names import (
    Concurrency,
    DeletionConflict,
    Direction,
    FeedKind,
    LookupMissing,
    Side,
    UpdateConflict,
)

Scalar = str | int | float | bool | None
"""A constant, an option value or a template value as written."""


@dataclass(frozen=True, slots=True)
class TableSide:
    """One side of a table mapping: where the table is, its key, and how it tells what changed."""

    connection: str
    table: str
    key: tuple[str, ...] = ()
    modified: str | None = None
    row_version: str | None = None
    feed: FeedKind | None = None
    filter: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A field whose value names a record of another mapping.

    `left` and `right` name the field of the other table that holds the value; None means its key.
    """

    mapping: str
    left: str | None = None
    right: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One transformation rule: its name and its parameters, as in Business Central's transformation rules."""

    name: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transform:
    """The chains of rules applied to a value on its way, one chain per direction."""

    to_right: tuple[Rule, ...] = ()
    to_left: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Which field goes with which, and which way."""

    left: str | None = None
    right: str | None = None
    direction: Direction = Direction.BOTH
    constant: Scalar = None
    lookup: Lookup | None = None
    lookup_missing: LookupMissing = LookupMissing.FAIL
    options: Mapping[str, Scalar] = field(default_factory=dict)
    transform: Transform = field(default_factory=Transform)
    combine: tuple[str, ...] = ()
    join: str = " "
    enabled: bool = True
    not_null: bool = False
    truncate: bool = False
    sensitive: bool = False
    clear_value_on_failed_sync: bool = False

    @property
    def label(self) -> str:
        """How messages and plans call this pair: the left field, or the right one if there is no left."""
        return self.left or self.right or "?"

    @property
    def identity(self) -> str:
        """Names the pair within its mapping; the field's slot hangs on it."""
        return f"{self.left or ''}>{self.right or ''}"

    @property
    def clears(self) -> bool:
        """Whether a lookup to a record that is not coupled writes a blank."""
        return self.clear_value_on_failed_sync or self.lookup_missing is LookupMissing.CLEAR

    def on(self, side: Side) -> str | None:
        """The field on `side`."""
        return self.left if side is Side.LEFT else self.right

    def travels(self, mapping: Direction) -> Direction | None:
        """Which way the values go when the mapping goes `mapping`; None if they cannot travel at all.

        A pair with only one field (a constant, a combination) goes to the side that it names.
        """
        own = self.direction
        if self.left is None:
            own = Direction.TO_RIGHT
        elif self.right is None:
            own = Direction.TO_LEFT
        elif self.combine:
            own = Direction.TO_RIGHT if own is Direction.BOTH else own
        if mapping is Direction.BOTH:
            return own
        return mapping if own in (Direction.BOTH, mapping) else None

    def sources(self, side: Side) -> tuple[str, ...]:
        """The fields of `side` whose values this pair reads or writes."""
        own = self.on(side)
        named = (own,) if own is not None else ()
        return named if side is self.combined_into else (*named, *self.combine)

    @property
    def combined_into(self) -> Side | None:
        """The side that receives the combination, or None for a pair without `combine`."""
        if not self.combine:
            return None
        return Side.RIGHT if self.left is None else Side.LEFT


@dataclass(frozen=True, slots=True)
class Template:
    """Values for a record that is being created, where `when` (a filter on its source row) holds."""

    set: Mapping[str, Scalar]
    when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of each side, in order of priority; the first that applies is used."""

    left: tuple[Template, ...] = ()
    right: tuple[Template, ...] = ()

    def on(self, side: Side) -> tuple[Template, ...]:
        """The templates for records created on `side`."""
        return self.left if side is Side.LEFT else self.right


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a mapping runs by itself; periods are texts such as `30m`, `12h`."""

    every: str = "30m"
    inactivity_timeout: str | None = None


@dataclass(frozen=True, slots=True)
class TableMapping:
    """Which table goes with which, and everything that decides how."""

    name: str
    left: TableSide
    right: TableSide
    fields: tuple[FieldMapping, ...]
    direction: Direction = Direction.BOTH
    synch_only_coupled_records: bool = True
    update_conflict: UpdateConflict = UpdateConflict.MERGE
    deletion_conflict: DeletionConflict = DeletionConflict.ASK
    depends_on: tuple[str, ...] = ()
    match: tuple[tuple[str, ...], ...] = ()
    templates: Templates = field(default_factory=Templates)
    schedule: Schedule | None = None
    enabled: bool = True
    read_only: bool = False
    concurrency: Concurrency = Concurrency.OPTIMISTIC
    key_from: Literal["uuid", "system", "mapped"] | None = None
    feed: FeedKind | None = None

    def on(self, side: Side) -> TableSide:
        """The table on `side`."""
        return self.left if side is Side.LEFT else self.right

    @property
    def way(self) -> str:
        """The direction in the names of the connections, for messages: `erp -> crm`."""
        left, right = self.left.connection, self.right.connection
        arrows = {Direction.BOTH: f"{left} <-> {right}", Direction.TO_RIGHT: f"{left} -> {right}"}
        return arrows.get(self.direction, f"{right} -> {left}")

    def active(self) -> Iterator[tuple[FieldMapping, Direction]]:
        """The enabled field mappings that can travel, each with the way it goes."""
        for pair in self.fields:
            way = pair.travels(self.direction) if pair.enabled else None
            if way is not None:
                yield pair, way

    def needs(self) -> tuple[str, ...]:
        """The mappings that must run before this one: `depends_on`, then those of its lookups."""
        looked_up = (pair.lookup.mapping for pair, _ in self.active() if pair.lookup is not None)
        return tuple(dict.fromkeys(name for name in (*self.depends_on, *looked_up) if name != self.name))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with what a person wrote: where, as a path into it, and what to write instead."""

    where: tuple[str | int, ...]
    sentence: str
