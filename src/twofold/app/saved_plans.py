"""Plans kept in a file, and what a later plan does differently; it must never run one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twofold.core.names import Direction
from twofold.core.plan import Plan
from twofold.engine.task import Options
from twofold.errors import Refused

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was saved: for which mappings and options it was made, and what it said."""

    mappings: tuple[str, ...]
    options: Options
    digest: str
    content: dict[str, Any]


def save_plan(path: Path, plan: Plan, mappings: tuple[str, ...], options: Options) -> None:
    """Write the plan with what it was made for; raises `Refused` where the file cannot be written."""
    whole = {"format": FORMAT, "made_for": {"mappings": list(mappings), **_plain(options)}, **plan.as_json()}
    text = json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}. Name another file.") from error


def load_plan(path: Path) -> SavedPlan:
    """Read a saved plan; raises `Refused` for a file that is not one."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        asked = whole["made_for"]
        options = _options(asked)
        names = tuple(map(str, asked["mappings"]))
        if whole["format"] != FORMAT:
            raise Refused(f"{path} was saved by another version of Twofold. Run `twofold plan --out` again.")
        return SavedPlan(names, options, str(whole["digest"]), whole)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}. Run `twofold plan --out`.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path} is not a saved plan. Run `twofold plan --out {path.name}`.") from error


def _plain(options: Options) -> dict[str, Any]:
    return {
        "direction": options.direction,
        "full": options.full,
        "force": options.force,
        "left": list(options.left),
        "right": list(options.right),
        "allow_deletes": options.allow_deletes,
    }


def _options(asked: dict[str, Any]) -> Options:
    return Options(
        direction=_direction(asked["direction"]),
        full=bool(asked["full"]),
        force=_direction(asked["force"]),
        left=tuple(asked["left"]),
        right=tuple(asked["right"]),
        allow_deletes=bool(asked["allow_deletes"]),
    )


def _direction(text: str | None) -> Direction | None:
    return None if text is None else Direction(text)


def plan_differences(saved: SavedPlan, now: Plan) -> list[str]:
    """What is no longer planned and what is newly planned, a line each."""
    before, after = set(_lines(saved.content)), set(_lines(now.as_json()))
    return [f"- {line}" for line in sorted(before - after)] + [f"+ {line}" for line in sorted(after - before)]


def _lines(content: dict[str, Any]) -> Iterator[str]:
    for mapping in content["mappings"]:
        for action in mapping["actions"]:
            keys = " / ".join(str(action[name]) for name in ("left_key", "right_key") if action[name])
            # Written as JSON, a value read back from the file and one just planned look alike.
            fields = json.dumps(action["fields"], ensure_ascii=False, sort_keys=True, default=str)
            change = f" {fields}" if action["fields"] else ""
            yield f"{mapping['mapping']} {action['action']} {keys}{change}"
