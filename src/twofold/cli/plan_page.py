"""A plan as a page: its counts, and the fields of each record from old to new; it must never run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from twofold.cli.names import Sides
from twofold.cli.tables import key_column, record_column, record_text, table

Data = Mapping[str, Any]
Look = Callable[[Sequence[Data], tuple[str, str]], Table]
"""How the actions of one mapping look."""

_WORDS = {
    "insert": "insert in {}",
    "update": "update in {}",
    "delete": "delete in {}",
    "restore": "restore in {}",
    "fail": "cannot be written to {}",
}
_QUESTIONS = {
    "conflict": "asks: both sides changed it",
    "deleted": "asks: one side deleted it",
    "in_doubt": "asks: a reply was lost",
    "uncouple": "uncouple",
}
_STYLES = {"insert": "green", "restore": "green", "delete": "red", "fail": "red", "update": ""}
_COUNTS = {
    "inserts": "to insert",
    "updates": "to update",
    "deletes": "to delete",
    "conflicts": "to ask about",
    "failures": "that would fail",
}


def plan_page(plan: Data, names: Sides, ways: Mapping[str, str], limit: int, look: Look) -> RenderableType:
    """The whole plan; `ways` says how each mapping goes, `limit` how many records each shows (0: all)."""
    parts: list[RenderableType] = []
    for mapping in plan["mappings"]:
        parts += _mapping(mapping, names, ways.get(mapping["mapping"], "both"), limit, look)
    return Group(*parts)


def _mapping(mapping: Data, names: Sides, way: str, limit: int, look: Look) -> Iterator[RenderableType]:
    name, actions = mapping["mapping"], mapping["actions"]
    heading = Text(name, style="bold").append(f"  {names.way(name, way)}", style="dim")
    yield heading.append(f"  {_summary(mapping)}", style="")
    if not actions:
        return
    shown = actions[:limit] if limit else actions
    yield look(shown, names.of(name))
    if len(shown) < len(actions):
        yield Text(
            f"and {len(actions) - len(shown):,} more: twofold plan {name} --limit 0, or --json.\n",
            style="dim",
        )


def _summary(mapping: Data) -> str:
    counts = [f"{mapping[key]:,} {words}" for key, words in _COUNTS.items() if mapping.get(key)]
    uncoupled = sum(1 for action in mapping["actions"] if action["action"] == "uncouple")
    counts += [f"{uncoupled:,} to uncouple"] if uncoupled else []
    return ", ".join(counts) or "nothing to do"


def wide_actions(actions: Sequence[Data], names: tuple[str, str]) -> Table:
    """A line for each field of each record, keys in columns."""
    made = table("")
    made.title = None
    left, right = names
    made.add_column("Action", overflow="fold")
    key_column(made, left, [action["left_key"] for action in actions])
    key_column(made, right, [action["right_key"] for action in actions])
    made.add_column("Field", overflow="fold")
    made.add_column("Old -> new", overflow="fold")
    for action in actions:
        for cells in _lines(action, names):
            made.add_row(*cells)
    return made


def narrow_actions(actions: Sequence[Data], names: tuple[str, str]) -> Table:
    """The same for a small page: what is done to which record on the left, its fields on the right."""
    made = table("")
    made.title = None
    made.show_header = False
    records = [_described(action, names) for action in actions]
    record_column(made, "", records)
    made.add_column(overflow="fold")
    for action, record in zip(actions, records, strict=True):
        changes = [
            Text.assemble(field, ": " if field.plain else "", change)
            for field, change in _changes(action, names)
        ]
        made.add_row(record, Text("\n").join(changes))
    return made


def _described(action: Data, names: tuple[str, str]) -> Text:
    word, style = _word(action["action"], names)
    return Text.assemble((word, style), "\n", record_text(action, names))


def _lines(action: Data, names: tuple[str, str]) -> Iterator[list[Text]]:
    """A line for each field; the action and the keys stand on the first one only."""
    word, style = _word(action["action"], names)
    first = [Text(word, style=style), Text(action["left_key"] or ""), Text(action["right_key"] or "")]
    blank = [Text(), Text(), Text()]
    changes = list(_changes(action, names)) or [(Text(), Text())]
    for number, (field, change) in enumerate(changes):
        yield [*(blank if number else first), field, change]


def _word(action: str, names: tuple[str, str]) -> tuple[str, str]:
    if action in _QUESTIONS:
        return _QUESTIONS[action], "yellow"
    verb, _, side = action.partition("_")
    return _WORDS[verb].format(names[side == "right"]), _STYLES[verb]


def _changes(action: Data, names: tuple[str, str]) -> Iterator[tuple[Text, Text]]:
    if action.get("reason"):
        yield Text(), Text(action["reason"], style="red")
    kind = action["action"]
    for field, (old, new) in action["fields"].items():
        yield Text(field), _change(kind, old, new, names)


def _change(kind: str, old: Any, new: Any, names: tuple[str, str]) -> Text:
    if kind == "conflict":
        left, right = names
        return Text(f"{left}: {value_text(old)}   {right}: {value_text(new)}")
    if kind.startswith(("insert", "restore")):
        return Text(value_text(new), style="green")
    return Text(value_text(old), style="dim").append(" -> ").append(value_text(new), style="bold")


def value_text(value: Any) -> str:
    """A value as people see it; a blank is made visible."""
    if value is None or value == "":
        return "(blank)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
