"""Makes the two databases and the workspace that the figures are measured on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FIELDS = ("number", "name", "address", "city", "country", "phone", "email", "credit_limit", "active")
COLUMNS = (
    "id TEXT PRIMARY KEY, number TEXT, name TEXT, address TEXT, city TEXT, country TEXT, phone TEXT, "
    "email TEXT, credit_limit NUMERIC(12,2), active BOOLEAN, modified_at TIMESTAMP"
)
STAMP = "2026-01-01T00:00:00.000000Z"
LATER = "2026-01-02T00:00:00.000000Z"
_PAIRS = "".join(f"      - {{left: {name}, right: {name}}}\n" for name in FIELDS)
CONFIGURATION = f"""\
connections:
  erp: {{kind: sql, url: "sqlite:///erp.db"}}
  crm: {{kind: sql, url: "sqlite:///crm.db"}}
mappings:
  CUSTOMER:
    left: {{connection: erp, table: customer, key: id, modified: modified_at}}
    right: {{connection: crm, table: account, key: id, modified: modified_at}}
    synch_only_coupled_records: false
    fields:
{_PAIRS}"""


def make_workspace(folder: Path, rows: int) -> None:
    """An ERP of `rows` customers, an empty CRM, and the configuration between them."""
    folder.mkdir(parents=True)
    (folder / "twofold.yaml").write_text(CONFIGURATION)
    with closing(sqlite3.connect(folder / "erp.db")) as erp, erp:
        erp.execute("PRAGMA journal_mode=WAL")
        erp.execute(f"CREATE TABLE customer ({COLUMNS})")
        erp.execute("CREATE INDEX customer_modified ON customer (modified_at)")
        erp.executemany(
            f"INSERT INTO customer VALUES ({','.join('?' * 11)})", (_row(number) for number in range(rows))
        )
    with closing(sqlite3.connect(folder / "crm.db")) as crm, crm:
        crm.execute("PRAGMA journal_mode=WAL")
        crm.execute(f"CREATE TABLE account ({COLUMNS})")
        crm.execute("CREATE INDEX account_modified ON account (modified_at)")


def _row(number: int) -> tuple[object, ...]:
    return (
        f"{number:08x}-0000-7000-8000-{number:012x}",
        f"C{number:07d}",
        f"Customer number {number} Limited",
        f"{number % 997} High Street",
        f"City {number % 1000}",
        "GB" if number % 3 else "DK",
        f"+44 20 {number:08d}",
        f"customer{number}@example.com",
        number % 100_000 / 100,
        number % 2,
        STAMP,
    )


def edit(database: Path, table: str, share: int, offset: int, stamp: str) -> None:
    """Change the name of one row in `share`, beginning with `offset`, as a person at that system would."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            f"UPDATE {table} SET name = name || ' *', modified_at = ? WHERE rowid % {share} = {offset}",
            (stamp,),
        )


def age(folder: Path) -> None:
    """Let time pass, so that the overlap of the next run holds few rows, as on any other day."""
    for name, table in (("erp.db", "customer"), ("crm.db", "account")):
        with closing(sqlite3.connect(folder / name)) as connection, connection:
            connection.execute(f"UPDATE {table} SET modified_at = ?", (STAMP,))
            connection.execute(f"UPDATE {table} SET modified_at = ? WHERE rowid % 1000 = 1", (LATER,))
