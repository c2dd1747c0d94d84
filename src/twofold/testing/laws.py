"""The laws that no synchronization may break, judged from what two systems hold; it must never act.

Every text a person enters is unique, so its fate can be followed. A text is *settled* when a person who saw
it put another in its place, deleted its record, or answered a question against it, or when the policy decided
a conflict against it. No run may take away a text that is not settled: that would be a silent loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from twofold.core.names import DeletionConflict, Side, UpdateConflict
from twofold.testing.world import Pair, Policy, Question, Values, World

LOSER = {UpdateConflict.SEND: Side.RIGHT, UpdateConflict.GET: Side.LEFT}
"""The side that a policy lets lose a field which both sides changed."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Both systems and the couplings at one moment."""

    rows: Mapping[Side, Mapping[str, Values]]
    couplings: Collection[tuple[str, str]]
    questions: Collection[Question]

    def partners(self, side: Side) -> dict[str, str]:
        """The coupled key on the other side, by the keys of `side`."""
        pairs = self.couplings if side is Side.LEFT else [(right, left) for left, right in self.couplings]
        return dict(pairs)

    def is_asked_about(self, side: Side, key: str) -> bool:
        """Whether a question is open about this record or its counterpart."""
        other = self.partners(side).get(key)
        return any(
            key == question.on(side) or (other is not None and other == question.on(side.other))
            for question in self.questions
        )


def look(world: World) -> Snapshot:
    """The present state of a world."""
    persons = {Side.LEFT: world.left, Side.RIGHT: world.right}
    rows = {
        side: {key: dict(row) for key, row in sorted(person.rows().items())}
        for side, person in persons.items()
    }
    return Snapshot(rows, list(world.couplings()), list(world.questions()))


@dataclass(frozen=True, slots=True)
class Entered:
    """Where a person entered a text, and which text it replaced there."""

    side: Side
    key: str
    pair: Pair
    replaced: str | None


def _sides() -> dict[Side, set[str]]:
    return {side: set() for side in Side}


