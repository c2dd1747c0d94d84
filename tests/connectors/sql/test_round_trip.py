"""Every type travels SQLite -> PostgreSQL -> MariaDB -> SQLite and arrives equal; edits travel back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from twofold.core.frames import KEY
from twofold.core.schema import Field, FieldType
from twofold.ports import OpKind, Table

from .place import Place, ops, rows_of, write
from .workspace import configure, connection, counted, synchronized, verified

FIELDS = (
    Field("id", FieldType.GUID, nullable=False),
    Field("number", FieldType.TEXT, 20, nullable=False),
    Field("short", FieldType.TEXT, 40),
    Field("long", FieldType.TEXT),
    Field("whole", FieldType.INTEGER),
    Field("amount", FieldType.DECIMAL, scale=4),
    Field("ratio", FieldType.FLOAT),
    Field("active", FieldType.BOOLEAN),
    Field("day", FieldType.DATE),
    Field("hour", FieldType.TIME),
    Field("micros", FieldType.DATETIME, scale=6),
    Field("seconds", FieldType.DATETIME, scale=0),
    Field("link", FieldType.GUID),
    Field("link_text", FieldType.TEXT, 36),
    Field("document", FieldType.JSON),
)
LINK = "0123abcd-89ab-4def-8123-456789abcdef"
ROWS: list[dict[str, Any]] = [
    {"number": "nothing"},
    {"number": "blank", "short": "", "long": ""},
    {
        "number": "plain",
        "short": 'it\'s "quoted", 100% \\ `ticked`',
        "long": "one\ntwo\r\n\tthree",
        "whole": 42,
        "amount": Decimal("12.5000"),
        "ratio": 0.1,
        "active": True,
        "day": date(2024, 2, 29),
        "hour": time(23, 59, 59),
        "micros": datetime(2024, 12, 31, 23, 59, 59, 123456, tzinfo=UTC),
        "seconds": datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC),
        "link": LINK,
        "link_text": LINK,
        "document": '{"b": [1, 2.5, null], "a": {"é": "\\u00e9\\n"}}',
    },
    {
        "number": "edges",
        "short": "\U0001f600é日本語ßẞ\N{DEVANAGARI LETTER KA}",
        "long": "\U0001f600" * 5000,
        "whole": -(2**63),
        "amount": Decimal("-0.0001"),
        "ratio": -1.7976931348623157e308,
        "active": False,
        "day": date(1000, 1, 1),
        "hour": time(0, 0, 0, 1),
        "micros": datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        "seconds": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        "link": "ffffffff-ffff-4fff-bfff-ffffffffffff",
        "link_text": "00000000-0000-4000-8000-000000000001",
        "document": "[]",
    },
    {"number": "more edges", "whole": 2**63 - 1, "amount": Decimal("99999999.9999"), "ratio": 5e-324},
]
TABLE = Table("things", ("id",))
NAMES = [field.name for field in FIELDS if field.name != "id"]


@pytest.fixture
def chain(sqlite: Place, postgresql: Place, mariadb: Place) -> list[Place]:
    """Four empty tables, each in a database of its own, and mappings from each to the next."""
    (sqlite.folder / "last").mkdir()
    (sqlite.folder / "last" / "erp.db").touch()
    last = Place("sqlite", "sqlite:///last/erp.db", sqlite.folder)
    last_file = Place("sqlite", "sqlite:///erp.db", sqlite.folder / "last")
    places = [sqlite, postgresql, mariadb, last_file]
    for place in places:
        connector = place.connect()
        place.execute(connector.create_statement("things", FIELDS, ["id"]).strip().rstrip(";"))
    postgresql.execute("ALTER TABLE things ALTER link_text TYPE uuid USING link_text::uuid")
    mariadb.execute("ALTER TABLE things MODIFY link BINARY(16), MODIFY link_text CHAR(36)")
    names = ["first", "second", "third", "fourth"]
    urls = [connection(place) for place in (*places[:3], last)]
    configure(
        sqlite.folder,
        dict(zip(names, urls, strict=True)),
        {f"M{n}": mapping(names[n], names[n + 1]) for n in range(3)},
    )
    return places


def mapping(left: str, right: str, fields: list[str] | None = None) -> dict[str, Any]:
    """All fields, both ways."""
    return {
        "left": {"connection": left, "table": "things", "key": "id"},
        "right": {"connection": right, "table": "things", "key": "id"},
        "synch_only_coupled_records": False,
        "match": [["number"]],
        "fields": [{"left": name, "right": name} for name in fields or NAMES],
    }


def content(place: Place) -> pl.DataFrame:
    """What the table holds, by number."""
    return rows_of(place.connect(), TABLE, NAMES).select(NAMES).sort("number")


def test_every_value_arrives_equal_and_edits_flow_back(chain: list[Place]) -> None:
    first, *_, last = chain
    keys = [f"00000000-0000-4000-8000-{number:012x}" for number in range(len(ROWS))]
    columns = {name: [row.get(name) for row in ROWS] for name in NAMES}
    connector = first.connect()
    results = write(connector, TABLE, ops(connector, TABLE, OpKind.INSERT, columns, keys=keys))
    assert results["#text"].to_list() == [None] * len(ROWS)
    report = synchronized(first.folder)
    assert (report.broken, counted(report, "inserted")) == ([], 3 * len(ROWS)), report.jobs
    expected = content(first)
    documents = expected["document"].drop_nulls().to_list()
    assert [json.loads(text) for text in documents] == [[], {"b": [1, 2.5, None], "a": {"é": "é\n"}}]
    for place in chain[1:]:
        assert content(place).to_dicts() == expected.to_dicts(), place.kind
    assert all(found.clean for found in verified(first.folder))
    edit_the_last(last)
    for _ in range(3):
        report = synchronized(first.folder)
        assert report.exit_code == 0, [job["errors"] for job in report.jobs]
    for place in chain[:-1]:
        assert content(place).to_dicts() == content(last).to_dicts(), place.kind
    idle = synchronized(first.folder)
    assert [counted(idle, name) for name in ("inserted", "modified", "failed")] == [0, 0, 0]


def edit_the_last(last: Place) -> None:
    """Empty what was full, and fill what was empty, at the end of the chain."""
    connector = last.connect()
    rows = rows_of(connector, TABLE, ["number"])
    key = dict(rows.select("number", KEY).iter_rows())
    full = ROWS[2]
    names = [name for name in NAMES if name != "number"]
    swapped = {name: [full[name], None] for name in names}
    update = ops(connector, TABLE, OpKind.UPDATE, swapped, keys=[key["nothing"], key["plain"]])
    assert write(connector, TABLE, update)["#text"].to_list() == [None, None]


def test_binary_fields_are_refused_with_a_sentence(mariadb: Place, sqlite: Place) -> None:
    fields = [replace(field) for field in FIELDS[:2]] + [Field("photo", FieldType.BINARY)]
    for place in (mariadb, sqlite):
        place.execute(place.connect().create_statement("things", fields, ["id"]).strip().rstrip(";"))
    configure(
        sqlite.folder,
        {"a": connection(sqlite), "b": connection(mariadb)},
        {"M": mapping("a", "b", ["number", "photo"])},
    )
    report = synchronized(sqlite.folder)
    assert report.exit_code == 3
    assert '"photo"' in report.broken[0]
