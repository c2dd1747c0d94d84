"""A field that points to a record of another mapping points to its counterpart on the other side."""

from __future__ import annotations

from typing import Any

import pytest

from twofold.connectors.memory import MemorySystem
from twofold.core.mapping import FieldMapping, Lookup, TableMapping, TableSide
from twofold.core.names import Direction
from twofold.core.schema import Field, FieldType, Schema

from .conftest import Build
from .house import House, customer, mapping_of

TEXT = FieldType.TEXT
REGION = Field("region", TEXT, length=36)
OWNER = Field("owner", TEXT, length=36)


def region_table(name: str, *more: Field) -> Schema:
    fields = (
        Field("id", TEXT, length=36, nullable=False),
        Field("code", TEXT, length=10),
        Field("modified_at", FieldType.DATETIME, scale=6, nullable=False),
        *more,
    )
    return Schema(name, fields, ("id",))


def regions(*fields: FieldMapping, **changes: Any) -> TableMapping:
    return TableMapping(
        "REGION",
        TableSide("erp", "region", ("id",), "modified_at"),
        TableSide("crm", "territory", ("id",), "modified_at"),
        (FieldMapping("code", "code"), *fields),
        synch_only_coupled_records=False,
        **changes,
    )


def customers(lookup: Lookup | None = None, field: str = "region", **options: Any) -> TableMapping:
    pair = FieldMapping(field, field, lookup=lookup or Lookup("REGION"), **options)
    return mapping_of(fields=(FieldMapping("name", "name"), pair))


def built(
    build: Build, *mappings: TableMapping, field: Field = REGION, more: tuple[Field, ...] = ()
) -> House:
    house = build(*mappings, left=customer("customer", field), right=customer("account", field))
    for system, name in ((house.left, "region"), (house.right, "territory")):
        add(system, region_table(name, *more))
    return house


def add(system: MemorySystem, schema: Schema) -> None:
    system.create_table(schema, modified="modified_at")


def right_of(house: House, left: str) -> dict[str, Any]:
    return house.right.rows("account")[house.couplings("CUSTOMER")[left]]


def test_a_lookup_by_key_is_the_key_of_the_counterpart(build: Build) -> None:
    house = built(build, regions(), customers())
    house.left.insert("region", {"id": "R1", "code": "EU"})
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "R1"})
    house.run("REGION")
    house.run("CUSTOMER")
    assert right_of(house, "L1")["region"] == house.couplings("REGION")["R1"]
    house.right.insert("territory", {"id": "T2", "code": "US"})
    house.run("REGION")
    house.right.edit("account", house.couplings("CUSTOMER")["L1"], region="T2")
    assert house.run("CUSTOMER")["to_left"] == {"modified": 1}
    new = next(left for left, right in house.couplings("REGION").items() if right == "T2")
    assert house.left.rows("customer")["L1"]["region"] == new


def test_a_lookup_by_another_field_is_that_field_of_the_counterpart(build: Build) -> None:
    house = built(build, regions(), customers(Lookup("REGION", left="code")))
    house.left.insert("region", {"id": "R1", "code": "EU"})
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "EU"})
    house.run("REGION")
    house.run("CUSTOMER")
    assert right_of(house, "L1")["region"] == house.couplings("REGION")["R1"]


def test_a_lookup_to_what_is_not_coupled_fails_then_waits_and_is_released(build: Build) -> None:
    house = built(build, regions(), customers())
    house.left.insert("region", {"id": "R1", "code": "EU"})
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "R1"})
    assert house.run("CUSTOMER")["to_right"] == {"failed": 1}
    assert "must be coupled" in house.entry()["message"]
    assert house.run("CUSTOMER")["to_right"] == {"skipped": 1}
    house.left.advance(days=3)
    house.run("REGION")
    assert house.run("CUSTOMER")["to_right"] == {"inserted": 1}
    assert house.entries() == []


def test_a_lookup_that_may_be_cleared_writes_a_blank(build: Build) -> None:
    house = built(build, regions(), customers(clear_value_on_failed_sync=True))
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "R1"})
    assert house.run("CUSTOMER")["to_right"] == {"inserted": 1}
    assert right_of(house, "L1")["region"] is None


def test_a_blank_written_for_want_of_a_counterpart_does_not_come_back(build: Build) -> None:
    house = built(build, regions(), customers(clear_value_on_failed_sync=True))
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "R1"})
    house.run("CUSTOMER")
    house.right.edit("account", house.couplings("CUSTOMER")["L1"], name="Annie")
    house.run("CUSTOMER")
    assert house.left.rows("customer")["L1"]["region"] == "R1"


def test_a_blank_lookup_is_blank_on_the_other_side(build: Build) -> None:
    house = built(build, regions(), customers())
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": ""})
    house.left.insert("customer", {"id": "L2", "name": "Bob"})
    assert house.run("CUSTOMER")["to_right"] == {"inserted": 2}


