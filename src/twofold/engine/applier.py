"""Writes what was derived, first reserving the couplings of new records; it must never decide or count.

Columns it adds for each side: `{side}_new_key`, `{side}_new_version`, `{side}_new_settled`, `{side}_done`,
`{side}_error`, `{side}_error_kind`, `{side}_again` (the record moved under us: read and decide again), and
`reserved`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from twofold.core import outcome
from twofold.core.classify import SHORT
from twofold.core.frames import FIELD, KEY, KIND, RESULT_SCHEMA, SETTLED, TEXT, VERSION
from twofold.core.keys import key_column
from twofold.core.layout import source_value
from twofold.core.names import EntryKind, Side
from twofold.core.pairing import now
from twofold.core.situation import Link
from twofold.core.writes import template_values
from twofold.engine.reader import fetch
from twofold.engine.task import Task
from twofold.ports import OpKind, Ops, Record, ResultKind, Results

ROW = "#row"
_KINDS = (OpKind.INSERT, OpKind.UPDATE, OpKind.DELETE)


def apply(task: Task, derived: pl.DataFrame) -> pl.DataFrame:
    """The derived frame with what came of every op. Rows with a problem are not written."""
    derived = derived.with_row_index(ROW)
    for side in Side:
        derived = derived.with_columns(new_keys(task, derived, side).alias(f"{side}_new_key"))
    derived = _reserve(task, derived)
    for side in (Side.RIGHT, Side.LEFT):
        derived = _with_results(derived, side, _written(task, derived, side))
        if task.ends[side].schema.rewrites:
            derived = _read_back(task, derived, side)
    return derived.drop(ROW)


def ready(side: Side) -> pl.Expr:
    """The rows whose op on `side` nothing forbids."""
    return pl.col(f"{side}_op").is_not_null() & pl.col(f"{side}_problem").is_null()


# -- keys and reservations ---------------------------------------------------------------------------------


def new_keys(task: Task, derived: pl.DataFrame, side: Side) -> pl.Series:
    """The key of every record to be inserted on `side`; null where the system makes it or nothing comes.

    A restored record gets its old key back where the system accepts keys: what points to it stays right.
    """
    inserts = ready(side) & (pl.col(f"{side}_op") == "insert")
    source = key_source(task, side)
    if source == "system":
        return pl.Series([None] * derived.height, dtype=pl.String)
    if source == "mapped":
        made = _mapped_keys(task, derived, side)
    else:
        made = pl.Series(task.keys.make(derived.height) if derived.height else [], dtype=pl.String)
    kept = pl.col("#made") if source == "mapped" else pl.coalesce(f"{side}_key", "#made")
    return (
        derived.with_columns(made.alias("#made")).select(pl.when(inserts).then(kept).alias("key")).to_series()
    )


def key_source(task: Task, side: Side) -> str:
    """Who makes the keys of new records on `side`: mapped, system or uuid (design, section 7)."""
    mapping = task.layout.mapping
    if mapping.key_from is not None:
        return mapping.key_from
    if task.layout.writes_key(side):
        return "mapped"
    end = task.ends[side]
    if any(end.schema[name].generated for name in end.table.key):
        return "system"
    return "uuid" if end.capabilities.client_keys else "system"


def _mapped_keys(task: Task, derived: pl.DataFrame, side: Side) -> pl.Series:
    by_name = {line.pair.on(side): line for line in task.layout.lines if line.writes(side)}
    fields = [task.ends[side].schema[name] for name in task.ends[side].table.key]
    letter = SHORT[side]
    parts = derived.select(
        pl.col(f"v{letter}{by_name[field.name].number}").alias(field.name) for field in fields
    )
    return key_column(parts, fields)


def _reserve(task: Task, derived: pl.DataFrame) -> pl.DataFrame:
    """Records pending couplings before anything is inserted, so that no crash can make a second record."""
    wanted = pl.any_horizontal(ready(side) & (pl.col(f"{side}_op") == "insert") for side in Side)
    derived = derived.with_columns(wanted.fill_null(value=False).alias("reserved"))
    inserts = derived.filter("reserved")
    if inserts.is_empty():
        return derived
    couplings = outcome.intended(task.layout, inserts).with_columns(inserts[ROW])
    known = couplings.filter(pl.col("id").is_not_null())
    if known.height:
        task.store.record(task.name, Record(settle=known.drop(ROW)))
    fresh = couplings.filter(pl.col("id").is_null())
    ids = pl.DataFrame(schema={ROW: pl.UInt32(), "#id": pl.Int64()})
    if fresh.height:
        stored = task.store.reserve(task.name, fresh.drop(ROW))
        ids = pl.DataFrame({ROW: fresh[ROW], "#id": stored["id"]})
    joined = derived.join(ids, on=ROW, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("id", "#id").alias("id")).drop("#id")


# -- ops ---------------------------------------------------------------------------------------------------


def _written(task: Task, derived: pl.DataFrame, side: Side) -> pl.DataFrame:
    """One result row per row of `derived` that has an op on `side`, with `#row`."""
    batches = list(_ops(task, derived, side))
    found = []
    for part in _calls(batches, task.ends[side].capabilities.max_ops):
        end = task.ends[side]
        results: Results = end.connector.apply(end.table, [ops for _, ops in part])
        rows = pl.concat([numbers for numbers, _ in part])
        found.append(results.rows.select(list(RESULT_SCHEMA)).with_columns(rows.alias(ROW)))
    empty = pl.DataFrame(schema={**RESULT_SCHEMA, ROW: pl.UInt32()})
    return pl.concat([empty, *found])


Batch = tuple[pl.Series, Ops]


def _calls(batches: Sequence[Batch], size: int) -> Iterator[list[Batch]]:
    """The batches packed into calls of at most `size` rows."""
    call: list[Batch] = []
    room = size
    for rows, ops in batches:
        for start in range(0, len(ops), size):
            piece = (rows.slice(start, size), Ops(ops.kind, ops.rows.slice(start, size), ops.versioned_by))
            if len(piece[1]) > room and call:
                yield call
                call, room = [], size
            call.append(piece)
            room -= len(piece[1])
    if call:
        yield call


def _ops(task: Task, derived: pl.DataFrame, side: Side) -> Iterator[Batch]:
    active = derived.filter(ready(side))
    for kind in _KINDS:
        of_kind = active.filter(pl.col(f"{side}_op") == kind.value)
        if of_kind.is_empty():
            continue
        for group in _shapes(task, of_kind, side, kind):
            yield group[ROW], _ops_of(task, group, side, kind)


def _shapes(task: Task, rows: pl.DataFrame, side: Side, kind: OpKind) -> list[pl.DataFrame]:
    """The rows in groups that write the same fields."""
    if kind is OpKind.DELETE:
        return [rows]
    letter = SHORT[side]
    flags = [f"w{letter}{line.number}" for line in task.layout.lines if line.writes(side)]
    by = [*flags, f"{side}_template"] if kind is OpKind.INSERT else flags
    return rows.partition_by(by, maintain_order=True)


def _ops_of(task: Task, group: pl.DataFrame, side: Side, kind: OpKind) -> Ops:
    letter = SHORT[side]
    columns: dict[str, pl.Expr] = {}
    if kind is not OpKind.DELETE:
        for line in task.layout.lines:
            if line.writes(side) and group[f"w{letter}{line.number}"][0]:
                field = line.field(side)
                columns[field.name] = pl.col(f"v{letter}{line.number}").alias(field.name)
    template = group[f"{side}_template"][0] if kind is OpKind.INSERT else None
    if template is not None:
        chosen = task.layout.mapping.templates.on(side)[template]
        columns |= {expr.meta.output_name(): expr for expr in template_values(task.layout, chosen, side)}
    key = pl.col(f"{side}_new_key") if kind is OpKind.INSERT else pl.col(f"{side}_key")
    insists = kind is not OpKind.INSERT and task.optimistic and task.ends[side].capabilities.optimistic_lock
    version = pl.col(now(side)) if insists else pl.lit(None, dtype=pl.String)
    rows = group.select(key.alias(KEY), version.alias(VERSION), *columns.values())
    return Ops(kind, rows, task.read(side))


# -- results -----------------------------------------------------------------------------------------------

_AGAIN = (ResultKind.STALE, ResultKind.GONE)


def _with_results(derived: pl.DataFrame, side: Side, results: pl.DataFrame) -> pl.DataFrame:
    renamed = results.rename({name: f"#r{name}" for name in RESULT_SCHEMA})
    joined = derived.join(renamed, on=ROW, how="left", maintain_order="left")
    asked = ready(side)
    kind = pl.col(f"#r{KIND}")
    pending = pl.col("state").is_in([Link.PENDING_LEFT.value, Link.PENDING_RIGHT.value])
    again = kind.is_in([k.value for k in _AGAIN]) | ((kind == ResultKind.EXISTS.value) & pending)
    problem = pl.when(pl.col(f"{side}_op").is_not_null()).then(pl.col(f"{side}_problem"))
    blocked = pl.when(pl.col(f"{side}_blocked")).then(pl.lit(EntryKind.BLOCKED.value))
    doubt = pl.when(kind == ResultKind.IN_DOUBT.value).then(pl.lit(EntryKind.IN_DOUBT.value))
    named = pl.when(asked & kind.is_not_null()).then(pl.col(f"#r{FIELD}"))
    return joined.with_columns(
        (asked & kind.is_null()).alias(f"{side}_done"),
        pl.coalesce(pl.when(asked & kind.is_null()).then(pl.col(f"#r{KEY}")), f"{side}_new_key").alias(
            f"{side}_new_key"
        ),
        pl.col(f"#r{VERSION}").alias(f"{side}_new_version"),
        pl.col(f"#r{SETTLED}").alias(f"{side}_new_settled"),
        pl.coalesce(problem, pl.col(f"#r{TEXT}"), pl.when(kind.is_not_null()).then(kind)).alias(
            f"{side}_error"
        ),
        pl.coalesce(pl.when(problem.is_not_null()).then(blocked), doubt).alias(f"{side}_error_kind"),
        pl.coalesce(f"{side}_fault", named).alias(f"{side}_fault"),
        again.fill_null(value=False).alias(f"{side}_again"),
    ).drop([f"#r{name}" for name in RESULT_SCHEMA])


def _read_back(task: Task, derived: pl.DataFrame, side: Side) -> pl.DataFrame:
    """What really stands on a side that changes what is written; its version stays open for other fields."""
    wrote = derived.filter(pl.col(f"{side}_done") & (pl.col(f"{side}_op") != "delete"))
    if wrote.is_empty():
        return derived
    keys = pl.coalesce(f"{side}_new_key", f"{side}_key")
    letter = SHORT[side]
    lines = [line for line in task.layout.lines if line.writes(side)]
    found = fetch(task, side, wrote.select(keys.alias("key")).to_series().to_list()).rows
    fresh = found.select(
        pl.col(KEY).alias("#back"), *(source_value(line, side).alias(f"#b{line.number}") for line in lines)
    )
    joined = derived.with_columns(keys.alias("#back")).join(
        fresh, on="#back", how="left", maintain_order="left"
    )
    known = pl.col("#back").is_in(fresh["#back"].to_list()) & pl.col(f"{side}_done")
    values = [
        pl.when(known)
        .then(pl.col(f"#b{line.number}"))
        .otherwise(pl.col(f"v{letter}{line.number}"))
        .alias(f"v{letter}{line.number}")
        for line in lines
    ]
    version = pl.when(~known).then(pl.col(f"{side}_new_version")).alias(f"{side}_new_version")
    return joined.with_columns(*values, version).drop("#back", *(f"#b{line.number}" for line in lines))
