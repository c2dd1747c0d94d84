"""The laws of the one rule, over every situation and every policy; nothing here knows how it is written."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from functools import cache
from itertools import product

import pytest

from twofold.core.decide import (
    ACTIONS,
    ASKS,
    MIRROR,
    Action,
    Policy,
    compare_field,
    compile_fields,
    compile_table,
    decide,
)
from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.core.situation import (
    FIELD_CODES,
    LINKS,
    SITUATIONS,
    Content,
    FieldCode,
    Link,
    Moved,
    Situation,
    State,
    all_situations,
)

from .specimens import agrees_with_golden

ALL = tuple(all_situations())
FORCES = (None, Direction.TO_RIGHT, Direction.TO_LEFT)
POLICIES = tuple(
    Policy(*parts)
    for parts in product(Direction, UpdateConflict, DeletionConflict, (False, True), FORCES, (False, True))
)
TURNED = {
    Direction.BOTH: Direction.BOTH,
    Direction.TO_RIGHT: Direction.TO_LEFT,
    Direction.TO_LEFT: Direction.TO_RIGHT,
}
WRITES = {
    Action.FORCE_RIGHT: Side.RIGHT,
    Action.INSERT_RIGHT: Side.RIGHT,
    Action.RESTORE_RIGHT: Side.RIGHT,
    Action.DELETE_RIGHT: Side.RIGHT,
    Action.FORCE_LEFT: Side.LEFT,
    Action.INSERT_LEFT: Side.LEFT,
    Action.RESTORE_LEFT: Side.LEFT,
    Action.DELETE_LEFT: Side.LEFT,
}

# -- mirrors -----------------------------------------------------------------------------------------------


def mirrored_situation(situation: Situation) -> Situation:
    links = {Link.PENDING_RIGHT: Link.PENDING_LEFT, Link.PENDING_LEFT: Link.PENDING_RIGHT}
    contents = {Content.TO_RIGHT: Content.TO_LEFT, Content.TO_LEFT: Content.TO_RIGHT}
    return Situation(
        links.get(situation.link, situation.link),
        situation.right,
        situation.left,
        contents.get(situation.content, situation.content),
    )


def mirrored_policy(policy: Policy) -> Policy:
    conflicts = {UpdateConflict.SEND: UpdateConflict.GET, UpdateConflict.GET: UpdateConflict.SEND}
    return Policy(
        TURNED[policy.direction],
        conflicts.get(policy.update_conflict, policy.update_conflict),
        policy.deletion_conflict,
        policy.creates,
        TURNED[policy.force] if policy.force else None,
        policy.insists,
    )


@cache
def decided(policy: Policy) -> tuple[tuple[Situation, Action], ...]:
    return tuple((situation, decide(situation, policy)) for situation in ALL)


# -- the space ---------------------------------------------------------------------------------------------


def test_every_situation_has_its_own_code() -> None:
    assert [situation.code for situation in ALL] == list(range(SITUATIONS))
    assert len(set(ALL)) == SITUATIONS


def test_a_situation_reads_as_a_phrase() -> None:
    text = str(Situation(Link.COUPLED, State.CHANGED, State.OUTSIDE, Content.SAME))
    assert text == "coupled, left changed, right outside, content same"


def test_the_compiled_table_says_what_the_rule_says() -> None:
    for policy in POLICIES:
        table = compile_table(policy)
        assert len(table) == SITUATIONS
        assert [ACTIONS[number] for number in table] == [action for _, action in decided(policy)]


def test_swapping_the_sides_swaps_the_action() -> None:
    for policy in POLICIES:
        turned = mirrored_policy(policy)
        for situation, action in decided(policy):
            assert decide(mirrored_situation(situation), turned) is MIRROR.get(action, action), (
                situation,
                policy,
            )


def test_no_side_is_written_that_the_mapping_does_not_write() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            side = WRITES.get(action)
            assert side is None or policy.direction.writes(side), (situation, policy)


def test_both_sides_are_merged_only_by_a_two_way_mapping_or_for_one_way_fields() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            if action in (Action.SEND, Action.GET):
                assert policy.direction is Direction.BOTH
            if action is Action.WRITE and policy.direction is not Direction.BOTH:
                against = Content.TO_LEFT if policy.direction is Direction.TO_RIGHT else Content.TO_RIGHT
                assert situation.content not in (against, Content.SAME)


def test_a_changed_record_is_never_deleted_by_the_other_sides_deletion() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            if action in (Action.DELETE_RIGHT, Action.DELETE_LEFT):
                survivor = situation.right if action is Action.DELETE_RIGHT else situation.left
                assert survivor is State.UNCHANGED or (policy.insists and survivor.inside)


def test_a_record_is_deleted_only_where_its_counterpart_is_gone_and_the_mapping_says_so() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            if action in (Action.DELETE_RIGHT, Action.DELETE_LEFT):
                gone = situation.left if action is Action.DELETE_RIGHT else situation.right
                assert gone is State.ABSENT
                assert policy.deletion_conflict is DeletionConflict.DELETE


def test_nothing_is_inserted_beside_a_record_that_is_there() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            if action in (Action.INSERT_RIGHT, Action.RESTORE_RIGHT):
                assert situation.right is State.ABSENT
                assert situation.left.inside


def test_an_uncoupled_pair_of_two_records_is_nobodys_business() -> None:
    """Two rows that nothing couples are two pairs; should they ever meet in one, neither is copied."""
    present = (State.UNCHANGED, State.CHANGED)
    for policy in POLICIES:
        for left, right, content in product(present, present, Content):
            assert decide(Situation(Link.NONE, left, right, content), policy) is Action.NOTHING


def test_doubt_is_never_resolved_by_writing() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            if situation.link is Link.IN_DOUBT:
                assert action in (Action.ASK_DOUBT, Action.UNCOUPLE)


def test_a_record_outside_the_filter_stays_coupled_and_untouched() -> None:
    for policy in POLICIES:
        for situation, action in decided(policy):
            outside = State.OUTSIDE in (situation.left, situation.right)
            if situation.link is Link.COUPLED and outside:
                assert action is Action.NOTHING


# -- convergence -------------------------------------------------------------------------------------------

RESTING = frozenset({Action.NOTHING, Action.IGNORE, Action.ADOPT, *ASKS})


def after(situation: Situation, action: Action) -> Situation:
    """What the pair looks like once the action has been carried out and recorded."""
    left, right = situation.left, situation.right
    if action in (Action.NOTHING, Action.IGNORE, *ASKS):
        return situation
    if action is Action.UNCOUPLE:
        return Situation(Link.NONE, left, right, Content.SAME)
    if action in (Action.DELETE_LEFT, Action.DELETE_RIGHT):
        return Situation(Link.NONE, State.ABSENT, State.ABSENT, Content.SAME)
    if action is Action.ADOPT:
        return Situation(Link.COUPLED, quiet(left), quiet(right), situation.content)
    return Situation(Link.COUPLED, State.UNCHANGED, State.UNCHANGED, Content.SAME)


def quiet(state: State) -> State:
    return State.UNCHANGED if state is State.CHANGED else state


def possible(situation: Situation, policy: Policy) -> bool:
    """Whether such a pair can come about: content needs both records, two-way content a two-way mapping."""
    both = State.ABSENT not in (situation.left, situation.right)
    if not both:
        return situation.content is Content.SAME
    two_way = situation.content not in (Content.SAME, Content.ONE_WAY)
    return situation.link is not Link.NONE and (policy.direction is Direction.BOTH or not two_way)


def test_a_second_run_plans_nothing() -> None:
    """A record that was uncoupled may start a new life with a copy, and then the pair rests too."""
    for policy in POLICIES:
        usual = replace(policy, force=None, insists=False)
        for situation, first in decided(policy):
            if not possible(situation, policy):
                continue
            then = after(situation, first)
            second = decide(then, usual)
            if first is Action.UNCOUPLE:
                then = after(then, second)
                second = decide(then, usual)
            assert second in RESTING, (situation, policy, first, second)
            if not second.startswith("ask") and first not in RESTING and then.link is Link.COUPLED:
                assert then == Situation(Link.COUPLED, State.UNCHANGED, State.UNCHANGED, Content.SAME)


def test_resting_rests() -> None:
    for policy in (one for one in POLICIES if one.force is None):
        for situation, action in decided(policy):
            if possible(situation, policy) and action in RESTING and action is not Action.ADOPT:
                assert decide(after(situation, action), policy) is action


# -- fields ------------------------------------------------------------------------------------------------

FIELD_MIRROR = {FieldCode.TO_RIGHT: FieldCode.TO_LEFT, FieldCode.TO_LEFT: FieldCode.TO_RIGHT}
FIELD_CASES = tuple(product(Direction, Moved, Moved, (False, True), (False, True)))


@pytest.mark.parametrize(("way", "left", "right", "equal", "full"), FIELD_CASES)
def test_a_field_obeys_its_laws(way: Direction, left: Moved, right: Moved, equal: bool, full: bool) -> None:
    code = compare_field(way, left, right, equal=equal, full=full)
    turned = compare_field(TURNED[way], right, left, equal=equal, full=full)
    assert turned is FIELD_MIRROR.get(code, code)
    if equal:
        assert code is FieldCode.SAME
    if way is not Direction.BOTH:
        assert code in (FieldCode.SAME, FieldCode(way.value))
    index = (list(Moved).index(left) * 3 + list(Moved).index(right)) * 2 + equal
    assert FIELD_CODES[compile_fields(way, full)[index]] is code


def test_an_edit_on_one_side_only_goes_to_the_other() -> None:
    for full in (False, True):
        assert (
            compare_field(Direction.BOTH, Moved.YES, Moved.NO, equal=False, full=full) is FieldCode.TO_RIGHT
        )
        assert (
            compare_field(Direction.BOTH, Moved.YES, Moved.YES, equal=False, full=full) is FieldCode.OVERLAP
        )
        assert compare_field(Direction.BOTH, Moved.NO, Moved.NO, equal=False, full=full) is FieldCode.SAME


def test_drift_of_a_one_way_field_waits_for_a_full_run() -> None:
    drift = (Direction.TO_RIGHT, Moved.NO, Moved.YES)
    assert compare_field(*drift, equal=False, full=False) is FieldCode.SAME
    assert compare_field(*drift, equal=False, full=True) is FieldCode.TO_RIGHT


# -- golden tables -----------------------------------------------------------------------------------------

USUAL = {
    "two_way_merge": Policy(),
    "two_way_merge_creates": Policy(creates=True),
    "two_way_send_restore": Policy(
        update_conflict=UpdateConflict.SEND, deletion_conflict=DeletionConflict.RESTORE, creates=True
    ),
    "two_way_get_delete": Policy(
        update_conflict=UpdateConflict.GET, deletion_conflict=DeletionConflict.DELETE, creates=True
    ),
    "two_way_ask_uncouple": Policy(
        update_conflict=UpdateConflict.ASK, deletion_conflict=DeletionConflict.UNCOUPLE
    ),
    "to_right_creates": Policy(Direction.TO_RIGHT, creates=True),
    "to_left_delete": Policy(Direction.TO_LEFT, deletion_conflict=DeletionConflict.DELETE),
    "two_way_forced_to_right": Policy(force=Direction.TO_RIGHT),
}


def table_text(policy: Policy) -> str:
    """One block per link, one row per pair of states; the content is named only where it matters."""
    lines = [", ".join(f"{name}: {value}" for name, value in asdict(policy).items())]
    for link in LINKS:
        lines += ["", f"{link}"]
        for left, right in product(State, State):
            actions = {content: decide(Situation(link, left, right, content), policy) for content in Content}
            said = set(actions.values())
            text = said.pop() if len(said) == 1 else ", ".join(f"{c}: {a}" for c, a in actions.items())
            lines.append(f"  left {left:<10} right {right:<10} {text}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", USUAL)
def test_a_usual_policy_decides_as_its_golden_table_says(name: str) -> None:
    assert agrees_with_golden(f"decide_{name}.txt", table_text(USUAL[name]))


def test_the_whole_space_has_the_golden_digest() -> None:
    whole = "\n".join(",".join(action for _, action in decided(policy)) for policy in POLICIES)
    digest = hashlib.sha256(whole.encode()).hexdigest()
    text = f"{len(POLICIES)} policies, {SITUATIONS} situations\n{digest}\n"
    assert agrees_with_golden("decide_everything.txt", text)
