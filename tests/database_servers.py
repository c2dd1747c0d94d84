"""Servers that tests start, stop and start again; it must never touch one that it did not start."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PATIENCE = 60


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
        thrift += ["--innodb-log-file-size=8M", "--innodb-doublewrite=0"]
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

        if not self.socket.exists():
            return False
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
            self.socket.unlink(missing_ok=True)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement as somebody else."""
        return query(str(self.socket), statement)

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"mysql://root@localhost/{database}?unix_socket={self.socket}"


def query(
    socket: str, statement: str, values: Any = None, database: str | None = None
) -> list[tuple[Any, ...]]:
    """Run one statement on a MariaDB as somebody else, in UTC, and return its rows."""
    connection = _connect(socket, database, autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def open_session(url: str) -> Any:
    """A driver connection to a database, which begins a transaction by itself."""
    parts = urlsplit(url)
    socket = parse_qs(parts.query)["unix_socket"][0]
    return _connect(socket, parts.path.strip("/"), autocommit=False)


def _connect(socket: str, database: str | None, *, autocommit: bool) -> Any:
    import pymysql

    return pymysql.connect(
        unix_socket=socket,
        user="root",
        database=database,
        charset="utf8mb4",
        autocommit=autocommit,
        ssl_disabled=True,
        init_command="SET time_zone = '+00:00'",
    )


def _user() -> list[str]:
    # A server refuses to run as the administrator of the machine unless it is told to.
    return ["--user=root"] if os.geteuid() == 0 else []
