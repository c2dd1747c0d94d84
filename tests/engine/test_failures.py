"""A record that fails stops nobody else, is never forgotten, and is not tried for ever."""

from __future__ import annotations

import pytest

from twofold.core.mapping import FieldMapping
from twofold.core.names import Direction, Side
from twofold.errors import Throttled, Unreachable
from twofold.testing.faults import Fault, Trouble

from .conftest import Build
from .house import EMAIL, PAIRS, House, customer, mapping_of

LONG = "1" * 21
"""Longer than `phone` on the right, where it is shortened to 20."""


@pytest.fixture
def tight(build: Build) -> House:
    """A house whose left side takes longer phone numbers than its right side."""
    left = customer("customer")
    wider = [f if f.name != "phone" else type(f)("phone", f.type, length=40) for f in left.fields]
    return build(left=type(left)(left.table, tuple(wider), left.key))


def test_one_bad_record_of_many_fails_alone_with_its_field(tight: House) -> None:
    for number in range(5):
        tight.left.insert(
            "customer", {"id": f"L{number}", "name": "x", "phone": LONG if number == 3 else "1"}
        )
    assert tight.run()["to_right"] == {"inserted": 4, "failed": 1}
    entry = tight.entry()
    assert (entry["left_key"], entry["kind"], entry["fields"]) == ("L3", "failed", ["phone"])
    assert "21 characters" in entry["message"]


def test_a_record_refused_by_the_system_fails_alone(build: Build) -> None:
    house = build()
    house.right.tables["account"].unique = ("name",)
    house.left.insert("customer", {"id": "L1", "name": "same"})
    house.left.insert("customer", {"id": "L2", "name": "same"})
    assert house.run()["to_right"] == {"inserted": 1, "failed": 1}
    assert "unique" in house.entry()["message"]


def test_a_failed_insert_is_tried_again_though_nobody_touches_the_record(tight: House) -> None:
    tight.right.tables["account"].unique = ("name",)
    tight.right.insert("account", {"id": "R1", "name": "same"})
    tight.run()
    tight.left.insert("customer", {"id": "L1", "name": "same"})
    tight.left.advance(days=2)
    assert tight.run()["to_right"] == {"failed": 1}
    tight.right.tables["account"].unique = ()
    assert tight.run()["to_right"] == {"inserted": 1}
    assert tight.entries() == []


def failing_pair(house: House) -> str:
    house.left.insert("customer", {"id": "L1", "name": "Ann", "phone": "1", "city": "Bern"})
    house.run()
    house.left.edit("customer", "L1", phone=LONG)
    return house.couplings()["L1"]


def test_two_equal_failures_set_a_record_aside_in_that_direction_only(tight: House) -> None:
    right = failing_pair(tight)
    assert tight.run()["to_right"] == {"failed": 1}
    assert tight.run()["to_right"] == {"skipped": 1}
    (coupling,) = tight.real.listing.couplings("CUSTOMER")
    assert (coupling["skipped_to_right"], coupling["skipped_to_left"]) == (True, False)
    tight.right.edit("account", right, city="Rome")
    assert tight.run()["to_left"] == {"modified": 1}
    assert tight.left.rows("customer")["L1"]["city"] == "Rome"


def test_a_failure_with_another_text_starts_anew(tight: House) -> None:
    failing_pair(tight)
    tight.run()
    tight.left.edit("customer", "L1", phone=LONG + "2")
    assert tight.run()["to_right"] == {"failed": 1}


def test_a_record_set_aside_gets_a_new_chance_when_it_changes(tight: House) -> None:
    right = failing_pair(tight)
    tight.run()
    tight.run()
    tight.left.edit("customer", "L1", phone="2")
    assert tight.run()["to_right"] == {"modified": 1}
    assert tight.right.rows("account")[right]["phone"] == "2"
    assert tight.entries() == []


def test_a_record_set_aside_waits_until_a_person_says_retry(tight: House) -> None:
    failing_pair(tight)
    for _ in range(4):
        tight.run()
    assert "failed" not in tight.run()["to_right"]
    tight.real.release("CUSTOMER", ["L1"])
    assert tight.run()["to_right"] == {"failed": 1}


