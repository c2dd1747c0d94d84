"""Each word says what it implies, and no more."""

from __future__ import annotations

import pytest

from twofold.core.mapping import FieldMapping, Lookup
from twofold.core.names import TO, Direction, EntryKind, Side, closest

from .specimens import mapping_of


def test_a_side_has_another_side() -> None:
    assert Side.LEFT.other is Side.RIGHT
    assert Side.RIGHT.other is Side.LEFT


def test_a_direction_writes_to_its_target_and_both_to_both() -> None:
    for side in Side:
        assert TO[side].target is side
        assert TO[side].single == (TO[side],)
        assert [own for own in Side if TO[side].writes(own)] == [side]
        assert Direction.BOTH.writes(side)
    assert Direction.BOTH.single == (Direction.TO_RIGHT, Direction.TO_LEFT)
    with pytest.raises(ValueError, match="no single target"):
        _ = Direction.BOTH.target


def test_a_person_answers_questions_only() -> None:
    questions = {EntryKind.CONFLICT, EntryKind.DELETED, EntryKind.IN_DOUBT}
    assert {kind for kind in EntryKind if kind.is_question} == questions


def test_the_nearest_word_is_proposed_as_it_is_spelt() -> None:
    assert closest("CUSTMER", ["Vendor", "Customer"]) == ' Did you mean "Customer"?'
    assert closest("xyz", ["Vendor", "Customer"]) == ""


@pytest.mark.parametrize("mapping", list(Direction))
@pytest.mark.parametrize("own", list(Direction))
def test_a_pair_travels_no_way_that_its_mapping_does_not_go(mapping: Direction, own: Direction) -> None:
    way = FieldMapping("a", "b", own).travels(mapping)
    both = [side for side in Side if mapping.writes(side) and own.writes(side)]
    assert [side for side in Side if way is not None and way.writes(side)] == both


def test_a_pair_with_one_field_goes_to_it_and_a_combination_only_one_way() -> None:
    assert FieldMapping(None, "b", constant=1).travels(Direction.BOTH) is Direction.TO_RIGHT
    assert FieldMapping("a", None, constant=1).travels(Direction.BOTH) is Direction.TO_LEFT
    assert FieldMapping("a", None, constant=1).travels(Direction.TO_RIGHT) is None
    joined = FieldMapping(None, "b", combine=("x", "y"))
    assert (joined.travels(Direction.BOTH), joined.combined_into) == (Direction.TO_RIGHT, Side.RIGHT)
    assert FieldMapping("a", None, combine=("x", "y")).combined_into is Side.LEFT
    assert FieldMapping("a", "b", combine=("x",)).travels(Direction.BOTH) is Direction.TO_RIGHT


def test_a_mapping_needs_what_it_names_and_what_it_looks_up_but_not_itself() -> None:
    pairs = [
        FieldMapping(name, name, lookup=Lookup(name)) for name in ("CURRENCY", "SALESPEOPLE", "CUSTOMER")
    ]
    unused = FieldMapping("x", "x", lookup=Lookup("ITEM"), enabled=False)
    mapping = mapping_of(*pairs, unused, depends_on=("VENDOR", "CURRENCY"))
    assert mapping.needs() == ("VENDOR", "CURRENCY", "SALESPEOPLE")


def test_messages_show_the_way_in_the_names_of_the_connections() -> None:
    ways = [mapping_of(direction=direction).way for direction in Direction]
    assert ways == ["ERP <-> CRM", "ERP -> CRM", "CRM -> ERP"]
