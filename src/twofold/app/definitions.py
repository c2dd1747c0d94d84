"""Table mappings as plain data and back, in the words of the configuration file; it must never read a file.

The state database keeps these definitions, and `export` writes them. They hold only what differs from the
defaults, always in the same order, so equal mappings have equal definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any

from twofold.app.validation import validate
from twofold.app.yaml_source import Document
from twofold.core.mapping import Rule, TableMapping
from twofold.errors import StoreBroken


def definition(mapping: TableMapping) -> dict[str, Any]:
    """The mapping as JSON-able data; `name` comes first."""
    return {"name": mapping.name, **body(mapping)}


def body(mapping: TableMapping) -> dict[str, Any]:
    """The mapping as it stands below its name in the configuration file."""
    return _nameless(mapping, _differs)


def complete(mapping: TableMapping) -> dict[str, Any]:
    """The same with the defaults written out, so that a change from or to a default shows both values."""
    return _nameless(mapping, _says)


def _nameless(mapping: TableMapping, keep: Keep) -> dict[str, Any]:
    found: dict[str, Any] = _plain(mapping, keep)
    del found["name"]
    return found


def from_definition(data: Mapping[str, Any]) -> TableMapping:
    """The mapping of a stored definition; raises `StoreBroken` for what no `definition` gave."""
    name = str(data.get("name", ""))
    rest = {key: value for key, value in data.items() if key != "name"}
    mapping, problems = validate(name, rest, _texts(rest), ())
    if mapping is None:
        sentences = " ".join(problem.sentence for problem in problems)
        raise StoreBroken(
            f'The stored mapping "{name}" cannot be read: {sentences} Apply the configuration again.'
        )
    return mapping


def _texts(data: Any) -> Document:
    """A document that knows the texts of plain data, as if it had been read."""
    document = Document(data)
    _note(data, (), document)
    return document


def _note(value: Any, where: tuple[str | int, ...], document: Document) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _note(item, (*where, key), document)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _note(item, (*where, number), document)
    else:
        document.texts[where] = "" if value is None else str(value)


Keep = Callable[[Any, Field[Any]], bool]
"""Whether a field of a dataclass is worth writing."""


def _plain(value: Any, keep: Keep) -> Any:
    if isinstance(value, Rule):
        return {value.name: dict(value.parameters)} if value.parameters else value.name
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name), keep) for f in fields(value) if keep(value, f)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item, keep) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item, keep) for item in value]
    return value


def _differs(value: Any, field: Field[Any]) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(getattr(value, field.name) != default)


def _says(value: Any, field: Field[Any]) -> bool:
    return getattr(value, field.name) not in (None, ())
