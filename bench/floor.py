"""The floor: a plain script that reads rows, inserts them, and inserts couplings; it decides nothing."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

BATCH = 10_000


def main(folder: Path) -> None:
    """Copy every customer of `erp.db` to `floor.db` and note the pairs in `floor-state.db`."""
    source = sqlite3.connect(folder / "erp.db")
    target = sqlite3.connect(folder / "floor.db")
    state = sqlite3.connect(folder / "floor-state.db")
    schema = source.execute("SELECT sql FROM sqlite_master WHERE name = 'customer'").fetchone()[0]
    for connection in (target, state):
        connection.execute("PRAGMA journal_mode=WAL")
    target.execute(schema)
    target.execute("CREATE INDEX customer_modified ON customer (modified_at)")
    state.execute(
        "CREATE TABLE coupling (id INTEGER PRIMARY KEY, mapping INTEGER, left_key TEXT, right_key TEXT, "
        "UNIQUE (mapping, left_key), UNIQUE (mapping, right_key))"
    )
    rows = source.execute("SELECT * FROM customer")
    while batch := rows.fetchmany(BATCH):
        target.executemany(f"INSERT INTO customer VALUES ({','.join('?' * len(batch[0]))})", batch)
        target.commit()
        state.executemany(
            "INSERT INTO coupling (mapping, left_key, right_key) VALUES (1, ?, ?)",
            [(row[0], row[0]) for row in batch],
        )
        state.commit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
