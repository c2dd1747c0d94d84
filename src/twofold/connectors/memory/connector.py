"""The four verbs on a memory system, written plainly; it must never write past the rules of the system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl

from twofold.connectors.memory.feeds import Cursor, Item, after, begin, pending
from twofold.connectors.memory.rows import Rejected, Row, is_readable, parse_key
from twofold.connectors.memory.system import MemorySystem, MemoryTable
from twofold.core.digest import version_of
from twofold.core.filters import Filter, fields_of, to_polars
from twofold.core.frames import KEY, RESULT_SCHEMA, ROW_META, SETTLED, VERSION
from twofold.core.keys import canonical_key
from twofold.core.names import FeedKind, closest
from twofold.core.schema import TEXTUAL, Field, Schema
from twofold.errors import Refused, SchemaDrift
from twofold.ports import (
    Capabilities,
    ChangePage,
    Changes,
    OpKind,
    Ops,
    ResultKind,
    Results,
    Table,
    Unreadable,
)

YOUNG = timedelta(minutes=15)
"""A coarse stamp younger than this may still be given to another edit."""

_UUID_LENGTH = 36


class MemoryConnector:
    """Reads and writes a `MemorySystem`.

    `page_size` rows come in one page; `requests` counts what would be round trips, by verb. Any further fact
    of `Capabilities` may be given to present the system as less able than it is.
    """

    def __init__(self, system: MemorySystem, *, page_size: int = 10_000, **facts: Any) -> None:
        self.system = system
        self.page_size = page_size
        self.requests: Counter[str] = Counter()
        self._facts = facts

    def __repr__(self) -> str:
        return f"MemoryConnector({self.system.name})"

    def identity(self) -> str:
        """The identity of the system."""
        return self.system.identity

    def tables(self) -> Sequence[str]:
        """All tables of the system."""
        return list(self.system.tables)

    def describe(self, table: str) -> Schema:
        """The columns of `table`; raises `Refused`, naming the nearest table, if there is none."""
        if table not in self.system.tables:
            raise Refused(
                f'{self.system.name} has no table "{table}".{closest(table, self.tables())} '
                f"It has: {', '.join(self.tables()) or 'no tables'}."
            )
        return self.system.tables[table].schema

    def capabilities(self, table: Table) -> Capabilities:
        """What the system can do with `table`, less what `facts` take away."""
        target = self._table(table)
        able = Capabilities(
            feed=table.feed,
            overlapping=table.feed is FeedKind.MODIFIED,
            reports_deletes=table.feed is FeedKind.DELTA,
            client_keys=_takes_keys(target.key),
            returns_versions=True,
            nulls_in_text=not any(f.blank_is_null and not f.nullable for f in target.schema.fields),
        )
        return replace(able, **self._facts)

    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        """What changed after `since`, looked up anew for every page.

        A deleted row is reported whatever the filter, and an unreadable one wherever the filter cannot be
        evaluated: both are facts that the engine must hear.
        """
        target = self._table(table)
        with self.system.lock:
            cursor = begin(self.system, target, table.feed, since)
            count = len(_held(target, where, list(target.rows)))
        last = False
        while not last:
            page, cursor, last = self._page(table, fields, where, cursor, count)
            yield page

    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        """The rows with these keys; a key that this table cannot have is simply absent."""
        target = self._table(table)
        if len(keys) > self.capabilities(table).max_keys:
            raise ValueError("More keys were asked for than max_keys allows.")
        self.requests["fetch"] += 1
        with self.system.lock:
            found = dict.fromkeys(
                canonical for key in keys if (canonical := _canonical(target, key)) is not None
            )
            return self._hand_over(
                table, fields, {key: target.rows[key] for key in found if key in target.rows}
            )

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        """Write the ops one by one, each on its own: a refused row stops nothing."""
        target = self._table(table)
        if sum(map(len, ops)) > self.capabilities(table).max_ops:
            raise ValueError("More ops were given than max_ops allows.")
        self.requests["apply"] += 1
        with self.system.lock:
            done = [
                self._try(table, target, each, row) for each in ops for row in each.rows.iter_rows(named=True)
            ]
        return Results(pl.DataFrame(done, schema=RESULT_SCHEMA, orient="row"))

    def close(self) -> None:
        """Nothing is held open."""

    # -- reading -------------------------------------------------------------------------------------------

    def _table(self, table: Table) -> MemoryTable:
        if table.name not in self.system.tables:
            raise SchemaDrift(f"{self.system.name} no longer has the table {table.name}. Change the mapping.")
        return self.system.tables[table.name]

    def _page(
        self, table: Table, fields: Sequence[str], where: Filter | None, cursor: Cursor, count: int
    ) -> tuple[ChangePage, Cursor, bool]:
        self.requests["changes"] += 1
        with self.system.lock:
            target = self._table(table)
            items = _wanted(target, where, pending(target, table.feed, cursor))
            page, last = items[: self.page_size], len(items) <= self.page_size
            following = after(cursor, page, last=last)
            read = self._hand_over(table, fields, {i.key: i.row for i in page if i.row is not None})
        deleted = tuple(item.key for item in page if item.row is None)
        done = ChangePage(read.rows, deleted, read.unreadable, cursor=following.text(), count=count)
        return done, following, last

    def _hand_over(self, table: Table, fields: Sequence[str], rows: dict[str, Row]) -> Changes:
        target = self._table(table)
        asked = _fields(target, fields)
        bad = {key: found for key, row in rows.items() if (found := _unreadable(key, asked, row)) is not None}
        good = {key: row for key, row in rows.items() if key not in bad}
        frame = pl.DataFrame(
            {f.name: [row[f.name] for row in good.values()] for f in asked}, {f.name: f.dtype for f in asked}
        )
        meta = pl.DataFrame(
            {
                KEY: list(good),
                VERSION: self._versions(table, good, frame),
                SETTLED: [self._is_settled(target, table.feed, row) for row in good.values()],
            },
            ROW_META,
        )
        return Changes(meta.hstack(frame), unreadable=tuple(bad.values()))

    def _versions(self, table: Table, rows: dict[str, Row], values: pl.DataFrame) -> list[str | None]:
        if table.feed is not FeedKind.SNAPSHOT:
            target = self._table(table)
            return [_version(target, table.feed, key) for key in rows]
        return version_of(values, values.columns).to_list() if values.width else [None] * len(rows)

    def _is_settled(self, target: MemoryTable, feed: FeedKind, row: Row) -> bool:
        if feed is not FeedKind.MODIFIED or not self.system.coarse:
            return True
        stamp = row[target.modified or ""]
        return stamp is None or self.system.now - stamp > YOUNG

    # -- writing -------------------------------------------------------------------------------------------

    def _try(self, table: Table, target: MemoryTable, ops: Ops, op: Row) -> tuple[Any, ...]:
        values = {name: value for name, value in op.items() if not name.startswith("#")}
        try:
            key = self._write(table, target, ops, op, values)
        except Rejected as refusal:
            return op[KEY], None, None, refusal.kind, refusal.field, refusal.text
        return key, *self._seen(table, target, key, ops), None, None, None

    def _write(self, table: Table, target: MemoryTable, ops: Ops, op: Row, values: Row) -> str:
        if ops.kind is OpKind.INSERT:
            return self.system.insert(table.name, {**_key_values(target, op[KEY]), **values})
        key = _canonical(target, op[KEY])
        if key is None or key not in target.rows:
            raise Rejected(ResultKind.GONE, f"{table.name} has no row {op[KEY]}.")
        self._expect(table, key, ops, op[VERSION])
        if ops.kind is OpKind.DELETE:
            self.system.delete(table.name, key)
        else:
            self.system.edit(table.name, key, **values)
        return key

    def _expect(self, table: Table, key: str, ops: Ops, version: str | None) -> None:
        if version is None or not self.capabilities(table).optimistic_lock:
            return
        if self._current(table, key, ops) != version:
            raise Rejected(ResultKind.STALE, f"{table.name} {key} was changed by somebody else.")

    def _current(self, table: Table, key: str, ops: Ops) -> str | None:
        read = self._hand_over(table, ops.versioned_by, {key: self._table(table).rows[key]})
        return read.rows[VERSION].to_list()[0] if read.rows.height else None

    def _seen(self, table: Table, target: MemoryTable, key: str, ops: Ops) -> tuple[str | None, bool | None]:
        if key not in target.rows or not self.capabilities(table).returns_versions:
            return None, None
        return self._current(table, key, ops), self._is_settled(target, table.feed, target.rows[key])


def _takes_keys(key: Sequence[Field]) -> bool:
    return (
        len(key) == 1
        and key[0].type in TEXTUAL
        and not key[0].read_only
        and (key[0].length is None or key[0].length >= _UUID_LENGTH)
    )


def _fields(table: MemoryTable, names: Sequence[str]) -> list[Field]:
    missing = [name for name in names if table.schema.get(name) is None]
    if missing:
        raise SchemaDrift(f"{table.schema.unknown(missing[0])} Change the mapping.")
    return [table.schema[name] for name in names]


def _unreadable(key: str, fields: Sequence[Field], row: Row) -> Unreadable | None:
    bad = next((f for f in fields if not is_readable(f, row[f.name])), None)
    return None if bad is None else Unreadable(key, bad.name, f"{row[bad.name]!r} is not a {bad.type} value")


def _version(table: MemoryTable, feed: FeedKind, key: str) -> str | None:
    if feed is FeedKind.MODIFIED:
        stamp = table.rows[key][table.modified or ""]
        return None if stamp is None else str(stamp.isoformat())
    return str(
        table.rows[key][table.row_version or ""] if feed is FeedKind.ROW_VERSION else table.changed[key]
    )


def _canonical(table: MemoryTable, key: str | None) -> str | None:
    try:
        return None if key is None else canonical_key(key, len(table.key))
    except ValueError:
        return None


def _key_values(table: MemoryTable, key: str | None) -> Row:
    try:
        return {} if key is None else parse_key(table.key, key)
    except ValueError as error:
        raise Rejected(ResultKind.FAILED, str(error), table.schema.key[0]) from None


def _wanted(table: MemoryTable, where: Filter | None, items: list[Item]) -> list[Item]:
    held = _held(table, where, [item.key for item in items if item.row is not None])
    return [item for item in items if item.row is None or item.key in held]


def _held(table: MemoryTable, where: Filter | None, keys: Sequence[str]) -> set[str]:
    """The keys whose rows are in the filter, with those whose rows cannot be read."""
    if where is None:
        return set(keys)
    fields = _fields(table, sorted(fields_of(where)))
    bad = {key for key in keys if _unreadable(key, fields, table.rows[key]) is not None}
    good = [key for key in keys if key not in bad]
    columns = {KEY: good, **{f.name: [table.rows[key][f.name] for key in good] for f in fields}}
    frame = pl.DataFrame(columns, {KEY: pl.String(), **{f.name: f.dtype for f in fields}})
    return bad | set(frame.filter(to_polars(where, frame.schema))[KEY])
