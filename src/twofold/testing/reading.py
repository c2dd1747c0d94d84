"""The laws of `describe`, `changes` and `fetch`; it must never write through the connector it reads with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import polars as pl
import pytest

from twofold.core.filters import AnyOf, Blank, Compare, Filter, Like, Range, Within, to_polars
from twofold.core.frames import KEY, ROW_META, SETTLED, VERSION
from twofold.core.names import FeedKind
from twofold.errors import Refused
from twofold.ports import ChangePage, Changes
from twofold.testing.arrangement import Arrangement

MANY = 7
"""Rows enough for several pages where the page is small."""


def keys_of(pages: Iterable[Changes]) -> list[str]:
    """The keys of all rows, in the order in which they came."""
    return [key for page in pages for key in page.rows[KEY].to_list()]


def deleted_in(pages: Iterable[Changes]) -> set[str]:
    """All keys that were reported as deleted."""
    return {key for page in pages for key in page.deleted}


def last_rows(pages: Iterable[ChangePage]) -> dict[str, dict[str, object]]:
    """Each row as it came last, by key."""
    return {row[KEY]: row for page in pages for row in page.rows.iter_rows(named=True)}


def stamp_or_skip(arranged: Arrangement, key: str, moment: datetime | None) -> None:
    """Set a modified column, or skip where the feed or the arrangement has none."""
    if arranged.table.feed is not FeedKind.MODIFIED:
        pytest.skip("only modified-since feeds have stamps")
    try:
        arranged.stamp(key, moment)
    except NotImplementedError:
        pytest.skip("the arrangement cannot set stamps")


def moment_of(arranged: Arrangement, key: str) -> datetime:
    """When a row was last modified, by its own column; skips where the table has none."""
    if arranged.table.feed is not FeedKind.MODIFIED or arranged.table.modified is None:
        pytest.skip("only modified-since feeds have stamps")
    found = arranged.stored([key], arranged.table.modified)[key][arranged.table.modified]
    assert isinstance(found, datetime)
    return found


class DescribingContract:
    """What a connector says about a system and a table."""

    def test_the_identity_names_the_system_and_stays(self, arranged: Arrangement) -> None:
        """The identity tells a copied or re-pointed system from the right one."""
        assert arranged.connector.identity().strip()
        assert arranged.connector.identity() == arranged.connector.identity()

    def test_the_table_is_listed(self, arranged: Arrangement) -> None:
        """`tables` names what can be mapped."""
        assert arranged.table.name in arranged.connector.tables()

    def test_every_field_of_the_table_is_described(self, arranged: Arrangement) -> None:
        """The schema has the fields that a mapping may name, and the key that the table says it has."""
        names = {field.name for field in arranged.schema.fields}
        assert {*arranged.fields, *arranged.table.key, *arranged.extremes} <= names
        assert arranged.schema.key in ((), arranged.table.key)

    def test_a_table_that_is_not_there_is_refused_with_the_nearest_name(self, arranged: Arrangement) -> None:
        """A misspelt table gets a sentence that helps."""
        with pytest.raises(Refused) as refusal:
            arranged.connector.describe(f"{arranged.table.name}x")
        assert arranged.table.name in str(refusal.value).replace(f"{arranged.table.name}x", "")

    def test_the_facts_are_those_of_the_table(self, arranged: Arrangement) -> None:
        """Capabilities are facts about this table, with bounds that allow at least one row a call."""
        able = arranged.able
        assert able.feed is arranged.table.feed
        assert min(able.max_ops, able.max_keys, able.max_parallel) >= 1


class FeedContract:
    """What `changes` promises: it may repeat rows but never misses one."""

    def test_an_empty_table_gives_one_page_without_rows(self, arranged: Arrangement) -> None:
        """At least one page comes, so that there is always a cursor to keep."""
        pages = arranged.pages()
        assert len(pages) >= 1
        assert keys_of(pages) == []
        assert pages[-1].cursor

    def test_the_first_read_is_complete(self, arranged: Arrangement) -> None:
        """Without a cursor everything comes, over as many pages as it takes."""
        keys = arranged.insert_rows(range(MANY))
        assert sorted(set(keys_of(arranged.pages()))) == sorted(keys)

    def test_pages_have_exactly_the_asked_columns_in_the_declared_types(self, arranged: Arrangement) -> None:
        """Own columns first, then the fields in the order of the question, also where there are no rows."""
        names = [arranged.quantity, arranged.name, *arranged.extremes]
        wanted = {**ROW_META, **{name: arranged.schema[name].dtype for name in names}}
        empty = arranged.pages(fields=names)
        key = arranged.insert(arranged.row(1))
        read = [*empty, *arranged.pages(fields=names), arranged.connector.fetch(arranged.table, names, [key])]
        assert {tuple(page.rows.schema.items()) for page in read} == {tuple(wanted.items())}

    def test_rows_carry_their_key_and_say_whether_they_are_settled(self, arranged: Arrangement) -> None:
        """No row comes without a key, and none leaves open whether its version may be shared."""
        arranged.insert_rows(range(MANY))
        for page in arranged.pages():
            assert page.rows[KEY].null_count() == 0
            assert page.rows[SETTLED].null_count() == 0

    def test_the_key_sweep_reads_keys_and_versions_only(self, arranged: Arrangement) -> None:
        """`fields=()` is every key, without values."""
        keys = arranged.insert_rows(range(MANY))
        pages = arranged.pages(fields=())
        assert sorted(set(keys_of(pages))) == sorted(keys)
        assert {tuple(page.rows.columns) for page in pages} == {tuple(ROW_META)}

    def test_the_count_is_the_number_of_rows_in_the_filter(self, arranged: Arrangement) -> None:
        """A source that tells the count tells it of the filter, as it was when the feed began."""
        arranged.insert_rows(range(MANY))
        for where, count in ((None, MANY), (Compare(arranged.quantity, "<", 3), 3)):
            assert {page.count for page in arranged.pages(where=where)} <= {None, count}

    def test_the_cursor_of_every_page_continues_an_interrupted_read(self, arranged: Arrangement) -> None:
        """Wherever a read stops, the stored cursor brings the rest."""
        keys = set(arranged.insert_rows(range(MANY)))
        pages = arranged.pages()
        for stop in range(len(pages)):
            rest = arranged.pages(pages[stop].cursor)
            assert set(keys_of([*pages[: stop + 1], *rest])) == keys

    def test_an_edit_during_a_read_is_not_missed(self, arranged: Arrangement) -> None:
        """A row that changes behind the reader's back comes with this read or the next."""
        keys = arranged.insert_rows(range(MANY))
        pages: list[ChangePage] = []
        for page in arranged.connector.changes(arranged.table, arranged.fields, None, None):
            if not pages:
                for key in (keys[0], keys[-1]):
                    arranged.edit(key, {arranged.note: "edited meanwhile"})
            pages.append(page)
        rows = last_rows([*pages, *arranged.pages(pages[-1].cursor)])
        assert {rows[keys[0]][arranged.note], rows[keys[-1]][arranged.note]} == {"edited meanwhile"}

    def test_changes_after_the_cursor_come(self, arranged: Arrangement) -> None:
        """New and edited rows come with their present values."""
        first, *_ = arranged.insert_rows(range(3))
        cursor = arranged.cursor()
        arranged.edit(first, {arranged.note: "edited"})
        added = arranged.insert(arranged.row(10))
        rows = last_rows(arranged.pages(cursor))
        assert rows[first][arranged.note] == "edited"
        assert rows[added][arranged.name] == arranged.row(10)[arranged.name]

    def test_no_change_is_missed_over_many_short_reads(self, arranged: Arrangement) -> None:
        """Cursor after cursor, each single edit comes."""
        keys = arranged.insert_rows(range(3))
        cursor = arranged.cursor()
        for number in range(6):
            key = keys[number % 3]
            arranged.edit(key, {arranged.note: f"edit {number}"})
            pages = arranged.pages(cursor)
            assert last_rows(pages)[key][arranged.note] == f"edit {number}"
            cursor = pages[-1].cursor

    def test_rows_that_share_one_stamp_all_come(self, arranged: Arrangement) -> None:
        """A page that ends among equal stamps loses none of them."""
        oldest = arranged.insert(arranged.row(99))
        cursor = arranged.cursor()
        moment = moment_of(arranged, oldest)
        keys = arranged.insert_rows(range(MANY))
        for key in keys:
            stamp_or_skip(arranged, key, moment)
        pages = arranged.pages(cursor)
        assert set(keys) <= set(keys_of(pages))
        for stop in range(len(pages)):
            assert set(keys) <= set(keys_of([*pages[: stop + 1], *arranged.pages(pages[stop].cursor)]))

    def test_a_row_stamped_late_comes(self, arranged: Arrangement) -> None:
        """A transaction that began ten minutes before it was committed is not missed."""
        seen = arranged.insert(arranged.row(1))
        cursor = arranged.cursor()
        late = arranged.insert(arranged.row(2))
        stamp_or_skip(arranged, late, moment_of(arranged, seen) - timedelta(minutes=10))
        assert late in keys_of(arranged.pages(cursor))

    def test_a_stamp_in_the_future_hides_no_later_edit(self, arranged: Arrangement) -> None:
        """One row from a wrong clock does not drag the cursor past what is still to come."""
        odd = arranged.insert(arranged.row(1))
        stamp_or_skip(arranged, odd, moment_of(arranged, odd) + timedelta(days=10))
        cursor = arranged.cursor()
        later = arranged.insert(arranged.row(2))
        assert later in keys_of(arranged.pages(cursor))

    def test_a_row_without_a_stamp_always_comes(self, arranged: Arrangement) -> None:
        """Nothing says that it did not change."""
        key = arranged.insert(arranged.row(1))
        stamp_or_skip(arranged, key, None)
        assert key in keys_of(arranged.pages(arranged.cursor()))

    def test_deletes_are_reported_or_show_in_the_key_sweep(self, arranged: Arrangement) -> None:
        """A connector that says that it reports deletes does; and no deleted key is ever swept."""
        gone, stays = arranged.insert_rows(range(2))
        cursor = arranged.cursor()
        arranged.delete(gone)
        if arranged.able.reports_deletes:
            assert gone in deleted_in(arranged.pages(cursor))
        assert keys_of(arranged.pages(fields=())) == [stays]

    def test_a_row_that_cannot_be_read_is_named_and_stops_no_other(self, arranged: Arrangement) -> None:
        """A value that is not what its column declares makes one unreadable row, not a failing page."""
        bad, *good = arranged.insert_rows(range(3))
        try:
            field = arranged.spoil(bad)
        except NotImplementedError:
            pytest.skip("the system holds its columns to their types")
        for read in (
            arranged.pages(),
            [arranged.connector.fetch(arranged.table, arranged.fields, [bad, *good])],
        ):
            unreadable = [row for page in read for row in page.unreadable]
            assert {(row.key, row.field) for row in unreadable} == {(bad, field)}
            assert all(row.text for row in unreadable)
            assert sorted(keys_of(read)) == sorted(good)