@dataclass(slots=True, repr=False)
class Ledger:
    """What people did, and what became of it."""

    policy: Policy
    entered: dict[str, Entered] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    seen: dict[Side, set[str]] = field(default_factory=_sides)
    deleted: dict[Side, set[str]] = field(default_factory=_sides)
    dropped: dict[Side, set[str]] = field(default_factory=_sides)
    unrecorded: set[tuple[Side, str]] = field(default_factory=set)
    partners: dict[Side, dict[str, set[str]]] = field(default_factory=lambda: {side: {} for side in Side})

    # -- what people do ------------------------------------------------------------------------------------

    def enter(self, side: Side, key: str, pair: Pair, text: str, replaced: str | None) -> None:
        """A person wrote `text` where `replaced` stood."""
        self.entered[text] = Entered(side, key, pair, replaced)
        self.seen[side].add(text)
        if replaced is not None:
            self.settled.add(replaced)

    def discard(self, side: Side, key: str, row: Values) -> None:
        """A person deleted a record, seeing what it held."""
        self.deleted[side].add(key)
        self.give_up(side, row)

    def give_up(self, side: Side, row: Values) -> None:
        """A person decided against what this row holds."""
        self.settled.update(row[pair.on(side)] for pair in self._all() if row[pair.on(side)] is not None)

    # -- what a run may do ---------------------------------------------------------------------------------

    def check_run(self, before: Snapshot, after: Snapshot, *, broken: bool = False) -> None:
        """Judge what one run changed; raises AssertionError with a sentence that names the record.

        `broken`: the run may have written what it could not record. Such a text looks like an edit to the
        next run, so a policy may let it win even over the edit that followed it: nobody can tell them apart.
        """
        for side in Side:
            old, new = before.rows[side], after.rows[side]
            for key in old.keys() - new.keys():
                self._check_deleted(side, key, old[key])
            if new.keys() - old.keys():
                assert self.policy.direction.writes(side), (
                    f"a run made rows on {side}, which it does not write"
                )
            for key in old.keys() & new.keys():
                self._check_written(side, key, old[key], new[key])
            self._check_single(side, new)
        self._remember(after)
        if broken:
            self.unrecorded |= self._texts(after) - self._texts(before)

    def _texts(self, seen: Snapshot) -> set[tuple[Side, str]]:
        rows = [(side, row) for side in Side for row in seen.rows[side].values()]
        return {(side, row[pair.on(side)]) for side, row in rows for pair in self._all()}

    def _check_deleted(self, side: Side, key: str, row: Values) -> None:
        name = f"{side} {key}"
        assert self.policy.direction.writes(side), f"{name} was deleted on a side the mapping does not write"
        allowed = self.policy.deletion_conflict is DeletionConflict.DELETE
        assert allowed, f"{name} was deleted though the mapping does not delete"
        partners = self.partners[side].get(key, set())
        assert partners & self.deleted[side.other], (
            f"{name} was deleted though nobody deleted its counterpart"
        )
        for pair in self._from(side):
            # A record that a run made has blanks where nothing travels; nobody entered those.
            known = row[pair.on(side)] in self.seen[side.other] or row[pair.on(side)] is None
            assert known, f"{name} was deleted though {pair.on(side)} had changed to {row[pair.on(side)]}"
        self.dropped[side].add(key)

    def _check_written(self, side: Side, key: str, old: Values, new: Values) -> None:
        gate = self.policy.gate
        if gate is not None and gate.side is side:
            assert old[gate.field] == new[gate.field], f"{side} {key}: a run wrote {gate.field}, not mapped"
        for pair in self._all():
            name = pair.on(side)
            if old[name] != new[name]:
                place = f"{side} {key}, field {name}: {old[name]} became {new[name]}"
                written = self.policy.travels(pair, side.other)
                assert written, f"{place}, which this mapping does not write"
                assert self._may_replace(side, pair, old[name], new[name]), f"{place}: a silent loss"

    def _may_replace(self, side: Side, pair: Pair, old: str | None, new: str | None) -> bool:
        if old not in self.entered or old in self.settled or not self.policy.travels(pair, side):
            return True
        reverted = new in self._ancestors(old) and (side, new) not in self.unrecorded
        decided = LOSER.get(self.policy.update_conflict) is side and not reverted
        if decided:
            self.settled.add(old)
        return decided

    def _ancestors(self, text: str) -> set[str]:
        """The texts that came before this one in its own place: bringing one back is never a decision."""
        found: set[str] = set()
        older = self.entered[text].replaced
        while older is not None and older not in found:
            found.add(older)
            older = self.entered[older].replaced if older in self.entered else None
        return found

    def _check_single(self, side: Side, rows: Mapping[str, Values]) -> None:
        tags = [row[self.policy.tag.on(side)] for row in rows.values()]
        twice = sorted({tag for tag in tags if tags.count(tag) > 1})
        assert not twice, f"{side} has duplicates: {', '.join(map(str, twice))}"

    def _remember(self, now: Snapshot) -> None:
        for side in Side:
            for row in now.rows[side].values():
                self.seen[side].update(row[pair.on(side)] for pair in self._all())
            for key, other in (*now.partners(side).items(), *self._copies(now, side)):
                self.partners[side].setdefault(key, set()).add(other)

    def _copies(self, now: Snapshot, side: Side) -> Iterator[tuple[str, str]]:
        """Rows with one tag belong together even while a run that broke off has not said so."""
        tag = self.policy.tag
        others = {row[tag.on(side.other)]: key for key, row in now.rows[side.other].items()}
        for key, row in now.rows[side].items():
            if row[tag.on(side)] in others:
                yield key, others[row[tag.on(side)]]

    # -- what must be so in the end ------------------------------------------------------------------------

    def check_end(self, now: Snapshot, *, full: bool) -> None:
        """Judge a world at rest; `full` runs have also carried one-way fields edited on their target."""
        self._check_couplings(now)
        self._check_equal(now, full=full)
        for text, entered in self.entered.items():
            if text not in self.settled and self.policy.travels(entered.pair, entered.side):
                self._check_kept(now, text, entered)

    def _check_couplings(self, now: Snapshot) -> None:
        for side in Side:
            keys = [pair[0] if side is Side.LEFT else pair[1] for pair in now.couplings]
            assert len(keys) == len(set(keys)), f"a record of {side} is coupled twice: {sorted(keys)}"

    def _check_equal(self, now: Snapshot, *, full: bool) -> None:
        for left, right in self._resting(now):
            mine, theirs = now.rows[Side.LEFT][left], now.rows[Side.RIGHT][right]
            for pair in self._all():
                ways = [self.policy.travels(pair, side) for side in Side]
                if all(ways) or (full and any(ways)):
                    same = mine[pair.left] == theirs[pair.right]
                    assert same, f"{left} and {right} differ: {mine[pair.left]} and {theirs[pair.right]}"

    def _resting(self, now: Snapshot) -> Iterator[tuple[str, str]]:
        """The pairs about which nothing is open and that are in the filter on both sides."""
        for left, right in now.couplings:
            if now.is_asked_about(Side.LEFT, left):
                continue
            found = [(Side.LEFT, left), (Side.RIGHT, right)]
            inside = [self._is_inside(now, side, key) for side, key in found]
            if False not in inside:
                missing = [f"{side} {key}" for side, key in found if key not in now.rows[side]]
                assert not missing, f"a coupling names {missing}, which is gone, and nobody was asked"
                yield left, right

    def _is_inside(self, now: Snapshot, side: Side, key: str) -> bool | None:
        row = now.rows[side].get(key)
        return None if row is None else self.policy.is_inside(side, row)

    def _check_kept(self, now: Snapshot, text: str, entered: Entered) -> None:
        side, key, name = entered.side, entered.key, entered.pair.on(entered.side)
        row = now.rows[side].get(key)
        if row is None:
            assert key in self.dropped[side], f"{side} {key} vanished with {text}"
            return
        assert row[name] == text, f"{side} {key}, field {name}: {text} was lost, it holds {row[name]}"
        if not now.is_asked_about(side, key) and self.policy.is_inside(side, row):
            self._check_carried(now, text, entered)

    def _check_carried(self, now: Snapshot, text: str, entered: Entered) -> None:
        side, key = entered.side, entered.key
        other = now.partners(side).get(key)
        if other is None:
            orphaned = self.partners[side].get(key, set()) & self.deleted[side.other]
            excused = orphaned or not self._creates_from(side)
            assert excused, f"{side} {key} was never carried over, with {text}"
            return
        theirs = now.rows[side.other].get(other)
        if theirs is not None and self.policy.is_inside(side.other, theirs):
            found = theirs[entered.pair.on(side.other)]
            assert found == text, f"{side} {key}: {text} was not carried to {other}, which holds {found}"

    def _creates_from(self, side: Side) -> bool:
        return self.policy.creates and self.policy.travels(self.policy.tag, side)

    def _all(self) -> tuple[Pair, ...]:
        return (self.policy.tag, *self.policy.pairs)

    def _from(self, side: Side) -> list[Pair]:
        return [pair for pair in self._all() if self.policy.travels(pair, side)]
