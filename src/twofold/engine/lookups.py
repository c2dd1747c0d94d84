"""Answers the lookups of a batch of pairs through the couplings of other mappings, in a few batched reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import NAMESPACE_OID, uuid5

import polars as pl

from twofold.core import values
from twofold.core.classify import SHORT
from twofold.core.filters import Within
from twofold.core.frames import KEY
from twofold.core.keys import part_text
from twofold.core.layout import Line
from twofold.core.mapping import Lookup
from twofold.core.names import TO, Direction, Side
from twofold.core.schema import Field, FieldType
from twofold.core.translation import Found, Lookups
from twofold.engine.task import Endpoint, Neighbour, Task
from twofold.ports import chunks


def resolve(task: Task, pairs: pl.DataFrame) -> Lookups:
    """The answers to every lookup of `pairs`, a frame with the canonical values (`classify.with_values`)."""
    found: dict[tuple[int, Direction], Found] = {}
    for line in task.layout.lines:
        if line.pair.lookup is None:
            continue
        for target in Side:
            if line.writes(target):
                asked = asked_values(pairs, line, target.other)
                found[line.number, TO[target]] = answer(task, line.pair.lookup, line, asked, target)
    return Lookups(found)


def asked_values(pairs: pl.DataFrame, line: Line, source: Side) -> list[str]:
    """The distinct values of a lookup field on the source side, as text."""
    column = f"{SHORT[source]}{line.number}"
    own = line.field(source)
    text = pl.col(column) if isinstance(own.dtype, pl.String) else values.to_text(pl.col(column), own)
    found: list[str] = pairs.select(text.alias("text")).to_series().drop_nulls().unique().to_list()
    return [value for value in found if value]


def answer(task: Task, lookup: Lookup, line: Line, asked: Sequence[str], target: Side) -> Found:
    """What each asked value is on the target side; values that are not coupled are left out."""
    neighbour = task.neighbours[lookup.mapping]
    keys = _keys_of(neighbour, lookup, asked, target.other)
    partner = _partners(task, neighbour, keys, target, line.field(target))
    there = _values_of(neighbour, lookup, partner, target)
    if task.plan is not None:
        # A record that this plan inserts is not there yet, and its value will be.
        there = {key: _stand_in(line.field(target), key) for key in partner.values()} | there
    pairs = [(value, there[partner[key]]) for value, key in keys.items() if partner.get(key) in there]
    return (
        pl.Series("asked", [value for value, _ in pairs], dtype=pl.String),
        pl.Series("found", [found for _, found in pairs], dtype=pl.String),
    )


def _named(lookup: Lookup, side: Side) -> str | None:
    return lookup.left if side is Side.LEFT else lookup.right


def _keys_of(neighbour: Neighbour, lookup: Lookup, asked: Sequence[str], side: Side) -> dict[str, str]:
    """The key of the record that each asked value names on `side`."""
    name = _named(lookup, side)
    if name is None or not asked:
        return {value: value for value in asked}
    end = neighbour.ends[side]
    own = end.schema[name]
    found: dict[str, str] = {}
    for part in chunks(asked, end.capabilities.max_keys):
        where = Within(name, tuple(_typed(part, own)))
        for page in end.connector.changes(end.table, (name,), where, None):
            texts = page.rows.select(part_text(own).alias("value"), KEY)
            found.update(zip(texts["value"].to_list(), texts[KEY].to_list(), strict=True))
    return found


def _typed(texts: Sequence[str], own: Field) -> list[str]:
    frame = pl.DataFrame({"text": list(texts)}, schema={"text": pl.String()})
    typed: list[str] = frame.select(values.parse(pl.col("text"), own)).to_series().drop_nulls().to_list()
    return typed


def _partners(
    task: Task, neighbour: Neighbour, keys: Mapping[str, str], target: Side, own: Field
) -> dict[str, str]:
    """The key on the target side of each key on the source side."""
    wanted = list(dict.fromkeys(keys.values()))
    frame = task.store.translate(neighbour.name, target.other, wanted)
    found = dict(zip(frame["key"].to_list(), frame["other"].to_list(), strict=True))
    if task.plan is not None:
        ahead = task.planned_keys.get(neighbour.name, {}).get(target.other, {})
        for key in wanted:
            if key not in found and key in ahead:
                found[key] = ahead[key] or _stand_in(own, key)
    return found


def _stand_in(own: Field, key: str) -> str:
    """In a plan, the key that a record still to be inserted will get is not known; this fits the field."""
    if own.type is FieldType.GUID:
        return str(uuid5(NAMESPACE_OID, key))
    return f"(new {key})"[: own.length] if isinstance(own.dtype, pl.String) else "0"


def _values_of(
    neighbour: Neighbour, lookup: Lookup, partner: Mapping[str, str], target: Side
) -> dict[str, str]:
    """What the lookup field on the target side holds for each of its records' keys."""
    name = _named(lookup, target)
    if name is None:
        return {key: key for key in partner.values()}
    end: Endpoint = neighbour.ends[target]
    found: dict[str, str] = {}
    for part in chunks(list(partner.values()), end.capabilities.max_keys):
        rows = end.connector.fetch(end.table, (name,), part).rows
        texts = rows.select(KEY, part_text(end.schema[name]).alias("value")).drop_nulls()
        found.update(zip(texts[KEY].to_list(), texts["value"].to_list(), strict=True))
    return found
