"""Reads both sides and joins them into complete pairs; it must never decide or write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from twofold.core.frames import KEY
from twofold.core.names import FeedKind, Side
from twofold.core.pairing import deduplicate, empty_rows, new_keys, pair, side_rows
from twofold.engine.task import Task
from twofold.ports import Bookmark, ChangePage, Unreadable, chunks, no_couplings


@dataclass(slots=True)
class Read:
    """Rows of one side as read, and what could not be read."""

    rows: pl.DataFrame
    unreadable: list[Unreadable]


@dataclass(slots=True)
class FeedPage:
    """The rows of one page that are worth a look, and their couplings.

    `deleted` are keys that were reported, `fresh` is how many rows are not coupled.
    """

    side: Side
    read: Read
    deleted: tuple[str, ...]
    cursor: str
    count: int | None
    couplings: pl.DataFrame
    fresh: int


def fetch(task: Task, side: Side, keys: Sequence[str]) -> Read:
    """The records with these keys, whatever the filter says."""
    end = task.ends[side]
    fields = task.read(side)
    rows = [empty_rows(fields, end.schema)]
    unreadable: list[Unreadable] = []
    for part in chunks(list(dict.fromkeys(keys)), end.capabilities.max_keys):
        found = end.connector.fetch(end.table, fields, part)
        rows.append(found.rows.select(rows[0].columns))
        unreadable += found.unreadable
    return _clean(Read(pl.concat(rows), unreadable))


def _clean(read: Read) -> Read:
    rows, claimed = deduplicate(read.rows)
    unreadable = [Unreadable(key, KEY, _claimed_sentence(key)) for key in claimed]
    return Read(rows, [*read.unreadable, *unreadable])


def _claimed_sentence(key: str) -> str:
    return (
        f"Several records have the key {key}; a key must name one record. Choose another `key` for this side."
    )


def feed(task: Task, side: Side, start: Start, *, creates: bool) -> Iterator[FeedPage]:
    """The pages of what changed on `side`; rows of a remembered version only if `start` is thorough."""
    end = task.ends[side]
    sparing = start.since is not None and end.capabilities.overlapping and not start.thorough
    fields = () if sparing else task.read(side)
    for page in end.connector.changes(end.table, fields, task.layout.filters[side], start.since):
        yield _looked_over(task, side, page, sparing=sparing, thorough=start.thorough, creates=creates)


def _looked_over(
    task: Task, side: Side, page: ChangePage, *, sparing: bool, thorough: bool, creates: bool
) -> FeedPage:
    read = _clean(Read(page.rows, list(page.unreadable)))
    couplings = task.store.couplings(task.name, side, read.rows[KEY].to_list())
    rows = new_keys(read.rows, couplings, side, thorough=thorough)
    fresh = rows.filter(pl.col("#known").is_null()).height
    if not creates:
        rows = rows.filter(pl.col("#known"))
    rows = rows.drop("#known")
    if sparing:
        values = fetch(task, side, rows[KEY].to_list())
        rows, read.unreadable = values.rows, read.unreadable + values.unreadable
    couplings = couplings.join(rows, left_on=f"{side}_key", right_on=KEY, how="semi")
    return FeedPage(
        side, Read(rows, read.unreadable), page.deleted, page.cursor, page.count, couplings, fresh
    )


def pairs_of_rows(
    task: Task, side: Side, rows: pl.DataFrame, couplings: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, list[Unreadable]]:
    """The pairs of rows of one side: their couplings (asked for unless given) and the counterparts."""
    if couplings is None:
        couplings = task.store.couplings(task.name, side, rows[KEY].to_list())
    other = fetch(task, side.other, couplings[f"{side.other}_key"].drop_nulls().to_list())
    unread = {problem.key for problem in other.unreadable}
    if unread:
        couplings, rows = _without(couplings, rows, side, unread)
    return _paired(task, couplings, {side: rows, side.other: other.rows}), other.unreadable


def _without(
    couplings: pl.DataFrame, rows: pl.DataFrame, side: Side, unread: set[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leaves out pairs whose counterpart exists but cannot be read: that is not the same as absent."""
    bad = couplings.filter(pl.col(f"{side.other}_key").is_in(list(unread)))
    return (
        couplings.join(bad, on="id", how="anti"),
        rows.join(bad, left_on=KEY, right_on=f"{side}_key", how="anti"),
    )


