"""The words of the house, one meaning each; it must never hold behaviour beyond what a word implies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum


class Side(StrEnum):
    """One of the two sides of a mapping; left is Business Central when it takes part."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Direction(StrEnum):
    """Which way a mapping or a field travels."""

    BOTH = "both"
    TO_RIGHT = "to_right"
    TO_LEFT = "to_left"

    def writes(self, side: Side) -> bool:
        """Whether values travelling this way are written to `side`."""
        return self is Direction.BOTH or self is TO[side]

    @property
    def single(self) -> tuple[Direction, ...]:
        """The one-way directions this one consists of, to_right first."""
        return (Direction.TO_RIGHT, Direction.TO_LEFT) if self is Direction.BOTH else (self,)

    @property
    def target(self) -> Side:
        """The side a one-way direction writes to; `both` has none and raises ValueError."""
        if self is Direction.BOTH:
            raise ValueError("both has no single target")
        return Side.RIGHT if self is Direction.TO_RIGHT else Side.LEFT


TO = {Side.LEFT: Direction.TO_LEFT, Side.RIGHT: Direction.TO_RIGHT}
"""The direction that writes to a side."""


class UpdateConflict(StrEnum):
    """What happens when both sides of a pair changed."""

    MERGE = "merge"
    SEND = "send"
    GET = "get"
    ASK = "ask"


class DeletionConflict(StrEnum):
    """What happens when one side of a pair was deleted."""

    ASK = "ask"
    RESTORE = "restore"
    UNCOUPLE = "uncouple"
    DELETE = "delete"


class Concurrency(StrEnum):
    """Whether an update insists on the version it was decided from."""

    OPTIMISTIC = "optimistic"
    LAST_WRITE = "last_write"


class LookupMissing(StrEnum):
    """What happens when the record a lookup points to is not coupled."""

    FAIL = "fail"
    CLEAR = "clear"
    SYNCHRONIZE = "synchronize"


class FeedKind(StrEnum):
    """How a table tells what changed."""

    MODIFIED = "modified"
    ROW_VERSION = "row_version"
    SNAPSHOT = "snapshot"
    DELTA = "delta"


class JobType(StrEnum):
    """What a job did."""

    SYNCHRONIZATION = "synchronization"
    COUPLING = "coupling"
    UNCOUPLING = "uncoupling"
    UNDO = "undo"
    VERIFICATION = "verification"


class JobStatus(StrEnum):
    """How far a job came."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class EntryKind(StrEnum):
    """Why a record is on the errors list."""

    CONFLICT = "conflict"
    DELETED = "deleted"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    BLOCKED = "blocked"

    @property
    def is_question(self) -> bool:
        """Whether a person must answer; questions count as conflicts and never become skipped."""
        return self in (EntryKind.CONFLICT, EntryKind.DELETED, EntryKind.IN_DOUBT)


COUNTERS = (
    "inserted",
    "modified",
    "deleted",
    "unchanged",
    "skipped",
    "failed",
    "coupled",
    "uncoupled",
    "conflicts",
)
"""The counters of a job, in the order in which they are shown."""


def closest(word: str, words: Iterable[str]) -> str:
    """A ready-made ` Did you mean "x"?` for a misspelt word, or an empty text."""
    candidates = list(words)
    lower = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f' Did you mean "{lower[found[0]]}"?' if found else ""
