"""The demo's two databases, an ERP and a CRM in SQLite; it must never synchronize them.

A trigger keeps each table's stamp, so that an edit by hand needs no more than the edit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from twofold.app.demo_data import Records
from twofold.app.demo_sample import Row

ERP, CRM = "erp.db", "crm.db"
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

ERP_TABLES: dict[str, tuple[str, ...]] = {
    "currency": ("id UUID PRIMARY KEY", "code VARCHAR(10) NOT NULL UNIQUE", "description VARCHAR(60)"),
    "salesperson": (
        "id UUID PRIMARY KEY",
        "code VARCHAR(20) NOT NULL UNIQUE",
        "name VARCHAR(50)",
        "email VARCHAR(80)",
        "phone VARCHAR(30)",
    ),
    "customer": (
        "id UUID PRIMARY KEY",
        "number VARCHAR(20) NOT NULL UNIQUE",
        "name VARCHAR(100) NOT NULL",
        "email VARCHAR(80)",
        "phone VARCHAR(30)",
        "home_page VARCHAR(255)",
        "address VARCHAR(100)",
        "city VARCHAR(50)",
        "post_code VARCHAR(20)",
        "country VARCHAR(10)",
        "payment_terms VARCHAR(10)",
        "credit_limit DECIMAL(18,2)",
        "currency_code VARCHAR(10)",
        "salesperson_code VARCHAR(20)",
        "primary_contact_id UUID",
        "posting_group VARCHAR(20)",
        "blocked VARCHAR(10) NOT NULL DEFAULT ''",
    ),
    "vendor": (
        "id UUID PRIMARY KEY",
        "number VARCHAR(20) NOT NULL UNIQUE",
        "name VARCHAR(100) NOT NULL",
        "email VARCHAR(80)",
        "phone VARCHAR(30)",
        "home_page VARCHAR(255)",
        "address VARCHAR(100)",
        "city VARCHAR(50)",
        "post_code VARCHAR(20)",
        "country VARCHAR(10)",
        "payment_terms VARCHAR(10)",
        "currency_code VARCHAR(10)",
        "purchaser_code VARCHAR(20)",
        "blocked VARCHAR(10) NOT NULL DEFAULT ''",
    ),
    "contact": (
        "id UUID PRIMARY KEY",
        "first_name VARCHAR(50)",
        "surname VARCHAR(50)",
        "email VARCHAR(100)",
        "phone VARCHAR(30)",
        "mobile VARCHAR(30)",
        "job_title VARCHAR(100)",
        "customer_id UUID",
        "privacy_blocked BOOLEAN NOT NULL DEFAULT 0",
    ),
}

CRM_TABLES: dict[str, tuple[str, ...]] = {
    "transactioncurrency": (
        "transactioncurrencyid UUID PRIMARY KEY",
        "isocurrencycode VARCHAR(5)",
        "currencyname VARCHAR(100)",
    ),
    "systemuser": (
        "systemuserid UUID PRIMARY KEY",
        "employeeid VARCHAR(100)",
        "fullname VARCHAR(200)",
        "internalemailaddress VARCHAR(100)",
        "mobilephone VARCHAR(64)",
        "isdisabled BOOLEAN NOT NULL DEFAULT 0",
    ),
    "account": (
        "accountid UUID PRIMARY KEY",
        "accountnumber VARCHAR(20)",
        "name VARCHAR(160)",
        "emailaddress1 VARCHAR(100)",
        "telephone1 VARCHAR(50)",
        "websiteurl VARCHAR(200)",
        "address1_line1 VARCHAR(250)",
        "address1_city VARCHAR(80)",
        "address1_postalcode VARCHAR(20)",
        "address1_country VARCHAR(80)",
        "paymenttermscode INTEGER",
        "creditlimit DECIMAL(18,2)",
        "transactioncurrencyid UUID",
        "ownerid UUID",
        "primarycontactid UUID",
        "customertypecode INTEGER",
        "preferredcontactmethodcode INTEGER",
        "statecode INTEGER NOT NULL DEFAULT 0",
    ),
    "contact": (
        "contactid UUID PRIMARY KEY",
        "firstname VARCHAR(50)",
        "lastname VARCHAR(50)",
        "emailaddress1 VARCHAR(100)",
        "telephone1 VARCHAR(50)",
        "mobilephone VARCHAR(50)",
        "jobtitle VARCHAR(100)",
        "parentcustomerid UUID",
        "statecode INTEGER NOT NULL DEFAULT 0",
    ),
}


def create_systems(folder: Path, records: Records) -> None:
    """Make both databases in `folder`, filled."""
    _create(folder / ERP, ERP_TABLES, "modified_at", records.erp)
    _create(folder / CRM, CRM_TABLES, "modifiedon", records.crm)


def _create(
    path: Path, tables: Mapping[str, Sequence[str]], stamp: str, rows: Mapping[str, Sequence[Row]]
) -> None:
    with database(path) as connection:
        for table, columns in tables.items():
            stamped = (*columns, f"{stamp} DATETIME NOT NULL DEFAULT ({_NOW})")
            connection.execute(f"CREATE TABLE {table} ({', '.join(stamped)})")
            _insert(connection, table, rows[table])
            connection.execute(_trigger(table, columns[0].partition(" ")[0], stamp))


def _trigger(table: str, key: str, stamp: str) -> str:
    """Stamps an edited row, unless the editor did so."""
    update = f"UPDATE {table} SET {stamp} = {_NOW} WHERE {key} = NEW.{key}"  # noqa: S608 - our own names
    unstamped = f"WHEN NEW.{stamp} IS OLD.{stamp}"
    return f"CREATE TRIGGER {table}_stamped AFTER UPDATE ON {table} {unstamped} BEGIN {update}; END"


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    places = ", ".join("?" for _ in names)
    # Tables and columns are constants of this demo.
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608
    connection.executemany(statement, [[row.get(name) for name in names] for row in rows])


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """The database at `path`, as a person's own program would open it; committed at the end."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        with connection:
            yield connection


def ask(path: Path, statement: str, *values: Any) -> list[dict[str, Any]]:
    """The rows that a query gives."""
    with database(path) as connection:
        return [dict(row) for row in connection.execute(statement, values)]


def count_rows(folder: Path) -> dict[str, dict[str, int]]:
    """How many rows each table holds, by database."""
    return {
        name: {
            table: int(ask(folder / name, f"SELECT count(*) AS rows FROM {table}")[0]["rows"])  # noqa: S608
            for table in tables
        }
        for name, tables in ((ERP, ERP_TABLES), (CRM, CRM_TABLES))
    }
