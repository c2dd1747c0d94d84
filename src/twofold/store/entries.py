"""Reads and writes the errors list by the thousand, in plain SQL; it must never judge them."""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from django.db.backends.utils import CursorWrapper

from twofold.core.frames import ENTRY_SCHEMA
from twofold.core.names import Side
from twofold.errors import Refused
from twofold.store.dialect import listed
from twofold.store.hotpath import Couplings, framed
from twofold.store.session import Session, query

TABLE = "store_entry"
IDENTITY = ("left_key", "right_key", "direction")
PLAIN = [name for name in ENTRY_SCHEMA if name not in ("id", *IDENTITY)]

# The keys and the direction are empty texts in the table where a frame has nulls; see `models`.
COLUMNS = ", ".join(f"NULLIF({name}, '')" if name in IDENTITY else name for name in ENTRY_SCHEMA)

# An entry of the same kind is the same trouble, which began when it was first seen.
UPSERT = (
    f"ON CONFLICT (mapping_id, {', '.join(IDENTITY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in PLAIN if name != "kind")
    + ", since = CASE WHEN store_entry.kind = excluded.kind THEN store_entry.since ELSE excluded.since END"
    + ", kind = excluded.kind, updated = excluded.updated"
)


class Entries:
    """The errors list of the state database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_keys(self, mapping: str, left: Sequence[str], right: Sequence[str]) -> pl.DataFrame:
        """The entries about any of these keys."""
        identity = self._session.find_mapping(mapping)
        condition, parameters = self._about(left, right)
        statement = f"SELECT {COLUMNS} FROM {TABLE} WHERE mapping_id = %s AND {condition} ORDER BY id"
        rows = self._session.read(statement, [identity, *parameters]) if parameters else []
        return framed(rows, ENTRY_SCHEMA)

    def _about(self, left: Sequence[str], right: Sequence[str]) -> tuple[str, list[Any]]:
        """A condition on the keys; without any keys nothing is asked."""
        dialect = self._session.dialect
        lists = [("left_key", left), ("right_key", right)]
        # An empty key means in this table that there is none.
        given = [(column, kept) for column, keys in lists if (kept := [key for key in keys if key])]
        condition = " OR ".join(dialect.among(column) for column, _ in given)
        return f"({condition})", [listed(keys) for _, keys in given]

    def pages(self, mapping: str, size: int) -> Iterator[pl.DataFrame]:
        """The entries that exist now, by id, each page a statement of its own."""
        identity = self._session.find_mapping(mapping)
        for rows in self._session.pages(COLUMNS, TABLE, "mapping_id = %s", [identity], size):
            yield framed(rows, ENTRY_SCHEMA)

    def put(self, cursor: CursorWrapper, identity: int, entries: pl.DataFrame, now: datetime) -> None:
        """Write entries over those with the same keys and direction; the last of equal ones counts."""
        if entries.is_empty():
            return
        rows = (
            entries.drop("id")
            .with_columns(pl.col(*IDENTITY).fill_null(""), pl.col("message").fill_null(""))
            .with_columns(pl.col("strikes").fill_null(0), pl.col("skipped").fill_null(value=False))
            .unique(IDENTITY, keep="last", maintain_order=True)
        )
        stamps = [self._session.stamp(now)] * rows.height
        columns = {"mapping_id": [identity] * rows.height}
        columns |= {name: rows[name].to_list() for name in rows.columns}
        self._session.dialect.insert(cursor, TABLE, {**columns, "since": stamps, "updated": stamps}, UPSERT)

    def solve(self, cursor: CursorWrapper, identity: int, ids: Sequence[int]) -> None:
        """Remove entries by id; one that is gone already is no mistake."""
        if not len(ids):
            return
        dialect = self._session.dialect
        statement = f"DELETE FROM {TABLE} WHERE mapping_id = %s AND {dialect.among('id')}"
        cursor.execute(statement, [identity, listed(list(ids))])

    def release(self, mapping: str, left: Sequence[str], right: Sequence[str], *, everything: bool) -> int:
        """Let the next run try these records again, or all; the number of entries that were set aside."""
        return self._change(
            mapping, left, right, "skipped = %s, strikes = 0", [False], "(skipped OR strikes > 0)", everything
        )

    def skip(self, mapping: str, left: Sequence[str], right: Sequence[str]) -> int:
        """Set the entries about these records aside until a person says retry; how many there were."""
        return self._change(mapping, left, right, "skipped = %s", [True], "NOT skipped", everything=False)

    def _change(
        self,
        mapping: str,
        left: Sequence[str],
        right: Sequence[str],
        assignments: str,
        values: list[Any],
        condition: str,
        everything: bool,  # noqa: FBT001
    ) -> int:
        about, parameters = self._about(left, right)
        if not parameters and not everything:
            return 0
        narrowed = "" if everything else f" AND {about}"
        with self._session.transaction() as cursor:
            identity = self._session.mapping_id(cursor, mapping)
            cursor.execute(
                f"UPDATE {TABLE} SET {assignments}, updated = %s "
                f"WHERE mapping_id = %s AND {condition}{narrowed}",
                [
                    *values,
                    self._session.stamp(self._session.now()),
                    identity,
                    *([] if everything else parameters),
                ],
            )
            return int(cursor.rowcount)

    def remove(self, mapping: str, left: Sequence[str], right: Sequence[str]) -> int:
        """Remove the entries about these records; how many there were."""
        about, parameters = self._about(left, right)
        if not parameters:
            return 0
        with self._session.transaction() as cursor:
            identity = self._session.mapping_id(cursor, mapping)
            cursor.execute(f"DELETE FROM {TABLE} WHERE mapping_id = %s AND {about}", [identity, *parameters])
            return int(cursor.rowcount)

    def release_blocked(self, mappings: Sequence[str]) -> int:
        """Let records be tried again whose missing dependency is coupled now; how many entries."""
        found = 0
        with self._session.transaction() as cursor:
            for mapping in mappings:
                found += self._release_freed(cursor, self._session.mapping_id(cursor, mapping))
        return found

    def _release_freed(self, cursor: CursorWrapper, identity: int) -> int:
        statement = (
            f"SELECT id, blocking FROM {TABLE} WHERE mapping_id = %s AND blocking IS NOT NULL "
            f"AND (skipped OR strikes > 0)"
        )
        waiting: dict[tuple[str, str], dict[str, list[int]]] = {}
        for entry, blocking in query(cursor, statement, [identity]):
            other, side, key = json.loads(blocking)
            waiting.setdefault((other, side), {}).setdefault(key, []).append(entry)
        freed = [ids for place, keys in waiting.items() for ids in self._freed(*place, keys)]
        return self._clear(cursor, freed)

    def _freed(self, mapping: str, side: str, keys: dict[str, list[int]]) -> list[int]:
        try:
            coupled = Couplings(self._session).translate(mapping, Side(side), list(keys))
        except Refused:
            # The mapping it waited for was forgotten: still waiting, until a person changes the field.
            return []
        return [entry for key in coupled["key"] for entry in keys[key]]

    def _clear(self, cursor: CursorWrapper, ids: Sequence[int]) -> int:
        if not ids:
            return 0
        dialect = self._session.dialect
        cursor.execute(
            f"UPDATE {TABLE} SET skipped = %s, strikes = 0, updated = %s WHERE {dialect.among('id')}",
            [False, self._session.stamp(self._session.now()), listed(ids)],
        )
        return int(cursor.rowcount)
