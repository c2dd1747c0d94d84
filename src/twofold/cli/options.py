"""The options that several commands share, spelt once; it must never hold a rule about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from twofold.errors import Refused

SETTING_UP = "Set up"
SYNCHRONIZING = "Synchronize"
COUPLING = "Couple"
LOOKING = "Look and answer"

Way = Literal["to_right", "to_left", "both"]


def given_keys(option: typer.CallbackParam, keys: list[str] | None) -> list[str] | None:
    """The keys as typed; an empty one, as of a shell variable that is not set, is refused."""
    for key in keys or ():
        given_key(option, key)
    return keys


def given_key(option: typer.CallbackParam, key: str | None) -> str | None:
    """The key as typed; an empty one, as of a shell variable that is not set, is refused."""
    if key is not None and not key.strip():
        raise Refused(
            f"--{option.name} names no record, because its key is empty. Write --{option.name} KEY."
        )
    return key


Mapping = Annotated[str, typer.Argument(metavar="MAPPING", help="The name of a mapping, in any case.")]
Mappings = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MAPPING", help="The names of mappings; all of them if none is named.", show_default=False
    ),
]
MaybeMapping = Annotated[
    str | None,
    typer.Argument(metavar="MAPPING", help="Only of this mapping.", show_default=False),
]
Left = Annotated[
    list[str] | None,
    typer.Option(
        "--left",
        metavar="KEY",
        help="The key of a left record; may be given several times.",
        callback=given_keys,
        show_default=False,
    ),
]
Right = Annotated[
    list[str] | None,
    typer.Option(
        "--right",
        metavar="KEY",
        help="The key of a right record; may be given several times.",
        callback=given_keys,
        show_default=False,
    ),
]
OneLeft = Annotated[
    str | None,
    typer.Option(
        "--left",
        metavar="KEY",
        help="The key of the left record.",
        callback=given_key,
        show_default=False,
    ),
]
OneRight = Annotated[
    str | None,
    typer.Option(
        "--right",
        metavar="KEY",
        help="The key of the right record.",
        callback=given_key,
        show_default=False,
    ),
]
Full = Annotated[
    bool, typer.Option("--full", help="Read everything, not only what was modified; corrects drift.")
]
Towards = Annotated[
    Way | None,
    typer.Option(
        "--direction", help="Only this way; the default is what each mapping says.", show_default=False
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="The source wins, questions are answered, equal records are written too."),
]
AllowDeletes = Annotated[
    bool, typer.Option("--allow-deletes", help="Allow deletes in numbers that otherwise stop the run.")
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Do not ask; also accepts that a connection leads to another system now."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write it to a file instead.", show_default=False),
]
