"""Two systems in memory, mappings between them and a real store: what the engine's tests live in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from twofold.app.context import TimeOrderedKeys
from twofold.app.definitions import definition
from twofold.app.wiring import Silent, circle_of, feed_of
from twofold.connectors.memory import MemoryConnector, MemorySystem
from twofold.core.decide import Policy
from twofold.core.layout import Layout, lay_out, line_fields, line_signature
from twofold.core.mapping import FieldMapping, TableMapping, TableSide
from twofold.core.names import COUNTERS, Direction, Side
from twofold.core.plan import MappingPlan
from twofold.core.schema import Field, FieldType, Schema
from twofold.engine.run import Run, synchronize
from twofold.engine.task import Endpoint, Neighbour, Options, Task
from twofold.engine.verify import Finding, compare
from twofold.ports import Connector, Progress, Store, Table
from twofold.store.database import open_store
from twofold.testing.faults import Fault, Faulty
from twofold.testing.fuse import Crash, Fuse, fused_store

if TYPE_CHECKING:
    from twofold.store.store import DjangoStore

TEXT, STAMP = FieldType.TEXT, FieldType.DATETIME
Counts = dict[str, dict[str, int]]
Row = dict[str, Any]


class HouseClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class StopAfter:
    """A person who asks to stop after so many questions whether to stop."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def phase(self, text: str, total: int | None) -> None:
        """Nobody watches."""

    def advance(self, rows: int) -> None:
        """Nobody watches."""

    def should_stop(self) -> bool:
        self.left -= 1
        return self.left < 0


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


def numbered(table: str, *more: Field) -> Schema:
    """The same with a key that the system makes."""
    return customer(table, *more, key=Field("id", FieldType.INTEGER, nullable=False, generated=True))


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


@cache
def _empty_state() -> Path:
    """A state database without content, made once; copying it is ten times as fast as making one."""
    path = Path(tempfile.mkdtemp(prefix="twofold")) / "empty.db"
    open_store(path).close()
    return path


def fresh_store(path: Path) -> DjangoStore:
    """A store of its own on a new state database in the folder `path`."""
    target = Path(shutil.copy(_empty_state(), path / "state.db"))
    return open_store(target)


