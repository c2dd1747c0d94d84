"""How mappings hang together: names, circles and the order of running; it must never look inside a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from twofold.core.mapping import Lookup, Problem, TableMapping
from twofold.core.names import Side, closest
from twofold.core.pair_rules import Path

Graph = Mapping[str, Sequence[str]]
"""Each name with the names that come before it."""


@dataclass(frozen=True, slots=True)
class Need:
    """A field of `side` that a lookup of another mapping reads; `where` is that lookup's place."""

    side: Side
    field: str
    where: Path


def check_mappings(
    mappings: Mapping[str, TableMapping], connections: Collection[str], others: Collection[str] = ()
) -> list[Problem]:
    """Unknown connections and mappings, and circles of `depends_on`.

    `others` are names of mappings that exist but are not to be checked; a lookup to one of them is fine.
    """
    names = [*mappings, *others]
    found: list[Problem] = []
    for name, mapping in mappings.items():
        where = ("mappings", name)
        found += _check_connections(mapping, connections, where)
        found += _check_dependencies(mapping, names, where)
        found += _check_lookups(mapping, mappings, names, where)
    return [*found, *_check_circles(mappings)]


def _check_connections(mapping: TableMapping, connections: Collection[str], where: Path) -> Iterator[Problem]:
    for side in Side:
        name = mapping.on(side).connection
        if name and name not in connections:
            known = f" Known: {', '.join(connections)}." if connections else " Add it under connections."
            sentence = f'There is no connection "{name}".{closest(name, connections) or known}'
            yield Problem((*where, str(side), "connection"), sentence)


def _check_dependencies(mapping: TableMapping, names: Sequence[str], where: Path) -> Iterator[Problem]:
    for number, name in enumerate(mapping.depends_on):
        if name not in names:
            yield Problem((*where, "depends_on", number), f"depends_on names {_unknown(name, names)}")


def _unknown(name: str, names: Sequence[str]) -> str:
    hint = closest(name, names) or " Add it under mappings, or remove it here."
    return f'"{name}", which is not a mapping.{hint}'


def _lookups(mapping: TableMapping, where: Path) -> Iterator[tuple[str, Lookup, Path]]:
    for number, pair in enumerate(mapping.fields):
        if pair.lookup is not None:
            yield pair.label, pair.lookup, (*where, "fields", number, "lookup")


def _check_lookups(
    mapping: TableMapping, mappings: Mapping[str, TableMapping], names: Sequence[str], where: Path
) -> Iterator[Problem]:
    for label, lookup, place in _lookups(mapping, where):
        if lookup.mapping not in names:
            yield Problem(
                (*place, "mapping"), f'The lookup of "{label}" names {_unknown(lookup.mapping, names)}'
            )
        elif lookup.mapping in mappings:
            yield from _check_composite(label, lookup, mappings[lookup.mapping], place)


def _check_composite(label: str, lookup: Lookup, other: TableMapping, where: Path) -> Iterator[Problem]:
    for side in Side:
        named = lookup.left if side is Side.LEFT else lookup.right
        if named is None and len(other.on(side).key) > 1:
            yield Problem(
                where,
                f'The lookup of "{label}" cannot hold the key of {other.name} on the {side}, which has '
                f"several fields: name the field it holds, lookup: {{mapping: {other.name}, {side}: FIELD}}.",
            )


def needs_of(mappings: Mapping[str, TableMapping], name: str) -> list[Need]:
    """The fields by which the lookups of all mappings name records of the mapping called `name`."""
    return [
        Need(side, field, (*place, str(side)))
        for owner, mapping in mappings.items()
        for _, lookup, place in _lookups(mapping, ("mappings", owner))
        if lookup.mapping == name
        for side, field in ((Side.LEFT, lookup.left), (Side.RIGHT, lookup.right))
        if field is not None
    ]


# -- circles and order ---------------------------------------------------------------------------------------


def _check_circles(mappings: Mapping[str, TableMapping]) -> Iterator[Problem]:
    graph = {name: [d for d in mapping.depends_on if d in mappings] for name, mapping in mappings.items()}
    told: set[frozenset[str]] = set()
    for name in mappings:
        circle = _path(graph, name, name)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            yield Problem(
                ("mappings", name, "depends_on"),
                f"depends_on runs in a circle: {' -> '.join(circle)}. Remove one of these from depends_on; "
                "a lookup needs no depends_on.",
            )


def _path(graph: Graph, start: str, end: str) -> list[str]:
    """A shortest way along at least one edge from `start` to `end`, both included; empty if there is none."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    for way in ways:
        for following in graph.get(way[-1], ()):
            if following == end:
                return [*way, end]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def order(mappings: Mapping[str, TableMapping]) -> list[str]:
    """The names in the order of running: what a mapping needs comes first, otherwise as in the file.

    `depends_on` always holds. A lookup holds too, unless it is part of a circle: a second pass solves those.
    """
    graph = _running_graph(mappings)
    waiting = list(mappings)
    done: list[str] = []
    while waiting:
        ready = next((name for name in waiting if not set(graph[name]) & set(waiting)), waiting[0])
        waiting.remove(ready)
        done.append(ready)
    return done


def _running_graph(mappings: Mapping[str, TableMapping]) -> Graph:
    whole = {name: [n for n in m.needs() if n in mappings] for name, m in mappings.items()}
    return {
        name: [n for n in needs if n in mappings[name].depends_on or not _path(whole, n, name)]
        for name, needs in whole.items()
    }
