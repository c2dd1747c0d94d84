"""What is wrong with a mapping: by itself, among others, and against its tables."""

# ruff: noqa: E501 - a case is one line, whole sentences included

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.core.check import (
    Need,
    check_mapping,
    check_mappings,
    check_schemas,
    needs_of,
    order,
    warn_schemas,
)
from twofold.core.fitting import misfit
from twofold.core.mapping import (
    FieldMapping,
    Lookup,
    Problem,
    Rule,
    Scalar,
    Schedule,
    TableMapping,
    TableSide,
    Template,
    Templates,
    Transform,
)
from twofold.core.names import Direction, FeedKind, LookupMissing, Side
from twofold.core.periods import parse_period
from twofold.core.schema import Field, FieldType, Schema

NAME = FieldMapping("name", "name")


def mapping(*fields: FieldMapping, **values: Any) -> TableMapping:
    left = TableSide("erp", "customer", ("id",))
    right = TableSide("crm", "account", ("id",))
    return replace(TableMapping("CUSTOMER", left, right, fields or (NAME,)), **values)


def told(problems: Sequence[Problem]) -> list[str]:
    """Where, below the mapping, and what."""
    return [f"{'.'.join(str(step) for step in p.where[2:])}: {p.sentence}" for p in problems]


def test_a_sensible_mapping_has_no_problem() -> None:
    sensible = mapping(
        NAME,
        FieldMapping("no", "number", Direction.TO_RIGHT, transform=Transform(to_right=(Rule("trim"),))),
        FieldMapping("terms", "terms", options={"A": 1, "B": 2}),
        FieldMapping("currency", "currency", lookup=Lookup("CURRENCY"), clear_value_on_failed_sync=True),
        FieldMapping(right="full_name", combine=("first", "last"), join=", "),
        FieldMapping(right="kind", constant=3),
        FieldMapping(left="origin", constant=""),
        match=(("no",), ("name", "terms")),
        templates=Templates(right=(Template({"a": 1}, {"city": "Oslo|Bergen"}), Template({"a": 2}))),
        schedule=Schedule("1h30m", "12h"),
    )
    assert check_mapping(sensible) == []


TRIM = Transform(to_right=(Rule("trim"),))
PAIRS: list[tuple[FieldMapping, str]] = [
    (FieldMapping(), "fields.0: This field mapping names no field: write left: FIELD and right: FIELD."),
    (FieldMapping(constant=1), "fields.0: This field mapping names no field"),
    (FieldMapping("a"), 'fields.0: "a" on the left has nothing to come from: add right: FIELD, constant: VALUE'),
    (FieldMapping("a", ""), 'fields.0: "a" on the left has nothing to come from'),
    (FieldMapping("a", "b", constant=0), 'fields.0.constant: "a" and "b" are both named, and constant needs just'),
    (FieldMapping("a", "b", combine=("c", "d")), 'fields.0.combine: "a" and "b" are both named, and combine needs'),
    (FieldMapping(right="b", constant=0, direction=Direction.TO_LEFT), 'fields.0.direction: "b" is a field of the right, so its value goes to_right: remove direction.'),
    (FieldMapping(right="b", constant=0, combine=("c", "d")), 'fields.0.combine: "b" has both constant and combine'),
    (FieldMapping(right="b", constant=0, transform=TRIM), 'fields.0.transform: "b" has both constant and transform'),
    (FieldMapping("a", "b", lookup=Lookup("X"), options={"a": 1}), 'fields.0.options: "a" has both lookup and options'),
    (FieldMapping("a", "b", lookup=Lookup("X"), transform=TRIM), 'fields.0.transform: "a" has both lookup and transform'),
    (FieldMapping(right="b", combine=("c",)), 'fields.0.combine: "b" combines a single field'),
    (FieldMapping(right="b", combine=("c", "")), 'fields.0.combine: "b" combines a field without a name'),
    (FieldMapping("a", "b", join=","), 'fields.0.join: "a" has join but nothing to join'),
    (FieldMapping("a", "b", clear_value_on_failed_sync=True), 'fields.0.clear_value_on_failed_sync: "a" has clear_value_on_failed_sync but no lookup'),
    (FieldMapping("a", "b", lookup_missing=LookupMissing.SYNCHRONIZE), 'fields.0.lookup_missing: "a" has lookup_missing but no lookup'),
    (FieldMapping("a", "b", lookup=Lookup("X"), not_null=True, clear_value_on_failed_sync=True), 'fields.0.not_null: "a" must keep its value (not_null) and lose it'),
    (FieldMapping("a", "b", lookup=Lookup("X"), lookup_missing=LookupMissing.SYNCHRONIZE, clear_value_on_failed_sync=True), "fields.0.lookup_missing: "),
    (FieldMapping("a", "b", Direction.TO_LEFT, transform=TRIM), 'fields.0.transform.to_right: "a" goes to_left, so its rules for to_right never run'),
    (FieldMapping("a", "b", transform=Transform(to_left=(Rule("trim"), Rule("trimm")))), 'fields.0.transform.to_left.1: "a": '),
    (FieldMapping("a", "b", options={"A": 1, "B": "1"}), 'fields.0.options: "a" also travels to the left, where 1 could mean A or B'),
    (FieldMapping("a", "b", Direction.TO_RIGHT, options={"A": None}), 'fields.0.options.A: "a" gives the option A no value'),
]  # fmt: skip


