"""Turns what was planned and what came of it into couplings, entries and counters; it must never write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from twofold.core.classify import SHORT, action_is
from twofold.core.decide import ASKS, Action
from twofold.core.digest import digest, pack, text_digest, unpack
from twofold.core.frames import COUPLING_SCHEMA, ENTRY_SCHEMA
from twofold.core.layout import Layout, Line
from twofold.core.names import TO, Direction, EntryKind, Side
from twofold.core.pairing import here, inside, now, settled
from twofold.core.questions import question
from twofold.core.situation import Link
from twofold.core.values import to_text

_NULL = pl.lit(text_digest(None), dtype=pl.UInt64)
STRIKES = 2
"""So many equal failures in one direction set a record aside."""


@dataclass(slots=True)
class Outcome:
    """What one batch did, ready to be recorded; counters by direction and name."""

    settle: pl.DataFrame
    uncouple: list[int]
    entries: pl.DataFrame
    solved: list[int]
    errors: list[tuple[Direction, dict[str, Any]]]
    counters: dict[Direction, dict[str, int]] = field(default_factory=dict)


def intended(layout: Layout, inserts: pl.DataFrame) -> pl.DataFrame:
    """The couplings to reserve before rows are inserted: the keys, and the base as it will be if all goes well.

    `inserts` is a frame of `writes.derive` with `{side}_new_key`, null where the system makes the key.
    """
    hopeful = inserts.with_columns(
        *((pl.col(f"{side}_op") == "insert").fill_null(value=False).alias(f"{side}_done") for side in Side)
    )
    to_right = pl.col("right_op") == "insert"
    key = pl.when(to_right).then(pl.col("right_new_key")).otherwise(pl.col("left_new_key"))
    pending = pl.when(to_right).then(pl.lit(Link.PENDING_RIGHT.value)).otherwise(pl.lit(Link.PENDING_LEFT.value))
    return hopeful.select(
        "id",
        pl.when(to_right).then(pl.col("left_key")).otherwise(pl.col("left_new_key")).alias("left_key"),
        pl.when(to_right).then(pl.col("right_new_key")).otherwise(pl.col("right_key")).alias("right_key"),
        pl.when(key.is_null()).then(pl.lit(Link.IN_DOUBT.value)).otherwise(pending).alias("state"),
        pl.lit(None, dtype=pl.String).alias("left_version"),
        pl.lit(None, dtype=pl.String).alias("right_version"),
        *(_base(layout, hopeful, side).alias(f"{side}_base") for side in Side),
    )


def conclude(layout: Layout, done: pl.DataFrame, before: pl.DataFrame, ran: Sequence[Direction], *, quiet: bool) -> Outcome:
    """The outcome of a batch.

    `done` is the frame of `writes.derive` with, for each side, `{side}_done`, `{side}_new_key`,
    `{side}_new_version`, `{side}_new_settled`, `{side}_error`, `{side}_error_kind`, `{side}_fault`. `before` are the
    entries about these pairs. `ran` are the directions of the run. `quiet`: a second pass, whose writes were
    counted as inserts already.
    """
    done = _with_flags(done)
    entries = _entries(layout, done, before, ran)
    return Outcome(
        settle=_settled_couplings(layout, done),
        uncouple=_dropped(done),
        entries=entries.frame,
        solved=entries.solved,
        errors=entries.errors,
        counters=_counters(done, entries, ran, quiet=quiet),
    )


def _with_flags(done: pl.DataFrame) -> pl.DataFrame:
    asks = action_is(*ASKS)
    failed = pl.any_horizontal(pl.col(f"{side}_error").is_not_null() for side in Side)
    masked = pl.any_horizontal(pl.col(f"{side}_masked") for side in Side)
    inserts = pl.any_horizontal(
        (pl.col(f"{side}_op") == "insert").fill_null(value=False) & ~pl.col(f"{side}_done") for side in Side
    )
    doubtful = pl.any_horizontal(
        (pl.col(f"{side}_error_kind") == EntryKind.IN_DOUBT.value).fill_null(value=False) for side in Side
    )
    deleted = pl.any_horizontal(
        (pl.col(f"{side}_op") == "delete").fill_null(value=False) & pl.col(f"{side}_done") for side in Side
    )
    new = pl.col("state") == Link.NONE.value
    drop = action_is(Action.UNCOUPLE) | deleted | (new & pl.col("reserved") & inserts & ~doubtful)
    return done.with_columns(
        asks.alias("asks"), (asks | failed | masked).alias("open"), drop.alias("drop"), doubtful.alias("doubtful")
    )


# -- couplings ---------------------------------------------------------------------------------------------


def _settled_couplings(layout: Layout, done: pl.DataFrame) -> pl.DataFrame:
    """Whole couplings where something about them is new."""
    touched = ~pl.col("drop") & ~pl.col("doubtful") & ~action_is(Action.NOTHING, Action.IGNORE)
    linked = done.filter(pl.col("id").is_not_null() & touched)
    if linked.is_empty():
        return pl.DataFrame(schema=COUPLING_SCHEMA)
    fresh = linked.with_columns(
        *(_base(layout, linked, side) for side in Side),
        *(_version(side) for side in Side),
        *(pl.coalesce(f"{side}_new_key", f"{side}_key").alias(f"#{side}_key") for side in Side),
        _state(),
    )
    names = [name for name in COUPLING_SCHEMA if name != "id"]
    news = [pl.col(f"#{name}").ne_missing(pl.col(name)) for name in names]
    # A restored record whose insert failed was reserved under a new key: what was known before goes back.
    changed = fresh.filter(pl.any_horizontal(news) | pl.col("reserved"))
    return changed.select("id", *(pl.col(f"#{name}").alias(name) for name in names))


def _state() -> pl.Expr:
    both = pl.col(here(Side.LEFT)) & pl.col(here(Side.RIGHT))
    inserted = pl.any_horizontal(
        (pl.col(f"{side}_op") == "insert").fill_null(value=False) & pl.col(f"{side}_done") for side in Side
    )
    doubtful = pl.col("state") == Link.IN_DOUBT.value
    coupled = (both & ~doubtful) | inserted
    return pl.when(coupled).then(pl.lit(Link.COUPLED.value)).otherwise(pl.col("state")).alias("#state")


def _base(layout: Layout, linked: pl.DataFrame, side: Side) -> pl.Series:
    by_slot = {line.slot: line for line in layout.lines}
    columns = [
        linked.select(_word(layout, by_slot.get(slot), slot, side).alias("w")).to_series()
        for slot in range(layout.width)
    ]
    return pack(columns, layout.width).alias(f"#{side}_base")


def _word(layout: Layout, line: Line | None, slot: int, side: Side) -> pl.Expr:
    """The digest to remember for one line: of what both sides really had together, else what was known."""
    kept = unpack(pl.col(f"{side}_base"), slot)
    if line is None:
        return kept
    n = line.number
    known = pl.when(pl.col(here(Side.LEFT)) & pl.col(here(Side.RIGHT)) & pl.col(f"e{n}"))
    word = known.then(pl.col(f"d{SHORT[side]}{n}"))
    for target in Side:
        if line.writes(target):
            word = _word_written(layout, line, side, target, word)
    return word.otherwise(kept)


def _word_written(layout: Layout, line: Line, side: Side, target: Side, word: Any) -> Any:
    """Adds the cases in which this batch wrote the line to `target`."""
    n, letter = line.number, SHORT[target]
    was_done = pl.col(f"{target}_done") & (pl.col(f"{target}_op") != "delete").fill_null(value=False)
    wrote = was_done & pl.col(f"w{letter}{n}")
    source = pl.col(f"d{SHORT[target.other]}{n}")
    written = digest(pl.col(f"v{letter}{n}"), line.field(target).dtype)
    inserted = was_done & (pl.col(f"{target}_op") == "insert").fill_null(value=False) & ~pl.col(f"w{letter}{n}")
    # A deferred lookup is remembered as blank on both sides, so that its value still counts as an edit.
    waits = pl.col(f"m{letter}{n}")
    at_source = pl.when(waits).then(_NULL).otherwise(source)
    word = word.when(wrote).then(source if side is target.other else written)
    return word.when(inserted).then(at_source if side is target.other else _NULL)


def _version(side: Side) -> pl.Expr:
    """The version to remember: of what was synchronized, never of what was merely seen."""
    whole = pl.col(f"{side}_new_settled").fill_null(value=True) & ~pl.col(f"{side}_partial")
    fresh = pl.when(whole).then(pl.col(f"{side}_new_version"))
    seen = pl.when(pl.col(settled(side)).fill_null(value=True)).then(pl.col(now(side)))
    wrote = pl.col(f"{side}_done") & pl.col(f"{side}_op").is_not_null()
    clean = ~pl.col("open") & pl.col(here(side))
    return (
        pl.when(wrote).then(fresh).when(clean).then(seen).otherwise(pl.col(f"{side}_version"))
    ).alias(f"#{side}_version")


def _dropped(done: pl.DataFrame) -> list[int]:
    ids: list[int] = done.filter(pl.col("drop") & pl.col("id").is_not_null())["id"].to_list()
    return ids


# -- entries -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Entries:
    frame: pl.DataFrame
    solved: list[int]
    errors: list[tuple[Direction, dict[str, Any]]]
    promoted: dict[Direction, int]


def _entries(layout: Layout, done: pl.DataFrame, before: pl.DataFrame, ran: Sequence[Direction]) -> _Entries:
    earlier = _by_pair(before.to_dicts())
    put: list[dict[str, Any]] = []
    errors: list[tuple[Direction, dict[str, Any]]] = []
    promoted = dict.fromkeys(ran, 0)
    for row in _troubled(done).iter_rows(named=True):
        for direction, entry in _trouble(layout, row, ran):
            counted = _struck(entry, earlier)
            promoted[direction] += int(counted["skipped"])
            put.append(counted)
            errors.append((direction, counted))
    solved = _solved(done, put, earlier, ran)
    return _Entries(_entry_frame(put), solved, errors, promoted)


def _entry_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{**dict.fromkeys(ENTRY_SCHEMA), **row} for row in rows], schema=ENTRY_SCHEMA)


def _by_pair(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        for name in ("left_key", "right_key"):
            if row[name]:
                found.setdefault((name, row[name]), []).append(row)
    return found


def _earlier(row: Mapping[str, Any], earlier: Mapping[tuple[str, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    found = {
        entry["id"]: entry
        for name in ("left_key", "right_key")
        if row[name]
        for entry in earlier.get((name, row[name]), ())
    }
    return list(found.values())


def _troubled(done: pl.DataFrame) -> pl.DataFrame:
    failed = pl.any_horizontal(pl.col(f"{side}_error").is_not_null() for side in Side)
    return done.filter(pl.col("asks") | failed)


def _trouble(
    layout: Layout, row: Mapping[str, Any], ran: Sequence[Direction]
) -> Iterable[tuple[Direction, dict[str, Any]]]:
    if row["asks"]:
        kind, message, fields = question(layout, row)
        # A question is about the pair, so it keeps one direction however the run is narrowed.
        yield ran[0], _entry(row, layout.mapping.direction.single[0], kind, message, fields)
    for side in (Side.RIGHT, Side.LEFT):
        if row[f"{side}_error"] is not None:
            kind = row[f"{side}_error_kind"] or EntryKind.FAILED.value
            fault = row[f"{side}_fault"]
            entry = _entry(row, TO[side], EntryKind(kind), row[f"{side}_error"], [fault] if fault else [])
            if kind == EntryKind.BLOCKED:
                entry["blocking"] = _blocking(layout, row, side)
            yield TO[side], entry


def _entry(
    row: Mapping[str, Any], direction: Direction, kind: EntryKind, message: str, fields: Sequence[str]
) -> dict[str, Any]:
    return {
        "left_key": row["left_key"] if row["left_here"] or row["id"] is not None else None,
        "right_key": row["right_key"] if row["right_here"] or row["id"] is not None else None,
        "direction": direction.value,
        "kind": kind.value,
        "message": message,
        "fields": json.dumps(list(fields), ensure_ascii=False),
        "strikes": 1,
        "skipped": False,
        "blocking": None,
        "left_version": row[now(Side.LEFT)],
        "right_version": row[now(Side.RIGHT)],
    }


def _blocking(layout: Layout, row: Mapping[str, Any], side: Side) -> str | None:
    """The record that must be coupled first, as JSON [mapping, side, value, field or null for its key]."""
    letter, source = SHORT[side], SHORT[side.other]
    for line in layout.lines:
        lookup = line.pair.lookup
        n = line.number
        if lookup is None or not line.writes(side) or not row[f"m{letter}{n}"] or not row[f"w{letter}{n}"]:
            continue
        value = pl.select(to_text(pl.lit(row[f"{source}{n}"]), line.field(side.other))).item()
        named = lookup.left if side is Side.RIGHT else lookup.right
        return json.dumps([lookup.mapping, side.other.value, value, named], ensure_ascii=False)
    return None


def _struck(entry: dict[str, Any], earlier: Mapping[tuple[str, str], list[dict[str, Any]]]) -> dict[str, Any]:
    """Counts equal failures; a question never becomes skipped."""
    if EntryKind(entry["kind"]).is_question:
        return entry
    for known in _earlier(entry, earlier):
        if known["direction"] == entry["direction"] and known["message"] == entry["message"]:
            entry["strikes"] = known["strikes"] + 1
    entry["skipped"] = entry["strikes"] >= STRIKES
    return entry


def _solved(
    done: pl.DataFrame,
    put: Sequence[Mapping[str, Any]],
    earlier: Mapping[tuple[str, str], list[dict[str, Any]]],
    ran: Sequence[Direction],
) -> list[int]:
    """Entries about these pairs that no longer hold; what is set aside stays until a person or its cause frees it."""
    if not earlier:
        return []
    again = {(row["left_key"] or "", row["right_key"] or "", row["direction"]) for row in put}
    gone: set[int] = set()
    wanted = ["left_key", "right_key", "left_masked", "right_masked"]
    for row in done.select(wanted).iter_rows(named=True):
        masked = {TO[side].value for side in Side if row[f"{side}_masked"]}
        for entry in _earlier(row, earlier):
            same = (entry["left_key"] or "", entry["right_key"] or "", entry["direction"]) in again
            looked_at = entry["direction"] in ran or EntryKind(entry["kind"]).is_question
            if looked_at and not same and entry["direction"] not in masked:
                gone.add(entry["id"])
    return sorted(gone)


# -- counters ----------------------------------------------------------------------------------------------


def _counters(done: pl.DataFrame, entries: _Entries, ran: Sequence[Direction], *, quiet: bool) -> dict[Direction, dict[str, int]]:
    return {direction: _direction_counters(done, entries, direction, ran, quiet=quiet) for direction in ran}


def _direction_counters(
    done: pl.DataFrame, entries: _Entries, direction: Direction, ran: Sequence[Direction], *, quiet: bool
) -> dict[str, int]:
    target = direction.target
    good = pl.col(f"{target}_done")
    op = pl.col(f"{target}_op")
    failures = pl.col(f"{target}_error").is_not_null()
    counts = done.select(
        (good & (op == "insert")).sum().alias("inserted"),
        (good & (op == "update")).sum().alias("modified"),
        (good & (op == "delete")).sum().alias("deleted"),
        _unchanged(target).sum().alias("unchanged"),
        (pl.col(f"{target}_masked") | (action_is(Action.IGNORE) & pl.col("named") & pl.col(inside(target.other)))).sum().alias("skipped"),
        failures.sum().alias("failed"),
        (pl.col("asks") & (direction is ran[0])).sum().alias("conflicts"),
        (action_is(Action.UNCOUPLE) & pl.col("drop") & _leads(direction, ran)).sum().alias("uncoupled"),
    ).row(0, named=True)
    promoted = entries.promoted[direction]
    counts["failed"] -= promoted
    counts["skipped"] += promoted
    if quiet:
        counts["modified"] = counts["unchanged"] = 0
    return {name: int(count) for name, count in counts.items() if count}


def _unchanged(target: Side) -> pl.Expr:
    """The source has a version that nobody has seen, and nothing was to be written; our own echo is not counted."""
    source = target.other
    stirred = pl.col(f"{source}_version").is_not_null() & (pl.col(now(source)) != pl.col(f"{source}_version"))
    idle = pl.col(f"{target}_op").is_null() & ~pl.col("open")
    return (stirred & idle & pl.col(inside(source)) & ~pl.col("drop")).fill_null(value=False)


def _leads(direction: Direction, ran: Sequence[Direction]) -> pl.Expr:
    """An uncoupling counts in the job whose source vanished; in the only job if there is one."""
    if len(ran) == 1:
        return pl.lit(value=True)
    left_gone = ~pl.col(here(Side.LEFT))
    return left_gone if direction is Direction.TO_RIGHT else ~left_gone
