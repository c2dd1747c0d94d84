"""Whoever makes the keys, a record is never made twice, also where the reply to its insert was lost."""

from __future__ import annotations

from typing import Any

import pytest

from twofold.core.mapping import FieldMapping, TableSide
from twofold.core.schema import Field, FieldType, Schema
from twofold.errors import Unreachable
from twofold.testing.faults import Fault, Trouble

from .conftest import Build
from .house import EMAIL, PAIRS, House, customer, mapping_of, numbered

LOST = [Trouble.LOST_REPLY, Trouble.IN_DOUBT]
NATURAL = mapping_of(fields=(FieldMapping("id", "id"), *PAIRS, EMAIL))
SYSTEM: dict[str, Any] = {"left": numbered("customer"), "right": numbered("account")}


def lose_reply(house: House, trouble: Trouble = Trouble.LOST_REPLY) -> None:
    with house.faults(right=[Fault("apply", 1, trouble)]), pytest.raises(Unreachable):
        house.run()


def names(house: House) -> list[str]:
    return sorted(str(row["name"]) for row in house.right.rows("account").values())


@pytest.mark.parametrize("trouble", [*LOST, Trouble.DROPPED])
@pytest.mark.parametrize("kind", ["uuid", "natural", "system"])
def test_an_insert_without_a_reply_is_found_or_made_but_never_twice(
    build: Build, kind: str, trouble: Trouble
) -> None:
    mapping = NATURAL if kind == "natural" else mapping_of()
    house = build(mapping, **(SYSTEM if kind == "system" else {}))
    for number in range(3):
        given = {} if kind == "system" else {"id": f"L{number}"}
        house.left.insert("customer", {**given, "name": f"N{number}"})
    lose_reply(house, trouble)
    house.run()
    assert names(house) == ["N0", "N1", "N2"]
    assert len(house.couplings()) == 3
    assert house.entries() == []
    assert house.run() == {"to_right": {}, "to_left": {}}


def system_house(build: Build, **changes: Any) -> House:
    house = build(mapping_of(**changes), **SYSTEM)
    house.left.insert("customer", {"name": "Ann", "phone": "1", "city": "Bern", "email": "a@x"})
    return house


def test_it_is_found_though_its_source_was_edited_meanwhile(build: Build) -> None:
    house = system_house(build)
    lose_reply(house)
    house.left.edit("customer", "1", name="Anna", phone="2", city="Rome")
    house.run()
    assert house.values("name", "phone", "city") == ([("Anna", "2", "Rome")], [("Anna", "2", "Rome")])


def test_it_is_found_though_its_source_was_deleted_meanwhile(build: Build) -> None:
    house = system_house(build)
    lose_reply(house)
    house.left.delete("customer", "1")
    house.run()
    assert house.entry()["kind"] == "deleted"
    assert (names(house), house.left.rows("customer")) == (["Ann"], {})


def test_it_is_found_by_a_match_field_though_it_was_edited_itself(build: Build) -> None:
    house = system_house(build, match=(("email",),))
    lose_reply(house)
    house.right.edit("account", "1", name="Annie", phone="3", city="Oslo")
    house.run()
    assert len(names(house)) == 1
    assert house.entry()["kind"] == "conflict"


def test_a_person_is_asked_where_it_may_have_been_edited(build: Build) -> None:
    house = system_house(build)
    lose_reply(house)
    house.right.edit("account", "1", name="Annie")
    for _ in range(2):
        assert house.run()["to_right"]["conflicts"] == 1
    assert house.entry()["kind"] == "in_doubt"
    assert len(names(house)) == 1


def test_two_candidates_are_a_question_and_no_second_record(build: Build) -> None:
    house = system_house(build)
    lose_reply(house)
    house.right.insert("account", {"name": "Ann", "phone": "1", "city": "Bern", "email": "a@x"})
    house.run()
    assert house.entry()["kind"] == "in_doubt"
    assert len(house.right.rows("account")) == 2
    house.right.delete("account", "2")
    house.run()
    assert (house.entries(), house.couplings()) == ([], {"1": "1"})


def test_records_that_are_alike_are_paired_off(build: Build) -> None:
    house = build(**SYSTEM)
    for _ in range(4):
        house.left.insert("customer", {"name": "Twin", "city": "Bern"})
    lose_reply(house)
    house.run()
    assert len(house.right.rows("account")) == 4
    assert len(house.couplings()) == 4
    assert house.entries() == []


