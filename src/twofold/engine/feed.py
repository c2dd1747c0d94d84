"""The changes of one side within a run: what came, what is gone, how far it was read; it never decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from twofold.core.names import TO, Side
from twofold.engine import deletes, reader
from twofold.engine.recorder import mark
from twofold.engine.task import PAGE
from twofold.ports import Bookmark, chunks

if TYPE_CHECKING:
    from twofold.engine.run import Run


class Feed:
    """The changes of one side within a run; nothing is read before its turn, lest it miss our own writes."""

    def __init__(self, run: Run, side: Side) -> None:
        self.host, self.side = run, side
        task = run.task
        self.signature = task.layout.feed_signature()
        self.bookmark = task.store.bookmark(task.name, side)
        self.start = reader.where_to_start(task, self.bookmark, self.signature)
        self.covers_all = self.start.whole
        self.deleted: list[str] = []
        self.fresh = 0
        self.cursor = ""
        self.count: int | None = None
        self.made_before = 0

    def run(self, *, judges_all: bool) -> None:
        """Process every page; the cursor is stored with each."""
        resumed = self.start.whole and self.start.since is not None
        self._read(self.start if judges_all else replace(self.start, thorough=False))
        if resumed:
            # What people changed since the interruption may lie before the place from which this went on.
            self.start = reader.Start(self.cursor, whole=False)
            self._read(self.start)

    def _read(self, start: reader.Start) -> None:
        task = self.host.task
        self.made_before = self.host.memory.balance(self.side)
        for number, page in enumerate(reader.feed(task, self.side, start, creates=task.policy.creates)):
            if number == 0:
                self.count = page.count
                task.progress.phase(f"{task.name} {TO[self.side.other]}", self._total())
            self.cursor = page.cursor
            self.deleted += page.deleted
            self.fresh += page.fresh
            self.host.note_unreadable({self.side: page.read.unreadable})
            matched = page.fresh > 0 and self.host.match_once()
            self._take(page.read.rows, None if matched else page.couplings)

    def _take(self, rows: pl.DataFrame, couplings: pl.DataFrame | None) -> None:
        """Process rows; their `couplings` are asked for unless given, as matching may have made some."""
        if rows.is_empty():
            self.host.check_stop()
            return
        pairs, problems = reader.pairs_of_rows(self.host.task, self.side, rows, couplings)
        self.host.note_unreadable({self.side.other: problems})
        self.host.process_pairs(pairs, self._bookmarks(complete=False))

    def _total(self) -> int | None:
        return self.count if self.start.whole else None

    def _bookmarks(self, *, complete: bool) -> dict[Side, Bookmark]:
        kept = self.bookmark if self.bookmark is not None else Bookmark("", "")
        creates = self.host.task.policy.creates
        # Who passes over new records may not say later that all of them were taken.
        wide = creates if self.start.since is None else kept.wide and (creates or not self.fresh)
        inside = reader.WHOLE if self.start.whole and not complete else ""
        return {
            self.side: replace(
                kept,
                cursor=self.cursor,
                signature=self.signature + inside,
                complete=complete,
                count=None if not complete else kept.count,
                wide=wide,
            )
        }

    def find_deletes(self) -> None:
        """What is gone from this side; then the side counts as read to its end."""
        run, task = self.host, self.host.task
        for couplings in deletes.reported(task, self.side, self.deleted):
            run.settle_gone(couplings)
        swept = self.bookmark.swept if self.bookmark is not None else None
        if self._must_sweep():
            arrived: list[str] = []
            for couplings in deletes.swept(task, self.side, arrived):
                run.settle_gone(couplings)
            if not self.covers_all:
                self._take_arrived(arrived)
            swept = task.clock.now()
        if task.plan is not None:
            return
        last = self._bookmarks(complete=True)[self.side]
        final = replace(last, count=self._expected_next(), swept=swept or task.clock.now())
        if final != self.bookmark:
            mark(task, {self.side: final})

    def _take_arrived(self, keys: Sequence[str]) -> None:
        """Records that the feed did not bring: they entered the filter, or the table, without a new stamp."""
        for part in chunks(keys, PAGE):
            read = reader.fetch(self.host.task, self.side, part)
            self.host.note_unreadable({self.side: read.unreadable})
            self.host.match_once()
            self._take(read.rows, None)

    def _must_sweep(self) -> bool:
        task = self.host.task
        if not self.host.memory.coupled:
            # Nothing was coupled when the run began, and what it coupled it has just seen.
            return False
        expected, count = self._expected_now(), self.count
        if task.ends[self.side].capabilities.reports_deletes and count is None:
            expected = count = 0
        # Deletes reported to a run that broke off may lie before the cursor from which this one went on.
        broke_off = self.bookmark is not None and not self.bookmark.complete
        return broke_off or deletes.sweep_is_due(task, self.bookmark, expected, count)

    def _expected_now(self) -> int | None:
        """How many records there should be: as many as last time, with what came and went since."""
        if self.bookmark is None or self.bookmark.count is None or self.bookmark.signature != self.signature:
            return None
        return self.bookmark.count + self.fresh + self.made_before - len(set(self.deleted))

    def _expected_next(self) -> int | None:
        if self.count is None:
            return None
        return self.count + self.host.memory.balance(self.side) - self.made_before
