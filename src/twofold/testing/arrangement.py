"""What an author arranges for the contract: one table and a person at its system; it must never assert.

An arrangement is about twenty lines: the connector, the table, and three verbs that act on the system without
the connector. Everything else has a default that fits `contract_schema`; a system whose tables are fixed
names its own fields instead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import polars as pl

from twofold.core.filters import Filter
from twofold.core.frames import KEY, VERSION
from twofold.core.names import FeedKind
from twofold.core.schema import Field, FieldType, Schema
from twofold.ports import Capabilities, ChangePage, Connector, OpKind, Ops, Table


class KeyKind(StrEnum):
    """How the records of a table get their keys."""

    GUID = "guid"
    """A UUID that we may make."""
    TEXT = "text"
    """A text that people choose."""
    IDENTITY = "identity"
    """A number that the system makes."""
    COMPOSITE = "composite"
    """Two fields together."""


NAME_LENGTH = 40

_KEYS: dict[KeyKind, tuple[Field, ...]] = {
    KeyKind.GUID: (Field("id", FieldType.GUID, nullable=False),),
    KeyKind.TEXT: (Field("code", FieldType.TEXT, 40, nullable=False),),
    KeyKind.IDENTITY: (Field("id", FieldType.INTEGER, nullable=False, generated=True),),
    KeyKind.COMPOSITE: (
        Field("region", FieldType.TEXT, 10, nullable=False),
        Field("number", FieldType.INTEGER, nullable=False),
    ),
}

_STAMPS: dict[FeedKind, tuple[Field, ...]] = {
    FeedKind.MODIFIED: (Field("modified_at", FieldType.DATETIME),),
    FeedKind.ROW_VERSION: (Field("row_version", FieldType.INTEGER),),
}


def contract_schema(feed: FeedKind, key: KeyKind, table: str = "things") -> Schema:
    """The table that the contract works on by default, for systems in which one can be created."""
    fields = (
        *_KEYS[key],
        Field("name", FieldType.TEXT, NAME_LENGTH, nullable=False),
        Field("note", FieldType.TEXT, 200),
        Field("quantity", FieldType.INTEGER),
        Field("amount", FieldType.DECIMAL, scale=2),
        Field("active", FieldType.BOOLEAN),
        Field("due", FieldType.DATE),
        Field("seen", FieldType.DATETIME),
        *_STAMPS.get(feed, ()),
    )
    return Schema(table, fields, tuple(field.name for field in _KEYS[key]))


def contract_table(feed: FeedKind, key: KeyKind, name: str = "things") -> Table:
    """The same table as a mapping would name it."""
    stamps: dict[str, str] = {}
    if feed is FeedKind.MODIFIED:
        stamps["modified"] = "modified_at"
    elif feed is FeedKind.ROW_VERSION:
        stamps["row_version"] = "row_version"
    return Table(name, tuple(field.name for field in _KEYS[key]), feed, **stamps)


class Arrangement(ABC):
    """One empty table of one system, a connector to it, and a person at that system.

    `page` is how many rows come in one page, where a test may know it; None leaves paging to chance.
    `idle_requests` is what a read may cost that finds nothing. `names_fields`: a refusal names its field.
    `limits_text`: a text longer than its column is refused.
    Fields are named by the part they play: `name` is a required text of limited length, `note` a text and
    `quantity` a whole number that may be empty. `extremes` are further fields with values that must come back
    as they were written.
    """

    connector: Connector
    table: Table
    page: int | None = None
    idle_requests: int = 1
    names_fields: bool = True
    limits_text: bool = True
    name = "name"
    note = "note"
    quantity = "quantity"

    @property
    def extremes(self) -> Mapping[str, Sequence[Any]]:
        """Values at the edges of further fields' types; leave out what the system does not have."""
        return {
            "amount": [Decimal("0.00"), Decimal("-0.01"), Decimal("99999999999.99"), None],
            "active": [True, False, None],
            "due": [date(1900, 1, 1), date(2024, 2, 29), date(9999, 12, 31), None],
            "seen": [datetime(1970, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC), None],
        }

    # -- the person at the system --------------------------------------------------------------------------

    @abstractmethod
    def insert(self, row: Mapping[str, Any]) -> str:
        """Add a row outside the connector and return its key text."""

    @abstractmethod
    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        """Change a row outside the connector, so that the system notices it as it would any edit."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove a row outside the connector."""

    def stamp(self, key: str, moment: datetime | None) -> None:
        """Set only the modified column of a row, as a late commit or a wrong clock would; MODIFIED feeds."""
        raise NotImplementedError

    def spoil(self, key: str) -> str:
        """Put into a row something that is not what its column declares, and return the field's name."""
        raise NotImplementedError

    # -- rows ----------------------------------------------------------------------------------------------

    def key_values(self, number: int) -> dict[str, Any]:
        """The key fields of the `number`-th new row; nothing where the system makes them."""
        fields = [self.schema[name] for name in self.table.key]
        if len(fields) == 1 and fields[0].generated:
            return {}
        return {field.name: _key_value(field, number) for field in fields}

    def row(self, number: int, **values: Any) -> dict[str, Any]:
        """A complete new row, unlike that of any other number."""
        return {
            **self.key_values(number),
            self.name: f"Thing {number:04}",
            self.note: f"note {number}",
            self.quantity: number,
            **values,
        }

    def insert_rows(self, numbers: Iterable[int]) -> list[str]:
        """Add several rows outside the connector."""
        return [self.insert(self.row(number)) for number in numbers]

    # -- what the connector says ---------------------------------------------------------------------------

    @property
    def schema(self) -> Schema:
        """The table as the connector describes it."""
        return self.connector.describe(self.table.name)

    @property
    def able(self) -> Capabilities:
        """What the connector can do with the table."""
        return self.connector.capabilities(self.table)

    @property
    def fields(self) -> list[str]:
        """The fields that the contract reads."""
        return [self.name, self.note, self.quantity]

    @property
    def requests(self) -> Counter[str] | None:
        """The connector's count of round trips, if it keeps one."""
        found = getattr(self.connector, "requests", None)
        return found if isinstance(found, Counter) else None

    def pages(
        self, since: str | None = None, fields: Sequence[str] | None = None, where: Filter | None = None
    ) -> list[ChangePage]:
        """A whole reading of the feed."""
        asked = self.fields if fields is None else fields
        return list(self.connector.changes(self.table, asked, where, since))

    def cursor(self) -> str:
        """The cursor after everything there is now."""
        return self.pages()[-1].cursor

    def stored(self, keys: Sequence[str], *fields: str) -> dict[str, dict[str, Any]]:
        """These rows as a fresh read by key shows them, by key."""
        read = self.connector.fetch(self.table, list(fields) or self.fields, keys)
        return {row[KEY]: row for row in read.rows.iter_rows(named=True)}

    def versions(self, keys: Sequence[str]) -> dict[str, str | None]:
        """The versions of these rows now, over `fields`."""
        return {key: row[VERSION] for key, row in self.stored(keys).items()}

    def ops(
        self,
        kind: OpKind,
        rows: Sequence[Mapping[str, Any]],
        keys: Sequence[str | None] = (),
        versions: Sequence[str | None] = (),
    ) -> Ops:
        """Ops that write the fields that `rows` have, which must be the same in all."""
        count = max(len(rows), len(keys))
        names = list(rows[0]) if rows else []
        schema = {KEY: pl.String(), VERSION: pl.String(), **{name: self.schema[name].dtype for name in names}}
        columns: dict[str, Any] = {
            KEY: list(keys) or [None] * count,
            VERSION: list(versions) or [None] * count,
        }
        columns.update({name: [row[name] for row in rows] for name in names})
        return Ops(kind, pl.DataFrame(columns, schema=schema), versioned_by=tuple(self.fields))


def _key_value(field: Field, number: int) -> Any:
    if field.type is FieldType.GUID:
        return f"00000000-0000-4000-8000-{number:012x}"
    return number if field.type is FieldType.INTEGER else f"K{number:04}"
