"""The one rule that says what to do about a pair; it must never see more than a situation and a policy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.core.situation import Content, FieldCode, Link, Moved, Situation, State, all_situations


class Action(StrEnum):
    """What to do about one pair."""

    NOTHING = "nothing"
    """Leave both sides and the coupling as they are."""
    IGNORE = "ignore"
    """Not coupled, and only coupled records are synchronized."""
    ADOPT = "adopt"
    """The sides agree: remember so."""
    WRITE = "write"
    """Each differing field goes where it belongs."""
    SEND = "send"
    """The same, and the left wins where both sides changed a field."""
    GET = "get"
    """The same, and the right wins."""
    FORCE_RIGHT = "force_right"
    FORCE_LEFT = "force_left"
    """Every field that travels that way is written, equal or not."""
    INSERT_RIGHT = "insert_right"
    INSERT_LEFT = "insert_left"
    RESTORE_RIGHT = "restore_right"
    RESTORE_LEFT = "restore_left"
    """Insert again what was deleted, and couple it."""
    DELETE_RIGHT = "delete_right"
    DELETE_LEFT = "delete_left"
    UNCOUPLE = "uncouple"
    ASK_UPDATE = "ask_update"
    ASK_DELETED = "ask_deleted"
    ASK_DOUBT = "ask_doubt"
    """A person must decide."""


ACTIONS = tuple(Action)
_MIRROR = {
    Action.SEND: Action.GET,
    Action.FORCE_RIGHT: Action.FORCE_LEFT,
    Action.INSERT_RIGHT: Action.INSERT_LEFT,
    Action.RESTORE_RIGHT: Action.RESTORE_LEFT,
    Action.DELETE_RIGHT: Action.DELETE_LEFT,
}
MIRROR = {**_MIRROR, **{right: left for left, right in _MIRROR.items()}}
"""The same action with the sides swapped; an action that is not here mirrors to itself."""

ASKS = frozenset({Action.ASK_UPDATE, Action.ASK_DELETED, Action.ASK_DOUBT})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a mapping says about decisions.

    `creates`: records that are not coupled are inserted. `force`: a person said that this one-way direction
    wins, equal or not. `insists`: a person chose this deletion strategy for these very records.
    """

    direction: Direction = Direction.BOTH
    update_conflict: UpdateConflict = UpdateConflict.MERGE
    deletion_conflict: DeletionConflict = DeletionConflict.ASK
    creates: bool = False
    force: Direction | None = None
    insists: bool = False


def decide(situation: Situation, policy: Policy) -> Action:
    """What to do about a pair; total over all situations and policies.

    Laws (tests/core/test_decide_laws.py): swapping the sides swaps the action; no side is written that the
    mapping does not write; a changed record is never deleted because its counterpart was.
    """
    match situation.link:
        case Link.NONE:
            return _uncoupled(situation, policy)
        case Link.IN_DOUBT:
            return _in_doubt(situation)
        case Link.PENDING_RIGHT | Link.PENDING_LEFT:
            return _pending(situation, policy)
        case Link.COUPLED:
            return _coupled(situation, policy)


def _uncoupled(situation: Situation, policy: Policy) -> Action:
    if State.ABSENT not in (situation.left, situation.right):
        # Two records that nothing couples are two pairs; matching may join them, a copy never should.
        return Action.NOTHING
    for side, source in ((Side.RIGHT, situation.left), (Side.LEFT, situation.right)):
        if source.inside and policy.direction.writes(side):
            return _insert(side) if policy.creates else Action.IGNORE
    return Action.NOTHING


def _in_doubt(situation: Situation) -> Action:
    # Only the side that was read is known; where it is gone, nobody waits for its counterpart any more.
    both_gone = situation.left is State.ABSENT and situation.right is State.ABSENT
    return Action.UNCOUPLE if both_gone else Action.ASK_DOUBT


def _pending(situation: Situation, policy: Policy) -> Action:
    target = Side.RIGHT if situation.link is Link.PENDING_RIGHT else Side.LEFT
    source, inserted = (
        (situation.left, situation.right) if target is Side.RIGHT else (situation.right, situation.left)
    )
    if inserted is State.ABSENT:
        return _insert(target) if source.inside and policy.direction.writes(target) else Action.UNCOUPLE
    if State.OUTSIDE in (source, inserted) and source is not State.ABSENT:
        return Action.ADOPT
    return _coupled(situation, policy)


