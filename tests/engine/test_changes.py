"""What people change on one side comes to the other, once, and to nobody else."""

from __future__ import annotations

import pytest

from twofold.core.names import Direction, Side, UpdateConflict
from twofold.core.schema import Field, FieldType

from .conftest import Build
from .house import House, customer, mapping_of


def couple_one(house: House, **values: str) -> tuple[str, str]:
    """A synchronized pair; its left and right key."""
    row = {"id": "L1", "name": "Ann", "phone": "1", "city": "Bern", "email": "a@x", **values}
    house.left.insert("customer", row)
    house.run()
    return "L1", house.couplings()["L1"]


def right_row(house: House, key: str) -> dict[str, object]:
    return house.right.rows("account")[key]


def test_new_records_are_made_both_ways_and_coupled(house: House) -> None:
    house.left.insert("customer", {"id": "L1", "name": "Ann", "email": "a@x"})
    house.right.insert("account", {"id": "R1", "name": "Bob"})
    assert house.run() == {"to_right": {"inserted": 1}, "to_left": {"inserted": 1}}
    left, right = house.values("name")
    assert left == right == [("Ann",), ("Bob",)]
    assert len(house.couplings()) == 2


def test_an_idle_run_counts_and_writes_nothing(house: House) -> None:
    couple_one(house)
    before = house.written()
    assert house.run() == house.run(full=True) == {"to_right": {}, "to_left": {}}
    assert house.written() == before


def test_records_that_are_not_coupled_are_left_alone_if_only_coupled_ones_count(build: Build) -> None:
    house = build(mapping_of(synch_only_coupled_records=True))
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    assert house.run() == {"to_right": {}, "to_left": {}}
    assert house.right.rows("account") == {}


def test_records_passed_over_are_made_once_the_option_is_cleared(build: Build) -> None:
    house = build(mapping_of(synch_only_coupled_records=True))
    house.run(full=True, creates=True)
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.left.advance(hours=1)
    house.run()
    house.left.insert("customer", {"id": "L2", "name": "Bob"})
    house.left.advance(hours=1)
    house.run()
    house.change(synch_only_coupled_records=False)
    assert house.run()["to_right"] == {"inserted": 2}


def test_edits_of_different_fields_on_both_sides_are_merged(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, city="Rome")
    assert house.run() == {"to_right": {"modified": 1}, "to_left": {"modified": 1}}
    assert house.values("name", "city") == ([("Anna", "Rome")], [("Anna", "Rome")])
    assert house.run() == {"to_right": {}, "to_left": {}}


def test_the_same_field_edited_on_both_sides_is_asked_about_once_a_run(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna", city="Oslo")
    house.right.edit("account", right, name="Annie")
    assert house.run() == {"to_right": {"conflicts": 1}, "to_left": {}}
    assert house.run() == {"to_right": {"conflicts": 1}, "to_left": {}}
    entry = house.entry()
    assert (entry["kind"], entry["fields"]) == ("conflict", ["name"])
    assert '"Anna" in erp' in entry["message"]
    assert right_row(house, right)["city"] == "Bern"


@pytest.mark.parametrize(
    ("strategy", "name", "city"),
    [(UpdateConflict.SEND, "Anna", "Rome"), (UpdateConflict.GET, "Annie", "Rome")],
)
def test_the_winner_takes_the_contested_field_and_no_other(
    build: Build, strategy: UpdateConflict, name: str, city: str
) -> None:
    house = build(mapping_of(update_conflict=strategy))
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, name="Annie", city=city)
    house.run()
    assert house.values("name", "city") == ([(name, city)], [(name, city)])
    assert house.entries() == []


def test_ask_asks_even_about_different_fields(build: Build) -> None:
    house = build(mapping_of(update_conflict=UpdateConflict.ASK))
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, city="Rome")
    assert house.run()["to_right"] == {"conflicts": 1}


def test_an_answered_question_leaves_the_list(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, name="Annie")
    house.run()
    house.answer([left], update_conflict=UpdateConflict.GET)
    assert house.entries() == []
    assert house.values("name") == ([("Annie",)], [("Annie",)])


def test_a_question_goes_away_when_people_agree(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, name="Annie")
    house.run()
    house.right.edit("account", right, name="Anna")
    assert "conflicts" not in house.run()["to_right"]
    assert house.entries() == []


def test_the_same_edit_on_both_sides_is_adopted(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, name="Anna")
    before = house.written()
    house.run()
    assert (house.entries(), house.written()) == ([], before)
    house.right.edit("account", right, name="Annie")
    assert house.run()["to_left"] == {"modified": 1}


