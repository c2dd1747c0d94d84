"""The full synchronization: all mappings, all records; it must never change an option unasked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from twofold.app.context import Context
from twofold.app.definitions import definition
from twofold.app.export import dump
from twofold.app.runs import Report, chosen, synchronize
from twofold.app.wiring import Wiring
from twofold.core.mapping import TableMapping
from twofold.core.names import Side
from twofold.engine.reader import keys_on
from twofold.engine.task import Options, Task
from twofold.ports import Progress

Creation = Literal["keep", "restore", "ask"]
"""After a full synchronization: go on creating records in later runs, or leave the option as it was."""

QUESTION = (
    "Synch. Only Coupled Records was set aside for this run. Shall later runs go on creating records for "
)


def full_synchronization(
    context: Context,
    create: Creation,
    progress: Progress | None = None,
    ask: Callable[[Sequence[str]], bool] | None = None,
    *,
    allow_deletes: bool = False,
) -> Report:
    """Synchronize everything, creating what is not coupled.

    The stored option *Synch. Only Coupled Records* is not touched while this runs: a crash changes nothing.
    `ask` is called at the end with the mappings that have the option, where `create` is "ask"; else restore.
    """
    options = Options(full=True, creates=True, allow_deletes=allow_deletes)
    report = synchronize(context, (), options, progress)
    limited = [m for m in chosen(context, ()) if m.synch_only_coupled_records and not m.read_only]
    finished = [m for m in limited if _finished(report, m.name)]
    if not finished:
        return report
    names = [mapping.name for mapping in finished]
    keeps = create == "keep" or (
        create == "ask" and ask is not None and not report.interrupted and ask(names)
    )
    if keeps:
        clear_only_coupled(context, finished)
        report.notes.append(
            f"Later runs go on creating records for {', '.join(names)}: the option was cleared."
        )
    else:
        report.notes.append(f"Synch. Only Coupled Records is as it was for {', '.join(names)}.")
    return report


def _finished(report: Report, name: str) -> bool:
    jobs = [job for job in report.jobs if job["mapping"] == name]
    return bool(jobs) and all(job["status"] == "finished" for job in jobs) and not report.interrupted


def clear_only_coupled(context: Context, mappings: Sequence[TableMapping]) -> None:
    """Let later runs create records for these mappings; the kept text of the configuration says so too."""
    configuration = context.configuration
    changed = {m.name: replace(m, synch_only_coupled_records=False) for m in mappings}
    whole = replace(configuration, mappings={**configuration.mappings, **changed})
    text = dump(whole, configuration.text or None)
    for name, mapping in changed.items():
        context.store.configuration.change_mapping(name, definition(mapping), text)
    context.__dict__.pop("configuration", None)


# -- review ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One mapping before a full synchronization; counts are of records in the filter."""

    name: str
    direction: str
    depends_on: tuple[str, ...]
    left: str
    right: str
    left_count: int
    right_count: int
    coupled: int
    recommendation: str

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {name: getattr(self, name) for name in self.__slots__} | {"depends_on": list(self.depends_on)}


def review(context: Context) -> list[ReviewLine]:
    """The Full Synchronization Review: what each mapping would start from, and what to do first."""
    wiring = Wiring(context)
    return [_line(wiring.task(mapping, Options()), mapping) for mapping in chosen(context, ())]


def _line(task: Task, mapping: TableMapping) -> ReviewLine:
    counts = {side: count_all(task, side) for side in Side}
    coupled = task.store.coupling_count(task.name)
    return ReviewLine(
        mapping.name,
        mapping.direction.value,
        mapping.needs(),
        mapping.left.connection,
        mapping.right.connection,
        counts[Side.LEFT],
        counts[Side.RIGHT],
        coupled,
        recommend(counts[Side.LEFT], counts[Side.RIGHT], coupled, matches=bool(mapping.match)),
    )


def count_all(task: Task, side: Side) -> int:
    """How many records are in the filter of `side`."""
    total = 0
    for keys, count in keys_on(task, side):
        if count is not None:
            return count
        total += len(keys)
    return total


def recommend(left: int, right: int, coupled: int, *, matches: bool) -> str:
    """What to do first, on the filtered rows of both sides (Business Central compares unfiltered tables)."""
    if not left and not right:
        return "No Records Found"
    if left and right and not coupled and not matches:
        return "Couple Records"
    return "Full Synchronization"
