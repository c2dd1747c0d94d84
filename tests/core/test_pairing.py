"""Rows are paired through couplings alone; what is not certain is a problem, never a guess."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.mapping import FieldMapping, TableSide
from twofold.core.names import Side
from twofold.core.pairing import deduplicate, empty_rows, fields_of_side, new_keys
from twofold.core.schema import Field, FieldType

from .specimens import couplings_of, layout_of, mapping_of, pairs_of, rows_of

FIELDS = [Field("name", FieldType.TEXT), Field("blocked", FieldType.TEXT)]
LAYOUT = layout_of(
    mapping_of(
        FieldMapping("name", "name"), left=TableSide("ERP", "customer", ("id",), filter={"blocked": "''"})
    ),
    FIELDS,
    FIELDS,
)


def test_a_row_that_came_twice_counts_once() -> None:
    rows = rows_of(LAYOUT, Side.LEFT, {"a": {"name": "x"}, "b": {"name": "y"}})
    once, claimed = deduplicate(pl.concat([rows, rows.head(1)]))
    assert once.sort("#key").equals(rows)
    assert claimed == []
    assert deduplicate(rows)[0].equals(rows)


def test_a_key_that_different_rows_claim_is_reported_and_left_out() -> None:
    rows = rows_of(LAYOUT, Side.LEFT, {"a": {"name": "x"}, "b": {"name": "y"}})
    other = rows_of(LAYOUT, Side.LEFT, {"a": {"name": "z"}})
    once, claimed = deduplicate(pl.concat([rows, other]))
    assert once["#key"].to_list() == ["b"]
    assert claimed == ["a"]


def test_every_coupling_is_one_pair_whatever_was_found_of_it() -> None:
    couplings = couplings_of([{"id": n, "left_key": f"L{n}", "right_key": f"R{n}"} for n in range(3)])
    pairs = pairs_of(
        LAYOUT, couplings, {"L0": {"name": "x"}, "L9": {"name": "n"}}, {"R0": {}, "R1": {}, "R8": {}}
    )
    found = {(row["left_key"], row["right_key"]): row for row in pairs.to_dicts()}
    assert set(found) == {("L0", "R0"), ("L1", "R1"), ("L2", "R2"), ("L9", None), (None, "R8")}
    assert [found[f"L{n}", f"R{n}"]["left_here"] for n in range(3)] == [True, False, False]
    assert [found[f"L{n}", f"R{n}"]["right_here"] for n in range(3)] == [True, True, False]
    assert found["L9", None]["state"] == found[None, "R8"]["state"] == "none"
    assert found["L0", "R0"]["state"] == "coupled"


def test_a_record_outside_the_filter_is_there_but_not_inside() -> None:
    pairs = pairs_of(LAYOUT, couplings_of([]), {"a": {"blocked": "All"}, "b": {"blocked": ""}, "c": {}}, {})
    inside = dict(zip(pairs["left_key"], pairs["left_inside"], strict=True))
    assert inside == {"a": False, "b": True, "c": True}
    assert pairs["left_here"].all()
    assert not pairs["right_inside"].any()


def test_each_side_has_its_fields_under_their_own_names() -> None:
    pairs = pairs_of(LAYOUT, couplings_of([]), {"a": {"name": "x", "blocked": ""}}, {})
    assert fields_of_side(pairs, Side.LEFT).to_dicts() == [{"blocked": "", "name": "x"}]
    assert fields_of_side(pairs, Side.RIGHT).to_dicts() == [{"name": None}]


def test_no_rows_have_the_columns_of_rows() -> None:
    empty = empty_rows(("name",), LAYOUT.schema(Side.LEFT))
    assert empty.height == 0
    assert empty.columns == ["#key", "#version", "#settled", "name"]


VERSION = st.sampled_from(["v1", "v2", None])


@given(st.lists(st.tuples(VERSION, VERSION, st.booleans()), max_size=8))
def test_only_rows_whose_version_is_remembered_are_not_worth_a_look(
    cases: list[tuple[str | None, str | None, bool]],
) -> None:
    rows = rows_of(LAYOUT, Side.RIGHT, {f"R{n}": {"#version": now} for n, (now, _, _) in enumerate(cases)})
    couplings = couplings_of(
        [
            {"id": n, "left_key": f"L{n}", "right_key": f"R{n}", "right_version": then}
            for n, (_, then, known) in enumerate(cases)
            if known
        ]
    )
    expected = [
        f"R{n}" for n, (now, then, known) in enumerate(cases) if not known or now is None or now != then
    ]
    found = new_keys(rows, couplings, Side.RIGHT)
    assert sorted(found["#key"]) == expected
    assert "#seen" not in found.columns
