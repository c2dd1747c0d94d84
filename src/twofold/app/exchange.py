"""Couplings in and out as files, for taking over an installation; it must never couple what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from twofold.app.context import Context
from twofold.app.wiring import Silent, Wiring
from twofold.core.frames import KEY
from twofold.core.names import JobStatus, JobType, Side
from twofold.engine import reader
from twofold.engine.matcher import new_couplings
from twofold.engine.task import PAGE, Options, Task
from twofold.errors import Refused
from twofold.ports import JobError, Progress, Record

COLUMNS = ("left_key", "right_key")
SHOWN = 20
"""So many misfits are named in a message; all of them are in the report."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line of the file that cannot become a coupling, and why; lines count from 1 without the heading."""

    line: int
    left_key: str | None
    right_key: str | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Exchange:
    """What an import found and did."""

    lines: int = 0
    coupled: int = 0
    already: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)


def export_couplings(context: Context, name: str, path: Path) -> int:
    """Write the couplings of a mapping to a CSV or Parquet file, by its ending; how many they are."""
    mapping = context.mapping(name)
    writes_parquet = _is_parquet(path)
    unfinished = path.with_name(path.name + ".part")
    try:
        pages = (page.select(*COLUMNS, "state") for page in context.store.pages(mapping.name, PAGE))
        count = _write_parquet(pages, unfinished) if writes_parquet else _write_csv(pages, unfinished)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise Refused(
            f"{path} cannot be written: {error.strerror or error}. Nothing was exported."
        ) from error
    return count


_EMPTY = pl.DataFrame(schema={"left_key": pl.String(), "right_key": pl.String(), "state": pl.String()})


def _write_csv(pages: Iterable[pl.DataFrame], path: Path) -> int:
    count = 0
    with path.open("wb") as file:
        _EMPTY.write_csv(file)
        for page in pages:
            page.write_csv(file, include_header=False)
            count += page.height
    return count


def _write_parquet(pages: Iterable[pl.DataFrame], path: Path) -> int:
    frame = pl.concat([_EMPTY, *pages])
    frame.write_parquet(path)
    return frame.height


def _is_parquet(path: Path) -> bool:
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise Refused(f"{path.name}: name a file that ends in .csv or .parquet.")
    return path.suffix.lower() == ".parquet"


def import_couplings(
    context: Context, name: str, path: Path, *, partial: bool = False, progress: Progress | None = None
) -> Exchange:
    """Couple the pairs that a CSV or Parquet file names by `left_key` and `right_key`.

    All is checked first. Where something does not fit, nothing is coupled, unless `partial` couples the
    rest. Such pairs were never synchronized: the next run adopts equal values and asks about others.
    """
    task = Wiring(context, progress or Silent()).task(context.mapping(name), Options())
    pairs = _read(path)
    found = Exchange(lines=pairs.height)
    with context.store.claim(task.name):
        fitting = _checked(task, pairs, found)
        if fitting.height and (partial or not found.misfits):
            _couple(context, task, fitting, found)
    return found


