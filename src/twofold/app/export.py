"""Writes a configuration back into the text a person wrote; it must never lose what the configuration says.

A text that already says it is returned byte for byte. Otherwise only what changed is edited, and comments
stay. What was written is read again; should it not say the same, the configuration is written anew.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from twofold.app.definitions import body, definition
from twofold.app.settings import FILE, SECTIONS, Configuration, load
from twofold.app.yaml_source import cut
from twofold.core.mapping import FieldMapping, Schedule, TableMapping
from twofold.errors import Refused

WIDTH = 4096
"""Wider than any line: what a person wrote on one line stays on one line."""

_BLOCK_KEYS = ("fields", "templates")
_ITEM = re.compile(
    r"^(?P<outer> *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*(?P<inner> *)- ", re.MULTILINE
)
_KEY = re.compile(
    r"^(?:connections|mappings):[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*(?P<inner> +)[^\s#]",
    re.MULTILINE,
)


def dump(configuration: Configuration, original: str | None = None) -> str:
    """The text of the configuration, edited into `original` (or the text it was read from)."""
    text = configuration.text if original is None else original
    known = _reading(text, configuration)
    if known is None:
        return _anew(configuration)
    if _meaning(known) == _meaning(configuration):
        return text
    kept, known = _without_removed(text, known, configuration)
    edited = _edited(kept, known, configuration)
    again = _reading(edited, configuration)
    return edited if again and _meaning(again) == _meaning(configuration) else _anew(configuration)


def _reading(text: str, stored: Configuration) -> Configuration | None:
    try:
        return load(text, FILE, stored)
    except Refused:
        return None


def _without_removed(text: str, old: Configuration, new: Configuration) -> tuple[str, Configuration]:
    """Mappings that go are cut out line by line: the writer would take the remarks on what follows along."""
    going = [name for name in old.mappings if name not in new.mappings]
    if not going or old.document is None:
        return text, old
    shorter = text
    for name in reversed(going):
        shorter = cut(shorter, old.document, ("mappings", name))
    read = _reading(shorter, _both(old, new))
    fits = read is not None and [*read.mappings] == [name for name in old.mappings if name not in going]
    return (shorter, read) if read is not None and fits else (text, old)


def _both(old: Configuration, new: Configuration) -> Configuration:
    return Configuration(old.connections | new.connections, old.mappings | new.mappings)


def _meaning(configuration: Configuration) -> str:
    definitions = [definition(mapping) for mapping in configuration.mappings.values()]
    return json.dumps([configuration.connections, definitions], sort_keys=True)


def _yaml(text: str) -> YAML:
    """A writer that indents as `text` does."""
    item, key = _ITEM.search(text), _KEY.search(text)
    offset = len(item["inner"]) - len(item["outer"]) if item else 2
    writer = YAML(typ="rt", pure=True)
    writer.indent(mapping=len(key["inner"]) if key else 2, sequence=offset + 2, offset=offset)
    writer.preserve_quotes = True
    writer.width = WIDTH
    return writer


def _written(writer: YAML, data: Any) -> str:
    stream = io.StringIO()
    writer.dump(data, stream)
    return stream.getvalue()


# -- editing -----------------------------------------------------------------------------------------------


def _edited(text: str, old: Configuration, new: Configuration) -> str:
    writer = _yaml(text)
    data = writer.load(text)
    for section in SECTIONS:
        if not isinstance(data.get(section), CommentedMap) and getattr(new, section):
            data[section] = CommentedMap()
    if new.connections or old.connections:
        _edit(data["connections"], old.connections, new.connections)
    if new.mappings or old.mappings:
        _edit_mappings(data["mappings"], old.mappings, new.mappings)
    return _written(writer, data)


def _edit(node: CommentedMap, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Make `node`, which says `old`, say `new`."""
    for key in [key for key in old if key not in new]:
        node.pop(key, None)
    for key, value in new.items():
        if key not in old or _differ(old[key], value):
            _put(node, key, old.get(key), value)


def _differ(old: Any, new: Any) -> bool:
    return json.dumps(old) != json.dumps(new)


def _put(node: CommentedMap, key: str, old: Any, new: Any) -> None:
    inner = node.get(key)
    plain = isinstance(inner, CommentedMap) and all(isinstance(k, str) for k in inner)
    if plain and isinstance(old, Mapping) and isinstance(new, Mapping) and set(inner) <= set(old):
        _edit(inner, old, new)
    else:
        node[key] = _node(key, new)