def test_an_edit_of_a_field_that_is_not_mapped_counts_unchanged_once(build: Build) -> None:
    note = Field("note", FieldType.TEXT, length=20)
    house = build(left=customer("customer", note), right=customer("account", note))
    left, right = couple_one(house)
    house.left.edit("customer", left, note="x")
    assert house.run() == {"to_right": {"unchanged": 1}, "to_left": {}}
    assert house.run() == {"to_right": {}, "to_left": {}}
    house.right.edit("account", right, note="y")
    assert house.run() == {"to_right": {}, "to_left": {"unchanged": 1}}


def test_our_own_writes_are_no_edits(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    assert house.run() == {"to_right": {"modified": 1}, "to_left": {}}
    house.right.edit("account", right, name="Annie")
    assert house.run() == {"to_right": {}, "to_left": {"modified": 1}}
    assert house.run() == {"to_right": {}, "to_left": {}}


def test_an_edit_under_the_identity_of_the_program_is_an_edit(build: Build) -> None:
    house = build(facts={"returns_versions": False})
    _, right = couple_one(house)
    house.right.edit("account", right, name="By a flow")
    house.run()
    assert house.values("name")[0] == [("By a flow",)]


def test_drift_of_a_one_way_field_is_left_then_listed_then_corrected_by_full(house: House) -> None:
    _, right = couple_one(house)
    house.right.edit("account", right, email="drift")
    assert house.run() == {"to_right": {}, "to_left": {"unchanged": 1}}
    assert right_row(house, right)["email"] == "drift"
    (found,) = house.verify()
    assert (found.field, found.left, found.right) == ("email", "a@x", "drift")
    assert house.run(full=True)["to_right"] == {"modified": 1}
    assert right_row(house, right)["email"] == "a@x"
    assert house.verify() == []


def test_what_a_record_had_in_a_one_way_field_survives_the_making_of_its_counterpart(house: House) -> None:
    house.right.insert("account", {"id": "R1", "name": "Bob", "email": "bob@x"})
    house.run()
    (left,) = house.left.rows("customer")
    house.left.edit("customer", left, city="Oslo")
    house.run()
    assert right_row(house, "R1")["email"] == "bob@x"
    house.left.edit("customer", left, email="new@x")
    house.run()
    assert right_row(house, "R1")["email"] == "new@x"


def test_force_writes_and_counts_pairs_that_are_equal(house: House) -> None:
    left, _ = couple_one(house)
    assert house.run(left=[left], force=Direction.TO_RIGHT)["to_right"] == {"modified": 1}
    assert house.run(full=True, force=Direction.TO_RIGHT)["to_right"] == {"modified": 1}


def test_force_answers_every_question(house: House) -> None:
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, name="Annie")
    house.run()
    house.run(force=Direction.TO_LEFT)
    assert house.values("name") == ([("Annie",)], [("Annie",)])
    assert house.entries() == []


def test_a_run_narrowed_to_a_direction_writes_no_other_side_and_moves_no_other_cursor(house: House) -> None:
    left, right = couple_one(house)
    before = house.real.bookmark("CUSTOMER", Side.RIGHT)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, city="Rome")
    house.right.insert("account", {"id": "R2", "name": "Bob"})
    assert house.run(direction=Direction.TO_RIGHT) == {"to_right": {"modified": 1}}
    assert house.left.rows("customer")[left]["city"] == "Bern"
    assert len(house.left.rows("customer")) == 1
    assert house.real.bookmark("CUSTOMER", Side.RIGHT) == before
    assert house.run()["to_left"] == {"inserted": 1, "modified": 1}
    assert house.left.rows("customer")[left]["city"] == "Rome"


def test_an_edit_that_a_narrowed_run_could_not_carry_is_carried_by_the_next(house: House) -> None:
    left, right = couple_one(house)
    house.right.edit("account", right, city="Rome")
    house.run(direction=Direction.TO_RIGHT, left=[left])
    assert house.left.rows("customer")[left]["city"] == "Bern"
    house.run()
    assert house.left.rows("customer")[left]["city"] == "Rome"


def test_named_records_alone_are_synchronized(house: House) -> None:
    for number in range(3):
        house.left.insert("customer", {"id": f"L{number}", "name": str(number)})
    assert house.run(left=["L1"]) == {"to_right": {"inserted": 1}, "to_left": {}}
    assert house.real.bookmark("CUSTOMER", Side.LEFT) is None
    assert house.run()["to_right"] == {"inserted": 2}


def test_a_named_uncoupled_record_counts_skipped_if_only_coupled_ones_count(build: Build) -> None:
    house = build(mapping_of(synch_only_coupled_records=True))
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    assert house.run(left=["L1"])["to_right"] == {"skipped": 1}


def test_a_one_way_mapping_never_asks_and_the_source_wins(build: Build) -> None:
    house = build(mapping_of(direction=Direction.TO_RIGHT))
    left, right = couple_one(house)
    house.left.edit("customer", left, name="Anna")
    house.right.edit("account", right, name="Annie")
    assert house.run() == {"to_right": {"modified": 1}}
    assert house.values("name") == ([("Anna",)], [("Anna",)])
