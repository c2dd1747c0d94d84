"""The store that the engine is given, put together from the parts; it must never do what a part does.

What the engine needs per run loads Polars; configuration, claims and listings do not, so a command that only
lists starts fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self

from twofold.core.names import Direction, JobStatus, JobType, Side
from twofold.store.claims import Claims
from twofold.store.configuration import Configuration
from twofold.store.jobs import begin_job, finish_job, purge_jobs
from twofold.store.listing import Listing
from twofold.store.session import Session
from twofold.store.slots import assign_slots

if TYPE_CHECKING:
    import polars as pl

    from twofold.ports import Bookmark, Record, Sweep
    from twofold.store.entries import Entries
    from twofold.store.hotpath import Couplings
    from twofold.store.recording import Recorder


class DjangoStore:
    """Implements `ports.Store`, and holds the configuration and the listings of the same database."""

    def __init__(self, session: Session, close: Callable[[], None]) -> None:
        self._session = session
        self._close = close
        self._claims = Claims(session)
        self.configuration = Configuration(session)
        self.listing = Listing(session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; the store may not be used afterwards."""
        self._close()

    @property
    def alias(self) -> str:
        """The name of this database among Django's."""
        return self._session.alias

    @property
    def shown(self) -> str:
        """Where the state is, for messages, without a password."""
        return self._session.location.shown

    @cached_property
    def _couplings(self) -> Couplings:
        from twofold.store.hotpath import Couplings

        return Couplings(self._session)

    @cached_property
    def _entries(self) -> Entries:
        from twofold.store.entries import Entries

        return Entries(self._session)

    @cached_property
    def _recorder(self) -> Recorder:
        from twofold.store.recording import Recorder

        return Recorder(self._session, self._claims)

    # -- runs ------------------------------------------------------------------------------------------

    def claim(self, mapping: str) -> AbstractContextManager[None]:
        """Hold the mapping for one run; see `ports.Store`."""
        return self._claims.claim(mapping)

    def release_dead_claims(self) -> list[str]:
        """Free the mappings whose run died, close their jobs as failed, and name them."""
        return self._claims.release_dead()

    def begin_job(self, mapping: str, direction: Direction | None, kind: JobType) -> int:
        """Write a running job and return its id."""
        return begin_job(self._session, mapping, direction, kind)

    def finish_job(self, job: int, status: JobStatus, message: str) -> None:
        """Close a job."""
        finish_job(self._session, job, status, message)

    def purge_jobs(self, before: datetime) -> int:
        """Remove closed jobs that began before this moment; how many."""
        return purge_jobs(self._session, before)

    # -- what the engine remembers ---------------------------------------------------------------------

    def slots(self, mapping: str, signatures: Mapping[str, str]) -> Mapping[str, int]:
        """The slot of each field identity; see `ports.Store`."""
        return assign_slots(self._session, mapping, signatures)

    def bookmark(self, mapping: str, side: Side) -> Bookmark | None:
        """How far a side has been read."""
        return self._recorder.bookmark(mapping, side)

    def coupling_count(self, mapping: str) -> int:
        """How many couplings the mapping has, pending ones apart."""
        return self._couplings.count(mapping)

    def couplings(self, mapping: str, side: Side, keys: Sequence[str]) -> pl.DataFrame:
        """The couplings of these keys of `side`, pending and doubtful ones included."""
        return self._couplings.of_keys(mapping, side, keys)

    def pages(self, mapping: str, size: int, states: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """All couplings (of these states) in pages, by id; recording between pages is allowed."""
        return self._couplings.pages(mapping, size, states)

    def translate(self, mapping: str, side: Side, keys: Sequence[str]) -> pl.DataFrame:
        """`key` and `other` of the couplings (state coupled) of these keys of `side`."""
        return self._couplings.translate(mapping, side, keys)

    def reserve(self, mapping: str, couplings: pl.DataFrame) -> pl.DataFrame:
        """Write pending couplings in one transaction and return them with their `id`, in the same order."""
        return self._recorder.reserve(mapping, couplings)

    def record(self, mapping: str, record: Record) -> None:
        """Write what a chunk did, in one transaction."""
        self._recorder.record(mapping, record)

    def sweep(self, mapping: str, side: Side) -> AbstractContextManager[Sweep]:
        """Begin to compare a side's keys with the couplings."""
        from twofold.store.sweeps import open_sweep

        return open_sweep(self._session, mapping, side)

    # -- the errors list -------------------------------------------------------------------------------

    def entries(self, mapping: str, left: Sequence[str], right: Sequence[str]) -> pl.DataFrame:
        """The entries about any of these keys."""
        return self._entries.of_keys(mapping, left, right)

    def entry_pages(self, mapping: str, size: int) -> Iterator[pl.DataFrame]:
        """All entries in pages, by id; entries put while paging do not appear."""
        return self._entries.pages(mapping, size)

    def release(
        self, mapping: str, left: Sequence[str] = (), right: Sequence[str] = (), *, everything: bool = False
    ) -> int:
        """Let the next run try these records again, or all of the mapping; how many entries changed."""
        return self._entries.release(mapping, left, right, everything=everything)

    def release_blocked(self, *mappings: str) -> int:
        """Let records be tried again whose missing dependency is coupled now; how many."""
        return self._entries.release_blocked(mappings)

    def skip(self, mapping: str, left: Sequence[str] = (), right: Sequence[str] = ()) -> int:
        """Set the entries about these records aside until a person says retry; how many changed."""
        return self._entries.skip(mapping, left, right)

    def remove_entries(self, mapping: str, left: Sequence[str] = (), right: Sequence[str] = ()) -> int:
        """Remove the entries about these records; how many there were."""
        return self._entries.remove(mapping, left, right)
