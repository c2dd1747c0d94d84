"""A workspace that synchronizes two real tables, as a person's does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twofold.app.context import opened
from twofold.app.definitions import definition
from twofold.app.runs import Report, synchronize
from twofold.app.settings import load
from twofold.app.verify import Verification, verify
from twofold.engine.task import Options

from .place import Place


class Watching:
    """Hears how far a run is, and acts once when the first rows are recorded."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act: Callable[[], object] | None = act

    def phase(self, text: str, total: int | None) -> None:
        """Nothing happens between the parts."""

    def advance(self, rows: int) -> None:
        """Act at the first rows."""
        act, self.act = self.act, None
        if act is not None:
            act()

    def should_stop(self) -> bool:
        """Nobody asks to stop."""
        return False


def connection(place: Place, **settings: Any) -> dict[str, Any]:
    """What a person writes about the place."""
    return {"kind": "sql", "url": place.url, "page_size": 10, **settings}


def configure(folder: Path, connections: Mapping[str, Any], mappings: Mapping[str, Any]) -> None:
    """Make the workspace."""
    new = load(json.dumps({"connections": connections, "mappings": mappings}))
    with opened(folder, create=True) as context:
        known = {name: definition(mapping) for name, mapping in new.mappings.items()}
        context.store.configuration.save(new.connections, known)


def synchronized(folder: Path, progress: Watching | None = None, *, full: bool = False) -> Report:
    """One run of all mappings."""
    with opened(folder) as context:
        return synchronize(context, (), Options(full=full), progress)


def verified(folder: Path) -> list[Verification]:
    """What `verify` finds."""
    with opened(folder) as context:
        return verify(context, ())


def counted(report: Report, name: str) -> int:
    """A counter over all jobs of a run."""
    return sum(job[name] for job in report.jobs)
