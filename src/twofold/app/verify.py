"""Proves that both sides agree, or lists where they do not; it must never change anything but the job log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twofold.app.context import Context
from twofold.app.runs import chosen
from twofold.app.wiring import Silent, Wiring
from twofold.core.names import JobStatus, JobType
from twofold.engine.task import Options, Task
from twofold.engine.verify import Finding, compare, count_uncoupled
from twofold.errors import Interrupted
from twofold.ports import JobError, Progress, Record

SHOWN = 1000
"""So many findings are kept per mapping; beyond that they are only counted."""


@dataclass(slots=True)
class Verification:
    """What was found about one mapping."""

    mapping: str
    job: int = 0
    pairs: int = 0
    equal: int = 0
    findings: list[Finding] = field(default_factory=list)
    found: int = 0
    uncoupled_left: int = 0
    uncoupled_right: int = 0
    open_entries: int = 0

    @property
    def clean(self) -> bool:
        """Whether every coupled pair agrees."""
        return self.found == 0

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        names = ("mapping", "job", "pairs", "equal", "uncoupled_left", "uncoupled_right", "open_entries")
        return {
            **{name: getattr(self, name) for name in names},
            "differences": self.found,
            "clean": self.clean,
            "findings": [finding.as_json() for finding in self.findings],
        }


def verify(context: Context, names: Sequence[str], progress: Progress | None = None) -> list[Verification]:
    """Compare every coupled pair of the named mappings, or of all, field by field.

    Records that left the filter are left alone by design, so they are counted as equal.
    """
    wiring = Wiring(context, progress or Silent())
    return [_verify(context, wiring.task(mapping, Options(full=True))) for mapping in chosen(context, names)]


def _verify(context: Context, task: Task) -> Verification:
    found = Verification(task.name)
    found.job = context.store.begin_job(task.name, None, JobType.VERIFICATION)
    status, message = JobStatus.FAILED, "Broke off."
    try:
        with context.store.claim(task.name):
            _compare_all(task, found)
        status = JobStatus.FINISHED
        message = f"{found.pairs} pairs, {found.found} differences."
    finally:
        context.store.finish_job(found.job, status, message)
    return found


def _compare_all(task: Task, found: Verification) -> None:
    task.progress.phase(f"{task.name} verify", task.store.coupling_count(task.name))
    for pairs, findings in compare(task):
        found.pairs += pairs
        found.found += len({(f.left_key, f.right_key) for f in findings})
        found.findings += findings[: max(0, SHOWN - len(found.findings))]
        _log(task, found.job, pairs, findings)
        task.progress.advance(pairs)
        if task.progress.should_stop():
            raise Interrupted(
                "Stopped. Nothing was changed; run `twofold verify` again to compare everything."
            )
    found.equal = found.pairs - found.found
    found.uncoupled_left, found.uncoupled_right = count_uncoupled(task)
    found.open_entries = len(task.store.entries(task.name, [], [])) or sum(
        frame.height for frame in task.store.entry_pages(task.name, 10_000)
    )


def _log(task: Task, job: int, pairs: int, findings: Sequence[Finding]) -> None:
    errors = [JobError(job, f.left_key, f.right_key, f.field, f.kind, f.sentence) for f in findings[:SHOWN]]
    differing = len({(f.left_key, f.right_key) for f in findings})
    counters = {"unchanged": pairs - differing, "failed": differing}
    task.store.record(
        task.name, Record(errors=errors, counters={job: {k: v for k, v in counters.items() if v}})
    )