def _read(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path) if _is_parquet(path) else pl.read_csv(path, infer_schema=False)
    except FileNotFoundError:
        raise Refused(f"There is no file {path}.") from None
    except (PolarsError, OSError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise Refused(f"{path} cannot be read as {path.suffix[1:].upper()}: {first}") from error
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise Refused(f"{path} has no column {' and '.join(missing)}. It needs left_key and right_key.")
    keys = frame.select(pl.col(column).cast(pl.String).str.strip_chars() for column in COLUMNS)
    canonical = [pl.Series(c, reader.canonical_keys(keys[c].fill_null("").to_list())) for c in COLUMNS]
    return pl.DataFrame(canonical).with_row_index("line", offset=1)


# -- checks ------------------------------------------------------------------------------------------------


def _checked(task: Task, pairs: pl.DataFrame, found: Exchange) -> pl.DataFrame:
    """The pairs that fit; every other line goes to the report with its reason."""
    pairs = _refuse_lines(
        pairs, (pl.col("left_key") == "") | (pl.col("right_key") == ""), "a key is blank", found
    )
    for column in COLUMNS:
        twice = pl.len().over(column) > 1
        pairs = _refuse_lines(pairs, twice, f"the {column.replace('_', ' ')} stands on several lines", found)
    for side in Side:
        name = task.layout.mapping.on(side).connection
        there = _existing(task, side, pairs[f"{side}_key"].to_list())
        pairs = _refuse_lines(pairs, ~pl.col(f"{side}_key").is_in(there), f"{name} has no such record", found)
    return _without_coupled(task, pairs, found)


def _refuse_lines(pairs: pl.DataFrame, wrong: pl.Expr, reason: str, found: Exchange) -> pl.DataFrame:
    marked = pairs.with_columns(wrong.alias("#wrong"))
    found.misfits += [
        Misfit(row["line"], row["left_key"] or None, row["right_key"] or None, reason)
        for row in marked.filter("#wrong").iter_rows(named=True)
    ]
    return marked.filter(~pl.col("#wrong")).drop("#wrong")


def _existing(task: Task, side: Side, keys: Sequence[str]) -> list[str]:
    """The keys that exist, in the filter or not: a record that left the filter may stay coupled."""
    end = task.ends[side]
    size = min(PAGE, end.capabilities.max_keys)
    there: list[str] = []
    for start in range(0, len(keys), size):
        there += reader.fetch(task, side, keys[start : start + size]).rows[KEY].to_list()
    return there


def _without_coupled(task: Task, pairs: pl.DataFrame, found: Exchange) -> pl.DataFrame:
    for side in Side:
        known = pl.concat(list(_couplings(task, side, pairs)))
        other = f"{side.other}_key"
        held = known.select(pl.col(f"{side}_key"), pl.col(other).alias("#held"))
        joined = pairs.join(held, on=f"{side}_key", how="left", maintain_order="left")
        same = (pl.col("#held") == pl.col(other)).fill_null(value=False)
        if side is Side.LEFT:
            found.already += joined.filter(same).height
        elsewhere = pl.col("#held").is_not_null() & ~same
        name = task.layout.mapping.on(side).connection
        joined = _refuse_lines(joined, elsewhere, f"the record in {name} is coupled with another one", found)
        pairs = joined.filter(~same).drop("#held") if side is Side.LEFT else joined.drop("#held")
    return pairs


def _couplings(task: Task, side: Side, pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    keys = pairs[f"{side}_key"].to_list()
    yield task.store.couplings(task.name, side, keys[:PAGE])
    for start in range(PAGE, len(keys), PAGE):
        yield task.store.couplings(task.name, side, keys[start : start + PAGE])


def _couple(context: Context, task: Task, pairs: pl.DataFrame, found: Exchange) -> None:
    job = context.store.begin_job(task.name, None, JobType.COUPLING)
    status, message = JobStatus.FAILED, "Broke off."
    try:
        for start in range(0, pairs.height, PAGE):
            part = pairs.slice(start, PAGE)
            couplings = new_couplings(part.select(COLUMNS))
            context.store.record(
                task.name, Record(couple=couplings, counters={job: {"coupled": part.height}})
            )
            found.coupled += part.height
        _log_misfits(context, task, job, found)
        status, message = JobStatus.FINISHED, "Imported."
    finally:
        context.store.finish_job(job, status, message)
        found.jobs.append(context.store.listing.job(job))


def _log_misfits(context: Context, task: Task, job: int, found: Exchange) -> None:
    errors = [JobError(job, m.left_key, m.right_key, None, "misfit", m.reason) for m in found.misfits]
    if errors:
        context.store.record(task.name, Record(errors=errors, counters={job: {"failed": len(errors)}}))
