"""A third party's connector whose system is slow, or hangs: what a person interrupts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twofold.connectors.memory import MemoryConnector, open_system
from twofold.core.schema import Field, FieldType, Schema
from twofold.ports import Ops, Results, Table

ROWS = 60
PAGE = 10
KEY = Field("id", FieldType.TEXT, length=36, nullable=False)
TABLE = Schema("customer", (KEY, Field("name", FieldType.TEXT)), ("id",))


class SlowConnector(MemoryConnector):
    """Waits for the file `interrupted` before it writes; one that hangs never writes."""

    workspace: Path
    hangs: bool

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        """Say so, wait, and write."""
        (self.workspace / "writing").touch()
        while self.hangs or not (self.workspace / "interrupted").exists():
            time.sleep(0.01)
        return super().apply(table, ops)


def connect(name: str, settings: Mapping[str, Any], workspace: Path) -> SlowConnector:
    """A system of this process; the one called `full` has rows."""
    system = open_system(name)
    if "customer" not in system.tables:
        system.create_table(TABLE)
        for number in range(ROWS if name == "full" else 0):
            system.insert("customer", {"id": f"{number:03d}", "name": f"Name {number}"})
    connector = SlowConnector(system, page_size=PAGE)
    connector.workspace = workspace
    connector.hangs = bool(settings.get("hangs"))
    return connector
