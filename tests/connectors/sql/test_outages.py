"""A server that goes away, a connection that is cut, a deadlock: nothing is lost and nothing comes twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.database_servers import MariadbServer, open_session
from twofold.ports import OpKind, Table

from .place import Place, ops, rows_of, write
from .workspace import Watching, configure, connection, counted, synchronized, verified

ROWS = 45
SENTENCE = 'The database of connection "crm"'
BLOCKED = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    "mariadb": "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}


@dataclass
class Server:
    """A database of a server that can be stopped, and started again."""

    place: Place
    stop: Callable[[], object]
    start: Callable[[], object]

    @contextmanager
    def locked(self, statement: str) -> Iterator[Any]:
        """Another session in whose transaction the statement stays open."""
        if self.place.kind == "postgresql":
            with psycopg.connect(self.place.url) as session, session.cursor() as cursor:
                cursor.execute(statement.encode())
                yield cursor
            return
        with closing(open_session(self.place.url)) as session, session.cursor() as cursor:
            cursor.execute(statement)
            yield cursor

    def kill_blocked(self) -> None:
        """Cut the connection that waits for a lock, as soon as there is one."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for (session,) in self.place.query(BLOCKED[self.place.kind]):
                self.place.query(KILL[self.place.kind].format(session))
                return
            time.sleep(0.2)  # MariaDB looks again only where nobody asked for a tenth of a second

    def wait_for_blocked(self) -> None:
        """Return as soon as somebody waits for a lock."""
        deadline = time.monotonic() + 30
        while not self.place.query(BLOCKED[self.place.kind]) and time.monotonic() < deadline:
            time.sleep(0.2)  # MariaDB looks again only where nobody asked for a tenth of a second


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    place: Place = request.getfixturevalue(request.param)
    if request.param == "postgresql":
        process = request.getfixturevalue("postgresql_process")
        return Server(place, process.stop, process.start)
    mariadb: MariadbServer = request.getfixturevalue("mariadb_server")
    return Server(place, lambda: mariadb.stop(kill=True), mariadb.start)


@pytest.fixture
def workspace(server: Server, sqlite: Place) -> Path:
    """Customers in SQLite, none of them in the server's table yet."""
    columns = "number VARCHAR(20) NOT NULL, name VARCHAR(80)"
    kind = {"postgresql": "serial", "mariadb": "integer AUTO_INCREMENT"}[server.place.kind]
    sqlite.execute(f"CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns}, m TEXT)")
    server.place.execute(f"CREATE TABLE account (id {kind} PRIMARY KEY, {columns}, m TIMESTAMP(6) NULL)")
    rows = ", ".join(f"('N{number}', 'Name {number}', '2026-01-01T00:00:00Z')" for number in range(ROWS))
    sqlite.execute(f"INSERT INTO customer (number, name, m) VALUES {rows}")
    configure(
        sqlite.folder,
        {"erp": connection(sqlite), "crm": connection(server.place, timeout=5)},
        {
            "CUSTOMER": {
                "left": {"connection": "erp", "table": "customer", "key": "id", "modified": "m"},
                "right": {"connection": "crm", "table": "account", "key": "id", "modified": "m"},
                "synch_only_coupled_records": False,
                "match": [["number"]],
                "fields": [{"left": name, "right": name} for name in ("number", "name")],
            }
        },
    )
    return sqlite.folder


def check(workspace: Path, server: Server) -> None:
    """Every record is there once, both sides agree, and a further run finds nothing to do."""
    numbers = sorted(row[0] for row in server.place.query("SELECT number FROM account"))
    assert numbers == sorted(f"N{number}" for number in range(ROWS))
    [found] = verified(workspace)
    assert (found.pairs, found.found, found.open_entries) == (ROWS, 0, 0), found.findings[:3]
    idle = synchronized(workspace)
    assert [counted(idle, name) for name in ("inserted", "modified", "failed")] == [0, 0, 0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_stops_in_mid_run_breaks_it_off_and_the_next_run_goes_on(
    workspace: Path, server: Server
) -> None:
    try:
        broken = synchronized(workspace, Watching(server.stop))
    finally:
        server.start()
    assert broken.exit_code == 3
    assert SENTENCE in broken.broken[0]
    assert "does not answer" in broken.broken[0]
    assert synchronized(workspace).exit_code == 0
    check(workspace, server)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_restarts_between_two_statements_is_not_even_noticed(
    workspace: Path, server: Server
) -> None:
    def restart() -> None:
        server.stop()
        server.start()

    assert synchronized(workspace, Watching(restart)).exit_code == 0
    check(workspace, server)


def test_a_connection_cut_in_the_middle_of_a_transaction_loses_nothing(
    workspace: Path, server: Server, sqlite: Place
) -> None:
    assert synchronized(workspace).exit_code == 0
    sqlite.execute("UPDATE customer SET name = name || '!', m = '2099-01-01T00:00:00Z'")
    with server.locked("UPDATE account SET m = m WHERE number = 'N7'") as other:
        killer = threading.Thread(target=server.kill_blocked)
        killer.start()
        broken = synchronized(workspace)
        killer.join()
        other.execute("ROLLBACK")
    assert broken.exit_code == 3
    assert SENTENCE in broken.broken[0]
    assert synchronized(workspace).exit_code == 0
    names = {row[0] for row in server.place.query("SELECT name FROM account")}
    assert names == {f"Name {number}!" for number in range(ROWS)}
    check(workspace, server)


def test_a_deadlock_is_tried_again(server: Server) -> None:
    server.place.execute(
        "CREATE TABLE things (id integer PRIMARY KEY, n integer)", "INSERT INTO things VALUES (1, 0), (2, 0)"
    )
    table = Table("things", ("id",))
    connector = server.place.connect(timeout=20)
    found: list[Any] = []
    update = ops(connector, table, OpKind.UPDATE, {"n": [5, 5]}, keys=["1", "2"])
    with server.locked("UPDATE things SET n = 1 WHERE id = 2") as other:
        writer = threading.Thread(target=lambda: found.append(write(connector, table, update)))
        writer.start()
        server.wait_for_blocked()
        # The database chooses which of the two must give up.
        with suppress(psycopg.errors.DeadlockDetected, pymysql.err.OperationalError):
            other.execute("UPDATE things SET n = 1 WHERE id = 1")
        other.execute("COMMIT")
        writer.join()
    assert found[0]["#kind"].to_list() == [None, None]
    assert rows_of(connector, table, ["n"])["n"].to_list() == [5, 5]


def test_conflicts_that_pass_are_tried_again_within_the_run(workspace: Path, server: Server) -> None:
    server.place.execute("CREATE SEQUENCE tries")
    if server.place.kind == "mariadb":
        server.place.execute(
            "CREATE TRIGGER t BEFORE INSERT ON account FOR EACH ROW IF NEXTVAL(tries) <= 2 THEN "
            "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'; END IF"
        )
    else:
        server.place.execute(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF nextval('tries') <= 2 THEN RAISE SQLSTATE '40001'; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER t BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION f()",
        )
    assert synchronized(workspace).exit_code == 0
    check(workspace, server)
