"""The commands about couplings: couple, match, uncouple, couplings; it must never couple by itself."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twofold.cli.exchange import Export, Import, Partial, export_file, import_file
from twofold.cli.failures import Exit
from twofold.cli.front import Front, register
from twofold.cli.names import mapping_name, sides
from twofold.cli.options import COUPLING, Left, Mapping, Right, Yes
from twofold.cli.progress import watched
from twofold.cli.runs import conclude
from twofold.cli.terminal import ROOMY, answer, ask, is_interactive, note, say, show
from twofold.errors import Refused

if TYPE_CHECKING:
    from twofold.app.context import Context
    from twofold.app.couplings import MatchReport
    from twofold.app.runs import Report

SHOWN = 20
"""So many records of a kind are listed after a match."""

Then = Annotated[
    Literal["nothing", "send", "get"],
    typer.Option("--then", help="Synchronize the pair at once: send = left wins, get = right wins."),
]
CreateNew = Annotated[
    bool, typer.Option("--create", help="Create the counterpart of the named records and couple it.")
]
CreateUnmatched = Annotated[
    bool, typer.Option("--create", help="Create the counterpart of left records that match nothing.")
]
SyncAfterwards = Annotated[bool, typer.Option("--sync", help="Synchronize the newly coupled pairs at once.")]
Everything = Annotated[bool, typer.Option("--all", help="All couplings of the mapping.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="So many at most; 0 shows all.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    examples = [
        "twofold couple CUSTOMER --left 10000 --right 5f0c --then send",
        "twofold couple CUSTOMER --create --left 10000",
        "twofold couple CUSTOMER --import couplings.csv",
    ]
    register(app, "couple", COUPLING, examples)(couple)
    register(app, "match", COUPLING, ["twofold match CUSTOMER", "twofold match CUSTOMER --create --sync"])(
        match
    )
    examples = ["twofold uncouple CUSTOMER --left 10000", "twofold uncouple CUSTOMER --all"]
    register(app, "uncouple", COUPLING, examples)(uncouple)
    examples = ["twofold couplings CUSTOMER --left 10000", "twofold couplings CUSTOMER --export f.csv"]
    register(app, "couplings", COUPLING, examples)(couplings)


def couple(
    front: Front,
    *,
    mapping: Mapping,
    left: Left = None,
    right: Right = None,
    then: Then = "nothing",
    create: CreateNew = False,
    file: Import = None,
    partial: Partial = False,
    yes: Yes = False,
) -> int:
    """Couple two records by hand, create the counterpart of one that has none, or import pairs."""
    with front.opened(yes=yes) as context:
        if file is not None:
            return import_file(front, context, mapping_name(context, mapping), file, partial=partial)
        if create:
            report = _created(context, mapping, left or [], right or [], then)
        else:
            report = _coupled(context, mapping, left or [], right or [], then)
        conclude(front, report, sides(context))
        if not report.jobs and not report.notes and not front.json:
            _say_coupled(mapping, left or [], then)
    return Exit.BROKE_OFF if report.exit_code == Exit.BROKE_OFF else Exit.DONE


def _created(context: Context, mapping: str, left: list[str], right: list[str], then: str) -> Report:
    from twofold.app.couplings import create as create_counterparts

    if not (left or right):
        raise Refused("Say which record gets a counterpart: --left KEY or --right KEY.")
    if then != "nothing":
        raise Refused("--create writes the new record anyway: leave out --then.")
    with watched(sides(context)) as progress:
        return create_counterparts(context, mapping, left, right, progress)


def _coupled(context: Context, mapping: str, left: list[str], right: list[str], then: str) -> Report:
    from twofold.app.couplings import couple as couple_pair

    if len(left) != 1 or len(right) != 1:
        raise Refused("Name one record of each side: --left KEY --right KEY; or add --create.")
    with watched(sides(context)) as progress:
        return couple_pair(context, mapping, left[0], right[0], then, progress)  # type: ignore[arg-type]


def _say_coupled(mapping: str, left: list[str], then: str) -> None:
    say("Coupled.")
    if then == "nothing":
        record = f"--left {shlex.quote(left[0])}" if left else ""
        say(f"Next: `twofold sync {shlex.quote(mapping)} {record}` synchronizes the pair.")


# -- match -------------------------------------------------------------------------------------------------


def match(
    front: Front,
    *,
    mapping: Mapping,
    create: CreateUnmatched = False,
    sync: SyncAfterwards = False,
    left: Left = None,
    yes: Yes = False,
) -> int:
    """Couple records that belong together beyond doubt, by the mapping's match fields.

    Records that match several, or none, are left as they are and listed.
    """
    from twofold.app.couplings import match as find

    with front.opened(yes=yes) as context:
        with watched(sides(context)) as progress:
            found = find(
                context,
                mapping,
                create_unmatched=create,
                synchronize_afterwards=sync,
                left=left or (),
                progress=progress,
            )
        return conclude(front, found.report, sides(context), _match_remarks(found, created=create))


def _match_remarks(found: MatchReport, *, created: bool) -> list[str]:
    said = [
        f"{key} matches {', '.join(candidates[:5])}: couple the right one with `twofold couple`."
        for key, candidates in list(found.ambiguous.items())[:SHOWN]
    ]
    if len(found.ambiguous) > SHOWN:
        said.append(f"and {len(found.ambiguous) - SHOWN} more that match several.")
    if found.unmatched and not created:
        first = ", ".join(found.unmatched[:SHOWN])
        more = ", ..." if len(found.unmatched) > SHOWN else ""
        said.append(
            f"{len(found.unmatched)} match nothing: {first}{more}. --create makes their counterparts."
        )
    return said


# -- uncouple ----------------------------------------------------------------------------------------------


def uncouple(
    front: Front,
    *,
    mapping: Mapping,
    left: Left = None,
    right: Right = None,
    everything: Everything = False,
    yes: Yes = False,
) -> int:
    """Remove couplings; the records themselves stay as they are on both sides."""
    from twofold.app.couplings import uncouple as remove

    if not (left or right or everything):
        raise Refused("Say which records to uncouple: --left KEY, --right KEY, or --all.")
    if everything and (left or right):
        raise Refused("--all uncouples every record: leave out --left and --right, or leave out --all.")
    with front.opened(yes=yes) as context:
        name = mapping_name(context, mapping)
        if everything and not _is_agreed(context, name, yes=yes):
            say("Nothing was changed.")
            return Exit.DONE
        report = remove(context, name, left or (), right or (), everything=everything)
        return conclude(front, report, sides(context), _uncoupled_remarks(report))


def _is_agreed(context: Context, name: str, *, yes: bool) -> bool:
    if yes:
        return True
    counts = context.store.listing.counts().get(name, {})
    total = sum(counts.get(state, 0) for state in ("coupled", "pending", "in_doubt"))
    sentence = f"This removes all {total:,} couplings of {name}; the records stay as they are."
    if not is_interactive():
        raise Refused(f"{sentence} Nothing was changed. Add --yes to do it.")
    note(sentence)
    return ask("Uncouple them?")


def _uncoupled_remarks(report: Report) -> list[str]:
    if any(job["uncoupled"] for job in report.jobs):
        return []
    return ["None of these records was coupled; nothing was changed."]


# -- couplings ---------------------------------------------------------------------------------------------


def couplings(
    front: Front,
    *,
    mapping: Mapping,
    left: Left = None,
    right: Right = None,
    limit: Limit = 100,
    file: Export = None,
) -> None:
    """List the couplings of a mapping. With --json all of them are listed."""
    from itertools import islice

    with front.opened() as context:
        name = mapping_name(context, mapping)
        if file is not None:
            export_file(front, context, name, file)
            return
        found = context.store.listing.couplings(name, left=left or (), right=right or ())
        if front.json:
            answer({"couplings": list(found)})
            return
        shown = list(islice(found, limit or None))
        more = next(found, None) is not None
        _show_couplings(context, name, shown, more=more)


def _show_couplings(context: Context, name: str, shown: list[dict[str, object]], *, more: bool) -> None:
    from twofold.cli.tables import coupling_table, narrow_coupling_table

    if not shown:
        say(f"No couplings. Next: `twofold match {name}`, `twofold couple {name}` or `twofold full-sync`.")
        return
    names = sides(context).of(name)
    show(coupling_table(shown, name, names), narrow_coupling_table(shown, name, names), roomy=ROOMY)
    if more:
        say(f"There are more: twofold couplings {name} --limit 0")
