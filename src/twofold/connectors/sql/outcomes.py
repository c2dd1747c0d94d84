"""What became of each op, and in which order ops go; it must never ask a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from twofold.connectors.sql.complaints import complain, field_at_fault
from twofold.connectors.sql.dialects import Fault
from twofold.connectors.sql.relation import Relation
from twofold.core.frames import RESULT_SCHEMA
from twofold.ports import Ops, ResultKind


@dataclass(slots=True)
class Outcome:
    """What became of each row of some ops, by place."""

    keys: list[str | None]
    versions: list[str | None] = field(default_factory=list)
    settled: list[bool | None] = field(default_factory=list)
    kinds: list[str | None] = field(default_factory=list)
    fields: list[str | None] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = len(self.keys)
        self.versions, self.settled, self.kinds = [None] * size, [None] * size, [None] * size
        self.fields, self.texts = [None] * size, [None] * size

    def refuse(self, place: int, kind: ResultKind, text: str, name: str | None = None) -> None:
        """Say why the row was not written."""
        self.kinds[place], self.texts[place], self.fields[place] = kind.value, text, name

    def done(self, places: Sequence[int]) -> list[int]:
        """Those of the places whose rows were written."""
        return [place for place in places if self.kinds[place] is None]

    def frame(self) -> pl.DataFrame:
        """The results as the port wants them."""
        columns = (self.keys, self.versions, self.settled, self.kinds, self.fields, self.texts)
        return pl.DataFrame(dict(zip(RESULT_SCHEMA, columns, strict=True)), schema=RESULT_SCHEMA)


@dataclass(frozen=True, slots=True)
class Wave:
    """Places of ops among which no key comes twice, so that they can be written in one statement."""

    ops: Ops
    places: list[int]
    outcome: Outcome


def waves_of(ops: Ops, keys: Sequence[str | None], outcome: Outcome) -> list[Wave]:
    """The ops in waves: a key's second op waits for its first, as it would one by one."""
    seen: dict[str, int] = {}
    waves: list[Wave] = []
    for place, key in enumerate(keys):
        turn = seen.get(key, 0) if key is not None else 0
        if key is not None:
            seen[key] = turn + 1
        if turn == len(waves):
            waves.append(Wave(ops, [], outcome))
        waves[turn].places.append(place)
    return waves


def leave_in_doubt(outcome: Outcome, relation: Relation) -> Outcome:
    """The outcome where a commit had no reply: what was written may be there or not."""
    for place in outcome.done(range(len(outcome.keys))):
        record = f"{relation.schema.table} {outcome.keys[place]}"
        text = f"{record}: the connection broke, so it is not known whether it was written."
        outcome.refuse(place, ResultKind.IN_DOUBT, text)
        outcome.versions[place] = outcome.settled[place] = None
    return outcome


def take_back(outcome: Outcome, relation: Relation, fault: Fault) -> Outcome:
    """The outcome where the commit itself was refused: nothing was written."""
    for place in outcome.done(range(len(outcome.keys))):
        text = complain(fault, relation, outcome.keys[place])
        outcome.refuse(place, ResultKind.FAILED, text, field_at_fault(fault, relation))
        outcome.versions[place] = outcome.settled[place] = None
    return outcome
