"""The columnar engine finds what plain Python finds, row by row, for any pairs and any policy."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.core.classify import action_is, classify
from twofold.core.decide import ACTIONS, Action, Policy, compare_field, decide
from twofold.core.digest import text_digest
from twofold.core.mapping import FieldMapping
from twofold.core.names import Direction, Side
from twofold.core.schema import Field, FieldType
from twofold.core.situation import (
    CONTENTS,
    FIELD_CODES,
    STATES,
    Content,
    FieldCode,
    Link,
    Moved,
    Situation,
    State,
)
from twofold.core.translation import Lookups

from .samples import BATCHES, LAYOUT, NAMES, POLICIES, WAYS, Sample, agree, arriving, frame_of
from .specimens import couplings_of, layout_of, mapping_of, pairs_of

# -- the reference -----------------------------------------------------------------------------------------


def moved(sample: Sample, side: Side, name: str) -> Moved:
    word = sample.word(side, name)
    if word == 0:
        return Moved.UNKNOWN
    if word == text_digest(sample.value(side, name)):
        return Moved.NO
    inserted = {Link.PENDING_LEFT: Side.LEFT, Link.PENDING_RIGHT: Side.RIGHT}.get(sample.link)
    return Moved.UNKNOWN if inserted is side else Moved.YES


def code_of(sample: Sample, name: str, full: bool) -> FieldCode:
    if not sample.both:
        return FieldCode.SAME
    moves = [moved(sample, side, name) for side in Side]
    return compare_field(WAYS[name], *moves, equal=agree(sample, name), full=full)


def state_of(sample: Sample, side: Side) -> State:
    row = sample.rows[side]
    if row is None:
        return State.ABSENT
    if row["active"] != "yes":
        return State.OUTSIDE
    moves = {moved(sample, side, name) for name in NAMES}
    unproved = Moved.UNKNOWN in moves and sample.rows[side.other] is None
    return State.CHANGED if Moved.YES in moves or unproved else State.UNCHANGED


def content_of(codes: dict[str, FieldCode]) -> Content:
    two_way = {code for name, code in codes.items() if WAYS[name] is Direction.BOTH}
    for code in (FieldCode.UNKNOWN, FieldCode.OVERLAP):
        if code in two_way:
            return Content(code.value)
    if {FieldCode.TO_RIGHT, FieldCode.TO_LEFT} <= two_way:
        return Content.DISJOINT
    for code in (FieldCode.TO_RIGHT, FieldCode.TO_LEFT):
        if code in two_way:
            return Content(code.value)
    return Content.SAME if set(codes.values()) == {FieldCode.SAME} else Content.ONE_WAY


def situation_of(sample: Sample, full: bool) -> Situation:
    codes = {name: code_of(sample, name, full) for name in NAMES}
    left, right = (state_of(sample, side) for side in Side)
    return Situation(sample.link, left, right, content_of(codes))


# -- the laws ----------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(BATCHES, POLICIES, st.booleans())
def test_every_pair_is_judged_as_the_plain_rules_judge_it(
    batch: list[Sample], policy: Policy, full: bool
) -> None:
    judged = classify(LAYOUT, frame_of(batch), Lookups(), policy, full=full)
    gone = [s for s in batch if s.link is Link.NONE and not any(s.rows.values())]
    assert judged.height == len(batch) - len(gone)
    for row in judged.iter_rows(named=True):
        sample = batch[row["sample"]]
        expected = situation_of(sample, full)
        assert STATES[row["left_state"]] is expected.left
        assert STATES[row["right_state"]] is expected.right
        assert [FIELD_CODES[row[f"c{n}"]] for n in range(len(NAMES))] == [
            code_of(sample, name, full) for name in NAMES
        ]
        assert CONTENTS[row["content"]] is expected.content
        assert row["situation"] == expected.code
        assert ACTIONS[row["action"]] is decide(expected, policy)


@given(BATCHES)
def test_values_and_digests_are_those_of_the_canonical_texts(batch: list[Sample]) -> None:
    for row in classify(LAYOUT, frame_of(batch), Lookups(), Policy()).iter_rows(named=True):
        sample = batch[row["sample"]]
        for n, name in enumerate(NAMES):
            for side in Side:
                letter = side.value[0]
                value = sample.value(side, name)
                found = row[f"{letter}{n}"]
                assert (None if found is None else str(found)) == value
                assert row[f"d{letter}{n}"] == text_digest(value)
                if WAYS[name].writes(side.other) and sample.rows[side] is not None:
                    there = row[f"v{side.other.value[0]}{n}"]
                    assert (None if there is None else str(there)) == arriving(value, name, side.other)


# -- single cases ------------------------------------------------------------------------------------------

CUSTOMER = layout_of(
    mapping_of(FieldMapping("name", "name"), FieldMapping(None, "kind", constant=3)),
    [Field("name", FieldType.TEXT)],
    [Field("name", FieldType.TEXT), Field("kind", FieldType.INTEGER)],
)
PAIR = couplings_of([{"id": 1, "left_key": "L", "right_key": "R"}])


def test_a_constant_is_compared_in_a_frame_of_any_height() -> None:
    for height in (0, 1, 3):
        keys = [str(number) for number in range(height)]
        couplings = couplings_of([{"id": n, "left_key": key, "right_key": key} for n, key in enumerate(keys)])
        left = {key: {"name": "x"} for key in keys}
        right = {key: {"name": "x", "kind": 4} for key in keys}
        judged = classify(CUSTOMER, pairs_of(CUSTOMER, couplings, left, right), Lookups(), Policy())
        assert judged["vr1"].to_list() == [3] * height
        assert judged.filter(action_is(Action.WRITE)).height == height


def test_a_mapping_that_maps_nothing_finds_nothing_to_do() -> None:
    empty = layout_of(mapping_of(), [], [])
    pairs = pairs_of(empty, PAIR, {"L": {}}, {"R": {}})
    judged = classify(empty, pairs, Lookups(), Policy())
    assert judged.filter(action_is(Action.ADOPT)).height == 1


def test_a_coupling_that_was_never_synchronized_asks_only_where_values_differ() -> None:
    same = classify(
        CUSTOMER, pairs_of(CUSTOMER, PAIR, {"L": {"name": "a"}}, {"R": {"name": "a"}}), Lookups(), Policy()
    )
    assert CONTENTS[same["content"][0]] is Content.ONE_WAY
    other = classify(
        CUSTOMER, pairs_of(CUSTOMER, PAIR, {"L": {"name": "a"}}, {"R": {"name": "b"}}), Lookups(), Policy()
    )
    assert other.filter(action_is(Action.ASK_UPDATE)).height == 1


def test_no_helper_column_is_left_behind() -> None:
    judged = classify(CUSTOMER, pairs_of(CUSTOMER, PAIR, {"L": {"name": "a"}}, {}), Lookups(), Policy())
    assert not [name for name in judged.columns if name.startswith("#")]
    assert judged.schema["action"] == pl.UInt8
