"""Two fields have one common ground, whichever is named first, or a sentence says why they have none."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.schema import DEFAULT_SCALE, Common, Field, FieldType, Schema, narrow

from .specimens import agrees_with_golden

SCALED = (FieldType.DECIMAL, FieldType.DATETIME, FieldType.TIME)
SIZES = st.none() | st.integers(0, 12)
FIELDS = st.builds(
    Field,
    st.sampled_from(["name", "no"]),
    st.sampled_from(FieldType),
    length=SIZES,
    scale=SIZES,
    nullable=st.booleans(),
    blank_is_null=st.booleans(),
).map(lambda field: field if field.type in SCALED else replace(field, scale=None))


@given(FIELDS, FIELDS)
def test_it_does_not_matter_which_field_is_left(left: Field, right: Field) -> None:
    found, turned = narrow(left, right), narrow(right, left)
    assert isinstance(found, str) == isinstance(turned, str)
    if isinstance(found, Common):
        assert found == turned


@given(FIELDS, FIELDS)
def test_two_fields_share_no_more_than_each_has(left: Field, right: Field) -> None:
    found = narrow(left, right)
    if isinstance(found, Common):
        known = [size for size in (left.length, right.length) if size is not None]
        assert found.length == (min(known) if known else None)
        scales = [own.scale for own in (left, right)]
        assert found.scale is None or found.scale in (*scales, DEFAULT_SCALE)
        assert found.blank_is_null or not (left.blank_is_null or right.blank_is_null)


@given(FIELDS)
def test_a_field_shares_everything_with_itself_unless_it_is_binary(field: Field) -> None:
    found = narrow(field, field)
    assert isinstance(found, str) == (field.type is FieldType.BINARY)
    if isinstance(found, Common):
        assert found.field.dtype == field.dtype
        assert found.type is field.type


@given(FIELDS, FIELDS)
def test_what_cannot_be_compared_is_said_with_both_names_and_a_way_out(left: Field, right: Field) -> None:
    found = narrow(left, right)
    if isinstance(found, str):
        assert f'"{left.name}" is a' in found
        assert f'"{right.name}" is a' in found
        assert "cannot be compared. Choose another field, or pair one of them with a text field." in found


def test_the_table_of_all_pairs_of_types() -> None:
    lines = []
    for left, right in product(FieldType, FieldType):
        found = narrow(Field("a", left), Field("b", right))
        lines.append(f"{left:<9} {right:<9} {'-' if isinstance(found, str) else found.type}")
    assert agrees_with_golden("narrow.txt", "\n".join(lines) + "\n")


def test_text_goes_with_every_type_that_can_be_compared_at_all() -> None:
    for kind in FieldType:
        assert isinstance(narrow(Field("a", FieldType.TEXT), Field("b", kind)), str) == (
            kind is FieldType.BINARY
        )


def test_a_text_that_may_be_missing_and_one_that_may_not_cannot_tell_blanks_apart() -> None:
    strict, loose = Field("a", FieldType.TEXT, nullable=False), Field("b", FieldType.CODE)
    assert narrow(strict, loose) == Common(FieldType.CODE, blank_is_null=True)
    assert narrow(loose, loose) == Common(FieldType.CODE, blank_is_null=False)
    number = Field("n", FieldType.INTEGER, nullable=False)
    assert narrow(number, Field("m", FieldType.INTEGER)) == Common(FieldType.INTEGER)


def test_a_decimal_without_a_scale_has_the_usual_one() -> None:
    free, wide = Field("a", FieldType.DECIMAL), Field("b", FieldType.DECIMAL, scale=12)
    assert free.dtype == pl.Decimal(38, DEFAULT_SCALE)
    assert narrow(free, wide) == Common(FieldType.DECIMAL, scale=DEFAULT_SCALE)


DTYPES = {
    FieldType.TEXT: pl.String(),
    FieldType.CODE: pl.String(),
    FieldType.INTEGER: pl.Int64(),
    FieldType.DECIMAL: pl.Decimal(38, 2),
    FieldType.FLOAT: pl.Float64(),
    FieldType.BOOLEAN: pl.Boolean(),
    FieldType.DATE: pl.Date(),
    FieldType.TIME: pl.Time(),
    FieldType.DATETIME: pl.Datetime("us", "UTC"),
    FieldType.GUID: pl.String(),
    FieldType.OPTION: pl.Int64(),
    FieldType.JSON: pl.String(),
    FieldType.BINARY: pl.Binary(),
}


@pytest.mark.parametrize("kind", FieldType)
def test_every_type_travels_in_one_column_type(kind: FieldType) -> None:
    assert Field("a", kind, scale=2).dtype == DTYPES[kind]


def test_a_table_knows_its_fields_and_proposes_the_nearest_name() -> None:
    schema = Schema("customer", (Field("name", FieldType.TEXT), Field("city", FieldType.TEXT)), ("name",))
    assert schema["city"] is schema.get("city")
    assert schema.get("town") is None
    with pytest.raises(KeyError):
        schema["town"]
    assert schema.unknown("nmae") == 'customer has no field "nmae". Did you mean "name"?'
    assert schema.unknown("zzz") == 'customer has no field "zzz".'