@pytest.mark.parametrize(("pair", "expected"), PAIRS, ids=range(len(PAIRS)))
def test_a_pair_that_makes_no_sense_is_told(pair: FieldMapping, expected: str) -> None:
    both_ways = (FieldMapping("x", "x"),)
    found = told(check_mapping(mapping(pair, *both_ways)))
    assert len(found) == 1, found
    assert found[0].startswith(expected)


def test_options_that_travel_one_way_need_not_be_one_to_one() -> None:
    one_way = FieldMapping("a", "b", options={"A": 1, "B": 1})
    assert check_mapping(mapping(one_way, direction=Direction.TO_RIGHT)) == []


MAPPINGS: list[tuple[dict[str, Any], str]] = [
    ({"fields": ()}, "fields: The mapping has no fields"),
    ({"fields": (replace(NAME, enabled=False),)}, "fields: No field is enabled"),
    ({"name": "-x"}, ': "-x" cannot name a mapping: write a word such as CUSTOMER.'),
    ({"name": "x" * 101}, ": The name of a mapping has at most 100 characters, this one has 101."),
    ({"fields": (replace(NAME, direction=Direction.TO_RIGHT),)}, "direction: direction is both, but no enabled field goes to the left: write direction: to_right, or let a field go to_left."),
    ({"fields": (NAME, FieldMapping("a", "b", Direction.TO_LEFT)), "direction": Direction.TO_RIGHT}, 'fields.1.direction: "a" goes to_left, but the mapping goes to_right'),
    ({"fields": (NAME, FieldMapping(left="a", constant=1)), "direction": Direction.TO_RIGHT}, 'fields.1.direction: "a" goes to_left, but the mapping goes to_right'),
    ({"fields": (NAME, FieldMapping("a", "name"))}, 'fields.1: "name" on the right is written twice, by fields 1 and 2'),
    ({"fields": (NAME, FieldMapping(right="name", constant=1))}, 'fields.1: "name" on the right is written twice'),
    ({"fields": (replace(NAME, direction=Direction.TO_RIGHT), replace(NAME, direction=Direction.TO_LEFT))}, 'fields.1: "name" and "name" are paired twice, by fields 1 and 2: keep one'),
    ({"match": (("name", "mail"),)}, 'match.0.1: match names "mail", which is not the left field'),
    ({"match": ((),)}, "match.0: A match group is empty"),
    ({"right": TableSide("erp", "customer", ("id",))}, "right.table: Left and right are the same table, customer"),
    ({"left": TableSide("erp", "", ("id",))}, "left.table: The table has no name"),
    ({"left": TableSide("erp", "t", ("id", "id"))}, 'left.key: The key names "id" twice'),
    ({"left": TableSide("erp", "t", ("",))}, "left.key: The key names a field without a name"),
    ({"left": TableSide("erp", "t", feed=FeedKind.MODIFIED)}, "left.feed: feed is modified, but the left names no such field: add modified: FIELD"),
    ({"left": TableSide("erp", "t", feed=FeedKind.ROW_VERSION)}, "left.feed: feed is row_version, but the left names"),
    ({"left": TableSide("erp", "t", modified="m", row_version="v")}, "left.row_version: The left has both modified and row_version"),
    ({"left": TableSide("erp", "t", filter={"city": " "})}, 'left.filter.city: The filter on "city" is empty: write "\'\'" for a blank field'),
    ({"left": TableSide("erp", "t", filter={"city": "(a"})}, "left.filter.city: (a is not a filter expression"),
    ({"left": TableSide("erp", "t", filter={"": "a"})}, "left.filter.: A filter names no field"),
    ({"templates": Templates(left=(Template({"a": 1}),)), "direction": Direction.TO_RIGHT}, "templates.left: The mapping goes to_right and never creates records on the left"),
    ({"templates": Templates(right=(Template({}),))}, "templates.right.0: The template sets nothing"),
    ({"templates": Templates(right=(Template({"a": 1}), Template({"a": 2})))}, "templates.right.0: Template 1 has no when"),
    ({"templates": Templates(right=(Template({"a": 1}, {"b": "|"}),))}, "templates.right.0.when.b: "),
    ({"schedule": Schedule("soon")}, 'schedule.every: "soon" is not a period'),
    ({"schedule": Schedule("1h", "0m")}, 'schedule.inactivity_timeout: "0m" is not a period'),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), MAPPINGS, ids=range(len(MAPPINGS)))
