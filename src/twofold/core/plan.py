"""All actions of a run as a value to be printed, compared and checked; it must never be a to-do list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from twofold.core.classify import SHORT, action_is
from twofold.core.decide import ACTIONS, ASKS, Action
from twofold.core.layout import Layout, Line
from twofold.core.names import Side
from twofold.core.questions import contested_lines

HIDDEN = "•••"
"""What is shown of a sensitive field."""
MASS = 20
SHARE = 0.05
"""Deletes beyond `max(MASS, SHARE of the couplings)` need a person's word."""


@dataclass(slots=True)
class PlannedAction:
    """One thing that a run would do: to which record, and each field's old and new value."""

    action: str
    left_key: str | None
    right_key: str | None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        found: dict[str, Any] = {
            "action": self.action,
            "left_key": self.left_key,
            "right_key": self.right_key,
            "fields": {name: list(change) for name, change in self.fields.items()},
        }
        return {**found, "reason": self.reason} if self.reason else found


@dataclass(slots=True)
class MappingPlan:
    """What a run of one mapping would do."""

    mapping: str
    actions: list[PlannedAction] = field(default_factory=list)

    def count(self, *beginnings: str) -> int:
        """How many actions begin with one of these words."""
        return sum(1 for action in self.actions if action.action.startswith(beginnings))

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {
            "mapping": self.mapping,
            "inserts": self.count("insert", "restore"),
            "updates": self.count("update"),
            "deletes": self.count("delete_"),
            "conflicts": self.count("conflict", "deleted", "in_doubt"),
            "failures": self.count("fail"),
            "actions": [action.as_json() for action in self.actions],
        }


@dataclass(slots=True)
class Plan:
    """What a run of several mappings would do."""

    mappings: list[MappingPlan] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """The same for the same actions on the same values, in whatever order the sources gave them."""
        lines = sorted(
            json.dumps([plan.mapping, action.as_json()], sort_keys=True, default=str)
            for plan in self.mappings
            for action in plan.actions
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {"digest": self.digest, "mappings": [plan.as_json() for plan in self.mappings]}


def too_many_deletes(deletes: int, couplings: int) -> bool:
    """Whether so many deletes need a person's word."""
    return deletes > max(MASS, SHARE * couplings)


def reads_empty(missing: int, couplings: int) -> bool:
    """Whether a side has lost every record it had, so that something is wrong with the reading."""
    return couplings > MASS and missing >= couplings


def planned(layout: Layout, derived: pl.DataFrame) -> Iterator[PlannedAction]:
    """The actions of a frame of `writes.derive`, one for each write and each question."""
    writes = pl.any_horizontal(pl.col(f"{side}_op").is_not_null() for side in Side)
    asks = action_is(*ASKS)
    for row in derived.filter(writes | asks | action_is(Action.UNCOUPLE)).iter_rows(named=True):
        yield from _actions(layout, row)


def _actions(layout: Layout, row: Mapping[str, Any]) -> Iterator[PlannedAction]:
    action = ACTIONS[row["action"]]
    if action in ASKS:
        yield _question(layout, row, action)
    elif action is Action.UNCOUPLE:
        yield PlannedAction("uncouple", row["left_key"], row["right_key"])
    for side in (Side.RIGHT, Side.LEFT):
        if row[f"{side}_op"] is not None:
            yield _write(layout, row, side, action)


def _question(layout: Layout, row: Mapping[str, Any], action: Action) -> PlannedAction:
    names = {Action.ASK_UPDATE: "conflict", Action.ASK_DELETED: "deleted", Action.ASK_DOUBT: "in_doubt"}
    lines = contested_lines(layout, row) if action is Action.ASK_UPDATE else []
    fields = {line.pair.label: _both(row, line) for line in lines}
    return PlannedAction(names[action], row["left_key"], row["right_key"], fields)


def _both(row: Mapping[str, Any], line: Line) -> tuple[Any, Any]:
    if line.pair.sensitive:
        return HIDDEN, HIDDEN
    return plain(row[f"l{line.number}"]), plain(row[f"r{line.number}"])


def _write(layout: Layout, row: Mapping[str, Any], side: Side, action: Action) -> PlannedAction:
    op = row[f"{side}_op"]
    word = "restore" if op == "insert" and action in (Action.RESTORE_LEFT, Action.RESTORE_RIGHT) else op
    reason = row[f"{side}_problem"] or ""
    return PlannedAction(
        f"fail_{side}" if reason else f"{word}_{side}",
        row["left_key"],
        row["right_key"],
        {} if op == "delete" else _changes(layout, row, side),
        reason,
    )


def _changes(layout: Layout, row: Mapping[str, Any], side: Side) -> dict[str, tuple[Any, Any]]:
    letter = SHORT[side]
    return {
        line.pair.on(side) or line.pair.label: _change(row, line, letter)
        for line in layout.lines
        if row[f"w{letter}{line.number}"] and not _stays_blank(row, line, letter)
    }


def _stays_blank(row: Mapping[str, Any], line: Line, letter: str) -> bool:
    return row[f"{letter}{line.number}"] is None and row[f"v{letter}{line.number}"] is None


def _change(row: Mapping[str, Any], line: Line, letter: str) -> tuple[Any, Any]:
    if line.pair.sensitive:
        return HIDDEN, HIDDEN
    return plain(row[f"{letter}{line.number}"]), plain(row[f"v{letter}{line.number}"])


def plain(value: Any) -> Any:
    """A value as JSON can have it; a decimal without the zeros that only its scale adds."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
