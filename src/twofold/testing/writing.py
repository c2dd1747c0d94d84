"""The laws of `apply`; it must never assume what `capabilities` does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from twofold.core.frames import FIELD, KEY, KIND, RESULT_SCHEMA, SETTLED, TEXT, VERSION
from twofold.core.keys import key_text
from twofold.ports import OpKind, Ops, ResultKind
from twofold.testing.arrangement import Arrangement
from twofold.testing.reading import deleted_in, keys_of

INSERT, UPDATE, DELETE = OpKind.INSERT, OpKind.UPDATE, OpKind.DELETE

UNICODE = ("Ærøskøbing", "北京", "👩\u200d💻", "a\nb\tc", "'; DROP TABLE--", '"<&>\\', "n\u0303", "%_*?[]{}")
NEVER = "no such version"


def applied(arranged: Arrangement, *ops: Ops) -> pl.DataFrame:
    """The results of one call, after checking their form: one row per op, in exactly the result columns."""
    results = arranged.connector.apply(arranged.table, ops).rows
    assert dict(results.schema) == RESULT_SCHEMA
    assert results.height == sum(map(len, ops))
    assert set(results[KIND].drop_nulls()) <= set(ResultKind)
    return results


def kinds(results: pl.DataFrame) -> list[str | None]:
    """How each op ended; None is done."""
    return results[KIND].to_list()


def is_server_made(arranged: Arrangement) -> bool:
    """Whether the system alone makes the keys of new rows."""
    return not arranged.key_values(0)


def inserts(arranged: Arrangement, rows: Sequence[Mapping[str, Any]]) -> Ops:
    """Inserts of whole rows, their keys told as the engine would."""
    keys = [
        key_text([str(row[name]) for name in arranged.table.key]) for row in rows if arranged.key_values(0)
    ]
    return arranged.ops(INSERT, rows, keys)


def too_long(arranged: Arrangement) -> str | None:
    """A name that the column cannot take; null, which it refuses as well, where it takes any length."""
    length = arranged.schema[arranged.name].length
    return None if length is None or not arranged.limits_text else "x" * (length + 1)


def absent_key(arranged: Arrangement) -> str:
    """The key of a row that existed once."""
    key = arranged.insert(arranged.row(900))
    arranged.delete(key)
    return key


class InsertContract:
    """An insert makes one new row, or says why not, and never overwrites."""

    def test_inserted_rows_are_there_under_the_keys_told(self, arranged: Arrangement) -> None:
        """The result's key finds the row that this very op wrote."""
        rows = [arranged.row(number) for number in range(5)]
        results = applied(arranged, inserts(arranged, rows))
        assert kinds(results) == [None] * 5
        stored = arranged.stored(results[KEY].to_list())
        assert [stored[key][arranged.name] for key in results[KEY]] == [row[arranged.name] for row in rows]

    def test_keys_that_we_make_are_taken(self, arranged: Arrangement) -> None:
        """Where client keys are allowed, `#key` alone is enough."""
        if not arranged.able.client_keys:
            pytest.skip("the system does not take keys made by others")
        key = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001"
        results = applied(arranged, arranged.ops(INSERT, [{arranged.name: "made by us"}], [key]))
        assert (kinds(results), results[KEY].to_list()) == ([None], [key])
        assert arranged.stored([key])[key][arranged.name] == "made by us"

    def test_keys_made_by_the_system_are_learnt_op_by_op(self, arranged: Arrangement) -> None:
        """Equal rows, too, get a key each, and the keys belong to the ops in their order."""
        if not is_server_made(arranged):
            pytest.skip("the system makes no keys")
        rows = [{arranged.name: "twin", arranged.quantity: number} for number in (3, 1, 2, 1)]
        results = applied(arranged, arranged.ops(INSERT, rows))
        keys = results[KEY].to_list()
        stored = arranged.stored(keys)
        assert [stored[key][arranged.quantity] for key in keys] == [3, 1, 2, 1]

    def test_keys_in_the_fields_need_no_key_column(self, arranged: Arrangement) -> None:
        """A row that brings its key fields is inserted under them."""
        if is_server_made(arranged):
            pytest.skip("the system makes the keys")
        results = applied(arranged, arranged.ops(INSERT, [arranged.row(1)]))
        assert kinds(results) == [None]
        assert list(arranged.stored(results[KEY].to_list())) == results[KEY].to_list()

    def test_an_insert_never_overwrites(self, arranged: Arrangement) -> None:
        """A taken key is told as such, and the row stays as it was."""
        if is_server_made(arranged):
            pytest.skip("the system makes the keys")
        key = arranged.insert(arranged.row(1))
        results = applied(arranged, inserts(arranged, [arranged.row(1, name="usurper"), arranged.row(2)]))
        assert kinds(results) == [ResultKind.EXISTS, None]
        assert arranged.stored([key])[key][arranged.name] == arranged.row(1)[arranged.name]