def test_a_mapping_that_makes_no_sense_is_told(values: dict[str, Any], expected: str) -> None:
    found = told(check_mapping(mapping(**values)))
    assert len(found) == 1, found
    assert found[0].startswith(expected)


def test_a_disabled_pair_may_wait_with_another_direction_or_target() -> None:
    waiting = FieldMapping("a", "name", Direction.TO_LEFT, enabled=False)
    one_way = mapping(replace(NAME, direction=Direction.TO_RIGHT), waiting, direction=Direction.TO_RIGHT)
    assert check_mapping(one_way) == []


@pytest.mark.parametrize(
    ("text", "period"), [("30m", 30), ("12h", 720), ("1d", 1440), ("1h30m", 90), (" 90s ", 1.5)]
)
def test_periods_are_numbers_with_units(text: str, period: float) -> None:
    assert parse_period(text) == timedelta(minutes=period)


@pytest.mark.parametrize("text", ["", "30", "m", "30 m", "1m1h", "-1h", "0s", "99999999999d"])
def test_anything_else_is_not_a_period(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a period: write a number and d, h, m or s, such as 30m or 12h\."
    ):
        parse_period(text)


# -- among others ------------------------------------------------------------------------------------------


def named(name: str, depends_on: Sequence[str] = (), lookups: Sequence[str] = ()) -> TableMapping:
    pairs = [FieldMapping(other, other, lookup=Lookup(other)) for other in lookups]
    return replace(mapping(NAME, *pairs), name=name, depends_on=tuple(depends_on))


def several(*mappings: TableMapping) -> dict[str, TableMapping]:
    return {m.name: m for m in mappings}


def test_names_that_lead_nowhere_are_told_with_the_nearest() -> None:
    lost = named("CUSTOMER", ["CURENCY"], ["SALESPERSN"])
    found = check_mappings(several(lost, named("CURRENCY"), named("SALESPERSON")), ["erp", "crn"])
    about_customer = [p for p in found if p.where[1] == "CUSTOMER"]
    assert told(about_customer) == [
        'right.connection: There is no connection "crm". Did you mean "crn"?',
        'depends_on.0: depends_on names "CURENCY", which is not a mapping. Did you mean "CURRENCY"?',
        'fields.1.lookup.mapping: The lookup of "SALESPERSN" names "SALESPERSN", which is not a mapping. Did you mean "SALESPERSON"?',
    ]  # fmt: skip


