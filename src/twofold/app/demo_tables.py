"""The figures of the demo's story as rows of tables; it must never print, or make one up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twofold.app.context import Context
from twofold.app.demo_edits import FIELDS, Cast, account_of, customer_of
from twofold.app.demo_systems import CRM, ERP, count_rows
from twofold.core.names import Direction
from twofold.core.plan import MappingPlan, PlannedAction

WRITES = ("inserted", "modified", "deleted")
_SHOWN_FIELDS = 7


def table_rows(folder: Path) -> list[list[str]]:
    """The tables of both systems side by side, each with its number of rows."""
    counts = count_rows(folder)
    left, right = list(counts[ERP].items()), list(counts[CRM].items())
    return [
        [*_counted(left, number), *_counted(right, number)] for number in range(max(len(left), len(right)))
    ]


def edited_rows(context: Context, cast: Cast) -> list[list[str]]:
    """What the edited records hold now, field by field; an option of the CRM with its name in the ERP."""
    edited = [
        (cast.caller, "phone"),
        (cast.mover, "city"),
        (cast.merged, "payment_terms"),
        (cast.merged, "phone"),
        (cast.contested, "name"),
    ]
    pairs = {pair.left: pair for pair in context.mapping("CUSTOMER").fields}
    rows = []
    for number, name in edited:
        left, right = (
            customer_of(context.workspace, number)[name],
            account_of(context.workspace, number)[FIELDS[name]],
        )
        meaning = next((f" ({key})" for key, value in pairs[name].options.items() if value == right), "")
        rows.append([number, name, f"{left}", f"{right}{meaning}"])
    return rows


def _counted(tables: Sequence[tuple[str, int]], number: int) -> list[str]:
    if number >= len(tables):
        return ["", ""]
    table, rows = tables[number]
    return [table, f"{rows:,}"]


def plan_row(own: MappingPlan) -> list[str]:
    """How many pairs a mapping would couple, and how many records it would create on each side."""
    return [own.mapping, *(f"{own.count(word):,}" for word in ("couple", "insert_left", "insert_right"))]


def value_rows(action: PlannedAction) -> list[list[str]]:
    """The fields of a record to be created, the first few of them."""
    rows = [[name, _shown(new)] for name, (_, new) in action.fields.items() if new is not None]
    more = len(rows) - _SHOWN_FIELDS
    return [*rows[:_SHOWN_FIELDS], [f"and {more} more", ""]] if more > 0 else rows


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def arrow(context: Context, mapping: str, direction: str | None) -> str:
    """A direction by the names of the connections."""
    own = context.mapping(mapping)
    left, right = own.left.connection, own.right.connection
    if direction is None:
        return f"{left} = {right}"
    return f"{left} -> {right}" if direction == Direction.TO_RIGHT.value else f"{right} -> {left}"


def job_row(context: Context, job: dict[str, Any]) -> list[str]:
    """A job with its counters; a zero is left blank."""
    counts = [f"{job[name]:,}" if job[name] else "" for name in ("coupled", *WRITES, "conflicts")]
    return [job["mapping"], arrow(context, job["mapping"], job["direction"]), *counts]


def log_row(context: Context, job: dict[str, Any]) -> list[str]:
    """A job with what it wrote, in words."""
    written = ", ".join(f"{job[name]:,} {name}" for name in WRITES if job[name])
    direction = arrow(context, job["mapping"], job["direction"])
    return [str(job["id"]), job["mapping"], direction, written or "nothing"]
