"""A workspace between two small SQLite databases, where somebody does something wrong."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from twofold.cli.main import main

CONFIGURATION = """\
connections:
  erp: {kind: sql, url: "sqlite:///erp.db"}
  crm: {kind: sql, url: "sqlite:///crm.db", timeout: 0}

mappings:
  CURRENCY:
    left: {connection: erp, table: currency, key: code}
    right: {connection: crm, table: currency, key: code}
    direction: to_right
    match: code
    fields:
      - {left: code, right: code}
      - {left: name, right: name}

  CUSTOMER:
    left: {connection: erp, table: customer, key: number}
    right: {connection: crm, table: account, key: id}
    direction: both
    match: number
    fields:
      - {left: number, right: number, direction: to_right}
      - {left: name, right: name}
      - {left: city, right: city}
      - {left: currency, right: currency, lookup: CURRENCY}

  VISIT:
    left: {connection: erp, table: visit, key: [customer, day]}
    right: {connection: crm, table: visit, key: [customer, day]}
    direction: to_right
    fields:
      - {left: customer, right: customer}
      - {left: day, right: day}
"""

VISITS = "CREATE TABLE visit (customer TEXT, day DATE, PRIMARY KEY (customer, day))"
TABLES = {
    "erp": f"""
        CREATE TABLE currency (code TEXT PRIMARY KEY, name TEXT);
        CREATE TABLE customer (number TEXT PRIMARY KEY, name TEXT, city TEXT, currency TEXT, since DATE);
        {VISITS};
        INSERT INTO currency VALUES ('EUR', 'Euro'), ('DKK', 'Danish krone');
        INSERT INTO customer VALUES ('10000', 'Adatum', 'Aalborg', 'EUR', '2020-01-31'),
            ('20000', 'Trey', 'Odense', 'DKK', NULL);
        INSERT INTO visit VALUES ('10000', '2026-01-15');
    """,
    "crm": f"""
        CREATE TABLE currency (code TEXT PRIMARY KEY, name TEXT);
        CREATE TABLE account (id TEXT PRIMARY KEY, number TEXT, name VARCHAR(20), city TEXT, currency TEXT,
            active BOOLEAN);
        {VISITS};
    """,
}

SYSTEMS = ("erp.db", "crm.db")
SERVED = tuple(f"SELECT * FROM {table} ORDER BY 1".encode() for table in ("currency", "account", "visit"))
STATE = "twofold.db"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: its exit code and what stood on both outputs."""

    code: int
    out: str
    err: str


Run = Callable[["Place", Sequence[str]], Outcome]


@dataclass
class Place:
    """The workspace of one case; `server` is where the other system moved to, if it did."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    request: pytest.FixtureRequest
    stack: ExitStack = field(default_factory=ExitStack)
    server: str | None = None

    def file(self, name: str) -> Path:
        """A file of the workspace."""
        return self.folder / name

    def write(self, text: str | bytes, name: str = "twofold.yaml") -> None:
        """Write a file of the workspace."""
        self.file(name).write_bytes(text.encode() if isinstance(text, str) else text)

    def sql(self, database: str, *statements: str) -> None:
        """Do something in one of the databases."""
        with closing(sqlite3.connect(self.file(f"{database}.db"))) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """Look into one of the databases."""
        with closing(sqlite3.connect(self.file(f"{database}.db"))) as connection:
            return connection.execute(query).fetchall()

    def apply(self, text: str) -> None:
        """Put another configuration into effect, as part of what happened before."""
        self.write(text)
        done = in_process(self, ("apply", "--yes"))
        assert done.code == 0, done.err

    def hold(self, held: AbstractContextManager[Any]) -> Any:
        """Hold something until the case is over."""
        return self.stack.enter_context(held)

    def setenv(self, name: str, value: str) -> None:
        """Set an environment variable until the case is over."""
        patch = pytest.MonkeyPatch()
        patch.setenv(name, value)
        self.stack.callback(patch.undo)


def in_process(place: Place, arguments: Sequence[str]) -> Outcome:
    """Type the command here."""
    place.capture.readouterr()
    code = main([*arguments, "--workspace", str(place.folder)])
    captured = place.capture.readouterr()
    return Outcome(code, captured.out, captured.err)


def in_shell(place: Place, command: Sequence[str]) -> Outcome:
    """Run any command in the workspace."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command,
        cwd=place.folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def program(*arguments: str) -> list[str]:
    """The command line as a process of its own."""
    return [sys.executable, "-m", "twofold", *arguments]


# -- before and after --------------------------------------------------------------------------------------

KEPT = {
    "configuration": "SELECT name, position, definition, identity FROM store_connection ORDER BY name",
    "mappings": "SELECT name, position, definition, removed FROM store_mapping ORDER BY name",
    "document": "SELECT text FROM store_document",
    "couplings": "SELECT id, left_key, right_key, hex(left_base), hex(right_base) FROM store_coupling "
    "WHERE state = 'coupled' ORDER BY id",
    "reserved": "SELECT id, left_key, right_key, state FROM store_coupling WHERE state <> 'coupled'",
    "cursors": "SELECT * FROM store_bookmark ORDER BY 1",
}
"""What of the state no refusal may change; jobs and the errors list may tell of it."""


def seen(place: Place, *, left_out: Sequence[str] = ()) -> dict[str, Any]:
    """Both systems byte by byte, and what the state keeps, without what is `left_out`."""
    found: dict[str, Any] = {name: _bytes(place.file(name)) for name in SYSTEMS}
    if place.server is not None:
        with psycopg.connect(place.server) as connection:
            found["server"] = [connection.execute(query).fetchall() for query in SERVED]
    kept = {name: query for name, query in KEPT.items() if name not in left_out}
    return found | {name: _rows(place.file(STATE), query) for name, query in kept.items()}


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _rows(path: Path, query: str) -> list[tuple[Any, ...]] | bytes | None:
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return path.read_bytes()


_SOCKET = re.compile(r'"[^"]*/\.s\.PGSQL\.\d+"')
_HOST = re.compile(r"@/[^ ]*/(?=crm\b)")
_DATABASE = re.compile(r"\b(?:test|tset)_\d+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def steady(text: str, place: Place) -> str:
    """The text without what differs from run to run."""
    text = _UUID.sub("0190c2f4", text.replace(str(place.folder), "WORKSPACE"))
    text = _HOST.sub("@HOST/", _SOCKET.sub('"SOCKET"', _DATABASE.sub("crm", text)))
    return "\n".join(line.rstrip() for line in text.splitlines())


def one_document(text: str) -> Any:
    """The only JSON document in a text; fails if there is another, or none."""
    return json.loads(text)
