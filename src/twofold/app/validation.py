"""Turns what a person wrote about a mapping into a `TableMapping` or sentences; it must never ask a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from twofold.app.shorthands import write_out
from twofold.app.yaml_source import Document
from twofold.core.mapping import (
    FieldMapping,
    Lookup,
    Problem,
    Rule,
    Schedule,
    TableMapping,
    TableSide,
    Template,
    Templates,
    Transform,
)
from twofold.core.names import closest
from twofold.core.pair_rules import Path

_FORMS: dict[str, str] = {
    "string_type": "write a text",
    "bool_type": "write true or false",
    "tuple_type": "write a list, [A, B]",
    "dict_type": "write KEY: VALUE pairs",
    "mapping_type": "write KEY: VALUE pairs",
    "dataclass_type": "write KEY: VALUE pairs",
    "dataclass_exact_type": "write KEY: VALUE pairs",
}
_SCALAR = "write a text, a number, true or false"

_PARTS: dict[str, tuple[type, str]] = {
    "left": (TableSide, "a side of a mapping"),
    "right": (TableSide, "a side of a mapping"),
    "fields": (FieldMapping, "a field mapping"),
    "lookup": (Lookup, "a lookup"),
    "transform": (Transform, "transform"),
    "templates": (Templates, "templates"),
    "schedule": (Schedule, "a schedule"),
}


@cache
def _adapter() -> TypeAdapter[dict[str, TableMapping]]:
    # The configuration of an adapter reaches the plain dataclasses inside a dict, and none directly.
    return TypeAdapter(dict[str, TableMapping], config=ConfigDict(extra="forbid", strict=True))


def validate(
    name: str, data: Any, document: Document, where: Path
) -> tuple[TableMapping | None, list[Problem]]:
    """The mapping called `name`, or None and everything that keeps it from being one.

    `where` is its place in `document`, which learns where the written-out parts of short forms came from.
    """
    if isinstance(data, dict) and "name" in data:
        data = {key: value for key, value in data.items() if key != "name"}
        return None, [
            *validate(name, data, document, where)[1],
            Problem(
                (*where, "name"),
                f"The name of a mapping is written before its colon, here {name}: remove name.",
            ),
        ]
    full = write_out(name, data, document, where)
    try:
        return _adapter().validate_json(json.dumps({name: full}))[name], []
    except ValidationError as error:
        return None, list(_problems(error, full, where))


def _problems(error: ValidationError, data: Any, where: Path) -> Iterator[Problem]:
    """One problem a place: a value that is none of several types is one mistake, not four."""
    told: set[Path] = set()
    for detail in error.errors(include_url=False):
        path = _place(detail["loc"][1:], data)
        if path not in told:
            told.add(path)
            yield Problem((*where, *path), _sentence(detail, path))


def _place(path: Path, data: Any) -> Path:
    """The part of a place that exists in the data: pydantic adds the names of alternatives it tried."""
    for length, step in enumerate(path):
        if (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int)):
            data = data[step]  # type: ignore[index]
        else:
            return path[: length + 1] if isinstance(data, dict) else path[:length]
    return path


def _sentence(detail: ErrorDetails, path: Path) -> str:
    kind = detail["type"]
    name = str(path[-1]) if path else "The mapping"
    if kind == "unexpected_keyword_argument":
        return _unknown_key(path)
    if kind == "missing":
        return _missing_key(path)
    if kind in ("enum", "literal_error"):
        return _choice(name, detail)
    scalar = path != tuple(detail["loc"][1:])
    return _wrong_form(path, detail["input"], _SCALAR if scalar else _FORMS.get(kind, _SCALAR))


def _part(path: Path) -> tuple[type, str]:
    """The class of the thing at `path`, and how people call it."""
    words = [step for step in path if isinstance(step, str)]
    if not words:
        return TableMapping, "a table mapping"
    if words[0] == "templates" and len(words) > 1:
        return Template, "a template"
    if words[0] == "fields" and words[1:2] == ["transform"] and len(words) > 2:
        return Rule, "a rule"
    return _PARTS[words[1] if words[0] == "fields" and len(words) > 1 else words[0]]


def _keys(part: type) -> list[str]:
    return [field.name for field in fields(part) if field.name != "name" or part is Rule]


def _unknown_key(path: Path) -> str:
    part, called = _part(path[:-1])
    keys = _keys(part)
    hint = closest(str(path[-1]), keys) or f" It takes {', '.join(keys)}."
    return f'"{path[-1]}" is not a key of {called}.{hint}'


def _missing_key(path: Path) -> str:
    if _is_rule(path):
        return "This is not a rule: write its name, or {NAME: {PARAMETER: VALUE}} for one with parameters."
    called = _part(path[:-1])[1]
    return f"{called[0].upper()}{called[1:]} needs {path[-1]}: write {path[-1]}: {_example(str(path[-1]))}."


def _is_rule(path: Path) -> bool:
    return _part(path[:-1])[0] is Rule


def _example(key: str) -> str:
    return {"left": "{connection: NAME, table: NAME}", "right": "{connection: NAME, table: NAME}"}.get(
        key, "{FIELD: VALUE}" if key == "set" else "NAME"
    )


def _choice(name: str, detail: ErrorDetails) -> str:
    words = str(detail["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
    given = detail["input"]
    hint = closest(given, words) if isinstance(given, str) else ""
    return f"{name} is {_shown(given)}; write one of {', '.join(words)}.{hint}"


def _wrong_form(path: Path, given: Any, form: str) -> str:
    if path[-1:] in (("every",), ("inactivity_timeout",)):
        form = "write a number and d, h, m or s, such as 30m"
    elif form == _FORMS["string_type"] and isinstance(given, int | float):
        form = f'write it in quotes, "{_shown(given)}"'
    elif "transform" in path and _is_rule((*path, "")):
        form = "write the name of a rule, or {NAME: {PARAMETER: VALUE}}"
    return f"{_named(path)} is {_shown(given)}: {form}."


def _named(path: Path) -> str:
    """A place in words; the ways of a transform are left out, because a short form does not name them."""
    words = [step for step in path if isinstance(step, str) and step not in ("to_right", "to_left")]
    item = "An item of " if path and isinstance(path[-1], int) else ""
    return f"{item}{words[-1]}" if words else "The mapping"


def _shown(value: Any) -> str:
    if value is None or value in ({}, []):
        return "empty"
    if isinstance(value, dict):
        return "KEY: VALUE pairs"
    if isinstance(value, list):
        return "a list"
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)