def _edit_mappings(
    node: CommentedMap, old: Mapping[str, TableMapping], new: Mapping[str, TableMapping]
) -> None:
    for name in [name for name in old if name not in new]:
        del node[name]
    for name, mapping in new.items():
        if name not in old:
            node[name] = _mapping_node(body(mapping))
        else:
            _edit_mapping(node[name], old[name], mapping)
    if list(node) != list(new):
        for name in new:
            node.move_to_end(name)


def _edit_mapping(node: CommentedMap, old: TableMapping, new: TableMapping) -> None:
    before, after = body(old), body(new)
    fields = before.pop("fields"), after.pop("fields")
    _edit(node, before, after)
    if _differ(*fields):
        _edit_fields(node["fields"], (old.fields, fields[0]), (new.fields, fields[1]))


Fields = tuple[Sequence[FieldMapping], Sequence[dict[str, Any]]]
"""Field mappings and, in the same order, what is written of each."""


def _edit_fields(node: CommentedSeq, old: Fields, new: Fields) -> None:
    """Pairs that stay keep their writing and their comments, wherever they move to."""
    places = {name: number for number, name in enumerate(_names(old[0]))}
    items, comments = list(node), dict(node.ca.items)
    kept: dict[int, Any] = {}
    result = []
    for number, (name, data) in enumerate(zip(_names(new[0]), new[1], strict=True)):
        place = places.get(name)
        if place is None:
            result.append(_flow(data))
            continue
        _edit(items[place], old[1][place], data)
        result.append(items[place])
        if place in comments:
            kept[number] = comments[place]
    last = len(items) - 1
    if last in comments and comments[last] not in kept.values():
        kept.setdefault(len(result) - 1, _below(comments[last]))
    _refill(node, result, kept)


def _below(comment: Any) -> Any:
    """What stands below a list hangs on its last item; when that goes, only its own remark goes with it."""
    for token in comment:
        if token is not None and not isinstance(token, list):
            token.value = token.value[token.value.find("\n") :]
    return comment


def _refill(node: CommentedSeq, items: list[Any], comments: dict[int, Any]) -> None:
    while len(node):
        del node[-1]
    for item in items:
        node.append(item)
    node.ca.items.clear()
    node.ca.items.update(comments)


def _names(pairs: Sequence[FieldMapping]) -> list[str]:
    """What tells pairs apart: what they pair, and which of several such it is."""
    seen: dict[str, int] = {}
    names = []
    for pair in pairs:
        seen[pair.identity] = seen.get(pair.identity, 0) + 1
        names.append(f"{pair.identity} {seen[pair.identity]}")
    return names


# -- new parts ---------------------------------------------------------------------------------------------


def _anew(configuration: Configuration) -> str:
    data = CommentedMap()
    if configuration.connections:
        data["connections"] = CommentedMap((k, _node(k, v)) for k, v in configuration.connections.items())
    if configuration.mappings:
        mappings = configuration.mappings.items()
        data["mappings"] = CommentedMap((name, _mapping_node(body(mapping))) for name, mapping in mappings)
    return _written(_yaml(""), data) if data else "connections: {}\nmappings: {}\n"


def _mapping_node(data: Mapping[str, Any]) -> CommentedMap:
    return CommentedMap((key, _node(key, value)) for key, value in data.items())


def _node(key: str, value: Any) -> Any:
    """A new value: lists of things one a line, everything else on one line."""
    if key == "fields":
        return CommentedSeq(_flow(item) for item in value)
    if key == "templates":
        return CommentedMap(
            (side, CommentedSeq(_flow(item) for item in items)) for side, items in value.items()
        )
    return _flow(_short(key, value))


def _flow(value: Any) -> Any:
    if isinstance(value, Mapping):
        mapping = CommentedMap((key, _flow(_short(key, item))) for key, item in value.items())
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(_flow(item) for item in value)
        sequence.fa.set_flow_style()
        return sequence
    return value


def _short(key: str, value: Any) -> Any:
    """The short form where there is one."""
    if key == "key" and isinstance(value, list) and len(value) == 1:
        return value[0]
    if key == "lookup" and isinstance(value, Mapping) and [*value] == ["mapping"]:
        return value["mapping"]
    if key == "schedule" and not value:
        return {"every": Schedule().every}
    return value
