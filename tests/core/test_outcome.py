"""What is remembered is what both sides really had together, whatever the writes came to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from samples import LAYOUT, NAMES, WAYS, Sample, frame_of, key_of, sample_from
from specimens import entries_of

from twofold.core.classify import classify
from twofold.core.decide import ACTIONS, ASKS, Action, Policy
from twofold.core.digest import text_digest
from twofold.core.frames import COUPLING_SCHEMA
from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.core.outcome import Outcome, conclude, intended
from twofold.core.situation import Link
from twofold.core.translation import Lookups
from twofold.core.writes import derive
from twofold.ports import no_entries

BOTH_WAYS = (Direction.TO_RIGHT, Direction.TO_LEFT)
NULL = text_digest(None)
FATES = ("done", "failed", "moved", "in_doubt")


@dataclass(frozen=True)
class Scene:
    """A batch of samples with the fate of every write."""

    batch: list[Sample]
    done: pl.DataFrame
    outcome: Outcome

    def rows(self) -> list[dict[str, Any]]:
        return self.done.to_dicts()


@cache
def scene_of(seed: int) -> Scene:
    """Forty random pairs under a random policy; in some scenes, writes of some pairs are set aside."""
    chance = Random(seed)
    policy = Policy(
        Direction.BOTH,
        chance.choice(list(UpdateConflict)),
        chance.choice(list(DeletionConflict)),
        chance.random() < 0.7,
        chance.choice([None, None, *BOTH_WAYS]),
        chance.random() < 0.5,
    )
    batch = [sample_from(chance) for _ in range(40)]
    judged = classify(LAYOUT, frame_of(batch), Lookups(), policy, full=chance.random() < 0.3)
    skipped = {side: [chance.random() < 0.1 for _ in range(judged.height)] for side in Side}
    judged = judged.with_columns(
        *(pl.Series(f"{side}_skipped", flags, dtype=pl.Boolean) for side, flags in skipped.items()),
        pl.lit(value=False).alias("named"),
    )
    derived = derive(LAYOUT, judged, set(Side))
    fates = {side: [chance.choice(FATES) for _ in range(derived.height)] for side in Side}
    done = carried_out(derived, fates)
    return Scene(batch, done, conclude(LAYOUT, done, no_entries(), BOTH_WAYS, quiet=False))


def scenes() -> st.SearchStrategy[Scene]:
    """Scenes by number: the same ones in every test, each made once."""
    return st.integers(0, 39).map(scene_of)


def carried_out(derived: pl.DataFrame, fates: dict[Side, list[str]]) -> pl.DataFrame:
    """The frame as the applier hands it back, each write with its fate; only an insert can be in doubt."""
    rows = derived.to_dicts()
    for number, row in enumerate(rows):
        ops = [row[f"{side}_op"] for side in Side]
        row["reserved"] = "insert" in ops
        if row["reserved"] and row["id"] is None:
            row["id"] = 1000 + row["sample"]
        for side in Side:
            row.update(_result(row, side, fates[side][number]))
    extra = {
        f"{s}_{n}": pl.String()
        for s in Side
        for n in ("new_key", "new_version", "error", "error_kind", "fault")
    }
    flags = {f"{s}_{n}": pl.Boolean() for s in Side for n in ("done", "new_settled", "again")}
    known = {name: dtype for name, dtype in derived.schema.items() if name not in extra}
    return pl.DataFrame(rows, schema={**known, **extra, **flags, "reserved": pl.Boolean()})


def _result(row: dict[str, Any], side: Side, fate: str) -> dict[str, Any]:
    op, number = row[f"{side}_op"], row["sample"]
    fate = "failed" if fate == "in_doubt" and op != "insert" else fate
    done = op is not None and fate == "done"
    broken = op is not None and fate in ("failed", "in_doubt")
    return {
        f"{side}_done": done,
        f"{side}_new_key": key_of(number, side) if op == "insert" else None,
        f"{side}_new_version": f"new {number}" if done else None,
        f"{side}_new_settled": True if done else None,
        f"{side}_again": op is not None and fate == "moved",
        f"{side}_error": f"{side} said no" if broken else None,
        f"{side}_error_kind": "in_doubt" if broken and fate == "in_doubt" else None,
        f"{side}_fault": None,
    }


def value_after(scene: Scene, row: dict[str, Any], side: Side, n: int) -> str | None:
    """The canonical value of line `n` on a side once the batch is written."""
    letter = side.value[0]
    if row[f"{side}_done"] and row[f"{side}_op"] != "delete" and row.get(f"w{letter}{n}"):
        value = row[f"v{letter}{n}"]
        return None if value is None else str(value)
    return scene.batch[row["sample"]].value(side, NAMES[n])


def words(base: bytes) -> list[int]:
    return [int.from_bytes(base[start : start + 8], "little") for start in range(0, len(base), 8)]


def settled(scene: Scene) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    by_id = {row["id"]: row for row in scene.rows()}
    return [(by_id[coupling["id"]], coupling) for coupling in scene.outcome.settle.to_dicts()]


# -- bases -------------------------------------------------------------------------------------------------


@given(scenes())
def test_a_base_names_a_state_that_both_sides_really_had_together(scene: Scene) -> None:
    for row, coupling in settled(scene):
        sample = scene.batch[row["sample"]]
        new = {side: words(coupling[f"{side}_base"]) for side in Side}
        for n, name in enumerate(NAMES):
            found = [new[side][n] for side in Side]
            kept = [sample.word(side, name) for side in Side]
            held = [text_digest(value_after(scene, row, side, n)) for side in Side]
            inserted = next((s for s in Side if row[f"{s}_op"] == "insert" and row[f"{s}_done"]), None)
            one_way = inserted is not None and not WAYS[name].writes(inserted)
            assert found in ([NULL, NULL], kept) if one_way else found in (kept, held), (name, row)


@given(scenes())
def test_what_a_line_wrote_is_what_is_remembered_of_it(scene: Scene) -> None:
    for row, coupling in settled(scene):
        for side in Side:
            for n in range(len(NAMES)):
                if row[f"{side}_done"] and row[f"w{side.value[0]}{n}"] and row[f"{side}_op"] != "delete":
                    for own in Side:
                        held = text_digest(value_after(scene, row, own, n))
                        assert words(coupling[f"{own}_base"])[n] == held


@given(scenes())
def test_a_coupling_that_is_settled_has_both_records_and_both_keys(scene: Scene) -> None:
    for row, coupling in settled(scene):
        gained = any(row[f"{side}_op"] == "insert" and row[f"{side}_done"] for side in Side)
        sample = scene.batch[row["sample"]]
        if coupling["state"] == Link.COUPLED.value and row["state"] != Link.COUPLED.value:
            assert sample.both or gained
        if gained:
            assert coupling["left_key"] is not None
            assert coupling["right_key"] is not None
        assert coupling["state"] in {link.value for link in Link if link is not Link.NONE}


@given(scenes())
def test_only_couplings_that_were_decided_on_are_touched(scene: Scene) -> None:
    touched = {row["id"] for row, _ in settled(scene)} | set(scene.outcome.uncouple)
    for row in scene.rows():
        if ACTIONS[row["action"]] in (Action.NOTHING, Action.IGNORE):
            assert row["id"] not in touched
    assert not {row["id"] for row, _ in settled(scene)} & set(scene.outcome.uncouple)


@given(scenes())
def test_a_coupling_goes_when_nothing_is_left_to_couple(scene: Scene) -> None:
    for row in scene.rows():
        deleted = any(row[f"{side}_op"] == "delete" and row[f"{side}_done"] for side in Side)
        doubtful = any(row[f"{side}_error_kind"] == "in_doubt" for side in Side)
        missed = any(row[f"{side}_op"] == "insert" and not row[f"{side}_done"] for side in Side)
        gone = ACTIONS[row["action"]] is Action.UNCOUPLE or deleted
        never = row["state"] == Link.NONE.value and missed and not doubtful
        assert (row["id"] in scene.outcome.uncouple) == (row["id"] is not None and (gone or never))


@given(scenes())
def test_an_insert_without_a_reply_stays_reserved_as_it_was(scene: Scene) -> None:
    for row in scene.rows():
        if any(row[f"{side}_error_kind"] == "in_doubt" for side in Side):
            assert row["id"] not in scene.outcome.uncouple
            assert row["id"] not in scene.outcome.settle["id"].to_list()


# -- versions ----------------------------------------------------------------------------------------------


@given(scenes())
def test_a_version_is_remembered_only_of_what_was_synchronized(scene: Scene) -> None:
    for row, coupling in settled(scene):
        unfinished = any(row[f"{side}_op"] is not None and not row[f"{side}_done"] for side in Side)
        masked = any(row[f"{side}_masked"] for side in Side)
        for side in Side:
            version, before, seen = coupling[f"{side}_version"], row[f"{side}_version"], row[f"{side}_now"]
            wrote = row[f"{side}_done"] and row[f"{side}_op"] is not None
            if wrote:
                assert version in (row[f"{side}_new_version"], None)
            elif unfinished or masked or ACTIONS[row["action"]] in ASKS:
                assert version == before
            else:
                assert version == (seen if row[f"{side}_here"] else before)
            if row[f"{side.other}_op"] is not None and not row[f"{side.other}_done"] and wrote:
                owed = any(row[f"w{side.other.value[0]}{n}"] for n in range(len(NAMES)))
                assert version is None or not owed


# -- reservations ------------------------------------------------------------------------------------------


@given(scenes())
def test_a_reservation_says_what_will_be_true_if_all_goes_well(scene: Scene) -> None:
    inserts = scene.done.filter("reserved")
    reserved = intended(LAYOUT, inserts)
    assert reserved.schema == pl.Schema(COUPLING_SCHEMA)
    for row, coupling in zip(inserts.to_dicts(), reserved.to_dicts(), strict=True):
        target = Side.RIGHT if row["right_op"] == "insert" else Side.LEFT
        assert coupling["state"] == f"pending_{target}"
        assert coupling["left_version"] is coupling["right_version"] is None
        made = dict(row, **{f"{target}_done": True})
        for n, name in enumerate(NAMES):
            if WAYS[name].writes(target):
                expected = [text_digest(value_after(scene, made, side, n)) for side in Side]
                assert [words(coupling[f"{side}_base"])[n] for side in Side] == expected


def test_a_reservation_of_a_key_that_the_system_makes_is_in_doubt_from_the_start() -> None:
    scene_row = judged_insert().with_columns(pl.lit(None, dtype=pl.String).alias("right_new_key"))
    assert intended(LAYOUT, scene_row)["state"].to_list() == [Link.IN_DOUBT.value]


def judged_insert(**changes: Any) -> pl.DataFrame:
    """One new record on the left, to be inserted on the right, with the fate that `changes` say."""
    row = {"name": "Ann", "code": "X", "rank": 1, "note": None, "active": "yes"}
    blank = {side: dict.fromkeys(NAMES, "unknown") for side in Side}
    sample = Sample(Link.NONE, {Side.LEFT: row, Side.RIGHT: None}, blank, dict.fromkeys(Side, False))
    judged = classify(LAYOUT, frame_of([sample]), Lookups(), Policy(creates=True))
    flags = [pl.lit(value=False).alias(name) for name in ("left_skipped", "right_skipped", "named")]
    derived = derive(LAYOUT, judged.with_columns(flags), set(Side))
    done = carried_out(derived, {side: [changes.get("fate", "done")] for side in Side})
    lits = {name: pl.lit(value) for name, value in changes.items() if name != "fate"}
    return done.with_columns(**lits)


# -- counters ----------------------------------------------------------------------------------------------


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


# -- entries: see test_troubles ----------------------------------------------------------------------------


@given(scenes())
def test_every_failure_and_every_question_has_one_entry(scene: Scene) -> None:
    entries = scene.outcome.entries
    rows = scene.rows()
    failures = sum(row[f"{side}_error"] is not None for row in rows for side in Side)
    questions = sum(ACTIONS[row["action"]] in ASKS for row in rows)
    assert entries.height == len(scene.outcome.errors) == failures + questions
    assert not entries["skipped"].any()
    assert set(entries["strikes"]) <= {1}
    assert entries.select("left_key", "right_key", "direction").is_duplicated().any() is False


@given(scenes())
def test_an_entry_about_a_pair_that_moved_is_kept_for_the_next_look(scene: Scene) -> None:
    known = [
        {
            "id": row["sample"],
            "left_key": row["left_key"],
            "right_key": row["right_key"],
            "direction": way,
            "kind": "failed",
        }
        for row in scene.rows()
        for way in ("to_right",)
    ]
    solved = conclude(LAYOUT, scene.done, entries_of(known), BOTH_WAYS, quiet=False).solved
    for row in scene.rows():
        unfinished = any(row[f"{side}_op"] is not None and not row[f"{side}_done"] for side in Side)
        if unfinished:
            failed_again = row["right_error"] is not None or ACTIONS[row["action"]] in ASKS
            moved = any(row[f"{side}_again"] for side in Side)
            assert not moved or failed_again or row["sample"] not in solved
