"""The reference connector passes the suite that it is the reference for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from twofold.connectors.memory import MemoryConnector, MemorySystem
from twofold.core.names import FeedKind
from twofold.core.schema import Field
from twofold.testing.contract import Arrangement, ConnectorContract, KeyKind, contract_schema, contract_table


class MemoryArrangement(Arrangement):
    page = 3

    def __init__(self, feed: FeedKind, key: KeyKind, *, coarse: bool = False, **facts: Any) -> None:
        self.system = MemorySystem(coarse=coarse)
        self.table = contract_table(feed, key)
        schema = contract_schema(feed, key)
        schema = replace(schema, fields=tuple(map(self.adapt, schema.fields)))
        self.system.create_table(schema, modified=self.table.modified, row_version=self.table.row_version)
        self.connector = MemoryConnector(self.system, page_size=3, **facts)

    def adapt(self, field: Field) -> Field:
        return field

    def insert(self, row: Mapping[str, Any]) -> str:
        return self.system.insert("things", row)

    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        self.system.edit("things", key, **values)

    def delete(self, key: str) -> None:
        self.system.delete("things", key)

    def stamp(self, key: str, moment: datetime | None) -> None:
        self.system.stamp("things", key, moment)

    def spoil(self, key: str) -> str:
        self.system.plant("things", key, quantity="many")
        return "quantity"


class TestMemory(ConnectorContract):
    feeds = tuple(FeedKind)
    keys = tuple(KeyKind)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return MemoryArrangement(feed, key)


class TestMemoryWithCoarseStamps(ConnectorContract):
    feeds = (FeedKind.MODIFIED,)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return MemoryArrangement(feed, key, coarse=True)


class TestMemoryThatCanDoLittle(ConnectorContract):
    """No versions returned or checked, and calls of at most six rows."""

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return MemoryArrangement(
            feed, key, returns_versions=False, optimistic_lock=False, max_ops=8, max_keys=9
        )


class ArrangementWithoutNulls(MemoryArrangement):
    def adapt(self, field: Field) -> Field:
        return replace(field, nullable=False, blank_is_null=True) if field.name == "note" else field


class TestMemoryWithoutNullsInText(ConnectorContract):
    """As Business Central keeps its texts."""

    feeds = (FeedKind.MODIFIED,)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return ArrangementWithoutNulls(feed, key)
