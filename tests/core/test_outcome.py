"""What is remembered is what both sides really had together, whatever the writes came to."""

from __future__ import annotations

import polars as pl
from hypothesis import given

from twofold.core.decide import ACTIONS, ASKS, Action
from twofold.core.digest import text_digest
from twofold.core.frames import COUPLING_SCHEMA
from twofold.core.names import Side
from twofold.core.outcome import conclude, intended
from twofold.core.situation import Link

from .samples import LAYOUT, NAMES, WAYS
from .scenes import BOTH_WAYS, Scene, judged_insert, scenes, settled, value_after, words
from .specimens import entries_of

NULL = text_digest(None)

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