def _coupled(situation: Situation, policy: Policy) -> Action:
    left, right = situation.left, situation.right
    if left is State.ABSENT and right is State.ABSENT:
        return Action.UNCOUPLE
    if State.OUTSIDE in (left, right):
        return Action.NOTHING
    if left is State.ABSENT:
        return _deleted(Side.LEFT, right, policy)
    if right is State.ABSENT:
        return _deleted(Side.RIGHT, left, policy)
    return _both_present(situation, policy)


def _deleted(side: Side, survivor: State, policy: Policy) -> Action:
    """`side` was deleted and the other side survives."""
    forced = policy.force is not None and policy.force.writes(side)
    if (forced or policy.deletion_conflict is DeletionConflict.RESTORE) and policy.direction.writes(side):
        return Action.RESTORE_LEFT if side is Side.LEFT else Action.RESTORE_RIGHT
    if policy.deletion_conflict is DeletionConflict.UNCOUPLE:
        return Action.UNCOUPLE
    deletes = policy.deletion_conflict is DeletionConflict.DELETE and policy.direction.writes(side.other)
    if deletes and (policy.insists or survivor is State.UNCHANGED):
        return Action.DELETE_RIGHT if side is Side.LEFT else Action.DELETE_LEFT
    return Action.ASK_DELETED


def _both_present(situation: Situation, policy: Policy) -> Action:
    if policy.force is not None and policy.direction.writes(policy.force.target):
        return Action.FORCE_RIGHT if policy.force is Direction.TO_RIGHT else Action.FORCE_LEFT
    content = situation.content
    if content is Content.SAME:
        return Action.ADOPT
    if content is Content.ONE_WAY:
        return Action.WRITE
    if policy.direction is not Direction.BOTH:
        # A one-way mapping has no two-way fields, so these contents do not arise; the source would win.
        return Action.WRITE if _reaches(content, policy.direction) else Action.NOTHING
    return _two_way(situation, policy)


def _reaches(content: Content, direction: Direction) -> bool:
    against = Content.TO_LEFT if direction is Direction.TO_RIGHT else Content.TO_RIGHT
    return content is not against


def _two_way(situation: Situation, policy: Policy) -> Action:
    undecided = situation.content in (Content.OVERLAP, Content.UNKNOWN)
    match policy.update_conflict:
        case UpdateConflict.SEND:
            return Action.SEND
        case UpdateConflict.GET:
            return Action.GET
        case UpdateConflict.ASK:
            both = situation.left is State.CHANGED and situation.right is State.CHANGED
            return Action.ASK_UPDATE if both or undecided else Action.WRITE
        case UpdateConflict.MERGE:
            return Action.ASK_UPDATE if undecided else Action.WRITE


def _insert(side: Side) -> Action:
    return Action.INSERT_RIGHT if side is Side.RIGHT else Action.INSERT_LEFT


@cache
def compile_table(policy: Policy) -> tuple[int, ...]:
    """The number of the action for each situation code: `decide`, asked once about everything."""
    return tuple(ACTIONS.index(decide(situation, policy)) for situation in all_situations())


def compare_field(way: Direction, left: Moved, right: Moved, *, equal: bool, full: bool) -> FieldCode:
    """Where the value of one field must go.

    `way` is the direction in which this field travels; `equal` is whether the two values agree where they can
    be compared; `full` also corrects one-way fields that were edited on their target.
    """
    if equal:
        return FieldCode.SAME
    if way is not Direction.BOTH:
        source, target = (left, right) if way is Direction.TO_RIGHT else (right, left)
        moves = source is not Moved.NO or target is Moved.UNKNOWN or (full and target is Moved.YES)
        return FieldCode(way.value) if moves else FieldCode.SAME
    if Moved.UNKNOWN in (left, right):
        return FieldCode.UNKNOWN
    match (left, right):
        case (Moved.YES, Moved.YES):
            return FieldCode.OVERLAP
        case (Moved.YES, _):
            return FieldCode.TO_RIGHT
        case (_, Moved.YES):
            return FieldCode.TO_LEFT
        case _:
            # Nobody edited it: the difference is what the sides cannot express alike (a lossy transform).
            return FieldCode.SAME


@cache
def compile_fields(way: Direction, full: bool) -> tuple[int, ...]:  # noqa: FBT001 - a cached table key
    """The number of the field code for each `(left * 3 + right) * 2 + equal`: `compare_field`, asked once."""
    codes = list(FieldCode)
    return tuple(
        codes.index(compare_field(way, left, right, equal=equal, full=full))
        for left in Moved
        for right in Moved
        for equal in (False, True)
    )