def test_mappings_that_exist_elsewhere_may_be_named() -> None:
    assert check_mappings(several(named("A", ["B"], ["C"])), ["erp", "crm"], ["B", "C"]) == []


def test_a_circle_of_dependencies_is_shown_once() -> None:
    found = check_mappings(several(named("C", ["A"]), named("A", ["B"]), named("B", ["C"])), ["erp", "crm"])
    assert [p.where for p in found] == [("mappings", "C", "depends_on")]
    assert found[0].sentence.startswith("depends_on runs in a circle: C -> A -> B -> C.")


def test_circles_of_lookups_are_allowed_even_to_itself() -> None:
    assert (
        check_mappings(several(named("A", lookups=["B", "A"]), named("B", lookups=["A"])), ["erp", "crm"])
        == []
    )


def test_a_lookup_cannot_hold_a_composite_key_but_a_field_of_it() -> None:
    wide = replace(named("WIDE"), right=TableSide("crm", "wide", ("a", "b")))
    found = check_mappings(several(wide, named("A", lookups=["WIDE"])), ["erp", "crm"])
    assert told(found) == [
        'fields.1.lookup: The lookup of "WIDE" cannot hold the key of WIDE on the right, which has several fields: name the field it holds, lookup: {mapping: WIDE, right: FIELD}.'
    ]
    by_field = replace(named("A"), fields=(NAME, FieldMapping("x", "y", lookup=Lookup("WIDE", right="code"))))
    assert check_mappings(several(wide, by_field), ["erp", "crm"]) == []


def test_what_other_lookups_need_of_a_table_is_known() -> None:
    by_code = replace(named("A"), fields=(NAME, FieldMapping("x", "y", lookup=Lookup("B", left="code"))))
    assert needs_of(several(by_code, named("B")), "B") == [
        Need(Side.LEFT, "code", ("mappings", "A", "fields", 1, "lookup", "left"))
    ]


@pytest.mark.parametrize(
    ("mappings", "expected"),
    [
        ([named("B"), named("A")], "B A"),
        ([named("CUSTOMER", ["CURRENCY"]), named("VENDOR"), named("CURRENCY")], "VENDOR CURRENCY CUSTOMER"),
        ([named("CUSTOMER", lookups=["CURRENCY"]), named("CURRENCY")], "CURRENCY CUSTOMER"),
        ([named("A", lookups=["B"]), named("B", lookups=["A"])], "A B"),
        ([named("A", lookups=["B"]), named("B", ["A"])], "A B"),
        ([named("A", lookups=["B"]), named("B", lookups=["A", "C"]), named("C")], "A C B"),
        ([named("A", lookups=["A"]), named("B", ["GONE"])], "A B"),
    ],
    ids=str,
)
def test_mappings_run_after_what_they_need_and_otherwise_as_in_the_file(
    mappings: list[TableMapping], expected: str
) -> None:
    assert " ".join(order(several(*mappings))) == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5))), max_size=6))
def test_the_order_names_every_mapping_once_and_keeps_every_dependency(
    needs: list[tuple[set[int], set[int]]],
) -> None:
    backwards = [
        (sorted(n for n in strict if n < i), sorted(loose)) for i, (strict, loose) in enumerate(needs)
    ]
    mappings = [
        named(f"M{i}", [f"M{n}" for n in s], [f"M{n}" for n in o]) for i, (s, o) in enumerate(backwards)
    ]
    mappings.reverse()
    found = order(several(*mappings))
    assert sorted(found) == sorted(m.name for m in mappings)
    for one in mappings:
        assert all(found.index(name) < found.index(one.name) for name in one.depends_on)


# -- against the tables ------------------------------------------------------------------------------------

KEY = Field("id", FieldType.GUID, nullable=False)
TEXT = Field("name", FieldType.TEXT, length=10)


