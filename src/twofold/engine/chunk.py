"""One chunk of pairs from judgement to record: the only place where deciding, writing and recording meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from twofold.core.classify import action_is, classify, with_values
from twofold.core.decide import ASKS, Action
from twofold.core.names import TO, Direction, EntryKind, Side
from twofold.core.outcome import Outcome, conclude
from twofold.core.pairing import now
from twofold.core.plan import planned
from twofold.core.writes import derive
from twofold.engine.applier import apply, key_source, new_keys, ready
from twofold.engine.lookups import resolve
from twofold.engine.reader import pairs_of_couplings
from twofold.engine.recorder import Jobs, record
from twofold.engine.task import Task
from twofold.engine.waiting import entries_of, hold, struck_in, unfinished
from twofold.errors import Unreachable
from twofold.ports import Bookmark, no_entries

ROUNDS = 3
"""How often a record that keeps moving under us is read and decided again in one run."""


@dataclass(slots=True)
class Memory:
    """What one run remembers of its chunks.

    `handled`: keys with an open question or failure, looked at once per run. `withheld`: keys that must not
    be inserted, because it is not clear with which record they belong together. `made`, `removed`: our own
    inserts and deletes per side, for the expected number of records. `unfinished`: left keys of pairs just
    inserted without some lookup; `held`: those of other pairs that wait for the second pass; `struck`:
    those that failed in that pass, None before it. `coupled`: there were couplings when the run began.
    """

    handled: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})
    withheld: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})
    made: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    removed: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    entries: bool = True
    coupled: bool = True
    matched: bool = False
    unfinished: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    struck: set[str] | None = None
    totals: dict[Direction, dict[str, int]] = field(default_factory=dict)
    planned: dict[Side, dict[str, str | None]] = field(default_factory=lambda: {side: {} for side in Side})

    def balance(self, side: Side) -> int:
        """By how many records our own writes changed the number on `side`."""
        return self.made[side] - self.removed[side]


def process(
    task: Task,
    jobs: Jobs,
    memory: Memory,
    pairs: pl.DataFrame,
    bookmarks: Mapping[Side, Bookmark] | None = None,
    *,
    named: bool = False,
    quiet: bool = False,
) -> None:
    """Judge, write and record a chunk; pairs that moved under us are read and decided again."""
    for rounds in range(ROUNDS):
        derived, entries = judge(task, memory, pairs, named=named)
        if task.plan is not None:
            _plan(task, memory, derived)
            return
        derived, held = hold(task.layout, derived, memory.struck)
        done = apply(task, derived)
        again = _moved(done) if rounds < ROUNDS - 1 else pl.DataFrame()
        done = _without_moved(done, last=rounds == ROUNDS - 1)
        outcome = conclude(task.layout, done, entries, task.directions, quiet=quiet)
        outcome.entries = pl.concat([outcome.entries, entries_of(task.layout, held, done, entries)])
        if memory.struck is not None:
            memory.struck.update(struck_in(done))
        memory.unfinished.update(unfinished(done))
        memory.held.update({*held["left_key"].to_list()} - memory.unfinished)
        _remember(task, memory, done, outcome)
        record(task, jobs, outcome, None if again.height else bookmarks)
        task.progress.advance(pairs.height)
        _raise_if_unanswered(task, done)
        if not again.height:
            return
        pairs = _read_again(task, again)


def judge(
    task: Task, memory: Memory, pairs: pl.DataFrame, *, named: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The derived frame of a chunk, and the entries about its pairs."""
    pairs = _not_withheld(memory, pairs)
    lookups = resolve(task, with_values(task.layout, pairs)) if _looks_up(task) else resolve(task, pairs)
    judged = classify(task.layout, pairs, lookups, task.policy, full=task.options.full)
    entries = _entries(task, memory, judged)
    judged = judged.with_columns(
        pl.lit(value=named).alias("named"),
        *(_set_aside(entries, side).alias(f"{side}_skipped") for side in Side),
    )
    return derive(task.layout, judged, task.writable), entries


def _looks_up(task: Task) -> bool:
    return any(line.pair.lookup is not None for line in task.layout.lines)


def _not_withheld(memory: Memory, pairs: pl.DataFrame) -> pl.DataFrame:
    for side, keys in memory.withheld.items():
        if keys:
            held = pl.col("id").is_null() & pl.col(f"{side}_key").is_in(list(keys)).fill_null(value=False)
            pairs = pairs.filter(~held)
    return pairs


