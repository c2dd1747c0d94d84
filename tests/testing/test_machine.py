"""The state machine leaves a right synchronizer alone and finds what is wrong with others.

The synchronizer here is small enough to be seen to be right, and defects can be planted in it. It walks over
all rows in every run, keeps the last common text of every pair of fields, reserves a coupling before it
inserts, and forgets nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.testing.fuse import Crash, Fuse
from twofold.testing.machine import synchronization_machine
from twofold.testing.world import Gate, Pair, Policy, Question, Values, World

Texts = dict[Pair, str | None]


@dataclass(slots=True)
class Desk:
    """A system: rows by key, and a key for every new one."""

    side: Side
    gate: str | None
    inside: Any
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0
    clock: int = 0

    def insert(self, values: Values) -> str:
        self.made += 1
        key = f"{self.side[0].upper()}{self.made}"
        self.put(key, values)
        return key

    def put(self, key: str, values: Values) -> None:
        start = {} if self.gate is None else {self.gate: self.inside}
        self.records[key] = {**start, **values}

    def edit(self, key: str, values: Values) -> None:
        self.records[key].update(values)

    def delete(self, key: str) -> None:
        del self.records[key]

    def rows(self) -> Mapping[str, Values]:
        return self.records

    def skew(self, seconds: int) -> None:
        self.clock = seconds


@dataclass(slots=True, eq=False)
class Bond:
    """A coupling: its keys, the last common texts, and whether the insert is known to have happened."""

    keys: dict[Side, str]
    base: Texts
    pending: Side | None = None
    question: bool = False


class TinyWorld:
    """Two desks and the synchronizer; `bug` plants one defect."""

    def __init__(self, policy: Policy, bug: str = "") -> None:
        self._policy = policy
        self.bug = bug
        self.desks = {side: self._desk(side) for side in Side}
        self.bonds: list[Bond] = []
        self.aside: set[str] = set()
        self.fuse = Fuse()
        self.written = 0
        self.keys = 0

    def _desk(self, side: Side) -> Desk:
        gate = self._policy.gate
        own = gate is not None and gate.side is side
        return Desk(side, gate.field if own and gate else None, gate.inside if gate else None)

    @property
    def policy(self) -> Policy:
        return self._policy

    @property
    def left(self) -> Desk:
        return self.desks[Side.LEFT]

    @property
    def right(self) -> Desk:
        return self.desks[Side.RIGHT]

    def couplings(self) -> Collection[tuple[str, str]]:
        return [(b.keys[Side.LEFT], b.keys[Side.RIGHT]) for b in self.bonds if b.pending is None]

    def questions(self) -> Collection[Question]:
        asked = [bond.keys for bond in self.bonds if bond.question]
        found = [
            {side: keys[side] if keys[side] in self.desks[side].records else None for side in Side}
            for keys in asked
        ]
        return [Question(keys[Side.LEFT], keys[Side.RIGHT]) for keys in found]

    def answer(self, question: Question, winner: Side) -> None:
        bond = next(b for b in self.bonds if b.question and b.keys[winner] == question.on(winner))
        for pair in self._pairs():
            if all(self._policy.travels(pair, side) for side in Side):
                self._carry(bond, pair, winner)
        bond.question = False

    def close(self) -> None:
        self.bonds.clear()

    # -- runs ----------------------------------------------------------------------------------------------

    def run(self, *, full: bool = False) -> int:
        self.written = 0
        for bond in list(self.bonds):
            self._settle(bond, full=full)
        for side in Side:
            self._insert_from(side)
        if self.bug == "never rests" and self.bonds:
            self.written += 1
        return self.written

    def faulty_run(self, seed: int) -> None:
        self.crash_run(random.Random(seed).randint(1, 12))

    def crash_run(self, at: int) -> bool:
        self.fuse = Fuse(at)
        try:
            self.run()
        except Crash:
            return True
        finally:
            self.fuse = Fuse()
        return False

    def _settle(self, bond: Bond, *, full: bool) -> None:
        there = [side for side in Side if bond.keys[side] in self.desks[side].records]
        if bond.pending is not None and there == [bond.pending.other]:
            self._insert(bond, bond.pending)
        elif len(there) == 2:
            bond.pending = None
            self._merge(bond, full=full)
        elif there:
            bond.pending = None
            self._solve_deletion(bond, there[0])
        else:
            self.bonds.remove(bond)

    # -- both are there ------------------------------------------------------------------------------------

    def _merge(self, bond: Bond, *, full: bool) -> None:
        if not all(self._policy.is_inside(side, self._row(bond, side)) for side in Side):
            return
        bond.question = False
        for pair in self._pairs():
            self._merge_pair(bond, pair, full=full)

    def _merge_pair(self, bond: Bond, pair: Pair, *, full: bool) -> None:
        texts = {side: self._row(bond, side)[pair.on(side)] for side in Side}
        ways = [side for side in Side if self._policy.travels(pair, side)]
        changed = [side for side in ways if texts[side] != bond.base[pair]]
        if self.bug == "misses edits" and pair is self._policy.pairs[0]:
            changed = [side for side in changed if side is Side.LEFT]
        if self.bug == "writes the source":
            changed = changed or [side for side in Side if texts[side] != bond.base[pair]]
        if texts[Side.LEFT] == texts[Side.RIGHT]:
            bond.base[pair] = texts[Side.LEFT]
        elif len(changed) == 1:
            self._carry(bond, pair, changed[0])
        elif len(changed) == 2:
            self._solve_conflict(bond, pair)
        elif full and len(ways) == 1:
            self._carry(bond, pair, ways[0])

    def _solve_conflict(self, bond: Bond, pair: Pair) -> None:
        winners = {UpdateConflict.SEND: Side.LEFT, UpdateConflict.GET: Side.RIGHT}
        winner = winners.get(self._policy.update_conflict)
        if self.bug == "lets left win":
            winner = Side.LEFT
        if winner is None:
            bond.question = True
        else:
            self._carry(bond, pair, winner)

    def _carry(self, bond: Bond, pair: Pair, source: Side) -> None:
        text = self._row(bond, source)[pair.on(source)]
        if self.bug == "records too early":
            bond.base[pair] = text
        target = source.other
        self._write(lambda: self.desks[target].edit(bond.keys[target], {pair.on(target): text}))
        bond.base[pair] = text

    # -- one was deleted -----------------------------------------------------------------------------------

    def _solve_deletion(self, bond: Bond, survivor: Side) -> None:
        conflict = self._policy.deletion_conflict
        writes = self._policy.direction.writes
        if conflict is DeletionConflict.UNCOUPLE:
            self._uncouple(bond, survivor)
        elif conflict is DeletionConflict.RESTORE and writes(survivor.other):
            bond.keys[survivor.other] = self._new_key(survivor.other)
            self._reserve(bond, survivor.other)
        elif self._deletes(bond, survivor) and writes(survivor):
            self._write(lambda: self.desks[survivor].delete(bond.keys[survivor]))
            self.bonds.remove(bond)
        else:
            bond.question = True

    def _deletes(self, bond: Bond, survivor: Side) -> bool:
        if self.bug == "deletes without being told":
            return True
        return self._policy.deletion_conflict is DeletionConflict.DELETE and (
            self.bug == "deletes what changed" or not self._changed(bond, survivor)
        )

    def _changed(self, bond: Bond, side: Side) -> bool:
        row = self._row(bond, side)
        pairs = [pair for pair in self._pairs() if self._policy.travels(pair, side)]
        return any(row[pair.on(side)] != bond.base[pair] for pair in pairs)

    def _uncouple(self, bond: Bond, survivor: Side) -> None:
        self.aside.add(bond.keys[survivor])
        self.bonds.remove(bond)

    # -- new rows ------------------------------------------------------------------------------------------

    def _insert_from(self, source: Side) -> None:
        target = source.other
        if not (self._policy.creates and self._policy.travels(self._policy.tag, source)):
            return
        known = {bond.keys[source] for bond in self.bonds} | self.aside
        for key, row in list(self.desks[source].records.items()):
            if key not in known and self._policy.is_inside(source, row):
                made = self._new_key(target)
                self._reserve(Bond({source: key, target: made}, {}), target)

    def _reserve(self, bond: Bond, target: Side) -> None:
        """The coupling is known before the row is made, so a broken run finds it again."""
        bond.pending = target
        if bond not in self.bonds and self.bug != "forgets what it began":
            self.bonds.append(bond)
        self._insert(bond, target)
        if bond not in self.bonds:
            self.bonds.append(bond)

    def _insert(self, bond: Bond, target: Side) -> None:
        row = self._row(bond, target.other)
        pairs = self._pairs()
        bond.base = {pair: row[pair.on(target.other)] for pair in pairs}
        values = {pair.on(target): bond.base[pair] for pair in pairs}
        self._write(lambda: self.desks[target].put(bond.keys[target], values))
        bond.pending = None

    # -- small things --------------------------------------------------------------------------------------

    def _new_key(self, side: Side) -> str:
        self.keys += 1
        return f"{side[0].upper()}made{self.keys}"

    def _row(self, bond: Bond, side: Side) -> dict[str, Any]:
        return self.desks[side].records[bond.keys[side]]

    def _pairs(self) -> tuple[Pair, ...]:
        return (self._policy.tag, *self._policy.pairs)

    def _write(self, act: Any) -> None:
        self.fuse.burn("before a write")
        act()
        self.written += 1
        self.fuse.burn("after a write")


TWO_WAY = Policy(
    tag=Pair("number", "accountnumber"),
    pairs=(Pair("name", "title"), Pair("city", "town"), Pair("note", "remark", Direction.TO_RIGHT)),
)
GATED = replace(TWO_WAY, gate=Gate(Side.LEFT, "blocked", inside="", outside="yes"))
ONE_WAY = replace(TWO_WAY, direction=Direction.TO_RIGHT)

POLICIES = {
    "two ways": TWO_WAY,
    "gated": GATED,
    "one way": ONE_WAY,
    "left wins": replace(TWO_WAY, update_conflict=UpdateConflict.SEND),
    "right wins": replace(TWO_WAY, update_conflict=UpdateConflict.GET),
    "deletes": replace(TWO_WAY, deletion_conflict=DeletionConflict.DELETE),
    "restores": replace(GATED, deletion_conflict=DeletionConflict.RESTORE),
    "uncouples": replace(TWO_WAY, deletion_conflict=DeletionConflict.UNCOUPLE),
    "couples only by hand": replace(TWO_WAY, creates=False),
}

BUGS = {
    "lets left win": ("two ways", "a silent loss"),
    "forgets what it began": ("two ways", "duplicates"),
    "deletes what changed": ("deletes", "had changed"),
    "deletes without being told": ("two ways", "does not delete"),
    "writes the source": ("one way", "does not write"),
    "records too early": ("two ways", "a silent loss|differ|not carried"),
    "misses edits": ("two ways", "a silent loss|differ|not carried"),
    "never rests": ("two ways", "third run"),
}


def live(world: Callable[[], World], examples: int) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=20,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(synchronization_machine(world), settings=chosen)


@pytest.mark.parametrize("name", POLICIES)
def test_a_right_synchronizer_breaks_no_law(name: str) -> None:
    live(lambda: TinyWorld(POLICIES[name]), examples=30)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_defect_is_found(bug: str) -> None:
    policy, complaint = BUGS[bug]
    with pytest.raises(AssertionError, match=complaint):
        # It stops at the first history that shows the defect; most need a few dozen, some a thousand.
        live(lambda: TinyWorld(POLICIES[policy], bug), examples=5000)
