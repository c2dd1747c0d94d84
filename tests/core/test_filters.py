"""Filters mean the same in the grammar, in Polars and in a plain reading of the rules."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.core.filter_grammar import FilterError, Op, check_syntax, parse_filter, parse_filters
from twofold.core.filters import (
    All,
    AnyOf,
    Blank,
    Compare,
    Filter,
    Like,
    Range,
    Within,
    fields_of,
    filter_signature,
    fold_case,
    render,
    to_polars,
)
from twofold.core.schema import Field, FieldType, Schema

NAME = Field("name", FieldType.TEXT)
CODE = Field("code", FieldType.CODE)
COUNT = Field("count", FieldType.INTEGER)
AMOUNT = Field("amount", FieldType.DECIMAL, scale=2)
RATE = Field("rate", FieldType.FLOAT)
OPEN = Field("open", FieldType.BOOLEAN)
DAY = Field("day", FieldType.DATE)
HOUR = Field("hour", FieldType.TIME)
MOMENT = Field("moment", FieldType.DATETIME)
GUID = Field("guid", FieldType.GUID)
OPTION = Field("option", FieldType.OPTION)
PHOTO = Field("photo", FieldType.BINARY)
FIELDS = (NAME, CODE, COUNT, AMOUNT, RATE, OPEN, DAY, HOUR, MOMENT, GUID, OPTION, PHOTO)
SCHEMA = Schema("customer", FIELDS)
DTYPES = {field.name: field.dtype for field in FIELDS}


def rows_of(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema={name: DTYPES[name] for name in columns})


def found(field: Field, expression: str, values: list[Any]) -> list[Any]:
    rows = rows_of(**{field.name: values})
    where = parse_filter(field, expression)
    return rows.filter(to_polars(where, rows.schema))[field.name].to_list()


# -- the grammar -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "expression", "tree"),
    [
        (NAME, "X", Compare("name", "=", "X")),
        (NAME, "=X", Compare("name", "=", "X")),
        (NAME, "''", Blank("name")),
        (NAME, "=''", Blank("name")),
        (NAME, "@''", Blank("name")),
        (NAME, "<>''", Blank("name", negated=True)),
        (NAME, "<>X", Compare("name", "<>", "X")),
        (NAME, " New York ", Compare("name", "=", "New York")),
        (NAME, "a@b.com", Compare("name", "=", "a@b.com")),
        (NAME, "'A|B'", Compare("name", "=", "A|B")),
        (NAME, "'O''Brien'", Compare("name", "=", "O'Brien")),
        (NAME, "'*'", Compare("name", "=", "*")),
        (NAME, "' x'", Compare("name", "=", " x")),
        (NAME, "@co", Like("name", "co", ignore_case=True)),
        (NAME, "*co?", Like("name", "*co?")),
        (NAME, "<>@*co*", Like("name", "*co*", ignore_case=True, negated=True)),
        (NAME, "@'R&D'*", Like("name", "R&D*", ignore_case=True)),
        (NAME, "A..B", Range("name", "A", "B")),
        (CODE, "us", Compare("code", "=", "US")),
        (CODE, "u*", Like("code", "U*")),
        (COUNT, "10..20", Range("count", 10, 20)),
        (COUNT, "..20", Compare("count", "<=", 20)),
        (COUNT, "10..", Compare("count", ">=", 10)),
        (COUNT, "> -5", Compare("count", ">", -5)),
        (COUNT, "<=7", Compare("count", "<=", 7)),
        (COUNT, "'7'", Compare("count", "=", 7)),
        (OPTION, "1|3", AnyOf((Compare("option", "=", 1), Compare("option", "=", 3)))),
        (AMOUNT, "1.5..2.5", Range("amount", Decimal("1.5"), Decimal("2.5"))),
        (AMOUNT, ">=.5", Compare("amount", ">=", Decimal("0.5"))),
        (RATE, "<1e3", Compare("rate", "<", 1000.0)),
        (OPEN, "Yes", Compare("open", "=", True)),
        (OPEN, "<>0", Compare("open", "<>", False)),
        (DAY, "2024-01-31", Compare("day", "=", date(2024, 1, 31))),
        (HOUR, "13:45..", Compare("hour", ">=", time(13, 45))),
        (MOMENT, "2024-01-31T13:45+01:00", Compare("moment", "=", datetime(2024, 1, 31, 12, 45, tzinfo=UTC))),
        (MOMENT, ">2024-01-31 10:00:00", Compare("moment", ">", datetime(2024, 1, 31, 10, tzinfo=UTC))),
        (
            GUID,
            "{01234567-89AB-CDEF-0123-456789ABCDEF}",
            Compare("guid", "=", "01234567-89ab-cdef-0123-456789abcdef"),
        ),
        (PHOTO, "<>''", Blank("photo", negated=True)),
    ],
)
def test_an_expression_is_read_as_this_tree(field: Field, expression: str, tree: Filter) -> None:
    assert parse_filter(field, expression) == tree


def test_and_binds_tighter_than_or() -> None:
    a, b, c = (Compare("name", "=", letter) for letter in "ABC")

    assert parse_filter(NAME, "A|B&C") == AnyOf((a, All((b, c))))
    assert parse_filter(NAME, "(A|B)&C") == All((AnyOf((a, b)), c))
    assert parse_filter(NAME, "A|(B|C)") == AnyOf((a, b, c))


def test_a_date_in_a_datetime_field_is_the_whole_day() -> None:
    before = datetime(2024, 1, 30, 23, 59, 59, 999999, tzinfo=UTC)
    first = datetime(2024, 1, 31, tzinfo=UTC)
    last = datetime(2024, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)
    after = datetime(2024, 2, 1, tzinfo=UTC)
    values = [before, first, last, after, None]

    assert found(MOMENT, "2024-01-31", values) == [first, last]
    assert found(MOMENT, "<>2024-01-31", values) == [before, after, None]
    assert found(MOMENT, ">2024-01-31", values) == [after]
    assert found(MOMENT, ">=2024-01-31", values) == [first, last, after]
    assert found(MOMENT, "<2024-01-31", values) == [before]
    assert found(MOMENT, "..2024-01-31", values) == [before, first, last]


@pytest.mark.parametrize(
    ("field", "expression", "place", "says"),
    [
        (NAME, "", 0, "it is empty. Write ''"),
        (NAME, "A|", 2, "a value is missing here"),
        (NAME, "|A", 0, "a value is missing here"),
        (NAME, "A||B", 2, "a value is missing here"),
        (NAME, "(A|B", 0, "this bracket is never closed"),
        (NAME, "A)", 1, "no bracket is open here"),
        (NAME, "Smith (UK)", 6, "put the value in single quotes"),
        (NAME, "O'Brien", 1, "this quote is never closed"),
        (NAME, "'A' 'B'", 4, "an operator such as | or & is missing here"),
        (NAME, "'A' B", 3, "an operator such as | or & is missing here"),
        (NAME, "a<b", 1, "< cannot follow a value"),
        (NAME, "<>(A|B)", 2, "Repeat it for each value, such as <>A&<>B"),
        (NAME, "><A", 1, "a value is missing after >"),
        (NAME, "@", 1, "a value is missing after @"),
        (NAME, "..", 0, "a range needs at least one end"),
        (NAME, "A..B..C", 4, "a range has two ends only"),
        (NAME, ">A..B", 2, "a range takes no operator"),
        (NAME, "A*..B", 0, "a range takes no wildcards"),
        (NAME, ">A*", 1, "takes no wildcards"),
        (NAME, "a..B", 1, "texts are ordered by character code"),
        (NAME, "''..B", 0, "a blank cannot end a range"),
        (NAME, ">''", 3, "Write <>'' to find what has a value"),
        (NAME, "@'a*'", 0, "a quoted * or ? cannot stand beside wildcards or @"),
        (NAME, "(" * 51 + "A", 50, "nested more than 50 deep"),
        (COUNT, "1|ten", 2, '"ten" is not a whole number'),
        (COUNT, "1.5", 0, "is not a whole number"),
        (COUNT, "9223372036854775808", 0, "is too large for this field"),
        (COUNT, "1*", 0, "this field is of type integer"),
        (COUNT, "20..10", 2, "the range runs backwards. Write the smaller value first"),
        (AMOUNT, "1,5", 0, "Write it with a point"),
        (AMOUNT, "1.555", 0, "has more decimals than the field. Write at most 2"),
        (AMOUNT, "1" * 37, 0, "is too large for this field"),
        (RATE, "1e999", 0, "is not a number"),
        (OPEN, "maybe", 0, "neither true nor false"),
        (OPEN, ">true", 5, "makes no sense for a field of type boolean"),
        (DAY, ">31-01-2024", 1, "is not a date. Write it as 2024-01-31"),
        (DAY, "2024-02-30", 0, "is not a date. Write it as 2024-01-31"),
        (HOUR, "25:00", 0, "is not a time. Write it as 13:45:00"),
        (MOMENT, "2024-02-30", 0, "is not a date and time"),
        (MOMENT, "0001-01-01T00:00:00+05:00", 0, "is not a date and time"),
        (GUID, "{123}", 0, "is not a GUID"),
        (PHOTO, "X", 0, "a binary field can only be blank or not"),
    ],
)
def test_a_misread_expression_names_the_place_and_the_way_out(
    field: Field, expression: str, place: int, says: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(field, expression)

    sentence, mark = str(caught.value).split("\n")
    assert sentence.startswith(f'{expression} is not a filter expression for "{field.name}": ')
    assert says in sentence
    assert mark == " " * place + "^"


def test_a_long_expression_is_shown_around_the_marked_place() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(COUNT, "|".join(["100"] * 200) + "|x")

    sentence, mark = str(caught.value).split("\n")
    assert len(sentence) < 250
    assert sentence[mark.index("^")] == "x"


def test_without_a_type_only_the_form_is_checked() -> None:
    check_syntax("count", "5..10|>=2024-01-31&<>''")

    with pytest.raises(FilterError, match="this bracket is never closed"):
        check_syntax("count", "(5..10")


def test_all_expressions_of_a_table_must_hold() -> None:
    where = parse_filters(SCHEMA, {"name": "A*", "count": ">5"})

    assert where == All((Like("name", "A*"), Compare("count", ">", 5)))
    assert parse_filters(SCHEMA, {}) == All(())


def test_every_problem_of_a_table_is_told_at_once() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filters(SCHEMA, {"nam": "A", "count": "x", "day": "2024-01-01", "amount": "1,5"})

    assert list(caught.value.problems) == ["nam", "count", "amount"]
    assert caught.value.problems["nam"] == 'customer has no field "nam". Did you mean "name"?'
    assert all(problem in str(caught.value) for problem in caught.value.problems.values())


# -- what filters find -------------------------------------------------------------------------------------


def test_a_null_is_a_blank() -> None:
    values = ["X", "", None, "Y"]

    assert found(NAME, "''", values) == ["", None]
    assert found(NAME, "<>''", values) == ["X", "Y"]
    assert found(NAME, "<>X", values) == ["", None, "Y"]
    assert found(NAME, "<>X*", values) == ["", None, "Y"]
    assert found(NAME, "..Z", values) == ["X", "", "Y"]
    assert found(COUNT, "''", [1, None]) == [None]
    assert found(PHOTO, "''", [b"", b"x", None]) == [b"", None]


def test_the_schema_of_a_table_tells_the_types_as_well() -> None:
    rows = rows_of(name=["X", "", None])

    assert rows.filter(to_polars(Blank("name"), SCHEMA)).height == 2
    assert rows.filter(to_polars(Within("name", ("X",)), SCHEMA)).height == 1


def test_text_compares_by_code_point_and_case() -> None:
    assert found(NAME, "A..Z", ["a", "M", "É", "Z"]) == ["M", "Z"]
    assert found(NAME, "x", ["x", "X"]) == ["x"]
    assert found(NAME, "@x", ["x", "X"]) == ["x", "X"]
    assert found(NAME, "@*é*", ["CAFÉ", "cafe"]) == ["CAFÉ"]
    assert found(NAME, "@ΟΔΟΣ*", ["οδος", "Οδοσα"]) == ["οδος", "Οδοσα"]


def test_wildcards_span_lines_and_regular_expressions_mean_nothing() -> None:
    assert found(NAME, "a*b", ["a\nb", "ab", "ab\n"]) == ["a\nb", "ab"]
    assert found(NAME, "a?b", ["a\nb", "ab", "aéb"]) == ["a\nb", "aéb"]
    assert found(NAME, ".+*", ["x", ".+", ".+[a]$"]) == [".+", ".+[a]$"]


def test_within_never_rounds_a_value_to_the_column() -> None:
    rows = rows_of(amount=[Decimal("1.00"), Decimal("1.01"), None])

    values = (Decimal("1.005"), Decimal("1.01"))
    assert rows.filter(to_polars(Within("amount", values), rows.schema)).height == 1
    assert rows.filter(to_polars(Within("amount", ()), rows.schema)).height == 0
    assert rows.filter(to_polars(Compare("amount", ">", Decimal("1.005")), rows.schema)).height == 1


def test_no_parts_hold_always_and_no_alternative_never() -> None:
    rows = rows_of(name=["a", None])

    assert rows.filter(to_polars(All(()), rows.schema)).height == 2
    assert rows.filter(to_polars(AnyOf(()), rows.schema)).height == 0


# -- what plans print --------------------------------------------------------------------------------------


def test_a_filter_on_several_fields_reads_as_a_sentence() -> None:
    where = parse_filters(SCHEMA, {"name": "''", "code": "us|ca", "count": ">5&<9"})

    assert render(where) == "name: '' and code: US|CA and count: >5&<9"
    assert fields_of(where) == {"name", "code", "count"}
    nested = All((Compare("name", "=", "A"), AnyOf((Compare("count", "=", 1), Blank("code")))))
    assert render(nested) == "name: A and (count: 1 or code: '')"
    either = Within("name", ("A", "B|C"))
    assert render(either) == "A|'B|C'"
    assert render(All((either, Blank("name", negated=True)))) == "(A|'B|C')&<>''"


def test_a_signature_does_not_depend_on_the_order_of_fields() -> None:
    assert (
        filter_signature({"b": " X ", "a": "Ü"})
        == filter_signature({"a": "Ü", "b": "X"})
        == '{"a":"Ü","b":"X"}'
    )
    assert filter_signature({"a": "X"}) != filter_signature({"a": "Y"})


# -- laws --------------------------------------------------------------------------------------------------

LETTERS = "aAbBéÉßş\N{GREEK SMALL LETTER SIGMA}ςΣİ.*+?[](){}^$|\\'\n\t &@<>=-#~0"
texts = st.text(LETTERS, max_size=6)
moments = st.datetimes(timezones=st.just(UTC))
VALUES: dict[Field, st.SearchStrategy[Any]] = {
    NAME: texts,
    COUNT: st.integers(-20, 20),
    AMOUNT: st.decimals(-20, 20, places=2),
    OPEN: st.booleans(),
    DAY: st.dates(date(2024, 1, 1), date(2024, 1, 20)),
    MOMENT: moments,
}
fields = st.sampled_from(list(VALUES))
equalities: st.SearchStrategy[Op] = st.sampled_from(["=", "<>"])
operators: st.SearchStrategy[Op] = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


@st.composite
def leaves(draw: st.DrawFn, choice: st.SearchStrategy[Field] = fields) -> Filter:
    field = draw(choice)
    value, kind = VALUES[field], draw(st.integers(0, 3))
    if kind == 0:
        return Blank(field.name, draw(st.booleans()))
    if kind == 1 and field is NAME:
        return Like(field.name, draw(texts), draw(st.booleans()), draw(st.booleans()))
    if kind == 2 and field is not OPEN:
        low, high = sorted((draw(value), draw(value)))
        return Range(field.name, low, high)
    if kind == 3:
        return Within(field.name, tuple(draw(st.lists(value, max_size=3))))
    op = draw(equalities if field is OPEN else operators)
    return Compare(field.name, op, draw(value))


def branches(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return parts.map(All) | parts.map(AnyOf)


trees = st.recursive(leaves(), branches, max_leaves=6)
rows_drawn = st.lists(
    st.fixed_dictionaries({field.name: st.none() | value for field, value in VALUES.items()}), max_size=8
)


def holds(where: Filter, row: dict[str, Any]) -> bool:
    """The rules of the module docstring, read plainly."""
    if isinstance(where, All):
        return all(holds(part, row) for part in where.parts)
    if isinstance(where, AnyOf):
        return any(holds(part, row) for part in where.parts)
    value = row[where.field]
    match where:
        case Blank():
            return (value in (None, "")) != where.negated
        case Like():
            return where.negated if value is None else like(where, value) != where.negated
        case Within():
            return value in where.values and value is not None
        case Range():
            return value is not None and where.low <= value <= where.high
        case Compare():
            return compares(where, value)


def like(where: Like, value: str) -> bool:
    pattern = where.pattern
    if where.ignore_case:
        pattern, value = fold_case(pattern), fold_case(value)
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, value, re.DOTALL) is not None


def compares(where: Compare, value: Any) -> bool:
    if value is None:
        return where.op == "<>"
    other: Any = where.value
    outcomes: dict[str, bool] = {
        "=": value == other,
        "<>": value != other,
        "<": value < other,
        "<=": value <= other,
        ">": value > other,
        ">=": value >= other,
    }
    return outcomes[where.op]


def kept(where: Filter, rows: list[dict[str, Any]]) -> list[bool]:
    frame = pl.DataFrame(rows, schema={field.name: field.dtype for field in VALUES})
    return frame.select(kept=pl.repeat(True, pl.len()) & to_polars(where, frame.schema))["kept"].to_list()


@given(trees, rows_drawn)
@settings(max_examples=200, deadline=None)
def test_polars_finds_what_a_plain_reading_finds(where: Filter, rows: list[dict[str, Any]]) -> None:
    assert kept(where, rows) == [holds(where, row) for row in rows]


def writable(tree: Filter) -> bool:
    """Whether a person could write it: the grammar has neither empty sets nor patterns without wildcards."""
    match tree:
        case All() | AnyOf():
            return bool(tree.parts) and all(writable(part) for part in tree.parts)
        case Within():
            return bool(tree.values) and "" not in tree.values
        case Like():
            return bool(tree.pattern)
        case Compare():
            return tree.value != ""
        case Range():
            return tree.low != ""
        case Blank():
            return True


@given(fields.flatmap(lambda f: st.recursive(leaves(st.just(f)), branches, max_leaves=5)), rows_drawn)
@settings(max_examples=200, deadline=None)
def test_what_is_printed_means_the_same_when_read(tree: Filter, rows: list[dict[str, Any]]) -> None:
    if not writable(tree):
        return
    field = SCHEMA[next(iter(fields_of(tree)))]

    read = parse_filter(field, render(tree))

    assert parse_filter(field, render(read)) == read
    assert [holds(read, row) for row in rows] == [holds(tree, row) for row in rows]


@given(
    st.sampled_from(FIELDS),
    st.lists(st.sampled_from([*"AB19'|&()<>=@*?. -:", "..", "''", "10", "2024-01-31"]), max_size=8),
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_and_printed_or_refused_with_a_mark(field: Field, pieces: list[str]) -> None:
    expression = "".join(pieces)
    try:
        tree = parse_filter(field, expression)
    except FilterError as error:
        sentence, mark = str(error).split("\n")
        assert expression in sentence
        assert len(mark) - 1 <= len(expression)
        return
    assert parse_filter(field, render(tree)) == tree
