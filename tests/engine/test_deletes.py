"""What happens to a record whose counterpart was deleted, and how a deletion is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from twofold.connectors.memory import MemoryConnector
from twofold.core.filters import Filter
from twofold.core.mapping import FieldMapping, TableSide
from twofold.core.names import DeletionConflict, Direction, FeedKind, Side
from twofold.core.schema import Field, FieldType
from twofold.errors import Interrupted
from twofold.ports import ChangePage, Table

from .conftest import Build
from .house import EMAIL, PAIRS, House, StopAfter, customer, mapping_of, numbered

TABLES = {Side.LEFT: "customer", Side.RIGHT: "account"}
DELETE = mapping_of(deletion_conflict=DeletionConflict.DELETE)


def couple(house: House, count: int = 1) -> dict[str, str]:
    for number in range(count):
        house.left.insert("customer", {"id": f"L{number}", "name": f"N{number}", "email": "e"})
    house.run()
    return house.couplings()


def system(house: House, side: Side) -> Any:
    return house.left if side is Side.LEFT else house.right


def delete(house: House, side: Side, number: int = 0) -> None:
    left = f"L{number}"
    system(house, side).delete(TABLES[side], left if side is Side.LEFT else house.couplings()[left])


def heights(house: House) -> tuple[int, int]:
    return len(house.left.rows("customer")), len(house.right.rows("account"))


@pytest.mark.parametrize("side", Side)
def test_a_deletion_is_asked_about_once_and_never_skipped(house: House, side: Side) -> None:
    couple(house)
    delete(house, side)
    for _ in range(3):
        counts = house.run()
        assert counts["to_right"] == {"conflicts": 1}
    assert house.entry()["kind"] == "deleted"
    assert sum(heights(house)) == 1


@pytest.mark.parametrize("side", Side)
def test_restore_makes_the_record_again_under_its_old_key(build: Build, side: Side) -> None:
    house = build(mapping_of(deletion_conflict=DeletionConflict.RESTORE))
    before = couple(house)
    delete(house, side)
    house.run()
    assert heights(house) == (1, 1)
    assert house.couplings() == before
    assert house.values("name") == ([("N0",)], [("N0",)])


def test_restore_couples_the_new_key_where_the_system_makes_it(build: Build) -> None:
    mapping = mapping_of(deletion_conflict=DeletionConflict.RESTORE)
    house = build(mapping, left=numbered("customer"), right=numbered("account"))
    house.left.insert("customer", {"name": "Ann"})
    house.run()
    house.right.delete("account", "1")
    assert house.run()["to_right"] == {"inserted": 1}
    assert house.couplings() == {"1": "2"}


@pytest.mark.parametrize("side", Side)
def test_delete_deletes_an_unchanged_survivor(build: Build, side: Side) -> None:
    house = build(DELETE)
    couple(house)
    delete(house, side)
    counts = house.run()
    assert sum(own.get("deleted", 0) for own in counts.values()) == 1
    assert heights(house) == (0, 0)
    assert house.couplings() == {}


@pytest.mark.parametrize("side", Side)
def test_a_survivor_that_was_edited_is_never_deleted_but_asked_about(build: Build, side: Side) -> None:
    house = build(DELETE)
    right = couple(house)["L0"]
    delete(house, side)
    system(house, side.other).edit(TABLES[side.other], right if side is Side.LEFT else "L0", name="Edited")
    assert house.run()["to_right"] == {"conflicts": 1}
    assert sum(heights(house)) == 1


def test_a_survivor_edited_long_before_the_deletion_is_seen_is_not_deleted(build: Build) -> None:
    house = build(DELETE)
    couple(house)
    house.left.edit("customer", "L0", city="Rome")
    house.left.advance(days=2)
    delete(house, Side.RIGHT)
    house.run()
    assert heights(house) == (1, 0)


@pytest.mark.parametrize("side", Side)
def test_uncouple_keeps_the_survivor(build: Build, side: Side) -> None:
    house = build(mapping_of(deletion_conflict=DeletionConflict.UNCOUPLE, synch_only_coupled_records=True))
    house.left.insert("customer", {"id": "L0", "name": "N0"})
    house.run(creates=True, full=True)
    delete(house, side)
    counts = house.run()
    assert sum(own.get("uncoupled", 0) for own in counts.values()) == 1
    assert (sum(heights(house)), house.couplings()) == (1, {})


def test_where_both_are_gone_nothing_is_asked(house: House) -> None:
    couple(house)
    delete(house, Side.RIGHT)
    delete(house, Side.LEFT)
    house.run()
    assert (house.couplings(), house.entries()) == ({}, [])


def test_a_question_about_a_deletion_ends_when_the_survivor_is_deleted_too(house: House) -> None:
    couple(house)
    right = house.couplings()["L0"]
    delete(house, Side.LEFT)
    house.run()
    house.right.delete("account", right)
    house.run()
    assert (house.couplings(), house.entries()) == ({}, [])


def test_a_one_way_mapping_deletes_only_on_its_target(build: Build) -> None:
    house = build(mapping_of(direction=Direction.TO_RIGHT, deletion_conflict=DeletionConflict.DELETE))
    couple(house, 2)
    delete(house, Side.LEFT, 0)
    delete(house, Side.RIGHT, 1)
    counts = house.run()
    assert counts["to_right"] == {"deleted": 1, "conflicts": 1}
    assert heights(house) == (1, 0)


def test_a_one_way_mapping_notices_every_deletion_on_its_target(build: Build) -> None:
    house = build(mapping_of(direction=Direction.TO_RIGHT, deletion_conflict=DeletionConflict.RESTORE))
    couple(house, 2)
    house.left.insert("customer", {"id": "L9", "name": "New"})
    delete(house, Side.RIGHT, 0)
    assert house.run()["to_right"] == {"inserted": 2}
    assert heights(house) == (3, 3)


def test_a_record_that_left_the_filter_is_coupled_and_alive(build: Build) -> None:
    side = TableSide("erp", "customer", ("id",), "modified_at", filter={"city": "''"})
    house = build(mapping_of(left=side, deletion_conflict=DeletionConflict.DELETE))
    couple(house, 2)
    house.left.edit("customer", "L0", city="gone", name="Changed outside")
    for full in (False, True):
        house.run(full=full)
        assert heights(house) == (2, 2)
    house.left.edit("customer", "L0", city="")
    house.run()
    assert sorted(row["name"] for row in house.right.rows("account").values()) == ["Changed outside", "N1"]


def test_deletions_that_a_narrowed_run_could_not_carry_out_are_carried_out_later(build: Build) -> None:
    house = build(DELETE)
    couple(house, 2)
    delete(house, Side.RIGHT)
    house.run(direction=Direction.TO_RIGHT)
    assert heights(house) == (2, 1)
    house.run()
    assert heights(house) == (1, 1)


# -- how it is noticed -------------------------------------------------------------------------------------


def fed(kind: FeedKind, **changes: Any) -> tuple[Any, dict[str, Any]]:
    version = Field("version", FieldType.INTEGER)
    stamp = "modified_at" if kind is FeedKind.MODIFIED else None
    number = "version" if kind is FeedKind.ROW_VERSION else None
    sides: dict[str, Any] = {
        side.value: TableSide(side.value, TABLES[side], ("id",), stamp, number, kind) for side in Side
    }
    tables = {side.value: customer(TABLES[side], version) for side in Side}
    return mapping_of(**sides, **changes), tables


@pytest.fixture(params=list(FeedKind))
def fed_house(request: pytest.FixtureRequest, build: Build) -> House:
    mapping, tables = fed(request.param, deletion_conflict=DeletionConflict.DELETE)
    house = build(mapping, **tables)
    for side in Side:
        own = system(house, side)
        own.tables.clear()
        own.create_table(tables[side.value], modified="modified_at", row_version="version")
    return house


def test_a_deletion_is_found_with_every_kind_of_feed(fed_house: House) -> None:
    couple(fed_house, 3)
    fed_house.left.advance(days=1)
    fed_house.run()
    delete(fed_house, Side.LEFT, 0)
    delete(fed_house, Side.RIGHT, 1)
    fed_house.run()
    assert heights(fed_house) == (1, 1)


def test_a_deletion_is_found_though_another_record_came(fed_house: House) -> None:
    couple(fed_house, 3)
    delete(fed_house, Side.LEFT, 0)
    fed_house.left.insert("customer", {"id": "L8", "name": "New"})
    fed_house.right.insert("account", {"id": "R8", "name": "New too"})
    fed_house.run()
    assert heights(fed_house) == (4, 4)


def test_a_deletion_is_found_though_its_run_was_interrupted(fed_house: House) -> None:
    couple(fed_house, 3)
    delete(fed_house, Side.LEFT, 0)
    fed_house.left.edit("customer", "L1", name="Edited")
    fed_house.right.edit("account", fed_house.couplings()["L2"], city="Edited")
    for at in range(12, 60, 5):
        fed_house.crash(at)
    fed_house.run()
    fed_house.run()
    assert heights(fed_house) == (2, 2)


class Uncounted(MemoryConnector):
    """A connection that reports deletes and cannot tell how many records there are."""

    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        for page in super().changes(table, fields, where, since):
            yield replace(page, count=None)


def test_a_deletion_reported_to_a_run_that_was_stopped_is_not_forgotten(build: Build) -> None:
    mapping, _ = fed(FeedKind.DELTA, deletion_conflict=DeletionConflict.DELETE)
    house = build(mapping)
    house.connectors = {side: Uncounted(system(house, side), page_size=1) for side in Side}
    couple(house, 3)
    delete(house, Side.LEFT, 0)
    house.left.edit("customer", "L1", name="edited")
    house.left.edit("customer", "L2", name="edited")
    house.progress = StopAfter(2)
    with pytest.raises(Interrupted):
        house.run()
    house.progress = StopAfter(1000)
    house.run()
    assert heights(house) == (2, 2)


def test_an_idle_one_way_run_sweeps_nothing(build: Build) -> None:
    house = build(mapping_of(direction=Direction.TO_RIGHT))
    couple(house, 3)
    house.left.insert("customer", {"id": "L9", "name": "New"})
    house.run()
    target = MemoryConnector(house.right)
    house.connectors = {**house.connectors, Side.RIGHT: target}
    house.run()
    assert target.requests == {"changes": 1}


def test_a_deletion_is_found_after_a_change_token_expired(build: Build) -> None:
    mapping, _ = fed(FeedKind.DELTA, deletion_conflict=DeletionConflict.DELETE)
    house = build(mapping)
    couple(house, 3)
    delete(house, Side.LEFT, 0)
    house.left.forget_changes("customer")
    house.run()
    assert heights(house) == (2, 2)


def test_natural_keys_are_restored_as_they_were(build: Build) -> None:
    mapping = mapping_of(
        fields=(FieldMapping("id", "id"), *PAIRS, EMAIL), deletion_conflict=DeletionConflict.RESTORE
    )
    house = build(mapping)
    assert couple(house) == {"L0": "L0"}
    delete(house, Side.RIGHT)
    house.run()
    assert list(house.right.rows("account")) == ["L0"]
