"""Circles of lookups: what has no answer in the first pass waits for the second one, and is not lost."""

from __future__ import annotations

import pytest

from twofold.core.mapping import FieldMapping, Lookup
from twofold.core.schema import Field, FieldType
from twofold.engine.run import Run
from twofold.engine.task import Options

from .conftest import Build
from .house import PAIRS, House, customer, mapping_of

NOTHING: dict[str, dict[str, int]] = {"to_right": {}, "to_left": {}}
PARENT = Field("parent", FieldType.TEXT, length=36)


@pytest.fixture
def house(build: Build) -> House:
    """Customers that name their parent company, which is a customer too; none is coupled yet."""
    pair = FieldMapping("parent", "parent", lookup=Lookup("CUSTOMER"))
    tables = {"left": customer("customer", PARENT), "right": customer("account", PARENT)}
    found = build(mapping_of(fields=(*PAIRS, pair)), **tables)
    found.left.insert("customer", {"id": "a", "name": "Daughter", "parent": "b"})
    found.left.insert("customer", {"id": "b", "name": "Mother", "parent": None})
    return found


def parent_of(house: House, left_key: str) -> str | None:
    pairs = house.couplings()
    named = house.right.rows("account")[pairs[left_key]]["parent"]
    return {right: left for left, right in pairs.items()}.get(named)


def test_a_lookup_of_a_record_inserted_in_the_same_run_is_written_in_its_second_pass(house: House) -> None:
    counters = house.run()
    assert parent_of(house, "a") == "b"
    assert counters == {"to_right": {"inserted": 2}, "to_left": {}}
    assert house.entries() == []


def test_the_run_after_a_second_pass_has_nothing_to_do(house: House) -> None:
    house.run()
    assert house.run() == NOTHING
    assert house.plan() == []


def test_what_waits_when_a_run_stops_between_its_passes_is_taken_up_by_the_next_one(house: House) -> None:
    run = Run(house.task(house.mapping, Options())).open()
    run.first_pass()
    run.close()
    (entry,) = house.entries()
    assert (entry["kind"], entry["left_key"], entry["fields"]) == ("blocked", "a", ["parent"])
    assert parent_of(house, "a") is None
    house.run()
    assert parent_of(house, "a") == "b"
    assert house.entries() == []


def test_a_lookup_that_still_finds_nothing_in_the_second_pass_is_a_failure(house: House) -> None:
    house.left.insert("customer", {"id": "c", "name": "Orphan", "parent": "nobody"})
    counters = house.run()
    assert counters["to_right"] == {"inserted": 3, "failed": 1}
    (entry,) = house.entries()
    assert (entry["kind"], entry["left_key"]) == ("blocked", "c")
    assert "must be coupled" in entry["message"]


def test_the_second_equal_failure_sets_the_record_aside(house: House) -> None:
    house.left.insert("customer", {"id": "c", "name": "Orphan", "parent": "nobody"})
    house.run()
    assert house.run() == NOTHING | {"to_right": {"skipped": 1}}
    assert "failed" not in house.run()["to_right"]
    (orphan,) = house.real.listing.couplings("CUSTOMER", left=["c"])
    assert orphan["skipped_to_right"]


def test_a_plan_of_new_records_is_the_same_each_time(house: House) -> None:
    assert house.plan() == house.plan()
