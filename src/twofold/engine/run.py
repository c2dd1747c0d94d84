"""One run of one mapping, phase by phase; it must never know which connector or store it drives.

The phases, each of which may stop at any instruction and be run again:

1. recover    couplings that an earlier run reserved and never settled
2. reconsider records on the errors list, unless they are set aside
3. changes    what each side's feed brings, the smaller side first, so that what we create is not read again
4. deletes    records that are gone
5. revisit    records whose lookups had to wait for others of the same circle (the second pass)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import polars as pl

from twofold.core.frames import KEY
from twofold.core.names import COUNTERS, TO, Direction, EntryKind, JobStatus, JobType, Side
from twofold.core.pairing import pair, side_rows
from twofold.core.situation import Link
from twofold.engine import deletes, entries, reader
from twofold.engine.chunk import Memory, process
from twofold.engine.doubt import settle_doubts
from twofold.engine.recorder import Jobs, mark, record_unreadable
from twofold.engine.task import PAGE, Task
from twofold.engine.uncoupled import ensure_matched
from twofold.errors import Interrupted, TwofoldError
from twofold.ports import Bookmark, Unreadable, chunks

_PENDING = (Link.PENDING_RIGHT.value, Link.PENDING_LEFT.value, Link.IN_DOUBT.value)


@dataclass(slots=True)
class Run:
    """A run between `open` and `close`; several runs of a circle of mappings may be open at once."""

    task: Task
    jobs: dict[Direction, int] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    _held: ExitStack = field(default_factory=ExitStack)

    def open(self) -> Run:
        """Claim the mapping and write a job per direction; raises `Refused` if another run has it."""
        if self.task.plan is None:
            self._held.enter_context(self.task.store.claim(self.task.name))
            try:
                self._begin_jobs()
            except BaseException:
                self._held.close()
                raise
        return self

    def _begin_jobs(self) -> None:
        for direction in self.task.directions:
            job = self.task.store.begin_job(self.task.name, direction, JobType.SYNCHRONIZATION)
            self.jobs[direction] = job

    def close(self, error: BaseException | None = None) -> None:
        """Finish the jobs and let go of the mapping."""
        status = JobStatus.FINISHED if error is None or isinstance(error, Interrupted) else JobStatus.FAILED
        try:
            for job in self.jobs.values():
                self.task.store.finish_job(job, status, _message(error))
        finally:
            self._held.close()

    def first_pass(self) -> None:
        """Everything but the second pass."""
        memory, task = self.memory, self.task
        memory.entries = next(iter(task.store.entry_pages(task.name, 1)), pl.DataFrame()).height > 0
        self._recover()
        self._reconsider()
        self._changes()

    def second_pass(self) -> None:
        """The lookups that had to wait, again and again while that helps."""
        if self.task.plan is not None or not self.task.layout.circular:
            return
        if self.memory.struck is None:
            self.memory.struck = set()
        waiting = self._blocked()
        while waiting.height:
            self._forget_handled(waiting)
            for pairs in entries.pairs_of_entries(self.task, waiting):
                # The writes of those that were inserted a moment ago were counted then; the others wait to be.
                held = pl.col("left_key").is_in(list(self.memory.held)).fill_null(value=False)
                self._process(pairs.filter(~held), quiet=True)
                self._process(pairs.filter(held))
            self.memory.held.clear()
            left = self._blocked()
            if left.height >= waiting.height:
                break
            waiting = left

    def named(self) -> None:
        """Only the chosen records, wherever the cursors are."""
        task = self.task
        self._withhold_doubtful()
        couplings = entries.couplings_of_keys(task, task.options.left, task.options.right)
        couplings, _ = settle_doubts(task, couplings)
        pairs, problems = reader.pairs_of_couplings(task, couplings)
        self._unreadable(problems)
        self._process(pairs, named=True)
        for side, keys in ((Side.LEFT, task.options.left), (Side.RIGHT, task.options.right)):
            known = couplings[f"{side}_key"].to_list()
            rows = reader.fetch(task, side, [key for key in keys if key not in known])
            self._unreadable({side: rows.unreadable})
            if rows.rows.height:
                self._process(uncoupled_pairs(task, side, rows.rows), named=True)

    # -- phases --------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        for couplings in self.task.store.pages(self.task.name, PAGE, _PENDING):
            settled, candidates = settle_doubts(self.task, couplings)
            self._withhold(candidates)
            pairs, problems = reader.pairs_of_couplings(self.task, settled)
            self._unreadable(problems)
            self._process(pairs)

    def _withhold_doubtful(self) -> None:
        """A named record that may be the one an earlier insert made is not a new one."""
        for couplings in self.task.store.pages(self.task.name, PAGE, (Link.IN_DOUBT.value,)):
            self._withhold(settle_doubts(self.task, couplings)[1])

    def _withhold(self, candidates: Mapping[Side, set[str]]) -> None:
        for side, keys in candidates.items():
            self.memory.withheld[side].update(keys)

    def _reconsider(self) -> None:
        if not self.memory.entries:
            return
        self._ensure_matched()
        for found in self.task.store.entry_pages(self.task.name, PAGE):
            live = entries.worth_another_look(self.task, found)
            for pairs in entries.pairs_of_entries(self.task, live):
                self._process(pairs)
            entries.forget_vanished(self.task, live)

    def _changes(self) -> None:
        feeds = [Feed(self, side) for side in self.task.sources]
        others = [side for side in Side if side not in self.task.sources]
        judges_all = self.task.store.coupling_count(self.task.name) > 0
        for feed in self._smaller_first(feeds):
            feed.run(judges_all=judges_all)
            # Every pair has been judged by now; the other feed brings what is new to it.
            judges_all = False
        for feed in feeds:
            feed.find_deletes()
        for side in others:
            self._deletes_on_target(side)

    def _smaller_first(self, feeds: list[Feed]) -> list[Feed]:
        """Where both sides are read whole, the smaller goes first: what it creates is not read again."""
        if any(feed.start.since is not None for feed in feeds) or len(feeds) < 2:
            return feeds
        sizes = {feed.side: reader.count_on(self.task, feed.side) for feed in feeds}
        unknown = 1 << 60
        return sorted(
            feeds, key=lambda feed: unknown if sizes[feed.side] is None else int(sizes[feed.side] or 0)
        )

    def _deletes_on_target(self, side: Side) -> None:
        """A run reads no changes from a side that is only its target, but what vanished there must be noticed."""
        task = self.task
        bookmark, count = task.store.bookmark(task.name, side), reader.count_on(task, side)
        before = self.memory.balance(side)
        expected = None if bookmark is None or bookmark.count is None else bookmark.count + before
        swept = bookmark.swept if bookmark is not None else None
        if task.store.coupling_count(task.name) and deletes.sweep_is_due(task, bookmark, expected, count):
            for gone in deletes.swept(task, side, []):
                self._gone(gone)
            swept = task.clock.now()
        # Where the mapping reads this side too, its bookmark is no business of a narrowed run.
        if task.plan is None and not task.layout.mapping.direction.writes(side.other):
            after = None if count is None else count + self.memory.balance(side) - before
            final = Bookmark("", "", count=after, swept=swept or task.clock.now())
            if final != bookmark:
                mark(task, {side: final})

    # -- shared --------------------------------------------------------------------------------------------

    def _gone(self, couplings: pl.DataFrame) -> None:
        pairs, problems = reader.pairs_of_couplings(self.task, couplings)
        self._unreadable(problems)
        self._process(pairs)

    def _process(
        self,
        pairs: pl.DataFrame,
        bookmarks: Mapping[Side, Bookmark] | None = None,
        *,
        named: bool = False,
        quiet: bool = False,
    ) -> None:
        self._check_stop()
        fresh = self._without_handled(pairs) if not quiet else pairs
        if fresh.height:
            process(self.task, self.jobs, self.memory, fresh, bookmarks, named=named, quiet=quiet)
        elif bookmarks and self.task.plan is None:
            mark(self.task, bookmarks)

    def _without_handled(self, pairs: pl.DataFrame) -> pl.DataFrame:
        for side, keys in self.memory.handled.items():
            if keys:
                pairs = pairs.filter(~pl.col(f"{side}_key").is_in(list(keys)).fill_null(value=False))
        return pairs

    def _forget_handled(self, waiting: pl.DataFrame) -> None:
        for side in Side:
            self.memory.handled[side].difference_update(waiting[f"{side}_key"].drop_nulls().to_list())

    def _blocked(self) -> pl.DataFrame:
        frames = list(self.task.store.entry_pages(self.task.name, PAGE))
        blocked = [
            frame.filter((pl.col("kind") == EntryKind.BLOCKED.value) & ~pl.col("skipped")) for frame in frames
        ]
        return pl.concat(blocked) if blocked else pl.DataFrame({"left_key": [], "right_key": []})

    def _unreadable(self, problems: Mapping[Side, Sequence[Unreadable]]) -> None:
        for side, found in problems.items():
            fresh = [problem for problem in found if problem.key not in self.memory.handled[side]]
            if fresh and self.task.plan is None:
                record_unreadable(self.task, self.jobs, side, fresh)
                self.memory.entries = True
                self.memory.handled[side].update(problem.key for problem in fresh)

    def _ensure_matched(self) -> None:
        ensure_matched(self.task, self.jobs, self.memory)

    def _check_stop(self) -> None:
        if self.task.progress.should_stop():
            raise Interrupted("Stopped. What was done is recorded; run the same command again to go on.")


def uncoupled_pairs(task: Task, side: Side, rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of rows that have no coupling."""
    frames = {
        own: side_rows(
            rows if own is side else reader.empty_rows(task.read(own), task.ends[own].schema),
            own,
            task.layout.schema(own),
            task.layout.filters[own],
        )
        for own in Side
    }
    couplings = task.store.couplings(task.name, side, [])
    return pair(couplings, frames[Side.LEFT], frames[Side.RIGHT])


