"""What `apply` would change, line by line; it must never show a secret.

Two configurations are compared as they mean, not as they are written: comments and short forms do not count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from twofold.app.definitions import complete
from twofold.app.secrets import redacted
from twofold.app.settings import Configuration
from twofold.core.mapping import FieldMapping, TableMapping
from twofold.core.pair_rules import Path

_MISSING = object()
_LOOKS_OTHERWISE = re.compile(r"|[-+]?[\d.]+|true|false|null")


class ChangeKind(StrEnum):
    """What happened to a part of the configuration."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


_SIGNS = {ChangeKind.ADDED: "+", ChangeKind.CHANGED: "~", ChangeKind.REMOVED: "-"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its path in the configuration, and what was there and what will be, to be shown."""

    kind: ChangeKind
    where: Path
    old: str | None = None
    new: str | None = None

    def __str__(self) -> str:
        return f"{_SIGNS[self.kind]} {_title(self.where)}{_detail(self)}"


def difference(old: Configuration | None, new: Configuration) -> list[Change]:
    """Every difference from `old` to `new`: connections, then mappings, each in the order of the files."""
    before = old or Configuration()
    return [
        *_connections(before.connections, new.connections),
        *_mappings(before.mappings, new.mappings),
        *_order(before, new),
    ]


def _connections(old: Mapping[str, dict[str, Any]], new: Mapping[str, dict[str, Any]]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        where = ("connections", name)
        if name not in new:
            yield Change(ChangeKind.REMOVED, where)
        elif name not in old:
            yield Change(ChangeKind.ADDED, where, None, str(new[name].get("kind", "")))
        else:
            shown = redacted(old[name]), redacted(new[name])
            yield from _values(where, (old[name], new[name]), shown)


def _values(where: Path, values: tuple[Any, Any], shown: tuple[Any, Any]) -> Iterator[Change]:
    """The differences of two values; `shown` are the same values as they may be shown."""
    old, new = values
    if _same(old, new):
        return
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield _change(where, values, shown)
        return
    for key in dict.fromkeys([*old, *new]):
        inner = old.get(key, _MISSING), new.get(key, _MISSING)
        yield from _values((*where, key), inner, (shown[0].get(key), shown[1].get(key)))


def _same(old: Any, new: Any) -> bool:
    """True is not 1 here, though Python says so."""
    return old is new or (_MISSING not in (old, new) and json.dumps(old) == json.dumps(new))


def _change(where: Path, values: tuple[Any, Any], shown: tuple[Any, Any]) -> Change:
    old, new = (None if v is _MISSING else _text(s) for v, s in zip(values, shown, strict=True))
    if old is None:
        return Change(ChangeKind.ADDED, where, None, new)
    if new is None:
        return Change(ChangeKind.REMOVED, where, old, None)
    return Change(ChangeKind.CHANGED, where, old, new)


def _text(value: Any) -> str:
    """Texts as they are, unless they would look like something else."""
    bare = isinstance(value, str) and _LOOKS_OTHERWISE.fullmatch(value) is None
    return value if bare else json.dumps(value, ensure_ascii=False)


# -- mappings ----------------------------------------------------------------------------------------------


def _mappings(old: Mapping[str, TableMapping], new: Mapping[str, TableMapping]) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        where = ("mappings", name)
        if name not in new:
            yield Change(ChangeKind.REMOVED, where)
        elif name not in old:
            yield Change(ChangeKind.ADDED, where, None, _summary(new[name]))
        else:
            yield from _mapping(old[name], new[name], where)


def _summary(mapping: TableMapping) -> str:
    count = len(mapping.fields)
    return f"{mapping.left.table} and {mapping.right.table}, {count} field{'' if count == 1 else 's'}"


def _mapping(old: TableMapping, new: TableMapping, where: Path) -> Iterator[Change]:
    bodies = {"old": complete(old), "new": complete(new)}
    fields = [
        dict(_named(mapping, bodies[which].pop("fields"))) for which, mapping in (("old", old), ("new", new))
    ]
    pair = (bodies["old"], bodies["new"])
    yield from _values(where, pair, pair)
    for identity in dict.fromkeys([*fields[0], *fields[1]]):
        inner = fields[0].get(identity, _MISSING), fields[1].get(identity, _MISSING)
        place = (*where, "fields", identity)
        if inner[0] is _MISSING or inner[1] is _MISSING:
            kind = ChangeKind.ADDED if inner[0] is _MISSING else ChangeKind.REMOVED
            yield Change(kind, place)
        else:
            yield from _values(place, inner, inner)


def _named(mapping: TableMapping, items: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pairs by what they pair; disabled alternatives of one pair are told apart by number."""
    seen: dict[str, int] = {}
    for pair, item in zip(mapping.fields, items, strict=True):
        name = _pair_name(pair)
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})", item


def _pair_name(pair: FieldMapping) -> str:
    return " > ".join(name for name in (pair.left, pair.right) if name)


def _order(old: Configuration, new: Configuration) -> Iterator[Change]:
    before = [name for name in old.mappings if name in new.mappings]
    after = [name for name in new.mappings if name in old.mappings]
    if before != after:
        yield Change(ChangeKind.CHANGED, ("mappings",), ", ".join(before), ", ".join(after))


# -- words -------------------------------------------------------------------------------------------------


def _title(where: Path) -> str:
    section = str(where[0]).removesuffix("s")
    if len(where) == 1:
        return f"order of {where[0]}"
    words = [f"{section} {where[1]}"]
    rest = list(where[2:])
    if section == "mapping" and len(rest) > 1 and rest[0] == "fields":
        words.append(f"field {rest[1]}")
        rest = rest[2:]
    if rest:
        words.append(".".join(str(step) for step in rest))
    return ", ".join(words)


def _detail(change: Change) -> str:
    if change.kind is ChangeKind.CHANGED:
        hidden = change.old == change.new
        return ": changed (not shown)" if hidden else f": {change.old} -> {change.new}"
    value = change.new if change.kind is ChangeKind.ADDED else change.old
    return "" if value is None else f": {value}"
