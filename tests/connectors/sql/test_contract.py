"""All databases keep the contract of a connector, with every feed and kind of key."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa

from tests.database_servers import MariadbServer
from twofold.connectors.sql import SqlConnector, connect
from twofold.core.keys import key_parts, key_text
from twofold.core.names import FeedKind
from twofold.core.schema import FieldType, Schema
from twofold.testing.contract import Arrangement, ConnectorContract, KeyKind, contract_schema, contract_table

PAGE = 4
_SCHEMAS = itertools.count(1)


class SqlArrangement(Arrangement):
    """A table in a database, and somebody who works on it with statements of their own."""

    page = PAGE
    options: Mapping[str, Any] = MappingProxyType({})
    types: Mapping[FieldType, sa.types.TypeEngine[Any]] = {FieldType.INTEGER: sa.Integer()}

    def __init__(
        self, connector: SqlConnector, url: sa.URL, feed: FeedKind, key: KeyKind, schema: str | None
    ) -> None:
        self.connector: SqlConnector = connector
        self.table = contract_table(feed, key)
        self.kind = key
        described = contract_schema(feed, key)
        self.engine = sa.create_engine(url, **self.options)
        self._versions = itertools.count(1)
        statement = connector.create_statement("things", described.fields, described.key)
        with self.engine.begin() as connection:
            if schema is not None:
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
            for part in (statement, *self.extras(feed, schema)):
                connection.exec_driver_sql(part)
        self.things = self.table_in_sql(feed, key, schema)

    @cached_property
    def schema(self) -> Schema:
        """The table as it was described at first; nobody alters it."""
        return self.connector.describe(self.table.name)

    def extras(self, feed: FeedKind, schema: str | None) -> list[str]:
        """Statements that complete the table."""
        return []

    def table_in_sql(self, feed: FeedKind, key: KeyKind, schema: str | None) -> sa.Table:
        """The table as that somebody sees it."""
        described = contract_schema(feed, key)
        columns = [
            sa.Column(
                field.name,
                self.types.get(field.type, sa.types.NullType()),
                primary_key=field.name in described.key,
                autoincrement=field.generated,
            )
            for field in described.fields
        ]
        return sa.Table("things", sa.MetaData(), *columns, schema=schema)

    def insert(self, row: Mapping[str, Any]) -> str:
        with self.engine.begin() as connection:
            made = connection.execute(sa.insert(self.things).values(self._stored({**row, **self._stamped()})))
            key = made.inserted_primary_key
        return key_text([str(part) for part in key or ()])

    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        self._set(key, {**values, **self._stamped()})

    def delete(self, key: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.delete(self.things).where(*self._same(key)))

    def stamp(self, key: str, moment: datetime | None) -> None:
        self._set(key, {"modified_at": moment})

    def _set(self, key: str, values: Mapping[str, Any]) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(self.things).where(*self._same(key)).values(self._stored(values)))

    def _stamped(self) -> dict[str, Any]:
        return {"modified_at": datetime.now(UTC)} if self.table.modified else {}

    def _same(self, key: str) -> list[sa.ColumnElement[bool]]:
        parts = key_parts(key, len(self.table.key))
        columns = [self.things.c[name] for name in self.table.key]
        return [sa.cast(column, sa.Text) == part for column, part in zip(columns, parts, strict=True)]

    def _stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(values)

    def close(self) -> None:
        self.connector.close()
        self.engine.dispose()


class SqliteArrangement(SqlArrangement):
    """SQLite, where texts stand for stamps and a column may hold anything."""

    def extras(self, feed: FeedKind, schema: str | None) -> list[str]:
        if feed is not FeedKind.ROW_VERSION:
            return []
        count = "CREATE TABLE counter (n INTEGER NOT NULL)"
        bump = (
            "UPDATE counter SET n = n + 1; "
            "UPDATE things SET row_version = (SELECT n FROM counter) WHERE rowid = new.rowid;"
        )
        when = {"ins": "INSERT", "upd": "UPDATE OF name, note, quantity, amount, active, due, seen"}
        triggers = [f"CREATE TRIGGER t_{n} AFTER {w} ON things BEGIN {bump} END" for n, w in when.items()]
        return [count, "INSERT INTO counter VALUES (0)", *triggers]

    def spoil(self, key: str) -> str:
        with self.engine.begin() as connection:
            column = sa.literal("many", sa.Text)
            connection.execute(sa.update(self.things).where(*self._same(key)).values(quantity=column))
        return "quantity"

    def _stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _sqlite(value) for name, value in values.items()}


def _sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return float(value) if isinstance(value, Decimal) else value


class PostgresqlArrangement(SqlArrangement):
    """PostgreSQL with a sequence for row versions."""

    types = MappingProxyType(
        {
            FieldType.INTEGER: sa.BigInteger(),
            FieldType.GUID: sa.Uuid(as_uuid=False),
            FieldType.TEXT: sa.Text(),
            FieldType.DECIMAL: sa.Numeric(),
            FieldType.BOOLEAN: sa.Boolean(),
            FieldType.DATE: sa.Date(),
            FieldType.DATETIME: sa.DateTime(timezone=True),
        }
    )

    def extras(self, feed: FeedKind, schema: str | None) -> list[str]:
        if feed is not FeedKind.ROW_VERSION:
            return []
        return [
            f"CREATE SEQUENCE {schema}.versions",
            (
                f"CREATE FUNCTION {schema}.bump() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN NEW.row_version := nextval('{schema}.versions'); RETURN NEW; END $$"
            ),
            (
                f"CREATE TRIGGER bump BEFORE INSERT OR UPDATE ON {schema}.things "
                f"FOR EACH ROW EXECUTE FUNCTION {schema}.bump()"
            ),
        ]


class SqlContract(ConnectorContract):
    feeds = (FeedKind.MODIFIED, FeedKind.ROW_VERSION, FeedKind.SNAPSHOT)
    keys = tuple(KeyKind)


class TestSqlite(SqlContract):
    @pytest.fixture
    def arranged(self, feed: FeedKind, key: KeyKind, tmp_path: Path) -> Iterator[Arrangement]:
        connector = connect("erp", {"url": "sqlite:///erp.db", "create": True, "page_size": PAGE}, tmp_path)
        arrangement = SqliteArrangement(
            connector, sa.make_url(f"sqlite:///{tmp_path / 'erp.db'}"), feed, key, None
        )
        yield arrangement
        arrangement.close()


class TestPostgresql(SqlContract):
    @pytest.fixture
    def arranged(
        self, feed: FeedKind, key: KeyKind, postgresql_server: str, tmp_path: Path
    ) -> Iterator[Arrangement]:
        schema = f"contract_{next(_SCHEMAS)}"
        settings = {"url": postgresql_server, "schema": schema, "page_size": PAGE}
        url = sa.make_url(postgresql_server).set(drivername="postgresql+psycopg")
        arrangement = PostgresqlArrangement(connect("erp", settings, tmp_path), url, feed, key, schema)
        yield arrangement
        arrangement.close()


class MariadbArrangement(SqlArrangement):
    """MariaDB with a sequence for row versions."""

    types = MappingProxyType({**PostgresqlArrangement.types, FieldType.GUID: sa.CHAR(36)})
    options = MappingProxyType({"connect_args": {"ssl_disabled": True}})

    def extras(self, feed: FeedKind, schema: str | None) -> list[str]:
        if feed is not FeedKind.ROW_VERSION:
            return []
        bump = f"FOR EACH ROW SET NEW.row_version = NEXTVAL({schema}.versions)"
        return [
            f"CREATE SEQUENCE {schema}.versions",
            f"CREATE TRIGGER {schema}.inserted BEFORE INSERT ON {schema}.things {bump}",
            f"CREATE TRIGGER {schema}.updated BEFORE UPDATE ON {schema}.things {bump}",
        ]


class MariadbContract(ConnectorContract):
    @pytest.fixture
    def arranged(
        self, feed: FeedKind, key: KeyKind, mariadb_server: MariadbServer, tmp_path: Path
    ) -> Iterator[Arrangement]:
        schema = f"contract_{next(_SCHEMAS)}"
        address = mariadb_server.url("mysql")
        settings = {"url": address, "schema": schema, "page_size": PAGE}
        url = sa.make_url(address).set(drivername="mysql+pymysql")
        arrangement = MariadbArrangement(connect("erp", settings, tmp_path), url, feed, key, schema)
        yield arrangement
        arrangement.close()
        mariadb_server.query(f"DROP DATABASE {schema}")


class TestMariadb(MariadbContract):
    feeds = (FeedKind.MODIFIED,)
    keys = tuple(KeyKind)


class TestMariadbFeeds(MariadbContract):
    feeds = (FeedKind.ROW_VERSION, FeedKind.SNAPSHOT)
    keys = (KeyKind.GUID,)
