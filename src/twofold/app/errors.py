"""The actions of the Coupled Data Synchronization Errors page; it must never answer for the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from twofold.app.context import Context
from twofold.app.couplings import uncouple
from twofold.app.runs import Report
from twofold.app.wiring import Silent, Wiring
from twofold.core.decide import Policy
from twofold.core.mapping import TableMapping
from twofold.core.names import DeletionConflict, Direction, Side, UpdateConflict
from twofold.engine import reader
from twofold.engine.entries import couplings_of_keys
from twofold.engine.run import synchronize
from twofold.engine.task import Options, Task
from twofold.errors import Refused
from twofold.ports import Progress

Answer = Literal["send", "get", "merge", "restore", "delete", "uncouple", "skip"]
ANSWERS: tuple[Answer, ...] = ("send", "get", "merge", "restore", "delete", "uncouple", "skip")

_UPDATES = {"send": UpdateConflict.SEND, "get": UpdateConflict.GET, "merge": UpdateConflict.MERGE}
_DELETIONS = {"restore": DeletionConflict.RESTORE, "delete": DeletionConflict.DELETE}


def retry(
    context: Context,
    name: str,
    left: Sequence[str] = (),
    right: Sequence[str] = (),
    *,
    everything: bool = False,
) -> int:
    """Clear the mark of records that were set aside, so that the next `sync` tries them; how many changed."""
    mapping = context.mapping(name)
    if not (left or right or everything):
        raise Refused("Say which records to retry: --left KEY, --right KEY, or --all.")
    keys = (reader.canonical_keys(left), reader.canonical_keys(right))
    return context.store.release(mapping.name, *keys, everything=everything)


def resolve(
    context: Context,
    name: str,
    answer: Answer,
    left: Sequence[str] = (),
    right: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Carry out a person's answer about the named records, at once.

    Raises `Refused` where the answer does not fit: nothing is coupled under that key, nothing was deleted, or
    the mapping does not write the side that would have to change.
    """
    mapping = context.mapping(name)
    keys = {Side.LEFT: reader.canonical_keys(left), Side.RIGHT: reader.canonical_keys(right)}
    if not any(keys.values()):
        raise Refused("Say which record this is about: --left KEY or --right KEY.")
    if answer == "skip":
        return _skipped(context, mapping, keys[Side.LEFT], keys[Side.RIGHT])
    if answer == "uncouple":
        return uncouple(context, mapping.name, keys[Side.LEFT], keys[Side.RIGHT])
    wiring = Wiring(context, progress or Silent())
    task = wiring.task(mapping, Options(left=keys[Side.LEFT], right=keys[Side.RIGHT]))
    _check_answer(task, answer)
    context.store.release(mapping.name, keys[Side.LEFT], keys[Side.RIGHT])
    options = replace(task.options, answers=_policy(task, answer))
    run = synchronize(wiring.task(mapping, options))
    return Report(jobs=[context.store.listing.job(job) for job in run.jobs.values()])


def _skipped(context: Context, mapping: TableMapping, left: Sequence[str], right: Sequence[str]) -> Report:
    found = context.store.skip(mapping.name, left, right)
    if not found:
        raise Refused(f"{mapping.name}: nothing about these records is on the errors list.")
    return Report(notes=[f"Set aside until `twofold retry {mapping.name}`: {found}."])


def _policy(task: Task, answer: Answer) -> Policy:
    if answer in _UPDATES:
        return replace(task.policy, update_conflict=_UPDATES[answer])
    return replace(task.policy, deletion_conflict=_DELETIONS[answer], insists=True)


def _check_answer(task: Task, answer: Answer) -> None:
    mapping = task.layout.mapping
    couplings = couplings_of_keys(task, task.options.left, task.options.right)
    if couplings.is_empty():
        named = ", ".join([*task.options.left, *task.options.right])
        raise Refused(f"{task.name}: {named} is not coupled. See `twofold couplings {task.name}`.")
    needed = {"send": Direction.TO_RIGHT, "get": Direction.TO_LEFT}.get(answer)
    if needed is not None and mapping.direction not in (Direction.BOTH, needed):
        raise Refused(f"{task.name} goes {mapping.way} only, so nothing can be done with `{answer}`.")
    for side in Side:
        gone = _gone(task, side, couplings[f"{side}_key"].drop_nulls().to_list())
        if answer in ("restore", "delete") and gone:
            _check_deletion(task, side, answer)
        elif answer in ("send", "get", "merge") and gone:
            lost = mapping.on(side).connection
            raise Refused(f"{gone[0]} was deleted in {lost}. Answer with restore, delete or uncouple.")
    if answer in ("restore", "delete") and not any(
        _gone(task, side, couplings[f"{side}_key"].drop_nulls().to_list()) for side in Side
    ):
        raise Refused(
            f"{task.name}: both records exist, so nothing is to {answer}. Answer with send, get or merge."
        )


def _gone(task: Task, side: Side, keys: Sequence[str]) -> list[str]:
    there = set(reader.fetch(task, side, keys).rows["#key"].to_list())
    return [key for key in keys if key not in there]


def _check_deletion(task: Task, gone: Side, answer: Answer) -> None:
    """Restoring writes where the record is gone, deleting the other side; the mapping must allow it."""
    mapping = task.layout.mapping
    written = gone if answer == "restore" else gone.other
    if not mapping.direction.writes(written):
        name = mapping.on(written).connection
        raise Refused(
            f"{task.name} never writes to {name}, so it cannot {answer} there. Uncouple the records instead."
        )
