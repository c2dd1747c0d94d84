"""Puts into words what a person must decide; it must never decide it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twofold.core.classify import SHORT
from twofold.core.decide import ACTIONS, Action
from twofold.core.layout import Layout, Line
from twofold.core.names import Direction, EntryKind, Side
from twofold.core.situation import FIELD_CODES, FieldCode


def question(layout: Layout, row: Mapping[str, Any]) -> tuple[EntryKind, str, list[str]]:
    """The kind of question, a sentence, and the fields it is about."""
    action = ACTIONS[row["action"]]
    if action is Action.ASK_DELETED:
        return EntryKind.DELETED, deletion(layout, row), []
    if action is Action.ASK_DOUBT:
        return EntryKind.IN_DOUBT, doubt(layout, row), []
    contested = contested_lines(layout, row)
    return EntryKind.CONFLICT, conflict(layout, row, contested), [line.pair.label for line in contested]


def contested_lines(layout: Layout, row: Mapping[str, Any]) -> list[Line]:
    """The two-way lines in the way: changed on both sides or without a base, else all that differ."""
    two_way = [line for line in layout.lines if line.way is Direction.BOTH]
    codes = {line.number: FIELD_CODES[row[f"c{line.number}"]] for line in two_way}
    hard = [line for line in two_way if codes[line.number] in (FieldCode.OVERLAP, FieldCode.UNKNOWN)]
    return hard or [line for line in two_way if codes[line.number] is not FieldCode.SAME]


def conflict(layout: Layout, row: Mapping[str, Any], lines: list[Line]) -> str:
    """Says which fields differ, and with which values."""
    unknown = any(FIELD_CODES[row[f"c{line.number}"]] is FieldCode.UNKNOWN for line in lines)
    said = "; ".join(_values(layout, row, line) for line in lines[:3])
    more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    why = "differ, and nobody knows which side changed" if unknown else "were changed on both sides"
    return f"These fields {why}: {said}{more}. Choose which side wins: send, get or merge."


def _values(layout: Layout, row: Mapping[str, Any], line: Line) -> str:
    if line.pair.sensitive:
        return line.pair.label
    shown = [
        f"{_shown(row[f'{SHORT[side]}{line.number}'])} in {layout.mapping.on(side).connection}"
        for side in Side
    ]
    return f"{line.pair.label} ({', '.join(shown)})"


def _shown(value: Any) -> str:
    if value is None:
        return "blank"
    text = str(value)
    return f'"{text[:40]}…"' if len(text) > 41 else f'"{text}"'


def deletion(layout: Layout, row: Mapping[str, Any]) -> str:
    """Says which side is gone and what can be done."""
    gone = Side.LEFT if not row["left_here"] else Side.RIGHT
    lost, kept = layout.mapping.on(gone).connection, layout.mapping.on(gone.other).connection
    return (
        f"{row[f'{gone}_key']} was deleted in {lost}, and its counterpart {row[f'{gone.other}_key']} still "
        f"exists in {kept}. Choose: restore, delete or uncouple."
    )


def doubt(layout: Layout, row: Mapping[str, Any]) -> str:
    """Says that an insert got no reply and that its record could not be found for certain."""
    target = Side.RIGHT if row["right_key"] is None else Side.LEFT
    name = layout.mapping.on(target).connection
    return (
        f"{row[f'{target.other}_key']} may have been inserted in {name}, but no reply came and it cannot be "
        "found for certain. Couple it with the right record, or uncouple it to insert it again."
    )
