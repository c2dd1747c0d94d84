"""Which rows a feed hands over, in which order, and what its cursors mean; it must never write.

A cursor is JSON: `since`, the mark everything after which is wanted (null: everything); inside an unfinished
feed also `at`, the place of the last row handed over, and `end`, the mark the finished feed will store. Each
page is looked up anew, as a real system would be asked, so `end` is fixed before the first page: whatever
changes while the feed is being read comes again in the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from twofold.connectors.memory.rows import Row
from twofold.connectors.memory.system import MemorySystem, MemoryTable
from twofold.core.names import FeedKind

OVERLAP = timedelta(minutes=15)
"""How far a modified-since feed reads back: what clocks and long transactions may be late by."""

_FIRST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a feed stands; see the module."""

    since: Any = None
    at: list[Any] | None = None
    end: Any = None

    def text(self) -> str:
        """The cursor as the engine keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def read_cursor(text: str | None) -> Cursor:
    """The cursor in a text, or the beginning."""
    return Cursor() if text is None else Cursor(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Item:
    """One row on its way out; a row of None was deleted."""

    place: list[Any]
    key: str
    row: Row | None


@dataclass(frozen=True, slots=True)
class Feed:
    """How one kind of feed finds what changed.

    `mark` is where the feed ends if it begins now; `items` are the rows after a mark, in any order.
    """

    mark: Callable[[MemorySystem, MemoryTable, Any], Any]
    items: Callable[[MemoryTable, Any], Iterator[Item]]


def begin(system: MemorySystem, table: MemoryTable, kind: FeedKind, text: str | None) -> Cursor:
    """The cursor to read from: the one given, with its end fixed; a token that expired starts anew."""
    cursor = read_cursor(text)
    if kind is FeedKind.DELTA and cursor.since is not None and cursor.since < table.horizon:
        cursor = Cursor()
    if cursor.at is not None:
        return cursor
    return replace(cursor, end=FEEDS[kind].mark(system, table, cursor.since))


def pending(table: MemoryTable, kind: FeedKind, cursor: Cursor) -> list[Item]:
    """What is still to be handed over, in the order of the feed."""
    items = FEEDS[kind].items(table, cursor.since)
    left = items if cursor.at is None else (item for item in items if item.place > (cursor.at or []))
    return sorted(left, key=lambda item: item.place)


def after(cursor: Cursor, page: list[Item], *, last: bool) -> Cursor:
    """The cursor to store once `page` is recorded."""
    return Cursor(since=cursor.end) if last else replace(cursor, at=page[-1].place)


def _all(table: MemoryTable) -> Iterator[Item]:
    return (Item([key], key, row) for key, row in table.rows.items())


# -- modified since: stamps of a clock that may be wrong, so the feed reads back and repeats ----------------


def _stamp(table: MemoryTable, row: Row) -> datetime | None:
    stamp: datetime | None = row[table.modified or ""]
    return stamp


def _mark_modified(system: MemorySystem, table: MemoryTable, since: str | None) -> str:
    stamps = [stamp for row in table.rows.values() if (stamp := _stamp(table, row)) is not None]
    # A stamp in the future must not pull the mark past edits that are still to come.
    end = min([max(stamps, default=system.now), system.now])
    return max(end, _moment(since)).isoformat()


def _moment(text: str | None) -> datetime:
    return _FIRST if text is None else datetime.fromisoformat(text)


def _modified_items(table: MemoryTable, since: str | None) -> Iterator[Item]:
    if since is None:
        yield from _all(table)
        return
    bound = _moment(since) - OVERLAP
    for key, row in table.rows.items():
        stamp = _stamp(table, row)
        if stamp is None or stamp >= bound:
            yield Item([(stamp or _FIRST).timestamp(), key], key, row)


# -- row version: one counter of the system, so the order is certain and nothing comes twice ----------------


def _mark_counter(system: MemorySystem, _table: MemoryTable, _since: int | None) -> int:
    return system.counter


def _version_items(table: MemoryTable, since: int | None) -> Iterator[Item]:
    if since is None:
        yield from _all(table)
        return
    for key, row in table.rows.items():
        version = row[table.row_version or ""]
        if version > since:
            yield Item([version, key], key, row)


# -- delta: the same counter, and what was deleted ----------------------------------------------------------


def _delta_items(table: MemoryTable, since: int | None) -> Iterator[Item]:
    if since is None:
        yield from _all(table)
        return
    yield from (Item([at, key], key, table.rows[key]) for key, at in table.changed.items() if at > since)
    yield from (Item([at, key], key, None) for key, at in table.gone.items() if at > since)


# -- snapshot: everything, every time -----------------------------------------------------------------------


def _mark_nothing(_system: MemorySystem, _table: MemoryTable, _since: Any) -> None:
    return None


def _every_item(table: MemoryTable, _since: Any) -> Iterator[Item]:
    return _all(table)


FEEDS: dict[FeedKind, Feed] = {
    FeedKind.MODIFIED: Feed(_mark_modified, _modified_items),
    FeedKind.ROW_VERSION: Feed(_mark_counter, _version_items),
    FeedKind.DELTA: Feed(_mark_counter, _delta_items),
    FeedKind.SNAPSHOT: Feed(_mark_nothing, _every_item),
}
