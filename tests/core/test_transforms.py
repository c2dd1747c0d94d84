"""Transformation rules do what their names say, and say so where they cannot."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.core.mapping import Rule
from twofold.core.transforms import RULES, SHIPPED, apply_chain, check_rule, signature


def transform(
    rules: Sequence[Rule], values: Sequence[str | None], *, sensitive: bool = False
) -> tuple[list[str | None], list[str | None]]:
    value, problem = apply_chain(pl.col("text"), rules, sensitive=sensitive)
    rows = pl.DataFrame({"text": values}, schema={"text": pl.String})
    out = rows.select(value=value, problem=problem)
    assert out.schema == {"value": pl.String, "problem": pl.String}
    return out["value"].to_list(), out["problem"].to_list()


def one(rule: Rule, text: str | None) -> str | None:
    values, problems = transform([rule], [text])
    assert problems == [None]
    return values[0]


def refusal(rule: Rule, text: str) -> str:
    values, problems = transform([rule], [text])
    assert values == [None]
    assert problems[0] is not None
    return problems[0]


# -- each rule ---------------------------------------------------------------------------------------------

EXAMPLES: list[tuple[str, dict[str, Any], str, str]] = [
    ("uppercase", {}, "straße é", "STRASSE É"),
    ("lowercase", {}, "ÀB c", "àb c"),
    ("title_case", {}, " anna o'brien-smith ", " Anna O'brien-Smith "),
    ("title_case", {}, "IBM denmark 3com dOn't", "IBM Denmark 3com Don't"),
    ("titlecase", {}, "cafe\u0301s du nord", "Cafe\u0301s Du Nord"),
    ("trim", {}, "\t a b \n", "a b"),
    ("substring", {"start": 4, "length": 3}, "abcdefgh", "def"),
    ("substring", {"start": 3}, "åäöü", "öü"),
    ("substring", {"length": 2}, "abc", "ab"),
    ("substring", {"start": 9, "length": 3}, "abc", ""),
    ("substring", {"starting_text": "No. ", "ending_text": ";"}, "x No. 12; y;", "12"),
    ("substring", {"starting_text": "'No. '"}, "x No. 12", "12"),
    ("substring", {"starting_text": ".", "length": 2}, "a.\nbc", "\nb"),
    ("substring", {"start": 2, "ending_text": "("}, "abc(d(", "bc"),
    ("substring", {"starting_text": "x"}, "abc", ""),
    ("substring", {"ending_text": "x"}, "abc", ""),
    ("fourth_to_sixth_char", {}, "1234567", "456"),
    ("replace", {"find": "Mister", "replace": "Mr."}, "Mister mister Mister", "Mr. mister Mr."),
    ("replace", {"find": ".", "replace": "$1"}, "a.b", "a$1b"),
    ("replace", {"find": "a"}, "banana", "bnn"),
    ("regex_replace", {"find": r"(\w+) (\w+)", "replace": "$2, $1!"}, "anna smith", "smith, anna!"),
    ("regex_replace", {"find": r"(?<n>\d+)", "replace": "<${n}$&$$ $>"}, "a1", "a<11$ $>"),
    ("regex_replace", {"find": "(a)", "replace": "$1b"}, "xAx", "xAbx"),
    ("regex_replace", {"find": "^ab$", "replace": "$"}, "ab", "$"),
    ("regex_match", {"find": r"no\.(\d+)-(\d+)"}, "No.12-34, no.5-6", "123456"),
    ("regex_match", {"find": r"\d+"}, "a12b34", "1234"),
    ("regex_match", {"find": r"^(\d*)"}, "ab", ""),
    ("regex_match", {"find": r"\b(x*)"}, "ab xx\ncd", "xx"),
    ("regex_match", {"find": "z"}, "abc", ""),
    ("alphanumeric_only", {}, "DK-12 34_5é!", "DK12345é"),
    ("delete_notprovided", {}, "NotProvided", ""),
    ("date_format", {"format": "yyyyMMdd"}, "20240131", "2024-01-31"),
    ("date_format", {"format": "d/M/yy"}, "1/2/49", "2049-02-01"),
    ("date_format", {"format": "d/M/yy"}, "1/2/50", "1950-02-01"),
    ("date_format", {"format": "dddd d MMMM yyyy"}, "Wednesday 31 january 2024", "2024-01-31"),
    ("date_format", {"format": "ddd, dd-MMM-yyyy"}, "Wed, 31-JAN-2024", "2024-01-31"),
    ("date_format", {"format": "'day' d\\dM yyyy"}, "day 3d4 2024", "2024-04-03"),
    ("date_format", {"culture": "da-DK"}, "31-01-2024", "2024-01-31"),
    ("date_format", {"culture": "de-de"}, "1. 2. 2024", "2024-02-01"),
    ("date_format", {"culture": "hu-HU"}, "2024. 02. 01.", "2024-02-01"),
    ("date_format", {"culture": "en-GB"}, "2024-02-01", "2024-02-01"),
    ("date_format", {"culture": "en-US"}, "2/1/2024 10:30 PM", "2024-02-01"),
    ("YYYYMMDD_DATE", {}, "19991231", "1999-12-31"),
    ("us_date_format", {}, "12/31/1999", "1999-12-31"),
    (
        "datetime_format",
        {"format": "yyyy-MM-dd HH:mm:ss.fff"},
        "2024-01-31 13:45:00.120",
        "2024-01-31T13:45:00.120000Z",
    ),
    ("datetime_format", {"format": "yyyy-MM-ddTHH:mmzzz"}, "2024-01-31T13:45+02:00", "2024-01-31T11:45:00Z"),
    ("datetime_format", {"format": "yyyyMMdd HHmmK"}, "20240131 1345Z", "2024-01-31T13:45:00Z"),
    ("datetime_format", {"format": "M/d/yyyy h:mm tt"}, "1/31/2024 12:05 am", "2024-01-31T00:05:00Z"),
    ("yyyymmddhhmmss_fmt", {}, "20240131134500", "2024-01-31T13:45:00Z"),
    ("us_datetime_format", {}, "1/31/2024 1:45:10 PM", "2024-01-31T13:45:10Z"),
    ("us_datetime_format", {}, "1/31/2024", "2024-01-31T00:00:00Z"),
    ("decimal_format", {"culture": "da-DK"}, "1.234.567,50", "1234567.5"),
    ("decimal_format", {"culture": "en-US"}, "-1,234.5", "-1234.5"),
    ("decimal_format", {"culture": "fr-FR"}, "1\u202f234,00", "1234"),
    ("decimal_format", {"culture": "sv-SE"}, "\u22121 234", "-1234"),
    ("decimal_format", {"culture": "de-CH"}, "1\u2019234.05", "1234.05"),
    ("decimal_format", {"culture": "en-GB"}, "(12.5)", "-12.5"),
    ("decimal_format", {"culture": "de-DE"}, "12,5-", "-12.5"),
    ("decimal_format", {"culture": "en-US"}, ".5", "0.5"),
    ("decimal_format", {"culture": "en-US"}, "-0", "0"),
    (
        "decimal_format",
        {"culture": "en-US"},
        "12345678901234567890123456789012.5",
        "12345678901234567890123456789012.5",
    ),
    ("dk_decimal_format", {}, "1.234,5", "1234.5"),
    ("round", {"precision": 0.01, "direction": "nearest"}, "2.345", "2.35"),
    ("round", {"precision": 0.01, "direction": "="}, "-2.345", "-2.35"),
    ("round", {"precision": 0.01, "direction": "up"}, "-2.341", "-2.35"),
    ("round", {"precision": 0.01, "direction": "<"}, "-2.349", "-2.34"),
    ("round", {"precision": "0.05", "direction": "nearest"}, "1.07", "1.05"),
    ("round", {"precision": 0.3, "direction": "up"}, "1", "1.2"),
    ("round", {"precision": 100, "direction": ">"}, "1201", "1300"),
    ("round", {"precision": 1, "direction": "down"}, "1.5e3", "1500"),
    ("round", {"precision": 1, "direction": "nearest"}, "-0.4", "0"),
    ("extract_from_date", {"part": "day"}, "2024-01-31", "31"),
    ("extract_from_date", {"part": "month"}, "2024-01-31", "1"),
    ("extract_from_date", {"part": "year"}, "2024-01-31T23:00:00Z", "2024"),
    ("extract_from_date", {"part": "quarter"}, "2024-10-01", "4"),
    ("extract_from_date", {"part": "week"}, "2021-01-03", "53"),
    ("extract_from_date", {"part": "weekday"}, "2024-01-31 10:00", "3"),
    ("unix_timestamp", {}, "1706708700", "2024-01-31T13:45:00Z"),
    ("unixtimestamp", {}, "-0.5", "1969-12-31T23:59:59.500000Z"),
]


@pytest.mark.parametrize(("name", "parameters", "before", "after"), EXAMPLES)
def test_a_rule_makes_this_of_that(name: str, parameters: dict[str, Any], before: str, after: str) -> None:
    assert check_rule(Rule(name, parameters)) == []
    assert one(Rule(name, parameters), before) == after


def test_every_rule_and_every_shipped_code_has_an_example() -> None:
    assert {name.lower() for name, *_ in EXAMPLES} == {*RULES, *SHIPPED}


@pytest.mark.parametrize(("name", "parameters"), [(name, given) for name, given, *_ in EXAMPLES])
def test_a_null_stays_a_null_and_a_blank_is_no_failure(name: str, parameters: dict[str, Any]) -> None:
    values, problems = transform([Rule(name, parameters)], [None, ""])

    assert values[0] is None
    assert values[1] == ""
    assert problems == [None, None]


@pytest.mark.parametrize(
    ("name", "parameters", "text", "says"),
    [
        ("date_format", {"format": "yyyyMMdd"}, "20240230", "it is not a date written as yyyyMMdd"),
        ("date_format", {"format": "yyyyMMdd"}, "2024-01-31", "it is not a date written as yyyyMMdd"),
        ("date_format", {"format": "ddd d/M/yyyy"}, "Mon 31/1/2024", "it is not a date"),
        ("date_format", {"culture": "en-US"}, "31/1/2024", "as en-US writes it (month, day, year)"),
        (
            "datetime_format",
            {"format": "yyyyMMdd hh:mm tt"},
            "20240131 13:00 PM",
            "it is not a date and time",
        ),
        ("datetime_format", {"format": "yyyy-MM-ddzzz"}, "0001-01-01+14:00", "it is not a date and time"),
        ("decimal_format", {"culture": "da-DK"}, "1.5", "as da-DK writes it, such as 1.234,50"),
        ("decimal_format", {"culture": "en-US"}, "1,23,456", "it is not a number"),
        ("decimal_format", {"culture": "en-US"}, "--1", "it is not a number"),
        ("decimal_format", {"culture": "en-US"}, "-", "it is not a number"),
        ("decimal_format", {"culture": "en-US"}, "$ 5", "it is not a number"),
        ("round", {"precision": 1, "direction": "up"}, "1,5", "it is not a number such as 1250.50"),
        ("round", {"precision": 1, "direction": "up"}, "NaN", "it is not a number"),
        ("extract_from_date", {"part": "day"}, "31-01-2024", "it is not a date such as 2024-01-31"),
        ("unix_timestamp", {}, "soon", "it is not a number of seconds since 1970"),
        ("unix_timestamp", {}, "1706708700000", "is it in milliseconds?"),
    ],
)
def test_a_value_that_cannot_be_transformed_is_told_and_not_passed_on(
    name: str, parameters: dict[str, Any], text: str, says: str
) -> None:
    sentence = refusal(Rule(name, parameters), text)

    assert sentence.startswith(f'The rule {name} cannot use "{text}": ')
    assert says in sentence
    assert sentence.endswith(".")


DANISH = 'The rule decimal_format cannot use "x": it is not a number as da-DK writes it, such as 1.234,50.'


# -- chains ------------------------------------------------------------------------------------------------


def test_rules_of_a_chain_follow_each_other() -> None:
    rules = [
        Rule("trim"),
        Rule("dk_decimal_format"),
        Rule("round", {"precision": 1, "direction": "up"}),
        Rule("uppercase"),
    ]

    assert transform(rules, [" 1.234,1 ", None, "x", " 1.234,1 "]) == (
        ["1235", None, None, "1235"],
        [
            None,
            None,
            DANISH,
            None,
        ],
    )


def test_the_first_rule_that_failed_is_the_one_told() -> None:
    rules = [Rule("yyyymmdd_date"), Rule("extract_from_date", {"part": "year"}), Rule("unix_timestamp")]

    values, problems = transform(rules, ["20240131", "x"])

    assert values == ["1970-01-01T00:33:44Z", None]
    assert problems[0] is None
    assert "date_format" in (problems[1] or "")


def test_no_rules_leave_the_value_as_it_is() -> None:
    assert transform([], ["a", None]) == (["a", None], [None, None])
    assert transform([], []) == ([], [])
    assert transform([Rule("unix_timestamp")], []) == ([], [])
    assert transform([Rule("unix_timestamp")], [None]) == ([None], [None])


def test_a_sensitive_value_is_not_in_the_sentence() -> None:
    _, problems = transform([Rule("unix_timestamp")], ["secret"], sensitive=True)

    assert problems == [
        "The rule unix_timestamp cannot use the value: it is not a number of seconds since 1970."
    ]


def test_a_long_value_is_shortened_in_the_sentence() -> None:
    assert len(refusal(Rule("unix_timestamp"), "x" * 1000)) < 160


def test_a_chain_with_a_wrong_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="no transformation rule"):
        apply_chain(pl.col("text"), [Rule("trim"), Rule("trimm")])


def test_equal_chains_have_equal_signatures() -> None:
    shipped = signature([Rule("US_DATE_FORMAT"), Rule("trim")])

    assert shipped == signature([Rule("date_format", {"culture": "en-US"}), Rule("Trim")])
    assert shipped == '[["date_format",{"culture":"en-US"}],["trim",{}]]'
    assert shipped != signature([Rule("trim"), Rule("us_date_format")])
    replaced = Rule("replace", {"find": "a", "replace": "b"})
    assert signature([replaced]) == signature([Rule("replace", {"replace": "b", "find": "a"})])


# -- what check_rule says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "says"),
    [
        ("upercase", {}, 'There is no transformation rule "upercase". Did you mean "uppercase"?'),
        ("custom", {}, "Combine other rules instead"),
        ("field_lookup", {}, "Write lookup or options in the field mapping"),
        (
            "us_date_format",
            {"culture": "da-DK"},
            "us_date_format takes no parameters. Remove them, or use date_format.",
        ),
        ("trim", {"start": 1}, 'trim has no parameter "start". It takes none.'),
        ("substring", {"strat": 4}, 'has no parameter "strat". Did you mean "start"? It takes start,'),
        ("substring", {}, "it needs a start or an end"),
        ("substring", {"start": 0}, '"start" must be a whole number above 0'),
        ("substring", {"start": True}, '"start" must be a whole number above 0'),
        ("substring", {"start": 1, "starting_text": "a"}, "exclude each other"),
        ("substring", {"starting_text": "''"}, '"starting_text" is empty'),
        ("replace", {"replace": "x"}, 'replace needs the parameter "find".'),
        ("replace", {"find": ""}, '"find" is empty'),
        ("replace", {"find": 5}, '"find" must be a text; put it in quotes'),
        (
            "regex_replace",
            {"find": "a("},
            '"a(" is not a regular expression that can be used here: unclosed group',
        ),
        ("regex_match", {"find": "a(?=b)"}, "look-around"),
        ("regex_match", {"find": "(((a{99}){99}){99}){99}"}, "is not a regular expression that can be used"),
        (
            "regex_replace",
            {"find": "(a)", "replace": "$2"},
            '"replace" speaks of $2, which the pattern does not',
        ),
        ("regex_replace", {"find": "a", "replace": "${n}"}, '"replace" speaks of ${n}'),
        ("date_format", {}, 'it needs either "format" or "culture"'),
        ("date_format", {"format": "yyyyMMdd", "culture": "da-DK"}, 'it needs either "format" or "culture"'),
        ("date_format", {"culture": "da-DX"}, '"da-DX" is not a known culture. Did you mean "da-DK"?'),
        ("date_format", {"format": "yyyyMM"}, "does not name a whole date"),
        ("date_format", {"format": "yyyyMMddX"}, '"X" means nothing in a date format'),
        ("date_format", {"format": "yyyyMMdd yy"}, "has the year twice"),
        ("date_format", {"format": "yyyyMMdd hh"}, "is not clear about the hour"),
        ("date_format", {"format": "yyyyMMdd'"}, "a quote in the date format is never closed"),
        ("decimal_format", {}, 'decimal_format needs the parameter "culture".'),
        ("round", {"precision": 0.1}, 'round needs the parameter "direction".'),
        (
            "round",
            {"precision": 0, "direction": "up"},
            '"precision" must be a number above 0, such as 0.01, not 0.',
        ),
        ("round", {"precision": "x", "direction": "up"}, '"precision" must be a number above 0'),
        ("round", {"precision": 1, "direction": "left"}, '"direction" must be one of nearest, up, down'),
        ("extract_from_date", {"part": "hour"}, '"part" must be one of day, month, year'),
    ],
)
def test_a_wrong_rule_is_refused_with_the_way_out(name: str, parameters: dict[str, Any], says: str) -> None:
    (sentence,) = check_rule(Rule(name, parameters))

    assert says in sentence
    assert sentence.endswith((".", "?"))


def test_everything_wrong_with_the_parameters_is_told_at_once() -> None:
    assert len(check_rule(Rule("round", {"precision": True, "size": 1}))) == 3


# -- laws --------------------------------------------------------------------------------------------------

texts = st.lists(st.none() | st.text("aàB9 ß'-_\n\tΣςİ$.,é()", max_size=8), max_size=6)


@pytest.mark.parametrize("name", ["uppercase", "lowercase", "title_case", "trim", "alphanumeric_only"])
@given(values=texts)
@settings(max_examples=50, deadline=None)
def test_applied_twice_is_applied_once(name: str, values: list[str | None]) -> None:
    once, _ = transform([Rule(name)], values)

    assert transform([Rule(name), Rule(name)], values)[0] == once


@given(st.decimals(-10000, 10000, places=4), st.sampled_from(["0.01", "0.5", "1", "100"]))
@settings(max_examples=100, deadline=None)
def test_rounding_agrees_with_decimal_arithmetic(number: Decimal, precision: str) -> None:
    step = Decimal(precision)
    for direction, mode in (("nearest", ROUND_HALF_UP), ("up", ROUND_UP), ("down", ROUND_DOWN)):
        expected = (number / step).to_integral_value(mode) * step
        rounded = one(Rule("round", {"precision": precision, "direction": direction}), format(number, "f"))
        assert Decimal(rounded or "x") == expected


@given(st.dates(), st.sampled_from(["yyyyMMdd", "dd/MM/yyyy", "d. MMMM yyyy", "dddd d-M-yyyy"]))
@settings(max_examples=60, deadline=None)
def test_a_date_is_read_back_from_any_format(day: Any, form: str) -> None:
    written = {
        "yyyyMMdd": f"{day.year:04}{day:%m%d}",
        "dd/MM/yyyy": f"{day:%d/%m}/{day.year:04}",
        "d. MMMM yyyy": f"{day.day}. {day:%B} {day.year:04}",
        "dddd d-M-yyyy": f"{day:%A} {day.day}-{day.month}-{day.year:04}",
    }

    assert one(Rule("date_format", {"format": form}), written[form]) == day.isoformat()


@given(values=texts, start=st.integers(1, 9), length=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_a_substring_is_what_a_slice_is(values: list[str | None], start: int, length: int) -> None:
    found, _ = transform([Rule("substring", {"start": start, "length": length})], values)

    assert found == [v if v is None else v[start - 1 : start - 1 + length] for v in values]
