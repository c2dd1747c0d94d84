"""What is known about one record, as a short story; it must never decide what happens to it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from twofold.cli.plan_page import value_text
from twofold.cli.tables import moment, table

Data = Mapping[str, Any]


def story_page(story: Data, names: tuple[str, str]) -> RenderableType:
    """The pair, its fields on both sides, what is wrong, and what a run would do."""
    parts: list[RenderableType] = [Text(line) for line in _opening(story, names)]
    if story["fields"]:
        parts.append(_fields(story, names))
    parts += [Text(f"- {remark}") for remark in story["remarks"]]
    said = {entry["message"] for entry in story["entries"]} - {story["meaning"]}
    parts += [Text(f"- {message}", style="yellow") for message in sorted(said)]
    parts.append(Text.assemble(("What a run would do: ", "bold"), story["meaning"]))
    return Group(*parts)


def _opening(story: Data, names: tuple[str, str]) -> Iterator[str]:
    keys = [(name, story[f"{side}_key"]) for name, side in zip(names, ("left", "right"), strict=True)]
    there = [f"{name} {key}" for name, key in keys if key]
    if story["coupled"]:
        yield f"{story['mapping']}: {' and '.join(there)} are coupled."
    elif len(there) > 1:
        yield f"{story['mapping']}: {' and '.join(there)} are about to be coupled ({story['situation']})."
    else:
        yield f"{story['mapping']}: {there[0] if there else 'the record'} is not coupled."
    if story["last_synchronized"]:
        yield f"Last synchronized {moment(story['last_synchronized'])} UTC. Now: {story['situation']}."
    elif story["coupled"]:
        yield f"Never synchronized. Now: {story['situation']}."


def _fields(story: Data, names: tuple[str, str]) -> Table:
    left, right = names
    made = table("")
    made.title = None
    for heading in ("Field", left, right, "Since last time", "Goes"):
        made.add_column(heading, overflow="fold")
    for field in story["fields"]:
        equal = field["equal"]
        made.add_row(
            Text(field["name"]),
            Text(value_text(field["left"]), style="" if equal else "bold"),
            Text(value_text(field["right"]), style="" if equal else "bold"),
            _moved(field, names),
            _goes(field, names),
        )
    return made


def _moved(field: Data, names: tuple[str, str]) -> str:
    if not field["base_known"]:
        return "not known" if not field["equal"] else ""
    changed = [name for name, side in zip(names, ("left", "right"), strict=True) if side in field["changed"]]
    return f"changed in {' and '.join(changed)}" if changed else ""


def _goes(field: Data, names: tuple[str, str]) -> str:
    left, right = names
    words = {
        "to_right": f"{left} -> {right}",
        "to_left": f"{right} -> {left}",
        "overlap": "both changed it",
        "unknown": "not known which is newer",
    }
    return words.get(field["goes"], str(field["goes"]).replace("_", " "))


def next_command(story: Data) -> str | None:
    """What to type next about this record, if anything."""
    if not story["entries"] and not story["skipped"]:
        return None
    side = "left" if story["left_key"] else "right"
    record = f"--{side} {shlex.quote(story[f'{side}_key'] or '')}"
    if story["skipped"]:
        return f"twofold retry {shlex.quote(story['mapping'])} {record}"
    return f"twofold errors {shlex.quote(story['mapping'])}"