class UpdateContract:
    """Updates and deletes happen to the row that was decided about, or not at all."""

    def test_an_update_writes_its_fields_and_no_others(self, arranged: Arrangement) -> None:
        """What an op does not name stays."""
        key = arranged.insert(arranged.row(1))
        assert kinds(applied(arranged, arranged.ops(UPDATE, [{arranged.note: "new"}], [key]))) == [None]
        stored = arranged.stored([key])[key]
        assert (stored[arranged.note], stored[arranged.name]) == ("new", arranged.row(1)[arranged.name])

    def test_a_delete_removes_the_row(self, arranged: Arrangement) -> None:
        """And no other."""
        gone, stays = arranged.insert_rows(range(2))
        assert kinds(applied(arranged, arranged.ops(DELETE, [], [gone]))) == [None]
        assert list(arranged.stored([gone, stays])) == [stays]

    def test_the_expected_version_lets_a_write_through(self, arranged: Arrangement) -> None:
        """Nobody was there in between."""
        keys = arranged.insert_rows(range(2))
        versions = [arranged.versions(keys)[key] for key in keys]
        update = arranged.ops(UPDATE, [{arranged.note: "new"}], keys[:1], versions[:1])
        delete = arranged.ops(DELETE, [], keys[1:], versions[1:])
        assert kinds(applied(arranged, update, delete)) == [None, None]

    def test_a_row_changed_by_somebody_else_is_stale_and_stays(self, arranged: Arrangement) -> None:
        """An update or delete decided from an older version is refused."""
        if not arranged.able.optimistic_lock:
            pytest.skip("the system cannot check versions")
        keys = arranged.insert_rows(range(2))
        for key in keys:
            arranged.edit(key, {arranged.note: "theirs"})
        update = arranged.ops(UPDATE, [{arranged.note: "ours"}], keys[:1], [NEVER])
        delete = arranged.ops(DELETE, [], keys[1:], [NEVER])
        assert kinds(applied(arranged, update, delete)) == [ResultKind.STALE] * 2
        assert [row[arranged.note] for row in arranged.stored(keys).values()] == ["theirs"] * 2

    def test_the_version_read_before_an_edit_is_stale_after_it(self, arranged: Arrangement) -> None:
        """The version that a read hands over is the one that a write checks."""
        key = arranged.insert(arranged.row(1))
        read = arranged.stored([key])[key]
        if not (arranged.able.optimistic_lock and read[SETTLED]):
            pytest.skip("the version may be shared by two edits, or is not checked")
        arranged.edit(key, {arranged.note: "theirs"})
        update = arranged.ops(UPDATE, [{arranged.note: "ours"}], [key], [read[VERSION]])
        assert kinds(applied(arranged, update)) == [ResultKind.STALE]

    def test_a_row_that_is_not_there_is_gone(self, arranged: Arrangement) -> None:
        """Whatever version was expected."""
        key = absent_key(arranged)
        note = {arranged.note: "x"}
        update = arranged.ops(UPDATE, [note, note], [key, key], [None, NEVER])
        delete = arranged.ops(DELETE, [], [key, key], [None, NEVER])
        assert kinds(applied(arranged, update, delete)) == [ResultKind.GONE] * 4


class ValueContract:
    """What is written is what is read."""

    def test_texts_come_back_as_they_were_written(self, arranged: Arrangement) -> None:
        """Whatever characters they have."""
        rows = [arranged.row(number, **{arranged.note: text}) for number, text in enumerate(UNICODE)]
        results = applied(arranged, inserts(arranged, rows))
        stored = arranged.stored(results[KEY].to_list())
        assert [stored[key][arranged.note] for key in results[KEY]] == list(UNICODE)

    def test_the_edges_of_each_type_come_back_as_they_were_written(self, arranged: Arrangement) -> None:
        """Decimals to the last digit, dates to the last day."""
        keys = arranged.insert_rows([1])
        for name, values in arranged.extremes.items():
            for value in values:
                assert kinds(applied(arranged, arranged.ops(UPDATE, [{name: value}], keys))) == [None]
                assert arranged.stored(keys, name)[keys[0]][name] == value, name

    def test_a_null_clears_a_field(self, arranged: Arrangement) -> None:
        """Where the system tells a null from a blank; else it becomes blank."""
        key = arranged.insert(arranged.row(1))
        clear = {arranged.note: None, arranged.quantity: None}
        assert kinds(applied(arranged, arranged.ops(UPDATE, [clear], [key]))) == [None]
        stored = arranged.stored([key])[key]
        assert stored[arranged.note] in (None, *([] if arranged.able.nulls_in_text else [""]))
        assert not stored[arranged.quantity]

    def test_a_blank_is_a_blank_unless_the_field_cannot_tell(self, arranged: Arrangement) -> None:
        """`blank_is_null` says where an empty text and nothing are the same."""
        key = arranged.insert(arranged.row(1))
        assert kinds(applied(arranged, arranged.ops(UPDATE, [{arranged.note: ""}], [key]))) == [None]
        allowed = ("", None) if arranged.schema[arranged.note].blank_is_null else ("",)
        assert arranged.stored([key])[key][arranged.note] in allowed


