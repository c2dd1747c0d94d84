"""Writes what one chunk of a run did, in one transaction; it must never leave half of it behind.

A coupling's base names a state that both systems really had together, and a bookmark never passes a row whose
outcome is not recorded; so stopping anywhere, at any instruction, loses no change. Hence everything of a
chunk is one transaction: couplings, entries, errors, counters, and the bookmarks last.
"""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import polars as pl
from django.db.backends.utils import CursorWrapper

from twofold.core.names import COUNTERS, Side
from twofold.errors import StoreBroken
from twofold.ports import Bookmark, JobError, Record
from twofold.store.claims import Claims
from twofold.store.entries import Entries
from twofold.store.hotpath import Couplings
from twofold.store.moments import aware
from twofold.store.session import Session

_BOOKMARK = ("cursor", "signature", "complete", "count", "swept", "wide")


class Recorder:
    """The writing half of what the engine remembers."""

    def __init__(self, session: Session, claims: Claims) -> None:
        self._session = session
        self._claims = claims
        self._couplings = Couplings(session)
        self._entries = Entries(session)

    def reserve(self, mapping: str, couplings: pl.DataFrame) -> pl.DataFrame:
        """Write pending couplings in one transaction; the same rows with their ids, in the same order."""
        with self._session.transaction() as cursor:
            identity = self._begin(cursor, mapping)
            ids = self._couplings.couple(cursor, mapping, identity, couplings, self._session.now())
        return couplings.with_columns(pl.Series("id", ids, dtype=pl.Int64))

    def record(self, mapping: str, record: Record) -> None:
        """Write what a chunk did; see the module for the order, `ports.Record` for the parts."""
        with self._session.transaction() as cursor:
            identity = self._begin(cursor, mapping)
            self._record_couplings(cursor, mapping, identity, record)
            self._entries.solve(cursor, identity, record.solved)
            self._entries.put(cursor, identity, record.entries, self._session.now())
            self._log(cursor, record.errors)
            self._count(cursor, record.counters)
            for side, bookmark in record.bookmarks.items():
                self._mark(cursor, identity, side, bookmark)

    def _begin(self, cursor: CursorWrapper, mapping: str) -> int:
        identity = self._session.mapping_id(cursor, mapping)
        self._claims.renew(cursor, mapping, identity)
        return identity

    def _record_couplings(self, cursor: CursorWrapper, mapping: str, identity: int, record: Record) -> None:
        # Those that go make room for those that come.
        now = self._session.now()
        self._couplings.uncouple(cursor, identity, record.uncouple)
        self._couplings.settle(cursor, mapping, identity, record.settle, now)
        self._couplings.couple(cursor, mapping, identity, record.couple, now)

    def _log(self, cursor: CursorWrapper, errors: Sequence[JobError]) -> None:
        if not errors:
            return
        lines = [asdict(error) for error in errors]
        columns = {name: [line[name] for line in lines] for name in lines[0]}
        self._session.dialect.insert(cursor, "store_joberror", {"job_id": columns.pop("job"), **columns})

    def _count(self, cursor: CursorWrapper, counters: Mapping[int, Mapping[str, int]]) -> None:
        for job, increments in counters.items():
            if not increments:
                continue
            sets = ", ".join(f"{_counter(name)} = {_counter(name)} + %s" for name in increments)
            cursor.execute(f"UPDATE store_job SET {sets} WHERE id = %s", [*increments.values(), job])
            if cursor.rowcount != 1:
                raise StoreBroken(
                    f"Job {job} was removed while it ran, so this part was not recorded. Run again."
                )

    def _mark(self, cursor: CursorWrapper, identity: int, side: Side, bookmark: Bookmark) -> None:
        values = {name: getattr(bookmark, name) for name in _BOOKMARK}
        values["swept"] = self._session.stamp(bookmark.swept)
        sets = ", ".join(f"{name} = excluded.{name}" for name in _BOOKMARK)
        cursor.execute(
            f"INSERT INTO store_bookmark (mapping_id, side, {', '.join(_BOOKMARK)}) "
            f"VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (mapping_id, side) DO UPDATE SET {sets}",
            [identity, side.value, *values.values()],
        )

    def bookmark(self, mapping: str, side: Side) -> Bookmark | None:
        """How far a side has been read."""
        identity = self._session.find_mapping(mapping)
        statement = f"SELECT {', '.join(_BOOKMARK)} FROM store_bookmark WHERE mapping_id = %s AND side = %s"
        found = self._session.read(statement, [identity, side.value])
        if not found:
            return None
        values = dict(zip(_BOOKMARK, found[0], strict=True))
        return Bookmark(**(values | {"swept": aware(values["swept"])}))


def _counter(name: str) -> str:
    if name not in COUNTERS:
        raise ValueError(f"{name} is not a counter of a job")
    return name
