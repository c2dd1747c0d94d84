"""Puts a mapping, its two tables and the store together into a task; nothing else may know all three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twofold.app.context import Context
from twofold.core.dependencies import needs_of
from twofold.core.keys import key_parts
from twofold.core.layout import Layout, common_ground, lay_out, line_fields, line_signature
from twofold.core.mapping import FieldMapping, TableMapping
from twofold.core.names import FeedKind, Side
from twofold.core.plan import MappingPlan
from twofold.core.schema import Schema
from twofold.core.schema_rules import check_schemas
from twofold.engine.task import Endpoint, Neighbour, Options, Task
from twofold.errors import Refused, SchemaDrift
from twofold.ports import Connector, Progress, Table

Ends = dict[Side, Endpoint]
"""The two tables of a mapping."""


class Silent:
    """Progress that nobody watches."""

    def phase(self, text: str, total: int | None) -> None:
        """Nothing is shown."""

    def advance(self, rows: int) -> None:
        """Nothing is shown."""

    def should_stop(self) -> bool:
        """Never."""
        return False


@dataclass(slots=True)
class Wiring:
    """Makes tasks for the mappings of one command; tables are described once."""

    context: Context
    progress: Progress = field(default_factory=Silent)
    _ends: dict[tuple[str, Side], Endpoint] = field(default_factory=dict)

    def task(
        self,
        mapping: TableMapping,
        options: Options,
        plan: MappingPlan | None = None,
        planned_keys: Mapping[str, Mapping[Side, Mapping[str, str | None]]] | None = None,
    ) -> Task:
        """The task of one mapping; raises `SchemaDrift` with every reason why its tables do not fit it."""
        ends, neighbours = self.look_at(mapping, options)
        layout = self._layout(mapping, ends[Side.LEFT].schema, ends[Side.RIGHT].schema)
        return Task(
            layout,
            ends,
            neighbours,
            self.context.store,
            self.context.clock,
            self.context.keys,
            self.progress,
            options,
            plan,
            planned_keys or {},
        )

    def look_at(self, mapping: TableMapping, options: Options) -> tuple[Ends, dict[str, Neighbour]]:
        """The tables of a mapping and of its lookups, described; raises `Refused` for what cannot be."""
        ends = {side: self.end(mapping, side) for side in Side}
        for side, keys in ((Side.LEFT, options.left), (Side.RIGHT, options.right)):
            check_keys(ends[side], keys)
        return ends, {name: self._neighbour(name) for name in self._looked_up(mapping)}

    def end(self, mapping: TableMapping, side: Side) -> Endpoint:
        """One table of a mapping, described; raises `Refused` if it is not there."""
        found = self._ends.get((mapping.name, side))
        if found is None:
            found = self._ends[mapping.name, side] = self._described(mapping, side)
        return found

    def _described(self, mapping: TableMapping, side: Side) -> Endpoint:
        own = mapping.on(side)
        connector = self.context.connector(own.connection)
        schema = self._schema(connector, mapping, own.table)
        key = own.key or schema.key
        if not key:
            raise Refused(
                f"{mapping.name}: {own.table} in {own.connection} has no primary key. Name the fields that "
                f"identify a record: `{side}: {{..., key: FIELD}}`."
            )
        table = Table(own.table, key, feed_of(mapping, side), own.modified, own.row_version)
        return Endpoint(connector, table, schema, connector.capabilities(table))

    def _schema(self, connector: Connector, mapping: TableMapping, table: str) -> Schema:
        try:
            return connector.describe(table)
        except Refused as error:
            raise Refused(
                f"{mapping.name}: {error} Nothing was done. Correct the mapping and apply it, "
                f"or make the table: `twofold check {mapping.name} --ddl` shows how."
            ) from error

    def _layout(self, mapping: TableMapping, left: Schema, right: Schema) -> Layout:
        problems = check_schemas(mapping, left, right, needs_of(self.context.mappings, mapping.name))
        if problems:
            sentences = "\n".join(f"  {problem.sentence}" for problem in problems)
            raise SchemaDrift(f"{mapping.name} does not fit its tables; nothing was done.\n{sentences}")
        signatures = {pair.identity: _signature(pair, left, right) for pair, _ in mapping.active()}
        slots = self.context.store.slots(mapping.name, signatures)
        return lay_out(mapping, left, right, slots, circle_of(self.context.mappings, mapping.name))

    def _looked_up(self, mapping: TableMapping) -> set[str]:
        return {pair.lookup.mapping for pair, _ in mapping.active() if pair.lookup is not None}

    def _neighbour(self, name: str) -> Neighbour:
        mapping = self.context.mapping(name)
        return Neighbour(name, {side: self.end(mapping, side) for side in Side})


def check_keys(end: Endpoint, keys: Sequence[str]) -> None:
    """Raise `Refused` for a key that no record of the table can have, as of a composite key badly quoted."""
    for key in keys:
        try:
            key_parts(key, len(end.table.key))
        except ValueError as error:
            raise Refused(
                f"{error} It stands for {', '.join(end.table.key)} of {end.table.name}; in a shell, put the "
                "whole array between single quotes."
            ) from None


def _signature(pair: FieldMapping, left: Schema, right: Schema) -> str:
    fields = line_fields(pair, left, right)
    found = common_ground(pair, *fields)
    if isinstance(found, str):
        raise SchemaDrift(found)
    return line_signature(pair, *fields)


def feed_of(mapping: TableMapping, side: Side) -> FeedKind:
    """How a table tells what changed: as the file says, else by the columns it names."""
    own = mapping.on(side)
    if own.feed is not None:
        return own.feed
    if mapping.feed is not None:
        return mapping.feed
    if own.modified is not None:
        return FeedKind.MODIFIED
    return FeedKind.ROW_VERSION if own.row_version is not None else FeedKind.SNAPSHOT


def circle_of(mappings: Mapping[str, TableMapping], name: str) -> tuple[str, ...]:
    """The mappings that share a circle of lookups with this one, itself included; none without a circle."""
    looked_up = {
        own: {pair.lookup.mapping for pair, _ in mapping.active() if pair.lookup is not None}
        for own, mapping in mappings.items()
    }
    return tuple(
        other for other in mappings if _reaches(looked_up, name, other) and _reaches(looked_up, other, name)
    )


def _reaches(graph: Mapping[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return False
