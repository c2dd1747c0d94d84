"""Everything that can be wrong with a table mapping by itself, all at once; it must never stop at the first.

The front of all checks of a configuration: `check_mapping` (one mapping), `check_mappings` and `order` (how
they hang together), `check_schemas` and `warn_schemas` (held against the tables).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from twofold.core.dependencies import Need, check_mappings, needs_of, order
from twofold.core.filter_grammar import parse_filter
from twofold.core.mapping import FieldMapping, Problem, TableMapping, TableSide, Template
from twofold.core.names import Direction, FeedKind, Side, closest
from twofold.core.pair_rules import Path, check_pair
from twofold.core.periods import parse_period
from twofold.core.schema import Field, FieldType
from twofold.core.schema_rules import check_schemas
from twofold.core.schema_warnings import warn_schemas

__all__ = ["Need", "check_mapping", "check_mappings", "check_schemas", "needs_of", "order", "warn_schemas"]

NAME_LENGTH = 100

Check = Callable[[TableMapping, Path], Iterator[Problem]]


def check_mapping(mapping: TableMapping) -> list[Problem]:
    """Everything wrong with one mapping as far as it can be seen without its tables."""
    where = ("mappings", mapping.name)
    checks: tuple[Check, ...] = (
        _check_name,
        _check_sides,
        _check_pairs,
        _check_directions,
        _check_targets,
        _check_match,
        _check_templates,
        _check_schedule,
    )
    return [problem for check in checks for problem in check(mapping, where)]


def _check_name(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    name = mapping.name
    if not name or name != name.strip() or name.startswith("-") or not name.isprintable():
        yield Problem(where, f'"{name}" cannot name a mapping: write a word such as CUSTOMER.')
    elif len(name) > NAME_LENGTH:
        yield Problem(
            where, f"The name of a mapping has at most {NAME_LENGTH} characters, this one has {len(name)}."
        )


# -- sides -------------------------------------------------------------------------------------------------


def _check_sides(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    for side in Side:
        table = mapping.on(side)
        yield from _check_side(table, (*where, str(side)))
        yield from _check_feed(mapping, table, (*where, str(side)))
    if (mapping.left.connection, mapping.left.table) == (mapping.right.connection, mapping.right.table):
        sentence = f"Left and right are the same table, {mapping.left.table}: name another table on one side."
        yield Problem((*where, "right", "table"), sentence)


def _check_side(table: TableSide, where: Path) -> Iterator[Problem]:
    for key in ("connection", "table"):
        if not getattr(table, key).strip():
            yield Problem((*where, key), f"The {key} has no name: write {key}: NAME.")
    if not all(table.key):
        yield Problem((*where, "key"), "The key names a field without a name: write key: FIELD.")
    for name in dict.fromkeys(name for name in table.key if table.key.count(name) > 1):
        yield Problem((*where, "key"), f'The key names "{name}" twice: name it once.')
    yield from check_filter(table.filter, (*where, "filter"))


def _check_feed(mapping: TableMapping, table: TableSide, where: Path) -> Iterator[Problem]:
    feed, place = (table.feed, (*where, "feed")) if table.feed else (mapping.feed, (*where[:-1], "feed"))
    side = where[-1]
    for kind, key in ((FeedKind.MODIFIED, "modified"), (FeedKind.ROW_VERSION, "row_version")):
        if feed is kind and getattr(table, key) is None:
            sentence = f"feed is {kind}, but the {side} names no such field: add {key}: FIELD to the {side}."
            yield Problem(place, sentence)
    if feed is None and table.modified is not None and table.row_version is not None:
        sentence = f"The {side} has both modified and row_version: add feed: modified or feed: row_version."
        yield Problem((*where, "row_version"), sentence)


def check_filter(filters: Mapping[str, str], where: Path) -> Iterator[Problem]:
    """What is wrong with the expressions of a filter whatever the types of its fields."""
    for name, expression in filters.items():
        place = (*where, name)
        if not name.strip():
            yield Problem(place, "A filter names no field: write FIELD: EXPRESSION.")
        elif not expression.strip():
            sentence = f'The filter on "{name}" is empty: write "\'\'" for a blank field, or remove it.'
            yield Problem(place, sentence)
        else:
            yield from _check_expression(name, expression, place)


def _check_expression(name: str, expression: str, where: Path) -> Iterator[Problem]:
    try:
        parse_filter(Field(name, FieldType.TEXT), expression)
    except ValueError as error:
        yield Problem(where, str(error))


# -- fields ------------------------------------------------------------------------------------------------


def _check_pairs(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    if not mapping.fields:
        yield Problem((*where, "fields"), "The mapping has no fields: add - {left: FIELD, right: FIELD}.")
    for number, pair in enumerate(mapping.fields):
        yield from check_pair(pair, mapping.direction, (*where, "fields", number))


def _check_directions(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    written = {side for _, way in mapping.active() for side in Side if way.writes(side)}
    if mapping.fields and not any(pair.enabled for pair in mapping.fields):
        yield Problem((*where, "fields"), "No field is enabled: write enabled: true for at least one.")
        return
    for side in Side:
        if written and mapping.direction.writes(side) and side not in written:
            rest = "to_left" if side is Side.RIGHT else "to_right"
            yield Problem(
                (*where, "direction"),
                f"direction is {mapping.direction}, but no enabled field goes to the {side}: "
                f"write direction: {rest}, or let a field go to_{side}.",
            )


def _check_targets(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    first: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(mapping.fields):
        for what, name in _claims(pair, mapping.direction):
            earlier = first.setdefault((what, name), number)
            if earlier != number:
                yield Problem((*where, "fields", number), _twice(what, name, earlier + 1, number + 1))
                break


def _claims(pair: FieldMapping, mapping: Direction) -> Iterator[tuple[str, str]]:
    """What only one enabled pair may have: itself (its slot hangs on it), then each field it writes."""
    way = pair.travels(mapping) if pair.enabled else None
    if way is None:
        return
    if pair.left and pair.right:
        yield "pair", pair.identity
    for side in Side:
        name = pair.on(side)
        if name and way.writes(side):
            yield str(side), name


def _twice(what: str, name: str, earlier: int, later: int) -> str:
    if what == "pair":
        left, _, right = name.partition(">")
        return (
            f'"{left}" and "{right}" are paired twice, by fields {earlier} and {later}: keep one, with '
            "direction: both and transform: {to_right: [...], to_left: [...]} if the ways differ."
        )
    twice = f"written twice, by fields {earlier} and {later}"
    return f'"{name}" on the {what} is {twice}: remove or disable one of them.'


def _check_match(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    known = [pair.left for pair, _ in mapping.active() if pair.left and pair.right]
    for number, group in enumerate(mapping.match):
        if not group:
            yield Problem(
                (*where, "match", number), "A match group is empty: name left fields in it, or remove it."
            )
        for position, name in enumerate(group):
            if name not in known:
                yield Problem(
                    (*where, "match", number, position),
                    f'match names "{name}", which is not the left field of an enabled pair of fields.'
                    f"{closest(name, known)} Pair it under fields, or remove it.",
                )


# -- templates and schedule ----------------------------------------------------------------------------------


def _check_templates(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    for side in Side:
        templates = mapping.templates.on(side)
        place = (*where, "templates", str(side))
        if templates and not mapping.direction.writes(side):
            sentence = (
                f"The mapping goes {mapping.direction} and never creates records on the {side}: remove these."
            )
            yield Problem(place, sentence)
        yield from _check_order(templates, place)
        for number, template in enumerate(templates):
            if not template.set:
                sentence = "The template sets nothing: add set: {FIELD: VALUE}, or remove it."
                yield Problem((*place, number), sentence)
            yield from check_filter(template.when, (*place, number, "when"))


def _check_order(templates: tuple[Template, ...], where: Path) -> Iterator[Problem]:
    always = next((number for number, template in enumerate(templates) if not template.when), None)
    if always is not None and always + 1 < len(templates):
        yield Problem(
            (*where, always),
            f"Template {always + 1} has no when and always applies, so those after it never do: "
            "move it to the end.",
        )


def _check_schedule(mapping: TableMapping, where: Path) -> Iterator[Problem]:
    if mapping.schedule is None:
        return
    for key in ("every", "inactivity_timeout"):
        text = getattr(mapping.schedule, key)
        if text is not None:
            yield from _check_period(text, (*where, "schedule", key))


def _check_period(text: str, where: Path) -> Iterator[Problem]:
    try:
        parse_period(text)
    except ValueError as error:
        yield Problem(where, str(error))
