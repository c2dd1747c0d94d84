"""Runs of mappings: synchronize, plan, full synchronization; it must never print or decide about a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from twofold.app.context import Context
from twofold.app.wiring import Silent, Wiring
from twofold.core.dependencies import order
from twofold.core.mapping import TableMapping
from twofold.core.names import Direction, Side
from twofold.core.plan import MappingPlan, Plan
from twofold.engine.run import Run
from twofold.engine.scope import named_scope
from twofold.engine.task import Options, Task
from twofold.errors import Interrupted, Refused, TwofoldError
from twofold.ports import Progress


@dataclass(slots=True)
class Report:
    """What a command did: its jobs, remarks for the person, and what broke off.

    `jobs` are in the shape of `twofold job ID --json`; `broken` are sentences about mappings that broke off.
    """

    jobs: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 done, 1 rows failed or questions open, 3 something broke off."""
        if self.broken or self.interrupted:
            return 3
        return 1 if any(job.get("errors") for job in self.jobs) else 0


def synchronize(
    context: Context, names: Sequence[str], options: Options, progress: Progress | None = None
) -> Report:
    """Synchronize the named mappings, or all enabled ones, in dependency order."""
    session = _Session(context, Wiring(context, progress or Silent()), options)
    return session.run(chosen(context, names))


def plan(context: Context, names: Sequence[str], options: Options, progress: Progress | None = None) -> Plan:
    """What `synchronize` would do now; writes nothing to either side, and no job."""
    wiring = Wiring(context, progress or Silent())
    found = Plan()
    planned_keys: dict[str, dict[Side, dict[str, str | None]]] = {}
    for mapping in chosen(context, names):
        own = MappingPlan(mapping.name)
        found.mappings.append(own)
        if not _serves(mapping, options.direction):
            continue
        run = Run(wiring.task(mapping, options, own, planned_keys)).open()
        if options.named:
            run.named()
        else:
            run.first_pass()
        planned_keys[mapping.name] = run.memory.planned
    return found


def chosen(context: Context, names: Sequence[str]) -> list[TableMapping]:
    """The mappings to run, in dependency order; the named ones even if they are disabled is refused."""
    ordered = order(context.mappings)
    if not names:
        if not context.mappings:
            raise Refused("Nothing is configured yet. Write twofold.yaml, then run `twofold apply`.")
        return [context.mappings[name] for name in ordered if context.mappings[name].enabled]
    wanted = [context.mapping(name) for name in names]
    for mapping in wanted:
        if not mapping.enabled:
            raise Refused(f"{mapping.name} is disabled. Set `enabled: true` in twofold.yaml and apply it.")
    return sorted(wanted, key=lambda mapping: ordered.index(mapping.name))


def _serves(mapping: TableMapping, direction: Direction | None) -> bool:
    return direction is None or mapping.direction in (Direction.BOTH, direction)


def _reason_to_leave_out(
    mapping: TableMapping, direction: Direction | None, needed: Sequence[str]
) -> str | None:
    name = mapping.name
    if not _serves(mapping, direction):
        return f"{name} goes {mapping.way} only; nothing was done in the other direction."
    if mapping.read_only:
        return f"{name} is read-only: see `twofold plan {name}`. Nothing was written."
    if needed:
        return f"{name} was left out, because {', '.join(needed)} broke off and it depends on that."
    return None


@dataclass(slots=True)
class _Session:
    """The runs of one command: those of a circle stay open until its second pass is over."""

    context: Context
    wiring: Wiring
    options: Options
    report: Report = field(default_factory=Report)
    waiting: list[Run] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def run(self, mappings: Sequence[TableMapping]) -> Report:
        """Run them all; what breaks off one mapping does not stop those that do not need it."""
        try:
            self._look_at(mappings)
            for mapping in mappings:
                if mapping.name not in self.failed:
                    self._guarded(mapping.name, self._run_one_of(mapping))
            self._second_passes()
        except Interrupted as stopped:
            self.report.interrupted = True
            self.report.notes.append(str(stopped))
        except BaseException as error:
            self._close_waiting(error)
            raise
        self._close_waiting(None)
        return self.report

    def _look_at(self, mappings: Sequence[TableMapping]) -> None:
        """See all tables before anything is written: what is refused for one of them is refused for all."""
        for mapping in mappings:
            if _reason_to_leave_out(mapping, self.options.direction, ()) is None:
                self._guarded(mapping.name, partial(self.wiring.look_at, mapping, self.options))

    def _run_one_of(self, mapping: TableMapping) -> Callable[[], None]:
        return lambda: self._run_one(mapping)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except (Interrupted, Refused):
            raise
        except TwofoldError as error:
            self.failed.add(name)
            if str(error) not in self.report.broken:
                self.report.broken.append(str(error))

    def _run_one(self, mapping: TableMapping) -> None:
        if self._is_out(mapping):
            return
        task = self.wiring.task(mapping, self.options)
        if self.options.named:
            task = self._narrowed(task)
            if not task.options.named:
                return
        run = Run(task).open()
        try:
            run.named() if self.options.named else run.first_pass()
        except BaseException as error:
            self._close(run, error)
            raise
        self.waiting.append(run)

    def _is_out(self, mapping: TableMapping) -> bool:
        """Whether nothing is to be run, with a remark that says why."""
        needed = [name for name in mapping.needs() if name in self.failed]
        if needed:
            self.failed.add(mapping.name)
        reason = _reason_to_leave_out(mapping, self.options.direction, needed)
        self.report.notes += [reason] if reason else []
        return bool(reason)

    def _narrowed(self, task: Task) -> Task:
        """Only the chosen records that this run may touch; a remark about each of the others."""
        left, right, notes = named_scope(task)
        self.report.notes += notes
        return replace(task, options=replace(task.options, left=left, right=right))

    def _second_passes(self) -> None:
        """Second passes until no mapping of a circle gets any further."""
        for _ in range(max(1, len(self.waiting))):
            for run in self.waiting:
                run.second_pass()
            if len([run for run in self.waiting if run.task.layout.circular]) < 2:
                return

    def _close_waiting(self, error: BaseException | None) -> None:
        for run in self.waiting:
            self._close(run, error)
        self.waiting.clear()

    def _close(self, run: Run, error: BaseException | None) -> None:
        run.close(error)
        self.report.jobs += [self.context.store.listing.job(job) for job in run.jobs.values()]
