"""Random pairs of records and what is true of them, in plain Python; it must never use the columnar engine.

The mapping has a line of each sort: `name` and `code` travel both ways, `rank` to the right, `note` to the
left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from twofold.core.decide import Policy
from twofold.core.digest import text_digest
from twofold.core.mapping import FieldMapping, TableSide
from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.core.schema import Field, FieldType
from twofold.core.situation import Link

from .specimens import couplings_of, layout_of, mapping_of, pairs_of

WAYS = {"name": Direction.BOTH, "code": Direction.BOTH, "rank": Direction.TO_RIGHT, "note": Direction.TO_LEFT}
NAMES = tuple(WAYS)
_FILTER = {"active": "yes"}
MAPPING = mapping_of(
    *(FieldMapping(name, name, way) for name, way in WAYS.items()),
    left=TableSide("ERP", "customer", ("id",), filter=_FILTER),
    right=TableSide("CRM", "account", ("id",), filter=_FILTER),
)
_TEXT, _RANK = FieldType.TEXT, Field("rank", FieldType.INTEGER)
LEFT = (
    Field("name", _TEXT),
    Field("code", FieldType.CODE, blank_is_null=True),
    _RANK,
    Field("note", _TEXT),
    Field("active", _TEXT),
)
RIGHT = (Field("name", _TEXT), Field("code", _TEXT), _RANK, Field("note", _TEXT), Field("active", _TEXT))
LAYOUT = layout_of(MAPPING, LEFT, RIGHT)

CHOICES: dict[str, list[Any]] = {
    "name": ["Ann", "Bob", "Bob ", "", None],
    "code": ["X", "x", " x", "Y", "", None],
    "rank": [1, 2, None],
    "note": ["n", "m", None],
}
KNOWN = ("unknown", "same", "other")
"""What a base knows of one value: nothing, the value as it is now, or another one."""


@dataclass(frozen=True)
class Sample:
    """One pair: its link, the record on each side (None: absent), and what the bases know of each line."""

    link: Link
    rows: Mapping[Side, Mapping[str, Any] | None]
    known: Mapping[Side, Mapping[str, str]]
    seen: Mapping[Side, bool]

    def value(self, side: Side, name: str) -> str | None:
        """The canonical value of a line on a side, as its stable text."""
        row = self.rows[side]
        return None if row is None else canonical(row[name], name, side)

    def word(self, side: Side, name: str) -> int:
        """What the base of a side holds for a line."""
        known = self.known[side][name]
        if self.link is Link.NONE or known == "unknown":
            return 0
        value = self.value(side, name)
        return text_digest(value if known == "same" else f"other than {value}")

    def base(self, side: Side) -> bytes:
        """The base of a side."""
        return b"".join(self.word(side, name).to_bytes(8, "little") for name in NAMES)

    @property
    def both(self) -> bool:
        """Whether both records are there."""
        return None not in self.rows.values()


def canonical(value: Any, name: str, side: Side) -> str | None:
    """The stable text of a canonical value."""
    if value is None or isinstance(value, int):
        return None if value is None else str(value)
    if name == "code" and side is Side.LEFT:
        return value.strip(" ").upper() or None
    text: str = value.rstrip(" ")
    return text


def arriving(value: str | None, name: str, target: Side) -> str | None:
    """What a canonical value becomes on the other side."""
    return canonical(int(value) if name == "rank" and value else value, name, target)


def agree(sample: Sample, name: str) -> bool:
    """Whether the two values are equal where they can be compared."""
    left, right = (sample.value(side, name) for side in Side)
    if name == "code":
        left, right = ((value or "").strip(" ").upper() or None for value in (left, right))
    return left == right


VALUES = {name: st.sampled_from(choices) for name, choices in CHOICES.items()}
ROWS = st.fixed_dictionaries({**VALUES, "active": st.sampled_from(["yes", "yes", "no"])})
KNOWLEDGE = st.fixed_dictionaries({name: st.sampled_from(KNOWN) for name in NAMES})
FLAGS = st.fixed_dictionaries({side: st.booleans() for side in Side})


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """One pair; an uncoupled one has one record, a doubtful one lacks the key of the other."""
    link = draw(st.sampled_from(list(Link)))
    rows: dict[Side, Mapping[str, Any] | None] = {side: draw(st.none() | ROWS) for side in Side}
    if link in (Link.NONE, Link.IN_DOUBT):
        alone = draw(st.sampled_from(list(Side)))
        rows = {alone: draw(ROWS), alone.other: None}
    known = {side: draw(KNOWLEDGE) for side in Side}
    return Sample(link, rows, known, draw(FLAGS))


def sample_from(chance: Random) -> Sample:
    """One pair, as `samples` draws it, but in bulk."""
    link = chance.choice(list(Link))
    rows: dict[Side, Mapping[str, Any] | None] = {
        s: chance.choice((None, _row(chance), _row(chance))) for s in Side
    }
    if link in (Link.NONE, Link.IN_DOUBT):
        alone = chance.choice(list(Side))
        rows = {alone: _row(chance), alone.other: None}
    known = {side: {name: chance.choice(KNOWN) for name in NAMES} for side in Side}
    return Sample(link, rows, known, {side: chance.random() < 0.5 for side in Side})


def _row(chance: Random) -> Mapping[str, Any]:
    values = {name: chance.choice(choices) for name, choices in CHOICES.items()}
    return {**values, "active": chance.choice(("yes", "yes", "no"))}


BATCHES = st.lists(samples(), min_size=1, max_size=6)
POLICIES = st.builds(
    Policy,
    st.just(Direction.BOTH),
    st.sampled_from(UpdateConflict),
    st.sampled_from(DeletionConflict),
    st.booleans(),
    st.sampled_from([None, Direction.TO_RIGHT, Direction.TO_LEFT]),
    st.booleans(),
)


def key_of(number: int, side: Side) -> str:
    """The key of the sample with this number on a side."""
    return f"{side.value[0].upper()}{number}"


def frame_of(batch: Sequence[Sample]) -> pl.DataFrame:
    """The samples as a frame of pairs, with `sample`, the number of each."""
    linked = [(number, sample) for number, sample in enumerate(batch) if sample.link is not Link.NONE]
    couplings = couplings_of([_coupling(number, sample) for number, sample in linked])
    rows: dict[Side, dict[str, Mapping[str, Any]]] = {side: {} for side in Side}
    for number, sample in enumerate(batch):
        for side in Side:
            row = sample.rows[side]
            if row is not None:
                rows[side][key_of(number, side)] = {**row, "#version": f"now {number}"}
    pairs = pairs_of(LAYOUT, couplings, rows[Side.LEFT], rows[Side.RIGHT])
    told_apart = pl.coalesce("left_key", "right_key").str.slice(1).cast(pl.Int64)
    return pairs.with_columns(told_apart.alias("sample"))


def _coupling(number: int, sample: Sample) -> dict[str, Any]:
    keys = {side: key_of(number, side) for side in Side}
    doubtful = sample.link is Link.IN_DOUBT
    return {
        "id": number,
        "state": sample.link.value,
        **{f"{s}_key": None if doubtful and sample.rows[s] is None else keys[s] for s in Side},
        **{f"{s}_version": f"now {number}" if sample.seen[s] else f"then {number}" for s in Side},
        **{f"{s}_base": sample.base(s) for s in Side},
    }
