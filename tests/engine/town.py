"""The state machine's world with the real engine in it: memory systems, a real store, many mappings."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twofold.app.wiring import Silent
from twofold.connectors.memory import MemorySystem
from twofold.core.mapping import FieldMapping, TableMapping, TableSide
from twofold.core.names import (
    Concurrency,
    DeletionConflict,
    Direction,
    EntryKind,
    FeedKind,
    Side,
    UpdateConflict,
)
from twofold.core.schema import Field, FieldType, Schema
from twofold.errors import TwofoldError
from twofold.testing.faults import Faulty
from twofold.testing.world import Gate, Pair, Policy, Question, Values

from .house import House, StopAfter

TEXT = FieldType.TEXT
TAG = Pair("number", "number")
PAIRS = (Pair("name", "name"), Pair("city", "city"), Pair("note", "note", Direction.TO_RIGHT))
QUESTIONS = {kind.value for kind in EntryKind if kind.is_question}


@dataclass(frozen=True, slots=True)
class Plot:
    """What kind of world: a policy, how sides tell their changes and make keys, and what they cannot do."""

    policy: Policy
    feeds: tuple[FeedKind, FeedKind] = (FeedKind.MODIFIED, FeedKind.MODIFIED)
    keys: str = "uuid"
    match: tuple[tuple[str, ...], ...] = ()
    coarse: bool = False
    concurrency: Concurrency = Concurrency.OPTIMISTIC
    facts: Mapping[str, Any] = field(default_factory=dict)
    trigger: bool = False


def schema_of(table: str, keys: str) -> Schema:
    made = {
        "uuid": [Field("id", TEXT, length=36, nullable=False)],
        "system": [Field("id", FieldType.INTEGER, nullable=False, generated=True)],
        "mapped": [],
        "composite": [Field("company", TEXT, length=10, nullable=False)],
    }[keys]
    fields = [
        *made,
        Field("number", TEXT, length=20, nullable=False),
        *(Field(name, TEXT, length=50) for name in ("name", "city", "note", "blocked")),
        Field("modified_at", FieldType.DATETIME, scale=6),
        Field("version", FieldType.INTEGER),
    ]
    return Schema(table, tuple(fields), key_of(keys))


def key_of(keys: str) -> tuple[str, ...]:
    return {"mapped": ("number",), "composite": ("company", "number")}.get(keys, ("id",))


def mapping_for(plot: Plot) -> TableMapping:
    policy = plot.policy
    pairs = [FieldMapping(p.left, p.right, p.direction) for p in (policy.tag, *policy.pairs)]
    if plot.keys == "composite":
        pairs.append(FieldMapping("company", "company"))
    sides = [_side_of(plot, side, feed) for side, feed in zip(Side, plot.feeds, strict=True)]
    return TableMapping(
        "CUSTOMER",
        sides[0],
        sides[1],
        tuple(pairs),
        direction=policy.direction,
        synch_only_coupled_records=not policy.creates,
        update_conflict=policy.update_conflict,
        deletion_conflict=policy.deletion_conflict,
        match=plot.match,
        concurrency=plot.concurrency,
    )


def _side_of(plot: Plot, side: Side, feed: FeedKind) -> TableSide:
    gate = plot.policy.gate
    where = {gate.field: "''"} if gate is not None and gate.side is side else {}
    stamp = "modified_at" if feed is FeedKind.MODIFIED else None
    version = "version" if feed is FeedKind.ROW_VERSION else None
    return TableSide(side.value, "customer", key_of(plot.keys), stamp, version, feed, where)


def stir(row: dict[str, Any]) -> dict[str, Any]:
    """A trigger that touches a field which nobody mapped."""
    return {**row, "blocked": row["blocked"]}


class Clerk:
    """A person at one system."""

    def __init__(self, system: MemorySystem, side: Side, plot: Plot, town: Town) -> None:
        self.system, self.side, self.plot, self.town = system, side, plot, town
        self.made = 0

    def insert(self, values: Values) -> str:
        self.made += 1
        more = {"uuid": {"id": f"{self.side}{self.made}"}, "composite": {"company": "A"}}
        gate = self.plot.policy.gate
        gated = {gate.field: gate.inside} if gate is not None and gate.side is self.side else {}
        return self.system.insert("customer", {**gated, **more.get(self.plot.keys, {}), **values})

    def edit(self, key: str, values: Values) -> None:
        self.system.edit("customer", key, **values)

    def delete(self, key: str) -> None:
        self.system.delete("customer", key)

    def rows(self) -> Mapping[str, Values]:
        return self.system.rows("customer")

    def skew(self, seconds: int) -> None:
        self.system.now = self.town.pass_by(1) + timedelta(seconds=seconds)


class Town:
    """Two systems, a mapping, and the engine."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.path = Path(tempfile.mkdtemp(prefix="town"))
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.house = self._built()
        self.clerks = {
            side: Clerk(system, side, plot, self)
            for side, system in zip(Side, (self.house.left, self.house.right), strict=True)
        }

    def _built(self) -> House:
        house = House(self.path, mapping_for(self.plot), facts=self.plot.facts, coarse=self.plot.coarse)
        for system in (house.left, house.right):
            system.tables.clear()
            system.create_table(
                schema_of("customer", self.plot.keys),
                modified="modified_at",
                row_version="version",
                trigger=stir if self.plot.trigger else None,
            )
        return house

    @property
    def policy(self) -> Policy:
        return self.plot.policy

    @property
    def left(self) -> Clerk:
        return self.clerks[Side.LEFT]

    @property
    def right(self) -> Clerk:
        return self.clerks[Side.RIGHT]

    def pass_by(self, seconds: float) -> datetime:
        """The true time, which never comes twice."""
        self.time += timedelta(seconds=seconds, microseconds=7)
        return self.time

    def run(self, *, full: bool = False) -> int:
        before = self.house.written()
        counts = self.house.run(full=full)
        written = self.house.written() - before
        counted = sum(
            own.get(name, 0) for own in counts.values() for name in ("inserted", "modified", "deleted")
        )
        assert counted == written, f"{written} writes were counted as {counts}"
        return written

    def faulty_run(self, seed: int) -> None:
        """A run among faults; some are narrowed to a direction, some full, some stopped by a person."""
        sound, dice = self.house.connectors, random.Random(seed)
        self.house.connectors = {
            side: Faulty(sound[side], seed=seed * 2 + number, rate=dice.choice([0, 0.25]), wait=self._wait)
            for number, side in enumerate(Side)
        }
        self.house.progress = StopAfter(dice.choice([1, 2, 4, 1000]))
        narrowed = [None, None, *self.policy.direction.single]
        try:
            self.house.run(full=dice.random() < 0.2, direction=dice.choice(narrowed))
        except TwofoldError:
            pass
        finally:
            self.house.connectors, self.house.progress = sound, Silent()

    def _wait(self, seconds: float) -> None:
        self.house.clock.advance(seconds=seconds)

    def crash_run(self, at: int) -> bool:
        return self.house.crash(at).place is not None

    def questions(self) -> Collection[Question]:
        asked = [entry for entry in self.house.entries() if entry["kind"] in QUESTIONS]
        return [Question(self._there(Side.LEFT, e), self._there(Side.RIGHT, e)) for e in asked]

    def _there(self, side: Side, entry: Mapping[str, Any]) -> str | None:
        key = entry[f"{side}_key"]
        return key if key in self.clerks[side].rows() else None

    def answer(self, question: Question, winner: Side) -> None:
        wins = UpdateConflict.SEND if winner is Side.LEFT else UpdateConflict.GET
        self.house.answer([question.left_key or ""], update_conflict=wins)

    def couplings(self) -> Collection[tuple[str, str]]:
        rows = self.house.real.listing.couplings("CUSTOMER")
        return [(row["left_key"], row["right_key"]) for row in rows if row["state"] == "coupled"]

    def close(self) -> None:
        self.house.close()
        shutil.rmtree(self.path, ignore_errors=True)


