"""Changes of one table page by page, and the cursors between pages; it must never keep a transaction open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from twofold.connectors.sql.connection import Database
from twofold.connectors.sql.dialects import Dialect, Element, run
from twofold.connectors.sql.reader import OVERLAP, Batch, Reader
from twofold.connectors.sql.relation import Column
from twofold.connectors.sql.values import decode
from twofold.connectors.sql.where import Pushed
from twofold.core.names import FeedKind
from twofold.ports import ChangePage, Unreadable

LATE_VERSIONS = 1000
"""A row version may be committed after so many later ones."""
_SHOWN_NULL_KEYS = 100
_BEYOND = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reading stands, as JSON.

    `after`: everything marked later is new; null where that is not known, which means everything. `ceiling`
    is how far the cursor may move at the end of this reading, `best` the latest mark seen in it. `phase` and
    `last` say after which row an interrupted reading goes on: `keys` (all rows), `unmarked`, or `marked`.
    """

    feed: str
    after: str | int | None = None
    ceiling: str | int | None = None
    best: str | int | None = None
    phase: str | None = None
    last: tuple[Any, ...] | None = None

    def text(self) -> str:
        """The cursor as the engine keeps it."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    return {"bytes": value.hex()} if isinstance(value, bytes) else str(value)


def read_cursor(text: str | None, feed: FeedKind) -> Cursor:
    """The cursor of a text; one of another feed, or of no sense, starts from the beginning."""
    try:
        found = json.loads(text or "{}")
        cursor = Cursor(**found)
    except (TypeError, ValueError):
        return Cursor(feed)
    if cursor.feed != feed:
        return Cursor(feed)
    last = cursor.last
    return cursor if last is None else replace(cursor, last=tuple(_restored(value) for value in last))


def _restored(value: Any) -> Any:
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


@dataclass(slots=True)
class Feed:
    """One reading of one table."""

    database: Database
    reader: Reader
    pushed: Pushed
    cursor: Cursor
    own_clock: datetime

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database."""
        return self.database.dialect

    def pages(self) -> Iterator[ChangePage]:
        """The pages, each read by a statement of its own."""
        count, unkeyed, young = self._begin()
        for phase in self._phases():
            for batch, is_last in self._walk(phase, young):
                if is_last and phase == "unmarked" and not batch.height:
                    break
                cursor = self.cursor.text()
                yield ChangePage(batch.rows, (), (*unkeyed, *batch.unreadable), cursor, count)
                unkeyed = ()

    def _phases(self) -> Sequence[str]:
        if self.cursor.phase == "keys":
            return ("keys",)
        return ("marked",) if self.cursor.phase == "marked" else ("unmarked", "marked")

    # -- the beginning -------------------------------------------------------------------------------------

    def _begin(self) -> tuple[int, tuple[Unreadable, ...], datetime | None]:
        with self.database.reading() as connection:
            young = None
            clock: datetime | None = None
            if self.reader.table.feed is FeedKind.MODIFIED:
                clock = self.dialect.clock(connection)
                young = min(clock, self.own_clock) - OVERLAP
            if self.cursor.phase is None:
                self._start(connection, clock)
            return self._count(connection), self._unkeyed(connection), young

    def _start(self, connection: sa.Connection, clock: datetime | None) -> None:
        mark = self.reader.mark
        if mark is None or self.cursor.after is None:
            ceiling = self._latest(connection, mark, clock) if mark is not None else None
            self.cursor = replace(self.cursor, phase="keys", ceiling=ceiling)
        else:
            ceiling = clock.isoformat() if clock is not None else None
            self.cursor = replace(self.cursor, phase="unmarked", ceiling=ceiling)

    def _latest(self, connection: sa.Connection, mark: Column, clock: datetime | None) -> str | int | None:
        """The latest mark there is, at most the server's clock; None for a table without marks."""
        column = self.reader.relation.expression(mark.field.name)
        shown = self.dialect.text(sa.func.max(column)) if self.dialect.is_strict else sa.func.max(column)
        statement = sa.select(shown)
        if clock is not None:
            # What lies beyond every zone's tomorrow, or is no moment at all, must not hide the latest stamp.
            statement = statement.where(column < self.dialect.placed(mark, f"{clock + _BEYOND:%Y-%m-%d}"))
        rows = self.dialect.read(connection, statement)
        found = _as_mark(decode([rows[0][0]], mark.field, mark.unit))
        if clock is None or not isinstance(found, str):
            return found
        return min(found, clock.isoformat(), key=datetime.fromisoformat)

    def _count(self, connection: sa.Connection) -> int:
        condition = sa.and_(self.pushed.clause, *self._keyed())
        if self.pushed.exact:
            return int(
                run(connection, sa.select(sa.func.count()).select_from(self._source).where(condition))[0][0]
            )
        judge = Reader(self.reader.relation, self.reader.table, (), self.dialect, where=self.reader.where)
        return judge.read(self.dialect.read(connection, judge.select().where(condition))).rows.height

    def _unkeyed(self, connection: sa.Connection) -> tuple[Unreadable, ...]:
        """Rows without a key, of which SQLite's primary keys may have some; told once, on the first page."""
        names = [name for name in self.reader.table.key if self.reader.relation[name].field.nullable]
        if not names or self.cursor.last is not None:
            return ()
        empty = sa.or_(*(self.reader.relation.expression(name).is_(None) for name in names))
        statement = sa.select(sa.literal(1)).select_from(self._source).where(empty, self.pushed.clause)
        found = len(run(connection, statement.limit(_SHOWN_NULL_KEYS)))
        text = f"{found} records of {self.reader.table.name} have no key. Give them one, or remove them."
        return (Unreadable("", names[0], text),) if found else ()

    @property
    def _source(self) -> sa.TableClause:
        return self.reader.relation.source

    def _keyed(self) -> list[Element]:
        columns = (self.reader.relation[name] for name in self.reader.table.key)
        return [
            self.reader.relation.expression(c.field.name).is_not(None) for c in columns if c.field.nullable
        ]

    # -- page by page --------------------------------------------------------------------------------------

    def _walk(self, phase: str, young: datetime | None) -> Iterator[tuple[Batch, bool]]:
        if self.cursor.phase != phase:
            self.cursor = replace(self.cursor, phase=phase, last=None)
        size = self.database.settings.page_size
        is_last = False
        while not is_last:
            with self.database.reading() as connection:
                batch = self.reader.read(self.dialect.read(connection, self._statement(phase, size)), young)
            is_last = batch.height < size
            self._advance(phase, batch, is_last=is_last)
            yield batch, is_last

    def _advance(self, phase: str, batch: Batch, *, is_last: bool) -> None:
        best = _later(self.cursor.best, _as_mark(batch.marks) if phase == "marked" else None)
        if is_last and phase != "unmarked":
            self.cursor = Cursor(self.cursor.feed, self._final(phase, best))
        elif batch.last is not None:
            last = batch.last if phase == "marked" else batch.last[1:]
            self.cursor = replace(self.cursor, best=best, last=last)

    def _final(self, phase: str, best: str | int | None) -> str | int | None:
        if phase == "keys":
            return self.cursor.ceiling
        if isinstance(best, str) and isinstance(self.cursor.ceiling, str):
            best = min(best, self.cursor.ceiling, key=datetime.fromisoformat)
        return _later(self.cursor.after, best)

    def _statement(self, phase: str, size: int) -> sa.Select[Any]:
        key = [self._ordered(name) for name in self.reader.table.key]
        places = [self.reader.relation[name] for name in self.reader.table.key]
        conditions = [self.pushed.clause, *self._keyed()]
        mark = self.reader.mark
        if phase != "keys" and mark is not None:
            column = self.reader.relation.expression(mark.field.name)
            conditions.append(column.is_(None) if phase == "unmarked" else self._bound(mark))
            if phase == "marked":
                key, places = [column, *key], [self.reader.relation[mark.field.name], *places]
        if self.cursor.last is not None:
            conditions.append(self._beyond(key, places, self.cursor.last))
        return self.reader.select().where(*conditions).order_by(*key).limit(sa.literal_column(str(size)))

    def _ordered(self, name: str) -> Element:
        unique = self.reader.relation.is_unique(self.reader.table.key)
        return self.dialect.ordered(self.reader.relation, name, unique=unique)

    def _beyond(self, columns: Sequence[Element], places: Sequence[Column], last: Sequence[Any]) -> Element:
        values = [self.dialect.placed(column, value) for column, value in zip(places, last, strict=True)]
        if len(columns) == 1:
            return columns[0] > values[0]
        # Not every database finds its way through an index by a comparison of rows.
        return sa.and_(columns[0] >= values[0], sa.tuple_(*columns) > sa.tuple_(*values))

    def _bound(self, mark: Column) -> Element:
        after = self.cursor.after
        if isinstance(after, str):
            moment = datetime.fromisoformat(after) - OVERLAP - self.reader.step
            return self.dialect.since(self.reader.relation, mark, moment)
        column = self.reader.relation.expression(mark.field.name)
        return column > self.dialect.placed(mark, int(after or 0) - LATE_VERSIONS)


def _as_mark(marks: pl.Series) -> str | int | None:
    found: Any = marks.max()
    if found is None:
        return None
    if isinstance(found, datetime):
        return found.astimezone(UTC).isoformat()
    return int(found) if not hasattr(found, "isoformat") else f"{found}T00:00:00+00:00"


def _later(one: str | int | None, two: str | int | None) -> str | int | None:
    if one is None or two is None:
        return one if two is None else two
    if isinstance(one, str) and isinstance(two, str):
        return max(one, two, key=datetime.fromisoformat)
    return max(one, two)
