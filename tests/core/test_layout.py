"""A layout knows what is read, compared and remembered, and nothing of any row."""

from __future__ import annotations

import polars as pl
import pytest

from twofold.core.layout import common_ground, constant_as, lay_out, line_signature, source_value
from twofold.core.mapping import FieldMapping, Lookup, Rule, Template, Templates, Transform
from twofold.core.names import Direction, Side
from twofold.core.schema import Field, FieldType, Schema

from .specimens import layout_of, line_of, mapping_of

Kind = FieldType
TEXT_LEFT, TEXT_RIGHT = Field("a", Kind.TEXT), Field("b", Kind.TEXT)
TRIMMED = Transform(to_right=(Rule("trim"),))


def test_a_pair_that_nothing_makes_comparable_has_no_layout() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        line_of(FieldMapping("a", "b"), Field("a", Kind.DATE), Field("b", Kind.INTEGER))
    assert isinstance(
        common_ground(FieldMapping("a", "b", options={"a": 1}), TEXT_LEFT, Field("b", Kind.BINARY)), str
    )


def test_a_layout_reads_only_what_something_needs() -> None:
    mapping = mapping_of(
        FieldMapping("name", "fullname"),
        FieldMapping(None, "label", combine=("city", "zip"), join=", "),
        FieldMapping(None, "kind", constant=3),
        FieldMapping("fax", "fax", enabled=False),
        templates=Templates(right=(Template({"owner": "x"}, {"country": "US"}),)),
    )
    names = ("name", "city", "zip", "fax", "country", "other")
    layout = layout_of(
        mapping,
        [Field(name, Kind.TEXT) for name in names],
        [
            Field("kind", Kind.INTEGER),
            *(Field(name, Kind.TEXT) for name in ("fullname", "label", "owner", "fax")),
        ],
    )
    assert layout.read[Side.LEFT] == ("city", "country", "name", "zip")
    assert layout.read[Side.RIGHT] == ("fullname", "kind", "label")
    assert layout.width == 3
    assert not layout.writes_key(Side.RIGHT)
    rows = pl.DataFrame({"city": ["Oslo"], "zip": ["0150"]})
    assert rows.select(source_value(layout.lines[1], Side.LEFT)).item() == "Oslo, 0150"
    assert rows.select(source_value(layout.lines[2], Side.LEFT)).item() == "3"


def test_a_cursor_is_worth_nothing_once_the_mapping_reads_otherwise() -> None:
    fields = [Field("name", Kind.TEXT), Field("city", Kind.TEXT)]
    plain = mapping_of(FieldMapping("name", "name"))
    others = [
        mapping_of(FieldMapping("name", "name"), direction=Direction.TO_RIGHT),
        mapping_of(FieldMapping("name", "city")),
        mapping_of(FieldMapping("name", "name", transform=TRIMMED)),
        mapping_of(FieldMapping("name", "name"), FieldMapping("city", "city")),
    ]
    signatures = [layout_of(mapping, fields, fields).feed_signature() for mapping in (plain, *others)]
    assert len(set(signatures)) == len(signatures)
    assert layout_of(plain, fields, fields).feed_signature() == signatures[0]


def test_a_base_outlives_what_does_not_change_canonical_values() -> None:
    one = line_signature(FieldMapping("a", "b"), TEXT_LEFT, TEXT_RIGHT)
    assert line_signature(FieldMapping("a", "b", sensitive=True, not_null=True), TEXT_LEFT, TEXT_RIGHT) == one
    assert line_signature(FieldMapping("a", "b", truncate=True), TEXT_LEFT, TEXT_RIGHT) != one
    assert line_signature(FieldMapping("a", "b"), TEXT_LEFT, Field("b", Kind.CODE)) != one
    assert line_signature(FieldMapping("a", "b", options={"a": 1}), TEXT_LEFT, TEXT_RIGHT) != one
    assert line_signature(FieldMapping("a", "b", lookup=Lookup("CURRENCY")), TEXT_LEFT, TEXT_RIGHT) != one


def test_a_key_is_mapped_when_every_part_of_it_is_written() -> None:
    schema = Schema("t", (Field("x", Kind.TEXT), Field("y", Kind.TEXT)), ("x", "y"))
    pairs = (FieldMapping("x", "x"), FieldMapping("y", "y"))
    slots = {pair.identity: number for number, pair in enumerate(pairs)}
    both = lay_out(
        mapping_of(*pairs, left=mapping_of().left, direction=Direction.TO_RIGHT), schema, schema, slots
    )
    assert not both.writes_key(Side.LEFT)
    assert both.key(Side.LEFT) == ("id",)


def test_a_constant_is_what_the_field_makes_of_it() -> None:
    for value, own, expected in (
        ("3", Field("b", Kind.OPTION), 3),
        ("true", Field("b", Kind.BOOLEAN), True),
        ("x", Field("b", Kind.INTEGER), None),
        (None, TEXT_RIGHT, None),
    ):
        assert pl.select(constant_as(value, own)).item() == expected


def test_a_combination_takes_fields_of_any_type() -> None:
    left = Schema(
        "customer", (Field("number", FieldType.INTEGER), Field("city", FieldType.TEXT)), ("number",)
    )
    right = Schema("account", (Field("title", FieldType.TEXT),), ())
    pair = FieldMapping(right="title", combine=("number", "city"), join=", ")
    layout = lay_out(mapping_of(pair), left, right, {pair.identity: 0})

    rows = pl.DataFrame({"number": [7, None], "city": ["Rome", "Oslo"]})

    assert rows.select(source_value(layout.lines[0], Side.LEFT).alias("t"))["t"].to_list() == [
        "7, Rome",
        "Oslo",
    ]
