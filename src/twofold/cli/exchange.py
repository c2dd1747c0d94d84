"""Shows what an import or export of couplings did; it must never read or write the file itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twofold.cli.failures import Exit
from twofold.cli.terminal import answer, note_all, say
from twofold.errors import Refused

if TYPE_CHECKING:
    from twofold.app.context import Context
    from twofold.app.exchange import Exchange
    from twofold.cli.front import Front

SHOWN = 20
"""So many lines that do not fit are named; --json names all."""

Import = Annotated[
    Path | None,
    typer.Option(
        "--import", metavar="FILE", help="Couple the pairs of a CSV or Parquet file (left_key, right_key)."
    ),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="With --import: couple what fits although some lines do not.")
]
Export = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", help="Write all couplings to a CSV or Parquet file."),
]


def import_file(front: Front, context: Context, mapping: str, path: Path, *, partial: bool) -> int:
    """Import and report; ends with 2 if nothing was coupled because something does not fit."""
    from twofold.app.exchange import import_couplings

    found = import_couplings(context, mapping, front.file(path), partial=partial)
    if found.misfits and not found.coupled:
        advice = "Nothing was coupled; add --partial to couple the lines that fit."
        raise Refused(f"{_summary(found)} {advice}", _reasons(found, everything=front.json))
    note_all(_reasons(found))
    if front.json:
        answer(_as_json(found))
    else:
        say(_summary(found))
        say(f"Next: `twofold plan {shlex.quote(mapping)}` shows where the pairs differ.")
    return Exit.ROWS if found.misfits else Exit.DONE


def _summary(found: Exchange) -> str:
    noun = "line" if found.lines == 1 else "lines"
    parts = [f"{found.lines:,} {noun}: {found.coupled:,} coupled"]
    parts += [f"{found.already:,} were coupled already"] if found.already else []
    parts += [f"{len(found.misfits):,} do not fit"] if found.misfits else []
    return ", ".join(parts) + "."


def _reasons(found: Exchange, *, everything: bool = False) -> tuple[str, ...]:
    wanted = found.misfits if everything else found.misfits[:SHOWN]
    shown = [f"line {m.line}: {m.left_key} / {m.right_key}: {m.reason}." for m in wanted]
    more = len(found.misfits) - len(shown)
    return (*shown, *([f"and {more:,} more; --json names them all"] if more else []))


def _as_json(found: Exchange) -> dict[str, object]:
    return {
        "jobs": found.jobs,
        "lines": found.lines,
        "coupled": found.coupled,
        "already": found.already,
        "misfits": [misfit.as_json() for misfit in found.misfits],
    }


def export_file(front: Front, context: Context, mapping: str, path: Path) -> int:
    """Export and say how many there were."""
    from twofold.app.exchange import export_couplings

    count = export_couplings(context, mapping, front.file(path))
    if front.json:
        answer({"file": str(path), "couplings": count})
    else:
        say(f"{count:,} couplings written to {path}.")
    return Exit.DONE
