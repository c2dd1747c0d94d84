"""A filter finds the same rows in the database as on our own frames, also in odd data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.connectors.sql.where import push_down
from twofold.core.filters import All, AnyOf, Blank, Compare, Filter, Like, Range, Value, Within, to_polars
from twofold.core.schema import Field, FieldType
from twofold.ports import Table

from .place import Place, rows_of

THINGS = Table("things", ("id",))
TEXTS = [
    "",
    "a",
    "A",
    "á",
    "Á",
    "Kilo",
    "\u212ailo",
    "\u0130x",
    "ix",
    "ΟΔΟΣ",
    "οδος",
    "a*b",
    "a%b",
    "a_b",
    "[a]",
    "a\\b",
    "x\ny",
    "ß",
    "Z",
]
FIELDS = [
    Field("txt", FieldType.TEXT),
    Field("n", FieldType.INTEGER),
    Field("amount", FieldType.DECIMAL, scale=2),
    Field("b", FieldType.BOOLEAN),
    Field("d", FieldType.DATE),
    Field("t", FieldType.TIME),
    Field("s", FieldType.DATETIME),
    Field("g", FieldType.GUID),
]
STAMPS = [
    "2024-01-02 03:04:05",
    "2024-01-02T03:04:05.5Z",
    "2024-01-02 03:04:05.500001",
    "2024-01-02T05:04:05+02:00",
]
GUIDS = ["0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001", "0190AAAA-BBBB-7CCC-8DDD-EEEEFFFF0002"]
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "txt": st.sampled_from(TEXTS),
    "n": st.integers(-2, 2),
    "amount": st.sampled_from([Decimal("0.30"), Decimal("0.1"), Decimal(2), Decimal("-1.005")]),
    "b": st.booleans(),
    "d": st.sampled_from([date(2024, 1, 2), date(2024, 1, 3)]),
    "t": st.sampled_from([time(3, 4), time(3, 4, 5, 500_000)]),
    "s": st.sampled_from([datetime(2024, 1, 2, 3, 4, 5, n, tzinfo=UTC) for n in (0, 500_000, 500_001)]),
    "g": st.sampled_from([guid.lower() for guid in GUIDS]),
}
PATTERNS = st.sampled_from(
    ["a*", "*A*", "?", "á", "*k*", "kilo", "i?", "*[a]", "a?b", "a\\b", "x*y", "οδοσ", "*ß", "*"]
)


def fields(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names or list(VALUES))


@st.composite
def leaves(draw: st.DrawFn) -> Filter:
    kind = draw(st.sampled_from(["compare", "range", "like", "blank", "within"]))
    name = draw(fields())
    if kind == "compare":
        return Compare(name, draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="])), draw(VALUES[name]))
    if kind == "range":
        return Range(name, draw(VALUES[name]), draw(VALUES[name]))
    if kind == "like":
        return Like("txt", draw(PATTERNS), draw(st.booleans()), draw(st.booleans()))
    if kind == "blank":
        return Blank(name, draw(st.booleans()))
    return Within(name, tuple(draw(st.lists(VALUES[name], max_size=3))))


FILTERS = st.recursive(
    leaves(),
    lambda parts: st.lists(parts, max_size=3).flatmap(lambda p: st.sampled_from([All(p), AnyOf(p)])),
    max_leaves=4,
)


def odd_rows() -> list[Sequence[object]]:
    width = len(TEXTS) + 1
    columns: list[list[object]] = [
        [*TEXTS, None],
        [None, 0, 1, 2, -1],
        [None, 0.1, 0.1 + 0.2, 2, -1.0],
        [None, True, False],
        [None, "2024-01-02", "2024-01-03"],
        [None, "03:04:00", "03:04:05.5"],
        [None, *STAMPS],
        [None, *GUIDS],
    ]
    return [[column[number % len(column)] for column in columns] for number in range(width)]


@pytest.fixture
def odd(place: Place) -> Place:
    """A table of odd rows."""
    connector = place.connect(page_size=7)
    key = Field("id", FieldType.INTEGER, nullable=False)
    place.execute(connector.create_statement("things", [key, *FIELDS], ["id"]))
    marks = ", ".join(["?" if place.kind == "sqlite" else "%s"] * (len(FIELDS) + 1))
    for number, row in enumerate(odd_rows()):
        place.query(f"INSERT INTO things VALUES ({marks})", (number, *row))
    return place


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=FILTERS)
def test_the_database_and_we_find_the_same(odd: Place, where: Filter) -> None:
    connector = odd.opened[0]
    names = [field.name for field in FIELDS]
    whole = rows_of(connector, THINGS, names)
    assert whole.height == len(TEXTS) + 1
    expected = whole.filter(to_polars(where, whole.schema))["#key"].to_list()
    pages = list(connector.changes(THINGS, (), where, None))
    assert sorted(key for page in pages for key in page.rows["#key"]) == sorted(expected)
    assert {page.count for page in pages} == {len(expected)}


@pytest.mark.parametrize(
    "where", [Like("txt", "*a*"), Like("txt", "*á*", ignore_case=True), Compare("s", ">", STAMPS[0])]
)
def test_sqlite_evaluates_every_filter_itself(odd: Place, where: Filter) -> None:
    if odd.kind != "sqlite":
        pytest.skip("only SQLite runs our own functions; the others fold only ASCII as we do")
    connector = odd.opened[0]
    assert push_down(where, connector._relation("things"), connector._dialect).exact


def test_postgresql_finds_more_than_it_should_only_where_case_is_not_ascii(postgresql: Place) -> None:
    postgresql.execute("CREATE TABLE things (id text PRIMARY KEY, txt text)")
    connector = postgresql.connect()
    exact = [
        push_down(where, connector._relation("things"), connector._dialect).exact
        for where in (
            Like("txt", "*Co*"),
            Like("txt", "*co*", ignore_case=True),
            Like("txt", "*é*", ignore_case=True),
        )
    ]
    assert exact == [True, True, False]


def test_many_values_are_no_trouble(odd: Place) -> None:
    connector = odd.opened[0]
    many = Within("n", tuple(range(1, 5000)))
    assert set(rows_of(connector, THINGS, ["n"], many)["n"]) == {1, 2}
