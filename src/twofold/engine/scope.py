"""Says which of the records that a person named a run may touch; it must never touch one."""

from __future__ import annotations

from twofold.core.filters import to_polars
from twofold.core.frames import KEY
from twofold.core.names import Side
from twofold.engine import reader
from twofold.engine.task import Task

Scope = tuple[list[str], list[str], list[str]]


def named_scope(task: Task) -> Scope:
    """The named left and right keys that are in scope, and a sentence about each that is not.

    A coupled record that is gone is in scope: its deletion is what the run is about.
    """
    notes: list[str] = []
    left = _in_scope(task, Side.LEFT, reader.canonical_keys(task.options.left), notes)
    right = _in_scope(task, Side.RIGHT, reader.canonical_keys(task.options.right), notes)
    return left, right, notes


def _in_scope(task: Task, side: Side, keys: list[str], notes: list[str]) -> list[str]:
    if not keys:
        return []
    rows = reader.fetch(task, side, keys).rows
    inside = set(rows.filter(to_polars(task.layout.filters[side], task.layout.schema(side)))[KEY].to_list())
    there = set(rows[KEY].to_list())
    coupled = set(task.store.couplings(task.name, side, keys)[f"{side}_key"].to_list())
    name = task.layout.mapping.on(side).connection
    found = []
    for key in keys:
        if key in inside or (key in coupled and key not in there):
            found.append(key)
        elif key in there:
            notes.append(
                f"{task.name}: {key} in {name} is outside the mapping's filter; nothing was done with it."
            )
        else:
            notes.append(f"{task.name}: there is no record {key} in {name}; nothing was done.")
    return found
