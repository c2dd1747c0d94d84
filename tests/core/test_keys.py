"""Keys are one canonical text, whatever they are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.keys import canonical_key, column_kind, key_column, key_parts, key_text, split_keys
from twofold.core.schema import Field, FieldType

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PARTS = st.integers(1, 4).flatmap(lambda width: st.lists(TEXTS, min_size=width, max_size=width))


@given(PARTS)
def test_a_key_gives_back_its_parts(parts: list[str]) -> None:
    assert key_parts(key_text(parts), len(parts)) == tuple(parts)


@given(PARTS, PARTS)
def test_different_parts_are_different_keys(one: list[str], other: list[str]) -> None:
    if len(one) == len(other):
        assert (key_text(one) == key_text(other)) == (one == other)


@given(
    st.integers(2, 3).flatmap(
        lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=1)
    )
)
def test_columns_of_keys_are_joined_and_split(rows: list[list[str]]) -> None:
    width = len(rows[0])
    names = [f"k{number}" for number in range(width)]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()), orient="row")
    keys = key_column(frame, [Field(name, FieldType.TEXT) for name in names])
    assert keys.to_list() == [key_text(row) for row in rows]
    assert [part.to_list() for part in split_keys(keys, width)] == [frame[name].to_list() for name in names]


def test_a_single_key_is_its_own_text_however_odd() -> None:
    assert key_text(['["a"']) == '["a"'
    assert key_parts('["a"', 1) == ('["a"',)
    assert split_keys(pl.Series(["x", None]), 1)[0].to_list() == ["x", None]


def test_a_composite_key_is_a_compact_array_of_texts() -> None:
    assert key_text(["Ærø", 'a"b', ""]) == '["Ærø","a\\"b",""]'
    assert canonical_key('[ "A" ,\n "\\u00c6" ]', 2) == '["A","Æ"]'


@pytest.mark.parametrize(
    "text", ["", "10000", '["a"]', '["a", 1]', '{"a": "b"}', '["a","b"', '["a","b","c"]']
)
def test_what_is_not_such_a_key_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key: it takes a JSON array of 2 texts") as told:
        key_parts(text, 2)
    assert '["1", "2"]' in str(told.value)


def test_a_malformed_or_missing_key_has_no_parts() -> None:
    parts = split_keys(pl.Series(["nonsense", None, '["a","b"]']), 2)
    assert [part.to_list() for part in parts] == [[None, None, "a"], [None, None, "b"]]


def test_a_key_with_a_missing_part_is_no_key() -> None:
    frame = pl.DataFrame({"a": ["x", None], "b": [1, 2]})
    keys = key_column(frame, [Field("a", FieldType.TEXT), Field("b", FieldType.INTEGER)])
    assert keys.to_list() == ['["x","1"]', None]


GUID = "6b29fc40-ca47-1067-b31d-00dd010662da"
SPELLINGS: list[tuple[Field, Any, str]] = [
    (Field("k", FieldType.TEXT), "Ab c", "Ab c"),
    (Field("k", FieldType.CODE), "C001", "C001"),
    (Field("k", FieldType.INTEGER), -7, "-7"),
    (Field("k", FieldType.OPTION), 0, "0"),
    (Field("k", FieldType.BOOLEAN), True, "true"),
    (Field("k", FieldType.GUID), GUID.upper(), GUID),
    (Field("k", FieldType.DECIMAL, scale=2), Decimal("100.50"), "100.5"),
    (Field("k", FieldType.DECIMAL, scale=2), Decimal("100.00"), "100"),
    (Field("k", FieldType.DECIMAL, scale=2), Decimal("0.00"), "0"),
    (Field("k", FieldType.DECIMAL, scale=0), Decimal(100), "100"),
    (Field("k", FieldType.DATE), date(2026, 1, 2), "2026-01-02"),
    (Field("k", FieldType.DATETIME), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (Field("k", FieldType.DATETIME), datetime(2026, 1, 2, 3, 4, 5, 120000, UTC), "2026-01-02T03:04:05.120Z"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "text"), SPELLINGS)
def test_every_type_of_key_has_one_spelling(field: Field, value: Any, text: str) -> None:
    frame = pl.DataFrame({"k": [value]}, schema={"k": field.dtype})
    assert key_column(frame, [field]).to_list() == [text]
    assert column_kind(field) in ("text", "guid", "datetime", "decimal", "plain")
