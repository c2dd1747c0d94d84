"""What one run of one mapping works with; it must never do the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twofold.core.decide import Policy
from twofold.core.layout import Layout
from twofold.core.names import Concurrency, Direction, Side, UpdateConflict
from twofold.core.plan import MappingPlan
from twofold.core.schema import Schema
from twofold.ports import Capabilities, Clock, Connector, Keys, Progress, Store, Table

PAGE = 10_000
"""Rows in one chunk: what is decided, written and recorded together."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One table of one system, with what is known about it."""

    connector: Connector
    table: Table
    schema: Schema
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A mapping that lookups point to."""

    name: str
    ends: Mapping[Side, Endpoint]


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asked of a run.

    `direction` narrows the run; None is what the mapping says. `full` reads everything and corrects drift.
    `force` is the one-way direction whose source wins. `left` and `right` name records; empty is all.
    `creates` overrides Synch. Only Coupled Records; `update_conflict` answers open questions.
    """

    direction: Direction | None = None
    full: bool = False
    force: Direction | None = None
    left: Sequence[str] = ()
    right: Sequence[str] = ()
    allow_deletes: bool = False
    creates: bool | None = None
    update_conflict: UpdateConflict | None = None
    answers: Policy | None = None

    @property
    def named(self) -> bool:
        """Whether the run is about chosen records only."""
        return bool(self.left or self.right)


@dataclass(slots=True)
class Task:
    """Everything a run needs, handed in; `plan` is where a dry run puts its actions instead of writing."""

    layout: Layout
    ends: Mapping[Side, Endpoint]
    neighbours: Mapping[str, Neighbour]
    store: Store
    clock: Clock
    keys: Keys
    progress: Progress
    options: Options = field(default_factory=Options)
    plan: MappingPlan | None = None
    planned_keys: Mapping[str, Mapping[Side, Mapping[str, str | None]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The mapping's name, under which the store keeps everything."""
        return self.layout.mapping.name

    @property
    def direction(self) -> Direction:
        """The direction of this run."""
        return self.options.direction or self.layout.mapping.direction

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The one-way directions of this run, to_right first; each has a job."""
        return self.direction.single

    @property
    def writable(self) -> tuple[Side, ...]:
        """The sides that this run may write."""
        return tuple(side for side in Side if self.direction.writes(side))

    @property
    def sources(self) -> tuple[Side, ...]:
        """The sides whose changes this run reads, left first."""
        return tuple(side for side in Side if self.direction.writes(side.other))

    @property
    def policy(self) -> Policy:
        """What the mapping says, with what the person asked laid over it."""
        mapping, options = self.layout.mapping, self.options
        if options.answers is not None:
            return options.answers
        creates = not mapping.synch_only_coupled_records if options.creates is None else options.creates
        return Policy(
            direction=mapping.direction,
            update_conflict=options.update_conflict or mapping.update_conflict,
            deletion_conflict=mapping.deletion_conflict,
            creates=creates,
            force=options.force,
        )

    @property
    def optimistic(self) -> bool:
        """Whether updates insist on the version they were decided from."""
        return self.layout.mapping.concurrency is Concurrency.OPTIMISTIC

    def read(self, side: Side) -> tuple[str, ...]:
        """The fields that are read on `side`."""
        return self.layout.read[side]