def _filters(arranged: Arrangement) -> Sequence[Filter]:
    name, note, quantity = arranged.fields
    return (
        Compare(quantity, ">=", 3),
        Compare(quantity, "<>", 3),
        Compare(name, "=", "thing 0002"),
        Compare(name, "<", "Zebra"),
        Range(quantity, 2, 4),
        Like(note, "*É*"),
        Like(note, "*é*", ignore_case=True),
        Like(name, "Thing 000?", negated=True),
        Like(note, "100%*"),
        Blank(note),
        Blank(note, negated=True),
        Within(quantity, (1, 5, 77)),
        AnyOf((Blank(quantity), Compare(name, "=", "Zebra"))),
    )


def _odd_rows(arranged: Arrangement) -> list[str]:
    odd: list[dict[str, object]] = [
        {arranged.note: None},
        {arranged.note: "É"},
        {arranged.note: "café"},
        {arranged.note: "100% sure_"},
        {arranged.quantity: None},
        {arranged.name: "Zebra"},
        {arranged.name: "thing 0002"},
    ]
    return [arranged.insert(arranged.row(number, **values)) for number, values in enumerate(odd)]


class FilterContract:
    """A filter means the same wherever it is evaluated."""

    def test_filters_choose_the_same_rows_as_local_evaluation(self, arranged: Arrangement) -> None:
        """Nulls, blanks, case, accents and wildcard characters are judged as in `core.filters`."""
        _odd_rows(arranged)
        whole = pl.concat([page.rows for page in arranged.pages()])
        for where in _filters(arranged):
            expected = whole.filter(to_polars(where, whole.schema))[KEY].to_list()
            assert sorted(set(keys_of(arranged.pages(where=where)))) == sorted(expected), where

    def test_a_filter_may_use_a_field_that_is_not_asked_for(self, arranged: Arrangement) -> None:
        """The field is judged but does not come."""
        arranged.insert_rows(range(4))
        pages = arranged.pages(fields=[arranged.name], where=Compare(arranged.quantity, "=", 2))
        assert [page.rows[arranged.name].to_list() for page in pages] == [["Thing 0002"]]
        assert arranged.quantity not in pages[0].rows.columns

    def test_the_filter_holds_on_every_page_and_after_the_cursor(self, arranged: Arrangement) -> None:
        """A continued read and a later one keep to the filter."""
        where = Compare(arranged.quantity, "<", 5)
        keys = arranged.insert_rows(range(MANY))
        pages = arranged.pages(where=where)
        assert set(keys_of([pages[0], *arranged.pages(pages[0].cursor, where=where)])) == set(keys[:5])
        arranged.edit(keys[6], {arranged.note: "still outside"})
        assert keys[6] not in keys_of(arranged.pages(pages[-1].cursor, where=where))

    def test_a_row_that_is_edited_into_the_filter_comes(self, arranged: Arrangement) -> None:
        """Entering the filter is a change."""
        where = Compare(arranged.quantity, "<", 5)
        key = arranged.insert(arranged.row(50))
        cursor = arranged.pages(where=where)[-1].cursor
        arranged.edit(key, {arranged.quantity: 1})
        assert key in keys_of(arranged.pages(cursor, where=where))


