"""A real database, and somebody who writes statements to it without the connector."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from sqlalchemy import make_url

from tests.database_servers import query
from twofold.connectors.sql import SqlConnector, connect
from twofold.core.filters import Filter
from twofold.core.frames import KEY, VERSION
from twofold.ports import ChangePage, OpKind, Ops, Table


@dataclass
class Place:
    """A database, its folder, and connectors to it."""

    kind: str
    url: str
    folder: Path
    opened: list[SqlConnector] = field(default_factory=list)

    def execute(self, *statements: str) -> None:
        """Run statements as somebody else."""
        for statement in statements:
            self.query(statement)

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement as somebody else, and return its rows."""
        if self.kind == "sqlite":
            connection = sqlite3.connect(self.folder / "erp.db")
            try:
                with connection:
                    return connection.execute(statement, values).fetchall()
            finally:
                connection.close()
        if self.kind == "mariadb":
            url = make_url(self.url)
            return query(str(url.query["unix_socket"]), statement, values or None, url.database)
        with psycopg.connect(self.url, autocommit=True) as postgresql:
            cursor = postgresql.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def connect(self, **settings: Any) -> SqlConnector:
        """A connector to this database."""
        made = connect("erp", {"url": self.url, **settings}, self.folder)
        self.opened.append(made)
        return made

    def close(self) -> None:
        """Let go of all connectors."""
        for connector in self.opened:
            connector.close()


def rows_of(
    connector: SqlConnector,
    table: Table,
    fields: Sequence[str],
    where: Filter | None = None,
    since: str | None = None,
) -> pl.DataFrame:
    """All rows that a feed gives."""
    return pl.concat([page.rows for page in connector.changes(table, fields, where, since)])


def last_page(connector: SqlConnector, table: Table, since: str | None = None) -> ChangePage:
    """The last page of a feed without values."""
    return list(connector.changes(table, (), None, since))[-1]


def ops(
    connector: SqlConnector,
    table: Table,
    kind: OpKind,
    rows: Mapping[str, Sequence[Any]],
    *,
    keys: Sequence[str | None] | None = None,
    versions: Sequence[str | None] | None = None,
) -> Ops:
    """Ops of columns of values."""
    schema = connector.describe(table.name)
    size = len(keys) if keys is not None else len(next(iter(rows.values())))
    own = {KEY: list(keys or [None] * size), VERSION: list(versions or [None] * size)}
    types = {KEY: pl.String(), VERSION: pl.String(), **{name: schema[name].dtype for name in rows}}
    return Ops(kind, pl.DataFrame({**own, **rows}, schema=types))


def write(connector: SqlConnector, table: Table, *written: Ops) -> pl.DataFrame:
    """The results of one call."""
    return connector.apply(table, written).rows
