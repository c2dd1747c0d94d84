"""A SQL database as a connector: the four verbs and the facts; it must never hold a dialect's rules."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from twofold.connectors.sql.connection import Database, read_settings
from twofold.connectors.sql.definition import create_statement
from twofold.connectors.sql.feeds import Feed, read_cursor
from twofold.connectors.sql.forms import DEFAULTS, form_scale
from twofold.connectors.sql.lookup import find_rows
from twofold.connectors.sql.reader import OVERLAP, Reader, find_mark
from twofold.connectors.sql.relation import Column, Relation, no_such_table
from twofold.connectors.sql.where import Pushed, push_down
from twofold.connectors.sql.writing import write_all
from twofold.core.filters import Filter
from twofold.core.frames import RESULT_SCHEMA
from twofold.core.names import FeedKind
from twofold.core.schema import Field, FieldType, Schema
from twofold.errors import Refused
from twofold.ports import Capabilities, ChangePage, Changes, Ops, Results, Table

BATCH = 10_000
_UUID_LENGTH = 36


def connect(name: str, settings: Mapping[str, Any], workspace: Path) -> SqlConnector:
    """Open the connection called `name`; raises `Refused` for settings that do not fit.

    A server is not asked before the first verb.
    """
    return SqlConnector(Database(name, read_settings(name, settings), workspace))


class SqlConnector:
    """The connector of one SQL database; reading and writing in several threads at once is allowed."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._dialect = database.dialect
        self._clock = clock
        self._relations: dict[str, Relation] = {}
        self._lock = threading.Lock()

    # -- facts ---------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """The database: SQLite's file, or PostgreSQL's system identifier with the database's name."""
        with self._database.reading() as connection:
            return self._dialect.identity(connection, self._database.url, self._database.workspace)

    def tables(self) -> Sequence[str]:
        """The tables and views of the schema."""
        with self._database.reading() as connection:
            return self._dialect.tables(connection, self._database.settings.schema)

    def describe(self, table: str) -> Schema:
        """The columns of `table` as they are now."""
        return self._relation(table, fresh=True).schema

    def capabilities(self, table: Table) -> Capabilities:
        """What can be done with `table`."""
        relation = self._relation(table.name)
        find_mark(table, relation)
        return Capabilities(
            feed=table.feed,
            overlapping=table.feed in (FeedKind.MODIFIED, FeedKind.ROW_VERSION),
            optimistic_lock=True,
            client_keys=_takes_keys(relation, table),
            returns_versions=True,
            atomic_batch=False,
            max_ops=BATCH,
            max_keys=BATCH,
        )

    def create_statement(self, table: str, fields: Sequence[Field], key: Sequence[str]) -> str:
        """CREATE TABLE for a table with these fields, in the dialect of this database."""
        return create_statement(self._database, table, fields, key)

    # -- verbs ---------------------------------------------------------------------------------------------

    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        """Everything in the filter that changed after `since`, page by page."""
        relation = self._relation(table.name)
        pushed = Pushed(sa.true()) if where is None else push_down(where, relation, self._dialect)
        reader = self._reader(relation, table, fields, None if pushed.exact else where)
        cursor = read_cursor(since, table.feed)
        yield from Feed(self._database, reader, pushed, cursor, self._clock()).pages()

    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        """The rows with these keys."""
        reader = self._reader(self._relation(table.name), table, fields, None)
        with self._database.reading() as connection:
            young = None
            if table.feed is FeedKind.MODIFIED:
                young = min(self._dialect.clock(connection), self._clock()) - OVERLAP
            batch = find_rows(connection, reader, self._dialect, keys, young=young)
        return Changes(batch.rows, (), batch.unreadable)

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        """Write the ops in one transaction."""
        if not any(len(part) for part in ops):
            return Results(pl.DataFrame(schema=RESULT_SCHEMA))
        relation = self._relation(table.name)
        if relation.schema.read_only:
            raise Refused(f"{table.name} is a view and cannot be written. Map the table behind it instead.")
        mark = self._mark(relation, table)
        work = [part for part in ops if len(part)]
        outcomes = self._database.patiently(
            lambda: write_all(self._database, table, relation, mark, work, self._clock())
        )
        return Results(pl.concat([outcome.frame() for outcome in outcomes]))

    def close(self) -> None:
        """Let go of every driver connection."""
        self._database.close()

    # -- relations -----------------------------------------------------------------------------------------

    def _reader(
        self, relation: Relation, table: Table, fields: Sequence[str], where: Filter | None
    ) -> Reader:
        mark = self._mark(relation, table)
        return Reader(relation, table, fields, self._dialect, where=where, mark=mark)

    def _mark(self, relation: Relation, table: Table) -> Column | None:
        mark = find_mark(table, relation)
        if mark is None or table.feed is not FeedKind.MODIFIED or self._dialect.is_strict:
            return mark
        if mark.form is not None and mark.field.type is relation[mark.field.name].field.type:
            return mark
        with self._database.reading() as connection:
            form = self._dialect.sample(connection, relation, mark.field.name, FieldType.DATETIME)
        return mark.stamped(form or DEFAULTS[FieldType.DATETIME])

    def _relation(self, table: str, *, fresh: bool = False) -> Relation:
        with self._lock:
            known = None if fresh else self._relations.get(table)
        if known is not None and not any(_lacks_form(column) for column in self._loose(known)):
            return known
        with self._database.reading() as connection:
            schema = self._database.settings.schema
            found = known or self._dialect.load(connection, schema, table)
            if found is None:
                listed = self._dialect.tables(connection, schema)
                raise Refused(no_such_table(table, listed, self._database.name))
            relation = self._with_forms(connection, found)
        with self._lock:
            self._relations[table] = relation
        return relation

    def _loose(self, relation: Relation) -> Sequence[Column]:
        return () if self._dialect.is_strict else list(relation.columns.values())

    def _with_forms(self, connection: sa.Connection, relation: Relation) -> Relation:
        """The relation with the forms that its columns keep their values in, as far as they keep any."""
        sampled = {
            column.field.name: self._dialect.sample(
                connection, relation, column.field.name, column.field.type
            )
            for column in self._loose(relation)
            if _lacks_form(column)
        }
        if not sampled:
            return relation
        columns = {
            name: _formed(column, sampled[name]) if name in sampled else column
            for name, column in relation.columns.items()
        }
        fields = tuple(column.field for column in columns.values())
        return replace(relation, columns=columns, schema=replace(relation.schema, fields=fields))


def _lacks_form(column: Column) -> bool:
    return column.form is None and column.field.type in DEFAULTS


def _formed(column: Column, form: Any) -> Column:
    """The column with its form; an empty one has the scale that it will have when we have written to it."""
    written = form or DEFAULTS[column.field.type]
    return replace(column, form=form, field=replace(column.field, scale=form_scale(written, column.field)))


def _takes_keys(relation: Relation, table: Table) -> bool:
    if len(table.key) != 1:
        return False
    field = relation[table.key[0]].field
    if field.generated or field.read_only:
        return False
    roomy = field.length is None or field.length >= _UUID_LENGTH
    return field.type is FieldType.GUID or (field.type is FieldType.TEXT and roomy)
