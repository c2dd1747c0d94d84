"""Matches uncoupled records before any of them is created; it must never create one itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import polars as pl

from twofold.core.frames import ENTRY_SCHEMA
from twofold.core.matching import Matches
from twofold.core.names import EntryKind, Side
from twofold.core.plan import PlannedAction
from twofold.engine.chunk import Memory
from twofold.engine.matcher import couple, match
from twofold.engine.recorder import Jobs
from twofold.engine.task import Task
from twofold.ports import JobError, Record


def ensure_matched(task: Task, jobs: Jobs, memory: Memory) -> bool:
    """Once per run that creates records: couple what belongs together, ask about what is ambiguous.

    Says whether this was the time.
    """
    if not task.policy.creates or not task.layout.mapping.match or memory.matched:
        return False
    memory.matched = True
    matches = _without_withheld(match(task), memory)
    memory.withheld[Side.LEFT].update(matches.ambiguous["left_key"].to_list())
    memory.withheld[Side.RIGHT].update(matches.ambiguous["candidates"].explode().drop_nulls().to_list())
    if task.plan is not None:
        _plan(task, memory, matches)
        return True
    couple(task, matches)
    _record(task, jobs, memory, matches)
    return True


def _without_withheld(matches: Matches, memory: Memory) -> Matches:
    """A record that may belong to an insert in doubt is coupled with nothing else."""
    held = pl.any_horizontal(pl.col(f"{side}_key").is_in(list(memory.withheld[side])) for side in Side)
    return replace(matches, coupled=matches.coupled.filter(~held))


def _plan(task: Task, memory: Memory, matches: Matches) -> None:
    """In a plan nothing is coupled, so the pairs that would be are kept out of the inserts."""
    if task.plan is None:
        return
    for left, right in matches.coupled.iter_rows():
        task.plan.actions.append(PlannedAction("couple", left, right))
        memory.withheld[Side.LEFT].add(left)
        memory.withheld[Side.RIGHT].add(right)
        # What looks up these records later in the plan finds them coupled.
        memory.planned[Side.LEFT][left] = right
        memory.planned[Side.RIGHT][right] = left
    for left, candidates in matches.ambiguous.iter_rows():
        task.plan.actions.append(PlannedAction("conflict", left, None, reason=ambiguity(candidates)))


def ambiguity(candidates: list[str]) -> str:
    """Says which records could be the counterpart."""
    shown = ", ".join(candidates[:5]) + (f" and {len(candidates) - 5} more" if len(candidates) > 5 else "")
    if len(candidates) == 1:
        return f"Several records match {shown}, so none was coupled with it. Couple the right one by hand."
    return f"Several records could be the counterpart: {shown}. Couple the right one by hand."


def _record(task: Task, jobs: Jobs, memory: Memory, matches: Matches) -> None:
    direction = next(iter(jobs))
    entries = [ambiguity_entry(task, left, candidates) for left, candidates in matches.ambiguous.iter_rows()]
    errors = [
        JobError(jobs[direction], entry["left_key"], None, None, entry["kind"], entry["message"])
        for entry in entries
    ]
    counters = {"coupled": matches.coupled.height, "conflicts": len(entries)}
    counters = {name: count for name, count in counters.items() if count}
    task.store.record(
        task.name,
        Record(
            entries=pl.DataFrame(entries, schema=ENTRY_SCHEMA),
            errors=errors,
            counters={jobs[direction]: counters} if counters else {},
        ),
    )
    memory.entries = memory.entries or bool(entries)
    memory.handled[Side.LEFT].update(entry["left_key"] for entry in entries)


def ambiguity_entry(task: Task, left: str, candidates: list[str]) -> dict[str, Any]:
    """The line on the errors list for a record that matches several."""
    fields = list(dict.fromkeys(name for group in task.layout.mapping.match for name in group))
    return {
        **dict.fromkeys(ENTRY_SCHEMA),
        "left_key": left,
        "direction": task.layout.mapping.direction.single[0].value,
        "kind": EntryKind.CONFLICT.value,
        "message": ambiguity(candidates),
        "fields": json.dumps(fields, ensure_ascii=False),
        "strikes": 1,
        "skipped": False,
    }
