"""A Hypothesis state machine that lives with a synchronization and judges it; it must never import an engine.

People on both sides insert, edit and delete, clocks go wrong, runs succeed, fail and die. `laws.Ledger`
judges every run, and the end: two runs without faults bring the systems to rest, a third writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from twofold.core.names import Side
from twofold.testing.laws import Ledger, look
from twofold.testing.world import Pair, Person, World

SIDES = st.sampled_from(list(Side))
PICKS = st.integers(0, 7)
"""Chooses among the rows or pairs there are, in the order of their keys, wrapping around."""

SKEW = st.integers(-300, 300)
CRASH_POINTS = st.integers(1, 60)
SEEDS = st.integers(0, 1_000_000)


class History(RuleBasedStateMachine):
    """One history of a world; `build` makes the world."""

    build: ClassVar[Callable[[], World]]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).build()
        self.policy = self.world.policy
        self.ledger = Ledger(self.policy)
        self.texts = 0

    # -- people --------------------------------------------------------------------------------------------

    @rule(side=SIDES)
    def insert(self, side: Side) -> None:
        """A person makes a record."""
        pairs = (self.policy.tag, *self.policy.pairs)
        texts = {pair: self._text() for pair in pairs}
        values = {pair.on(side): text for pair, text in texts.items()}
        gate = self.policy.gate
        if gate is not None and gate.side is side:
            values[gate.field] = gate.inside
        key = self._person(side).insert(values)
        for pair, text in texts.items():
            self.ledger.enter(side, key, pair, text, None)

    @rule(side=SIDES, pick=PICKS, field=PICKS)
    def edit(self, side: Side, pick: int, field: int) -> None:
        """A person changes one field."""
        key = self._key(side, pick)
        if key is not None:
            self._edit(side, key, self.policy.pairs[field % len(self.policy.pairs)])

    @rule(pick=PICKS, left_field=PICKS, right_field=PICKS)
    def edit_both(self, pick: int, left_field: int, right_field: int) -> None:
        """Two people change the two records of a pair, the same field or different ones."""
        pairs = sorted(self.world.couplings())
        if not pairs:
            return
        fields = {Side.LEFT: left_field, Side.RIGHT: right_field}
        for side, key in zip(Side, pairs[pick % len(pairs)], strict=True):
            if key in self._person(side).rows():
                self._edit(side, key, self.policy.pairs[fields[side] % len(self.policy.pairs)])

    @rule(side=SIDES, pick=PICKS)
    def delete(self, side: Side, pick: int) -> None:
        """A person removes a record."""
        key = self._key(side, pick)
        if key is not None:
            self.ledger.discard(side, key, self._person(side).rows()[key])
            self._person(side).delete(key)

    @precondition(lambda self: self.policy.gate is not None)
    @rule(pick=PICKS, enters=st.booleans())
    def move_through_the_filter(self, pick: int, enters: bool) -> None:  # noqa: FBT001
        """A person changes the field that decides whether a record is in the filter."""
        gate = self.policy.gate
        assert gate is not None
        key = self._key(gate.side, pick)
        if key is not None:
            self._person(gate.side).edit(key, {gate.field: gate.inside if enters else gate.outside})

    @rule(pick=PICKS, winner=SIDES)
    def answer(self, pick: int, winner: Side) -> None:
        """A person answers a question that is about two records."""
        asked = [q for q in self.world.questions() if q.left_key is not None and q.right_key is not None]
        if not asked:
            return
        question = asked[pick % len(asked)]
        row = self._person(winner.other).rows().get(question.on(winner.other) or "")
        if row is not None and question.on(winner) in self._person(winner).rows():
            self.ledger.give_up(winner.other, row)
            self._judge(lambda: self.world.answer(question, winner))

    @rule(side=SIDES, seconds=SKEW)
    def skew(self, side: Side, seconds: int) -> None:
        """A clock goes wrong by minutes."""
        self._person(side).skew(seconds)

    # -- runs ----------------------------------------------------------------------------------------------

    @rule(full=st.booleans())
    def run(self, full: bool) -> None:  # noqa: FBT001
        """A run without faults."""
        self._judge(lambda: self.world.run(full=full))

    @rule(seed=SEEDS)
    def run_among_faults(self, seed: int) -> None:
        """A run in which calls fail."""
        self._judge(lambda: self.world.faulty_run(seed), broken=True)

    @rule(at=CRASH_POINTS)
    def run_and_crash(self, at: int) -> None:
        """A run that dies."""
        self._judge(lambda: self.world.crash_run(at), broken=True)

    def teardown(self) -> None:
        """Bring the world to rest and judge the whole history, unless it already failed."""
        try:
            if sys.exception() is None:
                self._settle()
        finally:
            self.world.close()

    # -- how -----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        for full in (False, True):
            self._judge(lambda: self.world.run(full=full))  # noqa: B023 - called at once
            self._judge(lambda: self.world.run(full=full))  # noqa: B023
            self._check_idle(full=full)
            self.ledger.check_end(look(self.world), full=full)

    def _check_idle(self, *, full: bool) -> None:
        before = look(self.world)
        written = self.world.run(full=full)
        assert written == 0, f"a third run still wrote {written} rows"
        assert look(self.world).rows == before.rows, "a third run changed rows without saying so"

    def _judge(self, act: Callable[[], object], *, broken: bool = False) -> None:
        before = look(self.world)
        act()
        self.ledger.check_run(before, look(self.world), broken=broken)

    def _edit(self, side: Side, key: str, pair: Pair) -> None:
        text = self._text()
        old = self._person(side).rows()[key][pair.on(side)]
        self._person(side).edit(key, {pair.on(side): text})
        self.ledger.enter(side, key, pair, text, old)

    def _text(self) -> str:
        self.texts += 1
        return f"v{self.texts}"

    def _person(self, side: Side) -> Person:
        return self.world.left if side is Side.LEFT else self.world.right

    def _key(self, side: Side, pick: int) -> str | None:
        keys = sorted(self._person(side).rows())
        return keys[pick % len(keys)] if keys else None


def synchronization_machine(world: Callable[[], World]) -> type[History]:
    """A state machine over worlds made by `world`; run it with Hypothesis, or take its `TestCase`."""
    return type("SynchronizationMachine", (History,), {"build": staticmethod(world)})
