"""Two systems in memory, a mapping between them and a real store: what the engine's tests live in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twofold.app.context import TimeOrderedKeys
from twofold.app.definitions import definition
from twofold.app.wiring import Silent, circle_of, feed_of
from twofold.connectors.memory import MemoryConnector, MemorySystem
from twofold.core.layout import Layout, lay_out, line_fields, line_signature
from twofold.core.mapping import FieldMapping, TableMapping, TableSide
from twofold.core.names import COUNTERS, Direction, Side
from twofold.core.plan import MappingPlan
from twofold.core.schema import Field, FieldType, Schema
from twofold.engine.run import Run, synchronize
from twofold.engine.task import Endpoint, Neighbour, Options, Task
from twofold.ports import Connector, Table
from twofold.store.database import open_store

if TYPE_CHECKING:
    from twofold.store.store import DjangoStore

TEXT, STAMP = FieldType.TEXT, FieldType.DATETIME


class HouseClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def customer(table: str, *more: Field, key: Field | None = None) -> Schema:
    """A table of customers: id, name, phone, city, email, and a modified column."""
    fields = [
        key or Field("id", TEXT, length=36, nullable=False),
        Field("name", TEXT, length=50),
        Field("phone", TEXT, length=20),
        Field("city", TEXT, length=30),
        Field("email", TEXT, length=80),
        Field("modified_at", STAMP, scale=6, nullable=False),
        *more,
    ]
    return Schema(table, tuple(fields), ("id",))


PAIRS = tuple(FieldMapping(name, name) for name in ("name", "phone", "city"))
EMAIL = FieldMapping("email", "email", Direction.TO_RIGHT)


def mapping_of(name: str = "CUSTOMER", **changes: Any) -> TableMapping:
    """A two-way mapping of customers that creates records, with one field to the right only."""
    plain = TableMapping(
        name,
        TableSide("erp", "customer", ("id",), "modified_at"),
        TableSide("crm", "account", ("id",), "modified_at"),
        (*PAIRS, EMAIL),
        synch_only_coupled_records=False,
    )
    return replace(plain, **changes)


class House:
    """Systems, mappings and a store; runs mappings the way `app` does, without its files."""

    def __init__(self, path: Path, *mappings: TableMapping, left: MemorySystem | None = None, right: MemorySystem | None = None) -> None:
        self.clock = HouseClock()
        self.left = left or MemorySystem("erp")
        self.right = right or MemorySystem("crm")
        if left is None:
            self.left.create_table(customer("customer"), modified="modified_at")
        if right is None:
            self.right.create_table(customer("account"), modified="modified_at")
        self.mappings: dict[str, TableMapping] = {}
        self.connectors: dict[Side, Connector] = {
            Side.LEFT: MemoryConnector(self.left),
            Side.RIGHT: MemoryConnector(self.right),
        }
        self.store: DjangoStore = open_store(path)
        for mapping in mappings or (mapping_of(),):
            self.configure(mapping)

    def configure(self, mapping: TableMapping) -> None:
        """Put a mapping in place, as `apply` does."""
        self.mappings[mapping.name] = mapping
        self.store.configuration.save({}, {name: definition(m) for name, m in self.mappings.items()})

    @property
    def mapping(self) -> TableMapping:
        return next(iter(self.mappings.values()))

    def end(self, mapping: TableMapping, side: Side) -> Endpoint:
        own = mapping.on(side)
        connector = self.connectors[side]
        table = Table(own.table, own.key, feed_of(mapping, side), own.modified, own.row_version)
        return Endpoint(connector, table, connector.describe(own.table), connector.capabilities(table))

    def task(self, mapping: TableMapping, options: Options, plan: MappingPlan | None = None) -> Task:
        ends = {side: self.end(mapping, side) for side in Side}
        return Task(
            self.layout(mapping, ends),
            ends,
            {
                pair.lookup.mapping: Neighbour(
                    pair.lookup.mapping, {side: self.end(self.mappings[pair.lookup.mapping], side) for side in Side}
                )
                for pair in mapping.fields
                if pair.lookup
            },
            self.store,
            self.clock,
            TimeOrderedKeys(),
            Silent(),
            options,
            plan,
        )

    def layout(self, mapping: TableMapping, ends: Mapping[Side, Endpoint]) -> Layout:
        left, right = ends[Side.LEFT].schema, ends[Side.RIGHT].schema
        signatures = {
            pair.identity: line_signature(pair, *line_fields(pair, left, right)) for pair, _ in mapping.active()
        }
        slots = self.store.slots(mapping.name, signatures)
        return lay_out(mapping, left, right, slots, circle_of(self.mappings, mapping.name))

    def run(self, name: str | None = None, **options: Any) -> dict[str, dict[str, int]]:
        """One run; the counters of each direction that are not zero."""
        mapping = self.mappings[name] if name else self.mapping
        run = synchronize(self.task(mapping, Options(**options)))
        return self.counters(run)

    def counters(self, run: Run) -> dict[str, dict[str, int]]:
        found = {}
        for direction, job in run.jobs.items():
            row = self.store.listing.job(job)
            found[direction.value] = {counter: row[counter] for counter in COUNTERS if row[counter]}
        return found

    def plan(self, **options: Any) -> list[dict[str, Any]]:
        plan = MappingPlan(self.mapping.name)
        run = Run(self.task(self.mapping, Options(**options), plan)).open()
        run.first_pass()
        return [action.as_json() for action in plan.actions]

    def entries(self) -> list[dict[str, Any]]:
        return self.store.listing.entries()

    def couplings(self) -> dict[str, str]:
        return {row["left_key"]: row["right_key"] for row in self.store.listing.couplings(self.mapping.name)}

    def values(self, *fields: str) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
        """The sorted values of these fields on both sides."""
        names = fields or ("name", "phone", "city")
        sides = (self.left.rows("customer"), self.right.rows("account"))
        left, right = (sorted([tuple(row[name] for name in names) for row in rows.values()], key=str) for rows in sides)
        return left, right
