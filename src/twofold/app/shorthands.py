"""The short forms that people may write, written out in full; it must never judge what they say.

What is not a known short form passes through as it is, and the validation says what is wrong with it.

    key: id                    key: [id]
    depends_on: CURRENCY       depends_on: [CURRENCY]
    match: number              match: [[number]]
    match: [email, name]       match: [[email, name]]        one group, all of it must be equal
    lookup: CURRENCY           lookup: {mapping: CURRENCY}
    filter: {statecode: 0}     filter: {statecode: "0"}
    transform: trim            transform: [trim]
    transform: [trim]          transform: {to_right: [trim], to_left: [trim]}, each way that the pair goes
    {substring: {start: 4}}    a rule with parameters
    schedule: 30m              schedule: {every: 30m}
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from twofold.app.yaml_source import Document
from twofold.core.mapping import (
    FieldMapping,
    Lookup,
    Schedule,
    TableMapping,
    TableSide,
    Template,
    Templates,
    Transform,
)
from twofold.core.pair_rules import Path

WAYS = ("to_right", "to_left")


def write_out(name: str, data: Any, document: Document, where: Path) -> Any:
    """The mapping called `name` without short forms; `document` learns where its parts went."""
    if not isinstance(data, dict):
        return data
    mapping = _given(data, TableMapping)
    for side in ("left", "right"):
        _apply(mapping, side, _side, document, (*where, side))
    _apply(mapping, "depends_on", _listed, document, (*where, "depends_on"))
    _apply(mapping, "match", _groups, document, (*where, "match"))
    _apply(mapping, "schedule", _schedule, document, (*where, "schedule"))
    _apply(mapping, "templates", _templates, document, (*where, "templates"))
    _apply(mapping, "fields", _pairs, document, (*where, "fields"))
    mapping.setdefault("fields", [])
    return {"name": name, **mapping}


def _given(data: dict[str, Any], part: type) -> dict[str, Any]:
    """A key with nothing after it says nothing; one that is none of `part` stays, to be refused as such."""
    known = {field.name for field in fields(part)}
    return {key: value for key, value in data.items() if value is not None or key not in known}


def _apply(data: dict[str, Any], key: str, rewrite: Any, document: Document, where: Path) -> None:
    if key in data:
        data[key] = rewrite(data[key], document, where)


def _listed(value: Any, document: Document, where: Path) -> Any:
    if isinstance(value, list | dict):
        return value
    document.relocate(where, (*where, 0))
    return [value]


def _side(value: Any, document: Document, where: Path) -> Any:
    if not isinstance(value, dict):
        return value
    side = _given(value, TableSide)
    _apply(side, "key", _listed, document, (*where, "key"))
    _apply(side, "filter", _expressions, document, (*where, "filter"))
    return side


def _expressions(value: Any, document: Document, where: Path) -> Any:
    """Filters are texts; a number or true is taken as it was written."""
    if not isinstance(value, dict):
        return value
    plain = (int, float, type(None))
    return {k: document.texts[*where, k] if isinstance(v, plain) else v for k, v in value.items()}


def _groups(value: Any, document: Document, where: Path) -> Any:
    names = _listed(value, document, where)
    if not isinstance(names, list) or not names or any(isinstance(name, list) for name in names):
        return names
    for number in range(len(names)):
        document.relocate((*where, number), (*where, 0, number))
    return [names]


def _schedule(value: Any, document: Document, where: Path) -> Any:
    if isinstance(value, dict):
        return _given(value, Schedule)
    document.relocate(where, (*where, "every"))
    return {"every": value}


def _templates(value: Any, document: Document, where: Path) -> Any:
    if not isinstance(value, dict):
        return value
    given = _given(value, Templates)
    return {side: _template_list(items, document, (*where, side)) for side, items in given.items()}


def _template_list(value: Any, document: Document, where: Path) -> Any:
    if not isinstance(value, list):
        return value
    items = [_given(item, Template) if isinstance(item, dict) else item for item in value]
    for number, item in enumerate(items):
        if isinstance(item, dict):
            _apply(item, "when", _expressions, document, (*where, number, "when"))
    return items


# -- fields ------------------------------------------------------------------------------------------------


def _pairs(value: Any, document: Document, where: Path) -> Any:
    if not isinstance(value, list):
        return value
    return [_pair(item, document, (*where, number)) for number, item in enumerate(value)]


def _pair(value: Any, document: Document, where: Path) -> Any:
    if not isinstance(value, dict):
        return value
    pair = _given(value, FieldMapping)
    _apply(pair, "lookup", _lookup, document, (*where, "lookup"))
    if "transform" in pair:
        pair["transform"] = _transform(pair, document, (*where, "transform"))
    return pair


def _lookup(value: Any, document: Document, where: Path) -> Any:
    if isinstance(value, dict):
        return _given(value, Lookup)
    document.relocate(where, (*where, "mapping"))
    return {"mapping": value}


def _transform(pair: dict[str, Any], document: Document, where: Path) -> Any:
    value = pair["transform"]
    if isinstance(value, dict) and not _is_rule(value):
        given = _given(value, Transform)
        return {way: _chain(chain, document, (*where, way)) for way, chain in given.items()}
    chain = _chain(value, document, where)
    ways = _ways(pair)
    for way in ways:
        document.relocate(where, (*where, way))
    return dict.fromkeys(ways, chain)


def _ways(pair: dict[str, Any]) -> tuple[str, ...]:
    """The ways that this pair goes by itself."""
    if "left" not in pair:
        return ("to_right",)
    if "right" not in pair:
        return ("to_left",)
    return (pair["direction"],) if pair.get("direction") in WAYS else WAYS


def _is_rule(value: dict[str, Any]) -> bool:
    return (
        len(value) == 1
        and not any(way in value for way in WAYS)
        and not isinstance(next(iter(value.values())), list)
    )


def _chain(value: Any, document: Document, where: Path) -> Any:
    rules = value if isinstance(value, list) else [value]
    if rules is not value:
        document.relocate(where, (*where, 0))
    return [_rule(rule) for rule in rules]


def _rule(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1:
        ((name, parameters),) = value.items()
        return {"name": name, "parameters": {} if parameters is None else parameters}
    return value
