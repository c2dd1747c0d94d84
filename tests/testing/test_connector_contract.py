"""The contract is worth something: each of these defective connectors breaks the law that is there for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from twofold.connectors.memory import MemoryConnector, MemorySystem
from twofold.core.filters import Filter
from twofold.core.frames import FIELD, KEY, KIND, SETTLED, VERSION
from twofold.core.names import FeedKind
from twofold.core.schema import Schema
from twofold.errors import Refused
from twofold.ports import Capabilities, ChangePage, Changes, OpKind, Ops, ResultKind, Results, Table
from twofold.testing.contract import Arrangement, ConnectorContract, KeyKind, contract_schema, contract_table


class Arranged(Arrangement):
    page = 3

    def __init__(self, make: type[MemoryConnector], feed: FeedKind, key: KeyKind) -> None:
        self.system = MemorySystem()
        self.table = contract_table(feed, key)
        schema = contract_schema(feed, key)
        self.system.create_table(schema, modified=self.table.modified, row_version=self.table.row_version)
        self.connector = make(self.system, page_size=3)

    def insert(self, row: Mapping[str, Any]) -> str:
        return self.system.insert("things", row)

    def edit(self, key: str, values: Mapping[str, Any]) -> None:
        self.system.edit("things", key, **values)

    def delete(self, key: str) -> None:
        self.system.delete("things", key)

    def stamp(self, key: str, moment: datetime | None) -> None:
        self.system.stamp("things", key, moment)

    def spoil(self, key: str) -> str:
        self.system.plant("things", key, quantity="many")
        return "quantity"


class Distorting(MemoryConnector):
    """Passes every page, reading and result through a distortion."""

    def page(self, page: ChangePage, since: str | None) -> ChangePage:
        return page

    def read(self, read: Changes) -> Changes:
        return read

    def results(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows

    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        for page in super().changes(table, fields, where, since):
            yield self.page(page, since)

    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        return self.read(super().fetch(table, fields, keys))

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        return Results(self.results(super().apply(table, ops).rows))


class ForgetsTheLastRow(Distorting):
    def page(self, page: ChangePage, since: str | None) -> ChangePage:
        return replace(page, rows=page.rows.head(2))


class CursorRunsAhead(Distorting):
    def page(self, page: ChangePage, since: str | None) -> ChangePage:
        last = list(MemoryConnector(self.system).changes(TABLES[0], [], None, None))[-1]
        return replace(page, cursor=last.cursor)


class NeverTellsDeletes(Distorting):
    def page(self, page: ChangePage, since: str | None) -> ChangePage:
        return replace(page, deleted=())


class CountsWrongly(Distorting):
    def page(self, page: ChangePage, since: str | None) -> ChangePage:
        return replace(page, count=page.rows.height)


class TypesCarelessly(Distorting):
    def page(self, page: ChangePage, since: str | None) -> ChangePage:
        return replace(page, rows=page.rows.with_columns(pl.col(pl.Decimal).cast(pl.Float64)))


class FiltersNothing(MemoryConnector):
    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        return super().changes(table, fields, None, since)


class FetchesEverything(MemoryConnector):
    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        return super().fetch(table, fields, list(self.system.rows(table.name)))


class HidesUnreadable(Distorting):
    def read(self, read: Changes) -> Changes:
        return replace(read, unreadable=())


class Overwrites(MemoryConnector):
    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        for row in (row for each in ops for row in each.rows.iter_rows(named=True)):
            if row[KEY] in self.system.rows(table.name):
                self.system.delete(table.name, row[KEY])
        return super().apply(table, ops)


class IgnoresVersions(MemoryConnector):
    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        blind = [
            replace(each, rows=each.rows.with_columns(pl.lit(None, pl.String).alias(VERSION))) for each in ops
        ]
        return super().apply(table, blind)


class AnswersInAnyOrder(Distorting):
    def results(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.reverse()


class CallsEverythingDone(Distorting):
    def results(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.lit(None, pl.String).alias(KIND))


class NamesNoField(Distorting):
    def results(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.lit(None, pl.String).alias(FIELD))


class GivesUpTheBatch(Distorting):
    def results(self, rows: pl.DataFrame) -> pl.DataFrame:
        failed = pl.lit(str(ResultKind.FAILED)).alias(KIND)
        return rows.with_columns(failed) if rows[KIND].is_not_null().any() else rows


class TellsOldVersions(Distorting):
    def results(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.lit("old").alias(VERSION), pl.lit(value=True).alias(SETTLED))


class CallsOneByOne(MemoryConnector):
    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        parts = [super(CallsOneByOne, self).fetch(table, fields, [key]).rows for key in keys]
        return Changes(pl.concat(parts))

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        singles = [replace(each, rows=each.rows[n]) for each in ops for n in range(len(each))]
        return Results(pl.concat([super(CallsOneByOne, self).apply(table, [one]).rows for one in singles]))


class WritesNoNulls(MemoryConnector):
    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        kept = [
            replace(
                each,
                rows=each.rows.select(c.name for c in each.rows if c.name[0] == "#" or not c.null_count()),
            )
            if each.kind is OpKind.UPDATE
            else each
            for each in ops
        ]
        return super().apply(table, kept)


class NamesNoTable(MemoryConnector):
    def describe(self, table: str) -> Schema:
        if table not in self.system.tables:
            raise Refused("There is no such table.")
        return super().describe(table)


class Boasts(MemoryConnector):
    def capabilities(self, table: Table) -> Capabilities:
        return replace(super().capabilities(table), reports_deletes=True)


MODIFIED, VERSIONED, SNAPSHOT, DELTA = (
    FeedKind.MODIFIED,
    FeedKind.ROW_VERSION,
    FeedKind.SNAPSHOT,
    FeedKind.DELTA,
)
TABLES = [contract_table(FeedKind.ROW_VERSION, KeyKind.TEXT)]
Law = Callable[[ConnectorContract, Arrangement], None]
C = ConnectorContract

DEFECTS: list[tuple[type[MemoryConnector], FeedKind, KeyKind, Law]] = [
    (ForgetsTheLastRow, SNAPSHOT, KeyKind.TEXT, C.test_the_first_read_is_complete),
    (ForgetsTheLastRow, SNAPSHOT, KeyKind.TEXT, C.test_the_key_sweep_reads_keys_and_versions_only),
    (CursorRunsAhead, VERSIONED, KeyKind.TEXT, C.test_the_cursor_of_every_page_continues_an_interrupted_read),
    (NeverTellsDeletes, DELTA, KeyKind.GUID, C.test_deletes_are_reported_or_show_in_the_key_sweep),
    (Boasts, MODIFIED, KeyKind.GUID, C.test_deletes_are_reported_or_show_in_the_key_sweep),
    (CountsWrongly, SNAPSHOT, KeyKind.TEXT, C.test_the_count_is_the_number_of_rows_in_the_filter),
    (
        TypesCarelessly,
        SNAPSHOT,
        KeyKind.TEXT,
        C.test_pages_have_exactly_the_asked_columns_in_the_declared_types,
    ),
    (FiltersNothing, MODIFIED, KeyKind.TEXT, C.test_filters_choose_the_same_rows_as_local_evaluation),
    (FiltersNothing, MODIFIED, KeyKind.TEXT, C.test_the_filter_holds_on_every_page_and_after_the_cursor),
    (FetchesEverything, SNAPSHOT, KeyKind.TEXT, C.test_fetch_returns_the_rows_with_these_keys_once),
    (HidesUnreadable, SNAPSHOT, KeyKind.TEXT, C.test_a_row_that_cannot_be_read_is_named_and_stops_no_other),
    (Overwrites, SNAPSHOT, KeyKind.TEXT, C.test_an_insert_never_overwrites),
    (IgnoresVersions, VERSIONED, KeyKind.IDENTITY, C.test_a_row_changed_by_somebody_else_is_stale_and_stays),
    (IgnoresVersions, SNAPSHOT, KeyKind.TEXT, C.test_the_version_read_before_an_edit_is_stale_after_it),
    (AnswersInAnyOrder, MODIFIED, KeyKind.IDENTITY, C.test_keys_made_by_the_system_are_learnt_op_by_op),
    (AnswersInAnyOrder, MODIFIED, KeyKind.COMPOSITE, C.test_mixed_kinds_and_fields_are_answered_in_order),
    (CallsEverythingDone, SNAPSHOT, KeyKind.TEXT, C.test_a_row_that_is_not_there_is_gone),
    (CallsEverythingDone, SNAPSHOT, KeyKind.TEXT, C.test_a_refused_update_is_found_and_leaves_its_row),
    (NamesNoField, SNAPSHOT, KeyKind.TEXT, C.test_bad_rows_are_found_and_named_while_the_rest_is_written),
    (GivesUpTheBatch, SNAPSHOT, KeyKind.TEXT, C.test_bad_rows_are_found_and_named_while_the_rest_is_written),
    (TellsOldVersions, MODIFIED, KeyKind.GUID, C.test_returned_versions_are_those_that_a_later_read_shows),
    (CallsOneByOne, SNAPSHOT, KeyKind.TEXT, C.test_fetching_many_keys_costs_one_request),
    (CallsOneByOne, SNAPSHOT, KeyKind.TEXT, C.test_writing_many_rows_costs_one_request),
    (WritesNoNulls, SNAPSHOT, KeyKind.TEXT, C.test_a_null_clears_a_field),
    (NamesNoTable, SNAPSHOT, KeyKind.TEXT, C.test_a_table_that_is_not_there_is_refused_with_the_nearest_name),
]


@pytest.mark.parametrize(
    ("defect", "feed", "key", "law"),
    DEFECTS,
    ids=[f"{defect.__name__}-{law.__name__[5:]}" for defect, _, _, law in DEFECTS],
)
def test_a_defective_connector_breaks_its_law(
    defect: type[MemoryConnector], feed: FeedKind, key: KeyKind, law: Law
) -> None:
    contract = ConnectorContract()
    law(contract, Arranged(MemoryConnector, feed, key))
    with pytest.raises((AssertionError, pl.exceptions.PolarsError)):
        law(contract, Arranged(defect, feed, key))


def test_what_a_system_cannot_do_is_skipped_with_the_reason() -> None:
    arranged = Arranged(MemoryConnector, FeedKind.SNAPSHOT, KeyKind.TEXT)
    with pytest.raises(pytest.skip.Exception, match="modified-since feeds"):
        ConnectorContract().test_a_row_stamped_late_comes(arranged)


def test_without_an_arrangement_the_contract_says_what_to_do() -> None:
    with pytest.raises(NotImplementedError, match="arrange a table"):
        ConnectorContract().arrange(FeedKind.SNAPSHOT, KeyKind.TEXT, None)  # type: ignore[arg-type]
