"""A real process, killed at random moments and started again, makes no duplicate and misses no row.

`TWOFOLD_KILL_ROWS` and `TWOFOLD_KILLS` ask for more rows and more kills; `TWOFOLD_SEED` for other moments.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twofold.app.context import opened
from twofold.app.definitions import definition
from twofold.app.settings import load
from twofold.app.verify import verify

ROWS = int(os.environ.get("TWOFOLD_KILL_ROWS", "3000"))
KILLS = int(os.environ.get("TWOFOLD_KILLS", "4"))
SEED = int(os.environ.get("TWOFOLD_SEED", "1"))
SCRIPT = Path(__file__).parent / "synchronizer.py"

CONFIGURATION = """
connections:
  erp: {kind: sql, url: "sqlite:///erp.db"}
  crm: {kind: sql, url: "sqlite:///crm.db"}
mappings:
  CUSTOMER:
    left: {connection: erp, table: customer, key: id, modified: modified_at}
    right: {connection: crm, table: account, key: id, modified: modified_at}
    synch_only_coupled_records: false
    fields:
      - {left: number, right: number}
      - {left: name, right: name}
      - {left: city, right: city}
      - {left: credit_limit, right: credit_limit, direction: to_right}
"""
KEYS = {"uuid": "id TEXT PRIMARY KEY", "made by the database": "id INTEGER PRIMARY KEY AUTOINCREMENT"}
REST = "number TEXT NOT NULL, name TEXT, city TEXT, credit_limit INTEGER, modified_at TEXT"


@pytest.fixture(params=list(KEYS))
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace with rows on both sides, none of them coupled."""
    for name, table, start in (("erp", "customer", 0), ("crm", "account", ROWS)):
        with sqlite3.connect(tmp_path / f"{name}.db") as database:
            database.execute(f"CREATE TABLE {table} ({KEYS[request.param]}, {REST})")
            given = request.param == "uuid"
            names = f"{'id, ' if given else ''}number, name, city, credit_limit, modified_at"
            places = ", ".join("?" * (6 if given else 5))
            rows = [_row(number, given=given) for number in range(start, start + ROWS // 2)]
            database.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)
        database.close()
    _configure(tmp_path)
    return tmp_path


def _row(number: int, *, given: bool) -> tuple[object, ...]:
    key = (f"00000000-0000-4000-8000-{number:012d}",) if given else ()
    stamp = "2026-01-01T00:00:00.000000Z"
    # Many records are alike but for their number, as real ones are.
    return (*key, f"N{number}", f"Name {number // 7}", f"City {number % 11}", number % 100, stamp)


def _configure(workspace: Path) -> None:
    with opened(workspace, create=True) as context:
        new = load(CONFIGURATION)
        mappings = {name: definition(mapping) for name, mapping in new.mappings.items()}
        context.store.configuration.save(new.connections, mappings)


def _start(workspace: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(SCRIPT), str(workspace)])


def _kill_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process was still at work when it was killed."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def _numbers(workspace: Path, name: str, table: str) -> list[str]:
    database = sqlite3.connect(workspace / f"{name}.db")
    found = [row[0] for row in database.execute(f"SELECT number FROM {table} ORDER BY number")]
    database.close()
    return found


def _edit_some(workspace: Path, dice: random.Random) -> None:
    """A person works on, between the kills."""
    database = sqlite3.connect(workspace / "erp.db", timeout=30)
    chosen = dice.randrange(ROWS // 2)
    with database:
        database.execute(
            "UPDATE customer SET city = ?, modified_at = ? WHERE number = ?",
            [f"Moved {dice.random()}", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", f"N{chosen}"],
        )
    database.close()


@pytest.mark.slow
def test_a_process_killed_again_and_again_makes_no_duplicate_and_misses_nothing(workspace: Path) -> None:
    dice = random.Random(SEED)
    kills, whole = 0, 0.0
    for attempt in range(KILLS * 3):
        begun = time.monotonic()
        killed = _kill_after(_start(workspace), dice.uniform(0.7, 3.0 + ROWS / 5000) if attempt else 1.2)
        whole += time.monotonic() - begun
        kills += killed
        _edit_some(workspace, dice)
        if kills >= KILLS:
            break
    assert kills > 0
    # The second one corrects one-way fields of the records that the first one made.
    assert [_start(workspace).wait() for _ in range(2)] == [0, 0]
    _check(workspace)
    before = (workspace / "crm.db").read_bytes()
    assert _start(workspace).wait() == 0
    assert (workspace / "crm.db").read_bytes() == before, "an idle run wrote something"
    print(f"{ROWS} rows, {kills} kills, {whole:.0f} s of broken runs")  # noqa: T201 - the figures of a long run


def _check(workspace: Path) -> None:
    numbers = sorted(f"N{n}" for start in (0, ROWS) for n in range(start, start + ROWS // 2))
    assert _numbers(workspace, "erp", "customer") == numbers
    assert _numbers(workspace, "crm", "account") == numbers
    with opened(workspace) as context:
        (found,) = verify(context, ())
        assert (found.pairs, found.found, found.open_entries) == (len(numbers), 0, 0), found.findings[:3]
        assert (found.uncoupled_left, found.uncoupled_right) == (0, 0)