def test_some_of_the_records_that_are_alike_are_made_again(build: Build) -> None:
    house = build(facts={"max_ops": 2}, **SYSTEM)
    for _ in range(5):
        house.left.insert("customer", {"name": "Twin", "city": "Bern"})
    with house.faults(right=[Fault("apply", 2, Trouble.UNREACHABLE)]), pytest.raises(Unreachable):
        house.run()
    assert len(house.right.rows("account")) == 2
    house.run()
    assert len(house.right.rows("account")) == 5
    assert (len(house.couplings()), house.entries()) == (5, [])


def test_a_record_that_was_there_before_is_not_taken_for_ours(build: Build) -> None:
    house = system_house(build)
    house.right.insert("account", {"name": "Other", "phone": "9", "city": "Rome"})
    house.run(left=["1"])
    assert house.couplings() == {"1": "2"}


def test_a_named_record_in_doubt_is_looked_for_too(build: Build) -> None:
    house = system_house(build)
    lose_reply(house)
    house.run(left=["1"])
    assert (house.couplings(), house.entries()) == ({"1": "1"}, [])


def test_a_second_lost_reply_changes_nothing(build: Build) -> None:
    house = system_house(build)
    for trouble in (Trouble.DROPPED, Trouble.LOST_REPLY):
        lose_reply(house, trouble)
    house.run()
    assert (names(house), house.couplings()) == (["Ann"], {"1": "1"})


def test_a_restored_record_whose_reply_was_lost_is_not_made_twice(build: Build) -> None:
    from twofold.core.names import DeletionConflict

    house = system_house(build, deletion_conflict=DeletionConflict.RESTORE)
    house.run()
    house.right.delete("account", "1")
    lose_reply(house)
    house.run()
    assert (names(house), house.couplings()) == (["Ann"], {"1": "2"})


# -- composite and natural keys ----------------------------------------------------------------------------


def with_two_keys(table: str) -> Schema:
    plain = customer(table)
    company = Field("company", FieldType.TEXT, length=10, nullable=False)
    return Schema(table, (company, *plain.fields), ("company", "id"))


def composite(build: Build) -> House:
    sides: dict[str, Any] = {
        side: TableSide(name, table, ("company", "id"), "modified_at")
        for side, name, table in (("left", "erp", "customer"), ("right", "crm", "account"))
    }
    keys = (FieldMapping("company", "company"), FieldMapping("id", "id"))
    return build(
        mapping_of(fields=(*keys, *PAIRS), **sides),
        left=with_two_keys("customer"),
        right=with_two_keys("account"),
    )


def test_composite_keys_travel_as_they_are(build: Build) -> None:
    house = composite(build)
    house.left.insert("customer", {"company": "A", "id": "1,2", "name": "Ann"})
    house.right.insert("account", {"company": 'B"', "id": "1", "name": "Bob"})
    lose_reply(house)
    house.run()
    assert house.couplings() == {'["A","1,2"]': '["A","1,2"]', '["B\\"","1"]': '["B\\"","1"]'}
    house.left.edit("customer", '["A","1,2"]', name="Anna")
    assert house.run()["to_right"] == {"modified": 1}
    assert house.run(left=['["A","1,2"]'])["to_right"] == {}


def test_a_natural_key_that_is_taken_fails_that_record_alone(build: Build) -> None:
    house = build(NATURAL)
    house.left.insert("customer", {"id": "1", "name": "Ann"})
    house.right.insert("account", {"id": "1", "name": "Bob"})
    house.left.insert("customer", {"id": "2", "name": "Cid"})
    counts = house.run()
    assert counts == {"to_right": {"inserted": 1, "failed": 1}, "to_left": {"failed": 1}}
    assert names(house) == ["Bob", "Cid"]


def test_a_natural_key_is_matched_instead_if_the_mapping_says_so(build: Build) -> None:
    from dataclasses import replace

    house = build(replace(NATURAL, match=(("id",),)))
    house.left.insert("customer", {"id": "1", "name": "Ann"})
    house.right.insert("account", {"id": "1", "name": "Ann"})
    assert house.run()["to_right"] == {"coupled": 1}
    assert house.couplings() == {"1": "1"}


def test_records_that_share_common_values_are_not_taken_for_the_one_in_doubt(build: Build) -> None:
    house = build(**SYSTEM)
    for number in range(3):
        house.left.insert("customer", {"name": f"Left {number}", "phone": "1", "city": "Bern"})
        house.right.insert("account", {"name": f"Right {number}", "phone": "1", "city": "Bern"})
    with house.faults(right=[Fault("apply", 1, Trouble.DROPPED)]), pytest.raises(Unreachable):
        house.run()
    house.run()
    assert (len(house.couplings()), house.entries()) == (6, [])
