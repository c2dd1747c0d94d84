"""Records what a chunk did, in one transaction.

The invariant: a coupling's base names a state that both systems really had together. A cursor never passes
a row whose outcome is not recorded; so stopping anywhere, at any instruction, loses no change. Three things
keep it:

1. Before a record is inserted, its coupling is reserved (`applier`): after a crash the next run finds the
   pending coupling and looks for the record instead of inserting a second one.
2. Couplings, entries, counters and then the cursor are written in one transaction, after the systems
   answered.
3. What failed or waits for an answer has an entry, and entries are looked at again in every run, so a cursor
   may pass them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from twofold.core.frames import ENTRY_SCHEMA
from twofold.core.names import TO, Direction, EntryKind, Side
from twofold.core.outcome import STRIKES, Outcome
from twofold.engine.task import Task
from twofold.ports import Bookmark, JobError, Record, Unreadable

Jobs = Mapping[Direction, int]
"""The job of each direction that runs."""


def record(
    task: Task, jobs: Jobs, outcome: Outcome, bookmarks: Mapping[Side, Bookmark] | None = None
) -> None:
    """Write an outcome and, after it, how far the sides have been read."""
    errors = [
        JobError(
            job=jobs[direction if direction in jobs else next(iter(jobs))],
            left_key=entry["left_key"],
            right_key=entry["right_key"],
            field=_first_field(entry["fields"]),
            kind=entry["kind"],
            message=entry["message"],
        )
        for direction, entry in outcome.errors
    ]
    task.store.record(
        task.name,
        Record(
            settle=outcome.settle,
            uncouple=outcome.uncouple,
            entries=outcome.entries,
            solved=outcome.solved,
            errors=errors,
            counters={jobs[direction]: counts for direction, counts in outcome.counters.items() if counts},
            bookmarks=dict(bookmarks or {}),
        ),
    )


def _first_field(fields: str) -> str | None:
    names: list[str] = _names(fields)
    return names[0] if names else None


def _names(fields: str) -> list[str]:
    found: list[str] = json.loads(fields or "[]")
    return found


def mark(task: Task, bookmarks: Mapping[Side, Bookmark]) -> None:
    """Record only how far the sides have been read."""
    task.store.record(task.name, Record(bookmarks=dict(bookmarks)))


def record_unreadable(task: Task, jobs: Jobs, side: Side, problems: Sequence[Unreadable]) -> None:
    """Rows that could not be read are failures of these records: on the list, and read again every run."""
    direction = TO[side.other] if TO[side.other] in jobs else next(iter(jobs))
    keys = [problem.key for problem in problems]
    left, right = (keys, []) if side is Side.LEFT else ([], keys)
    known = {
        entry[f"{side}_key"]: entry
        for entry in task.store.entries(task.name, left, right).iter_rows(named=True)
        if entry["direction"] == direction.value
    }
    rows = [_unreadable_entry(side, direction, problem, known.get(problem.key)) for problem in problems]
    skipped = sum(row["skipped"] for row in rows)
    errors = [
        JobError(
            jobs[direction], row["left_key"], row["right_key"], problem.field, row["kind"], row["message"]
        )
        for row, problem in zip(rows, problems, strict=True)
    ]
    counters = {"failed": len(rows) - skipped, "skipped": skipped}
    entries = pl.DataFrame(rows, schema=ENTRY_SCHEMA)
    task.store.record(task.name, Record(entries=entries, errors=errors, counters={jobs[direction]: counters}))


def _unreadable_entry(
    side: Side, direction: Direction, problem: Unreadable, known: Mapping[str, Any] | None
) -> dict[str, Any]:
    strikes: int = 1
    if known is not None and known["message"] == problem.text:
        strikes += known["strikes"]
    return {
        **dict.fromkeys(ENTRY_SCHEMA),
        f"{side}_key": problem.key,
        "direction": direction.value,
        "kind": EntryKind.FAILED.value,
        "message": problem.text,
        "fields": f'["{problem.field}"]',
        "strikes": strikes,
        "skipped": strikes >= STRIKES,
    }
