"""When the mapping changes, what the change affects is looked at again, though nobody touched it."""

from __future__ import annotations

from twofold.core.mapping import FieldMapping, TableSide
from twofold.core.names import Direction

from .conftest import Build
from .house import EMAIL, PAIRS, mapping_of
from .test_changes import couple_one, right_row


def test_records_that_enter_a_changed_filter_are_taken_though_nobody_touched_them(build: Build) -> None:
    side = TableSide("erp", "customer", ("id",), "modified_at", filter={"city": "Bern"})
    house = build(mapping_of(left=side))
    house.left.insert("customer", {"id": "L1", "name": "Ann", "city": "Oslo"})
    house.left.advance(days=1)
    assert house.run()["to_right"] == {}
    house.change(left=TableSide("erp", "customer", ("id",), "modified_at", filter={"city": "Bern|Oslo"}))
    assert house.run()["to_right"] == {"inserted": 1}


def test_a_field_mapping_that_is_added_adopts_equal_values_and_asks_about_different_ones(
    build: Build,
) -> None:
    house = build(mapping_of(fields=PAIRS[:1]))
    for number in range(3):
        house.left.insert("customer", {"id": f"L{number}", "name": str(number), "city": "Bern"})
    house.run()
    couplings = house.couplings()
    house.right.edit("account", couplings["L0"], city="Bern")
    house.right.edit("account", couplings["L1"], city="Rome")
    house.right.edit("account", couplings["L2"], city="Bern")
    house.run()
    house.left.advance(days=1)
    house.right.advance(days=1)
    house.change(fields=(PAIRS[0], PAIRS[2]))
    assert house.run()["to_right"] == {"conflicts": 1}
    assert house.entry()["left_key"] == "L1"
    house.right.edit("account", couplings["L0"], city="Oslo")
    assert house.run()["to_left"] == {"modified": 1}


def test_a_one_way_field_mapping_that_is_added_is_carried_to_pairs_that_nobody_touched(build: Build) -> None:
    house = build(mapping_of(fields=PAIRS))
    couple_one(house)
    house.left.advance(days=1)
    house.run()
    house.change(fields=(*PAIRS, EMAIL))
    assert house.run()["to_right"] == {"modified": 1}
    assert house.values("email")[1] == [("a@x",)]


def test_a_changed_option_map_is_carried_to_pairs_that_nobody_touched(build: Build) -> None:
    house = build(
        mapping_of(
            fields=(PAIRS[0], FieldMapping("city", "city", Direction.TO_RIGHT, options={"Bern": "BE"}))
        )
    )
    _, right = couple_one(house)
    assert right_row(house, right)["city"] == "BE"
    pair = FieldMapping("city", "city", Direction.TO_RIGHT, options={"Bern": "CH-BE"})
    house.change(fields=(PAIRS[0], pair))
    assert house.run()["to_right"] == {"modified": 1}
    assert right_row(house, right)["city"] == "CH-BE"
