"""What a person may write about a connection, and what is said when it cannot be opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from twofold.connectors.registry import connect as connect_any
from twofold.connectors.sql import connect
from twofold.errors import Fatal, NotAuthorised, Refused, SchemaDrift, Transient, TwofoldError, Unreachable
from twofold.ports import OpKind, Table

from .place import Place, last_page, ops, write

THINGS = Table("things", ("id",))


def refusal(settings: dict[str, Any], folder: Path) -> Refused:
    with pytest.raises(Refused) as found:
        connect("erp", settings, folder)
    return found.value


def trouble(kind: type[TwofoldError], place: Place, **settings: Any) -> str:
    with pytest.raises(kind) as found:
        place.connect(**settings).tables()
    return str(found.value)


def test_a_misspelt_setting_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    said = refusal({"url": "sqlite:///x.db", "shema": "dbo"}, tmp_path)
    assert 'no setting "shema". Did you mean "schema"?' in str(said)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    said = refusal({"timeout": "long", "create": 1, "page_size": 0, "schema": 5}, tmp_path)
    assert len({str(said), *said.problems}) == 5


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("erp.db", "not a database URL"),
        ("postgre://host/db", 'Did you mean "postgres"?'),
        ("oracle://host/db", "not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///gone.db", "create: true"),
        ("sqlite:///.", "a folder"),
        ("sqlite:///gone/gone.db", "not there"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused(url: str, hint: str, tmp_path: Path) -> None:
    assert hint in str(refusal({"url": url}, tmp_path))


def test_a_file_can_be_created_but_not_its_folder(tmp_path: Path) -> None:
    made = connect("erp", {"url": "sqlite:///new.db", "create": True}, tmp_path)
    assert made.tables() == []
    made.close()
    assert (tmp_path / "new.db").exists()
    assert "make that folder" in str(refusal({"url": "sqlite:///no/new.db", "create": True}, tmp_path))


def test_the_registry_finds_the_connector_by_its_kind(sqlite: Place) -> None:
    found = connect_any("erp", {"kind": "sql", "url": sqlite.url}, sqlite.folder)
    assert found.identity() == "sqlite:erp.db"


def test_a_file_outside_the_workspace_is_known_by_its_whole_path(sqlite: Place, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    found = connect("erp", {"url": f"sqlite:///{tmp_path / 'erp.db'}"}, tmp_path / "inner")
    assert found.identity() == f"sqlite:{(tmp_path / 'erp.db').resolve().as_posix()}"
    found.close()


def test_each_postgresql_database_has_an_identity_of_its_own(
    postgresql: Place, postgresql_server: str
) -> None:
    other = connect("other", {"url": postgresql_server}, postgresql.folder)
    here = postgresql.connect().identity()
    assert here.startswith("postgresql:")
    assert here.partition("/")[0] == other.identity().partition("/")[0]
    assert here != other.identity()
    other.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_usual_schemes_of_postgresql_urls_are_the_same(scheme: str, postgresql: Place) -> None:
    postgresql.url = scheme + postgresql.url.removeprefix("postgresql")
    assert postgresql.connect().tables() == []


def test_a_server_that_does_not_answer_is_unreachable_and_the_password_stays_secret(sqlite: Place) -> None:
    sqlite.url = "postgresql://user:s3cret@127.0.0.1:1/erp"
    said = trouble(Unreachable, sqlite, timeout=2)
    assert "does not answer" in said
    assert "s3cret" not in said


def test_an_unknown_user_is_not_authorised(postgresql: Place) -> None:
    postgresql.url = postgresql.url.replace("//postgres:@", "//nobody:s3cret@")
    said = trouble(NotAuthorised, postgresql)
    assert "nobody" in said
    assert "s3cret" not in said


def test_an_unknown_database_is_refused(postgresql: Place) -> None:
    postgresql.url = postgresql.url.replace("/test_", "/no_such_")
    assert "no such database" in trouble(Refused, postgresql)


def test_a_file_that_is_no_database_stops_the_run(sqlite: Place) -> None:
    (sqlite.folder / "erp.db").write_text("not a database at all, but long enough to look at" * 40)
    assert "cannot be read as a database" in trouble(Fatal, sqlite)


def test_a_locked_database_is_tried_again_later(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY)")
    connector = sqlite.connect(timeout=0)
    insert = ops(connector, THINGS, OpKind.INSERT, {}, keys=["a"])
    holder = sqlite3.connect(sqlite.folder / "erp.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient, match="locked by another program"):
        write(connector, THINGS, insert)
    holder.close()
    assert write(connector, THINGS, insert)["#kind"].to_list() == [None]


def test_a_database_that_may_only_be_read_says_so(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY)")
    sqlite.url = "sqlite:///file:erp.db?mode=ro&uri=true"
    connector = sqlite.connect()
    with pytest.raises(NotAuthorised, match="may only be read"):
        write(connector, THINGS, ops(connector, THINGS, OpKind.INSERT, {}, keys=["a"]))


def test_a_right_that_is_missing_is_named(postgresql: Place) -> None:
    postgresql.execute(
        "CREATE TABLE things (id text PRIMARY KEY)", "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN"
    )
    postgresql.url = postgresql.url.replace("//postgres:@", "//reader@")
    with pytest.raises(NotAuthorised, match="permission denied"):
        last_page(postgresql.connect(), THINGS)


def test_a_table_that_went_away_is_drift_of_the_schema(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(40) PRIMARY KEY)")
    connector = place.connect()
    last_page(connector, THINGS)
    place.execute("DROP TABLE things")
    with pytest.raises(SchemaDrift, match="lacks a table or column"):
        last_page(connector, THINGS)


def test_a_field_that_is_not_there_is_drift_of_the_schema(place: Place) -> None:
    place.execute("CREATE TABLE things (id VARCHAR(40) PRIMARY KEY, colour VARCHAR(9))")
    with pytest.raises(SchemaDrift, match=r'Did you mean "colour"\?'):
        next(place.connect().changes(THINGS, ["color"], None, None))


def test_foreign_keys_are_checked_where_the_settings_say_so(sqlite: Place) -> None:
    sqlite.execute("CREATE TABLE things (id TEXT PRIMARY KEY, parent TEXT REFERENCES things (id))")
    for checked, kind in ((False, None), (True, "failed")):
        connector = sqlite.connect(foreign_keys=checked)
        orphan = ops(connector, THINGS, OpKind.INSERT, {"parent": ["nobody"]}, keys=[f"key {checked}"])
        assert write(connector, THINGS, orphan)["#kind"].to_list() == [kind]
