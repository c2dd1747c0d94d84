"""What a mapping says, held against the tables it names; it must never read a table itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from twofold.core.dependencies import Need
from twofold.core.filter_grammar import parse_filter
from twofold.core.fitting import misfit, takes_uuid
from twofold.core.mapping import FieldMapping, Problem, Scalar, TableMapping
from twofold.core.names import Direction, Side
from twofold.core.pair_rules import Path
from twofold.core.schema import TEXTUAL, Field, FieldType, Schema, narrow

SYSTEM_COLUMNS = frozenset({"xmin"})
"""PostgreSQL keeps it in every row and lists it in no table, and it is a fine row version."""

STAMP_TYPES = frozenset({FieldType.DATETIME, FieldType.TEXT})
VERSION_TYPES = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.BINARY})
KEYLESS_TYPES = frozenset({FieldType.BINARY, FieldType.FLOAT, FieldType.JSON})

Schemas = Mapping[Side, Schema]


def check_schemas(
    mapping: TableMapping, left: Schema, right: Schema, needs: Sequence[Need] = ()
) -> list[Problem]:
    """Everything in a mapping that its tables do not allow.

    `needs` are the fields by which other mappings' lookups name records of this one (`needs_of`).
    """
    schemas = {Side.LEFT: left, Side.RIGHT: right}
    where = ("mappings", mapping.name)
    found: list[Problem] = []
    for side, schema in schemas.items():
        found += _check_table(mapping, side, schema, (*where, str(side)))
        found += _check_templates(mapping, side, schemas, (*where, "templates", str(side)))
        found += _check_new_keys(mapping, side, schema, where)
    for number, pair in enumerate(mapping.fields):
        if pair.enabled:
            found += _check_pair(pair, mapping.direction, schemas, (*where, "fields", number))
    return [*found, *_check_needs(needs, schemas)]


def _check_needs(needs: Sequence[Need], schemas: Schemas) -> Iterator[Problem]:
    for need in needs:
        yield from _check_known(schemas[need.side], need.field, need.where)


def _check_known(schema: Schema, name: str, where: Path) -> Iterator[Problem]:
    if schema.get(name) is None:
        yield Problem(where, schema.unknown(name))


# -- tables ------------------------------------------------------------------------------------------------


def _check_table(mapping: TableMapping, side: Side, schema: Schema, where: Path) -> Iterator[Problem]:
    table = mapping.on(side)
    if schema.read_only and any(way.writes(side) for _, way in mapping.active()):
        rest = "to_left" if side is Side.RIGHT else "to_right"
        yield Problem((*where, "table"), f"{schema.table} cannot be written to: write direction: {rest}.")
    yield from _check_key(table.key, schema, (*where, "key") if table.key else where)
    yield from _check_stamp(table.modified, schema, STAMP_TYPES, "a date and time", (*where, "modified"))
    if table.row_version not in SYSTEM_COLUMNS:
        place = (*where, "row_version")
        yield from _check_stamp(table.row_version, schema, VERSION_TYPES, "a growing number", place)
    yield from _check_filter(table.filter, schema, (*where, "filter"))


def _check_key(key: tuple[str, ...], schema: Schema, where: Path) -> Iterator[Problem]:
    if not key and not schema.key:
        yield Problem(
            where, f"{schema.table} declares no key: name the field that tells its records apart, key: FIELD."
        )
    for name in key:
        yield from _check_known(schema, name, where)
    for name in key or schema.key:
        field = schema.get(name)
        if field is not None and field.type in KEYLESS_TYPES:
            yield Problem(
                where, f'"{name}" is {field.type} and cannot be a key: name a text, number or GUID field.'
            )


def _check_stamp(
    name: str | None, schema: Schema, types: frozenset[FieldType], wanted: str, where: Path
) -> Iterator[Problem]:
    field = schema.get(name) if name is not None else None
    if name is not None and field is None:
        yield Problem(where, schema.unknown(name))
    elif field is not None and field.type not in types:
        yield Problem(
            where,
            f'"{name}" of {schema.table} is {field.type}, and {where[-1]} needs {wanted}: '
            f"name another field, or remove {where[-1]}.",
        )


def _check_filter(filters: Mapping[str, str], schema: Schema, where: Path) -> Iterator[Problem]:
    for name, expression in filters.items():
        field = schema.get(name)
        if field is None:
            yield Problem((*where, name), schema.unknown(name))
        else:
            yield from _check_expression(field, expression, (*where, name))


def _check_expression(field: Field, expression: str, where: Path) -> Iterator[Problem]:
    try:
        parse_filter(field, expression)
    except ValueError as error:
        yield Problem(where, str(error))


# -- pairs -------------------------------------------------------------------------------------------------


def _check_pair(pair: FieldMapping, mapping: Direction, schemas: Schemas, where: Path) -> Iterator[Problem]:
    way = pair.travels(mapping)
    if way is None:
        return
    for side, schema in schemas.items():
        own = pair.on(side)
        if own is not None:
            written = way.writes(side) and not schema.read_only
            yield from _check_field(own, schema, (*where, str(side)), written=written)
        for name in pair.combine if side is not pair.combined_into else ():
            if pair.combine and pair.combined_into is not None:
                yield from _check_field(name, schema, (*where, "combine"), written=False)
    yield from _check_values(pair, schemas, where)
    yield from _check_comparison(pair, way, schemas, where)


def _check_field(name: str, schema: Schema, where: Path, *, written: bool) -> Iterator[Problem]:
    field = schema.get(name)
    if field is None:
        yield Problem(where, schema.unknown(name))
    elif field.type is FieldType.BINARY:
        yield Problem(where, f'"{name}" of {schema.table} is binary and cannot be synchronized: remove it.')
    elif written and field.read_only:
        rest = "to_right" if where[-1] == "left" else "to_left"
        sentence = f'"{name}" of {schema.table} cannot be written to: write direction: {rest} on this pair.'
        yield Problem(where, sentence)


def _check_comparison(pair: FieldMapping, way: Direction, schemas: Schemas, where: Path) -> Iterator[Problem]:
    left, right = (schemas[side].get(pair.on(side) or "") for side in Side)
    transformed = all(getattr(pair.transform, single) for single in way.single)
    if left is None or right is None or pair.lookup or pair.options or transformed:
        return
    common = narrow(left, right)
    if isinstance(common, str) and FieldType.BINARY not in (left.type, right.type):
        yield Problem((*where, "right"), common)


def _check_values(pair: FieldMapping, schemas: Schemas, where: Path) -> Iterator[Problem]:
    left, right = (schemas[side].get(pair.on(side) or "") for side in Side)
    target = right or left
    if pair.constant is not None:
        yield from _check_value(
            target, pair.constant, f'The constant "{pair.constant}"', (*where, "constant")
        )
    if pair.combine and target is not None and target.type not in TEXTUAL:
        sentence = f'"{target.name}" is {target.type}, and combine makes a text: name a text field.'
        yield Problem((*where, "combine"), sentence)
    for key, value in pair.options.items():
        place = (*where, "options", key)
        yield from _check_value(left, key, f'The option "{key}"', place)
        yield from _check_value(right, value, f'The option "{key}: {value}"', place)


def _check_value(field: Field | None, value: Scalar, what: str, where: Path) -> Iterator[Problem]:
    reason = misfit(field, value) if field is not None else None
    if reason is not None:
        yield Problem(where, f"{what} does not fit: {reason}.")


def _check_templates(mapping: TableMapping, side: Side, schemas: Schemas, where: Path) -> Iterator[Problem]:
    schema = schemas[side]
    for number, template in enumerate(mapping.templates.on(side)):
        for name, value in template.set.items():
            place = (*where, number, "set", name)
            yield from _check_field(name, schema, place, written=False)
            yield from _check_template_field(schema.get(name), value, place)
        yield from _check_filter(template.when, schemas[side.other], (*where, number, "when"))


def _check_template_field(field: Field | None, value: Scalar, where: Path) -> Iterator[Problem]:
    if field is None or field.type is FieldType.BINARY:
        return
    if field.read_only:
        yield Problem(where, f'"{field.name}" cannot be written to: remove it from the template.')
    yield from _check_value(field, value, f'The template value "{value}"', where)


# -- new records -------------------------------------------------------------------------------------------


def filled_by(mapping: TableMapping, side: Side) -> set[str]:
    """The fields of `side` that some pair writes."""
    pairs = (pair.on(side) for pair, way in mapping.active() if way.writes(side))
    return {name for name in pairs if name is not None}


def _check_new_keys(mapping: TableMapping, side: Side, schema: Schema, where: Path) -> Iterator[Problem]:
    """Mapped, else made by the system, else a UUID if it fits, else `key_from` must say."""
    fields = [schema.get(name) for name in mapping.on(side).key or schema.key]
    known = [field for field in fields if field is not None]
    filled = filled_by(mapping, side)
    if schema.read_only or not filled or len(known) < len(fields):
        return
    missing = [field for field in known if field.name not in filled]
    reason = _key_problem(mapping.key_from, missing, len(known))
    if reason is not None:
        name = list_names([field.name for field in missing])
        yield Problem(
            (*where, "key_from"), f"New records of {schema.table} need a value for the key {name}{reason}"
        )


def list_names(names: Sequence[str]) -> str:
    """Quoted names, for a sentence."""
    return " and ".join(f'"{name}"' for name in names)


def _key_problem(key_from: str | None, missing: Sequence[Field], width: int) -> str | None:
    fits = width == 1 and all(takes_uuid(field) for field in missing)
    if not missing or key_from == "system":
        return None
    if key_from == "mapped":
        return ", and key_from: mapped says that a field mapping fills it: map a field to it."
    if key_from == "uuid":
        return None if fits else ", which cannot hold a UUID: map a field to it, or write key_from: system."
    if fits or all(field.generated for field in missing):
        return None
    return ": map a field to it, or write key_from: system if the system fills it in."
