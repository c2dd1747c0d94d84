"""What the tables allow but will surprise whoever wrote the mapping; it must never refuse anything."""

from __future__ import annotations

from collections.abc import Iterator

from twofold.core.mapping import FieldMapping, Problem, TableMapping
from twofold.core.names import Direction, LookupMissing, Side
from twofold.core.pair_rules import Path
from twofold.core.schema import TEXTUAL, Field, FieldType, Schema
from twofold.core.schema_rules import Schemas, filled_by, list_names


def warn_schemas(mapping: TableMapping, left: Schema, right: Schema) -> list[Problem]:
    """What is allowed but will surprise: records that cannot be created, values that will not always fit."""
    where = ("mappings", mapping.name)
    schemas = {Side.LEFT: left, Side.RIGHT: right}
    found: list[Problem] = []
    for side, schema in schemas.items():
        found += _warn_required(mapping, side, schema, (*where, str(side)))
        found += _warn_key(mapping.on(side).key, schema, (*where, str(side), "key"))
    for number, pair in enumerate(mapping.fields):
        way = pair.travels(mapping.direction) if pair.enabled else None
        if way is not None:
            found += _warn_length(pair, way, schemas, (*where, "fields", number))
            found += _warn_on_demand(pair, (*where, "fields", number, "lookup_missing"))
    return found


def _warn_on_demand(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    if pair.lookup is not None and pair.lookup_missing is LookupMissing.SYNCHRONIZE:
        yield Problem(
            where,
            f'"{pair.label}" asks for lookup_missing: synchronize, which this version does not do yet: '
            "it acts as fail until that record is coupled.",
        )


def _warn_required(mapping: TableMapping, side: Side, schema: Schema, where: Path) -> Iterator[Problem]:
    filled = filled_by(mapping, side)
    if not filled or schema.read_only:
        return
    stamps = {mapping.on(side).modified, mapping.on(side).row_version, *mapping.on(side).key, *schema.key}
    always = [template for template in mapping.templates.on(side) if not template.when]
    filled |= {name for template in always for name in template.set}
    for field in schema.fields:
        optional = field.nullable or field.generated or field.read_only
        if not optional and field.name not in filled | stamps:
            yield Problem(
                where,
                f'"{field.name}" of {schema.table} may not be empty and nothing fills it, so new records '
                "cannot be created there: map a field or a constant to it, or set it in a template.",
            )


def _warn_key(key: tuple[str, ...], schema: Schema, where: Path) -> Iterator[Problem]:
    if key and schema.key and not set(schema.key) <= set(key):
        yield Problem(
            where,
            f"{schema.table} is keyed by {list_names(schema.key)}, not by {list_names(key)}: "
            "two records with the same key would stop the mapping.",
        )


def _warn_length(pair: FieldMapping, way: Direction, schemas: Schemas, where: Path) -> Iterator[Problem]:
    left, right = (schemas[side].get(pair.on(side) or "") for side in Side)
    if left is None or right is None or pair.truncate or pair.lookup or pair.options:
        return
    for single in way.single:
        source, target = (left, right) if single is Direction.TO_RIGHT else (right, left)
        if _is_longer(source, target):
            yield Problem(
                where,
                f'"{source.name}" holds {source.length} characters and "{target.name}" {target.length}: '
                "longer values fail until they are shortened. Write truncate: true to cut them.",
            )


def _is_longer(source: Field, target: Field) -> bool:
    """A length that nobody declared is no news: SQLite and many PostgreSQL tables declare none."""
    lengths = (source.length, target.length)
    if source.type not in TEXTUAL or source.type is FieldType.GUID or None in lengths:
        return False
    return (source.length or 0) > (target.length or 0)
