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
from dataclasses import dataclass, field

import polars as pl

from twofold.core.names import Direction, EntryKind, JobStatus, JobType, Side
from twofold.core.situation import Link
from twofold.engine import deletes, entries, reader
from twofold.engine.chunk import Memory, process
from twofold.engine.doubt import settle_doubts
from twofold.engine.feed import Feed
from twofold.engine.recorder import mark, record_unreadable
from twofold.engine.task import PAGE, Task
from twofold.engine.uncoupled import ensure_matched
from twofold.errors import Interrupted, TwofoldError
from twofold.ports import Bookmark, Unreadable

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
                # Those that were inserted a moment ago were counted then; the others wait to be.
                held = pl.col("left_key").is_in(list(self.memory.held)).fill_null(value=False)
                self.process_pairs(pairs.filter(~held), quiet=True)
                self.process_pairs(pairs.filter(held))
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
        self.note_unreadable(problems)
        self.process_pairs(pairs, named=True)
        for side, keys in ((Side.LEFT, task.options.left), (Side.RIGHT, task.options.right)):
            known = couplings[f"{side}_key"].to_list()
            rows = reader.fetch(task, side, [key for key in keys if key not in known])
            self.note_unreadable({side: rows.unreadable})
            if rows.rows.height:
                self.process_pairs(reader.uncoupled_pairs(task, side, rows.rows), named=True)

    # -- phases --------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        for couplings in self.task.store.pages(self.task.name, PAGE, _PENDING):
            settled, candidates = settle_doubts(self.task, couplings)
            self._withhold(candidates)
            pairs, problems = reader.pairs_of_couplings(self.task, settled)
            self.note_unreadable(problems)
            self.process_pairs(pairs)

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
        self.match_once()
        for found in self.task.store.entry_pages(self.task.name, PAGE):
            live = entries.worth_another_look(self.task, found)
            for pairs in entries.pairs_of_entries(self.task, live):
                self.process_pairs(pairs)
            entries.forget_vanished(self.task, live)

    def _changes(self) -> None:
        feeds = [Feed(self, side) for side in self.task.sources]
        others = [side for side in Side if side not in self.task.sources]
        judges_all = self.memory.coupled = self.task.store.coupling_count(self.task.name) > 0
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
        """A run reads no changes from what is only its target, but what vanished there must be noticed."""
        task = self.task
        bookmark, count = task.store.bookmark(task.name, side), reader.count_on(task, side)
        before = self.memory.balance(side)
        expected = None if bookmark is None or bookmark.count is None else bookmark.count + before
        swept = bookmark.swept if bookmark is not None else None
        if self.memory.coupled and deletes.sweep_is_due(task, bookmark, expected, count):
            for gone in deletes.swept(task, side, []):
                self.settle_gone(gone)
            swept = task.clock.now()
        # Where the mapping reads this side too, its bookmark is no business of a narrowed run.
        if task.plan is None and not task.layout.mapping.direction.writes(side.other):
            after = None if count is None else count + self.memory.balance(side) - before
            final = Bookmark("", "", count=after, swept=swept or task.clock.now())
            if final != bookmark:
                mark(task, {side: final})

    # -- shared --------------------------------------------------------------------------------------------

    def settle_gone(self, couplings: pl.DataFrame) -> None:
        """Judge the pairs of couplings whose record may be gone."""
        pairs, problems = reader.pairs_of_couplings(self.task, couplings)
        self.note_unreadable(problems)
        self.process_pairs(pairs)

    def process_pairs(
        self,
        pairs: pl.DataFrame,
        bookmarks: Mapping[Side, Bookmark] | None = None,
        *,
        named: bool = False,
        quiet: bool = False,
    ) -> None:
        """Judge, write and record pairs, then the bookmarks; what was handled in this run is left out."""
        self.check_stop()
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

    def note_unreadable(self, problems: Mapping[Side, Sequence[Unreadable]]) -> None:
        """Put records that cannot be read on the errors list, once per run."""
        for side, found in problems.items():
            fresh = [problem for problem in found if problem.key not in self.memory.handled[side]]
            if fresh and self.task.plan is None:
                record_unreadable(self.task, self.jobs, side, fresh)
                self.memory.entries = True
                self.memory.handled[side].update(problem.key for problem in fresh)

    def match_once(self) -> bool:
        """Couple what belongs together, before anything is created; whether it was done now."""
        return ensure_matched(self.task, self.jobs, self.memory)

    def check_stop(self) -> None:
        """Raises `Interrupted` if a person asked to stop."""
        if self.task.progress.should_stop():
            raise Interrupted("Stopped. What was done is recorded; run the same command again to go on.")


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
