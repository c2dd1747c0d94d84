"""Opens memory systems by name, within this process only; it must never outlive the process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twofold.connectors.memory.connector import MemoryConnector
from twofold.connectors.memory.system import MemorySystem
from twofold.core.names import closest
from twofold.errors import Refused

_SYSTEMS: dict[str, MemorySystem] = {}
_SETTINGS = ("system", "page_size", "max_ops", "max_keys")


def open_system(name: str) -> MemorySystem:
    """The memory system called `name`, made empty when first asked for."""
    return _SYSTEMS.setdefault(name, MemorySystem(name))


def connect(name: str, settings: Mapping[str, Any], workspace: Path) -> MemoryConnector:  # noqa: ARG001
    """Connect to the system that `system:` names, or else to the one called as the connection.

    Further settings are `page_size`, `max_ops` and `max_keys`. Raises `Refused` for any other, and for a
    system that nobody opened in this process.
    """
    problems = tuple(_problems(name, settings))
    if problems:
        raise Refused(problems[0], problems)
    numbers = {key: value for key, value in settings.items() if key != "system"}
    return MemoryConnector(_SYSTEMS[_system(name, settings)], **numbers)


def _system(name: str, settings: Mapping[str, Any]) -> str:
    return str(settings.get("system", name))


def _problems(name: str, settings: Mapping[str, Any]) -> list[str]:
    unknown = [key for key in settings if key not in _SETTINGS]
    wrong = [key for key in _SETTINGS[1:] if not _is_count(settings.get(key, 1))]
    system = _system(name, settings)
    found = [
        f'Connection "{name}" has an unknown setting "{key}".{closest(key, _SETTINGS)}' for key in unknown
    ]
    found += [f'"{key}" of connection "{name}" must be a whole number above 0.' for key in wrong]
    if system not in _SYSTEMS:
        found.append(
            f'Connection "{name}": no memory system "{system}" is open in this process.'
            f"{closest(system, _SYSTEMS)} A memory system lives in the program that opens it with "
            "open_system; for data that stays, use kind: sql."
        )
    return found


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
