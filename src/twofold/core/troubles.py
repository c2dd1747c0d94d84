"""Turns open questions and failed writes into entries of the errors list; it must never write them.

An entry is told apart by its pair and its direction. A failure that comes back with the same words is a
strike; a question never is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from twofold.core.classify import SHORT
from twofold.core.frames import ENTRY_SCHEMA
from twofold.core.layout import Layout
from twofold.core.names import TO, Direction, EntryKind, Side
from twofold.core.pairing import now
from twofold.core.questions import question
from twofold.core.values import to_text

STRIKES = 2
"""So many equal failures in one direction set a record aside."""

Entry = dict[str, Any]
"""One entry, by the names of `frames.ENTRY_SCHEMA`."""
Known = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""What the list says already, by the name of a key column and its key."""


@dataclass(frozen=True, slots=True)
class Troubles:
    """What a batch puts on the errors list and takes off it.

    `errors` are the entries with the direction whose job logs them; `promoted` counts, by direction, the
    failures that became skipped.
    """

    frame: pl.DataFrame
    solved: list[int]
    errors: list[tuple[Direction, Entry]]
    promoted: dict[Direction, int]


def list_troubles(
    layout: Layout, done: pl.DataFrame, before: pl.DataFrame, ran: Sequence[Direction]
) -> Troubles:
    """The troubles of a batch with the flags of `outcome`; `before` are the entries about its pairs."""
    known = _by_key(before.to_dicts())
    errors: list[tuple[Direction, Entry]] = []
    promoted = dict.fromkeys(ran, 0)
    for row in done.filter(pl.col("asks") | pl.col("failed")).iter_rows(named=True):
        for direction, entry in _troubles_of(layout, row, ran):
            counted = _struck(entry, known)
            promoted[direction] += int(counted["skipped"])
            errors.append((direction, counted))
    put = [entry for _, entry in errors]
    return Troubles(_framed(put), _solved(done, put, known, ran), errors, promoted)


def _framed(rows: Sequence[Entry]) -> pl.DataFrame:
    return pl.DataFrame([{**dict.fromkeys(ENTRY_SCHEMA), **row} for row in rows], schema=ENTRY_SCHEMA)


def _by_key(rows: Iterable[Entry]) -> Known:
    found: dict[tuple[str, str], list[Entry]] = {}
    for row in rows:
        for name in ("left_key", "right_key"):
            if row[name]:
                found.setdefault((name, row[name]), []).append(row)
    return found


def _known_about(row: Mapping[str, Any], known: Known) -> list[Mapping[str, Any]]:
    """The entries that name either record of a pair, each once."""
    found = {
        entry["id"]: entry
        for name in ("left_key", "right_key")
        if row[name]
        for entry in known.get((name, row[name]), ())
    }
    return list(found.values())


# -- new entries -------------------------------------------------------------------------------------------


def _troubles_of(
    layout: Layout, row: Mapping[str, Any], ran: Sequence[Direction]
) -> Iterator[tuple[Direction, Entry]]:
    if row["asks"]:
        kind, message, fields = question(layout, row)
        # A question is about the pair, so it keeps one direction however the run is narrowed.
        yield ran[0], _entry(row, layout.mapping.direction.single[0], kind, message, fields)
    for side in (Side.RIGHT, Side.LEFT):
        if row[f"{side}_error"] is not None:
            yield TO[side], _failure(layout, row, side)


def _failure(layout: Layout, row: Mapping[str, Any], side: Side) -> Entry:
    kind = EntryKind(row[f"{side}_error_kind"] or EntryKind.FAILED)
    fault = row[f"{side}_fault"]
    entry = _entry(row, TO[side], kind, row[f"{side}_error"], [fault] if fault else [])
    if kind is EntryKind.BLOCKED:
        entry["blocking"] = _blocking(layout, row, side)
    return entry


def _entry(
    row: Mapping[str, Any], direction: Direction, kind: EntryKind, message: str, fields: Sequence[str]
) -> Entry:
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


def _struck(entry: Entry, known: Known) -> Entry:
    """Counts equal failures; a question never becomes skipped."""
    if EntryKind(entry["kind"]).is_question:
        return entry
    for earlier in _known_about(entry, known):
        if earlier["direction"] == entry["direction"] and earlier["message"] == entry["message"]:
            entry["strikes"] = earlier["strikes"] + 1
    entry["skipped"] = entry["strikes"] >= STRIKES
    return entry


# -- solved entries ----------------------------------------------------------------------------------------


def _solved(done: pl.DataFrame, put: Sequence[Entry], known: Known, ran: Sequence[Direction]) -> list[int]:
    """Entries about these pairs that no longer hold; what is set aside stays until somebody frees it."""
    if not known:
        return []
    again = {_identity(entry) for entry in put}
    gone: set[int] = set()
    wanted = ["left_key", "right_key", "left_masked", "right_masked"]
    # A pair that moved under us is read and decided again; until then nothing about it is settled.
    for row in done.filter(~pl.col("moved")).select(wanted).iter_rows(named=True):
        masked = {TO[side].value for side in Side if row[f"{side}_masked"]}
        for entry in _known_about(row, known):
            looked_at = entry["direction"] in ran or EntryKind(entry["kind"]).is_question
            if looked_at and _identity(entry) not in again and entry["direction"] not in masked:
                gone.add(entry["id"])
    return sorted(gone)


def _identity(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["left_key"] or "", entry["right_key"] or "", entry["direction"]
