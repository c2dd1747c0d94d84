"""Values of every type travel both ways unchanged, and a value that is none stops only its own row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.core.schema import Field, FieldType
from twofold.ports import OpKind, Table

from .place import Place, ops, rows_of, write

THINGS = Table("things", ("id",))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
FIELDS = {
    Field("txt", FieldType.TEXT): TEXT,
    Field("n", FieldType.INTEGER): st.integers(-(2**63), 2**63 - 1),
    Field("amount", FieldType.DECIMAL, scale=2): st.integers(-(10**14), 10**14).map(
        lambda n: Decimal(n).scaleb(-2)
    ),
    Field("f", FieldType.FLOAT): st.floats(allow_nan=False, allow_infinity=False),
    Field("b", FieldType.BOOLEAN): st.booleans(),
    Field("d", FieldType.DATE): st.dates(date(1, 1, 1), date(9999, 12, 31)),
    Field("t", FieldType.TIME): st.times(),
    Field("s", FieldType.DATETIME): st.timedeltas(timedelta(days=-719_000), timedelta(days=2_900_000)).map(
        lambda after: EPOCH + after
    ),
    Field("g", FieldType.GUID): st.uuids().map(str),
    Field("x", FieldType.BINARY): st.binary(max_size=20),
}
ROWS = st.lists(
    st.fixed_dictionaries({field.name: st.none() | values for field, values in FIELDS.items()}),
    min_size=1,
    max_size=4,
)


@pytest.fixture
def everything(place: Place) -> Place:
    """A table with a field of every type."""
    key = Field("id", FieldType.TEXT, nullable=False)
    place.execute(place.connect().create_statement("things", [key, *FIELDS], ["id"]))
    return place


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_value_comes_back_as_it_was_written(everything: Place, rows: list[dict[str, Any]]) -> None:
    connector = everything.opened[0]
    everything.execute("DELETE FROM things")
    columns = {field.name: [row[field.name] for row in rows] for field in FIELDS}
    keys = [f"key {number}" for number in range(len(rows))]
    results = write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, columns, keys=keys))
    assert results["#kind"].to_list() == [None] * len(rows)
    read = connector.fetch(THINGS, list(columns), keys)
    assert read.unreadable == ()
    assert read.rows.sort("#key").select(list(columns)).to_dicts() == rows


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=JSONS)
def test_json_comes_as_compact_text_with_sorted_keys(place: Place, document: Any) -> None:
    connector = place.opened[0] if place.opened else place.connect()
    if "things" not in connector.tables():
        fields = [Field("id", FieldType.TEXT, nullable=False), Field("j", FieldType.JSON)]
        place.execute(connector.create_statement("things", fields, ["id"]))
    place.execute("DELETE FROM things")
    text = json.dumps({"b": document, "a": 1}, indent=1)
    if place.kind == "postgresql" and "\\u0000" in text:
        return
    write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, {"j": [text]}, keys=["a"]))
    [found] = connector.fetch(THINGS, ["j"], ["a"]).rows["j"]
    assert found == json.dumps(
        {"a": 1, "b": document}, separators=(",", ":"), ensure_ascii=False, sort_keys=True
    )


ODD = [
    ("INTEGER", "'abc'", '"abc", which is not a whole number'),
    ("INTEGER", "1.5", "not a whole number"),
    ("DECIMAL(10,2)", "'12,50'", "not a decimal number"),
    ("REAL", "'much'", "not a number"),
    ("BOOLEAN", "2", "not true or false"),
    ("DATE", "'2024-02-30'", "not a date"),
    ("DATE", "'2024-02-03 10:00'", "not a date"),
    ("DATETIME", "'soon'", "not a date and time"),
    ("TIME", "'25:00'", "not a time of day"),
    ("UUID", "'not-a-guid'", "not a GUID"),
    ("JSON", "'{'", "not JSON"),
    ("TEXT", "x'00ff'", "2 bytes, which is not readable text"),
    ("TEXT", "CAST(x'61ff62' AS TEXT)", "3 bytes"),
    ("TEXT", "CAST(x'610062' AS TEXT)", "not readable text"),
    ("BLOB", "'text'", "not binary"),
]


@pytest.mark.parametrize(("declared", "value", "said"), ODD)
def test_a_value_that_does_not_convert_makes_only_its_row_unreadable(
    sqlite: Place, declared: str, value: str, said: str
) -> None:
    sqlite.execute(f"CREATE TABLE things (id TEXT PRIMARY KEY, v {declared})")
    sqlite.execute(f"INSERT INTO things VALUES ('a', NULL), ('b', {value}), ('c', NULL)")
    connector = sqlite.connect()
    for read in (
        next(connector.changes(THINGS, ["v"], None, None)),
        connector.fetch(THINGS, ["v"], ["a", "b", "c"]),
    ):
        assert sorted(read.rows["#key"]) == ["a", "c"]
        [bad] = read.unreadable
        assert (bad.key, bad.field) == ("b", "v")
        assert said in bad.text


def test_an_empty_text_is_nothing_in_a_column_of_another_type(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER, d DATE, t TEXT)")
    sqlite.execute("INSERT INTO things VALUES ('a', '', '', '')")
    read = next(sqlite.connect().changes(THINGS, ["n", "d", "t"], None, None))
    assert read.rows.row(0)[3:] == (None, None, "")


def test_binary_fractions_round_to_the_scale_of_the_column(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY, v NUMERIC(10,2))")
    sqlite.execute("INSERT INTO things VALUES ('a', 0.1 + 0.2), ('b', 1e3), ('c', 12345678901234.56)")
    found = rows_of(sqlite.connect(), THINGS, ["v"])["v"].to_list()
    assert found == [Decimal("0.30"), Decimal("1000.00"), Decimal("12345678901234.56")]


def test_a_decimal_that_sqlite_would_round_is_refused(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY, v NUMERIC(30,4))")
    connector = sqlite.connect()
    values = [Decimal("12345678901234567.8912"), Decimal(9007199254740993), Decimal("0.0001")]
    results = write(
        connector, THINGS, ops(connector, THINGS, OpKind.INSERT, {"v": values}, keys=["a", "b", "c"])
    )
    assert results["#kind"].to_list() == ["failed", None, None]
    assert results["#field"].to_list()[0] == "v"
    assert rows_of(connector, THINGS, ["v"])["v"].to_list() == values[1:]


def test_what_postgresql_has_beyond_our_types_is_unreadable(postgresql: Place) -> None:
    postgresql.execute("CREATE TABLE things (id text PRIMARY KEY, s timestamptz, n numeric)")
    postgresql.execute("INSERT INTO things VALUES ('a', 'infinity', 1), ('b', now(), 'NaN'), ('c', now(), 2)")
    read = next(postgresql.connect().changes(THINGS, ["s", "n"], None, None))
    assert read.rows["#key"].to_list() == ["c"]
    assert {(bad.key, bad.field) for bad in read.unreadable} == {("a", "s"), ("b", "n")}


def test_types_that_are_not_ours_travel_as_text(postgresql: Place) -> None:
    postgresql.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE TABLE things (id char(5) PRIMARY KEY, a text[], m mood, i interval, naive timestamp)",
    )
    connector = postgresql.connect()
    values: dict[str, list[Any]] = {
        "a": ['{x,"y z"}'],
        "m": ["ok"],
        "i": ["01:00:00"],
        "naive": [datetime(2024, 1, 2, 3, tzinfo=UTC)],
    }
    results = write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, values, keys=["ab"]))
    assert results["#kind"].to_list() == [None]
    [row] = connector.fetch(THINGS, list(values), ["ab", "zz"]).rows.to_dicts()
    assert {name: row[name] for name in values} == {name: value[0] for name, value in values.items()}
    assert postgresql.query("SELECT id, naive::text FROM things") == [("ab   ", "2024-01-02 03:00:00")]


FORMS = [
    ("DATETIME", "2024-01-01 12:00:00", "2025-02-03 04:05:06"),
    ("DATETIME", "2024-01-01T12:00:00Z", "2025-02-03T04:05:06Z"),
    ("DATETIME", "2024-01-01T12:00:00.123+00:00", "2025-02-03T04:05:06.789+00:00"),
    ("DATETIME", 1_704_164_645, 1_738_555_506),
    ("DATETIME", 1_704_164_645_123, 1_738_555_506_789),
    ("BOOLEAN", "true", "false"),
    ("BOOLEAN", 1, 0),
    ("BOOLEAN", "Y", "N"),
    ("UUID", "0190AAAA-BBBB-7CCC-8DDD-EEEEFFFF0001", "0190AAAA-BBBB-7CCC-8DDD-EEEEFFFF0002"),
    ("UUID", "0190aaaabbbb7ccc8dddeeeeffff0001", "0190aaaabbbb7ccc8dddeeeeffff0002"),
    ("UUID", "{0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001}", "{0190aaaa-bbbb-7ccc-8ddd-eeeeffff0002}"),
]
NEW = {
    "DATETIME": datetime(2025, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC),
    "BOOLEAN": False,
    "UUID": "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0002",
}


@pytest.mark.parametrize(("declared", "found", "written"), FORMS)
def test_values_are_written_in_the_form_found(sqlite: Place, declared: str, found: Any, written: Any) -> None:
    sqlite.execute(f"CREATE TABLE things (id TEXT PRIMARY KEY, v {declared})")
    sqlite.query("INSERT INTO things VALUES ('a', ?)", (found,))
    connector = sqlite.connect()
    write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, {"v": [NEW[declared]]}, keys=["b"]))
    assert sqlite.query("SELECT v FROM things WHERE id = 'b'") == [(written,)]


def test_an_empty_column_gets_iso_stamps_in_utc(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY, v DATETIME)")
    connector = sqlite.connect()
    write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, {"v": [NEW["DATETIME"]]}, keys=["b"]))
    assert sqlite.query("SELECT v FROM things") == [("2025-02-03T04:05:06.789012Z",)]


GUIDS = [
    "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001",
    "0190AAAA-BBBB-7CCC-8DDD-EEEEFFFF0002",
    "0190aaaabbbb7ccc8dddeeeeffff0003",
    "{0190AAAA-BBBB-7CCC-8DDD-EEEEFFFF0004}",
]


def test_guids_are_found_and_written_however_they_are_spelt(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id UUID PRIMARY KEY, v TEXT)")
    for guid in GUIDS:
        sqlite.query("INSERT INTO things VALUES (?, 'old')", (guid,))
    connector = sqlite.connect()
    keys = [f"0190aaaa-bbbb-7ccc-8ddd-eeeeffff000{number}" for number in (1, 2, 3, 4)]
    assert sorted(connector.fetch(THINGS, ["v"], keys).rows["#key"]) == keys
    results = write(connector, THINGS, ops(connector, THINGS, OpKind.UPDATE, {"v": ["new"] * 4}, keys=keys))
    assert results["#kind"].to_list() == [None] * 4
    assert sqlite.query("SELECT id, v FROM things ORDER BY rowid") == [(guid, "new") for guid in GUIDS]


def test_guids_may_be_kept_as_bytes(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id UUID PRIMARY KEY, v TEXT)")
    sqlite.query("INSERT INTO things VALUES (x'0190aaaabbbb7ccc8dddeeeeffff0001', 'old')")
    connector = sqlite.connect()
    first, second = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001", "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0002"
    write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, {"v": ["new"]}, keys=[second]))
    assert connector.fetch(THINGS, ["v"], [second, first]).rows.sort("#key")["#key"].to_list() == [
        first,
        second,
    ]
    assert [row[0] for row in sqlite.query("SELECT typeof(id) FROM things")] == ["blob", "blob"]


def test_a_key_is_found_exactly_whatever_the_collation(sqlite: Place) -> None:
    sqlite.execute(
        "CREATE TABLE things (id TEXT COLLATE NOCASE PRIMARY KEY)", "INSERT INTO things VALUES ('Abc')"
    )
    connector = sqlite.connect()
    assert connector.fetch(THINGS, (), ["abc", "Abc"]).rows["#key"].to_list() == ["Abc"]


def test_rows_without_a_key_are_told_once_and_hinder_nothing(sqlite: Place) -> None:
    sqlite.execute(
        "CREATE TABLE things (id TEXT PRIMARY KEY)", "INSERT INTO things VALUES (NULL), (NULL), ('a')"
    )
    pages: Iterator[Any] = sqlite.connect(page_size=1).changes(THINGS, (), None, None)
    found = list(pages)
    assert [key for page in found for key in page.rows["#key"]] == ["a"]
    assert ["2 records of things have no key" in bad.text for page in found for bad in page.unreadable] == [
        True
    ]
    assert {page.count for page in found} == {1}
