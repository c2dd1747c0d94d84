"""Turns what was planned and what came of it into couplings, entries and counters; it must never write them.

The invariant it keeps: a coupling's base names a state that both sides really had together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from twofold.core.classify import SHORT, action_is
from twofold.core.decide import ASKS, Action
from twofold.core.digest import digest, pack, text_digest, unpack
from twofold.core.frames import COUPLING_SCHEMA
from twofold.core.layout import Layout, Line
from twofold.core.names import Direction, EntryKind, Side
from twofold.core.pairing import here, now, settled
from twofold.core.situation import Link
from twofold.core.tallies import count
from twofold.core.troubles import STRIKES, list_troubles

_NULL = pl.lit(text_digest(None), dtype=pl.UInt64)


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
    """The couplings to reserve before rows are inserted: keys, and the base as it will be if all goes well.

    `inserts` is a frame of `writes.derive` with `{side}_new_key`, null where the system makes the key.
    """
    hopeful = inserts.with_columns(*(_is_op(side, "insert").alias(f"{side}_done") for side in Side))
    to_right = pl.col("right_op") == "insert"
    key = pl.when(to_right).then(pl.col("right_new_key")).otherwise(pl.col("left_new_key"))
    pending = pl.when(to_right).then(_text(Link.PENDING_RIGHT)).otherwise(_text(Link.PENDING_LEFT))
    return hopeful.select(
        "id",
        pl.when(to_right).then(pl.col("left_key")).otherwise(pl.col("left_new_key")).alias("left_key"),
        pl.when(to_right).then(pl.col("right_new_key")).otherwise(pl.col("right_key")).alias("right_key"),
        pl.when(key.is_null()).then(_text(Link.IN_DOUBT)).otherwise(pending).alias("state"),
        pl.lit(None, dtype=pl.String).alias("left_version"),
        pl.lit(None, dtype=pl.String).alias("right_version"),
        *(_base(layout, hopeful, side).alias(f"{side}_base") for side in Side),
    )


def conclude(
    layout: Layout, done: pl.DataFrame, before: pl.DataFrame, ran: Sequence[Direction], *, quiet: bool
) -> Outcome:
    """The outcome of a batch.

    `done` is the frame of `writes.derive` with, for each side, `{side}_done`, `{side}_new_key`,
    `{side}_new_version`, `{side}_new_settled`, `{side}_error`, `{side}_error_kind`, `{side}_fault`. `before`
    are the entries about these pairs. `ran` are the directions of the run. `quiet`: a second pass, whose
    writes were counted as inserts already.
    """
    done = _with_flags(done)
    troubles = list_troubles(layout, done, before, ran)
    return Outcome(
        settle=_settled_couplings(layout, done),
        uncouple=_dropped(done),
        entries=troubles.frame,
        solved=troubles.solved,
        errors=troubles.errors,
        counters=count(done, troubles.promoted, ran, quiet=quiet),
    )


def _text(link: Link) -> pl.Expr:
    return pl.lit(link.value)


def _is_op(side: Side, op: str) -> pl.Expr:
    return (pl.col(f"{side}_op") == op).fill_null(value=False)


def _with_flags(done: pl.DataFrame) -> pl.DataFrame:
    asks = action_is(*ASKS)
    failed = pl.any_horizontal(pl.col(f"{side}_error").is_not_null() for side in Side)
    masked = pl.any_horizontal(pl.col(f"{side}_masked") for side in Side)
    doubtful = pl.any_horizontal(
        (pl.col(f"{side}_error_kind") == EntryKind.IN_DOUBT.value).fill_null(value=False) for side in Side
    )
    return done.with_columns(
        asks.alias("asks"),
        failed.alias("failed"),
        _moved(done).alias("moved"),
        (asks | failed | masked | _moved(done)).alias("open"),
        *(_owes(done, side).alias(f"{side}_owes") for side in Side),
        doubtful.alias("doubtful"),
        _drop(doubtful).alias("drop"),
    )


def _moved(done: pl.DataFrame) -> pl.Expr:
    """Whether the pair moved under us: it is read again in this run, or, after a crash, in the next one."""
    flags = [pl.col(f"{side}_again") for side in Side if f"{side}_again" in done.columns]
    return pl.any_horizontal(flags) if flags else pl.lit(value=False)


def _owes(done: pl.DataFrame, side: Side) -> pl.Expr:
    """Whether a value of `side` should have gone to the other side and did not: it is still to be seen."""
    beginning = f"w{SHORT[side.other]}"
    lines = [name for name in done.columns if name.startswith(beginning) and name[2:].isdigit()]
    wanted = pl.any_horizontal(lines) if lines else pl.lit(value=False)
    return wanted.fill_null(value=False) & ~pl.col(f"{side.other}_done")


def _drop(doubtful: pl.Expr) -> pl.Expr:
    """Whether the coupling goes: uncoupled, deleted, or reserved for a new record that was not inserted."""
    deleted = pl.any_horizontal(_is_op(side, "delete") & pl.col(f"{side}_done") for side in Side)
    missed = pl.any_horizontal(_is_op(side, "insert") & ~pl.col(f"{side}_done") for side in Side)
    new = (pl.col("state") == Link.NONE.value) & pl.col("reserved")
    return action_is(Action.UNCOUPLE) | deleted | (new & missed & ~doubtful)


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
    inserted = pl.any_horizontal(_is_op(side, "insert") & pl.col(f"{side}_done") for side in Side)
    doubtful = pl.col("state") == Link.IN_DOUBT.value
    coupled = (both & ~doubtful) | inserted
    return pl.when(coupled).then(_text(Link.COUPLED)).otherwise(pl.col("state")).alias("#state")


def _base(layout: Layout, linked: pl.DataFrame, side: Side) -> pl.Series:
    by_slot = {line.slot: line for line in layout.lines}
    columns = [
        linked.select(_word(by_slot.get(slot), slot, side).alias("w")).to_series()
        for slot in range(layout.width)
    ]
    return pack(columns, layout.width).alias(f"#{side}_base")


def _word(line: Line | None, slot: int, side: Side) -> pl.Expr:
    """The digest to remember for one line: of what both sides really had together, else what was known."""
    word = unpack(pl.col(f"{side}_base"), slot)
    for condition, digest_then in reversed(_cases(line, side) if line is not None else []):
        word = pl.when(condition).then(digest_then).otherwise(word)
    return word


def _cases(line: Line, side: Side) -> list[tuple[pl.Expr, pl.Expr]]:
    """When to remember what for one line; the first that holds counts, what we wrote before what we found."""
    cases = [case for target in Side for case in _cases_written(line, side, target)]
    agree = pl.col(here(Side.LEFT)) & pl.col(here(Side.RIGHT)) & pl.col(f"e{line.number}")
    return [*cases, (agree, pl.col(f"d{SHORT[side]}{line.number}"))]


def _cases_written(line: Line, side: Side, target: Side) -> list[tuple[pl.Expr, pl.Expr]]:
    """The cases in which this batch wrote to `target`."""
    n, letter = line.number, SHORT[target]
    done = pl.col(f"{target}_done") & ~_is_op(target, "delete")
    inserted = done & _is_op(target, "insert")
    if not line.writes(target):
        # The new record is the source of this line and has nothing in it: what its maker has there is drift,
        # which only a full run corrects.
        return [(inserted, _NULL)]
    source = pl.col(f"d{SHORT[target.other]}{n}")
    written = digest(pl.col(f"v{letter}{n}"), line.field(target).dtype)
    # A deferred lookup is remembered as blank on both sides, so that its value still counts as an edit.
    at_source = pl.when(pl.col(f"m{letter}{n}")).then(_NULL).otherwise(source)
    wrote = done & pl.col(f"w{letter}{n}")
    if side is target:
        return [(wrote, written), (inserted, _NULL)]
    return [(wrote, source), (inserted, at_source)]


def _version(side: Side) -> pl.Expr:
    """The version to remember: of what was synchronized, never of what was merely seen."""
    whole = pl.col(f"{side}_new_settled").fill_null(value=True) & ~pl.col(f"{side}_partial")
    fresh = pl.when(whole).then(pl.col(f"{side}_new_version"))
    seen = pl.when(pl.col(settled(side)).fill_null(value=True)).then(pl.col(now(side)))
    wrote = pl.col(f"{side}_done") & pl.col(f"{side}_op").is_not_null()
    owes = pl.col(f"{side}_owes")
    clean = ~pl.col("open") & pl.col(here(side)) & ~owes
    known = pl.when(wrote & ~owes).then(fresh).when(wrote).then(None).when(clean).then(seen)
    return known.otherwise(pl.col(f"{side}_version")).alias(f"#{side}_version")


def _dropped(done: pl.DataFrame) -> list[int]:
    ids: list[int] = done.filter(pl.col("drop") & pl.col("id").is_not_null())["id"].to_list()
    return ids


__all__ = ["STRIKES", "Outcome", "conclude", "intended"]
