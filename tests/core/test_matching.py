"""Records are coupled only when each is the other's one and only match; the order of rows never matters."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.layout import Layout
from twofold.core.mapping import FieldMapping
from twofold.core.matching import Matches, comparable, find_matches, match_lines
from twofold.core.names import Side
from twofold.core.schema import Field, FieldType
from twofold.core.translation import Lookups

from .specimens import layout_of, mapping_of

TEXT = FieldType.TEXT
NAMES = ("number", "email", "name")
FIELDS = [Field(name, TEXT) for name in NAMES]
PAIRS = tuple(FieldMapping(name, name) for name in NAMES)


def matching_layout(*groups: tuple[str, ...]) -> Layout:
    return layout_of(mapping_of(*PAIRS, match=groups), FIELDS, FIELDS)


LAYOUT = matching_layout(("number",), ("email", "name"))
Record = tuple[str | None, str | None, str | None]


def rows(prefix: str, records: Sequence[Record]) -> pl.DataFrame:
    keyed = [(f"{prefix}{n}", *record) for n, record in enumerate(records)]
    return pl.DataFrame(keyed, schema=dict.fromkeys(("#key", *NAMES), pl.String()), orient="row")


def match(left: pl.DataFrame, right: pl.DataFrame, layout: Layout = LAYOUT) -> Matches:
    sides = ((Side.LEFT, left), (Side.RIGHT, right))
    frames = [comparable(layout, frame, side, Lookups()) for side, frame in sides]
    return find_matches(match_lines(layout.mapping, layout.lines), *frames)


def coupled(matches: Matches) -> set[tuple[str, str]]:
    return set(matches.coupled.iter_rows())


def ambiguous(matches: Matches) -> dict[str, list[str]]:
    return dict(matches.ambiguous.iter_rows())


VALUE = st.sampled_from(["a", "A", " a ", "b", "", None])
RECORDS = st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=6)


def plain(value: str | None) -> str | None:
    return (value or "").strip().lower() or None


def agree(one: Record, other: Record, places: Sequence[int]) -> bool:
    values = [(plain(one[place]), plain(other[place])) for place in places]
    return all(left is not None and left == right for left, right in values)


def by_hand(left: Sequence[Record], right: Sequence[Record]) -> set[tuple[str, str]]:
    """The sure couplings, pair by pair."""
    found: set[tuple[str, str]] = set()
    free_left, free_right = set(range(len(left))), set(range(len(right)))
    for places in ((0,), (1, 2)):
        alike = [(i, j) for i in free_left for j in free_right if agree(left[i], right[j], places)]
        lefts, rights = Counter(i for i, _ in alike), Counter(j for _, j in alike)
        sure = [(i, j) for i, j in alike if lefts[i] == rights[j] == 1]
        found |= {(f"L{i}", f"R{j}") for i, j in sure}
        free_left -= {i for i, _ in sure}
        free_right -= {j for _, j in sure}
    return found


@given(RECORDS, RECORDS)
def test_only_mutual_and_only_matches_are_coupled(left: list[Record], right: list[Record]) -> None:
    assert coupled(match(rows("L", left), rows("R", right))) == by_hand(left, right)


@given(RECORDS, RECORDS)
def test_every_record_has_one_place_in_the_answer(left: list[Record], right: list[Record]) -> None:
    found = match(rows("L", left), rows("R", right))
    lefts = [*found.coupled["left_key"], *found.ambiguous["left_key"], *found.unmatched]
    assert sorted(lefts) == sorted(f"L{n}" for n in range(len(left)))
    taken, claims = {*found.coupled["right_key"]}, [{*keys} for keys in found.ambiguous["candidates"]]
    claimed = set().union(*claims)
    assert len(taken) == found.coupled.height
    assert {*taken, *claimed, *found.lonely} == {f"R{n}" for n in range(len(right))}
    assert not {*found.lonely} & (taken | claimed)
    assert all(keys <= taken or not keys & taken for keys in claims)


@given(RECORDS, RECORDS, st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(left: list[Record], right: list[Record], seed: int) -> None:
    one, other = rows("L", left), rows("R", right)
    first = match(one, other)
    again = match(
        one.sample(fraction=1, shuffle=True, seed=seed), other.sample(fraction=1, shuffle=True, seed=seed)
    )
    assert coupled(first) == coupled(again)
    assert ambiguous(first) == ambiguous(again)
    assert sorted(first.unmatched) == sorted(again.unmatched)
    assert sorted(first.lonely) == sorted(again.lonely)


@given(RECORDS, RECORDS)
def test_swapping_the_sides_couples_the_same(left: list[Record], right: list[Record]) -> None:
    one, other = match(rows("L", left), rows("R", right)), match(rows("R", right), rows("L", left))
    assert coupled(one) == {(right_key, left_key) for left_key, right_key in coupled(other)}


def test_groups_are_independent_alternatives_in_order() -> None:
    left = rows("L", [("1", "x@a", "Ann"), ("2", "y@b", "Bob"), ("3", None, "Cee")])
    right = rows("R", [("1", "y@b", "Bob"), (None, "Y@B", "bob"), ("9", None, "Cee")])
    assert coupled(match(left, right)) == {("L0", "R0"), ("L1", "R1")}


def test_what_two_records_claim_is_left_to_a_person() -> None:
    left = rows("L", [("1", None, None), ("1", None, None), ("2", None, None)])
    right = rows("R", [("1", None, None), ("2", None, None), ("2", None, None)])
    found = match(left, right)
    assert found.coupled.is_empty()
    assert ambiguous(found) == {"L0": ["R0"], "L1": ["R0"], "L2": ["R1", "R2"]}
    assert found.unmatched == found.lonely == []


def test_a_record_that_another_group_couples_is_no_candidate_any_more() -> None:
    left = rows("L", [("1", None, None), (None, "x@a", "Ann")])
    right = rows("R", [("1", "x@a", "Ann"), ("1", None, None)])
    found = match(left, right)
    assert coupled(found) == {("L1", "R0")}
    assert ambiguous(found) == {"L0": ["R1"]}
    twins = rows("L", [("1", None, None), ("1", "x@a", "Ann")])
    assert ambiguous(match(twins, right.head(1))) == {"L0": ["R0"]}


def test_a_group_with_a_field_that_is_not_mapped_says_nothing() -> None:
    layout = matching_layout(("email", "phone"))
    assert match_lines(layout.mapping, layout.lines) == [[]]
    same = rows("L", [(None, "x@a", None)])
    assert match(same, same, layout).coupled.is_empty()


@pytest.mark.parametrize(
    ("kinds", "values"),
    [
        ((Field("k", FieldType.DECIMAL, scale=2), Field("k", TEXT)), (Decimal("1.50"), "1.5")),
        ((Field("k", TEXT), Field("k", FieldType.DECIMAL, scale=2)), ("1.5", Decimal("1.50"))),
        ((Field("k", FieldType.INTEGER), Field("k", FieldType.CODE)), (7, "7")),
        ((Field("k", FieldType.CODE), Field("k", TEXT)), ("AB", " ab")),
        ((Field("k", FieldType.GUID), Field("k", TEXT)), ("6b29fc40-ca47-1067-b31d-00dd010662da",) * 2),
    ],
)
def test_values_of_different_types_match_where_they_can_be_compared(
    kinds: tuple[Field, Field], values: tuple[Any, Any]
) -> None:
    layout = layout_of(mapping_of(FieldMapping("k", "k"), match=(("k",),)), [kinds[0]], [kinds[1]])
    left, right = (
        pl.DataFrame({"#key": [name], "k": [value]}, schema={"#key": pl.String(), "k": own.dtype})
        for name, own, value in zip("LR", kinds, values, strict=True)
    )
    assert coupled(match(left, right, layout)) == {("L", "R")}


def test_a_text_does_not_match_its_beginning() -> None:
    short = [replace(field, length=3) for field in FIELDS]
    layout = layout_of(mapping_of(*PAIRS, match=(("name",),)), FIELDS, short)
    assert match(
        rows("L", [(None, None, "Anna")]), rows("R", [(None, None, "Ann")]), layout
    ).coupled.is_empty()


def test_without_groups_nothing_matches() -> None:
    people = [("1", "a", "b")] * 3
    random.Random(1).shuffle(people)
    found = match(rows("L", people), rows("R", people), matching_layout())
    assert found.coupled.is_empty()
    assert (len(found.unmatched), len(found.lonely)) == (3, 3)
