"""Proposes a table that one side lacks, from the other side and the mapping; it must never make it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from twofold.core.dependencies import needs_of
from twofold.core.mapping import FieldMapping, Scalar, TableMapping
from twofold.core.names import Side
from twofold.core.schema import Field, FieldType, Schema

Schemas = Mapping[tuple[str, Side], Schema]
"""The described tables, by mapping and side; a table that is missing is not in it."""

MICROSECONDS = 6
_TEXT = Field("", FieldType.TEXT)
_UUID = Field("", FieldType.GUID, nullable=False)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A table that could be made: its fields in order, and its key."""

    mapping: str
    side: Side
    connection: str
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]


def propose(mappings: Mapping[str, TableMapping], name: str, side: Side, schemas: Schemas) -> Proposal | None:
    """The missing table of `side` as the mapping needs it; None if the other side is missing too."""
    mapping = mappings[name]
    other = schemas.get((name, side.other))
    if other is None:
        return None
    own = mapping.on(side)
    key = own.key or mapping.on(side.other).key or other.key
    found: dict[str, Field] = {}
    for field in _fields(mappings, mapping, side, schemas, key):
        found.setdefault(field.name, field)
    fields = tuple(replace(f, nullable=f.nullable and f.name not in key) for f in found.values())
    return Proposal(name, side, own.connection, own.table, fields, key)


def _fields(
    mappings: Mapping[str, TableMapping],
    mapping: TableMapping,
    side: Side,
    schemas: Schemas,
    key: tuple[str, ...],
) -> Iterator[Field]:
    """The key first, then the pairs in their order, then what filters, templates, lookups and stamps name."""
    own = mapping.on(side)
    pairs = {pair.on(side): pair for pair, _ in mapping.active()}
    for part in key:
        pair = pairs.get(part)
        yield replace(_paired(mappings, mapping, pair, side, schemas) if pair else _UUID, name=part)
    for name, pair in pairs.items():
        if name is not None:
            yield replace(_paired(mappings, mapping, pair, side, schemas), name=name)
    for pair, _ in mapping.active():
        if side is not pair.combined_into:
            yield from (replace(_TEXT, name=part) for part in pair.combine)
    yield from (replace(_TEXT, name=name) for name in own.filter)
    for template in mapping.templates.on(side):
        yield from (replace(_of_value(value), name=name) for name, value in template.set.items())
    for need in needs_of(mappings, mapping.name):
        if need.side is side:
            yield replace(_TEXT, name=need.field)
    yield from _stamps(mapping, side)


def _stamps(mapping: TableMapping, side: Side) -> Iterator[Field]:
    own = mapping.on(side)
    if own.modified is not None:
        yield Field(own.modified, FieldType.DATETIME, scale=MICROSECONDS, nullable=False)
    if own.row_version is not None:
        yield Field(own.row_version, FieldType.INTEGER, nullable=False)


def _paired(
    mappings: Mapping[str, TableMapping],
    mapping: TableMapping,
    pair: FieldMapping,
    side: Side,
    schemas: Schemas,
) -> Field:
    """A column that can hold everything the other field holds."""
    if pair.lookup is not None and pair.lookup.mapping in mappings:
        return _looked_up(mappings, pair, side, schemas)
    if pair.options:
        return _of_options(pair, side)
    if pair.combine:
        return _TEXT
    if pair.constant is not None:
        return _of_value(pair.constant)
    found = schemas[mapping.name, side.other].get(pair.on(side.other) or "")
    if found is None:
        return _TEXT
    return replace(found, nullable=True, generated=False, read_only=False, blank_is_null=False)


def _looked_up(
    mappings: Mapping[str, TableMapping], pair: FieldMapping, side: Side, schemas: Schemas
) -> Field:
    """The same as the field that the value names on this side: the key, unless the lookup says otherwise."""
    lookup = pair.lookup
    if lookup is None:  # pragma: no cover - asked only for pairs with a lookup
        return _TEXT
    target = mappings[lookup.mapping]
    named = lookup.left if side is Side.LEFT else lookup.right
    schema = schemas.get((target.name, side))
    key = target.on(side).key or (schema.key if schema else ())
    name = named or (key[0] if key else "")
    field = schema.get(name) if schema else _proposed(mappings, target, side, schemas, name)
    if field is None:
        return _TEXT if named else replace(_UUID, nullable=True)
    return replace(field, nullable=True, generated=False, read_only=False, blank_is_null=False)


def _proposed(
    mappings: Mapping[str, TableMapping], target: TableMapping, side: Side, schemas: Schemas, name: str
) -> Field | None:
    """A field of a table that is itself only proposed; lookups are not followed, they may go in a circle."""
    pair = next((pair for pair, _ in target.active() if pair.on(side) == name and name), None)
    if pair is None or pair.lookup is not None or (target.name, side.other) not in schemas:
        return None
    return _paired(mappings, target, pair, side, schemas)


def _of_options(pair: FieldMapping, side: Side) -> Field:
    values: list[Scalar] = list(pair.options) if side is Side.LEFT else list(pair.options.values())
    kinds = {_of_value(value).type for value in values if value is not None}
    return Field("", kinds.pop()) if len(kinds) == 1 else _TEXT


def _of_value(value: Scalar) -> Field:
    match value:
        case bool():
            return Field("", FieldType.BOOLEAN)
        case int():
            return Field("", FieldType.INTEGER)
        case float():
            return Field("", FieldType.DECIMAL)
        case _:
            return _TEXT
