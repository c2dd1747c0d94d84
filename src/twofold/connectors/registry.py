"""Finds the connector of a kind; it must never import one before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from twofold.core.names import closest
from twofold.errors import Refused
from twofold.ports import Connector

GROUP = "twofold.connectors"
"""The entry points under which third parties add connectors."""

Factory = Callable[[str, Mapping[str, Any], Path], Connector]
"""Takes the connection's name, its settings without `kind`, and the workspace that paths start from."""


def kinds() -> list[str]:
    """The kinds of connection that are installed."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def connect(name: str, settings: Mapping[str, Any], workspace: Path) -> Connector:
    """Open the connection called `name`; raises `Refused` for an unknown kind or unfitting settings."""
    kind = str(settings.get("kind", ""))
    found = [entry for entry in entry_points(group=GROUP) if entry.name == kind]
    if not found:
        raise Refused(
            f'Connection "{name}" is of kind "{kind}", which is not installed.{closest(kind, kinds())} '
            f"Installed: {', '.join(kinds())}."
        )
    factory: Factory = found[0].load()
    return factory(name, {key: value for key, value in settings.items() if key != "kind"}, workspace)
