"""A digest is the same everywhere and for ever: pinned vectors, and two implementations that must agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core import digest as digests
from twofold.core.digest import UNKNOWN, digest, pack, text_digest, unpack, version_of, xxh64

STAMP = pl.Datetime("us", "UTC")
VECTORS: list[tuple[pl.DataType, Any, int]] = [
    (pl.String(), "", 17241709254077376921),
    (pl.String(), "a", 0xD24EC4F1A98C6E5B),
    (pl.String(), "abc", 0x44BC2CF5AD770999),
]


def digest_of(value: Any, dtype: pl.DataType) -> int:
    frame = pl.DataFrame({"v": [value]}, schema={"v": dtype})
    found: int = frame.select(digest(pl.col("v"), dtype)).item()
    return found


PINNED: list[tuple[str, pl.DataType, Any, str]] = [
    ("text", pl.String(), "Contoso", "Contoso"),
    ("empty text", pl.String(), "", ""),
    ("unicode", pl.String(), "Ærø 東京 🚲 e\u0301", "Ærø 東京 🚲 e\u0301"),
    ("long text", pl.String(), "x" * 100, "x" * 100),
    ("guid", pl.String(), "6b29fc40-ca47-1067-b31d-00dd010662da", "6b29fc40-ca47-1067-b31d-00dd010662da"),
    ("whole number", pl.Int64(), -42, "-42"),
    ("largest whole number", pl.Int64(), 2**63 - 1, "9223372036854775807"),
    ("decimal at scale 2", pl.Decimal(38, 2), Decimal("12.5"), "12.50"),
    ("decimal at scale 5", pl.Decimal(38, 5), Decimal("12.5"), "12.50000"),
    ("decimal at scale 0", pl.Decimal(38, 0), Decimal(-7), "-7"),
    ("small negative decimal", pl.Decimal(38, 3), Decimal("-0.007"), "-0.007"),
    ("decimal of 38 digits", pl.Decimal(38, 10), Decimal("1234567890123456789012345678.0123456789"),
     "1234567890123456789012345678.0123456789"),
    ("float", pl.Float64(), 1.5, "4609434218613702656"),
    ("negative float", pl.Float64(), -2.0, "-4611686018427387904"),
    ("zero float", pl.Float64(), 0.0, "0"),
    ("true", pl.Boolean(), True, "1"),
    ("false", pl.Boolean(), False, "0"),
    ("date", pl.Date(), date(2026, 1, 2), "20455"),
    ("early date", pl.Date(), date(1, 1, 1), "-719162"),
    ("stamp", STAMP, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "1767323045678901"),
    ("early stamp", STAMP, datetime(1753, 1, 1, tzinfo=UTC), "-6847804800000000"),
    ("time", pl.Time(), time(13, 14, 15, 500000), "47655500000000"),
    ("null", pl.String(), None, "\x00"),
    ("null number", pl.Int64(), None, "\x00"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [(v, d) for _, v, d in VECTORS])
def test_the_function_is_xxh64(text: str, expected: int) -> None:
    assert xxh64(text.encode()) == expected


@pytest.mark.parametrize(("name", "dtype", "value", "text"), PINNED, ids=[row[0] for row in PINNED])
def test_every_type_has_a_stable_text(name: str, dtype: pl.DataType, value: Any, text: str) -> None:
    assert digest_of(value, dtype) == text_digest(None if text == "\x00" else text)


def test_the_digests_of_all_types_together_never_change() -> None:
    whole = "|".join(str(digest_of(value, dtype)) for _, dtype, value, _ in PINNED)
    assert xxh64(whole.encode()) == 6725267461574313


def test_both_zeros_are_one_value() -> None:
    assert digest_of(-0.0, pl.Float64()) == digest_of(0.0, pl.Float64())


def test_a_null_is_not_a_blank_and_neither_is_unknown() -> None:
    assert len({digest_of(None, pl.String()), digest_of("", pl.String()), UNKNOWN}) == 3


def test_a_digest_of_zero_becomes_one() -> None:
    assert digests._known(0) == 1
    assert digests._known(7) == 7


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=120), max_size=20))
def test_the_fast_way_and_the_plain_way_agree(texts: list[str]) -> None:
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    fast, plain = (frame.select(way(pl.col("t"))).to_series() for way in (digests._native, digests._plain))
    assert fast.to_list() == plain.to_list() == [xxh64(text.encode()) for text in texts]
    assert frame.select(digest(pl.col("t"), pl.String())).to_series().to_list() == [*map(text_digest, texts)]


WORD = st.integers(0, 2**64 - 1)


@given(
    st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(WORD, min_size=width, max_size=width), min_size=1)
    )
)
def test_what_is_packed_is_unpacked(rows: list[list[int]]) -> None:
    width = len(rows[0])
    columns = [pl.Series([row[slot] for row in rows], dtype=pl.UInt64) for slot in range(width)]
    base = pack(columns, width)
    assert {len(value) for value in base} == {width * 8}
    frame = pl.DataFrame({"base": base})
    for slot in range(width):
        assert frame.select(unpack(pl.col("base"), slot)).to_series().to_list() == columns[slot].to_list()


def test_a_slot_that_a_base_does_not_have_is_unknown() -> None:
    frame = pl.DataFrame(
        {"base": [b"", None, b"\x01" * 7, b"\x01" + b"\x00" * 7]}, schema={"base": pl.Binary}
    )
    assert frame.select(unpack(pl.col("base"), 0)).to_series().to_list() == [0, 0, 0, 1]
    assert frame.select(unpack(pl.col("base"), 9)).to_series().to_list() == [0, 0, 0, 0]


def test_a_mapping_without_fields_has_an_empty_base() -> None:
    assert pack([], 0).to_list() == []
    assert pack([pl.Series([1, 2], dtype=pl.UInt64)], 0).to_list() == [b"", b""]


def test_a_version_moves_with_any_value_and_with_nothing_else() -> None:
    rows = pl.DataFrame({"a": ["x", "x", "y", None], "b": [1, 1, 1, 1], "c": [1, 2, 3, 4]})
    first, again, other, blank = version_of(rows, ("a", "b")).to_list()
    assert first == again
    assert len({first, other, blank}) == 3
    assert version_of(rows, ("b", "a")).to_list() != version_of(rows, ("a", "b")).to_list()


def test_values_that_only_look_alike_when_joined_have_other_versions() -> None:
    rows = pl.DataFrame({"a": ["1", "12"], "b": ["23", "3"]})
    assert version_of(rows, ("a", "b")).n_unique() == 2


def test_every_row_has_a_version_even_if_nothing_of_it_is_read() -> None:
    rows = pl.DataFrame({"a": ["x", "y", "z"]})
    assert version_of(rows, ()).len() == 3
    assert version_of(rows.head(0), ()).len() == 0
    assert version_of(rows.head(0), ("a",)).dtype == pl.String
