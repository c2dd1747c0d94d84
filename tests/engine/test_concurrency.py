"""People go on working while a run reads and writes; what they do is neither lost nor overwritten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from twofold.connectors.memory import MemoryConnector
from twofold.core.names import Concurrency, DeletionConflict, Side
from twofold.errors import Interrupted, Refused
from twofold.ports import Connector, Ops, Results, Table
from twofold.testing.faults import Fault, Trouble

from .conftest import Build
from .house import House, StopAfter, mapping_of, numbered


class Busy(MemoryConnector):
    """A connection on which a person acts just before every one of the first `times` writes."""

    def __init__(self, house: House, side: Side, act: Callable[[], None], times: int = 1) -> None:
        system = house.left if side is Side.LEFT else house.right
        super().__init__(system)
        self.act, self.times = act, times

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        if self.times:
            self.times -= 1
            self.act()
        return super().apply(table, ops)


def interfere(house: House, side: Side, act: Callable[[], None], times: int = 1) -> None:
    house.connectors = {**house.connectors, side: cast("Connector", Busy(house, side, act, times))}


@pytest.fixture
def pair(house: House) -> str:
    """The right key of a pair whose left name was just edited."""
    house.left.insert("customer", {"id": "L1", "name": "Ann", "phone": "1", "city": "Bern"})
    house.run()
    house.left.edit("customer", "L1", name="Anna")
    return house.couplings()["L1"]


def test_another_field_edited_between_read_and_write_survives(house: House, pair: str) -> None:
    interfere(house, Side.RIGHT, lambda: house.right.edit("account", pair, city="Rome"))
    assert house.run() == {"to_right": {"modified": 1}, "to_left": {"modified": 1}}
    assert house.values("name", "city") == ([("Anna", "Rome")], [("Anna", "Rome")])


def test_the_same_field_edited_between_read_and_write_is_asked_about(house: House, pair: str) -> None:
    interfere(house, Side.RIGHT, lambda: house.right.edit("account", pair, name="Annie"))
    assert house.run()["to_right"] == {"conflicts": 1}
    assert house.right.rows("account")[pair]["name"] == "Annie"


def test_a_record_deleted_between_read_and_write_is_asked_about(house: House, pair: str) -> None:
    interfere(house, Side.RIGHT, lambda: house.right.delete("account", pair))
    assert house.run()["to_right"] == {"conflicts": 1}
    assert house.entry()["kind"] == "deleted"


def test_a_record_that_never_rests_fails_with_a_sentence_and_is_tried_again(house: House, pair: str) -> None:
    interfere(
        house, Side.RIGHT, lambda: house.right.edit("account", pair, city=str(house.written())), times=3
    )
    assert house.run()["to_right"] == {"failed": 1}
    assert "kept changing" in house.entry()["message"]
    house.run()
    assert house.values("name", "city")[0] == house.values("name", "city")[1]
    assert house.entries() == []


def test_a_survivor_edited_just_before_its_deletion_is_not_deleted(build: Build) -> None:
    house = build(mapping_of(deletion_conflict=DeletionConflict.DELETE))
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.run()
    right = house.couplings()["L1"]
    house.left.delete("customer", "L1")
    interfere(house, Side.RIGHT, lambda: house.right.edit("account", right, name="Edited"))
    house.run()
    assert house.right.rows("account")[right]["name"] == "Edited"
    assert house.entry()["kind"] == "deleted"


def test_an_edit_after_the_write_is_seen_by_the_next_run(house: House, pair: str) -> None:
    class Eager(MemoryConnector):
        def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
            done = super().apply(table, ops)
            house.right.edit("account", pair, city="Rome")
            return done

    house.connectors = {**house.connectors, Side.RIGHT: Eager(house.right)}
    house.run()
    house.connectors = {**house.connectors, Side.RIGHT: MemoryConnector(house.right)}
    house.run()
    assert house.values("name", "city") == ([("Anna", "Rome")], [("Anna", "Rome")])


def test_the_last_write_wins_only_if_the_mapping_says_so(build: Build) -> None:
    house = build(mapping_of(concurrency=Concurrency.LAST_WRITE))
    house.left.insert("customer", {"id": "L1", "name": "Ann"})
    house.run()
    house.left.edit("customer", "L1", name="Anna")
    right = house.couplings()["L1"]
    interfere(house, Side.RIGHT, lambda: house.right.edit("account", right, name="Annie"))
    assert house.run()["to_right"] == {"modified": 1}
    assert house.right.rows("account")[right]["name"] == "Anna"


def test_a_crash_between_a_refused_write_and_its_second_try_loses_no_edit(build: Build) -> None:
    for at in range(1, 90, 4):
        house = build()
        house.left.insert("customer", {"id": "L1", "name": "Ann", "city": "Bern"})
        house.run()
        right = house.couplings()["L1"]
        house.left.edit("customer", "L1", name="Anna")
        interfere(house, Side.RIGHT, lambda: house.right.edit("account", right, city="Rome"))  # noqa: B023
        fuse = house.crash(at)
        house.run()
        assert house.values("name", "city") == ([("Anna", "Rome")], [("Anna", "Rome")]), fuse
        if fuse.place is None:
            break


def test_a_crash_after_a_write_was_refused_for_nothing_loses_no_edit(build: Build) -> None:
    for at in range(20, 70, 2):
        house = build()
        house.left.insert("customer", {"id": "L1", "name": "Ann"})
        house.run()
        house.left.edit("customer", "L1", name="Anna")
        fuse = house.crash(at, script=[Fault("apply", 1, Trouble.STALE)])
        house.run()
        assert house.values("name") == ([("Anna",)], [("Anna",)]), fuse
        if fuse.place is None:
            break


def test_two_runs_of_one_mapping_are_refused(house: House) -> None:
    with house.real.claim("CUSTOMER"), pytest.raises(Refused, match="CUSTOMER is held by another run"):
        house.run()
    assert house.run() == {"to_right": {}, "to_left": {}}


def test_a_run_that_could_not_begin_holds_nothing(house: House) -> None:
    dying = (house.crash(at).place for at in range(1, 30))
    assert any(place == "after store.begin_job" for place in dying)
    assert house.run() == {"to_right": {}, "to_left": {}}


# -- stopping ----------------------------------------------------------------------------------------------


def many(house: House, count: int = 10) -> None:
    for number in range(count):
        given: dict[str, Any] = (
            {"id": f"L{number}"} if house.left.tables["customer"].schema["id"].length else {}
        )
        house.left.insert("customer", {**given, "name": f"N{number}"})


@pytest.mark.parametrize("keys", ["uuid", "system"])
def test_a_run_that_a_person_stops_goes_on_where_it_was(build: Build, keys: str) -> None:
    tables = {"left": numbered("customer"), "right": numbered("account")} if keys == "system" else {}
    house = build(facts={"page_size": 2}, **tables)
    many(house)
    sizes = []
    for attempt in range(4):
        # The first run looks at the empty right side first.
        house.progress = StopAfter(1 if attempt else 2)
        with pytest.raises(Interrupted):
            house.run()
        sizes.append(len(house.right.rows("account")))
    assert sizes == [2, 4, 6, 8]
    house.progress = StopAfter(1000)
    house.run()
    assert len(house.right.rows("account")) == len(house.couplings()) == 10
    assert house.run() == {"to_right": {}, "to_left": {}}


def test_a_full_run_after_an_interrupted_one_that_was_not_full_is_full(build: Build) -> None:
    house = build(facts={"page_size": 2})
    many(house, 6)
    house.run()
    drifted = house.couplings()["L0"]
    house.right.edit("account", drifted, email="drift")
    house.left.advance(days=1)
    house.right.advance(days=1)
    house.run()
    for number in (3, 4, 5):
        house.left.edit("customer", f"L{number}", name="edited")
    house.progress = StopAfter(1)
    with pytest.raises(Interrupted):
        house.run()
    house.progress = StopAfter(1000)
    house.run(full=True)
    assert house.right.rows("account")[drifted]["email"] is None
    assert sorted(house.values("name")[1]) == [("N0",), ("N1",), ("N2",), *[("edited",)] * 3]


def test_what_people_did_behind_an_interrupted_run_is_seen_by_the_one_that_goes_on(build: Build) -> None:
    house = build(facts={"page_size": 2})
    many(house)
    house.progress = StopAfter(3)
    with pytest.raises(Interrupted):
        house.run()
    house.left.edit("customer", "L0", name="edited behind it")
    house.progress = StopAfter(1000)
    house.run()
    assert ("edited behind it",) in house.values("name")[1]


def test_a_feed_that_breaks_off_is_taken_up_again(build: Build) -> None:
    house = build(facts={"page_size": 2})
    many(house)
    with house.faults(Fault("changes", 2, Trouble.BROKEN)), pytest.raises(Exception, match="broke"):
        house.run()
    house.run()
    assert len(house.right.rows("account")) == 10


def test_repeated_rows_and_pages_do_no_harm(build: Build) -> None:
    house = build(facts={"page_size": 3})
    many(house)
    faults = [Fault("changes", number, Trouble.REPEATED) for number in range(1, 8)]
    with house.faults(*faults, right=faults):
        house.run()
    assert len(house.right.rows("account")) == len(house.couplings()) == 10
