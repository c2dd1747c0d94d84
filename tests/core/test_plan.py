"""A plan is a value: the same for the same actions, printable, and it says what a person must decide."""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.classify import classify
from twofold.core.decide import ACTIONS, Action, Policy
from twofold.core.layout import Layout
from twofold.core.mapping import FieldMapping
from twofold.core.names import DeletionConflict, EntryKind, Side
from twofold.core.plan import (
    HIDDEN,
    MappingPlan,
    Plan,
    PlannedAction,
    plain,
    planned,
    reads_empty,
    too_many_deletes,
)
from twofold.core.questions import question
from twofold.core.schema import Field, FieldType
from twofold.core.translation import Lookups
from twofold.core.writes import derive

from .specimens import agrees_with_golden, base_of, couplings_of, layout_of, mapping_of, pairs_of

TEXT = FieldType.TEXT
NAMES = ("name", "city", "phone", "email", "secret")
FIELDS = [Field(name, TEXT, length=60) for name in NAMES]
LAYOUT = layout_of(
    mapping_of(*(FieldMapping(name, name, sensitive=name == "secret") for name in NAMES)), FIELDS, FIELDS
)

# -- digest and shape --------------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "ü", None, 1, True])
ACTION = st.builds(
    PlannedAction,
    st.sampled_from(["insert_right", "restore_left", "update_left", "delete_right", "conflict", "fail_left"]),
    st.none() | st.text("LK1", max_size=3),
    st.none() | st.text("RK1", max_size=3),
    st.dictionaries(st.sampled_from(["name", "city"]), st.tuples(WORDS, WORDS), max_size=2),
)


@given(st.lists(ACTION, max_size=6), st.lists(ACTION, max_size=6), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_any_order(
    one: list[PlannedAction], other: list[PlannedAction], chance: random.Random
) -> None:
    first = Plan([MappingPlan("CUSTOMER", one), MappingPlan("VENDOR", other)])
    shuffled = [chance.sample(actions, len(actions)) for actions in (one, other)]
    again = Plan([MappingPlan("VENDOR", shuffled[1]), MappingPlan("CUSTOMER", shuffled[0])])
    assert first.digest == again.digest
    assert len(first.digest) == 16


@pytest.mark.parametrize(
    "other",
    [
        PlannedAction("update_left", "L", "R", {"name": ("a", "b")}),
        PlannedAction("update_right", "L", None, {"name": ("a", "b")}),
        PlannedAction("update_right", "L", "R", {"name": ("a", "c")}),
        PlannedAction("update_right", "L", "R", {"name": (None, "b")}),
        PlannedAction("update_right", "L", "R", {"name": ("a", "b")}, "a reason"),
    ],
)
def test_any_other_action_has_another_digest(other: PlannedAction) -> None:
    one = PlannedAction("update_right", "L", "R", {"name": ("a", "b")})
    assert Plan([MappingPlan("X", [one])]).digest != Plan([MappingPlan("X", [other])]).digest
    assert Plan([MappingPlan("X", [one])]).digest != Plan([MappingPlan("Y", [one])]).digest
    assert Plan([MappingPlan("X", [one, one])]).digest != Plan([MappingPlan("X", [one])]).digest


@given(st.lists(ACTION, max_size=6))
def test_every_action_is_counted_under_one_head(actions: list[PlannedAction]) -> None:
    found = MappingPlan("CUSTOMER", actions).as_json()
    heads = ("inserts", "updates", "deletes", "conflicts", "failures")
    assert sum(found[head] for head in heads) == len(found["actions"]) == len(actions)


# -- guard rails -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deletes", "couplings", "stops"),
    [
        (0, 0, False),
        (20, 0, False),
        (21, 0, True),
        (21, 400, True),
        (20, 400, False),
        (50, 1000, False),
        (51, 1000, True),
    ],
)
def test_more_deletes_than_twenty_and_a_twentieth_stop(deletes: int, couplings: int, stops: bool) -> None:
    assert too_many_deletes(deletes, couplings) is stops


@pytest.mark.parametrize(
    ("missing", "couplings", "stops"),
    [(0, 0, False), (20, 20, False), (21, 21, True), (20, 21, False), (1000, 1000, True), (999, 1000, False)],
)
def test_a_side_that_lost_everything_it_had_stops(missing: int, couplings: int, stops: bool) -> None:
    assert reads_empty(missing, couplings) is stops


# -- what is planned ---------------------------------------------------------------------------------------


def record(**changes: Any) -> dict[str, Any]:
    return {**dict.fromkeys(NAMES, "a"), **changes}


BASE = base_of(*("a" for _ in NAMES))


def derived(
    left: dict[str, Any], right: dict[str, Any], policy: Policy, layout: Layout = LAYOUT
) -> pl.DataFrame:
    keys = sorted({*left, *right} - {"new"})
    bases = {"left_base": BASE, "right_base": BASE}
    couplings = couplings_of(
        [{"id": n, "left_key": key, "right_key": key, **bases} for n, key in enumerate(keys)]
    )
    judged = classify(layout, pairs_of(layout, couplings, left, right), Lookups(), policy)
    flags = [pl.lit(value=False).alias(f"{side}_skipped") for side in Side]
    return derive(layout, judged.with_columns(flags), set(Side))


def plans(left: dict[str, Any], right: dict[str, Any], policy: Policy) -> list[PlannedAction]:
    return list(planned(LAYOUT, derived(left, right, policy)))


