"""The entry of the command line, and the one door for all that goes wrong.

It must never load Polars, Django or SQLAlchemy by itself, so that help is there at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from twofold import __version__
from twofold.cli import couplings, errors, jobs, records, runs, workspaces
from twofold.cli.failures import Exit, report_failure
from twofold.cli.front import Debug, Front, Json, Workspace, register
from twofold.cli.options import SETTING_UP
from twofold.cli.terminal import BROKEN_OFF, close_output, note

app = typer.Typer(
    name="twofold",
    help="Keep the business records of two systems in step.",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="First time? `twofold demo` shows it all in a minute; `twofold init` begins your own.",
)

Version = Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True)]
DemoFolder = Annotated[
    Path | None,
    typer.Argument(
        metavar="FOLDER",
        help="Where the demo makes its workspace; ./demo if none is named.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def twofold(
    context: typer.Context,
    *,
    workspace: Workspace = None,
    json: Json = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Keep the business records of two systems in step.

    Start with `twofold init`, say in twofold.yaml what goes together, then `apply`, `plan` and `sync`.
    """
    context.obj = Front(workspace, json, debug)
    if version:
        typer.echo(f"Twofold {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def demo(_: Front, *, folder: DemoFolder = None) -> None:
    """Show the whole of it with two small systems and sample data, in a folder of its own."""
    from twofold.cli.demo import demo as play

    play(folder)


register(app, "demo", SETTING_UP, ["twofold demo", "twofold demo /tmp/twofold-demo"])(demo)
for module in (workspaces, runs, couplings, errors, jobs, records):
    module.add_to(app)


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; everything that goes wrong becomes a sentence."""
    wants = {name: name in arguments for name in ("--json", "--debug")}
    try:
        code = app(args=list(arguments), prog_name="twofold", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except (BrokenPipeError, SystemExit):
        # Typer and Rich both turn a broken pipe into an exit; nothing else here exits by itself.
        close_output()
        return Exit.DONE
    except KeyboardInterrupt:
        note(BROKEN_OFF)
        return Exit.BROKE_OFF
    except typer.Abort:
        note("Nothing was done.")
        return Exit.REFUSED
    except Exception as error:  # noqa: BLE001 - the one door: no traceback ever reaches a person
        return report_failure(error, json=wants["--json"], debug=wants["--debug"])


def run() -> NoReturn:
    """The console entry point."""
    sys.exit(main(sys.argv[1:]))
