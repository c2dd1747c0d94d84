"""Every write and every question is counted once, in the job it belongs to."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from twofold.core.decide import ACTIONS, ASKS, Action
from twofold.core.names import Direction
from twofold.core.outcome import conclude
from twofold.ports import no_entries

from .samples import LAYOUT
from .scenes import BOTH_WAYS, Scene, judged_insert, scenes


@given(scenes(), st.booleans())
def test_every_write_is_counted_once_and_every_question_once(scene: Scene, quiet: bool) -> None:
    counters = conclude(LAYOUT, scene.done, no_entries(), BOTH_WAYS, quiet=quiet).counters
    rows = scene.rows()
    assert sum(counts.get("conflicts", 0) for counts in counters.values()) == sum(
        ACTIONS[row["action"]] in ASKS for row in rows
    )
    for direction in BOTH_WAYS:
        side, counts = direction.target, counters[direction]
        ops = [(row[f"{side}_op"], row[f"{side}_done"]) for row in rows]
        for name, op in (("inserted", "insert"), ("modified", "update"), ("deleted", "delete")):
            expected = 0 if quiet and name == "modified" else ops.count((op, True))
            assert counts.get(name, 0) == expected
        assert counts.get("failed", 0) == sum(row[f"{side}_error"] is not None for row in rows)
        assert counts.get("skipped", 0) == sum(row[f"{side}_masked"] for row in rows)
        assert 0 not in counts.values()


@given(scenes())
def test_unchanged_are_stirred_records_to_which_nothing_was_to_be_done(scene: Scene) -> None:
    for direction in BOTH_WAYS:
        source = direction.target.other
        count = scene.outcome.counters[direction].get("unchanged", 0)
        stirred = [
            row
            for row in scene.rows()
            if row[f"{source}_inside"]
            and row[f"{source}_version"] not in (None, row[f"{source}_now"])
            and row[f"{direction.target}_op"] is None
        ]
        assert count <= len(stirred)
        clean = [r for r in stirred if r["left_op"] is r["right_op"] is None and not r["left_masked"]]
        calm = [
            r for r in clean if not r["right_masked"] and ACTIONS[r["action"]] not in (*ASKS, Action.UNCOUPLE)
        ]
        assert count >= len(calm)


@given(scenes())
def test_an_uncoupling_counts_in_one_job_only(scene: Scene) -> None:
    uncoupled = sum(counts.get("uncoupled", 0) for counts in scene.outcome.counters.values())
    assert uncoupled == sum(ACTIONS[row["action"]] is Action.UNCOUPLE for row in scene.rows())


def test_a_named_record_that_is_not_coupled_counts_skipped() -> None:
    scene = judged_insert(named=True).with_columns(
        pl.lit(list(ACTIONS).index(Action.IGNORE), dtype=pl.UInt8).alias("action"),
        pl.lit(None, dtype=pl.String).alias("right_op"),
        *(pl.lit(value=False).alias(name) for name in ("right_done", "reserved")),
    )
    outcome = conclude(LAYOUT, scene, no_entries(), (Direction.TO_RIGHT,), quiet=False)
    assert outcome.counters == {Direction.TO_RIGHT: {"skipped": 1}}
