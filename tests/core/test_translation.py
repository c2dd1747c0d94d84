"""A value arrives whole on the other side, or a sentence with the field's name says why it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.classify import equal
from twofold.core.layout import Line
from twofold.core.mapping import FieldMapping, Lookup, Rule, Transform
from twofold.core.names import Direction, LookupMissing, Side
from twofold.core.schema import Field, FieldType
from twofold.core.translation import Lookups, option_pairs, translate

from .specimens import line_of

Kind = FieldType
TEXT_LEFT, TEXT_RIGHT = Field("a", Kind.TEXT), Field("b", Kind.TEXT)
SECRET = "7th of May"


def arrive(
    line: Line, value: Any, target: Side = Side.RIGHT, found: Mapping[str, str] | None = None
) -> tuple[Any, str | None, bool]:
    """What becomes of a canonical value: the value there, the sentence, and whether a lookup failed."""
    own = line.field(target.other)
    known = found or {}
    pairs = tuple(pl.Series(list(texts), dtype=pl.String) for texts in (known, known.values()))
    way = Direction.TO_RIGHT if target is Side.RIGHT else Direction.TO_LEFT
    lookups = Lookups({(line.number, way): (pairs[0], pairs[1])}) if found is not None else Lookups()
    there = translate(line, target, pl.col("v"), lookups)
    frame = pl.DataFrame({"v": [value]}, schema={"v": own.dtype})
    row = frame.select(value=there.value, problem=there.problem, missing=there.missing).row(0)
    return row[0], row[1], row[2]


def refusal(line: Line, value: Any, **more: Any) -> str:
    problem = arrive(line, value, **more)[1]
    assert problem is not None
    return problem


def pair_of(**more: Any) -> FieldMapping:
    return FieldMapping("a", "b", **more)


# -- length ------------------------------------------------------------------------------------------------


def test_a_text_that_is_too_long_is_refused_with_both_lengths() -> None:
    line = line_of(pair_of(), TEXT_LEFT, Field("b", Kind.TEXT, length=5))
    assert refusal(line, "abcdef") == (
        'a: the value has 6 characters, but "b" takes 5. Shorten it, or set `truncate: true` on this field'
        " mapping."
    )
    assert arrive(line, "abcde") == ("abcde", None, False)


def test_truncation_is_asked_for_and_leaves_no_blank_at_the_end() -> None:
    line = line_of(pair_of(truncate=True), TEXT_LEFT, Field("b", Kind.TEXT, length=5))
    assert arrive(line, "abcd efg") == ("abcd", None, False)


def test_length_is_measured_as_the_target_spells_it() -> None:
    line = line_of(pair_of(), TEXT_LEFT, Field("b", Kind.CODE, length=6))
    assert arrive(line, "abc   ")[:2] == ("ABC", None)
    assert "has 7 characters" in refusal(line, "straße")
    assert (
        arrive(line_of(pair_of(truncate=True), TEXT_LEFT, Field("b", Kind.CODE, length=6)), "straße")[0]
        == "STRASS"
    )


@given(st.text(max_size=12), st.integers(1, 8), st.sampled_from([Kind.TEXT, Kind.CODE]))
def test_what_arrives_always_fits(text: str, length: int, kind: FieldType) -> None:
    for truncate in (False, True):
        line = line_of(pair_of(truncate=truncate), TEXT_LEFT, Field("b", kind, length=length))
        value, problem, _ = arrive(line, text)
        assert problem is not None or len(value) <= length
        assert problem is None or not truncate


# -- types -------------------------------------------------------------------------------------------------

UNPARSABLE: list[tuple[FieldType, str]] = [
    (Kind.INTEGER, "twelve"),
    (Kind.DECIMAL, "1,5"),
    (Kind.FLOAT, "x"),
    (Kind.BOOLEAN, "maybe"),
    (Kind.DATE, "7/5/2026"),
    (Kind.TIME, "noon"),
    (Kind.DATETIME, "now"),
    (Kind.GUID, "1234"),
    (Kind.OPTION, "red"),
    (Kind.JSON, "{"),
]


@pytest.mark.parametrize(("kind", "text"), UNPARSABLE)
def test_what_cannot_be_read_is_refused_with_field_value_and_type(kind: FieldType, text: str) -> None:
    line = line_of(pair_of(), TEXT_LEFT, Field("b", kind))
    assert refusal(line, text) == f'a: "{text}" cannot be written to "b", which is of type {kind}.'


@pytest.mark.parametrize("kind", [kind for kind, _ in UNPARSABLE])
def test_a_blank_text_is_nothing_where_the_target_is_no_text(kind: FieldType) -> None:
    line = line_of(pair_of(), TEXT_LEFT, Field("b", kind))
    for blank in ("", "  ", None):
        value, problem, missing = arrive(line, blank)
        assert problem is None
        assert not missing
        assert value in (None, "", "  ")


def test_nothing_is_a_blank_where_a_text_may_not_be_missing() -> None:
    line = line_of(pair_of(), TEXT_LEFT, Field("b", Kind.TEXT, nullable=False))
    assert arrive(line, None)[0] == ""
    assert arrive(line, None, target=Side.LEFT)[0] is None


def test_a_moment_arrives_with_the_digits_that_the_target_keeps() -> None:
    fine, coarse = Field("a", Kind.DATETIME, scale=6), Field("b", Kind.DATETIME, scale=0)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)
    assert arrive(line_of(pair_of(), fine, coarse), moment)[0] == moment.replace(microsecond=0)
    assert arrive(line_of(pair_of(), fine, coarse), moment, target=Side.LEFT)[0] == moment


# -- options, lookups, rules -------------------------------------------------------------------------------


def test_options_are_translated_both_ways() -> None:
    line = line_of(pair_of(options={"NET30": 1, "NET45": 3}), Field("a", Kind.CODE), Field("b", Kind.OPTION))
    assert arrive(line, "NET45")[0] == 3
    assert arrive(line, 1, target=Side.LEFT)[0] == "NET30"
    assert arrive(line, None) == (None, None, False)
    assert arrive(line, "")[0] is None


def test_an_unknown_option_is_refused_with_those_that_are_known() -> None:
    line = line_of(pair_of(options={"NET30": 1}), Field("a", Kind.CODE), Field("b", Kind.OPTION))
    assert refusal(line, "NET60") == 'a: "NET60" is not among its options (NET30). Add it to `options`.'
    assert refusal(line, 7, target=Side.LEFT) == 'a: "7" is not among its options (1). Add it to `options`.'


def test_of_two_options_with_one_value_the_first_comes_back() -> None:
    line = line_of(pair_of(options={"A": "x", "B": "x"}), TEXT_LEFT, TEXT_RIGHT)
    assert option_pairs(line, Side.LEFT) == {"x": "A"}
    assert option_pairs(line, Side.RIGHT) == {"A": "x", "B": "x"}


LOOKED_UP = {"lookup": Lookup("CURRENCY")}
GUID = "6b29fc40-ca47-1067-b31d-00dd010662da"


def test_a_lookup_gives_the_key_on_the_other_side() -> None:
    line = line_of(pair_of(**LOOKED_UP), Field("a", Kind.CODE), Field("b", Kind.GUID))
    assert arrive(line, "EUR", found={"EUR": GUID.upper()}) == (GUID, None, False)
    assert arrive(line, "", found={}) == (None, None, False)
    assert arrive(line, None) == (None, None, False)


def test_a_lookup_that_finds_nothing_says_what_must_be_coupled() -> None:
    line = line_of(pair_of(**LOOKED_UP), Field("a", Kind.CODE), Field("b", Kind.GUID))
    value, problem, missing = arrive(line, "SEK", found={"EUR": GUID})
    assert (value, missing) == (None, True)
    assert problem == (
        'a "SEK" must be coupled: CURRENCY has no coupling for it. Synchronize CURRENCY, or couple that '
        "record."
    )


@pytest.mark.parametrize(
    "more", [{"clear_value_on_failed_sync": True}, {"lookup_missing": LookupMissing.CLEAR}]
)
def test_a_lookup_that_clears_writes_nothing_and_complains_of_nothing(more: Mapping[str, Any]) -> None:
    line = line_of(pair_of(**LOOKED_UP, **more), Field("a", Kind.CODE), Field("b", Kind.GUID))
    assert arrive(line, "SEK", found={}) == (None, None, False)


def rules(*names: str) -> Transform:
    return Transform(to_right=tuple(Rule(name) for name in names))


def test_rules_run_in_their_order_and_only_their_way() -> None:
    line = line_of(pair_of(transform=rules("trim", "uppercase")), TEXT_LEFT, TEXT_RIGHT)
    assert arrive(line, "  ab")[0] == "AB"
    assert arrive(line, "  ab", target=Side.LEFT)[0] == "  ab"


def test_a_rule_that_fails_is_said_with_the_fields_name() -> None:
    line = line_of(pair_of(transform=rules("unix_timestamp")), TEXT_LEFT, TEXT_RIGHT)
    assert refusal(line, "x").startswith('a: The rule unix_timestamp cannot use "x"')


SENSITIVE: list[tuple[FieldMapping, Field, Field]] = [
    (pair_of(sensitive=True), TEXT_LEFT, Field("b", Kind.INTEGER)),
    (pair_of(sensitive=True), TEXT_LEFT, Field("b", Kind.TEXT, length=3)),
    (pair_of(sensitive=True, options={"x": 1}), TEXT_LEFT, Field("b", Kind.OPTION)),
    (pair_of(sensitive=True, **LOOKED_UP), TEXT_LEFT, Field("b", Kind.GUID)),
    (pair_of(sensitive=True, transform=rules("unix_timestamp")), TEXT_LEFT, TEXT_RIGHT),
]


@pytest.mark.parametrize(("pair", "left", "right"), SENSITIVE)
def test_a_sensitive_value_is_in_no_sentence(pair: FieldMapping, left: Field, right: Field) -> None:
    problem = refusal(line_of(pair, left, right), SECRET)
    assert SECRET not in problem
    assert problem.startswith("a")


# -- equality ----------------------------------------------------------------------------------------------


def agree(line: Line, left: Any, right: Any) -> bool:
    columns: dict[str, pl.Expr] = {}
    for target, letter, source in ((Side.RIGHT, "r", "l0"), (Side.LEFT, "l", "r0")):
        there = translate(line, target, pl.col(source), Lookups())
        columns |= {f"v{letter}0": there.value, f"p{letter}0": there.problem}
    schema = {"l0": line.left.dtype, "r0": line.right.dtype}
    frame = pl.DataFrame({"l0": [left], "r0": [right]}, schema=schema)
    found: bool = frame.with_columns(**columns).select(equal(line)).item()
    return found


def test_a_text_is_not_equal_to_its_beginning_unless_it_is_to_be_truncated() -> None:
    short = Field("b", Kind.TEXT, length=5)
    assert not agree(line_of(pair_of(), TEXT_LEFT, short), "abcdefgh", "abcde")
    assert agree(line_of(pair_of(truncate=True), TEXT_LEFT, short), "abcdefgh", "abcde")


def test_values_that_differ_only_beyond_what_one_side_can_express_are_equal() -> None:
    coarse = line_of(pair_of(), Field("a", Kind.DECIMAL, scale=4), Field("b", Kind.DECIMAL, scale=2))
    assert agree(coarse, "1.2345", "1.23") is True
    dated = line_of(pair_of(), Field("a", Kind.DATETIME), Field("b", Kind.DATE))
    assert agree(dated, datetime(2026, 1, 2, 9, tzinfo=UTC), date(2026, 1, 2))
    blank = line_of(pair_of(), Field("a", Kind.TEXT, blank_is_null=True), TEXT_RIGHT)
    assert agree(blank, None, "")
    assert not agree(line_of(pair_of(), TEXT_LEFT, TEXT_RIGHT), None, "")


def test_a_blank_source_keeps_the_target_where_the_mapping_says_so() -> None:
    line = line_of(pair_of(not_null=True), TEXT_LEFT, TEXT_RIGHT, Direction.TO_RIGHT)
    frame_values: Sequence[tuple[Any, Any, bool]] = [(None, "x", True), ("y", "x", False)]
    for left, right, expected in frame_values:
        assert agree(line, left, right) is expected


def test_a_pair_that_rules_make_comparable_is_compared_as_the_target_has_it() -> None:
    chain = Transform(to_right=(Rule("extract_from_date", {"part": "year"}),))
    pair = pair_of(transform=chain, direction=Direction.TO_RIGHT)
    line = line_of(pair, Field("a", Kind.DATE), Field("b", Kind.INTEGER), Direction.TO_RIGHT)
    assert arrive(line, date(2026, 5, 7))[0] == 2026
