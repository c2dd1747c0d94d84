"""The commands that run mappings: plan, sync, full-sync; it must never decide what a run does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from twofold.cli.failures import Exit
from twofold.cli.front import Front, register
from twofold.cli.names import Sides, sides
from twofold.cli.options import (
    SYNCHRONIZING,
    AllowDeletes,
    Force,
    Full,
    Left,
    Mappings,
    Right,
    Towards,
    Yes,
)
from twofold.cli.progress import watched
from twofold.cli.terminal import ROOMY, answer, ask, is_interactive, note, note_all, say, show
from twofold.errors import Refused

if TYPE_CHECKING:
    from twofold.app.context import Context
    from twofold.app.runs import Report
    from twofold.app.saved_plans import SavedPlan
    from twofold.core.plan import Plan
    from twofold.engine.task import Options

Saved = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="Do exactly what a saved plan says, or say what would be different and do nothing.",
        show_default=False,
    ),
]
PlanOut = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Save the plan for `sync --plan`.", show_default=False),
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="Records shown of each mapping; 0 shows all.")]
Review = Annotated[
    bool, typer.Option("--review", help="Only show each mapping with its counts and what to do first.")
]
Create = Annotated[
    Literal["keep", "restore", "ask"],
    typer.Option(
        "--create",
        help="Whether later runs create records: keep clears Synch. Only Coupled Records, restore does not.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    examples = [
        "twofold plan",
        "twofold plan CUSTOMER --full",
        "twofold plan --out monday.json   then   twofold sync --plan monday.json",
    ]
    register(app, "plan", SYNCHRONIZING, examples)(plan)
    examples = [
        "twofold sync",
        "twofold sync CUSTOMER --full",
        "twofold sync CUSTOMER --left 10000 --left 20000",
        "twofold sync CUSTOMER --direction to_right --force",
    ]
    register(app, "sync", SYNCHRONIZING, examples)(sync)
    examples = ["twofold full-sync --review", "twofold full-sync", "twofold full-sync --create keep"]
    register(app, "full-sync", SYNCHRONIZING, examples)(full_sync)


# -- options -----------------------------------------------------------------------------------------------


def _options(
    context: Context,
    names: Sequence[str],
    way: str | None,
    left: Sequence[str],
    right: Sequence[str],
    *,
    full: bool,
    force: bool,
    allow_deletes: bool = False,
) -> Options:
    from twofold.app.forcing import forced_direction
    from twofold.core.names import Direction
    from twofold.engine.task import Options

    direction = None if way is None else Direction(way)
    if (left or right) and len(names) != 1:
        raise Refused("Records are named within one mapping: write `twofold sync MAPPING --left KEY`.")
    forced = forced_direction(context, names, direction, left, right) if force else None
    return Options(
        direction=direction if direction is not None or forced is None else forced,
        full=full,
        force=forced,
        left=tuple(left),
        right=tuple(right),
        allow_deletes=allow_deletes,
    )


# -- plan --------------------------------------------------------------------------------------------------


def plan(
    front: Front,
    *,
    mappings: Mappings = None,
    full: Full = False,
    direction: Towards = None,
    left: Left = None,
    right: Right = None,
    force: Force = False,
    out: PlanOut = None,
    limit: Limit = 50,
    yes: Yes = False,
) -> None:
    """Show what a run would do: each record, each field, old and new. Nothing is written."""
    from twofold.app.runs import plan as planned
    from twofold.app.saved_plans import save_plan

    names = tuple(mappings or ())
    with front.opened(yes=yes) as context:
        options = _options(context, names, direction, left or (), right or (), full=full, force=force)
        with watched(sides(context)) as progress:
            found = planned(context, names, options, progress)
        if out is not None:
            save_plan(front.file(out), found, names, options)
            note(
                f"Saved. `twofold sync --plan {out}` does exactly this, as long as nothing changes meanwhile."
            )
        if front.json:
            answer(found.as_json())
        else:
            _show_plan(context, found, limit)


def _show_plan(context: Context, found: Plan, limit: int) -> None:
    from twofold.cli.plan_page import narrow_actions, plan_page, wide_actions

    ways = {name: mapping.direction.value for name, mapping in context.mappings.items()}
    looks = (wide_actions, narrow_actions)
    show(*(plan_page(found.as_json(), sides(context), ways, limit, look) for look in looks), roomy=ROOMY)
    if any(own.actions for own in found.mappings):
        say("Nothing was written. Next: `twofold sync`.")
    else:
        say("Both sides agree: there is nothing to do.")


# -- sync --------------------------------------------------------------------------------------------------


def sync(
    front: Front,
    *,
    mappings: Mappings = None,
    full: Full = False,
    direction: Towards = None,
    left: Left = None,
    right: Right = None,
    force: Force = False,
    plan: Saved = None,
    allow_deletes: AllowDeletes = False,
    yes: Yes = False,
) -> int:
    """Synchronize what was modified since the last run: all mappings in their order, or those you name.

    --force on a two-way mapping needs --direction, or records of one side.
    """
    from twofold.app.runs import synchronize

    names = tuple(mappings or ())
    narrowed = any((names, full, direction, left, right, force, allow_deletes))
    with front.opened(yes=yes) as context:
        if plan is not None:
            names, options = _as_planned(context, front.file(plan), narrowed=narrowed)
        else:
            keys = (left or (), right or ())
            options = _options(
                context, names, direction, *keys, full=full, force=force, allow_deletes=allow_deletes
            )
        with watched(sides(context)) as progress:
            report = synchronize(context, names, options, progress)
        return conclude(front, report, sides(context))


def _as_planned(context: Context, path: Path, *, narrowed: bool) -> tuple[tuple[str, ...], Options]:
    """What a saved plan was made for; raises `Refused`, with what differs, if it no longer holds."""
    from twofold.app.runs import plan as planned
    from twofold.app.saved_plans import load_plan

    if narrowed:
        raise Refused(
            "A saved plan brings its own mappings and options: write `twofold sync --plan FILE` alone."
        )
    saved = load_plan(path)
    with watched(sides(context)) as progress:
        now = planned(context, saved.mappings, saved.options, progress)
    _must_equal(saved, now, path)
    return saved.mappings, saved.options


def _must_equal(saved: SavedPlan, now: Plan, path: Path) -> None:
    from twofold.app.saved_plans import plan_differences

    if saved.digest != now.digest:
        raise Refused(
            f"The records changed since {path.name} was saved, so nothing was done. A new plan would differ "
            "in this (- no longer, + new). Run `twofold plan --out` again, or `twofold sync` without --plan.",
            tuple(plan_differences(saved, now)),
        )


def conclude(front: Front, report: Report, names: Sides, extra: Iterable[str] = ()) -> int:
    """Show what a command did, and end with its exit code."""
    note_all([*report.notes, *extra])
    if front.json:
        answer({"jobs": [plain_job(job) for job in report.jobs]})
    elif report.jobs:
        _show_jobs(report, names)
    for sentence in report.broken:
        note(sentence, "bold red")
    if report.broken:
        note("What was done before stands. Correct that, then run the same command again.")
    return Exit(report.exit_code)


def plain_job(job: dict[str, Any]) -> dict[str, Any]:
    """A job without the lines of its log, as lists show it."""
    return {name: value for name, value in job.items() if name != "errors"}


def _show_jobs(report: Report, names: Sides) -> None:
    from twofold.cli.tables import job_table, narrow_job_table

    show(job_table(report.jobs, names), narrow_job_table(report.jobs, names))
    for job in report.jobs:
        for error in job.get("errors", ())[:5]:
            keys = " / ".join(key for key in (error["left_key"], error["right_key"]) if key)
            note(f"{job['mapping']} {keys}: {error['message']}")
        if len(job.get("errors", ())) > 5:
            note(f"and {len(job['errors']) - 5} more: twofold job {job['id']}")
    if report.exit_code == Exit.ROWS:
        note("Some records need attention. Next: `twofold errors`.")


# -- full-sync ---------------------------------------------------------------------------------------------


def full_sync(
    front: Front,
    *,
    review: Review = False,
    create: Create = "ask",
    allow_deletes: AllowDeletes = False,
    yes: Yes = False,
) -> int:
    """Synchronize everything in dependency order, and couple and create what is not coupled.

    Synch. Only Coupled Records is set aside for this run only; afterwards you are asked whether later runs
    may go on creating records.
    """
    from twofold.app.full import full_synchronization

    with front.opened(yes=yes) as context:
        if review:
            return _review(front, context)
        with watched(sides(context)) as progress:
            asked = _may_create if is_interactive() and not front.json else None
            report = full_synchronization(context, create, progress, asked, allow_deletes=allow_deletes)
        return conclude(front, report, sides(context))


def _may_create(names: Sequence[str]) -> bool:
    return ask(f"Shall later runs go on creating records for {', '.join(names)}?")


def _review(front: Front, context: Context) -> int:
    from twofold.app.full import review

    lines = [line.as_json() for line in review(context)]
    if front.json:
        answer({"mappings": lines})
    else:
        _show_review(lines)
    return Exit.DONE


def _show_review(lines: Sequence[dict[str, Any]]) -> None:
    from twofold.cli.tables import review_table

    show(review_table(lines))
    first = [line["name"] for line in lines if line["recommendation"] == "Couple Records"]
    if first:
        say(f"Both sides of {', '.join(first)} have records and none are coupled, so a full synchronization")
        say(f"would make duplicates: write `match:` in twofold.yaml, then run `twofold match {first[0]}`.")
    else:
        say("Next: `twofold full-sync`.")