def schema(table: str, *fields: Field, key: Sequence[str] = ("id",), read_only: bool = False) -> Schema:
    return Schema(table, (KEY, TEXT, *fields), tuple(key), read_only=read_only)


def against(
    one: TableMapping, left: Sequence[Field] = (), right: Sequence[Field] = (), **values: Any
) -> list[str]:
    return told(check_schemas(one, schema("customer", *left), schema("account", *right, **values)))


INTEGER = Field("n", FieldType.INTEGER)
AMOUNT = Field("n", FieldType.DECIMAL, scale=2)
DAY = Field("n", FieldType.DATE)
BYTES = Field("n", FieldType.BINARY)
CALCULATED = Field("n", FieldType.INTEGER, read_only=True)
N = FieldMapping("n", "n")

TABLES: list[tuple[dict[str, Any], list[Field], list[Field], str]] = [
    ({"fields": (FieldMapping("nam", "name"),)}, [], [], 'fields.0.left: customer has no field "nam". Did you mean "name"?'),
    ({"fields": (FieldMapping(right="name", combine=("name", "nme")),), "direction": Direction.TO_RIGHT}, [], [], 'fields.0.combine: customer has no field "nme"'),
    ({"fields": (N,)}, [BYTES], [TEXT], 'fields.0.left: "n" of customer is binary and cannot be synchronized'),
    ({"fields": (NAME, N)}, [INTEGER], [CALCULATED], 'fields.1.right: "n" of account cannot be written to: write direction: to_left on this pair.'),
    ({"fields": (NAME, N)}, [INTEGER], [DAY], 'fields.1.right: "n" is an integer and "n" is a date: they cannot be compared.'),
    ({"left": TableSide("erp", "customer", ("idd",))}, [], [], 'left.key: customer has no field "idd". Did you mean "id"?'),
    ({"left": TableSide("erp", "customer", ("n",)), "fields": (NAME, N)}, [Field("n", FieldType.FLOAT)], [Field("n", FieldType.FLOAT)], 'left.key: "n" is float and cannot be a key'),
    ({"left": TableSide("erp", "customer", modified="n")}, [INTEGER], [], 'left.modified: "n" of customer is integer, and modified needs a date and time'),
    ({"left": TableSide("erp", "customer", modified="gone")}, [], [], 'left.modified: customer has no field "gone".'),
    ({"left": TableSide("erp", "customer", row_version="n")}, [DAY], [], 'left.row_version: "n" of customer is date, and row_version needs a growing number'),
    ({"left": TableSide("erp", "customer", filter={"nme": "x"})}, [], [], 'left.filter.nme: customer has no field "nme". Did you mean "name"?'),
    ({"left": TableSide("erp", "customer", filter={"n": "soon"})}, [DAY], [], "left.filter.n: "),
    ({"fields": (NAME, FieldMapping(right="n", constant="x"))}, [], [INTEGER], 'fields.1.constant: The constant "x" does not fit: "n" is an integer: write a whole number.'),
    ({"fields": (FieldMapping(right="name", constant="x" * 11), FieldMapping("name", "n"))}, [], [TEXT], 'fields.1.right: account has no field "n".'),
    ({"fields": (FieldMapping("n", "n", options={"A": 1.5}),)}, [Field("n", FieldType.TEXT)], [INTEGER], 'fields.0.options.A: The option "A: 1.5" does not fit: "n" is an integer'),
    ({"fields": (FieldMapping("n", "n", options={"A": 1}),)}, [INTEGER], [INTEGER], 'fields.0.options.A: The option "A" does not fit'),
    ({"fields": (NAME, FieldMapping(right="n", combine=("name", "id")))}, [], [INTEGER], 'fields.1.combine: "n" is integer, and combine makes a text'),
    ({"templates": Templates(right=(Template({"nme": 1}),))}, [], [], 'templates.right.0.set.nme: account has no field "nme"'),
    ({"templates": Templates(right=(Template({"n": 1}),))}, [], [CALCULATED], 'templates.right.0.set.n: "n" cannot be written to'),
    ({"templates": Templates(right=(Template({"n": 1.234}),))}, [], [AMOUNT], 'templates.right.0.set.n: The template value "1.234" does not fit: "n" is a decimal: write at most 2 digits after the point.'),
    ({"templates": Templates(right=(Template({"n": 1}, {"n": "x"}),))}, [], [AMOUNT], 'templates.right.0.when.n: customer has no field "n"'),
]  # fmt: skip


