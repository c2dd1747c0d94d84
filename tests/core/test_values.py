"""Equal values have one form, and a value there and back again is what both types can express."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.core.schema import Common, Field, FieldType, narrow
from twofold.core.values import (
    ZERO_GUID,
    canonical,
    canonical_json,
    convert,
    joined,
    parse,
    reduce,
    scalar_text,
    to_text,
)

Kind = FieldType
GUID = "6b29fc40-ca47-1067-b31d-00dd010662da"


def field(kind: FieldType, **more: Any) -> Field:
    return Field("f", kind, **more)


def apply(expression: pl.Expr, value: Any, dtype: pl.DataType) -> Any:
    frame = pl.DataFrame({"v": [value]}, schema={"v": dtype})
    return frame.select(expression).item()


def canonical_of(value: Any, own: Field) -> Any:
    return apply(canonical(pl.col("v"), own), value, own.dtype)


def converted(value: Any, source: Field, target: Field) -> Any:
    return apply(convert(pl.col("v"), source, target), value, source.dtype)


# -- canonical forms ---------------------------------------------------------------------------------------

BC = {"blank_is_null": True}
FORMS: list[tuple[Field, Any, Any]] = [
    (field(Kind.TEXT), "Cafe\u0301  ", "Café"),
    (field(Kind.TEXT), "  a\t ", "  a\t"),
    (field(Kind.TEXT), "  ", ""),
    (field(Kind.TEXT, **BC), "  ", None),
    (field(Kind.CODE), " c001 ", "C001"),
    (field(Kind.CODE, **BC), " ", None),
    (field(Kind.GUID), "{" + GUID.upper() + "}", GUID),
    (field(Kind.GUID), ZERO_GUID, ZERO_GUID),
    (field(Kind.GUID, **BC), "{" + ZERO_GUID + "}", None),
    (field(Kind.GUID, **BC), "", None),
    (field(Kind.DATE), date(1, 1, 1), date(1, 1, 1)),
    (field(Kind.DATE, **BC), date(1, 1, 1), None),
    (field(Kind.DATETIME, **BC), datetime(1, 1, 1, tzinfo=UTC), None),
    (field(Kind.DATETIME, **BC), datetime(2, 1, 1, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC)),
    (field(Kind.INTEGER, **BC), 0, 0),
    (field(Kind.DECIMAL, scale=2), Decimal("1.50"), Decimal("1.50")),
    (field(Kind.JSON), '{"b": 1,\n "a": [1, 2]}', '{"a":[1,2],"b":1}'),
    (field(Kind.JSON), "not json", "not json"),
]


@pytest.mark.parametrize(("own", "value", "form"), FORMS)
def test_equal_values_have_one_form(own: Field, value: Any, form: Any) -> None:
    assert canonical_of(value, own) == form


@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind is not Kind.BINARY])
@pytest.mark.parametrize("blank", [False, True])
def test_nothing_stays_nothing(kind: FieldType, blank: bool) -> None:
    assert canonical_of(None, field(kind, blank_is_null=blank)) is None


@given(st.sampled_from([Kind.TEXT, Kind.CODE, Kind.GUID, Kind.JSON]), st.booleans(), st.text(max_size=12))
def test_a_canonical_form_is_its_own_canonical_form(kind: FieldType, blank: bool, text: str) -> None:
    own = field(kind, blank_is_null=blank)
    once = canonical_of(text, own)
    assert canonical_of(once, own) == once


# -- there and back ----------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STAMPS = st.integers(-(8 * 10**15), 7 * 10**15).map(lambda number: EPOCH + timedelta(microseconds=number))
WHOLE_STAMPS = STAMPS.map(lambda moment: moment.replace(microsecond=0))
MIDNIGHTS = WHOLE_STAMPS.map(lambda moment: moment.replace(hour=0, minute=0, second=0))
DECIMALS = st.decimals(-(10**9), 10**9, places=2, allow_nan=False)
SAMPLES: dict[FieldType, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text("abcXYZ 09é", max_size=8),
    Kind.CODE: st.text("ABCXYZ09", max_size=8),
    Kind.INTEGER: st.integers(-(2**53), 2**53),
    Kind.DECIMAL: DECIMALS,
    Kind.FLOAT: st.floats(-1e6, 1e6).map(lambda number: round(number, 2)),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    Kind.TIME: st.times(),
    Kind.DATETIME: STAMPS,
    Kind.GUID: st.uuids().map(str),
    Kind.OPTION: st.integers(0, 2**31),
    Kind.JSON: st.dictionaries(st.text("ab", max_size=2), st.integers(), max_size=3).map(
        lambda found: canonical_json(str(found).replace("'", '"'))
    ),
}
MEETING: dict[tuple[FieldType, FieldType], st.SearchStrategy[Any]] = {
    (Kind.DECIMAL, Kind.INTEGER): st.integers(-(10**9), 10**9).map(Decimal),
    (Kind.FLOAT, Kind.INTEGER): st.integers(-(2**53), 2**53).map(float),
    (Kind.INTEGER, Kind.BOOLEAN): st.integers(0, 1),
    (Kind.DATETIME, Kind.DATE): MIDNIGHTS,
    (Kind.INTEGER, Kind.OPTION): st.integers(0, 2**31),
}
"""Values that both types of a pair can express, where the first type can express more."""

SCALES = {Kind.DECIMAL: 2, Kind.DATETIME: 6, Kind.TIME: 6}


def carrier(kind: FieldType) -> Field:
    return field(kind, scale=SCALES.get(kind))


def comparable_pairs() -> list[tuple[FieldType, FieldType]]:
    kinds = [kind for kind in FieldType if kind is not Kind.BINARY]
    return [
        (one, two) for one, two in product(kinds, kinds) if isinstance(narrow(field(one), field(two)), Common)
    ]


def values_for(source: FieldType, target: FieldType) -> st.SearchStrategy[Any]:
    if source in (Kind.TEXT, Kind.CODE) and target not in (Kind.TEXT, Kind.CODE):
        return SAMPLES[target].map(lambda value: as_text(value, target))
    return MEETING.get((source, target), SAMPLES[source])


def as_text(value: Any, kind: FieldType) -> str:
    own = carrier(kind)
    text: str = apply(to_text(pl.col("v"), own), value, own.dtype)
    return text.upper() if kind is Kind.GUID else text


@pytest.mark.parametrize(("source", "target"), comparable_pairs())
@settings(max_examples=8)
@given(st.data())
def test_there_and_back_keeps_what_both_can_express(
    source: FieldType, target: FieldType, data: st.DataObject
) -> None:
    own, other = carrier(source), carrier(target)
    common = narrow(own, other)
    assert isinstance(common, Common)
    value = canonical_of(data.draw(values_for(source, target)), own)
    there = canonical_of(converted(value, own, other), other)
    back = canonical_of(converted(there, other, own), own)
    assert there is not None
    assert reduced(back, own, common) == reduced(value, own, common)


def reduced(value: Any, own: Field, common: Common) -> Any:
    return apply(reduce(pl.col("v"), own, common), value, own.dtype)


# -- numbers -----------------------------------------------------------------------------------------------

ROUNDED = [("0.125", "0.13"), ("-0.125", "-0.13"), ("0.124", "0.12"), ("2.675", "2.68"), ("-2.5", "-2.50")]


@pytest.mark.parametrize(("text", "expected"), ROUNDED)
def test_halves_are_rounded_away_from_zero_whatever_they_come_from(text: str, expected: str) -> None:
    target = field(Kind.DECIMAL, scale=2)
    assert converted(text, field(Kind.TEXT), target) == Decimal(expected)
    assert converted(Decimal(text), field(Kind.DECIMAL, scale=5), target) == Decimal(expected)


@pytest.mark.parametrize("scale", [0, 2, 10])
def test_a_decimal_of_38_digits_survives_as_text(scale: int) -> None:
    own = field(Kind.DECIMAL, scale=scale)
    digits = "9" * 38
    value = Decimal(digits if scale == 0 else f"{digits[scale:]}.{digits[:scale]}")
    text = converted(value, own, field(Kind.TEXT))
    assert text == format(value, "f")
    assert converted(text, field(Kind.TEXT), own) == value


def test_a_number_beyond_38_digits_is_not_written_at_all() -> None:
    own = field(Kind.DECIMAL, scale=2)
    for text in ("9" * 37, "1e40", "-" + "9" * 36 + ".999"):
        assert converted(text, field(Kind.TEXT), own) is None
    assert converted(Decimal("9" * 36), field(Kind.DECIMAL, scale=0), field(Kind.DECIMAL, scale=10)) is None
    assert converted(1e300, field(Kind.FLOAT), own) is None


@pytest.mark.parametrize("text", ["", "abc", "1,5", "1.2.3", "NaN", "Infinity", "-Infinity", "1_000", "0x10"])
def test_what_is_no_number_is_no_decimal(text: str) -> None:
    assert converted(text, field(Kind.TEXT), field(Kind.DECIMAL, scale=2)) is None


@pytest.mark.parametrize(
    ("source", "value", "target"),
    [
        (field(Kind.DECIMAL, scale=2), Decimal("1.50"), Kind.INTEGER),
        (field(Kind.FLOAT), 1.5, Kind.INTEGER),
        (field(Kind.FLOAT), float("inf"), Kind.INTEGER),
        (field(Kind.INTEGER), 2, Kind.BOOLEAN),
        (field(Kind.TEXT), "1.5", Kind.INTEGER),
        (field(Kind.TEXT), "maybe", Kind.BOOLEAN),
        (field(Kind.TEXT), "2026-02-30", Kind.DATE),
        (field(Kind.TEXT), "25:00", Kind.TIME),
        (field(Kind.TEXT), "yesterday", Kind.DATETIME),
        (field(Kind.TEXT), GUID[:-1], Kind.GUID),
        (field(Kind.TEXT), "{", Kind.JSON),
        (field(Kind.CODE), "X1", Kind.OPTION),
    ],
)
def test_what_the_target_cannot_express_is_nothing_rather_than_something_else(
    source: Field, value: Any, target: FieldType
) -> None:
    assert converted(value, source, field(target)) is None


# -- texts of moments --------------------------------------------------------------------------------------

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", MOMENT),
        ("2026-01-02 03:04:05", MOMENT),
        (" 2026-01-02T04:04:05+01:00 ", MOMENT),
        ("2026-01-02T03:04:05.25Z", MOMENT + timedelta(microseconds=250_000)),
        ("2026-01-02T03:04", MOMENT.replace(second=0)),
        ("2026-01-02", MOMENT.replace(hour=0, minute=0, second=0)),
    ],
)
def test_a_moment_is_read_from_every_iso_form(text: str, expected: datetime) -> None:
    assert apply(parse(pl.col("v"), field(Kind.DATETIME)), text, pl.String()) == expected


def test_words_of_truth_are_read() -> None:
    for text, expected in ((" Yes ", True), ("0", False), ("TRUE", True), ("no", False)):
        assert converted(text, field(Kind.TEXT), field(Kind.BOOLEAN)) is expected


def test_plain_texts_of_numbers_and_moments() -> None:
    assert converted(Decimal("12.50"), field(Kind.DECIMAL, scale=2), field(Kind.TEXT)) == "12.5"
    assert converted(Decimal(1200), field(Kind.DECIMAL, scale=0), field(Kind.TEXT)) == "1200"
    assert converted(3.0, field(Kind.FLOAT), field(Kind.TEXT)) == "3"
    assert converted(True, field(Kind.BOOLEAN), field(Kind.TEXT)) == "true"
    assert converted(time(3, 4), field(Kind.TIME), field(Kind.TEXT)) == "03:04:00"
    assert converted(date(2026, 1, 2), field(Kind.DATE), field(Kind.TEXT)) == "2026-01-02"


# -- common ground -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.DATETIME, Kind.TIME])
def test_moments_are_cut_to_the_coarser_side(kind: FieldType) -> None:
    fine, coarse = field(kind, scale=6), field(kind, scale=3)
    moment = MOMENT.replace(microsecond=123_456)
    value, cut = (moment, moment.replace(microsecond=123_000))
    if kind is Kind.TIME:
        value, cut = value.time(), cut.time()  # type: ignore[assignment]
    assert converted(value, fine, coarse) == cut
    common = narrow(fine, coarse)
    assert isinstance(common, Common)
    assert reduced(value, fine, common) == reduced(cut, coarse, common)


def test_a_date_and_a_moment_meet_at_the_date() -> None:
    common = narrow(field(Kind.DATETIME), field(Kind.DATE))
    assert isinstance(common, Common)
    assert reduced(MOMENT, field(Kind.DATETIME), common) == MOMENT.date()


def test_texts_meet_at_the_shorter_length_and_codes_in_upper_case() -> None:
    assert reduced("abc def", field(Kind.TEXT), Common(Kind.TEXT, length=4)) == "abc"
    assert reduced(" ab ", field(Kind.TEXT), Common(Kind.CODE)) == "AB"
    assert reduced("", field(Kind.TEXT), Common(Kind.TEXT, blank_is_null=True)) is None
    assert reduced(1.005, field(Kind.FLOAT), Common(Kind.DECIMAL, scale=2)) in (
        Decimal("1.00"),
        Decimal("1.01"),
    )


# -- scalars and combinations ------------------------------------------------------------------------------


def test_a_scalar_has_one_text() -> None:
    assert [scalar_text(value) for value in (True, False, None, 3, "x", 1.5)] == [
        "true",
        "false",
        None,
        "3",
        "x",
        "1.5",
    ]


def test_texts_are_joined_without_blanks() -> None:
    frame = pl.DataFrame({"a": ["Ann", "", None], "b": ["Lee", "Lee", " "]})
    assert frame.select(joined([pl.col("a"), pl.col("b")], " ")).to_series().to_list() == [
        "Ann Lee",
        "Lee",
        None,
    ]
