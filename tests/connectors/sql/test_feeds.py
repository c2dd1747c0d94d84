"""Cursors, overlaps and forms of stamps: the laws beyond those of the contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from twofold.core.names import FeedKind
from twofold.errors import Refused
from twofold.ports import OpKind, Table

from .place import Place, last_page, ops, rows_of, write

STAMPED = Table("things", ("id",), FeedKind.MODIFIED, modified="m")
COUNTED = Table("things", ("id",), FeedKind.ROW_VERSION, row_version="v")
TRANSACTIONS = Table("things", ("id",), FeedKind.ROW_VERSION, row_version="xmin")
FORMS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f+00:00", "%Y-%m-%d %H:%M:%S.%f"]
NOW = datetime.now(UTC)


def stamped(sqlite: Place, declared: str = "DATETIME") -> None:
    sqlite.execute(f"CREATE TABLE things (id TEXT PRIMARY KEY, m {declared})")


def put(sqlite: Place, key: str, stamp: object) -> None:
    sqlite.query("INSERT OR REPLACE INTO things VALUES (?, ?)", (key, stamp))


def keys_after(place: Place, cursor: str | None, table: Table = STAMPED) -> set[str]:
    return set(rows_of(place.connect(), table, (), since=cursor)["#key"])


@pytest.mark.parametrize("declared", ["DATETIME", "TEXT", "VARCHAR(40)"])
def test_mixed_forms_of_stamps_miss_nothing_and_repeat_only_the_overlap(sqlite: Place, declared: str) -> None:
    stamped(sqlite, declared)
    old, late = NOW - timedelta(hours=3), NOW - timedelta(minutes=10)
    for number, form in enumerate(FORMS):
        put(sqlite, f"old {number}", old.strftime(form))
        put(sqlite, f"late {number}", late.strftime(form))
    put(sqlite, "newest", NOW.strftime(FORMS[0]))
    cursor = last_page(sqlite.connect(), STAMPED).cursor
    assert keys_after(sqlite, cursor) == {"newest", *(f"late {number}" for number in range(4))}


def test_zones_of_stamps_are_understood(sqlite: Place) -> None:
    stamped(sqlite)
    far = NOW + timedelta(hours=12)
    put(sqlite, "now", far.strftime("%Y-%m-%d %H:%M:%S+12:00"))
    put(sqlite, "old", (far - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S+12:00"))
    assert keys_after(sqlite, last_page(sqlite.connect(), STAMPED).cursor) == {"now"}


@pytest.mark.parametrize("factor", [1, 1000])
def test_stamps_may_be_numbers(sqlite: Place, factor: int) -> None:
    stamped(sqlite, "INTEGER")
    put(sqlite, "old", int((NOW - timedelta(hours=1)).timestamp()) * factor)
    put(sqlite, "now", int(NOW.timestamp()) * factor)
    assert keys_after(sqlite, last_page(sqlite.connect(), STAMPED).cursor) == {"now"}


def test_a_stamp_that_cannot_be_read_always_comes(sqlite: Place) -> None:
    stamped(sqlite)
    put(sqlite, "now", NOW.strftime(FORMS[0]))
    put(sqlite, "odd", "soon")
    cursor = last_page(sqlite.connect(), STAMPED).cursor
    assert keys_after(sqlite, cursor) == {"now", "odd"}
    assert json.loads(cursor)["after"] <= NOW.isoformat()


def test_the_version_is_the_stamp_as_it_is_stored(sqlite: Place) -> None:
    stamped(sqlite)
    put(sqlite, "a", "2024-01-02 03:04:05")
    put(sqlite, "b", None)
    versions = dict(rows_of(sqlite.connect(), STAMPED, ()).select("#key", "#version").iter_rows())
    assert versions == {"a": "2024-01-02 03:04:05", "b": None}


def test_only_coarse_young_stamps_are_unsettled(sqlite: Place) -> None:
    stamped(sqlite)
    put(sqlite, "coarse", NOW.strftime("%Y-%m-%d %H:%M:%S"))
    put(sqlite, "millis", NOW.strftime("%Y-%m-%d %H:%M:%S.123"))
    put(sqlite, "fine", NOW.strftime("%Y-%m-%d %H:%M:%S.123456"))
    put(sqlite, "old", "2024-01-02 03:04:05")
    settled = dict(rows_of(sqlite.connect(), STAMPED, ()).select("#key", "#settled").iter_rows())
    assert settled == {"coarse": False, "millis": False, "fine": True, "old": True}


def test_a_stamp_of_a_day_is_unsettled_all_day_and_comes_again(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, m DATE)")
    place.execute(f"INSERT INTO things VALUES ('today', '{NOW:%Y-%m-%d}'), ('old', '2024-01-02')")
    connector = place.connect()
    rows = rows_of(connector, STAMPED, ())
    assert dict(rows.select("#key", "#settled").iter_rows()) == {"today": False, "old": True}
    assert keys_after(place, last_page(connector, STAMPED).cursor) == {"today"}


def test_the_cursor_never_moves_backwards(sqlite: Place) -> None:
    stamped(sqlite)
    put(sqlite, "a", NOW.strftime(FORMS[3]))
    first = last_page(sqlite.connect(), STAMPED).cursor
    put(sqlite, "a", (NOW - timedelta(minutes=5)).strftime(FORMS[3]))
    second = last_page(sqlite.connect(), STAMPED, first).cursor
    assert json.loads(second)["after"] == json.loads(first)["after"]


def test_a_cursor_of_another_feed_starts_again(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, m TIMESTAMP, v INTEGER)")
    place.execute(
        "INSERT INTO things VALUES ('a', '2024-01-02 03:04:05', 5000), ('b', '2024-01-03 03:04:05', 1)"
    )
    cursor = last_page(place.connect(), STAMPED).cursor
    assert keys_after(place, cursor) == {"b"}
    assert keys_after(place, cursor, COUNTED) == {"a", "b"}
    assert keys_after(place, "no cursor at all") == {"a", "b"}


def test_row_versions_overlap_by_a_thousand(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, v INTEGER)")
    place.execute("INSERT INTO things VALUES ('new', 5000), ('late', 4001), ('old', 4000), ('none', NULL)")
    cursor = last_page(place.connect(), COUNTED).cursor
    assert keys_after(place, cursor, COUNTED) == {"new", "late", "none"}


def test_transaction_ids_are_versions_but_no_order(postgresql: Place) -> None:
    postgresql.execute(
        "CREATE TABLE things (id text PRIMARY KEY, n integer)", "INSERT INTO things VALUES ('a', 1), ('b', 1)"
    )
    connector = postgresql.connect()
    before = rows_of(connector, TRANSACTIONS, ["n"])
    postgresql.execute("UPDATE things SET n = 2 WHERE id = 'a'")
    after = rows_of(connector, TRANSACTIONS, ["n"], since=last_page(connector, TRANSACTIONS).cursor)
    assert after["#key"].to_list() == ["a", "b"]
    assert (before["#version"] == after["#version"]).to_list() == [False, True]
    update = ops(
        connector,
        TRANSACTIONS,
        OpKind.UPDATE,
        {"n": [3, 3]},
        keys=["a", "b"],
        versions=list(before["#version"]),
    )
    assert write(connector, TRANSACTIONS, update)["#kind"].to_list() == ["stale", None]


def test_a_column_that_is_no_stamp_is_refused(postgresql: Place) -> None:
    postgresql.execute("CREATE TABLE things (id text PRIMARY KEY, m text, v text)")
    for table in (STAMPED, COUNTED):
        with pytest.raises(Refused, match="holds text values"):
            postgresql.connect().capabilities(table)


def test_texts_page_by_code_point_or_by_the_index_and_none_is_lost(place: Place) -> None:
    keys = ["a", "B", "ß", "Z", "é", "\U0001f600", "\uffee", "_", "10", "9"]
    place.execute(
        "CREATE TABLE things (id VARCHAR(9) PRIMARY KEY)", "CREATE TABLE loose (id VARCHAR(9) NOT NULL)"
    )
    listed = ", ".join(f"('{key}')" for key in keys)
    place.execute(f"INSERT INTO things VALUES {listed}", f"INSERT INTO loose VALUES {listed}")
    connector = place.connect(page_size=3)
    assert sorted(rows_of(connector, Table("things", ("id",)), ())["#key"]) == sorted(keys)
    assert rows_of(connector, Table("loose", ("id",)), ())["#key"].to_list() == sorted(keys)


def test_every_page_is_a_statement_of_its_own(place: Place) -> None:
    place.execute(
        "CREATE TABLE things (id VARCHAR(9) PRIMARY KEY)", "INSERT INTO things VALUES ('a'), ('b'), ('c')"
    )
    connector = place.connect(page_size=1)
    pages = connector.changes(Table("things", ("id",)), (), None, None)
    assert next(pages).rows["#key"].to_list() == ["a"]
    place.execute("DELETE FROM things WHERE id = 'b'")
    assert [key for page in pages for key in page.rows["#key"]] == ["c"]
