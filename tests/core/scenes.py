"""Random batches whose writes have come to random ends; it must never conclude anything but by `conclude`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from twofold.core.classify import classify
from twofold.core.decide import Policy
from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.core.outcome import Outcome, conclude
from twofold.core.situation import Link
from twofold.core.translation import Lookups
from twofold.core.writes import derive
from twofold.ports import no_entries

from .samples import LAYOUT, NAMES, Sample, frame_of, key_of, sample_from

BOTH_WAYS = (Direction.TO_RIGHT, Direction.TO_LEFT)
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
    written = row[f"{side}_done"] and row[f"{side}_op"] != "delete" and row.get(f"w{letter}{n}")
    if not written:
        sample: Sample = scene.batch[row["sample"]]
        return sample.value(side, NAMES[n])
    value = row[f"v{letter}{n}"]
    return None if value is None else str(value)


def words(base: bytes) -> list[int]:
    return [int.from_bytes(base[start : start + 8], "little") for start in range(0, len(base), 8)]


def settled(scene: Scene) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    by_id = {row["id"]: row for row in scene.rows()}
    return [(by_id[coupling["id"]], coupling) for coupling in scene.outcome.settle.to_dicts()]


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
