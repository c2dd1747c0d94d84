"""Finds records that are gone, and guards against reading nothing; it must never delete one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from twofold.core.frames import KEY
from twofold.core.names import DeletionConflict, Side
from twofold.core.plan import reads_empty, too_many_deletes
from twofold.engine.reader import fetch, keys_of, sweep_pages, unseen
from twofold.engine.task import PAGE, Task
from twofold.errors import MassDelete
from twofold.ports import Bookmark, Sweep, chunks

SWEEP_EVERY = timedelta(days=1)
"""At least so often all keys are compared, which also finds what entered a filter without a new stamp."""


def sweep_is_due(task: Task, bookmark: Bookmark | None, expected: int | None, count: int | None) -> bool:
    """Whether the keys of a side must be compared with the couplings in this run.

    `expected` is the number of records there should be, `count` the number there is; both None if unknown.
    """
    if task.options.full or bookmark is None or bookmark.swept is None or None in (expected, count):
        return True
    return expected != count or task.clock.now() - bookmark.swept >= SWEEP_EVERY


def swept(task: Task, side: Side, arrived: list[str]) -> Iterator[pl.DataFrame]:
    """The couplings whose record is not in the filter of `side` any more, in pages, once the guards agree.

    Fills `arrived` with the keys that are there in a version which nobody remembers.
    """
    with task.store.sweep(task.name, side) as sweep:
        for page in sweep_pages(task, side):
            sweep.saw(keys_of(page))
            arrived += unseen(task, side, page.rows)
            task.progress.advance(0)
        guard(task, side, sweep)
        yield from sweep.missing(PAGE)


def guard(task: Task, side: Side, sweep: Sweep) -> None:
    """Raises `MassDelete` where a side reads empty, or more would be deleted than without a person's word."""
    missing, couplings = sweep.missing_count(), task.store.coupling_count(task.name)
    if task.options.allow_deletes or task.plan is not None:
        return
    name = task.layout.mapping.on(side).connection
    if reads_empty(missing, couplings):
        raise MassDelete(
            f"{task.name}: {name} reads empty, but {couplings} of its records are coupled. Nothing was "
            "deleted. Check the connection, the table and the filter; if the records are really gone, run "
            "again with --allow-deletes."
        )
    if deletes_other(task, side) and too_many_deletes(missing, couplings):
        gone = sum(_count_gone(task, side, page) for page in sweep.missing(PAGE))
        refuse_mass_delete(task, side, gone, couplings)


def deletes_other(task: Task, side: Side) -> bool:
    """Whether a record gone from `side` makes this run delete its counterpart."""
    policy = task.policy
    return policy.deletion_conflict is DeletionConflict.DELETE and side.other in task.writable


def _count_gone(task: Task, side: Side, couplings: pl.DataFrame) -> int:
    keys = couplings[f"{side}_key"].drop_nulls().to_list()
    return len(keys) - fetch(task, side, keys).rows[KEY].n_unique()


def refuse_mass_delete(task: Task, side: Side, gone: int, couplings: int) -> None:
    """Raises `MassDelete` if so many deletes need a person's word."""
    if too_many_deletes(gone, couplings) and not task.options.allow_deletes:
        lost, other = (task.layout.mapping.on(s).connection for s in (side, side.other))
        raise MassDelete(
            f"{task.name}: {gone} of {couplings} coupled records were deleted in {lost}, and their "
            f"counterparts in {other} would be deleted too. Nothing was deleted. Run again with "
            "--allow-deletes if that is right."
        )


def reported(task: Task, side: Side, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The couplings of keys that a feed reported as deleted, in pages, once the guard agrees."""
    if deletes_other(task, side) and task.plan is None:
        refuse_mass_delete(task, side, len(keys), task.store.coupling_count(task.name))
    for part in chunks(keys, PAGE):
        couplings = task.store.couplings(task.name, side, part)
        if couplings.height:
            yield couplings