# -- circles -----------------------------------------------------------------------------------------------


def self_mapping() -> TableMapping:
    return customers(Lookup("CUSTOMER"), "owner")


def test_records_that_point_to_each_other_are_solved_in_one_job_and_counted_once(build: Build) -> None:
    house = built(build, self_mapping(), field=OWNER)
    house.left.insert("customer", {"id": "L1", "name": "Ann", "owner": "L2"})
    house.left.insert("customer", {"id": "L2", "name": "Bob", "owner": "L1"})
    house.left.insert("customer", {"id": "L3", "name": "Cid", "owner": "L3"})
    assert house.run() == {"to_right": {"inserted": 3}, "to_left": {}}
    couplings = house.couplings()
    assert [right_of(house, f"L{n}")["owner"] for n in (1, 2, 3)] == [
        couplings["L2"],
        couplings["L1"],
        couplings["L3"],
    ]
    assert house.entries() == []
    assert house.run() == house.run(full=True) == {"to_right": {}, "to_left": {}}


def test_a_long_chain_that_is_read_from_its_end_is_solved_in_one_job(build: Build) -> None:
    house = built(build, self_mapping(), field=OWNER)
    for number in range(8):
        house.left.insert("customer", {"id": f"L{number}", "name": "x", "owner": f"L{number + 1}"})
    house.left.insert("customer", {"id": "L8", "name": "x"})
    assert house.run()["to_right"] == {"inserted": 9}
    assert right_of(house, "L0")["owner"] == house.couplings()["L1"]


def test_two_mappings_that_point_to_each_other_are_solved_in_one_job(build: Build) -> None:
    back = FieldMapping("owner", "owner", lookup=Lookup("CUSTOMER"))
    house = built(build, regions(back), customers(), more=(OWNER,))
    house.left.insert("region", {"id": "R1", "code": "EU", "owner": "L1"})
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "R1"})
    assert house.run_circle() == {"REGION": {"inserted": 1}, "CUSTOMER": {"inserted": 1}}
    (territory,) = house.right.rows("territory").values()
    assert territory["owner"] == house.couplings("CUSTOMER")["L1"]
    assert right_of(house, "L1")["region"] == territory["id"]
    assert house.entries() == []


def test_a_circle_in_which_one_field_must_not_be_blank_is_solved_too(build: Build) -> None:
    back = FieldMapping("owner", "owner", lookup=Lookup("CUSTOMER"))
    needed = Field("region", TEXT, length=36, nullable=False)
    house = built(build, customers(), regions(back), field=needed, more=(OWNER,))
    house.left.insert("region", {"id": "R1", "code": "EU", "owner": "L1"})
    house.left.insert("customer", {"id": "L1", "name": "Ann", "region": "R1"})
    house.run_circle()
    assert right_of(house, "L1")["region"] == house.couplings("REGION")["R1"]
    (territory,) = house.right.rows("territory").values()
    assert territory["owner"] == house.couplings("CUSTOMER")["L1"]
    assert house.entries() == []


@pytest.mark.parametrize("at", range(8, 60, 4))
def test_a_lookup_that_had_to_wait_is_filled_in_after_a_crash(build: Build, at: int) -> None:
    house = built(build, self_mapping(), field=OWNER)
    house.left.insert("customer", {"id": "L1", "name": "Ann", "owner": "L2"})
    house.left.insert("customer", {"id": "L2", "name": "Bob", "owner": "L1"})
    house.crash(at)
    house.run()
    house.run()
    assert right_of(house, "L1")["owner"] == house.couplings()["L2"]
    assert right_of(house, "L2")["owner"] == house.couplings()["L1"]
    assert (len(house.right.rows("account")), house.entries()) == (2, [])


def test_a_lookup_out_of_a_circle_that_leads_nowhere_is_listed_and_the_record_is_made(build: Build) -> None:
    house = built(build, self_mapping(), field=OWNER)
    house.left.insert("customer", {"id": "L1", "name": "Ann", "owner": "nobody"})
    house.run()
    assert right_of(house, "L1")["owner"] is None
    assert "must be coupled" in house.entry()["message"]
    house.left.insert("customer", {"id": "nobody", "name": "Now there"})
    house.run()
    house.run()
    assert right_of(house, "L1")["owner"] == house.couplings()["nobody"]
    assert house.entries() == []


def test_an_edit_of_a_lookup_is_carried_like_any_other(build: Build) -> None:
    house = built(build, self_mapping(), field=OWNER)
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.left.insert("customer", {"id": "L2", "name": "Bob", "owner": "L1"})
    house.run()
    house.left.edit("customer", "L2", owner="L2")
    assert house.run()["to_right"] == {"modified": 1}
    house.left.edit("customer", "L2", owner=None)
    assert house.run()["to_right"] == {"modified": 1}
    assert right_of(house, "L2")["owner"] is None
    assert Direction.BOTH is house.mapping.direction
