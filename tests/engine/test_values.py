"""Templates, options, constants, combinations and blanks: what a record gets, and what it keeps."""

from __future__ import annotations

from typing import Any

from twofold.core.mapping import FieldMapping, Rule, Template, Templates, Transform
from twofold.core.names import Direction
from twofold.core.schema import Field, FieldType

from .conftest import Build
from .house import PAIRS, House, customer, mapping_of

NAME = FieldMapping("name", "name")
KIND = Field("kind", FieldType.INTEGER)


def built(build: Build, *pairs: FieldMapping, **changes: Any) -> House:
    mapping = mapping_of(fields=(NAME, *pairs), **changes)
    return build(mapping, left=customer("customer", KIND), right=customer("account", KIND))


def add(house: House, **values: Any) -> None:
    house.left.insert("customer", {"id": "L1", "name": "Ann", **values})
    house.run()


def right(house: House) -> dict[str, Any]:
    return house.right.rows("account")[house.couplings()["L1"]]


def test_the_first_template_that_applies_fills_a_new_record_and_no_mapped_field(build: Build) -> None:
    templates = Templates(
        right=(
            Template({"phone": "swiss", "name": "never"}, {"city": "Bern|Basel"}),
            Template({"phone": "foreign"}),
        )
    )
    house = built(build, FieldMapping("city", "city"), templates=templates)
    add(house, city="Bern")
    house.left.insert("customer", {"id": "L2", "name": "Bob", "city": "Rome"})
    house.run()
    found = sorted((row["name"], row["phone"]) for row in house.right.rows("account").values())
    assert found == [("Ann", "swiss"), ("Bob", "foreign")]


def test_a_template_is_never_laid_over_a_record_that_exists(build: Build) -> None:
    house = built(build, templates=Templates(right=(Template({"phone": "new"}),)))
    add(house)
    house.right.edit("account", house.couplings()["L1"], phone="mine")
    house.left.edit("customer", "L1", name="Anna")
    house.run(full=True)
    assert right(house)["phone"] == "mine"


def test_options_are_translated_both_ways(build: Build) -> None:
    house = built(build, FieldMapping("city", "kind", options={"NET30": 1, "NET45": 3}))
    add(house, city="NET30")
    assert right(house)["kind"] == 1
    house.right.edit("account", house.couplings()["L1"], kind=3)
    house.run()
    assert house.left.rows("customer")["L1"]["city"] == "NET45"
    assert house.run() == house.run(full=True) == {"to_right": {}, "to_left": {}}


def test_an_unknown_option_fails_that_record_with_a_sentence(build: Build) -> None:
    house = built(build, FieldMapping("city", "kind", options={"NET30": 1}))
    house.left.insert("customer", {"id": "L1", "name": "Ann", "city": "NET60"})
    assert house.run()["to_right"] == {"failed": 1}
    assert '"NET60" is not among its options' in house.entry()["message"]


def test_a_constant_is_written_and_kept(build: Build) -> None:
    house = built(build, FieldMapping(right="kind", constant=3))
    add(house)
    assert right(house)["kind"] == 3
    house.right.edit("account", house.couplings()["L1"], kind=7)
    house.run()
    assert right(house)["kind"] == 7
    house.run(full=True)
    assert right(house)["kind"] == 3


def test_a_combination_is_written_when_a_part_changes(build: Build) -> None:
    house = built(build, FieldMapping(right="email", combine=("city", "phone"), join=", "))
    add(house, city="Bern", phone="1")
    assert right(house)["email"] == "Bern, 1"
    house.left.edit("customer", "L1", phone=None)
    assert house.run()["to_right"] == {"modified": 1}
    assert right(house)["email"] == "Bern"


def test_a_lossy_rule_is_no_edit_of_the_side_that_it_wrote(build: Build) -> None:
    upper = Transform(to_right=(Rule("uppercase"),))
    house = built(build, FieldMapping("city", "city", transform=upper))
    add(house, city="Bern")
    assert right(house)["city"] == "BERN"
    assert house.run() == house.run(full=True) == {"to_right": {}, "to_left": {}}
    assert house.left.rows("customer")["L1"]["city"] == "Bern"
    house.left.edit("customer", "L1", name="Anna")
    house.run()
    assert house.left.rows("customer")["L1"]["city"] == "Bern"


def test_a_blank_source_keeps_the_target_of_a_field_that_must_not_be_blank(build: Build) -> None:
    house = built(build, FieldMapping("city", "city", not_null=True))
    add(house, city="Bern")
    house.left.edit("customer", "L1", city=None, name="Anna")
    house.run()
    assert (right(house)["city"], right(house)["name"]) == ("Bern", "Anna")
    assert house.run() == house.run(full=True) == {"to_right": {}, "to_left": {}}


def test_a_blank_travels_like_any_value(build: Build) -> None:
    house = built(build, FieldMapping("city", "city"))
    add(house, city="Bern")
    house.left.edit("customer", "L1", city=None)
    assert house.run()["to_right"] == {"modified": 1}
    assert right(house)["city"] is None


def test_a_side_without_nulls_takes_blanks_for_nulls_and_gives_no_edits_back(build: Build) -> None:
    plain = customer("customer")
    fields = [
        Field("city", FieldType.TEXT, length=30, nullable=False, blank_is_null=True)
        if f.name == "city"
        else f
        for f in plain.fields
    ]
    house = build(mapping_of(fields=PAIRS), left=type(plain)("customer", tuple(fields), ("id",)))
    house.left.insert("customer", {"id": "L1", "name": "Ann", "city": ""})
    house.right.insert("account", {"id": "R1", "name": "Bob", "city": None})
    assert house.run() == {"to_right": {"inserted": 1}, "to_left": {"inserted": 1}}
    assert house.run() == house.run(full=True) == {"to_right": {}, "to_left": {}}
    assert house.verify() == []


def test_a_sensitive_value_is_named_in_no_message(build: Build) -> None:
    house = built(build, FieldMapping("city", "city", sensitive=True))
    add(house, city="secret")
    house.left.edit("customer", "L1", city="secret one")
    house.right.edit("account", house.couplings()["L1"], city="secret two")
    house.run()
    assert "secret" not in house.entry()["message"]
    (finding,) = house.verify()
    assert "secret" not in f"{finding.left}{finding.right}{finding.sentence}"


def test_trailing_blanks_are_no_difference(build: Build) -> None:
    house = built(build, FieldMapping("city", "city"))
    add(house, city="Bern")
    house.right.edit("account", house.couplings()["L1"], city="Bern   ")
    assert house.run()["to_left"] == {"unchanged": 1}


def test_what_a_trigger_makes_of_a_value_is_no_edit(build: Build) -> None:
    house = built(build, FieldMapping("city", "city"))
    table = house.right.tables["account"]
    table.trigger = lambda row: {**row, "city": (row["city"] or "").upper()}
    object.__setattr__(table.schema, "rewrites", True)
    add(house, city="Bern")
    assert right(house)["city"] == "BERN"
    assert house.run() == {"to_right": {}, "to_left": {}}
    assert house.left.rows("customer")["L1"]["city"] == "Bern"
    house.left.edit("customer", "L1", city="Basel")
    house.run()
    assert right(house)["city"] == "BASEL"
    assert house.run() == house.run() == {"to_right": {}, "to_left": {}}


def test_a_one_way_field_mapping_is_not_read_from_its_target(build: Build) -> None:
    house = built(build, FieldMapping("city", "city", Direction.TO_LEFT))
    add(house, city="Bern")
    assert right(house)["city"] is None
    assert house.left.rows("customer")["L1"]["city"] == "Bern"
