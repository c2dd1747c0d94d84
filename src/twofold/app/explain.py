"""Answers "why is this record not the same?": what is known, what a run would do; it must never do it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from twofold.app.context import Context
from twofold.app.wiring import Wiring, check_keys
from twofold.core.classify import SHORT
from twofold.core.decide import ACTIONS, ASKS, Action
from twofold.core.digest import unpack
from twofold.core.layout import Line
from twofold.core.names import Direction, Side
from twofold.core.pairing import here, inside
from twofold.core.plan import HIDDEN, MappingPlan, plain
from twofold.core.questions import question
from twofold.core.situation import CONTENTS, FIELD_CODES, STATES, FieldCode, Link, Situation
from twofold.engine import reader
from twofold.engine.chunk import Memory, judge
from twofold.engine.entries import couplings_of_keys
from twofold.engine.task import Options, Task
from twofold.errors import Refused

MEANINGS = {
    Action.NOTHING: "Nothing is done.",
    Action.IGNORE: "It is not coupled, and only coupled records are synchronized. Couple it, or clear "
    "synch_only_coupled_records.",
    Action.ADOPT: "Both sides agree; nothing is written.",
    Action.WRITE: "Each differing field is written to the side that does not have it yet.",
    Action.SEND: "Each differing field is written; where both sides changed one, the left wins.",
    Action.GET: "Each differing field is written; where both sides changed one, the right wins.",
    Action.UNCOUPLE: "The coupling is removed.",
}


@dataclass(frozen=True, slots=True)
class FieldStory:
    """One field mapping of the pair; `changed` are the sides whose value moved since last time."""

    name: str
    direction: str
    left: Any
    right: Any
    base_known: bool
    changed: tuple[str, ...]
    equal: bool
    goes: str

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {name: getattr(self, name) for name in self.__slots__} | {"changed": list(self.changed)}


@dataclass(slots=True)
class Explanation:
    """Everything about one pair."""

    mapping: str
    left_key: str | None
    right_key: str | None
    coupled: bool
    last_synchronized: str | None
    situation: str
    action: str
    meaning: str
    skipped: list[str] = field(default_factory=list)
    fields: list[FieldStory] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        plain_names = [name for name in self.__slots__ if name != "fields"]
        return {name: getattr(self, name) for name in plain_names} | {
            "fields": [story.as_json() for story in self.fields]
        }


def explain(context: Context, name: str, left: str | None = None, right: str | None = None) -> Explanation:
    """The story of one record, named by its left or its right key; raises `Refused` if nobody knows it."""
    mapping = context.mapping(name)
    if (left is None) == (right is None):
        raise Refused("Name one record: --left KEY or --right KEY.")
    side = Side.LEFT if left is not None else Side.RIGHT
    (key,) = reader.canonical_keys([left if left is not None else str(right)])
    task = Wiring(context).task(mapping, Options(), plan=MappingPlan(mapping.name))
    check_keys(task.ends[Side.LEFT if left is not None else Side.RIGHT], [key])
    row, derived = _judged(task, side, key)
    return _explanation(context, task, row, derived)


def _judged(task: Task, side: Side, key: str) -> tuple[dict[str, Any], pl.DataFrame]:
    keys = ([key], []) if side is Side.LEFT else ([], [key])
    couplings = couplings_of_keys(task, *keys)
    if couplings.height:
        pairs, problems = reader.pairs_of_couplings(task, couplings)
        _refuse_unreadable(problems[Side.LEFT] + problems[Side.RIGHT])
    else:
        read = reader.fetch(task, side, [key])
        _refuse_unreadable(read.unreadable)
        if read.rows.is_empty():
            own = task.layout.mapping.on(side)
            raise Refused(f"{task.name}: there is no record {key} in {own.table} of {own.connection}.")
        pairs = reader.uncoupled_pairs(task, side, read.rows)
    derived, _ = judge(task, Memory(), pairs, named=True)
    return derived.row(0, named=True), derived


def _refuse_unreadable(problems: Sequence[Any]) -> None:
    if problems:
        raise Refused(f"{problems[0].key} cannot be read: {problems[0].text}")


def _explanation(context: Context, task: Task, row: dict[str, Any], derived: pl.DataFrame) -> Explanation:
    action = ACTIONS[row["action"]]
    keys = [[row[f"{side}_key"]] if row[f"{side}_key"] else [] for side in Side]
    listed = (
        list(context.store.listing.couplings(task.name, left=keys[0], right=keys[1])) if row["id"] else []
    )
    entries = task.store.entries(task.name, *keys)
    situation = Situation(
        Link(row["state"]),
        STATES[row["left_state"]],
        STATES[row["right_state"]],
        CONTENTS[row["content"]],
    )
    return Explanation(
        mapping=task.name,
        left_key=row["left_key"],
        right_key=row["right_key"],
        coupled=row["state"] == Link.COUPLED.value,
        last_synchronized=listed[0]["last_synchronized"] if listed else None,
        situation=str(situation),
        action=action.value,
        meaning=_meaning(task, row, action),
        skipped=[side.value for side in Side if row[f"{side}_skipped"]],
        fields=[_story(line, row, derived) for line in task.layout.lines],
        entries=[_entry(entry) for entry in entries.iter_rows(named=True)],
        remarks=_remarks(task, row),
    )


def _meaning(task: Task, row: dict[str, Any], action: Action) -> str:
    if action in ASKS:
        return question(task.layout, row)[1]
    mapping = task.layout.mapping
    for side in Side:
        if action.value.endswith(f"_{side}"):
            verb = action.value.removesuffix(f"_{side}").replace("_", " ")
            return f"A run would {verb} the record in {mapping.on(side).connection}."
    return MEANINGS[action]


def _story(line: Line, row: dict[str, Any], derived: pl.DataFrame) -> FieldStory:
    shown = {
        side: HIDDEN if line.pair.sensitive else plain(row[f"{SHORT[side]}{line.number}"]) for side in Side
    }
    words = {side: derived.select(unpack(pl.col(f"{side}_base"), line.slot)).item() for side in Side}
    changed = tuple(
        side.value
        for side in Side
        if row[here(side)] and words[side] and words[side] != row[f"d{SHORT[side]}{line.number}"]
    )
    code = FIELD_CODES[row[f"c{line.number}"]]
    return FieldStory(
        line.pair.label,
        line.way.value,
        shown[Side.LEFT],
        shown[Side.RIGHT],
        bool(words[Side.LEFT] and words[Side.RIGHT]),
        changed,
        bool(row[f"e{line.number}"]),
        "" if code is FieldCode.SAME else code.value,
    )


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "direction": entry["direction"],
        "kind": entry["kind"],
        "message": entry["message"],
        "fields": json.loads(entry["fields"] or "[]"),
        "skipped": entry["skipped"],
    }


def _remarks(task: Task, row: dict[str, Any]) -> list[str]:
    mapping = task.layout.mapping
    said = []
    for side in Side:
        name = mapping.on(side).connection
        if row[here(side)] and not row[inside(side)]:
            said.append(
                f"The record in {name} is outside the mapping's filter: it stays coupled and is left alone."
            )
        if row[f"{side}_key"] and not row[here(side)] and row["id"] is not None:
            said.append(f"The record does not exist in {name}.")
        if row[f"{side}_skipped"]:
            said.append(f"Writing to {name} is set aside; `twofold retry {task.name}` frees it.")
        if row[f"{side}_problem"]:
            said.append(f"Writing to {name} would fail: {row[f'{side}_problem']}")
    for line in task.layout.lines:
        drifted = line.way is not Direction.BOTH and row["id"] is not None and not row[f"e{line.number}"]
        if (
            drifted
            and FIELD_CODES[row[f"c{line.number}"]] is FieldCode.SAME
            and row["left_here"]
            and row["right_here"]
        ):
            said.append(f"{line.pair.label} was edited on its target: `sync --full` corrects it.")
    return said
