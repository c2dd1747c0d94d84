"""Writing: refused rows, stamps, triggers, and what happens when others or the network come in the way."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from twofold.core.names import FeedKind
from twofold.errors import Refused, Transient, Unreachable
from twofold.ports import OpKind, Table

from .place import Place, ops, rows_of, write

THINGS = Table("things", ("id",))
STAMPED = Table("things", ("id",), FeedKind.MODIFIED, modified="m")
INSERT, UPDATE, DELETE = OpKind.INSERT, OpKind.UPDATE, OpKind.DELETE


def kinds(results: Any) -> list[str | None]:
    found: list[str | None] = results["#kind"].to_list()
    return found


def test_each_refused_row_is_found_among_many_and_says_why(place: Place) -> None:
    place.execute(
        "CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, mail VARCHAR(20) UNIQUE, n INTEGER CHECK (n > 0))",
        "INSERT INTO things VALUES ('old', 'x@y', 1)",
    )
    connector = place.connect()
    keys = [f"k{number}" for number in range(40)]
    mails: list[str | None] = [f"{number}@y" for number in range(40)]
    numbers = [1] * 40
    mails[7], mails[11], numbers[23] = "x@y", "x" * 21, -1
    results = write(
        connector, THINGS, ops(connector, THINGS, INSERT, {"mail": mails, "n": numbers}, keys=keys)
    )
    assert [place for place, kind in enumerate(kinds(results)) if kind] == [7, 11, 23]
    texts = results["#text"].to_list()
    assert "things k7" in texts[7]
    assert "must be unique" in texts[7]
    assert "too long (at most 20 characters)" in texts[11]
    assert "not allowed by a rule" in texts[23]
    assert results["#field"].to_list()[7] == results["#field"].to_list()[11] == "mail"
    assert rows_of(connector, THINGS, ()).height == 38
    assert "x@y" not in "".join(text or "" for text in texts)


def test_a_reference_to_nothing_is_refused_by_name(postgresql: Place) -> None:
    postgresql.execute(
        "CREATE TABLE groups (id text PRIMARY KEY)",
        "CREATE TABLE things (id text PRIMARY KEY, g text REFERENCES groups DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO groups VALUES ('here')",
    )
    connector = postgresql.connect()
    results = write(
        connector, THINGS, ops(connector, THINGS, INSERT, {"g": ["here", "gone"]}, keys=["a", "b"])
    )
    assert kinds(results) == [None, "failed"]
    assert "refers to a record that is missing" in results["#text"].to_list()[1]


def test_numbers_that_are_too_large_are_refused_by_field(postgresql: Place) -> None:
    postgresql.execute("CREATE TABLE things (id text PRIMARY KEY, n smallint, a numeric(5,2))")
    connector = postgresql.connect()
    values = {"n": [1, 40_000, 1], "a": [1, 1, 1000]}
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, values, keys=["a", "b", "c"]))
    assert kinds(results) == [None, "failed", "failed"]
    assert results["#field"].to_list() == [None, "n", "a"]


def test_a_row_that_a_trigger_drops_is_not_called_written(place: Place) -> None:
    if place.kind == "mariadb":
        pytest.skip("a trigger of MariaDB can refuse a row, but not drop it")
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, n INTEGER)")
    if place.kind == "sqlite":
        place.execute(
            "CREATE TRIGGER t BEFORE INSERT ON things WHEN new.n < 0 BEGIN SELECT RAISE(IGNORE); END"
        )
    else:
        place.execute(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF NEW.n < 0 THEN RETURN NULL; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER t BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION f()",
        )
    connector = place.connect()
    results = write(
        connector, THINGS, ops(connector, THINGS, INSERT, {"n": [1, -1, 2]}, keys=["a", "b", "c"])
    )
    assert kinds(results) == [None, "failed", None]
    assert "trigger" in results["#text"].to_list()[1]


@pytest.mark.parametrize(
    "stored", ["2024-01-01 12:00:00", "2024-01-01T12:00:00Z", "2024-01-01T12:00:00.000001Z"]
)
def test_the_modified_column_is_set_in_the_form_found(sqlite: Place, stored: str) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER, m TEXT)")
    sqlite.query("INSERT INTO things VALUES ('a', 1, ?)", (stored,))
    connector = sqlite.connect()
    before = datetime.now(UTC)
    results = write(
        connector, STAMPED, ops(connector, STAMPED, UPDATE, {"n": [2]}, keys=["a"], versions=[stored])
    )
    [(found,)] = sqlite.query("SELECT m FROM things")
    assert results["#version"].to_list() == [found]
    assert len(found) == len(stored)
    moment = datetime.fromisoformat(found).replace(tzinfo=UTC)
    assert before - timedelta(seconds=1) <= moment <= datetime.now(UTC)


def test_a_new_stamp_is_later_than_the_one_it_replaces_whatever_the_clock(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, n INTEGER, m TIMESTAMP(6))")
    # A TIMESTAMP of MariaDB ends in 2038.
    future = "2037-01-02 03:04:05.000007"
    place.execute(f"INSERT INTO things VALUES ('a', 1, '{future}')")
    connector = place.connect()
    results = write(
        connector, STAMPED, ops(connector, STAMPED, UPDATE, {"n": [2]}, keys=["a"], versions=[future])
    )
    assert results["#version"].to_list() == ["2037-01-02 03:04:05.000008"]


def test_a_stamp_that_the_op_writes_is_left_alone(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, m TIMESTAMP)")
    connector = place.connect()
    moment = datetime(2020, 1, 2, tzinfo=UTC)
    write(connector, STAMPED, ops(connector, STAMPED, INSERT, {"m": [moment]}, keys=["a"]))
    assert rows_of(connector, STAMPED, ["m"])["m"].to_list() == [moment]


def test_what_a_trigger_makes_of_a_version_is_what_the_result_says(sqlite: Place) -> None:
    sqlite.execute(
        "CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER, m TEXT)",
        "CREATE TRIGGER t AFTER UPDATE OF n ON things BEGIN "
        "UPDATE things SET m = 'v' || new.n WHERE id = new.id; END",
        "INSERT INTO things VALUES ('a', 1, NULL)",
    )
    connector = sqlite.connect()
    results = write(connector, STAMPED, ops(connector, STAMPED, UPDATE, {"n": [2]}, keys=["a"]))
    assert results["#version"].to_list() == ["v2"]


def test_two_ops_on_one_key_happen_one_after_the_other(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, n INTEGER)")
    connector = place.connect()
    twice = ops(connector, THINGS, INSERT, {"n": [1, 2]}, keys=["a", "a"])
    update = ops(connector, THINGS, UPDATE, {"n": [3, 4]}, keys=["a", "a"])
    delete = ops(connector, THINGS, DELETE, {}, keys=["a", "a"])
    assert kinds(write(connector, THINGS, twice, update)) == [None, "exists", None, None]
    assert rows_of(connector, THINGS, ["n"])["n"].to_list() == [4]
    assert kinds(write(connector, THINGS, delete)) == [None, "gone"]


def test_a_key_that_names_two_rows_is_not_written(place: Place) -> None:
    place.execute(
        "CREATE TABLE things (id VARCHAR(9), n INTEGER)", "INSERT INTO things VALUES ('a', 1), ('a', 2)"
    )
    connector = place.connect()
    results = write(connector, THINGS, ops(connector, THINGS, UPDATE, {"n": [3]}, keys=["a"]))
    assert kinds(results) == ["failed"]
    assert "several records" in results["#text"].to_list()[0]


def test_a_table_that_makes_no_keys_asks_for_one(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(9) PRIMARY KEY, n INTEGER)")
    connector = place.connect()
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [1]}))
    assert kinds(results) == ["failed"]
    assert "key_from" in results["#text"].to_list()[0]


def test_a_row_of_nothing_but_an_identity_can_be_made(place: Place) -> None:
    kind = "INTEGER PRIMARY KEY" if place.kind == "sqlite" else "serial PRIMARY KEY"
    place.execute(f"CREATE TABLE things (id {kind}, n INTEGER DEFAULT 7)")
    connector = place.connect()
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {}, keys=[None, None]))
    assert results["#key"].to_list() == ["1", "2"]
    assert rows_of(connector, THINGS, ["n"])["n"].to_list() == [7, 7]


def test_one_bad_row_among_those_whose_keys_the_database_makes_is_found(place: Place) -> None:
    kind = "INTEGER PRIMARY KEY" if place.kind == "sqlite" else "serial PRIMARY KEY"
    place.execute(f"CREATE TABLE things (id {kind}, n INTEGER CHECK (n > 0))")
    connector = place.connect()
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [5, -1, 6]}))
    assert kinds(results) == [None, "failed", None]
    stored = dict(rows_of(connector, THINGS, ["n"]).select("#key", "n").iter_rows())
    keys = results["#key"].to_list()
    assert (stored[keys[0]], stored[keys[2]], len(stored)) == (5, 6, 2)


def test_a_guid_that_the_database_makes_is_learnt(postgresql: Place) -> None:
    postgresql.execute("CREATE TABLE things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n integer)")
    connector = postgresql.connect()
    assert not connector.capabilities(THINGS).client_keys
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [2, 1]}))
    stored = connector.fetch(THINGS, ["n"], results["#key"].to_list()).rows
    assert dict(stored.select("#key", "n").iter_rows()) == dict(zip(results["#key"], [2, 1], strict=True))


def test_a_view_cannot_be_written(place: Place) -> None:
    place.execute("CREATE TABLE base (id INTEGER PRIMARY KEY)", "CREATE VIEW things AS SELECT id FROM base")
    connector = place.connect()
    with pytest.raises(Refused, match="is a view"):
        write(connector, THINGS, ops(connector, THINGS, DELETE, {}, keys=["1"]))


def test_a_lock_that_goes_away_is_waited_for(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY)")
    connector = sqlite.connect(timeout=10)
    insert = ops(connector, THINGS, INSERT, {}, keys=["a"])
    holder = sqlite3.connect(sqlite.folder / "erp.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, holder.execute, ["COMMIT"])
    release.start()
    assert kinds(write(connector, THINGS, insert)) == [None]
    release.join()
    holder.close()


def serialization_failures(postgresql: Place, times: int) -> None:
    """A trigger that gives up as a serialization failure would, as often as that."""
    postgresql.execute(
        "CREATE SEQUENCE tries",
        "CREATE TABLE things (id text PRIMARY KEY)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF nextval('tries') <= {times} THEN RAISE SQLSTATE '40001'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER t BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION f()",
    )


def test_a_serialization_failure_is_tried_again(postgresql: Place) -> None:
    serialization_failures(postgresql, 2)
    connector = postgresql.connect()
    assert kinds(write(connector, THINGS, ops(connector, THINGS, INSERT, {}, keys=["a"]))) == [None]


def test_one_that_does_not_end_is_left_for_later(postgresql: Place) -> None:
    serialization_failures(postgresql, 1000)
    connector = postgresql.connect()
    with pytest.raises(Transient, match="busy"):
        write(connector, THINGS, ops(connector, THINGS, INSERT, {}, keys=["a"]))


def end_sessions(postgresql: Place) -> None:
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_lost_at_the_commit_leaves_what_was_done_in_doubt(postgresql: Place) -> None:
    postgresql.execute("CREATE TABLE things (id text PRIMARY KEY)", "INSERT INTO things VALUES ('old')")
    connector = postgresql.connect()
    insert = ops(connector, THINGS, INSERT, {}, keys=["old", "new"])
    sa.event.listen(connector._database.engine, "commit", lambda _: end_sessions(postgresql), once=True)
    results = write(connector, THINGS, insert)
    assert kinds(results) == ["exists", "in_doubt"]
    assert kinds(write(connector, THINGS, insert)) == ["exists", None]


def test_a_connection_lost_before_the_commit_did_nothing(postgresql: Place) -> None:
    postgresql.execute(
        "CREATE TABLE things (id text PRIMARY KEY)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$",
        "CREATE TRIGGER t BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION f()",
    )
    connector = postgresql.connect()
    with pytest.raises(Unreachable):
        write(connector, THINGS, ops(connector, THINGS, INSERT, {}, keys=["a"]))
    assert rows_of(connector, THINGS, ()).height == 0


def test_a_row_locked_by_an_edit_is_judged_after_it(postgresql: Place) -> None:
    postgresql.execute(
        "CREATE TABLE things (id text PRIMARY KEY, n integer)", "INSERT INTO things VALUES ('a', 1)"
    )
    connector = postgresql.connect()
    table = Table("things", ("id",), FeedKind.ROW_VERSION, row_version="xmin")
    [version] = rows_of(connector, table, ())["#version"]
    update = ops(connector, table, UPDATE, {"n": [3]}, keys=["a"], versions=[version])
    with psycopg.connect(postgresql.url) as other:
        other.execute("UPDATE things SET n = 2")
        release = threading.Timer(0.2, other.commit)
        release.start()
        results = write(connector, table, update)
        release.join()
    assert kinds(results) == ["stale"]
    assert rows_of(connector, table, ["n"])["n"].to_list() == [2]


def test_reading_goes_on_while_another_thread_writes(place: Place) -> None:
    place.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER)")
    connector = place.connect(page_size=5)
    keys = [str(number) for number in range(50)]
    write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [0] * 50}, keys=keys))
    update = ops(connector, THINGS, UPDATE, {"n": [1] * 50}, keys=keys)
    writers = [threading.Thread(target=write, args=(connector, THINGS, update)) for _ in range(3)]
    for writer in writers:
        writer.start()
    assert sorted(map(int, rows_of(connector, THINGS, ["n"])["#key"])) == list(range(50))
    for writer in writers:
        writer.join()
    assert set(rows_of(connector, THINGS, ["n"])["n"]) == {1}