def test_a_failure_that_was_set_aside_keeps_its_line_on_the_list(tight: House) -> None:
    failing_pair(tight)
    for full in (False, False, False, True, False):
        tight.run(full=full)
    assert tight.entry()["kind"] == "failed"


def test_the_other_direction_of_a_failed_pair_is_written(tight: House) -> None:
    right = failing_pair(tight)
    tight.right.edit("account", right, city="Rome")
    assert tight.run() == {"to_right": {"failed": 1}, "to_left": {"modified": 1}}
    tight.left.edit("customer", "L1", phone="3")
    tight.run()
    assert tight.values("phone", "city") == ([("3", "Rome")], [("3", "Rome")])


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.THROTTLED])
def test_an_outage_is_nobodys_failure(house: House, trouble: Trouble) -> None:
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    for _ in range(3):
        with house.faults(right=[Fault("apply", 1, trouble)]), pytest.raises((Unreachable, Throttled)):
            house.run()
        assert house.entries() == []
    assert house.run()["to_right"] == {"inserted": 1}


def test_an_unreadable_record_is_listed_counted_and_read_again(house: House) -> None:
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.left.insert("customer", {"id": "L2", "name": "Bob"})
    house.left.plant("customer", "L1", name=17)
    assert house.run()["to_right"] == {"inserted": 1, "failed": 1}
    assert house.entry()["fields"] == ["name"]
    house.left.advance(days=2)
    assert house.run()["to_right"] == {"skipped": 1}
    house.left.plant("customer", "L1", name="Ann")
    house.left.advance(days=2)
    house.run()
    assert house.values("name")[1] == [("Ann",), ("Bob",)]
    assert house.entries() == []


def test_an_unreadable_counterpart_is_not_taken_for_a_deleted_one(house: House) -> None:
    house.left.insert("customer", {"id": "L1", "name": "Ann", "city": "Bern"})
    house.run()
    right = house.couplings()["L1"]
    house.right.plant("account", right, city=5)
    house.left.edit("customer", "L1", name="Anna")
    house.run()
    house.run(full=True)
    assert [entry["kind"] for entry in house.entries()] == ["failed"]
    house.right.plant("account", right, city="Bern")
    house.run()
    house.run()
    assert house.values("name") == ([("Anna",)], [("Anna",)])


def test_a_question_never_becomes_skipped(house: House) -> None:
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.run()
    house.left.edit("customer", "L1", name="Anna")
    house.right.edit("account", house.couplings()["L1"], name="Annie")
    for _ in range(3):
        assert house.run()["to_right"] == {"conflicts": 1}


def test_a_value_that_is_shortened_by_wish_does_not_fail(build: Build) -> None:
    pair = FieldMapping("name", "phone", Direction.TO_RIGHT, truncate=True)
    house = build(mapping_of(fields=(pair, EMAIL)))
    house.left.insert("customer", {"id": "L1", "name": "x" * 30})
    assert house.run()["to_right"] == {"inserted": 1}
    assert house.run(full=True)["to_right"] == {}
    assert house.values("phone")[1] == [("x" * 20,)]


def test_an_entry_about_a_record_that_vanished_goes_away(tight: House) -> None:
    tight.left.insert("customer", {"id": "L1", "name": "x", "phone": LONG})
    tight.run()
    tight.left.delete("customer", "L1")
    tight.run()
    assert tight.entries() == []


def test_a_record_that_leaves_the_filter_is_not_synchronized_because_it_failed(build: Build) -> None:
    mapping = mapping_of(fields=(*PAIRS,))
    house = build(mapping)
    house.right.tables["account"].unique = ("name",)
    house.right.insert("account", {"id": "R1", "name": "same"})
    house.run()
    house.left.insert("customer", {"id": "L1", "name": "same"})
    house.run()
    house.change(left=type(mapping.left)("erp", "customer", ("id",), "modified_at", filter={"city": "Bern"}))
    house.right.tables["account"].unique = ()
    house.run()
    assert len(house.right.rows("account")) == 1
    assert Side.LEFT in house.connectors