PLAIN = Policy(tag=TAG, pairs=PAIRS)
GATE = Gate(Side.LEFT, "blocked", inside="", outside="yes")
M, V, S, D = FeedKind.MODIFIED, FeedKind.ROW_VERSION, FeedKind.SNAPSHOT, FeedKind.DELTA
RESTORE = replace(PLAIN, deletion_conflict=DeletionConflict.RESTORE)
DELETE = replace(PLAIN, deletion_conflict=DeletionConflict.DELETE)
SMALL = {"page_size": 2, "max_ops": 2, "max_keys": 2}

PLOTS: dict[str, Plot] = {
    "plain": Plot(PLAIN),
    "coarse stamps": Plot(PLAIN, coarse=True),
    "small pages": Plot(DELETE, facts=SMALL),
    "keys made by the system": Plot(PLAIN, keys="system"),
    "keys made by the system, matched": Plot(PLAIN, keys="system", match=(("number",),)),
    "natural keys": Plot(PLAIN, keys="mapped", feeds=(V, M)),
    "composite keys": Plot(DELETE, keys="composite", feeds=(M, D)),
    "left wins": Plot(replace(PLAIN, update_conflict=UpdateConflict.SEND), feeds=(V, D)),
    "right wins": Plot(replace(PLAIN, update_conflict=UpdateConflict.GET), feeds=(S, M)),
    "asks": Plot(replace(PLAIN, update_conflict=UpdateConflict.ASK), feeds=(D, S)),
    "deletes": Plot(DELETE),
    "deletes, delta": Plot(DELETE, feeds=(D, D)),
    "deletes, snapshot": Plot(DELETE, feeds=(S, S)),
    "restores": Plot(RESTORE, feeds=(M, V)),
    "restores with new keys": Plot(RESTORE, keys="system", feeds=(D, M)),
    "restores natural keys": Plot(RESTORE, keys="mapped", feeds=(S, D)),
    "uncouples": Plot(replace(PLAIN, deletion_conflict=DeletionConflict.UNCOUPLE), feeds=(V, V)),
    "gated": Plot(replace(PLAIN, gate=GATE)),
    "gated, deletes, delta": Plot(replace(DELETE, gate=GATE), feeds=(D, D)),
    "gated, restores, snapshot": Plot(replace(RESTORE, gate=GATE), feeds=(S, M), keys="system"),
    "to the right": Plot(replace(DELETE, direction=Direction.TO_RIGHT), feeds=(M, S)),
    "to the left": Plot(replace(RESTORE, direction=Direction.TO_LEFT), feeds=(D, V)),
    "only coupled": Plot(replace(PLAIN, creates=False), feeds=(M, M)),
    "matched": Plot(PLAIN, match=(("number",),), feeds=(S, V)),
    "last write": Plot(PLAIN, concurrency=Concurrency.LAST_WRITE, facts={"optimistic_lock": False}),
    "no versions in replies": Plot(DELETE, facts={"returns_versions": False}, feeds=(V, M)),
    "triggers": Plot(PLAIN, trigger=True, feeds=(M, D)),
}


def builder(name: str) -> Callable[[], Town]:
    """Makes towns on a plot."""
    return lambda: Town(PLOTS[name])