class House:
    """Systems, mappings and a store; runs mappings the way `app` does, without its files."""

    def __init__(
        self,
        path: Path,
        *mappings: TableMapping,
        left: Schema | None = None,
        right: Schema | None = None,
        facts: Mapping[str, Any] | None = None,
        coarse: bool = False,
    ) -> None:
        self.clock = HouseClock()
        self.left = MemorySystem("erp", coarse=coarse)
        self.right = MemorySystem("crm", coarse=coarse)
        self.left.create_table(left or customer("customer"), modified="modified_at")
        self.right.create_table(right or customer("account"), modified="modified_at")
        self.mappings: dict[str, TableMapping] = {}
        self.connectors: dict[Side, Connector] = {
            Side.LEFT: MemoryConnector(self.left, **(facts or {})),
            Side.RIGHT: MemoryConnector(self.right, **(facts or {})),
        }
        self.real = fresh_store(path)
        self.store: Store = self.real
        self.progress: Progress = Silent()
        for mapping in mappings or (mapping_of(),):
            self.configure(mapping)

    def configure(self, mapping: TableMapping) -> None:
        """Put a mapping in place, as `apply` does."""
        self.mappings[mapping.name] = mapping
        self.real.configuration.save({}, {name: definition(m) for name, m in self.mappings.items()})

    def change(self, **changes: Any) -> None:
        """Change the only mapping."""
        self.configure(replace(self.mapping, **changes))

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
            self._neighbours(mapping),
            self.store,
            self.clock,
            TimeOrderedKeys(),
            self.progress,
            options,
            plan,
        )

    def _neighbours(self, mapping: TableMapping) -> dict[str, Neighbour]:
        names = {pair.lookup.mapping for pair in mapping.fields if pair.lookup}
        return {
            name: Neighbour(name, {side: self.end(self.mappings[name], side) for side in Side})
            for name in names
        }

    def layout(self, mapping: TableMapping, ends: Mapping[Side, Endpoint]) -> Layout:
        left, right = ends[Side.LEFT].schema, ends[Side.RIGHT].schema
        signatures = {
            pair.identity: line_signature(pair, *line_fields(pair, left, right))
            for pair, _ in mapping.active()
        }
        slots = self.store.slots(mapping.name, signatures)
        return lay_out(mapping, left, right, slots, circle_of(self.mappings, mapping.name))

    # -- runs ----------------------------------------------------------------------------------------------

    def run(self, name: str | None = None, **options: Any) -> Counts:
        """One run; the counters of each direction that are not zero."""
        mapping = self.mappings[name] if name else self.mapping
        return self.counters(synchronize(self.task(mapping, Options(**options))))

    def run_circle(self, **options: Any) -> Counts:
        """All mappings, second passes last, as `app` runs those of a circle; counters added up."""
        runs = [Run(self.task(mapping, Options(**options))).open() for mapping in self.mappings.values()]
        for run in runs:
            run.first_pass()
        for _ in runs:
            for run in runs:
                run.second_pass()
        for run in runs:
            run.close()
        return {run.task.name: _added(self.counters(run)) for run in runs}

    def counters(self, run: Run) -> Counts:
        found = {}
        for direction, job in run.jobs.items():
            row = self.real.listing.job(job)
            found[direction.value] = {counter: row[counter] for counter in COUNTERS if row[counter]}
        return found

    def answer(self, left: Sequence[str] = (), **policy: Any) -> Counts:
        """A person's answer about records, as `resolve` gives it."""
        self.real.release(self.mapping.name, left)
        decided: Policy = replace(self.task(self.mapping, Options()).policy, **policy)
        return self.run(left=left, answers=decided)

    def plan(self, **options: Any) -> list[dict[str, Any]]:
        plan = MappingPlan(self.mapping.name)
        run = Run(self.task(self.mapping, Options(**options), plan)).open()
        run.first_pass()
        return [action.as_json() for action in plan.actions]

    def verify(self) -> list[Finding]:
        task = self.task(self.mapping, Options(full=True))
        return [finding for _, findings in compare(task) for finding in findings]

    # -- trouble -------------------------------------------------------------------------------------------

    @contextmanager
    def faults(self, *left: Fault, right: Sequence[Fault] = ()) -> Iterator[dict[Side, Faulty]]:
        """Connections on which these calls go wrong, meanwhile."""
        sound, scripts = self.connectors, {Side.LEFT: left, Side.RIGHT: right}
        bad = {side: Faulty(sound[side], scripts[side]) for side in Side}
        self.connectors = cast("dict[Side, Connector]", bad)
        try:
            yield bad
        finally:
            self.connectors = sound

    def crash(
        self, at: int | None, name: str | None = None, *, script: Sequence[Fault] = (), **options: Any
    ) -> Fuse:
        """A run that dies at the `at`-th point of a connector or the store; `script` is of the right side."""
        fuse, sound = Fuse(at), self.connectors
        scripts = {Side.LEFT: (), Side.RIGHT: script}
        self.connectors = {side: Faulty(sound[side], scripts[side], fuse=fuse) for side in Side}
        self.store = fused_store(self.real, fuse)
        try:
            self.run(name, **options)
        except Crash:
            pass
        finally:
            self.connectors, self.store = sound, self.real
        return fuse

    # -- looking -------------------------------------------------------------------------------------------

    def entries(self) -> list[dict[str, Any]]:
        return self.real.listing.entries()

    def entry(self) -> dict[str, Any]:
        """The only line of the errors list."""
        (found,) = self.entries()
        return found

    def couplings(self, name: str | None = None) -> dict[str, str]:
        return {
            row["left_key"]: row["right_key"]
            for row in self.real.listing.couplings(name or self.mapping.name)
        }

    def written(self) -> int:
        """How many writes both systems have seen."""
        return self.left.counter + self.right.counter

    def values(self, *fields: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The sorted values of these fields on both sides."""
        names = fields or ("name", "phone", "city")
        sides = (self.left.rows("customer"), self.right.rows("account"))
        left, right = (
            sorted([tuple(row[name] for name in names) for row in rows.values()], key=str) for rows in sides
        )
        return left, right

    def close(self) -> None:
        self.real.close()


def _added(counts: Counts) -> dict[str, int]:
    found: dict[str, int] = {}
    for own in counts.values():
        for name, count in own.items():
            found[name] = found.get(name, 0) + count
    return found
