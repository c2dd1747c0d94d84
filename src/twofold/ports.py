"""What the engine needs from the world: connectors, a store, a clock, new keys; it must never do the work.

Terminology
  table    one table of one system, as a mapping side names it
  key      canonical text of a record's immutable id; JSON array of texts if composite (`frames.KEY`)
  version  text that changes when the record does (`frames.VERSION`)
  cursor   text that means "everything after this", made and read only by the connector
  op       one insert, update or delete of one record
  base     the fingerprints of a pair as it was when last synchronized

All verbs take and give batches. Frames are Polars data frames whose own columns begin with "#".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import polars as pl

from twofold.core.filters import Filter
from twofold.core.frames import COUPLING_SCHEMA, ENTRY_SCHEMA
from twofold.core.names import Direction, FeedKind, JobStatus, JobType, Side
from twofold.core.schema import Schema

# -- connectors --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a connector, as a mapping side names it; `key` is never empty here."""

    name: str
    key: tuple[str, ...]
    feed: FeedKind = FeedKind.SNAPSHOT
    modified: str | None = None
    row_version: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connector can do with one table; the engine asks these facts, never the class.

    `overlapping`: `changes` after a cursor repeats rows, so the engine reads keys and versions first and
    values only where the version is new. `client_keys`: an insert accepts a key that we made.
    `returns_versions`: results carry the new version. `max_ops` and `max_keys` bound one call.
    """

    feed: FeedKind = FeedKind.SNAPSHOT
    overlapping: bool = False
    reports_deletes: bool = False
    optimistic_lock: bool = True
    client_keys: bool = False
    returns_versions: bool = False
    atomic_batch: bool = False
    nulls_in_text: bool = True
    max_ops: int = 10_000
    max_keys: int = 10_000
    max_parallel: int = 1


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row whose value in `field` is not what its column declares."""

    key: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows as read: `#key`, `#version`, `#settled`, then one column per asked field in `Field.dtype`.

    A key that was asked for and is in none of the three does not exist.
    """

    rows: pl.DataFrame
    deleted: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePage(Changes):
    """One page of a feed.

    `cursor` may be stored once the page is recorded: a feed started with it continues after this page.
    `count` is the number of rows in the filter when the feed began, where the source tells it cheaply.
    """

    cursor: str = ""
    count: int | None = None


class OpKind(StrEnum):
    """What an op does."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Ops:
    """Ops of one kind that write the same fields.

    `rows` has `#key` (null: the system makes it), `#version` (the expected one; null: any), and one column
    per field to write, in `Field.dtype`. An insert never overwrites a row that exists. `versioned_by` are the
    fields over which a snapshot table's version was computed, in that order.
    """

    kind: OpKind
    rows: pl.DataFrame
    versioned_by: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.rows.height


class ResultKind(StrEnum):
    """Why an op was not done."""

    FAILED = "failed"
    """The system refused this row; the same op would fail again."""
    EXISTS = "exists"
    """An insert found its key taken."""
    STALE = "stale"
    """The row no longer has the expected version."""
    GONE = "gone"
    """The row to update or delete does not exist."""
    IN_DOUBT = "in_doubt"
    """No reply: it may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Results:
    """Exactly one row per op, in the order of the ops, in `frames.RESULT_SCHEMA`; `#kind` null means done."""

    rows: pl.DataFrame


class Connector(Protocol):
    """Four verbs, all of them batch primitives, and facts. A row's failure is data, never an exception.

    Every verb may raise `Transient` or `Fatal`; `describe` raises `Refused` for a table that is not there.
    """

    def identity(self) -> str:
        """Which system this is (organization, company, database); a copy elsewhere has another identity."""
        ...

    def tables(self) -> Sequence[str]:
        """The tables that can be mapped, for messages and proposals."""
        ...

    def capabilities(self, table: Table) -> Capabilities:
        """What can be done with `table`."""
        ...

    def describe(self, table: str) -> Schema:
        """The columns of `table`; raises `Refused`, naming the nearest table, if there is none."""
        ...

    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        """Everything in the filter that changed after the cursor `since`; None is everything.

        May repeat rows but never misses one, and never spans a write of ours with an open transaction. At
        least one page comes, possibly empty. `fields=()` is the key sweep: keys and versions only.
        """
        ...

    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        """The rows with these keys, in any order, filtered by nothing; at most `max_keys` are asked."""
        ...

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        """Write the ops; one result per op, in order. At most `max_ops` rows in all are given."""
        ...

    def close(self) -> None:
        """Let go of sockets and files; the connector may not be used afterwards."""
        ...


# -- store -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far one side of a mapping has been read.

    `complete`: the feed was read to its end, so `cursor` means "everything after this"; otherwise it lies
    inside a feed that was interrupted. `count` is the number of rows to expect in the filter. `signature`
    says what the cursor is worth: another filter, field or transform needs a new start. `swept` is when keys
    were last compared with the couplings. `wide`: records that are not coupled were taken as well.
    """

    cursor: str
    signature: str
    complete: bool = True
    count: int | None = None
    swept: datetime | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True)
