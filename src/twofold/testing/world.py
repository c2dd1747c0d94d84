"""What the state machine needs of a world with two systems and an engine; it must never name an engine.

The driver that plugs a real engine in implements these few verbs. All keys are key texts. All values that the
machine writes are texts, each written once in a whole history, so that every one of them can be traced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict

Values = Mapping[str, Any]
"""Field values by field name."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two mapped text fields, long enough for ten characters, and the way their values travel."""

    left: str
    right: str
    direction: Direction = Direction.BOTH

    def on(self, side: Side) -> str:
        """The field on `side`."""
        return self.left if side is Side.LEFT else self.right


@dataclass(frozen=True, slots=True)
class Gate:
    """A field of one side, not mapped, whose value decides whether a row is in the filter."""

    side: Side
    field: str
    inside: Any
    outside: Any


@dataclass(frozen=True, slots=True)
class Policy:
    """What the mapping decides, as far as the laws depend on it.

    `tag` is a mapped pair that is written once, when a record is made, and tells its copies: a second row
    with the same tag on one side is a duplicate. `pairs` are the other mapped pairs. `creates`: records that
    are not coupled are taken (`synch_only_coupled_records: false`).
    """

    tag: Pair
    pairs: tuple[Pair, ...]
    direction: Direction = Direction.BOTH
    creates: bool = True
    update_conflict: UpdateConflict = UpdateConflict.MERGE
    deletion_conflict: DeletionConflict = DeletionConflict.ASK
    gate: Gate | None = None

    def travels(self, pair: Pair, source: Side) -> bool:
        """Whether values of `pair` go from `source` to the other side."""
        target = source.other
        return self.direction.writes(target) and pair.direction.writes(target)

    def is_inside(self, side: Side, row: Values) -> bool:
        """Whether a row of `side` is in the filter."""
        return self.gate is None or self.gate.side is not side or row[self.gate.field] == self.gate.inside


@dataclass(frozen=True, slots=True)
class Question:
    """An open question about a pair; one key is None where there is, or may be, no such row."""

    left_key: str | None
    right_key: str | None

    def on(self, side: Side) -> str | None:
        """The key on `side`."""
        return self.left_key if side is Side.LEFT else self.right_key


class Person(Protocol):
    """One system, as a person there works with it: no connector is involved."""

    def insert(self, values: Values) -> str:
        """Make a record with these values and return its key."""
        ...

    def edit(self, key: str, values: Values) -> None:
        """Change some fields of a record."""
        ...

    def delete(self, key: str) -> None:
        """Remove a record."""
        ...

    def rows(self) -> Mapping[str, Values]:
        """All records by key, in and out of the filter, with at least the mapped and the gate's fields."""
        ...

    def skew(self, seconds: int) -> None:
        """Set the system's clock this far from the true time; it goes on from there."""
        ...


class World(Protocol):
    """Two systems, one mapping between them, and an engine with its store."""

    @property
    def policy(self) -> Policy:
        """What the mapping decides."""
        ...

    @property
    def left(self) -> Person:
        """The person at the left system."""
        ...

    @property
    def right(self) -> Person:
        """The person at the right system."""
        ...

    def run(self, *, full: bool = False) -> int:
        """One run without faults; returns how many rows were inserted, modified or deleted on both sides."""
        ...

    def faulty_run(self, seed: int) -> None:
        """One run among faults drawn from `seed`; it may break off, but nothing of that may be raised."""
        ...

    def crash_run(self, at: int) -> bool:
        """One run that dies at the `at`-th call of a connector or the store; whether it came that far.

        Nothing of the engine may survive in memory: the next run starts from the store alone.
        """
        ...

    def questions(self) -> Collection[Question]:
        """The open questions: conflicts, deletions, inserts in doubt."""
        ...

    def answer(self, question: Question, winner: Side) -> None:
        """Answer a conflict so that `winner` wins; a question of another kind may be left as it is."""
        ...

    def couplings(self) -> Collection[tuple[str, str]]:
        """The left and right keys of all coupled pairs."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
