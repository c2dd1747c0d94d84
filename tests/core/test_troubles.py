"""A failure that comes back with the same words is set aside; a question stays until it is answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from twofold.core.classify import classify
from twofold.core.decide import Policy
from twofold.core.layout import Layout
from twofold.core.mapping import FieldMapping, Lookup
from twofold.core.names import Direction, Side
from twofold.core.outcome import Outcome, conclude
from twofold.core.schema import Field, FieldType
from twofold.core.situation import Link
from twofold.core.translation import Lookups
from twofold.core.writes import derive
from twofold.ports import no_entries

from .specimens import base_of, couplings_of, entries_of, layout_of, mapping_of, pairs_of

BOTH_WAYS = (Direction.TO_RIGHT, Direction.TO_LEFT)
FIELDS = [Field("name", FieldType.TEXT), Field("currency", FieldType.CODE)]
LAYOUT = layout_of(mapping_of(FieldMapping("name", "name")), FIELDS, FIELDS)
LOOKING_UP = layout_of(
    mapping_of(FieldMapping("currency", "currency", lookup=Lookup("CURRENCY", right="code"))), FIELDS, FIELDS
)
EDITED = ({"L": {"name": "new", "currency": "SEK"}}, {"R": {"name": "old", "currency": "EUR"}})


def conclusion(
    layout: Layout = LAYOUT,
    base: str | None = "old",
    error: str | None = "Name is taken.",
    before: Sequence[dict[str, Any]] = (),
    ran: Sequence[Direction] = BOTH_WAYS,
    **more: Any,
) -> Outcome:
    """What is recorded when an edit on the left meets this error on the right."""
    coupling = {"id": 1, "left_key": "L", "right_key": "R"}
    bases = {f"{side}_base": base_of(base, known=base is not None) for side in Side}
    pairs = pairs_of(layout, couplings_of([{**coupling, **bases}]), *EDITED)
    judged = classify(layout, pairs, Lookups(), Policy())
    flags = [pl.lit(more.get(name, False)).alias(name) for name in ("left_skipped", "right_skipped", "named")]
    derived = derive(layout, judged.with_columns(flags), {direction.target for direction in ran})
    done = derived.with_columns(_results(error, **more))
    return conclude(layout, done, entries_of(before) if before else no_entries(), ran, quiet=False)


def _results(error: str | None, **more: Any) -> list[pl.Expr]:
    texts = {"right_error": error, "right_error_kind": more.get("kind"), "right_fault": more.get("fault")}
    nothing = ("left_error", "left_error_kind", "left_fault")
    empty = [f"{side}_{name}" for side in Side for name in ("new_key", "new_version")]
    return [
        *(pl.lit(text, dtype=pl.String).alias(name) for name, text in texts.items()),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in (*nothing, *empty)),
        *(pl.lit(value=True).alias(f"{side}_new_settled") for side in Side),
        *(pl.lit(value=False).alias(name) for name in ("left_done", "reserved")),
        pl.lit(more.get("right_done", error is None)).alias("right_done"),
    ]


def entry(**more: Any) -> dict[str, Any]:
    known = {"id": 7, "left_key": "L", "right_key": "R", "direction": "to_right", "kind": "failed"}
    return {**known, "message": "Name is taken.", **more}


def test_a_first_failure_is_counted_and_listed_with_its_field() -> None:
    outcome = conclusion(fault="name")
    (found,) = outcome.entries.to_dicts()
    assert (found["left_key"], found["right_key"], found["direction"]) == ("L", "R", "to_right")
    assert (found["kind"], found["strikes"], found["skipped"]) == ("failed", 1, False)
    assert json.loads(found["fields"]) == ["name"]
    assert outcome.counters[Direction.TO_RIGHT] == {"failed": 1}
    assert [(direction, line["message"]) for direction, line in outcome.errors] == [
        (Direction.TO_RIGHT, "Name is taken.")
    ]


def test_the_second_equal_failure_sets_the_record_aside_and_counts_skipped() -> None:
    outcome = conclusion(before=[entry()])
    assert outcome.entries.select("strikes", "skipped").row(0) == (2, True)
    assert outcome.counters[Direction.TO_RIGHT] == {"skipped": 1}


@pytest.mark.parametrize("other", [{"message": "No reply."}, {"direction": "to_left"}])
def test_other_words_or_another_direction_start_anew(other: dict[str, Any]) -> None:
    outcome = conclusion(before=[entry(strikes=1, **other)])
    assert outcome.entries.select("strikes", "skipped").row(0) == (1, False)
    assert outcome.counters[Direction.TO_RIGHT] == {"failed": 1}


def test_strikes_are_remembered_by_either_key_of_the_pair() -> None:
    for key in ("left_key", "right_key"):
        assert conclusion(before=[entry(**{key: None})]).entries["strikes"].to_list() == [2]


def test_a_question_never_becomes_skipped_and_counts_as_a_conflict_once() -> None:
    for before in ([], [entry(kind="conflict", strikes=1)]):
        outcome = conclusion(base=None, error=None, before=before)
        (found,) = outcome.entries.to_dicts()
        assert (found["kind"], found["skipped"], found["strikes"]) == ("conflict", False, 1)
        assert json.loads(found["fields"]) == ["name"]
        assert outcome.counters == {Direction.TO_RIGHT: {"conflicts": 1}, Direction.TO_LEFT: {}}
        assert outcome.solved == []


def test_a_question_keeps_its_direction_however_the_run_is_narrowed() -> None:
    outcome = conclusion(base=None, error=None, ran=(Direction.TO_LEFT,))
    assert outcome.entries["direction"].to_list() == ["to_right"]
    assert outcome.counters == {Direction.TO_LEFT: {"conflicts": 1}}


def test_an_entry_is_solved_when_the_write_succeeds() -> None:
    assert conclusion(error=None, before=[entry(), entry(id=8, direction="to_left")]).solved == [7, 8]


def test_an_entry_of_a_direction_that_did_not_run_stays() -> None:
    before = [entry(), entry(id=8, direction="to_left"), entry(id=9, direction="to_left", kind="deleted")]
    assert conclusion(error=None, before=before, ran=(Direction.TO_RIGHT,)).solved == [7, 9]


def test_an_entry_about_other_records_is_none_of_our_business() -> None:
    assert conclusion(error=None, before=[entry(left_key="L2", right_key="R2")]).solved == []


def test_what_is_set_aside_stays_and_counts_skipped() -> None:
    outcome = conclusion(
        error=None, before=[entry(skipped=True, strikes=2)], right_skipped=True, right_done=False
    )
    assert outcome.solved == []
    assert outcome.counters[Direction.TO_RIGHT] == {"skipped": 1}
    assert outcome.settle.is_empty()


def test_a_record_that_waits_for_another_names_it() -> None:
    outcome = conclusion(LOOKING_UP, base="EUR", error="must be coupled", kind="blocked")
    (found,) = outcome.entries.to_dicts()
    assert found["kind"] == "blocked"
    assert json.loads(found["blocking"]) == ["CURRENCY", "left", "SEK", None]


def test_a_blocked_record_without_a_lookup_names_nothing() -> None:
    assert conclusion(error="must be coupled", kind="blocked").entries["blocking"].to_list() == [None]


def test_an_uncoupled_record_is_listed_by_the_key_it_has() -> None:
    pairs = pairs_of(LAYOUT, couplings_of([]), {"L": {"name": "x"}}, {})
    judged = classify(LAYOUT, pairs, Lookups(), Policy(creates=True))
    flags = [pl.lit(value=False).alias(name) for name in ("left_skipped", "right_skipped", "named")]
    done = derive(LAYOUT, judged.with_columns(flags), set(Side)).with_columns(_results("No."))
    found = conclude(LAYOUT, done, no_entries(), BOTH_WAYS, quiet=False).entries
    assert found.select("left_key", "right_key").row(0) == ("L", None)
    assert judged["state"].to_list() == [Link.NONE.value]
