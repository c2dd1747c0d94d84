"""What triggers and defaults make of a written row is known at once, and is no edit in the next run."""

from __future__ import annotations

from pathlib import Path

import pytest

from .place import Place
from .workspace import configure, connection, counted, synchronized, verified

COLUMNS = "number VARCHAR(20) NOT NULL, name VARCHAR(80), state VARCHAR(20) DEFAULT 'new'"
TRIGGERS = {
    "sqlite": [
        (
            "CREATE TRIGGER a AFTER INSERT ON account BEGIN "
            "UPDATE account SET name = upper(name) WHERE id = new.id; END"
        ),
        (
            "CREATE TRIGGER b AFTER UPDATE OF name ON account BEGIN "
            "UPDATE account SET name = upper(name) WHERE id = new.id; END"
        ),
    ],
    "postgresql": [
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$"
        ),
        "CREATE TRIGGER a BEFORE INSERT OR UPDATE ON account FOR EACH ROW EXECUTE FUNCTION f()",
    ],
    "mariadb": [
        "CREATE TRIGGER a BEFORE INSERT ON account FOR EACH ROW SET NEW.name = UPPER(NEW.name)",
        "CREATE TRIGGER b BEFORE UPDATE ON account FOR EACH ROW SET NEW.name = UPPER(NEW.name)",
    ],
}
STAMP = {
    "sqlite": "TIMESTAMP",
    "postgresql": "timestamptz",
    "mariadb": "TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
}


@pytest.fixture(params=["snapshot", "modified"])
def folder(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Path:
    """Customers in one SQLite file; accounts, in upper case and with a state, in the database at hand."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "erp.db").touch()
    own = Place("sqlite", "sqlite:///erp.db", tmp_path / "own")
    own.execute(
        f"CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, {COLUMNS}, m TEXT)",
        "INSERT INTO customer (number, name, state, m) VALUES ('1', 'Ann', NULL, '2026-01-01T00:00:00Z')",
        "INSERT INTO customer (number, name, state, m) VALUES ('2', 'Bob', 'old', '2026-01-01T00:00:00Z')",
    )
    identity = {
        "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "postgresql": "serial PRIMARY KEY",
        "mariadb": "integer AUTO_INCREMENT PRIMARY KEY",
    }[place.kind]
    place.execute(f"CREATE TABLE account (id {identity}, {COLUMNS}, m {STAMP[place.kind]})")
    place.execute(*TRIGGERS[place.kind])
    stamped = {"modified": "m"} if request.param == "modified" else {}
    configure(
        tmp_path,
        {"erp": {"kind": "sql", "url": "sqlite:///own/erp.db"}, "crm": connection(place)},
        {
            "CUSTOMER": {
                "left": {"connection": "erp", "table": "customer", "key": "id", **stamped},
                "right": {"connection": "crm", "table": "account", "key": "id", **stamped},
                "synch_only_coupled_records": False,
                "fields": [{"left": name, "right": name} for name in ("number", "name")],
            }
        },
    )
    return tmp_path


def test_what_a_trigger_rewrites_is_no_edit_in_the_next_run(folder: Path, place: Place) -> None:
    own = Place("sqlite", "sqlite:///erp.db", folder / "own")
    first = synchronized(folder)
    assert (first.exit_code, counted(first, "inserted")) == (0, 2)
    assert place.query("SELECT name, state FROM account ORDER BY number") == [("ANN", "new"), ("BOB", "new")]
    for _ in range(2):
        idle = synchronized(folder)
        assert [counted(idle, name) for name in ("inserted", "modified", "failed")] == [0, 0, 0]
    assert own.query("SELECT name FROM customer ORDER BY number") == [("Ann",), ("Bob",)]
    own.execute("UPDATE customer SET name = 'Anna', m = '2099-01-01T00:00:00Z' WHERE number = '1'")
    assert counted(synchronized(folder), "modified") == 1
    assert counted(synchronized(folder), "modified") == 0
    assert place.query("SELECT name FROM account ORDER BY number") == [("ANNA",), ("BOB",)]
    assert own.query("SELECT name FROM customer ORDER BY number") == [("Anna",), ("Bob",)]


def test_a_real_edit_of_a_rewritten_record_still_flows_back(folder: Path, place: Place) -> None:
    own = Place("sqlite", "sqlite:///erp.db", folder / "own")
    synchronized(folder)
    place.execute("UPDATE account SET name = 'Carl', m = '2030-01-01 00:00:00' WHERE number = '2'")
    assert counted(synchronized(folder), "modified") == 1
    assert own.query("SELECT name FROM customer ORDER BY number") == [("Ann",), ("CARL",)]
    assert counted(synchronized(folder), "modified") == 0
    assert verified(folder)[0].open_entries == 0
