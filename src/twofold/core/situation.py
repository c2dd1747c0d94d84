"""The facts about one pair and about one field, as small enums with codes; it must never decide anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import TypeVar

import polars as pl


class Link(StrEnum):
    """What the store knows about a pair.

    Pending: the counterpart's key was made and its insert may or may not have been done; the suffix is the
    side being inserted. In doubt: an insert whose key the system makes got no reply.
    """

    NONE = "none"
    PENDING_RIGHT = "pending_right"
    PENDING_LEFT = "pending_left"
    IN_DOUBT = "in_doubt"
    COUPLED = "coupled"


class State(StrEnum):
    """What one side looks like now; changed means that the digest of a mapped field moved."""

    ABSENT = "absent"
    OUTSIDE = "outside"
    UNCHANGED = "unchanged"
    CHANGED = "changed"

    @property
    def inside(self) -> bool:
        """Whether the record exists and is in the filter."""
        return self in (State.UNCHANGED, State.CHANGED)


class Content(StrEnum):
    """Which mapped fields of a pair differ, seen as a whole.

    One-way: only one-way fields differ. To right, to left: the differing two-way fields changed on one side
    only. Disjoint: some changed left, others right. Overlap: some field changed on both. Unknown: a differing
    two-way field has no base.
    """

    SAME = "same"
    ONE_WAY = "one_way"
    TO_RIGHT = "to_right"
    TO_LEFT = "to_left"
    DISJOINT = "disjoint"
    OVERLAP = "overlap"
    UNKNOWN = "unknown"


class Moved(StrEnum):
    """Whether a field's digest on one side is still the one of the base."""

    UNKNOWN = "unknown"
    NO = "no"
    YES = "yes"


class FieldCode(StrEnum):
    """Where the value of one field must go."""

    SAME = "same"
    TO_RIGHT = "to_right"
    TO_LEFT = "to_left"
    OVERLAP = "overlap"
    UNKNOWN = "unknown"


LINKS, STATES, CONTENTS = tuple(Link), tuple(State), tuple(Content)
MOVES, FIELD_CODES = tuple(Moved), tuple(FieldCode)

Code = TypeVar("Code", int, pl.Expr)
"""A code, or a column of codes."""


def number(word: StrEnum) -> int:
    """The code of an enum member: its place in its enum."""
    return list(type(word)).index(word)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that `decide` looks at, for one pair."""

    link: Link
    left: State
    right: State
    content: Content

    @property
    def code(self) -> int:
        """The place of this situation in `all_situations()`."""
        return encode(number(self.link), number(self.left), number(self.right), number(self.content))

    def __str__(self) -> str:
        return f"{self.link}, left {self.left}, right {self.right}, content {self.content}"


SITUATIONS = len(LINKS) * len(STATES) * len(STATES) * len(CONTENTS)


def encode(link: Code, left: Code, right: Code, content: Code) -> Code:
    """The code of a situation from the codes of its parts: of one, or of a whole column."""
    return ((link * len(STATES) + left) * len(STATES) + right) * len(CONTENTS) + content


def all_situations() -> Iterator[Situation]:
    """Every situation, in the order of the codes."""
    return (Situation(*parts) for parts in product(LINKS, STATES, STATES, CONTENTS))