def test_a_plan_reads_as_its_golden_file_says() -> None:
    left = {
        "edited": record(name="A", secret="S"),
        "contested": record(name="x", secret="s"),
        "restored": record(),
        "new": record(),
        "same": record(),
    }
    right = {
        "edited": record(city="B"),
        "contested": record(name="y", secret="t"),
        "lost": record(),
        "long": record(name="n" * 61),
        "same": record(),
    }
    policy = Policy(deletion_conflict=DeletionConflict.RESTORE, creates=True)
    found = Plan([MappingPlan("CUSTOMER", plans(left, right, policy))])
    assert agrees_with_golden("plan.json", json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n")


def test_a_write_that_cannot_be_done_is_planned_as_a_failure_with_its_reason() -> None:
    (action,) = plans({"k": record(name="n" * 61)}, {"k": record()}, Policy())
    assert action.action == "fail_right"
    assert "61 characters" in action.reason
    assert action.as_json()["reason"] == action.reason


def test_deletions_and_uncouplings_are_planned_without_fields() -> None:
    gone = Policy(deletion_conflict=DeletionConflict.DELETE)
    (action,) = plans({}, {"k": record()}, gone)
    assert (action.action, action.fields) == ("delete_right", {})
    (action,) = plans({}, {"k": record()}, Policy(deletion_conflict=DeletionConflict.UNCOUPLE))
    assert (action.action, action.left_key, action.right_key) == ("uncouple", "k", "k")
    (action,) = plans({}, {"k": record()}, Policy())
    assert action.action == "deleted"


def test_a_sensitive_field_is_planned_but_not_shown() -> None:
    (action,) = plans({"k": record(secret="S3CRET")}, {"k": record()}, Policy())
    assert action.fields == {"secret": (HIDDEN, HIDDEN)}
    (asked,) = plans({"k": record(secret="S3CRET")}, {"k": record(secret="other")}, Policy())
    assert asked.fields == {"secret": (HIDDEN, HIDDEN)}


def test_values_are_shown_as_json_can_have_them() -> None:
    assert [plain(value) for value in (None, "x", 1, 1.5, True)] == [None, "x", 1, 1.5, True]
    decimals = ("1.50", "0.00", "100", "100.00", "-2.05")
    assert [plain(Decimal(text)) for text in decimals] == ["1.5", "0", "100", "100", "-2.05"]
    assert plain(date(2026, 1, 2)) == "2026-01-02"


# -- questions ---------------------------------------------------------------------------------------------


def asked(left: dict[str, Any], right: dict[str, Any]) -> tuple[EntryKind, str, list[str]]:
    return question(LAYOUT, derived(left, right, Policy()).row(0, named=True))


def test_a_conflict_names_its_fields_and_both_values() -> None:
    kind, sentence, fields = asked({"k": record(name="x", city="b")}, {"k": record(name="y")})
    assert (kind, fields) == (EntryKind.CONFLICT, ["name"])
    assert sentence == (
        'These fields were changed on both sides: name ("x" in ERP, "y" in CRM). '
        "Choose which side wins: send, get or merge."
    )


def test_a_long_conflict_is_told_in_short_and_a_sensitive_one_without_values() -> None:
    left = {"k": dict.fromkeys(NAMES, "l" * 50)}
    _, sentence, fields = asked(left, {"k": dict.fromkeys(NAMES)})
    assert fields == list(NAMES)
    assert " and 2 more. Choose" in sentence
    assert f'"{"l" * 40}…" in ERP, blank in CRM' in sentence
    _, sentence, _ = asked({"k": record(secret="S3CRET")}, {"k": record(secret="0THER")})
    assert "S3CRET" not in sentence
    assert "0THER" not in sentence
    assert "changed on both sides: secret. Choose" in sentence


def test_a_pair_without_a_base_says_that_nobody_knows_who_changed_it() -> None:
    couplings = couplings_of([{"id": 1, "left_key": "k", "right_key": "k"}])
    pairs = pairs_of(LAYOUT, couplings, {"k": record(name="x")}, {"k": record(name="y")})
    judged = classify(LAYOUT, pairs, Lookups(), Policy())
    _, sentence, fields = question(LAYOUT, judged.row(0, named=True))
    assert fields == ["name"]
    assert "differ, and nobody knows which side changed" in sentence


@pytest.mark.parametrize(("lost", "kept"), [("ERP", "CRM"), ("CRM", "ERP")])
def test_a_deletion_says_where_the_record_is_gone_and_where_it_is_not(lost: str, kept: str) -> None:
    here, gone = {"k": record()}, dict[str, Any]()
    kind, sentence, fields = asked(gone, here) if lost == "ERP" else asked(here, gone)
    assert (kind, fields) == (EntryKind.DELETED, [])
    assert sentence == (
        f"k was deleted in {lost}, and its counterpart k still exists in {kept}. "
        "Choose: restore, delete or uncouple."
    )


@pytest.mark.parametrize(("known", "target"), [("left_key", "CRM"), ("right_key", "ERP")])
def test_a_doubt_says_where_the_record_may_have_been_inserted(known: str, target: str) -> None:
    couplings = couplings_of([{"id": 1, "state": "in_doubt", known: "k"}])
    left, right = ({"k": record()}, {}) if known == "left_key" else ({}, {"k": record()})
    judged = classify(LAYOUT, pairs_of(LAYOUT, couplings, left, right), Lookups(), Policy())
    row = judged.row(0, named=True)
    kind, sentence, _ = question(LAYOUT, row)
    assert ACTIONS[row["action"]] is Action.ASK_DOUBT
    assert kind is EntryKind.IN_DOUBT
    assert sentence.startswith(f"k may have been inserted in {target}, but no reply came")
    flags = [pl.lit(value=False).alias(f"{side}_skipped") for side in Side]
    (action,) = planned(LAYOUT, derive(LAYOUT, judged.with_columns(flags), set(Side)))
    assert action.action == "in_doubt"
