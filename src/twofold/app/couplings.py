"""Couplings by hand and by match, and uncoupling; it must never couple two records that others hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from twofold.app.context import Context
from twofold.app.runs import Report
from twofold.app.wiring import Silent, Wiring, check_keys
from twofold.core.frames import KEY
from twofold.core.mapping import TableMapping
from twofold.core.matching import Matches
from twofold.core.names import Direction, JobStatus, JobType, Side, UpdateConflict
from twofold.engine import reader
from twofold.engine.matcher import couple as record_matches
from twofold.engine.matcher import match as find_matches
from twofold.engine.matcher import new_couplings
from twofold.engine.run import synchronize
from twofold.engine.scope import named_scope
from twofold.engine.task import PAGE, Options, Task
from twofold.engine.uncoupled import ambiguity
from twofold.errors import Refused, TwofoldError
from twofold.ports import JobError, Progress, Record

Then = Literal["nothing", "send", "get"]


@dataclass(slots=True)
class MatchReport:
    """What came of matching; `ambiguous` maps left keys to right keys, `unmatched` are left keys."""

    report: Report = field(default_factory=Report)
    coupled: list[tuple[str, str]] = field(default_factory=list)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)


def couple(
    context: Context,
    name: str,
    left: str,
    right: str,
    then: Then = "nothing",
    progress: Progress | None = None,
) -> Report:
    """Couple two existing records, and synchronize them at once if `then` says which side wins.

    A left record may be taken from the record it was coupled with, with a remark; a right record may not be
    taken from a left record that still exists. Raises `Refused` where a record does not exist or is held.
    """
    wiring = Wiring(context, progress or Silent())
    mapping = context.mapping(name)
    _check_then(mapping, then)
    task = wiring.task(mapping, Options())
    (left,), (right,) = reader.canonical_keys([left]), reader.canonical_keys([right])
    check_keys(task.ends[Side.LEFT], [left])
    check_keys(task.ends[Side.RIGHT], [right])
    report = Report()
    with context.store.claim(task.name):
        for side, key in ((Side.LEFT, left), (Side.RIGHT, right)):
            _must_exist(task, side, key)
        _write_coupling(task, left, right, report)
    if then != "nothing":
        return _finish_pair(context, wiring, task, left, right, then, report)
    return report


def _check_then(mapping: TableMapping, then: Then) -> None:
    needed = {"send": Direction.TO_RIGHT, "get": Direction.TO_LEFT}.get(then)
    if needed is not None and mapping.direction not in (Direction.BOTH, needed):
        raise Refused(f"{mapping.name} goes {mapping.way} only, so `--then {then}` cannot be done.")


def _must_exist(task: Task, side: Side, key: str) -> None:
    if reader.fetch(task, side, [key]).rows.is_empty():
        own = task.layout.mapping.on(side)
        raise Refused(f"There is no record {key} in {own.table} of {own.connection}. Nothing was coupled.")


def _write_coupling(task: Task, left: str, right: str, report: Report) -> None:
    of_left = task.store.couplings(task.name, Side.LEFT, [left])
    of_right = task.store.couplings(task.name, Side.RIGHT, [right])
    if of_left.height and of_left["right_key"][0] == right:
        report.notes.append(f"{left} and {right} are coupled already; nothing was changed.")
        return
    held = of_right["left_key"][0] if of_right.height else None
    if held is not None and held != left and not reader.fetch(task, Side.LEFT, [held]).rows.is_empty():
        raise Refused(
            f"{right} is coupled with {held}, which still exists. Uncouple them first: "
            f"twofold uncouple {task.name} --right {right}"
        )
    if of_left.height:
        report.notes.append(f"{left} was coupled with {of_left['right_key'][0]}; that coupling is gone.")
    gone = pl.concat([of_left, of_right])["id"].unique().to_list()
    _forget_entries(task, pl.concat([of_left, of_right]))
    task.store.record(task.name, Record(uncouple=gone))
    pair = pl.DataFrame({"left_key": [left], "right_key": [right]})
    task.store.record(task.name, Record(couple=new_couplings(pair), solved=_entry_ids(task, [left], [right])))


def _entry_ids(task: Task, left: Sequence[str], right: Sequence[str]) -> list[int]:
    found: list[int] = task.store.entries(task.name, left, right)["id"].to_list()
    return found


def _forget_entries(task: Task, couplings: pl.DataFrame) -> None:
    keys = [couplings[f"{side}_key"].drop_nulls().to_list() for side in Side]
    ids = _entry_ids(task, *keys)
    if ids:
        task.store.record(task.name, Record(solved=ids))


def _finish_pair(
    context: Context, wiring: Wiring, task: Task, left: str, right: str, then: Then, report: Report
) -> Report:
    wins = UpdateConflict.SEND if then == "send" else UpdateConflict.GET
    direction = Direction.TO_RIGHT if then == "send" else Direction.TO_LEFT
    mapping = task.layout.mapping
    options = Options(left=[left], right=[right], update_conflict=wins, direction=direction)
    run = synchronize(wiring.task(mapping, options))
    report.jobs += [context.store.listing.job(job) for job in run.jobs.values()]
    return report


def create(
    context: Context, name: str, left: Sequence[str], right: Sequence[str], progress: Progress | None = None
) -> Report:
    """Create the counterpart of each named record that has none, whatever Synch. Only Coupled Records says.

    A coupled record whose counterpart was deleted gets a new one; a remark says which are coupled already.
    """
    wiring = Wiring(context, progress or Silent())
    mapping = context.mapping(name)
    report = Report()
    for side, keys in ((Side.LEFT, left), (Side.RIGHT, right)):
        if keys:
            _create_from(wiring, context, mapping.name, side, reader.canonical_keys(keys), report)
    return report


def _create_from(
    wiring: Wiring, context: Context, name: str, side: Side, keys: Sequence[str], report: Report
) -> None:
    mapping = context.mapping(name)
    direction = Direction.TO_RIGHT if side is Side.LEFT else Direction.TO_LEFT
    if mapping.direction not in (Direction.BOTH, direction):
        target = mapping.on(side.other).connection
        raise Refused(f"{name} goes {mapping.way} only: nothing can be created in {target}.")
    task = wiring.task(mapping, _naming(side, keys))
    left, right, notes = named_scope(task)
    report.notes += notes
    wanted = _without_counterpart(task, side, left if side is Side.LEFT else right, report)
    if not wanted:
        return
    policy = replace(task.policy, creates=True, force=direction)
    options = replace(_naming(side, wanted), direction=direction, answers=policy)
    run = synchronize(wiring.task(mapping, options))
    report.jobs += [context.store.listing.job(job) for job in run.jobs.values()]


def _naming(side: Side, keys: Sequence[str]) -> Options:
    return Options(left=keys) if side is Side.LEFT else Options(right=keys)


def _without_counterpart(task: Task, side: Side, keys: Sequence[str], report: Report) -> list[str]:
    couplings = task.store.couplings(task.name, side, keys)
    partners = dict(zip(couplings[f"{side}_key"], couplings[f"{side.other}_key"], strict=True))
    there = set(reader.fetch(task, side.other, [p for p in partners.values() if p]).rows[KEY].to_list())
    found = []
    for key in keys:
        if partners.get(key) in there:
            report.notes.append(f"{key} is coupled already, with {partners[key]}; nothing was created.")
        else:
            found.append(key)
    return found


# -- match -------------------------------------------------------------------------------------------------


def match(
    context: Context,
    name: str,
    *,
    create_unmatched: bool = False,
    synchronize_afterwards: bool = False,
    left: Sequence[str] = (),
    progress: Progress | None = None,
) -> MatchReport:
    """Match-based coupling: couple what belongs together beyond doubt, in a coupling job.

    Records with no match and ambiguous ones count as failed, each with its reason, as in Business Central.
    `create_unmatched` creates the counterpart of those with no match, never of ambiguous ones.
    """
    wiring = Wiring(context, progress or Silent())
    mapping = context.mapping(name)
    if not mapping.match:
        raise Refused(
            f"{mapping.name} has no match fields. Write `match: [[number], [email, name]]` and apply it."
        )
    task = wiring.task(mapping, Options())
    found = MatchReport()
    with context.store.claim(task.name):
        _in_job(context, task, found.report, JobType.COUPLING, lambda job: _match(task, job, left, found))
    if create_unmatched and found.unmatched:
        _extend(found.report, create(context, name, found.unmatched, (), progress))
    if synchronize_afterwards and found.coupled:
        options = Options(left=[pair[0] for pair in found.coupled])
        run = synchronize(wiring.task(mapping, options))
        found.report.jobs += [context.store.listing.job(job) for job in run.jobs.values()]
    return found


def _extend(report: Report, more: Report) -> None:
    report.jobs += more.jobs
    report.notes += more.notes


def _match(task: Task, job: int, left: Sequence[str], found: MatchReport) -> None:
    matches = find_matches(task, set(reader.canonical_keys(left)))
    record_matches(task, matches)
    found.coupled = list(matches.coupled.iter_rows())
    found.ambiguous = dict(matches.ambiguous.iter_rows())
    found.unmatched = matches.unmatched
    errors = list(_reasons(job, matches))
    counters = {"coupled": len(found.coupled), "failed": len(errors)}
    task.store.record(
        task.name, Record(errors=errors, counters={job: {k: v for k, v in counters.items() if v}})
    )


def _reasons(job: int, matches: Matches) -> list[JobError]:
    none = [
        JobError(job, key, None, None, "unmatched", "No uncoupled record matches.")
        for key in matches.unmatched
    ]
    several = [
        JobError(job, key, None, None, "ambiguous", ambiguity(candidates))
        for key, candidates in matches.ambiguous.iter_rows()
    ]
    return none + several


def _in_job(context: Context, task: Task, report: Report, kind: JobType, work: Callable[[int], None]) -> None:
    job = context.store.begin_job(task.name, None, kind)
    status, message = JobStatus.FAILED, "Broke off."
    try:
        work(job)
        status, message = JobStatus.FINISHED, ""
    except TwofoldError as error:
        message = str(error)
        raise
    finally:
        context.store.finish_job(job, status, message)
        report.jobs.append(context.store.listing.job(job))


# -- uncoupling --------------------------------------------------------------------------------------------


def uncouple(
    context: Context,
    name: str,
    left: Sequence[str] = (),
    right: Sequence[str] = (),
    *,
    everything: bool = False,
) -> Report:
    """Remove the couplings of the named records, or all of the mapping; both records stay as they are.

    A named record that is not coupled is ignored. Nothing needs to be read, so a side may be unreachable.
    """
    mapping = context.mapping(name)
    report = Report()
    with context.store.claim(mapping.name):
        job = context.store.begin_job(mapping.name, None, JobType.UNCOUPLING)
        keys = (reader.canonical_keys(left), reader.canonical_keys(right))
        for couplings in _chosen_couplings(context, mapping.name, keys, everything=everything):
            _remove(context, mapping.name, job, couplings)
        context.store.finish_job(job, JobStatus.FINISHED, "")
    report.jobs.append(context.store.listing.job(job))
    return report


def _chosen_couplings(
    context: Context, name: str, keys: tuple[Sequence[str], Sequence[str]], *, everything: bool
) -> list[pl.DataFrame]:
    if everything:
        return list(context.store.pages(name, PAGE))
    left, right = keys
    frames = [
        context.store.couplings(name, Side.LEFT, left),
        context.store.couplings(name, Side.RIGHT, right),
    ]
    return [pl.concat(frames).unique("id", maintain_order=True)]


def _remove(context: Context, name: str, job: int, couplings: pl.DataFrame) -> None:
    if couplings.is_empty():
        return
    keys = [couplings[f"{side}_key"].drop_nulls().to_list() for side in Side]
    solved: list[int] = context.store.entries(name, *keys)["id"].to_list()
    counters: dict[int, dict[str, int]] = {job: {"uncoupled": couplings.height}}
    context.store.record(name, Record(uncouple=couplings["id"].to_list(), solved=solved, counters=counters))