class Feed:
    """The changes of one side within a run; nothing is read before its turn, or it would miss our own writes."""

    def __init__(self, run: Run, side: Side) -> None:
        self.host, self.side = run, side
        task = run.task
        self.signature = task.layout.feed_signature()
        self.bookmark = task.store.bookmark(task.name, side)
        self.start = reader.where_to_start(task, self.bookmark, self.signature)
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
            self.host._unreadable({self.side: page.read.unreadable})
            self._take(page.read.rows, fresh=page.fresh > 0)

    def _take(self, rows: pl.DataFrame, *, fresh: bool) -> None:
        if rows.is_empty():
            self.host._check_stop()
            return
        if fresh:
            self.host._ensure_matched()
        pairs, problems = reader.pairs_of_rows(self.host.task, self.side, rows)
        self.host._unreadable({self.side.other: problems})
        self.host._process(pairs, self._bookmarks(complete=False))

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
            run._gone(couplings)
        swept = self.bookmark.swept if self.bookmark is not None else None
        if self._must_sweep():
            arrived: list[str] = []
            for couplings in deletes.swept(task, self.side, arrived):
                run._gone(couplings)
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
            self.host._unreadable({self.side: read.unreadable})
            self._take(read.rows, fresh=True)

    def _must_sweep(self) -> bool:
        task = self.host.task
        if not task.store.coupling_count(task.name):
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


def synchronize(task: Task) -> Run:
    """Run one mapping by itself, second pass included; the returned run has its jobs and totals."""
    run = Run(task).open()
    try:
        if task.options.named:
            run.named()
        else:
            run.first_pass()
        run.second_pass()
    except BaseException as error:
        run.close(error)
        raise
    run.close()
    return run


def _message(error: BaseException | None) -> str:
    if error is None:
        return ""
    return str(error) if isinstance(error, TwofoldError) else f"Broke off: {type(error).__name__}."


__all__ = ["COUNTERS", "KEY", "Jobs", "Run", "synchronize"]
