"""Tells the demo's story on a terminal or into a file; it must never know what the story says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from twofold.cli.progress import watched
from twofold.cli.terminal import page

if TYPE_CHECKING:
    from twofold.ports import Progress

FOLDER = Path("demo")
WIDTH = 100
_MARGIN = 3


def demo(folder: Path | None = None) -> None:
    """Play the demo in `folder`, by default ./demo; raises `Refused` if it holds something else."""
    from twofold.app.demo_story import tell

    voice, begun = Voice(_console()), monotonic()
    tell(folder or FOLDER, voice)
    voice.close(monotonic() - begun)


def _console() -> Console:
    console = page(sys.stdout)
    console.width = min(console.width, WIDTH)
    return console


class Voice:
    """Implements `demo_story.Narrator` with Rich."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._chapters = 0
        self._last = ""

    def head(self, title: str) -> None:
        """A numbered title."""
        self._chapters += 1
        self._begin("head", gap=bool(self._last))
        self._console.print(Text(f"{self._chapters}. {title}", style="bold"))

    def say(self, sentence: str) -> None:
        """A sentence, broken between words."""
        self._begin("say", gap=self._last == "table")
        for line in wrap(
            sentence, self._console.width - _MARGIN, break_long_words=False, break_on_hyphens=False
        ):
            self._console.print(Text(" " * _MARGIN + line), soft_wrap=True)

    def command(self, line: str) -> None:
        """A line after a prompt; it is never broken, so that it can be copied."""
        self._begin("command", gap=self._last in ("say", "table"))
        text = Text.assemble(" " * _MARGIN, ("$ ", "dim"), (line, "bold cyan"))
        self._console.print(text, soft_wrap=True)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns, numbers to the right."""
        self._begin("table", gap=self._last in ("say", "table"))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for number, heading in enumerate(headings):
            numeric = all(_is_number(row[number]) for row in rows) and any(row[number] for row in rows)
            table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(Padding(table, (0, 0, 0, _MARGIN + 2), expand=False))

    def _begin(self, kind: str, *, gap: bool) -> None:
        if gap:
            self._console.print()
        self._last = kind

    @contextmanager
    def working(self) -> Iterator[Progress]:
        """A bar for what takes more than a moment."""
        with watched() as progress:
            yield progress

    def close(self, seconds: float) -> None:
        """The last line."""
        self._console.print()
        self._console.print(Text(f"All of this took {seconds:.0f} seconds.", style="dim"))


def _is_number(text: str) -> bool:
    return not text or text.replace(",", "").isdigit()