@pytest.mark.parametrize(("values", "left", "right", "expected"), TABLES, ids=range(len(TABLES)))
def test_what_the_tables_do_not_allow_is_told(
    values: dict[str, Any], left: list[Field], right: list[Field], expected: str
) -> None:
    found = [line for line in against(mapping(**values), left, right) if line.startswith(expected)]
    assert len(found) == 1, against(mapping(**values), left, right)


def test_a_mapping_that_fits_its_tables_has_no_problem() -> None:
    code = Field("code", FieldType.CODE, length=20)
    fits = mapping(
        NAME,
        FieldMapping("n", "n"),
        FieldMapping("code", "day", transform=Transform((Rule("trim"),), (Rule("trim"),))),
        FieldMapping("code2", "other", lookup=Lookup("X")),
        left=TableSide("erp", "customer", row_version="xmin", filter={"code": "A*|B*"}),
    )
    left = [INTEGER, code, replace(code, name="code2")]
    right = [AMOUNT, Field("day", FieldType.DATE), Field("other", FieldType.GUID)]
    assert against(fits, left, right) == []


def test_a_view_cannot_be_written_to() -> None:
    assert against(mapping(), read_only=True) == [
        "right.table: account cannot be written to: write direction: to_left."
    ]
    assert against(mapping(direction=Direction.TO_LEFT), read_only=True) == []


def test_a_table_without_a_key_needs_one() -> None:
    keyless = mapping(right=TableSide("crm", "account"))
    assert against(keyless, key=()) == [
        "right: account declares no key: name the field that tells its records apart, key: FIELD."
    ]


def test_a_field_that_another_lookup_needs_must_exist() -> None:
    need = Need(Side.RIGHT, "cod", ("mappings", "OTHER", "fields", 0, "lookup", "right"))
    (problem,) = check_schemas(mapping(), schema("customer"), schema("account"), [need])
    assert problem.where == need.where
    assert problem.sentence.startswith('account has no field "cod".')


NUMBER = Field("id", FieldType.INTEGER, nullable=False)
SHORT = Field("id", FieldType.CODE, length=20, nullable=False)
MAPPED = FieldMapping("name", "id", Direction.TO_RIGHT)


