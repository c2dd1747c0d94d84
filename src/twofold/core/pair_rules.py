"""What one field mapping may say, seen by itself; it must never look at a schema or at another pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from twofold.core.mapping import FieldMapping, Problem, Transform
from twofold.core.names import Direction, LookupMissing
from twofold.core.transforms import check_rule
from twofold.core.values import scalar_text

Path = tuple[str | int, ...]
"""A place in the configuration: keys and positions from the top."""

EXCLUSIONS = (
    ("constant", ("lookup", "options", "transform", "combine")),
    ("lookup", ("options", "transform", "combine")),
    ("options", ("combine",)),
)
"""What cannot be said of the same pair: a constant has no source, and a lookup translates whole keys."""


def check_pair(pair: FieldMapping, mapping: Direction, where: Path) -> list[Problem]:
    """Everything wrong with one pair of a mapping that goes `mapping`."""
    checks = (_check_ends, _check_exclusions, _check_combination, _check_blanks, _check_transform)
    found = [problem for check in checks for problem in check(pair, where)]
    if pair.enabled and not found:
        found += _check_way(pair, mapping, where)
    return [*found, *_check_options(pair, mapping, where)]


def _check_ends(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    ends = [end for end in (pair.left, pair.right) if end]
    if not ends:
        yield Problem(where, "This field mapping names no field: write left: FIELD and right: FIELD.")
    elif len(ends) == 1:
        yield from _check_single(pair, where)
    else:
        yield from _check_double(pair, where)


def _check_single(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    own, missing = ("right", "left") if pair.right else ("left", "right")
    label = pair.right or pair.left
    if pair.constant is None and not pair.combine:
        yield Problem(
            where,
            f'"{label}" on the {own} has nothing to come from: '
            f"add {missing}: FIELD, constant: VALUE or combine: [FIELD, FIELD].",
        )
    elif pair.direction not in (Direction.BOTH, Direction(f"to_{own}")):
        yield Problem(
            (*where, "direction"),
            f'"{label}" is a field of the {own}, so its value goes to_{own}: remove direction.',
        )


def _check_double(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    for key in ("constant", "combine"):
        if has(pair, key):
            yield Problem(
                (*where, key),
                f'"{pair.left}" and "{pair.right}" are both named, and {key} needs just the field that '
                "receives the value: remove the other one.",
            )


def has(pair: FieldMapping, key: str) -> bool:
    """Whether a pair says anything under `key`."""
    match key:
        case "constant":
            return pair.constant is not None
        case "lookup":
            return pair.lookup is not None
        case "transform":
            return pair.transform != Transform()
        case _:
            return bool(getattr(pair, key))


def _check_exclusions(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    for key, others in EXCLUSIONS:
        for other in others:
            if has(pair, key) and has(pair, other):
                yield Problem(
                    (*where, other),
                    f'"{pair.label}" has both {key} and {other}, which exclude each other: remove one.',
                )


def _check_combination(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    if len(pair.combine) == 1:
        sentence = f'"{pair.label}" combines a single field: write it as left or right instead of combine.'
        yield Problem((*where, "combine"), sentence)
    if not all(pair.combine):
        yield Problem((*where, "combine"), f'"{pair.label}" combines a field without a name: write its name.')
    if pair.join != " " and not pair.combine:
        sentence = (
            f'"{pair.label}" has join but nothing to join: add combine: [FIELD, FIELD], or remove join.'
        )
        yield Problem((*where, "join"), sentence)


def _check_blanks(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    clear = "clear_value_on_failed_sync" if pair.clear_value_on_failed_sync else "lookup_missing"
    asked = pair.clear_value_on_failed_sync or pair.lookup_missing is not LookupMissing.FAIL
    if asked and pair.lookup is None:
        yield Problem(
            (*where, clear), f'"{pair.label}" has {clear} but no lookup: add lookup: MAPPING, or remove it.'
        )
    if pair.clear_value_on_failed_sync and pair.lookup_missing is LookupMissing.SYNCHRONIZE:
        yield Problem(
            (*where, "lookup_missing"),
            f'"{pair.label}" has lookup_missing: synchronize and clear_value_on_failed_sync, which ask for '
            "different things: keep one of them.",
        )
    if pair.not_null and pair.clears:
        yield Problem(
            (*where, "not_null"),
            f'"{pair.label}" must keep its value (not_null) and lose it ({clear}): keep one of them.',
        )


def _check_transform(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    own = pair.travels(Direction.BOTH)
    for way in Direction.BOTH.single:
        chain = getattr(pair.transform, way)
        place = (*where, "transform", str(way))
        if chain and own not in (Direction.BOTH, way):
            yield Problem(place, f'"{pair.label}" goes {own}, so its rules for {way} never run: remove them.')
        for number, rule in enumerate(chain):
            for sentence in check_rule(rule):
                yield Problem((*place, number), f'"{pair.label}": {sentence}')


def _check_options(pair: FieldMapping, mapping: Direction, where: Path) -> Iterator[Problem]:
    place = (*where, "options")
    for key, value in pair.options.items():
        if value is None:
            sentence = f"\"{pair.label}\" gives the option {key} no value: write one, or '' for a blank."
            yield Problem((*place, key), sentence)
    if pair.enabled and pair.travels(mapping) is Direction.BOTH:
        yield from _check_inverse(pair, place)


def _check_inverse(pair: FieldMapping, where: Path) -> Iterator[Problem]:
    for value, count in Counter(map(scalar_text, pair.options.values())).items():
        if count > 1:
            keys = [key for key, other in pair.options.items() if scalar_text(other) == value]
            yield Problem(
                where,
                f'"{pair.label}" also travels to the left, where {value or "a blank"} could mean '
                f"{_either(keys)}: give each its own value, or write direction: to_right.",
            )


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _check_way(pair: FieldMapping, mapping: Direction, where: Path) -> Iterator[Problem]:
    if pair.travels(mapping) is None:
        own = pair.travels(Direction.BOTH)
        yield Problem(
            (*where, "direction"),
            f'"{pair.label}" goes {own}, but the mapping goes {mapping}: '
            "change one of them, or write enabled: false.",
        )
