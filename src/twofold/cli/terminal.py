"""Where the command line writes: results to standard output, the rest to standard error; never mixed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

WIDE = 160
"""Columns where nobody said how wide the page is, as in a pipe or a file."""

ENDLESS = 100_000
ROOMY = 120
"""Columns in which a table with long texts is still pleasant."""

BROKEN_OFF = (
    "Broken off. What was recorded stands and nothing is lost: run the same command again to go on. "
    "See `twofold jobs` for what was done."
)


def page(stream: TextIO) -> Console:
    """A console on `stream`: colours only on a terminal, and pages as wide as COLUMNS says."""
    is_terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=is_terminal,
        color_system="auto" if is_terminal else None,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        width=None if is_terminal else _width(),
        highlight=False,
        markup=False,
        emoji=False,
    )


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() and int(columns) > 0 else WIDE


def show(what: RenderableType, narrow: RenderableType | None = None, *, roomy: int = ENDLESS) -> None:
    """Print a result for a person; `narrow` instead, where the page is too small for it.

    A page of `roomy` columns is wide enough even if long texts in it are broken.
    """
    console = page(sys.stdout)
    fits = console.width >= roomy or needed_width(console, what) <= console.width
    console.print(what if narrow is None or fits else narrow)


def needed_width(console: Console, what: RenderableType) -> int:
    """How many columns it takes to print this without breaking a line."""
    return console.measure(what, options=console.options.update(max_width=ENDLESS)).maximum


def say(sentence: str) -> None:
    """Print a sentence as a result, broken only where a terminal ends."""
    page(sys.stdout).print(Text(sentence), soft_wrap=True)


def close_output() -> None:
    """Write nothing more to standard output, which nobody reads or which is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(sentence: str, style: str = "") -> None:
    """Print a remark on standard error."""
    page(sys.stderr).print(Text(sentence, style=style), soft_wrap=True)


def note_all(sentences: Iterable[str]) -> None:
    """Print remarks on standard error, one a line."""
    for sentence in sentences:
        note(sentence)


def warn(sentence: str) -> None:
    """Print a remark that deserves a look on standard error."""
    note(f"Warning: {sentence}", "yellow")


def answer(document: Any) -> None:
    """Print the one JSON document of a command."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def is_interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> bool:
    """Ask yes or no on standard error; no is the default."""
    import typer

    return typer.confirm(question, default=False, err=True)
