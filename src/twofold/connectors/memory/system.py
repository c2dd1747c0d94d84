"""A business system in this process: tables, a clock, rules; it must never know that somebody synchronizes.

Its public verbs are what a person or another program does at that system. Every write stamps the row as real
systems do: the modified column from the settable clock, the row version from one counter for all tables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from twofold.connectors.memory.rows import Rejected, Row, accept, failure, key_of
from twofold.core.names import closest
from twofold.core.schema import Field, FieldType, Schema
from twofold.ports import ResultKind

Trigger = Callable[[Row], Row]
"""Takes a row as it is about to be stored and returns the row to store instead."""

TICK = timedelta(milliseconds=1)
"""How far the clock moves with every write, so that time passes without anybody waiting."""


@dataclass(slots=True)
class MemoryTable:
    """One table: its rows by key, and for each key (gone ones too) the counter value of its last change."""

    schema: Schema
    modified: str | None = None
    row_version: str | None = None
    unique: Sequence[str] = ()
    trigger: Trigger | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    made: int = 0
    horizon: int = 0

    @property
    def key(self) -> list[Field]:
        """The fields of the key."""
        return [self.schema[name] for name in self.schema.key]

    @property
    def stamps(self) -> set[str]:
        """The columns that the system alone writes."""
        return {name for name in (self.modified, self.row_version) if name is not None}


class MemorySystem:
    """A system in this process, as a person works with it.

    `now` is its clock, which a test may set; `coarse` makes stamps whole seconds. `identity` says which
    system this is; a test changes it to copy or re-point one. Every refused write raises `Rejected`.
    """

    def __init__(self, name: str = "memory", now: datetime | None = None, *, coarse: bool = False) -> None:
        self.name = name
        self.identity = f"memory:{name}"
        self.now = now or datetime(2024, 1, 1, tzinfo=UTC)
        self.coarse = coarse
        self.tables: dict[str, MemoryTable] = {}
        self.lock = threading.RLock()
        self.counter = 0

    def create_table(
        self,
        schema: Schema,
        *,
        modified: str | None = None,
        row_version: str | None = None,
        unique: Sequence[str] = (),
        trigger: Trigger | None = None,
    ) -> None:
        """Add an empty table with `schema.key` as its key.

        A key field that is `generated` is made by the system: an integer counts, any other is a UUID.
        `modified` and `row_version` name columns of the schema that the system keeps by itself. `trigger`
        changes rows on their way in, and makes the schema say so.
        """
        stamps = {modified, row_version}
        fields = tuple(
            replace(f, generated=True, read_only=True) if f.name in stamps else f for f in schema.fields
        )
        schema = replace(schema, fields=fields, rewrites=schema.rewrites or trigger is not None)
        self.tables[schema.table] = MemoryTable(schema, modified, row_version, tuple(unique), trigger)

    def advance(self, **amount: float) -> None:
        """Move the clock by `timedelta(**amount)`, backwards too."""
        self.now += timedelta(**amount)

    def rows(self, table: str) -> dict[str, Row]:
        """A copy of the rows by their keys."""
        with self.lock:
            return {key: dict(row) for key, row in self.table(table).rows.items()}

    def insert(self, table: str, row: Mapping[str, Any]) -> str:
        """Add a row and return its key."""
        with self.lock:
            target = self._writable(table, row)
            missing = {f.name: None for f in target.schema.fields if f.name not in row and not f.generated}
            made = self._generated(target, row)
            return self._store(target, None, {**missing, **row, **made}, {*missing, *row})

    def edit(self, table: str, key: str, /, **values: Any) -> None:
        """Change some fields of a row."""
        with self.lock:
            target = self._writable(table, values)
            self._store(target, key, {**self._existing(target, key), **values}, set(values))

    def delete(self, table: str, key: str) -> None:
        """Remove a row."""
        with self.lock:
            target = self._writable(table, {})
            self._existing(target, key)
            del target.rows[key], target.changed[key]
            self.counter += 1
            target.gone[key] = self.counter

    def stamp(self, table: str, key: str, moment: datetime | None) -> None:
        """Set the modified column only, as a late commit, an import or a wrong clock would."""
        with self.lock:
            target = self.table(table)
            if target.modified is None:
                raise ValueError(f"{table} has no modified column.")
            self._existing(target, key)[target.modified] = moment

    def plant(self, table: str, key: str, /, **values: Any) -> None:
        """Put values past all rules, as a careless import would; stamped as any edit."""
        with self.lock:
            target = self.table(table)
            self._put(target, key, {**self._existing(target, key), **values})

    def forget_changes(self, table: str) -> None:
        """Let every change token handed out so far expire."""
        target = self.table(table)
        target.gone.clear()
        target.horizon = self.counter + 1

    def table(self, name: str) -> MemoryTable:
        """The table called `name`; raises KeyError with a sentence if there is none."""
        found = self.tables.get(name)
        if found is None:
            raise KeyError(f'{self.name} has no table "{name}".{closest(name, self.tables)}')
        return found

    def _writable(self, name: str, values: Mapping[str, Any]) -> MemoryTable:
        table = self.table(name)
        if table.schema.read_only:
            raise Rejected(ResultKind.FAILED, f"{name} is read-only.")
        for written in values:
            known = table.schema.get(written)
            if known is None:
                raise Rejected(ResultKind.FAILED, table.schema.unknown(written), written)
            if known.read_only:
                raise failure(known, "is kept by the system and cannot be written")
        return table

    def _existing(self, table: MemoryTable, key: str) -> Row:
        row = table.rows.get(key)
        if row is None:
            raise Rejected(ResultKind.GONE, f"{table.schema.table} has no row {key}.")
        return row

    def _generated(self, table: MemoryTable, row: Mapping[str, Any]) -> Row:
        wanted = [f for f in table.schema.fields if f.generated and f.name not in row]
        return {f.name: self._make(table, f) if f in table.key else None for f in wanted}

    def _make(self, table: MemoryTable, made: Field) -> Any:
        table.made += 1
        return table.made if made.type is FieldType.INTEGER else str(UUID(int=table.made))

    def _store(self, table: MemoryTable, key: str | None, row: Row, written: set[str]) -> str:
        checked = {
            f.name: accept(f, row[f.name]) if f.name in written else row[f.name] for f in table.schema.fields
        }
        checked = table.trigger(checked) if table.trigger else checked
        for part in table.key:
            accept(replace(part, nullable=False), checked[part.name])
        placed = key_of(table.key, checked)
        if placed != key and placed in table.rows:
            raise Rejected(ResultKind.EXISTS, f"{table.schema.table} already has a row {placed}.")
        self._check_unique(table, key, checked)
        return self._move(table, key, placed, checked)

    def _check_unique(self, table: MemoryTable, key: str | None, row: Row) -> None:
        for name in table.unique:
            taken = {other[name] for known, other in table.rows.items() if known != key}
            if row[name] is not None and row[name] in taken:
                raise failure(table.schema[name], f"must be unique, and {row[name]!r} is taken")

    def _move(self, table: MemoryTable, old: str | None, key: str, row: Row) -> str:
        if old is not None and old != key:
            self.delete(table.schema.table, old)
        self._put(table, key, row)
        return key

    def _put(self, table: MemoryTable, key: str, row: Row) -> None:
        self.counter += 1
        if table.modified is not None:
            row[table.modified] = self._moment(row.get(table.modified))
        if table.row_version is not None:
            row[table.row_version] = self.counter
        table.rows[key], table.changed[key] = row, self.counter
        table.gone.pop(key, None)
        made = row[table.schema.key[0]]
        if isinstance(made, int):
            table.made = max(table.made, made)

    def _moment(self, replaced: datetime | None) -> datetime:
        self.now += TICK
        if self.coarse:
            return self.now.replace(microsecond=0)
        return self.now + timedelta(microseconds=1) if self.now == replaced else self.now
