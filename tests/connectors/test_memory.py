"""The reference connector passes the suite that it is the reference for; its system behaves like a system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.connectors import registry
from twofold.connectors.memory import MemoryConnector, MemorySystem, Rejected, connect, open_system
from twofold.connectors.memory.system import TICK
from twofold.core.frames import FIELD, KEY, KIND, SETTLED, VERSION
from twofold.core.names import FeedKind
from twofold.core.schema import Field, FieldType, Schema
from twofold.errors import Refused, SchemaDrift
from twofold.ports import OpKind, Ops, ResultKind, Table
from twofold.testing.contract import Arrangement, ConnectorContract, KeyKind, contract_schema, contract_table


class MemoryArrangement(Arrangement):
    page = 3

    def __init__(self, feed: FeedKind, key: KeyKind, *, coarse: bool = False, **facts: Any) -> None:
        self.system = MemorySystem(coarse=coarse)
        self.table = contract_table(feed, key)
        schema = contract_schema(feed, key)
        schema = replace(schema, fields=tuple(map(self.adapt, schema.fields)))
        self.system.create_table(schema, modified=self.table.modified, row_version=self.table.row_version)
        self.connector = MemoryConnector(self.system, page_size=3, **facts)

    def adapt(self, field: Field) -> Field:
        return field

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


class TestMemory(ConnectorContract):
    feeds = tuple(FeedKind)
    keys = (KeyKind.GUID, KeyKind.IDENTITY)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return MemoryArrangement(feed, key)


class TestMemoryWithKeysOfPeople(TestMemory):
    feeds = (FeedKind.MODIFIED, FeedKind.SNAPSHOT)
    keys = (KeyKind.TEXT, KeyKind.COMPOSITE)


class TestMemoryWithCoarseStamps(ConnectorContract):
    feeds = (FeedKind.MODIFIED,)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return MemoryArrangement(feed, key, coarse=True)


class TestMemoryThatCanDoLittle(ConnectorContract):
    """No versions returned or checked, and calls of at most six rows."""

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return MemoryArrangement(
            feed, key, returns_versions=False, optimistic_lock=False, max_ops=8, max_keys=9
        )


class ArrangementWithoutNulls(MemoryArrangement):
    def adapt(self, field: Field) -> Field:
        return replace(field, nullable=False, blank_is_null=True) if field.name == "note" else field


class TestMemoryWithoutNullsInText(ConnectorContract):
    """As Business Central keeps its texts."""

    feeds = (FeedKind.MODIFIED,)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        return ArrangementWithoutNulls(feed, key)


# -- what the contract cannot ask of every connector --------------------------------------------------------


CUSTOMERS = Schema(
    "customers",
    (
        Field("id", FieldType.INTEGER, nullable=False, generated=True),
        Field("name", FieldType.TEXT, 10, nullable=False),
        Field("email", FieldType.TEXT),
        Field("balance", FieldType.DECIMAL, scale=2),
        Field("modified_at", FieldType.DATETIME),
    ),
    ("id",),
)
TABLE = Table("customers", ("id",), FeedKind.MODIFIED, modified="modified_at")


def customers(**more: Any) -> MemorySystem:
    system = MemorySystem(coarse=more.pop("coarse", False))
    schema = replace(CUSTOMERS, read_only=more.pop("read_only", False))
    system.create_table(schema, modified="modified_at", **more)
    return system


def ops(kind: OpKind, **columns: list[Any]) -> Ops:
    count = len(next(iter(columns.values())))
    meta = {KEY: columns.pop("key", [None] * count), VERSION: columns.pop("version", [None] * count)}
    schema = {KEY: pl.String(), VERSION: pl.String(), **{name: CUSTOMERS[name].dtype for name in columns}}
    return Ops(kind, pl.DataFrame({**meta, **columns}, schema=schema))


def result(system: MemorySystem, *batch: Ops) -> list[tuple[Any, Any]]:
    rows = MemoryConnector(system).apply(TABLE, batch).rows
    return list(zip(rows[KIND], rows[FIELD], strict=True))


@pytest.mark.parametrize(
    ("row", "field", "complaint"),
    [
        ({"name": None}, "name", "must not be empty"),
        ({}, "name", "must not be empty"),
        ({"name": "x" * 11}, "name", "at most 10 characters, not 11"),
        ({"name": "a\x00b"}, "name", "NUL"),
        ({"name": 5}, "name", "takes a text value, not 5"),
        ({"name": "x", "balance": 1.5}, "balance", "takes a decimal value"),
        ({"name": "x", "id": True}, "id", "takes a integer value"),
        ({"name": "x", "mail": "a@b"}, "mail", 'Did you mean "email"'),
        ({"name": "x", "modified_at": datetime(2024, 1, 1, tzinfo=UTC)}, "modified_at", "kept by the system"),
        ({"name": "x", "email": "taken"}, "email", "must be unique, and 'taken' is taken"),
    ],
)
def test_the_system_refuses_what_breaks_its_rules_and_names_the_field(
    row: dict[str, Any], field: str, complaint: str
) -> None:
    system = customers(unique=["email"])
    system.insert("customers", {"name": "first", "email": "taken"})
    with pytest.raises(Rejected, match=complaint) as refusal:
        system.insert("customers", row)
    assert refusal.value.field == field
    assert len(system.rows("customers")) == 1


def test_an_edit_may_keep_its_own_unique_value() -> None:
    system = customers(unique=["email"])
    key = system.insert("customers", {"name": "a", "email": "a@b"})
    system.edit("customers", key, email="a@b", name="b")
    assert system.rows("customers")[key]["name"] == "b"


def test_keys_made_by_the_system_count_on_from_the_highest() -> None:
    system = customers()
    keys = [system.insert("customers", row) for row in ({"name": "a"}, {"name": "b", "id": 7}, {"name": "c"})]
    assert keys == ["1", "7", "8"]


def test_a_uuid_key_is_made_where_the_row_brings_none() -> None:
    system = MemorySystem()
    system.create_table(Schema("t", (Field("id", FieldType.GUID, nullable=False, generated=True),), ("id",)))
    made, brought = system.insert("t", {}), system.insert("t", {"id": "ABCDEF00-0000-4000-8000-000000000001"})
    assert (len(made), brought) == (36, "abcdef00-0000-4000-8000-000000000001")
    assert MemoryConnector(system).capabilities(Table("t", ("id",))).client_keys


def test_a_field_may_be_called_as_anything() -> None:
    system = MemorySystem()
    fields = [Field("key", FieldType.TEXT), Field("table", FieldType.TEXT), Field("self", FieldType.TEXT)]
    system.create_table(Schema("odd", tuple(fields), ("key",)))
    connector = MemoryConnector(system)
    schema = {KEY: pl.String(), VERSION: pl.String(), "table": pl.String(), "self": pl.String()}
    row = pl.DataFrame([["k"], [None], ["t"], ["s"]], schema=schema)
    for kind in (OpKind.INSERT, OpKind.UPDATE):
        assert connector.apply(Table("odd", ("key",)), [Ops(kind, row)]).rows[KIND].to_list() == [None]
    assert system.rows("odd") == {"k": {"key": "k", "table": "t", "self": "s"}}


def test_a_uuid_is_stored_in_lower_case_as_its_key_is_spelt() -> None:
    system = MemorySystem()
    system.create_table(Schema("t", (Field("id", FieldType.GUID, nullable=False, generated=True),), ("id",)))
    key = system.insert("t", {"id": "ABCDEF00-0000-4000-8000-000000000001"})
    assert system.rows("t") == {key: {"id": key}}


def test_a_read_only_table_refuses_every_write_as_a_result() -> None:
    system = customers(read_only=True)
    assert result(system, ops(OpKind.INSERT, name=["a", "b"])) == [(ResultKind.FAILED, None)] * 2


def test_a_trigger_changes_what_is_stored_and_the_schema_says_so() -> None:
    system = customers(trigger=lambda row: {**row, "name": row["name"].upper()})
    connector = MemoryConnector(system)
    key = connector.apply(TABLE, [ops(OpKind.INSERT, name=["ada"])]).rows[KEY][0]
    assert connector.describe("customers").rewrites
    assert connector.fetch(TABLE, ["name"], [key]).rows["name"].to_list() == ["ADA"]


def test_every_edit_moves_the_stamp_even_when_the_clock_is_set_back() -> None:
    system = customers()
    key = system.insert("customers", {"name": "a"})
    first = system.rows("customers")[key]["modified_at"]
    system.now = first - TICK
    system.edit("customers", key, name="b")
    assert system.rows("customers")[key]["modified_at"] not in (None, first)


def test_coarse_stamps_are_shared_and_said_to_be_unsettled_while_young() -> None:
    system = customers(coarse=True)
    connector = MemoryConnector(system)
    key = system.insert("customers", {"name": "a"})
    before = connector.fetch(TABLE, [], [key]).rows
    system.edit("customers", key, name="b")
    after = connector.fetch(TABLE, [], [key]).rows
    assert before[VERSION].to_list() == after[VERSION].to_list()
    assert after[SETTLED].to_list() == [False]
    system.advance(minutes=16)
    assert connector.fetch(TABLE, [], [key]).rows[SETTLED].to_list() == [True]


def test_a_decimal_is_kept_at_the_scale_of_its_field() -> None:
    system = customers()
    key = system.insert("customers", {"name": "a", "balance": Decimal("1.005")})
    assert system.rows("customers")[key]["balance"] == Decimal("1.01")


def test_the_unique_field_is_named_in_a_result() -> None:
    system = customers(unique=["email"])
    batch = ops(OpKind.INSERT, name=["a", "b", "c"], email=["x", "x", "y"])
    assert result(system, batch) == [(None, None), (ResultKind.FAILED, "email"), (None, None)]


def test_a_key_that_the_table_cannot_have_is_refused_as_a_result() -> None:
    batch = ops(OpKind.INSERT, key=["not a number"], name=["a"])
    assert result(customers(), batch) == [(ResultKind.FAILED, "id")]


def test_an_expired_change_token_leads_to_a_full_read() -> None:
    system = customers()
    table = replace(TABLE, feed=FeedKind.DELTA)
    connector = MemoryConnector(system)
    kept, gone = (system.insert("customers", {"name": name}) for name in "ab")
    *_, page = connector.changes(table, [], None, None)
    system.delete("customers", gone)
    system.forget_changes("customers")
    *_, again = connector.changes(table, [], None, page.cursor)
    assert (again.rows[KEY].to_list(), again.deleted) == ([kept], ())


def test_a_field_that_is_no_longer_there_stops_the_reading() -> None:
    connector = MemoryConnector(customers())
    with pytest.raises(SchemaDrift, match=r'no field "emial".*Did you mean "email"'):
        connector.fetch(TABLE, ["emial"], [])
    with pytest.raises(SchemaDrift, match="no longer has the table"):
        connector.capabilities(Table("gone", ("id",)))


def test_calls_beyond_the_bounds_are_a_mistake_of_the_caller() -> None:
    connector = MemoryConnector(customers(), max_ops=1, max_keys=1)
    with pytest.raises(ValueError, match="max_keys"):
        connector.fetch(TABLE, [], ["1", "2"])
    with pytest.raises(ValueError, match="max_ops"):
        connector.apply(TABLE, [ops(OpKind.INSERT, name=["a", "b"])])


def test_requests_are_counted_by_verb() -> None:
    system = customers()
    connector = MemoryConnector(system, page_size=2)
    for name in "abcde":
        system.insert("customers", {"name": name})
    list(connector.changes(TABLE, [], None, None))
    connector.fetch(TABLE, [], ["1"])
    connector.apply(TABLE, [ops(OpKind.INSERT, name=["f"])])
    assert connector.requests == {"changes": 3, "fetch": 1, "apply": 1}


EDITS = st.lists(st.tuples(st.integers(0, 4), st.integers(-240, 240), st.booleans()), max_size=12)


@given(EDITS, st.booleans())
def test_whatever_the_clock_does_a_reader_ends_up_with_what_is_there(
    edits: list[tuple[int, int, bool]],
    coarse: bool,
) -> None:
    system = customers(coarse=coarse)
    connector = MemoryConnector(system, page_size=2)
    true_time, cursor = system.now, None
    seen: dict[str, str] = {}
    keys = [system.insert("customers", {"name": f"n{number}"}) for number in range(5)]
    for number, (pick, skew, reads) in enumerate(edits):
        system.now = true_time + timedelta(seconds=skew + number)
        system.edit("customers", keys[pick], name=f"edit {number}")
        if reads:
            for page in connector.changes(TABLE, ["name"], None, cursor):
                cursor = page.cursor
                seen.update(zip(page.rows[KEY], page.rows["name"], strict=True))
    for page in connector.changes(TABLE, ["name"], None, cursor):
        seen.update(zip(page.rows[KEY], page.rows["name"], strict=True))
    assert seen == {key: row["name"] for key, row in system.rows("customers").items()}


# -- connecting ---------------------------------------------------------------------------------------------


def test_a_connection_finds_the_system_that_was_opened_in_this_process() -> None:
    system = open_system("shop")
    found = registry.connect("erp", {"kind": "memory", "system": "shop", "page_size": 7}, Path())
    assert isinstance(found, MemoryConnector)
    assert (found.system, found.page_size, found.identity()) == (system, 7, "memory:shop")
    assert open_system("shop") is system
    assert registry.connect("shop", {"kind": "memory"}, Path()).identity() == "memory:shop"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"system": "shopp"}, 'no memory system "shopp" is open in this process. Did you mean "shop"'),
        ({"system": "shop", "pagesize": 5}, 'unknown setting "pagesize". Did you mean "page_size"'),
        ({"system": "shop", "max_ops": 0}, '"max_ops" of connection "erp" must be a whole number above 0'),
        ({"system": "shop", "max_keys": "many"}, '"max_keys" of connection "erp" must be'),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_the_way_out(
    settings: dict[str, Any], complaint: str
) -> None:
    open_system("shop")
    with pytest.raises(Refused, match=re.escape(complaint)):
        connect("erp", settings, Path())
