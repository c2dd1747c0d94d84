"""A workspace between two small SQLite databases, and a person who types commands there."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from twofold.cli.main import main

CONFIGURATION = """\
connections:
  erp: {kind: sql, url: "sqlite:///erp.db"}
  crm: {kind: sql, url: "sqlite:///crm.db"}

mappings:
  CURRENCY:
    left: {connection: erp, table: currency, key: code}
    right: {connection: crm, table: currency, key: code}
    direction: to_right
    synch_only_coupled_records: false
    match: code
    fields:
      - {left: code, right: code}
      - {left: name, right: name}

  CUSTOMER:
    left: {connection: erp, table: customer, key: number}
    right: {connection: crm, table: account, key: id}
    direction: both
    match: [[number]]
    fields:
      - {left: number, right: number, direction: to_right}
      - {left: name, right: name}
      - {left: city, right: city}
      - {left: currency, right: currency, lookup: CURRENCY}
"""

TABLES = {
    "erp": """
        CREATE TABLE currency (code TEXT PRIMARY KEY, name TEXT);
        CREATE TABLE customer (number TEXT PRIMARY KEY, name TEXT, city TEXT, currency TEXT);
        INSERT INTO currency VALUES ('EUR', 'Euro'), ('DKK', 'Danish krone');
        INSERT INTO customer VALUES ('10000', 'Adatum', 'Aalborg', 'EUR'), ('20000', 'Trey', 'Odense', 'DKK'),
            ('30000', 'School', 'Vejle', NULL);
    """,
    "crm": """
        CREATE TABLE currency (code TEXT PRIMARY KEY, name TEXT);
        CREATE TABLE account (id TEXT PRIMARY KEY, number TEXT, name TEXT, city TEXT, currency TEXT);
    """,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: its exit code and what stood on both outputs."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class Desk:
    """A person at a terminal that is none: what they type runs in this process."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def run(self, *arguments: str) -> Outcome:
        """Type a command in this workspace."""
        return self.run_anywhere(*arguments, "--workspace", str(self.folder))

    def run_anywhere(self, *arguments: str) -> Outcome:
        """Type a command without naming the workspace."""
        self._capture.readouterr()
        code = main(arguments)
        captured = self._capture.readouterr()
        return Outcome(code, captured.out, captured.err)

    def json(self, *arguments: str) -> Any:
        """The document of a command."""
        return self.run(*arguments, "--json").document

    def configure(self, text: str = CONFIGURATION) -> Outcome:
        """Write the configuration and apply it."""
        (self.folder / "twofold.yaml").write_text(text, encoding="utf-8")
        return self.run("apply", "--yes")

    def change(self, system: str, statement: str, *values: str) -> None:
        """Do something in one of the systems."""
        with closing(sqlite3.connect(self.folder / f"{system}.db")) as connection, connection:
            connection.execute(statement, values)

    def ask(self, system: str, query: str) -> list[tuple[Any, ...]]:
        """Look into one of the systems."""
        with closing(sqlite3.connect(self.folder / f"{system}.db")) as connection:
            return connection.execute(query).fetchall()

    def account(self, number: str) -> str:
        """The key of the account with this number."""
        return str(self.ask("crm", f"SELECT id FROM account WHERE number = '{number}'")[0][0])


def make_tables(folder: Path) -> None:
    """Both systems, as they are before anything is synchronized."""
    for name, statements in TABLES.items():
        with closing(sqlite3.connect(folder / f"{name}.db")) as connection:
            connection.executescript(statements)


def disturb(desk: Desk) -> None:
    """A conflict in a name, a deletion on the right, a blanked city on the right."""
    desk.change("erp", "UPDATE customer SET name = 'Adatum A/S', city = 'Skagen' WHERE number = '10000'")
    desk.change("crm", "UPDATE account SET name = 'Adatum Ltd' WHERE number = '10000'")
    desk.change("crm", "UPDATE account SET city = NULL WHERE number = '30000'")
    desk.change("crm", "DELETE FROM account WHERE number = '20000'")


def command_line(*arguments: str) -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-m", "twofold", *arguments]


def run_process(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> Outcome:
    """Run the command as a process of its own, in a pipe."""
    done = subprocess.run(
        command_line(*arguments),
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")
_TOOK = re.compile(r"\d\.\d s")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def _noon(found: re.Match[str]) -> str:
    return "2026-01-01 12:00:00"[: len(found[0])]


def steady(text: str, folder: Path) -> str:
    """The text without what differs from run to run, in the same width."""
    seen: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"{len(seen) + 1:08d}-0000-7000-8000-000000000000")

    text = text.replace(str(folder), "WORKSPACE")
    text = _UUID.sub(number, _TOOK.sub("0.0 s", _MOMENT.sub(_noon, text)))
    return "\n".join(line.rstrip() for line in text.splitlines())


def transcript(desk: Desk, commands: Sequence[Sequence[str]]) -> str:
    """The commands with what they answered, as in a terminal; standard error is marked with a bar."""
    parts = []
    for arguments in commands:
        done = desk.run(*arguments)
        errors = "".join(f"| {line}\n" for line in done.err.splitlines())
        parts.append(f"$ twofold {' '.join(arguments)}\n{done.out}{errors}(exit {done.code})\n")
    return steady("\n".join(parts), desk.folder) + "\n"