class JobError:
    """One line of a job's log."""

    job: int
    left_key: str | None
    right_key: str | None
    field: str | None
    kind: str
    message: str


def no_couplings() -> pl.DataFrame:
    """An empty frame of couplings."""
    return pl.DataFrame(schema=COUPLING_SCHEMA)


def no_entries() -> pl.DataFrame:
    """An empty frame of entries."""
    return pl.DataFrame(schema=ENTRY_SCHEMA)


@dataclass(slots=True)
class Record:
    """What one chunk did, to be recorded in one transaction; the bookmarks go last.

    `couple`: new couplings (their `id` is ignored). `settle`: whole couplings by `id`, replacing what was
    stored. `uncouple`: ids. `entries`: put by (left_key, right_key, direction). `solved`: entries to
    remove, by `id`. `counters`: increments by job id and counter name.
    """

    couple: pl.DataFrame = field(default_factory=no_couplings)
    settle: pl.DataFrame = field(default_factory=no_couplings)
    uncouple: Sequence[int] = ()
    entries: pl.DataFrame = field(default_factory=no_entries)
    solved: Sequence[int] = ()
    errors: Sequence[JobError] = ()
    counters: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    bookmarks: Mapping[Side, Bookmark] = field(default_factory=dict)


class Sweep(Protocol):
    """Finds the couplings whose key on one side was not seen, without holding keys in memory."""

    def saw(self, keys: pl.Series) -> None:
        """These keys exist."""
        ...

    def missing_count(self) -> int:
        """How many couplings (state coupled) have a key that was not seen."""
        ...

    def missing(self, size: int) -> Iterator[pl.DataFrame]:
        """Those couplings, in pages of at most `size`; recording between pages is allowed."""
        ...


class Store(Protocol):
    """What the engine remembers, per mapping name. Frames have `frames.COUPLING_SCHEMA` or `ENTRY_SCHEMA`."""

    def claim(self, mapping: str) -> AbstractContextManager[None]:
        """Hold the mapping for one run; raises `Refused`, naming the holder, if another run has it.

        The claim of a dead local process is taken over at once, a remote one when its lease lapses;
        every `record` renews the lease.
        """
        ...

    def begin_job(self, mapping: str, direction: Direction | None, kind: JobType) -> int:
        """Write a running job and return its id."""
        ...

    def finish_job(self, job: int, status: JobStatus, message: str) -> None:
        """Close a job."""
        ...

    def slots(self, mapping: str, signatures: Mapping[str, str]) -> Mapping[str, int]:
        """The slot of each field identity; a field whose signature changed gets a new slot, never reused."""
        ...

    def bookmark(self, mapping: str, side: Side) -> Bookmark | None:
        """How far a side has been read."""
        ...

    def coupling_count(self, mapping: str) -> int:
        """How many couplings the mapping has, pending ones apart."""
        ...

    def couplings(self, mapping: str, side: Side, keys: Sequence[str]) -> pl.DataFrame:
        """The couplings of these keys of `side`, pending and doubtful ones included."""
        ...

    def pages(self, mapping: str, size: int, states: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """All couplings (of these states) in pages, by id; recording between pages is allowed."""
        ...

    def translate(self, mapping: str, side: Side, keys: Sequence[str]) -> pl.DataFrame:
        """`key` and `other` of the couplings (state coupled) of these keys of `side`."""
        ...

    def reserve(self, mapping: str, couplings: pl.DataFrame) -> pl.DataFrame:
        """Write pending couplings in one transaction and return them with their `id`, in the same order."""
        ...

    def record(self, mapping: str, record: Record) -> None:
        """Write what a chunk did, in one transaction."""
        ...

    def entries(self, mapping: str, left: Sequence[str], right: Sequence[str]) -> pl.DataFrame:
        """The entries about any of these keys."""
        ...

    def entry_pages(self, mapping: str, size: int) -> Iterator[pl.DataFrame]:
        """All entries in pages, by id; entries put while paging do not appear."""
        ...

    def sweep(self, mapping: str, side: Side) -> AbstractContextManager[Sweep]:
        """Begin to compare a side's keys with the couplings."""
        ...


# -- the small things --------------------------------------------------------------------------------------


class Clock(Protocol):
    """The time, in UTC."""

    def now(self) -> datetime:
        """The present moment, aware."""
        ...


class Keys(Protocol):
    """New keys for records that we create."""

    def make(self, count: int) -> Sequence[str]:
        """`count` new lower-case UUID texts, ordered by time."""
        ...


class Progress(Protocol):
    """Hears how far a run is, and says whether to stop."""

    def phase(self, text: str, total: int | None) -> None:
        """A new part of the work begins; `total` rows are expected, if known."""
        ...

    def advance(self, rows: int) -> None:
        """So many more rows are recorded."""
        ...

    def should_stop(self) -> bool:
        """Whether a person asked to stop; asked between chunks."""
        ...


def chunks(keys: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """The keys in runs of at most `size`."""
    return (keys[start : start + size] for start in range(0, len(keys), size))
