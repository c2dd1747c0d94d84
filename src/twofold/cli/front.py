"""The options of every command, before or after its name, and its workspace; it must never do its work."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twofold.cli.terminal import BROKEN_OFF
from twofold.errors import Interrupted

if TYPE_CHECKING:
    from twofold.app.context import Context

Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help="The folder of the workspace; else TWOFOLD_WORKSPACE, else the current folder.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for scripts.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]

PANEL = "Options of every command"


@dataclass(frozen=True, slots=True)
class Front:
    """What a person said about the command as a whole."""

    workspace: Path | None = None
    json: bool = False
    debug: bool = False

    @property
    def folder(self) -> Path:
        """The workspace's folder, absolute."""
        import os

        return (self.workspace or Path(os.environ.get("TWOFOLD_WORKSPACE") or ".")).expanduser().absolute()

    def file(self, path: Path) -> Path:
        """A file that a person named, relative to the workspace."""
        return self.folder / path.expanduser()

    @contextmanager
    def opened(self, *, yes: bool = False) -> Iterator[Context]:
        """The workspace, open; `yes` accepts that a connection leads to another system than before."""
        from twofold.app.context import opened

        with opened(self.folder, accept_systems=yes) as context:
            yield context


Verb = Callable[..., int | None]
"""A command: takes the front and its own options, prints, and returns the exit code (None is 0)."""


def register(app: typer.Typer, name: str, panel: str, examples: Sequence[str]) -> Callable[[Verb], Verb]:
    """Make a function a command of `app`, with the options that every command has."""

    def registered(verb: Verb) -> Verb:
        epilog = "\n\n".join(["[bold]Examples[/bold]", *(f"  {example}" for example in examples)])
        app.command(name, rich_help_panel=panel, epilog=epilog)(_fronted(verb))
        return verb

    return registered


def _fronted(verb: Verb) -> Callable[..., int]:
    """The verb as Typer wants it: its own parameters and those of every command."""

    @wraps(verb)
    def command(
        *own: Any, context: typer.Context, workspace: Path | None, json: bool, debug: bool, **given: Any
    ) -> int:
        before = context.obj if isinstance(context.obj, Front) else Front()
        front = Front(workspace or before.workspace, json or before.json, debug or before.debug)
        context.find_root().obj = front
        try:
            return int(verb(front, *own, **given) or 0)
        except KeyboardInterrupt:
            raise Interrupted(BROKEN_OFF) from None

    signature = inspect.signature(verb, eval_str=True)
    parameters = [*list(signature.parameters.values())[1:], *_common()]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return command


def _common() -> list[inspect.Parameter]:
    kinds: dict[str, tuple[Any, Any]] = {
        "context": (typer.Context, inspect.Parameter.empty),
        "workspace": (_paneled(Workspace), None),
        "json": (_paneled(Json), False),
        "debug": (_paneled(Debug), False),
    }
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in kinds.items()
    ]


def _paneled(option: Any) -> Any:
    from copy import copy

    kind, information = option.__origin__, copy(option.__metadata__[0])
    information.rich_help_panel = PANEL
    return Annotated[kind, information]