def _entries(task: Task, memory: Memory, judged: pl.DataFrame) -> pl.DataFrame:
    if not memory.entries:
        return no_entries()
    keys = [judged[f"{side}_key"].drop_nulls().to_list() for side in Side]
    return task.store.entries(task.name, *keys)


def _set_aside(entries: pl.DataFrame, side: Side) -> pl.Expr:
    """Whether writing to `side` is skipped; a source that changed since then has a new chance."""
    source = side.other
    held = entries.filter(pl.col("skipped") & (pl.col("direction") == TO[side].value))
    if held.is_empty():
        return pl.lit(value=False)
    by_source = dict(zip(held[f"{source}_key"], held[f"{source}_version"], strict=True))
    keys = [key for key in by_source if key is not None]
    versions = [by_source[key] for key in keys]
    known = pl.col(f"{source}_key").replace_strict(keys, versions, default=None, return_dtype=pl.String)
    there = pl.col(f"{source}_key").is_in(keys)
    return (there & known.eq_missing(pl.col(now(source)))).fill_null(value=False)


# -- after the write ---------------------------------------------------------------------------------------


def _moved(done: pl.DataFrame) -> pl.DataFrame:
    return done.filter(pl.any_horizontal(pl.col(f"{side}_again") for side in Side))


def _without_moved(done: pl.DataFrame, *, last: bool) -> pl.DataFrame:
    """What moved is not a failure yet; in the last round it is one, with a sentence."""
    for side in Side:
        again = pl.col(f"{side}_again")
        sentence = pl.lit("The record kept changing while it was being written; the next run tries again.")
        error = pl.when(again & last).then(sentence).when(~again).then(pl.col(f"{side}_error"))
        moves = again & (not last)
        done = done.with_columns(error.alias(f"{side}_error"), moves.alias(f"{side}_again"))
    return done


def _read_again(task: Task, again: pl.DataFrame) -> pl.DataFrame:
    keys = again["left_key"].drop_nulls().to_list()
    couplings = task.store.couplings(task.name, Side.LEFT, keys)
    pairs, _ = pairs_of_couplings(task, couplings)
    return pairs


def _remember(task: Task, memory: Memory, done: pl.DataFrame, outcome: Outcome) -> None:
    moved = pl.any_horizontal(pl.col(f"{side}_again") for side in Side)
    failed = pl.any_horizontal(pl.col(f"{side}_error").is_not_null() for side in Side)
    open_pairs = done.filter((action_is("ask_update", "ask_deleted", "ask_doubt") | failed) & ~moved)
    for side in Side:
        memory.handled[side].update(open_pairs[f"{side}_key"].drop_nulls().to_list())
        ops = done.filter(pl.col(f"{side}_done"))[f"{side}_op"]
        memory.made[side] += int((ops == "insert").sum())
        memory.removed[side] += int((ops == "delete").sum())
    memory.entries = memory.entries or outcome.entries.height > 0
    for direction, counts in outcome.counters.items():
        totals = memory.totals.setdefault(direction, {})
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
    del task


def _raise_if_unanswered(task: Task, done: pl.DataFrame) -> None:
    for side in Side:
        doubt = done.filter((pl.col(f"{side}_error_kind") == EntryKind.IN_DOUBT.value).fill_null(value=False))
        if doubt.height:
            name = task.layout.mapping.on(side).connection
            raise Unreachable(
                f"{task.name}: {name} stopped answering while {doubt.height} records were being written. "
                "What became of them is looked up in the next run; nothing will be inserted twice."
            )


def _plan(task: Task, memory: Memory, derived: pl.DataFrame) -> None:
    if task.plan is None:
        return
    task.plan.actions.extend(planned(task.layout, derived))
    told = derived.filter(
        pl.col("left_op").is_not_null() | pl.col("right_op").is_not_null() | action_is(*ASKS, Action.UNCOUPLE)
    )
    for side in Side:
        # The other side's feed brings the same pair once more; it is told once.
        memory.handled[side].update(told[f"{side}_key"].drop_nulls().to_list())
        inserts = derived.with_columns(new_keys(task, derived, side).alias("#new")).filter(
            ready(side) & (pl.col(f"{side}_op") == "insert")
        )
        # A key that we would make is another one each time, and a plan must be the same each time.
        keys = [None] * inserts.height if key_source(task, side) == "uuid" else inserts["#new"].to_list()
        memory.planned[side.other].update(zip(inserts[f"{side.other}_key"].to_list(), keys, strict=True))
    task.progress.advance(derived.height)
