"""The commands of the job log: jobs, job; it must never load Polars."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from twofold.cli.front import Front, register
from twofold.cli.names import Sides, mapping_name, sides
from twofold.cli.options import LOOKING
from twofold.cli.terminal import answer, say, show
from twofold.errors import Refused

Of = Annotated[
    str | None, typer.Option("--mapping", metavar="MAPPING", help="Only of this mapping.", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="The newest so many; 0 shows all.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="The number of a job.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, "jobs", LOOKING, ["twofold jobs", "twofold jobs --mapping CUSTOMER --limit 5"])(jobs)
    register(app, "job", LOOKING, ["twofold job 12"])(job)


def jobs(front: Front, *, mapping: Of = None, limit: Limit = 30) -> None:
    """List the newest jobs: what each run did, with its counters."""
    with front.opened() as context:
        context.store.release_dead_claims()
        name = None if mapping is None else mapping_name(context, mapping)
        found = context.store.listing.jobs(name, limit or None)
        if front.json:
            answer({"jobs": found})
        elif found:
            _show_jobs(found, sides(context))
        else:
            say("No jobs yet. Next: `twofold sync`.")


def _show_jobs(found: list[dict[str, Any]], names: Sides) -> None:
    from twofold.cli.tables import job_table, narrow_job_table

    show(job_table(found, names), narrow_job_table(found, names))
    for row in found:
        if row["status"] == "failed" and row["message"]:
            say(f"Job {row['id']}: {row['message']}")
    telling = next((row for row in found if row["failed"] or row["conflicts"]), None)
    if telling is not None:
        say(f"Next: `twofold job {telling['id']}` says what happened, `twofold errors` what waits for you.")


def job(front: Front, *, number: Number) -> None:
    """Show one job with the lines of its log."""
    if number < 1:
        raise Refused(f"There is no job {number}. See `twofold jobs` for those there are.")
    with front.opened() as context:
        context.store.release_dead_claims()
        found = context.store.listing.job(number)
        if front.json:
            answer(found)
        else:
            _show_job(found, sides(context))


def _show_job(found: dict[str, Any], names: Sides) -> None:
    from twofold.cli.tables import job_error_table, job_table, narrow_job_table

    show(job_table([found], names), narrow_job_table([found], names))
    if found["message"]:
        say(found["message"])
    if found["errors"]:
        show(job_error_table(found["errors"], names.of(found["mapping"])))
        say(f"Next: `twofold errors {found['mapping']}`.")