def pairs_of_couplings(
    task: Task, couplings: pl.DataFrame
) -> tuple[pl.DataFrame, dict[Side, list[Unreadable]]]:
    """The pairs of couplings, with both sides read."""
    reads = {side: fetch(task, side, couplings[f"{side}_key"].drop_nulls().to_list()) for side in Side}
    for side in Side:
        unread = [problem.key for problem in reads[side].unreadable]
        if unread:
            couplings = couplings.filter(~pl.col(f"{side}_key").is_in(unread).fill_null(value=False))
    problems = {side: read.unreadable for side, read in reads.items()}
    # Whose counterpart cannot be read is still coupled: alone, it would look like a new record.
    rows = {
        side: read.rows.join(couplings, left_on=KEY, right_on=f"{side}_key", how="semi")
        for side, read in reads.items()
    }
    return _paired(task, couplings, rows), problems


def uncoupled_pairs(task: Task, side: Side, rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of rows of one side that have no coupling."""
    none = empty_rows(task.read(side.other), task.ends[side.other].schema)
    return _paired(task, no_couplings(), {side: rows, side.other: none})


def _paired(task: Task, couplings: pl.DataFrame, rows: dict[Side, pl.DataFrame]) -> pl.DataFrame:
    marked = {
        side: side_rows(rows[side], side, task.layout.schema(side), task.layout.filters[side])
        for side in Side
    }
    return pair(couplings, marked[Side.LEFT], marked[Side.RIGHT])


def sweep_pages(task: Task, side: Side) -> Iterator[ChangePage]:
    """The key sweep: keys and versions of every record in the filter of `side`, page by page."""
    end = task.ends[side]
    yield from end.connector.changes(end.table, (), task.layout.filters[side], None)


def keys_of(page: ChangePage) -> pl.Series:
    """The keys of a page, also of the records that cannot be read."""
    unread = [problem.key for problem in page.unreadable]
    keys = page.rows[KEY]
    return pl.concat([keys, pl.Series(KEY, unread, dtype=pl.String)]) if unread else keys


def keys_on(task: Task, side: Side) -> Iterator[tuple[pl.Series, int | None]]:
    """The keys of every record in the filter of `side`, page by page, with the count, if known."""
    return ((keys_of(page), page.count) for page in sweep_pages(task, side))


def unseen(task: Task, side: Side, rows: pl.DataFrame) -> list[str]:
    """The keys of swept records that are worth a look; a snapshot's feed has brought them all already."""
    if task.ends[side].capabilities.feed is FeedKind.SNAPSHOT:
        return []
    couplings = task.store.couplings(task.name, side, rows[KEY].to_list())
    rows = new_keys(rows, couplings, side)
    wanted = rows if task.policy.creates else rows.filter(pl.col("#known"))
    found: list[str] = wanted[KEY].to_list()
    return found


def count_on(task: Task, side: Side) -> int | None:
    """How many records are in the filter of `side`, where the source tells it cheaply."""
    for _, count in keys_on(task, side):
        return count
    return None


@dataclass(frozen=True, slots=True)
class Start:
    """Where a feed begins: after the cursor `since`, or with everything.

    `whole`: it covers every record, even if it goes on inside an interrupted feed. `thorough`: records that
    nobody touched are judged anew: a person asked for that, or the mapping is not what it was.
    """

    since: str | None
    whole: bool
    thorough: bool = False


WHOLE = " whole"
"""Ends the signature of a bookmark inside a feed that covers every record."""


def where_to_start(task: Task, bookmark: Bookmark | None, signature: str) -> Start:
    """Where the feed of one side begins.

    A bookmark of another signature is worth nothing; so is one that passed over uncoupled records, once they
    are wanted. An interrupted feed goes on where it stopped; a full run goes on only inside a whole one.
    """
    if bookmark is None:
        return Start(None, whole=True, thorough=task.options.full)
    whole = not bookmark.complete and bookmark.signature == signature + WHOLE
    known = whole or bookmark.signature == signature
    wanted = bookmark.wide or not task.policy.creates
    if known and wanted and (whole or not task.options.full):
        return Start(bookmark.cursor, whole, thorough=whole)
    return Start(None, whole=True, thorough=task.options.full or not known)


def canonical_keys(keys: Sequence[str]) -> list[str]:
    """Keys as a person typed them, composite ones in the spacing that Twofold uses."""
    return [_canonical(key) for key in keys]


def _canonical(key: str) -> str:
    if not key.startswith("["):
        return key
    try:
        return json.dumps(json.loads(key), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        return key
