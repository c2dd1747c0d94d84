"""What is peculiar to MySQL and MariaDB, on a real MariaDB with the settings of an old installation."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.database_servers import MariadbServer
from twofold.connectors.sql import connect
from twofold.connectors.sql.mysql_faults import read_fault
from twofold.core.filters import Blank, Compare, Filter, Like
from twofold.core.frames import KEY
from twofold.core.names import FeedKind
from twofold.core.schema import FieldType
from twofold.errors import Fatal, NotAuthorised, Refused
from twofold.ports import OpKind, Table

from .place import Place, last_page, ops, rows_of, write

INSERT, UPDATE, DELETE = OpKind.INSERT, OpKind.UPDATE, OpKind.DELETE
THINGS = Table("things", ("id",))
GUID = "0123abcd-89ab-4def-8123-456789abcdef"


def kinds(results: pl.DataFrame) -> list[str | None]:
    return list(results["#kind"])


TYPES: dict[str, tuple[FieldType, list[Any]]] = {
    "tinyint(1)": (FieldType.BOOLEAN, [True, False, None]),
    "bit(1)": (FieldType.BOOLEAN, [True, False, None]),
    "bit(12)": (FieldType.INTEGER, [4095, 0, 49]),
    "tinyint unsigned": (FieldType.INTEGER, [255, 0, None]),
    "bigint unsigned": (FieldType.INTEGER, [2**63 - 1, 0, None]),
    "year": (FieldType.INTEGER, [1901, 2155, None]),
    "decimal(38,10)": (FieldType.DECIMAL, [Decimal("-1234567890123456789012345678.0123456789"), None]),
    "float": (FieldType.FLOAT, [16777216.0, 0.5, None]),
    "double": (FieldType.FLOAT, [0.1, 1e-300, None]),
    "enum('small','Large')": (FieldType.TEXT, ["small", "Large", None]),
    "set('a','b','c')": (FieldType.TEXT, ["a,c", "", None]),
    "char(36)": (FieldType.GUID, [GUID, None]),
    "binary(16)": (FieldType.GUID, [GUID, None]),
    "uuid": (FieldType.GUID, [GUID, None]),
    "json": (FieldType.JSON, ['{"a":[1,"\\"é"]}', "null", None]),
    "varbinary(20)": (FieldType.BINARY, [b"\x00\xff'\\", b"", None]),
    "longblob": (FieldType.BINARY, [bytes(range(256)), None]),
    "date": (FieldType.DATE, [date(1000, 1, 1), date(9999, 12, 31), None]),
    "datetime(3)": (FieldType.DATETIME, [datetime(1000, 1, 1, 0, 0, 0, 999000, tzinfo=UTC), None]),
    "timestamp(6) null": (FieldType.DATETIME, [datetime(2038, 1, 19, 3, 14, 7, 999999, tzinfo=UTC), None]),
    "inet6": (FieldType.TEXT, ["2001:db8::ff00:42:8329", None]),
    "varchar(20) character set latin1": (FieldType.TEXT, ["Größe", "", None]),
}


@pytest.mark.parametrize("native", TYPES)
def test_a_type_reads_back_what_was_written(mariadb: Place, native: str) -> None:
    mariadb.execute(f"CREATE TABLE things (id integer PRIMARY KEY, value {native})")
    kind, values = TYPES[native]
    connector = mariadb.connect()
    assert connector.describe("things")["value"].type is kind
    keys = [str(number) for number in range(len(values))]
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {"value": values}, keys=keys))
    assert results["#text"].to_list() == [None] * len(values)
    found = rows_of(connector, THINGS, ["value"]).sort(KEY)["value"].to_list()
    assert found == values
    update = ops(connector, THINGS, UPDATE, {"value": values[::-1]}, keys=keys)
    assert kinds(write(connector, THINGS, update)) == [None] * len(values)
    assert rows_of(connector, THINGS, ["value"]).sort(KEY)["value"].to_list() == values[::-1]


@pytest.mark.parametrize(
    ("native", "value", "said"),
    [
        ("varchar(3)", "four", "too long"),
        ("tinyint", 128, "too large"),
        ("decimal(5,2)", Decimal("1000.00"), "too large"),
        ("enum('a','b')", "c", "does not fit"),
        ("varchar(9) character set latin1", "\U0001f600", "does not fit"),
        ("timestamp null", datetime(2090, 1, 1, tzinfo=UTC), "does not fit"),
        ("integer not null", None, "may not be empty"),
        ("integer check (value > 5)", 5, "not allowed by a rule"),
        ("integer unique", 7, "must be unique"),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_nothing_is_cut(
    mariadb: Place, native: str, value: Any, said: str
) -> None:
    mariadb.execute(f"CREATE TABLE things (id integer PRIMARY KEY, value {native})")
    if said == "must be unique":
        mariadb.execute("INSERT INTO things VALUES (9, 7)")
    connector = mariadb.connect()
    [row] = write(connector, THINGS, ops(connector, THINGS, INSERT, {"value": [value]}, keys=["1"])).rows(
        named=True
    )
    assert row["#kind"] == "failed"
    assert said in row["#text"]
    assert "value" in row["#text"]
    assert rows_of(connector, THINGS, ()).filter(pl.col(KEY) == "1").is_empty()


def test_a_date_of_zeros_is_nothing_to_readers_and_to_filters(mariadb: Place) -> None:
    mariadb.execute(
        "CREATE TABLE things (id integer PRIMARY KEY, d date NOT NULL, t datetime(6) NULL)",
        "INSERT INTO things VALUES (1, '0000-00-00', '0000-00-00'), (2, '2024-01-01', '2024-01-01')",
    )
    connector = mariadb.connect()
    assert rows_of(connector, THINGS, ["d", "t"])["d"].to_list() == [None, date(2024, 1, 1)]

    def keys(where: Filter) -> list[str]:
        return rows_of(connector, THINGS, ["d"], where)[KEY].to_list()

    assert keys(Blank("t")) == ["1"]
    assert keys(Blank("t", negated=True)) == ["2"]
    assert keys(Compare("t", "<", datetime(2025, 1, 1, tzinfo=UTC))) == ["2"]


def test_texts_compare_by_code_point_whatever_the_collation(mariadb: Place) -> None:
    mariadb.execute(
        "CREATE TABLE things (id integer PRIMARY KEY, t varchar(20) COLLATE utf8mb4_general_ci)",
        "INSERT INTO things VALUES (1, 'Ann'), (2, 'ann'), (3, 'ann '), (4, 'Änn')",
        "INSERT INTO things VALUES (5, ''), (6, ' '), (7, NULL)",
    )
    connector = mariadb.connect()

    def keys(where: Filter) -> list[str]:
        return rows_of(connector, THINGS, ["t"], where)[KEY].to_list()

    assert keys(Compare("t", "=", "ann")) == ["2"]
    assert keys(Compare("t", ">", "Ann")) == ["2", "3", "4"]
    assert keys(Like("t", "?nn")) == ["1", "2", "4"]
    assert keys(Like("t", "*ANN*", ignore_case=True)) == ["1", "2", "3"]
    assert keys(Blank("t")) == ["5", "7"]


def test_keys_that_differ_in_case_only_are_two_keys(mariadb: Place) -> None:
    mariadb.execute("CREATE TABLE things (id varchar(9) COLLATE utf8mb4_bin PRIMARY KEY, n integer)")
    mariadb.execute("INSERT INTO things VALUES ('a', 1), ('A', 2)")
    connector = mariadb.connect()
    write(connector, THINGS, ops(connector, THINGS, UPDATE, {"n": [3]}, keys=["a"]))
    assert dict(rows_of(connector, THINGS, ["n"]).select(KEY, "n").iter_rows()) == {"a": 3, "A": 2}
    assert connector.fetch(THINGS, ["n"], ["A", "b"]).rows[KEY].to_list() == ["A"]


def test_a_key_of_another_case_is_not_the_key_though_the_collation_says_so(mariadb: Place) -> None:
    mariadb.execute(
        "CREATE TABLE things (id varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY, n integer)",
        "INSERT INTO things VALUES ('a', 1)",
    )
    connector = mariadb.connect()
    assert connector.fetch(THINGS, ["n"], ["A", "a "]).rows.is_empty()
    assert kinds(write(connector, THINGS, ops(connector, THINGS, DELETE, {}, keys=["A"]))) == ["gone"]


@pytest.mark.parametrize("native", ["char(36) COLLATE latin1_bin", "char(36)", "binary(16)", "uuid"])
def test_a_guid_key_is_found_however_it_is_kept(mariadb: Place, native: str) -> None:
    kept = f"UNHEX('{GUID.replace('-', '')}')" if native == "binary(16)" else f"'{GUID.upper()}'"
    mariadb.execute(
        f"CREATE TABLE things (id {native.replace('COLLATE', 'CHARACTER SET latin1 COLLATE')} PRIMARY KEY, "
        "n integer)",
        f"INSERT INTO things VALUES ({kept}, 1)",
    )
    connector = mariadb.connect()
    assert connector.capabilities(THINGS).client_keys
    assert connector.fetch(THINGS, ["n"], [GUID]).rows[KEY].to_list() == [GUID]
    assert kinds(write(connector, THINGS, ops(connector, THINGS, UPDATE, {"n": [2]}, keys=[GUID]))) == [None]
    assert mariadb.query("SELECT n FROM things") == [(2,)]
    assert rows_of(connector, THINGS, ["n"], Compare("id", "=", GUID)).height == 1


@pytest.mark.parametrize("returning", [True, False])
def test_an_auto_increment_key_is_learnt_row_by_row(mariadb: Place, *, returning: bool) -> None:
    mariadb.execute("CREATE TABLE things (id integer AUTO_INCREMENT PRIMARY KEY, n integer UNIQUE)")
    connector = mariadb.connect()
    connector.tables()
    # MySQL has no RETURNING: there the driver's last number tells the key.
    connector._database.engine.dialect.insert_returning = returning
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [7, 7, 8]}))
    assert kinds(results) == [None, "failed", None]
    stored = dict(rows_of(connector, THINGS, ["n"]).select("n", KEY).iter_rows())
    assert stored == {7: results[KEY][0], 8: results[KEY][2]}


def test_a_key_that_a_trigger_makes_is_learnt(mariadb: Place) -> None:
    mariadb.execute(
        "CREATE TABLE things (id char(36) PRIMARY KEY, n integer)",
        f"CREATE TRIGGER t BEFORE INSERT ON things FOR EACH ROW SET NEW.id = '{GUID}'",
    )
    connector = mariadb.connect()
    results = write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [1]}))
    assert results[KEY].to_list() == [GUID]


def test_a_stamp_that_the_database_keeps_goes_by_the_clock_in_utc(
    mariadb: Place,
) -> None:
    stamp = "TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"
    mariadb.execute(f"CREATE TABLE things (id integer PRIMARY KEY, n integer, m {stamp})")
    table = Table("things", ("id",), FeedKind.MODIFIED, modified="m")
    connector = mariadb.connect()
    cursor = last_page(connector, table).cursor
    [version] = write(connector, table, ops(connector, table, INSERT, {"n": [1]}, keys=["1"]))["#version"]
    mariadb.execute("UPDATE things SET n = 2")
    [after] = rows_of(connector, table, ["n"], None, cursor)["#version"]
    assert after > version
    # The server's own zone is another one; it must not matter.
    assert abs((datetime.fromisoformat(after).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()) < 3600


def test_odd_names_and_reserved_words_are_quoted(mariadb: Place) -> None:
    mariadb.execute("CREATE TABLE `order by; 100%` (`key` integer PRIMARY KEY, `a ``b`` %s :c` integer)")
    table = Table("order by; 100%", ("key",))
    connector = mariadb.connect()
    assert connector.tables() == ["order by; 100%"]
    name = "a `b` %s :c"
    insert = ops(connector, table, INSERT, {name: [5]}, keys=["1"])
    assert kinds(write(connector, table, insert)) == [None]
    assert rows_of(connector, table, [name])[name].to_list() == [5]


def test_many_large_rows_go_in_packets_that_the_server_takes(mariadb: Place) -> None:
    mariadb.execute("CREATE TABLE things (id integer PRIMARY KEY, t longtext)")
    connector = mariadb.connect()
    texts = [str(number) * 300_000 for number in range(10)] * 10
    insert = ops(connector, THINGS, INSERT, {"t": texts}, keys=[str(number) for number in range(100)])
    assert kinds(write(connector, THINGS, insert)) == [None] * 100
    assert mariadb.query("SELECT count(*), sum(length(t)) FROM things") == [(100, 30_000_000)]


def test_a_table_of_another_database_is_named_with_it(mariadb: Place, make_mariadb_database: Any) -> None:
    other = make_mariadb_database().partition("localhost/")[2].partition("?")[0]
    mariadb.execute(f"CREATE TABLE {other}.things (id integer PRIMARY KEY)")
    assert mariadb.connect().describe(f"{other}.things").key == ("id",)
    assert mariadb.connect(schema=other).tables() == ["things"]


def test_the_identity_names_the_server_and_the_database(mariadb: Place, make_mariadb_database: Any) -> None:
    first, again = mariadb.connect().identity(), mariadb.connect().identity()
    other = connect("crm", {"url": make_mariadb_database().replace("mysql://", "mariadb://")}, mariadb.folder)
    mariadb.opened.append(other)
    assert first == again
    assert first.startswith("mysql:")
    assert other.identity() != first


def test_a_wrong_password_and_an_unknown_database_are_told_apart(
    mariadb: Place, mariadb_server: MariadbServer
) -> None:
    mariadb.execute("CREATE USER 'guest'@'localhost' IDENTIFIED BY 'right'")
    cases: list[tuple[str, type[Exception], str]] = [
        (mariadb.url.replace("root@", "guest:wrong@"), NotAuthorised, "refused the user or the password"),
        (mariadb_server.url("nowhere"), Refused, "no such database"),
    ]
    for url, kind, said in cases:
        connector = connect("crm", {"url": url}, mariadb.folder)
        with pytest.raises(kind, match=said) as found:
            connector.describe("things")
        assert "wrong" not in str(found.value)
        connector.close()
    mariadb.execute("DROP USER 'guest'@'localhost'")


def test_a_user_who_may_only_read_is_told_so(mariadb: Place) -> None:
    mariadb.execute(
        "CREATE TABLE things (id integer PRIMARY KEY, n integer)", "INSERT INTO things VALUES (1, 1)"
    )
    mariadb.execute("CREATE USER 'reader'@'localhost'", "GRANT SELECT ON *.* TO 'reader'@'localhost'")
    connector = connect("crm", {"url": mariadb.url.replace("root@", "reader@")}, mariadb.folder)
    assert rows_of(connector, THINGS, ["n"])["n"].to_list() == [1]
    with pytest.raises(NotAuthorised, match="does not allow this"):
        write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [2]}, keys=["2"]))
    mariadb.execute("SET GLOBAL read_only = 1", "GRANT INSERT, UPDATE ON *.* TO 'reader'@'localhost'")
    connector.close()
    with pytest.raises(NotAuthorised, match="may only be read"):
        write(connector, THINGS, ops(connector, THINGS, INSERT, {"n": [2]}, keys=["2"]))
    mariadb.execute("SET GLOBAL read_only = 0", "DROP USER 'reader'@'localhost'")
    connector.close()


def test_a_url_without_a_database_is_refused(mariadb: Place) -> None:
    with pytest.raises(Refused, match="names no database"):
        connect("crm", {"url": "mariadb://root@localhost"}, mariadb.folder)


def test_a_table_that_went_away_stops_the_run(mariadb: Place) -> None:
    mariadb.execute("CREATE TABLE things (id integer PRIMARY KEY)")
    connector = mariadb.connect()
    connector.describe("things")
    mariadb.execute("DROP TABLE things")
    with pytest.raises(Fatal, match="lacks a table"):
        rows_of(connector, THINGS, ())


def test_a_missing_driver_says_what_to_install(mariadb: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "pymysql"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Refused, match=r"pip install 'twofold\[mysql\]'"):
        connect("crm", {"url": "mariadb://u@localhost/d"}, mariadb.folder)


@pytest.mark.parametrize(
    ("code", "text", "kind", "columns", "constraint"),
    [
        (1213, "Deadlock found when trying to get lock", "conflict", (), None),
        (1205, "Lock wait timeout exceeded", "locked", (), None),
        (2006, "MySQL server has gone away", "unreachable", (), None),
        (2013, "Lost connection to MySQL server during query", "unreachable", (), None),
        (1062, "Duplicate entry 'secret' for key 'things.uk'", "unique", (), "uk"),
        (1062, "Duplicate entry 'secret' for key 'uk'", "unique", (), "uk"),
        (3819, "Check constraint 'positive' is violated.", "check", (), "positive"),
        (4025, "CONSTRAINT `positive` failed for `d`.`things`", "check", (), "positive"),
        (
            1366,
            "Incorrect integer value: 'secret' for column `d`.`things`.`n` at row 1",
            "type",
            ("n",),
            None,
        ),
        (1364, "Field 'n' doesn't have a default value", "not_null", ("n",), None),
    ],
)
def test_what_the_numbers_of_errors_mean_and_no_value_is_repeated(
    code: int, text: str, kind: str, columns: tuple[str, ...], constraint: str | None
) -> None:
    fault = read_fault(RuntimeError(code, text))
    assert (fault.kind, fault.columns, fault.constraint) == (kind, columns, constraint)
    assert "secret" not in fault.text