class FetchContract:
    """What `fetch` promises: these rows, filtered by nothing."""

    def test_fetch_returns_the_rows_with_these_keys_once(self, arranged: Arrangement) -> None:
        """In any order, and however often a key was asked for."""
        first, _, third = arranged.insert_rows(range(3))
        read = arranged.connector.fetch(arranged.table, arranged.fields, [third, first, third])
        assert sorted(keys_of([read])) == sorted([first, third])

    def test_absent_and_malformed_keys_are_simply_not_there(self, arranged: Arrangement) -> None:
        """A key that does not exist, or could not, is no error."""
        gone, stays = arranged.insert_rows(range(2))
        arranged.delete(gone)
        odd = ["", "no such key", "[", '["one"]', "é'\"; --", "99999999999999999999999"]
        read = arranged.connector.fetch(arranged.table, arranged.fields, [gone, *odd, stays])
        assert keys_of([read]) == [stays]
        assert (read.deleted, read.unreadable) == ((), ())

    def test_no_keys_give_no_rows(self, arranged: Arrangement) -> None:
        """An empty question has an empty answer with the usual columns."""
        arranged.insert(arranged.row(1))
        read = arranged.connector.fetch(arranged.table, [arranged.name], [])
        assert read.rows.columns == [*ROW_META, arranged.name]
        assert read.rows.height == 0

    def test_fetch_and_feed_show_the_same_row(self, arranged: Arrangement) -> None:
        """Values and versions do not depend on the way of asking."""
        keys = arranged.insert_rows(range(3))
        assert arranged.stored(keys) == last_rows(arranged.pages())

    def test_a_version_moves_with_an_edit_and_only_then(self, arranged: Arrangement) -> None:
        """Versions are compared for inequality, so an untouched row must keep its own."""
        edited, untouched = arranged.insert_rows(range(2))
        before = arranged.versions([edited, untouched])
        arranged.edit(edited, {arranged.note: "edited"})
        read = arranged.stored([edited, untouched])
        assert read[untouched][VERSION] == before[untouched]
        assert read[edited][VERSION] != before[edited] or not read[edited][SETTLED]


class ReadingContract(DescribingContract, FeedContract, FilterContract, FetchContract):
    """All laws of reading."""
