"""What is written is what must be: each field to where it belongs, and nothing that nobody asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl
import pytest

from twofold.core.classify import classify
from twofold.core.decide import Policy
from twofold.core.layout import Layout
from twofold.core.mapping import FieldMapping, Lookup, Template, Templates
from twofold.core.names import Direction, Side, UpdateConflict
from twofold.core.outcome import intended
from twofold.core.schema import Field, FieldType
from twofold.core.translation import Lookups
from twofold.core.writes import defers, derive, template_choice, template_values

from .specimens import base_of, couplings_of, layout_of, mapping_of, pairs_of

TEXT = FieldType.TEXT
NAME, CITY = Field("name", TEXT), Field("city", TEXT)
PLAIN = layout_of(
    mapping_of(FieldMapping("name", "name"), FieldMapping("city", "city")), [NAME, CITY], [NAME, CITY]
)
NEW = Policy(creates=True)


def derived(
    layout: Layout,
    pairs: pl.DataFrame,
    policy: Policy = NEW,
    allowed: Collection[Side] = tuple(Side),
    skipped: Collection[Side] = (),
) -> dict[str, Any]:
    """The first derived pair."""
    judged = classify(layout, pairs, Lookups(), policy)
    flags = [pl.lit(side in skipped).alias(f"{side}_skipped") for side in Side]
    return derive(layout, judged.with_columns(flags), allowed).row(0, named=True)


def couple(*bases: str | None) -> pl.DataFrame:
    base = base_of(*bases)
    return couplings_of([{"id": 1, "left_key": "L", "right_key": "R", "left_base": base, "right_base": base}])


def edited(left: Mapping[str, Any], right: Mapping[str, Any]) -> pl.DataFrame:
    return pairs_of(PLAIN, couple("a", "b"), {"L": left}, {"R": right})


def test_each_field_goes_from_the_side_that_changed_it() -> None:
    row = derived(PLAIN, edited({"name": "A", "city": "b"}, {"name": "a", "city": "B"}))
    assert (row["right_op"], row["left_op"]) == ("update", "update")
    assert [row[f"w{letter}{n}"] for letter in "rl" for n in (0, 1)] == [True, False, False, True]
    assert (row["vr0"], row["vl1"]) == ("A", "B")


@pytest.mark.parametrize(
    ("winner", "side"), [(UpdateConflict.SEND, Side.RIGHT), (UpdateConflict.GET, Side.LEFT)]
)
def test_a_contested_field_goes_to_the_side_that_loses(winner: UpdateConflict, side: Side) -> None:
    row = derived(
        PLAIN, edited({"name": "A", "city": "b"}, {"name": "Z", "city": "b"}), Policy(update_conflict=winner)
    )
    assert row[f"{side}_op"] == "update"
    assert row[f"{side.other}_op"] is None
    assert row[f"w{side.value[0]}0"]


def test_force_writes_every_field_that_travels_that_way() -> None:
    same = {"name": "a", "city": "b"}
    row = derived(PLAIN, edited(same, same), Policy(force=Direction.TO_LEFT))
    assert (row["left_op"], row["wl0"], row["wl1"], row["right_op"]) == ("update", True, True, None)


def test_a_side_that_this_run_may_not_write_has_no_op() -> None:
    pairs = edited({"name": "A", "city": "b"}, {"name": "a", "city": "B"})
    row = derived(PLAIN, pairs, allowed=(Side.RIGHT,))
    assert (row["right_op"], row["left_op"], row["left_masked"]) == ("update", None, False)


def test_what_is_set_aside_is_masked_instead_of_written() -> None:
    row = derived(
        PLAIN, edited({"name": "A", "city": "b"}, {"name": "a", "city": "b"}), skipped=(Side.RIGHT,)
    )
    assert (row["right_op"], row["right_masked"], row["left_masked"]) == (None, True, False)


def test_the_first_problem_forbids_the_write_and_names_its_field() -> None:
    layout = layout_of(
        PLAIN.mapping, [NAME, CITY], [Field("name", TEXT, length=2), Field("city", TEXT, length=1)]
    )
    row = derived(layout, pairs_of(layout, couplings_of([]), {"L": {"name": "abc", "city": "xyz"}}, {}))
    assert row["right_op"] == "insert"
    assert row["right_problem"].startswith("name: the value has 3 characters")
    assert (row["right_fault"], row["right_blocked"]) == ("name", False)


def test_a_problem_of_a_field_that_is_not_written_forbids_nothing() -> None:
    layout = layout_of(PLAIN.mapping, [NAME, CITY], [Field("name", TEXT, length=2), CITY])
    pairs = pairs_of(
        layout, couple("abc", "b"), {"L": {"name": "abc", "city": "c"}}, {"R": {"name": "abc", "city": "b"}}
    )
    row = derived(layout, pairs)
    assert (row["right_op"], row["wr0"], row["right_problem"]) == ("update", False, None)


def test_a_blank_source_keeps_the_target_where_the_mapping_says_so() -> None:
    layout = layout_of(mapping_of(FieldMapping("name", "name", not_null=True)), [NAME], [NAME])
    row = derived(layout, pairs_of(layout, couple("a"), {"L": {"name": None}}, {"R": {"name": "a"}}))
    assert row["right_op"] is None
    new = derived(layout, pairs_of(layout, couplings_of([]), {"L": {"name": None}}, {}))
    assert (new["right_op"], new["wr0"], new["right_partial"]) == ("insert", False, True)


def test_the_system_fills_a_field_that_may_not_be_missing() -> None:
    layout = layout_of(mapping_of(FieldMapping("name", "name")), [NAME], [Field("name", TEXT)])
    numbered = Field("name", FieldType.INTEGER, generated=True, nullable=False)
    generated = layout_of(
        mapping_of(FieldMapping("name", "name")), [Field("name", FieldType.INTEGER)], [numbered]
    )
    for own, partial in ((layout, False), (generated, True)):
        row = derived(own, pairs_of(own, couplings_of([]), {"L": {"name": None}}, {}))
        assert (row["right_op"], row["right_partial"]) == ("insert", partial)


# -- lookups of the second pass ----------------------------------------------------------------------------

PARENT = FieldMapping("parent", "parent", lookup=Lookup("CUSTOMER"))
FAMILY = (Field("name", TEXT), Field("parent", TEXT))


def family(**more: Any) -> Layout:
    mapping = mapping_of(FieldMapping("name", "name"), PARENT)
    return layout_of(mapping, FAMILY, [NAME, Field("parent", TEXT, **more)], ["CUSTOMER"])


def test_a_lookup_in_a_circle_waits_for_the_second_pass() -> None:
    layout = family()
    row = derived(layout, pairs_of(layout, couplings_of([]), {"L": {"name": "x", "parent": "L"}}, {}))
    assert (row["right_op"], row["wr1"], row["right_deferred"], row["right_problem"]) == (
        "insert",
        False,
        True,
        None,
    )
    assert not row["right_blocked"]


def test_a_deferred_lookup_is_remembered_as_blank_so_that_it_is_still_to_be_sent() -> None:
    layout = family()
    judged = classify(
        layout, pairs_of(layout, couplings_of([]), {"L": {"name": "x", "parent": "L"}}, {}), Lookups(), NEW
    )
    flags = [pl.lit(value=False).alias(f"{side}_skipped") for side in Side]
    frame = derive(layout, judged.with_columns(flags), set(Side)).with_columns(
        pl.lit("R").alias("right_new_key"), pl.lit(None, dtype=pl.String).alias("left_new_key")
    )
    reserved = intended(layout, frame)
    assert reserved["left_base"].to_list() == reserved["right_base"].to_list() == [base_of("x", None)]


def test_a_lookup_that_may_not_be_missing_cannot_wait() -> None:
    layout = family(nullable=False)
    assert not defers(layout, layout.lines[1], Side.RIGHT)
    assert not defers(layout, layout.lines[0], Side.RIGHT)
    row = derived(layout, pairs_of(layout, couplings_of([]), {"L": {"name": "x", "parent": "L"}}, {}))
    assert (row["right_deferred"], row["right_blocked"], row["right_fault"]) == (False, True, "parent")


# -- templates ---------------------------------------------------------------------------------------------

OWNED = [NAME, Field("owner", FieldType.INTEGER)]
TEMPLATES = Templates(
    right=(Template({"owner": 1}, {"city": "Oslo"}), Template({"owner": 2, "name": "never"}))
)


def templated(templates: Templates) -> Layout:
    return layout_of(mapping_of(FieldMapping("name", "name"), templates=templates), [NAME, CITY], OWNED)


def test_the_first_template_that_fits_the_source_is_used() -> None:
    layout = templated(TEMPLATES)
    pairs = pairs_of(layout, couplings_of([]), {"a": {"city": "Oslo"}, "b": {"city": "Bergen"}}, {})
    assert template_choice(layout, pairs, Side.RIGHT).to_list() == [0, 1]
    assert template_choice(layout, pairs, Side.LEFT).to_list() == [None, None]


def test_a_template_for_everything_fits_every_record() -> None:
    layout = templated(Templates(right=(Template({"owner": 5}),)))
    for count in (0, 1, 3):
        rows = {str(number): {"city": "x"} for number in range(count)}
        pairs = pairs_of(layout, couplings_of([]), rows, {})
        assert template_choice(layout, pairs, Side.RIGHT).to_list() == [0] * count


def test_a_template_never_goes_over_a_mapped_value() -> None:
    layout = templated(TEMPLATES)
    columns = template_values(layout, TEMPLATES.right[1], Side.RIGHT)
    assert pl.select(*columns).to_dicts() == [{"owner": 2}]


def test_a_mapping_that_maps_nothing_writes_nothing_but_new_records() -> None:
    layout = layout_of(mapping_of(), [], [])
    row = derived(layout, pairs_of(layout, couplings_of([]), {"L": {}}, {}))
    assert (row["right_op"], row["right_problem"], row["right_partial"]) == ("insert", None, False)
    assert derived(layout, pairs_of(layout, couple(), {"L": {}}, {"R": {}}))["right_op"] is None
