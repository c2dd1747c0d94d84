"""Wrong, coarse and missing stamps: an edit is seen whatever the clocks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from twofold.core.mapping import TableSide
from twofold.core.names import FeedKind
from twofold.core.schema import Field, FieldType, Schema

from .conftest import Build
from .house import House, customer, mapping_of

MINUTES = (-5, -1, 1, 5)


def pair(house: House) -> str:
    house.left.insert("customer", {"id": "L1", "name": "Ann", "phone": "1", "city": "Bern"})
    house.run()
    return house.couplings()["L1"]


@pytest.mark.parametrize("left", MINUTES)
@pytest.mark.parametrize("right", [-5, 5])
def test_clocks_that_are_wrong_by_minutes_hide_no_edit(house: House, left: int, right: int) -> None:
    house.left.advance(minutes=left)
    house.right.advance(minutes=right)
    key = pair(house)
    house.left.advance(minutes=-2 * left)
    house.right.advance(minutes=-2 * right)
    house.left.edit("customer", "L1", name="Anna")
    house.right.edit("account", key, city="Rome")
    house.left.insert("customer", {"id": "L2", "name": "Bob"})
    house.run()
    assert house.values("name", "city")[0] == house.values("name", "city")[1]
    assert ("Anna", "Rome") in house.values("name", "city")[0]


def test_two_edits_in_one_second_are_both_seen(build: Build) -> None:
    house = build(coarse=True)
    key = pair(house)
    for text in ("Anna", "Annie", "Annette"):
        house.left.edit("customer", "L1", name=text)
        house.run()
        assert house.right.rows("account")[key]["name"] == text


def test_an_edit_in_the_second_of_our_own_write_is_seen(build: Build) -> None:
    house = build(coarse=True)
    key = pair(house)
    house.left.edit("customer", "L1", name="Anna")
    house.run()
    house.right.edit("account", key, name="Annie")
    house.run()
    assert house.left.rows("customer")["L1"]["name"] == "Annie"


def test_records_with_one_stamp_are_all_seen_page_by_page(build: Build) -> None:
    house = build(facts={"page_size": 2})
    for number in range(7):
        house.left.insert("customer", {"id": f"L{number}", "name": str(number)})
    moment = house.left.now
    for number in range(7):
        house.left.stamp("customer", f"L{number}", moment)
    assert house.run()["to_right"] == {"inserted": 7}
    for number in range(7):
        house.left.edit("customer", f"L{number}", name="edited")
        house.left.stamp("customer", f"L{number}", moment + timedelta(seconds=1))
    assert house.run()["to_right"] == {"modified": 7}


def test_an_edit_committed_late_with_an_early_stamp_is_seen(house: House) -> None:
    key = pair(house)
    early = house.left.now + timedelta(minutes=1)
    house.left.advance(minutes=10)
    house.left.insert("customer", {"id": "L2", "name": "Bob"})
    house.run()
    house.left.edit("customer", "L1", name="Late")
    house.left.stamp("customer", "L1", early)
    house.run()
    assert house.right.rows("account")[key]["name"] == "Late"


def test_our_own_write_hides_no_edit_with_an_earlier_stamp(house: House) -> None:
    key = pair(house)
    early = house.right.now + timedelta(seconds=30)
    house.right.advance(minutes=5)
    house.left.edit("customer", "L1", phone="2")
    house.run()
    house.right.edit("account", key, city="Rome")
    house.right.stamp("account", key, early)
    house.run()
    assert house.left.rows("customer")["L1"]["city"] == "Rome"


def test_a_stamp_in_the_future_hides_no_later_edit(house: House) -> None:
    key = pair(house)
    house.left.insert("customer", {"id": "L2", "name": "Future"})
    house.left.stamp("customer", "L2", datetime(2099, 1, 1, tzinfo=UTC))
    house.run()
    house.left.advance(minutes=20)
    house.left.edit("customer", "L1", name="Anna")
    house.run()
    assert house.right.rows("account")[key]["name"] == "Anna"
    before = house.written()
    assert house.run() == {"to_right": {}, "to_left": {}}
    assert house.written() == before


def test_records_without_a_stamp_are_seen_and_seen_again_when_they_change(build: Build) -> None:
    plain = customer("customer")
    fields = tuple(
        f if f.name != "modified_at" else Field("modified_at", f.type, scale=6) for f in plain.fields
    )
    house = build(left=Schema("customer", fields, ("id",)))
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.left.stamp("customer", "L1", None)
    house.run()
    key = house.couplings()["L1"]
    house.left.advance(days=1)
    house.run()
    house.left.edit("customer", "L1", name="Anna")
    house.left.stamp("customer", "L1", None)
    house.run()
    assert house.right.rows("account")[key]["name"] == "Anna"


def test_a_record_that_entered_the_filter_without_a_new_stamp_is_found_within_a_day(build: Build) -> None:
    side = TableSide("erp", "customer", ("id",), "modified_at", filter={"city": "Bern"})
    house = build(mapping_of(left=side))
    house.left.insert("customer", {"id": "L1", "name": "Ann", "city": "Oslo"})
    stamp = house.left.now
    house.left.insert("customer", {"id": "L2", "name": "Bob", "city": "Bern"})
    house.run()
    house.left.advance(days=1)
    house.left.insert("customer", {"id": "L3", "name": "Cid", "city": "Bern"})
    house.run()
    house.left.edit("customer", "L1", city="Bern")
    house.left.stamp("customer", "L1", stamp)
    house.clock.advance(days=1)
    house.run()
    assert house.values("name")[1] == [("Ann",), ("Bob",), ("Cid",)]


def test_a_snapshot_needs_no_stamps(build: Build) -> None:
    side = TableSide("erp", "customer", ("id",), feed=FeedKind.SNAPSHOT)
    house = build(mapping_of(left=side))
    key = pair(house)
    house.left.edit("customer", "L1", name="Anna")
    house.left.stamp("customer", "L1", datetime(1999, 1, 1, tzinfo=UTC))
    house.run()
    assert house.right.rows("account")[key]["name"] == "Anna"
    assert house.run() == {"to_right": {}, "to_left": {}}
    assert FieldType.DATETIME in {field.type for field in house.left.tables["customer"].schema.fields}
