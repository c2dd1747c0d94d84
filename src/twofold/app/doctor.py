"""Looks whether all that Twofold stands on is sound; it must never repair more than claims of dead runs."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from twofold import __version__
from twofold.app.context import Context, opened
from twofold.errors import TwofoldError

LIBRARIES = ("polars", "django", "sqlalchemy", "typer", "rich", "pydantic")
ROOM = 200 * 1024 * 1024
"""Bytes that should be free on the disk of the workspace."""


class Health(StrEnum):
    """How a part is."""

    GOOD = "good"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One part and how it is, with what to do about it where something is wrong."""

    part: str
    health: Health
    text: str

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {"part": self.part, "health": self.health.value, "text": self.text}


def examine(workspace: Path) -> list[Symptom]:
    """Every part in order: the program, the workspace, the state, the configuration, the connections."""
    found = [*_program(), *_folder(workspace)]
    try:
        with opened(workspace) as context:
            for look in _LOOKS:
                found += look(context)
    except TwofoldError as error:
        found.append(Symptom("state", Health.PROBLEM, str(error)))
    return found


def _program() -> Iterator[Symptom]:
    yield Symptom("program", Health.GOOD, f"Twofold {__version__} on Python {platform.python_version()}")
    yield Symptom("libraries", Health.GOOD, ", ".join(f"{name} {version(name)}" for name in LIBRARIES))


def _folder(workspace: Path) -> Iterator[Symptom]:
    if not workspace.is_dir():
        yield Symptom("workspace", Health.PROBLEM, f"There is no folder {workspace}. Run `twofold init`.")
    elif not os.access(workspace, os.W_OK):
        yield Symptom("workspace", Health.PROBLEM, f"{workspace} cannot be written to. Allow that.")
    elif (free := shutil.disk_usage(workspace).free) < ROOM:
        text = f"Only {free // (1024 * 1024)} MiB are free on the disk of {workspace}. Make room."
        yield Symptom("workspace", Health.WARNING, text)
    else:
        yield Symptom("workspace", Health.GOOD, str(workspace))


def _state(context: Context) -> Iterator[Symptom]:
    yield Symptom("state", Health.GOOD, context.store.shown)
    freed = context.store.release_dead_claims()
    if freed:
        text = f"A run of {', '.join(freed)} died; its claim was released. Run `twofold sync`."
        yield Symptom("runs", Health.WARNING, text)


def _configuration(context: Context) -> Iterator[Symptom]:
    count, connections = len(context.mappings), len(context.configuration.connections)
    if not count:
        text = "Nothing is configured. Write twofold.yaml, then run `twofold apply`."
        yield Symptom("configuration", Health.WARNING, text)
        return
    file = context.workspace / "twofold.yaml"
    if file.exists() and file.read_text(encoding="utf-8-sig", errors="replace") != context.configuration.text:
        text = "twofold.yaml is not what was applied. Apply it, or `twofold export --out twofold.yaml`."
        yield Symptom("configuration", Health.WARNING, text)
    else:
        text = f"{_counted(connections, 'connection')}, {_counted(count, 'mapping')}"
        yield Symptom("configuration", Health.GOOD, text)


def _connections(context: Context) -> Iterator[Symptom]:
    from twofold.app.setup import check

    if not context.mappings:
        return
    found = check(context)
    for line in found.connections:
        part = f"connection {line.name}"
        if line.problem:
            yield Symptom(part, Health.PROBLEM, line.problem)
        elif line.moved:
            text = (
                f"It led to {line.expected}, now to {line.identity}. If that is right: `twofold apply --yes`."
            )
            yield Symptom(part, Health.PROBLEM, text)
        else:
            yield Symptom(part, Health.GOOD, f"{line.kind}, {line.identity}")
    if found.problems or any(finding.missing for finding in found.findings):
        yield Symptom("mappings", Health.PROBLEM, "They do not fit the tables. Run `twofold check`.")


def _waiting(context: Context) -> Iterator[Symptom]:
    """What waits for a person, from the counts of couplings and entries."""
    for name, counts in context.store.listing.counts().items():
        waits = [f"{counts[kind]} {word}" for kind, word in _WAITING.items() if counts[kind]]
        if waits:
            text = f"{', '.join(waits)}. See `twofold errors {name}`."
            yield Symptom(f"mapping {name}", Health.WARNING, text)


_WAITING = {
    "questions": "open questions",
    "failures": "failed",
    "set_aside": "set aside",
    "in_doubt": "couplings in doubt",
}


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


_LOOKS: tuple[Callable[[Context], Iterator[Symptom]], ...] = (_state, _configuration, _connections, _waiting)