@pytest.mark.parametrize(
    ("key", "key_from", "pairs", "expected"),
    [
        (NUMBER, None, (), ": map a field to it, or write key_from: system if the system fills it in."),
        (SHORT, None, (), ": map a field to it, or write key_from: system if the system fills it in."),
        (SHORT, "uuid", (), ", which cannot hold a UUID: map a field to it, or write key_from: system."),
        (KEY, "mapped", (), ", and key_from: mapped says that a field mapping fills it: map a field to it."),
        (replace(NUMBER, generated=True), None, (), None),
        (replace(SHORT, length=36), None, (), None),
        (replace(SHORT, type=FieldType.TEXT, length=None), "uuid", (), None),
        (KEY, None, (), None),
        (NUMBER, "system", (), None),
        (SHORT, None, (MAPPED,), None),
        (SHORT, "mapped", (MAPPED,), None),
    ],
    ids=str,
)
def test_new_records_need_a_key_from_somewhere(
    key: Field, key_from: Any, pairs: tuple[FieldMapping, ...], expected: str | None
) -> None:
    one = mapping(NAME, *pairs, key_from=key_from, direction=Direction.TO_RIGHT)
    left, right = schema("customer"), Schema("account", (key, replace(TEXT, length=None)), ("id",))
    found = told(check_schemas(one, left, right))
    beginning = 'key_from: New records of account need a value for the key "id"'
    assert found == ([] if expected is None else [beginning + expected])


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        (TEXT, "x" * 10, True), (TEXT, "x" * 11, False), (TEXT, 12345678901, False), (TEXT, None, True),
        (replace(TEXT, nullable=False), None, False), (replace(TEXT, nullable=False), "", True),
        (INTEGER, "12", True), (INTEGER, 2**63, False), (INTEGER, "", True), (replace(INTEGER, nullable=False), "", False),
        (AMOUNT, "1.50", True), (AMOUNT, 1.505, False), (AMOUNT, "inf", False), (AMOUNT, "x", False),
        (Field("f", FieldType.FLOAT), "1e3", True), (Field("f", FieldType.FLOAT), "x", False),
        (Field("b", FieldType.BOOLEAN), False, True), (Field("b", FieldType.BOOLEAN), "no", False),
        (DAY, "2024-02-29", True), (DAY, "2023-02-29", False),
        (Field("t", FieldType.TIME), "23:59", True), (Field("t", FieldType.TIME), "24:01", False),
        (Field("t", FieldType.DATETIME), "2024-02-29T10:00:00Z", True), (Field("t", FieldType.DATETIME), "now", False),
        (KEY, "0f8fad5b-d9cb-469f-a165-70867728950e", True), (KEY, "x", False),
        (Field("j", FieldType.JSON), "{}", True), (Field("j", FieldType.JSON), "{", False),
        (Field("o", FieldType.OPTION), 3, True), (Field("o", FieldType.OPTION), "three", False), (BYTES, "x", False),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_fits_its_field_or_the_reason_is_told(field: Field, value: Scalar, fits: bool) -> None:
    reason = misfit(field, value)
    assert (reason is None) is fits
    assert reason is None or reason.startswith(f'"{field.name}"')


# -- warnings ----------------------------------------------------------------------------------------------


def test_required_fields_that_nothing_fills_are_a_warning() -> None:
    city = Field("city", FieldType.TEXT, nullable=False)
    left, right = schema("customer"), schema("account", city, replace(city, name="made", generated=True))
    (warning,) = warn_schemas(mapping(), left, right)
    assert warning.sentence.startswith('"city" of account may not be empty and nothing fills it')
    for filled in (
        mapping(NAME, FieldMapping(right="city", constant="")),
        mapping(templates=Templates(right=(Template({"city": "Oslo"}),))),
        mapping(direction=Direction.TO_LEFT),
    ):
        assert warn_schemas(filled, left, right) == []


def test_longer_texts_are_a_warning_unless_they_may_be_cut() -> None:
    left = Schema("customer", (KEY, replace(TEXT, length=50)), ("id",))
    right = schema("account")
    (warning,) = warn_schemas(mapping(), left, right)
    assert warning.where == ("mappings", "CUSTOMER", "fields", 0)
    assert warning.sentence.startswith('"name" holds 50 characters and "name" 10: longer values fail')
    for calm in (replace(NAME, truncate=True), replace(NAME, direction=Direction.TO_LEFT)):
        assert warn_schemas(mapping(calm), left, right) == []


def test_a_key_that_is_not_the_tables_own_is_a_warning() -> None:
    by_name = mapping(right=TableSide("crm", "account", ("name",)))
    (warning,) = warn_schemas(by_name, schema("customer"), schema("account"))
    assert warning.sentence == (
        'account is keyed by "id", not by "name": two records with the same key would stop the mapping.'
    )


def test_a_lookup_that_asks_for_what_is_not_there_yet_is_told_so() -> None:
    pair = FieldMapping("a", "b", lookup=Lookup("X"), lookup_missing=LookupMissing.SYNCHRONIZE)
    left = Schema("l", (Field("a", FieldType.TEXT),), ("a",))
    right = Schema("r", (Field("b", FieldType.TEXT),), ("b",))
    mapping = TableMapping("M", TableSide("erp", "l", ("a",)), TableSide("crm", "r", ("b",)), (pair,))

    told = [problem.sentence for problem in warn_schemas(mapping, left, right)]

    assert any("does not do yet: it acts as fail" in sentence for sentence in told)