class BatchContract:
    """One result per op, in order, whatever else is in the batch."""

    def test_no_ops_have_no_results(self, arranged: Arrangement) -> None:
        """Neither an empty batch nor empty ops are an error."""
        assert applied(arranged).height == 0
        assert applied(arranged, arranged.ops(DELETE, [])).height == 0

    def test_mixed_kinds_and_fields_are_answered_in_order(self, arranged: Arrangement) -> None:
        """The n-th result speaks of the n-th op."""
        first, second, third = arranged.insert_rows(range(3))
        gone = absent_key(arranged)
        results = applied(
            arranged,
            arranged.ops(UPDATE, [{arranged.note: "a"}, {arranged.note: "b"}], [second, gone]),
            arranged.ops(DELETE, [], [third]),
            inserts(arranged, [arranged.row(20)]),
            arranged.ops(UPDATE, [{arranged.quantity: 7, arranged.name: "c"}], [first]),
        )
        assert kinds(results) == [None, ResultKind.GONE, None, None, None]
        keys = results[KEY].to_list()
        assert [*keys[:3], keys[4]] == [second, gone, third, first]
        stored = arranged.stored([first, second, third, keys[3]])
        assert (stored[first][arranged.name], stored[second][arranged.note]) == ("c", "a")
        assert stored[keys[3]][arranged.quantity] == 20
        assert third not in stored

    def test_bad_rows_are_found_and_named_while_the_rest_is_written(self, arranged: Arrangement) -> None:
        """A row that the system refuses costs no other row its place."""
        rows = [arranged.row(number) for number in range(6)]
        rows[1][arranged.name] = None
        rows[4][arranged.name] = too_long(arranged)
        results = applied(arranged, inserts(arranged, rows))
        failed = [None, ResultKind.FAILED, None, None, ResultKind.FAILED, None]
        assert kinds(results) == failed
        good = results.filter(pl.col(KIND).is_null())[KEY].to_list()
        assert sorted(keys_of(arranged.pages())) == sorted(good)
        _check_complaints(arranged, results)

    def test_a_refused_update_is_found_and_leaves_its_row(self, arranged: Arrangement) -> None:
        """Its neighbours are written, it stays as it was."""
        keys = arranged.insert_rows(range(3))
        rows: list[dict[str, Any]] = [{arranged.name: name} for name in ("new", None, "new")]
        results = applied(arranged, arranged.ops(UPDATE, rows, keys))
        assert kinds(results) == [None, ResultKind.FAILED, None]
        names = [arranged.stored(keys)[key][arranged.name] for key in keys]
        assert names == ["new", arranged.row(1)[arranged.name], "new"]
        _check_complaints(arranged, results)

    def test_returned_versions_are_those_that_a_later_read_shows(self, arranged: Arrangement) -> None:
        """Or else every row that we wrote would look edited."""
        if not arranged.able.returns_versions:
            pytest.skip("the connector returns no versions")
        key = arranged.insert(arranged.row(1))
        update = arranged.ops(UPDATE, [{arranged.note: "new"}], [key])
        results = applied(arranged, update, inserts(arranged, [arranged.row(2), arranged.row(3)]))
        assert results[SETTLED].null_count() == 0
        told = dict(zip(results[KEY], results[VERSION], strict=True))
        assert told == arranged.versions(list(told))

    def test_our_own_write_shows_in_the_feed(self, arranged: Arrangement) -> None:
        """The engine knows its echoes by their version; the feed hides nothing."""
        updated, gone = arranged.insert_rows(range(2))
        cursor = arranged.cursor()
        results = applied(
            arranged,
            arranged.ops(UPDATE, [{arranged.note: "ours"}], [updated]),
            arranged.ops(DELETE, [], [gone]),
            inserts(arranged, [arranged.row(10)]),
        )
        pages = arranged.pages(cursor)
        assert {updated, results[KEY][2]} <= set(keys_of(pages))
        assert gone not in keys_of(pages)
        if arranged.able.reports_deletes:
            assert gone in deleted_in(pages)


def _check_complaints(arranged: Arrangement, results: pl.DataFrame) -> None:
    failed = results.filter(pl.col(KIND) == ResultKind.FAILED)
    assert all(failed[TEXT].to_list()), "a refusal says why"
    named = {arranged.name} if arranged.names_fields else {arranged.name, None}
    assert set(failed[FIELD]) <= named


class WritingContract(InsertContract, UpdateContract, ValueContract, BatchContract):
    """All laws of writing."""
