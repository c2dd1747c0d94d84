"""The ledger judges single runs as a careful reader of both systems would."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.testing.laws import Ledger, Snapshot
from twofold.testing.world import Gate, Pair, Policy, Question

TAG, NAME = Pair("no", "number"), Pair("name", "title")
Rows = dict[str, str]


def policy(**more: object) -> Policy:
    return Policy(TAG, (NAME,), **more)  # type: ignore[arg-type]


def state(
    left: Rows,
    right: Rows,
    *,
    coupled: Collection[tuple[str, str]] = (("L", "R"),),
    asked: Collection[Question] = (),
) -> Snapshot:
    """Names by key on each side; all records of one state are copies of one, unless their keys are longer."""
    rows = {
        Side.LEFT: {key: {"no": f"t{key[1:]}", "name": name, "open": "yes"} for key, name in left.items()},
        Side.RIGHT: {key: {"number": f"t{key[1:]}", "title": name} for key, name in right.items()},
    }
    return Snapshot(rows, coupled, asked)


def ledger(**more: object) -> Ledger:
    """A pair that is in step with the name v1, entered on the left."""
    made = Ledger(policy(**more))
    made.enter(Side.LEFT, "L", NAME, "v1", None)
    made.check_run(state({"L": "v1"}, {}, coupled=()), state({"L": "v1"}, {"R": "v1"}))
    return made


def test_carrying_an_edit_is_right() -> None:
    judge = ledger()
    judge.enter(Side.LEFT, "L", NAME, "v2", "v1")
    after = state({"L": "v2"}, {"R": "v2"})
    judge.check_run(state({"L": "v2"}, {"R": "v1"}), after)
    judge.check_end(after, full=True)


def test_taking_away_an_edit_that_nobody_replaced_is_a_loss() -> None:
    judge = ledger()
    judge.enter(Side.RIGHT, "R", NAME, "v2", "v1")
    with pytest.raises(AssertionError, match="right R, field title: v2 became v1: a silent loss"):
        judge.check_run(state({"L": "v1"}, {"R": "v2"}), state({"L": "v1"}, {"R": "v1"}))


def test_a_policy_may_let_a_side_lose_a_conflict() -> None:
    judge = ledger(update_conflict=UpdateConflict.SEND)
    judge.enter(Side.RIGHT, "R", NAME, "v2", "v1")
    judge.enter(Side.LEFT, "L", NAME, "v3", "v1")
    after = state({"L": "v3"}, {"R": "v3"})
    judge.check_run(state({"L": "v3"}, {"R": "v2"}), after)
    judge.check_end(after, full=False)


def test_no_policy_lets_an_old_text_win_over_its_own_edit() -> None:
    judge = ledger(update_conflict=UpdateConflict.SEND)
    judge.enter(Side.RIGHT, "R", NAME, "v2", "v1")
    with pytest.raises(AssertionError, match="a silent loss"):
        judge.check_run(state({"L": "v1"}, {"R": "v2"}), state({"L": "v1"}, {"R": "v1"}))


def test_an_old_text_that_a_broken_run_left_unrecorded_may_win_by_policy() -> None:
    judge = ledger(update_conflict=UpdateConflict.SEND)
    judge.enter(Side.LEFT, "L", NAME, "v2", "v1")
    judge.check_run(state({"L": "v2"}, {"R": "v1"}), state({"L": "v2"}, {"R": "v2"}), broken=True)
    judge.enter(Side.RIGHT, "R", NAME, "v3", "v2")
    judge.check_run(state({"L": "v2"}, {"R": "v3"}), state({"L": "v2"}, {"R": "v2"}))


def test_an_edit_in_an_open_question_may_rest_where_it_is() -> None:
    judge = ledger()
    judge.enter(Side.RIGHT, "R", NAME, "v2", "v1")
    judge.check_end(state({"L": "v1"}, {"R": "v2"}, asked=[Question("L", "R")]), full=True)
    with pytest.raises(AssertionError, match="differ: v1 and v2"):
        judge.check_end(state({"L": "v1"}, {"R": "v2"}), full=True)


def test_a_record_that_was_never_carried_over_is_named() -> None:
    judge = ledger()
    judge.enter(Side.RIGHT, "R2", NAME, "v9", None)
    with pytest.raises(AssertionError, match="right R2 was never carried over, with v9"):
        judge.check_end(state({"L": "v1"}, {"R": "v1", "R2": "v9"}), full=False)


def test_a_record_outside_the_filter_need_not_be_carried() -> None:
    judge = Ledger(policy(gate=Gate(Side.LEFT, "open", inside="no", outside="yes")))
    judge.enter(Side.LEFT, "L2", NAME, "v9", None)
    judge.check_end(state({"L2": "v9"}, {}, coupled=()), full=True)


def test_a_second_copy_is_a_duplicate() -> None:
    before = state({"L": "v1"}, {"R": "v1"})
    doubled = {"R": {"number": "t", "title": "v1"}, "S": {"number": "t", "title": "v1"}}
    after = Snapshot({Side.LEFT: before.rows[Side.LEFT], Side.RIGHT: doubled}, (("L", "R"),), ())
    with pytest.raises(AssertionError, match="right has duplicates: t"):
        ledger().check_run(before, after)


def test_a_record_coupled_twice_is_told() -> None:
    with pytest.raises(AssertionError, match="a record of left is coupled twice"):
        ledger().check_end(state({"L": "v1"}, {"R": "v1"}, coupled=[("L", "R"), ("L", "S")]), full=False)


def test_a_side_that_is_not_written_stays_as_it_is() -> None:
    judge = ledger(direction=Direction.TO_RIGHT)
    with pytest.raises(AssertionError, match="which this mapping does not write"):
        judge.check_run(state({"L": "v1"}, {"R": "v2"}), state({"L": "v2"}, {"R": "v2"}))
    with pytest.raises(AssertionError, match="a run made rows on left"):
        judge.check_run(state({}, {"R": "v1"}), state({"L": "v1"}, {"R": "v1"}))


def _delete_left(judge: Ledger) -> None:
    judge.discard(Side.LEFT, "L", {"no": "t", "name": "v1"})


def test_a_deletion_is_carried_where_the_mapping_deletes() -> None:
    judge = ledger(deletion_conflict=DeletionConflict.DELETE)
    _delete_left(judge)
    judge.check_run(state({}, {"R": "v1"}), state({}, {}, coupled=()))
    judge.check_end(state({}, {}, coupled=()), full=True)


def test_a_deletion_is_not_carried_where_a_person_is_to_be_asked() -> None:
    judge = ledger()
    _delete_left(judge)
    with pytest.raises(AssertionError, match="right R was deleted though the mapping does not delete"):
        judge.check_run(state({}, {"R": "v1"}), state({}, {}, coupled=()))


def test_a_changed_record_is_never_deleted() -> None:
    judge = ledger(deletion_conflict=DeletionConflict.DELETE)
    judge.enter(Side.RIGHT, "R", NAME, "v2", "v1")
    _delete_left(judge)
    with pytest.raises(AssertionError, match="right R was deleted though title had changed to v2"):
        judge.check_run(state({}, {"R": "v2"}), state({}, {}, coupled=()))


def test_a_record_whose_counterpart_nobody_deleted_is_never_deleted() -> None:
    judge = ledger(deletion_conflict=DeletionConflict.DELETE)
    with pytest.raises(AssertionError, match="nobody deleted its counterpart"):
        judge.check_run(state({"L": "v1"}, {"R": "v1"}), state({"L": "v1"}, {}, coupled=()))
