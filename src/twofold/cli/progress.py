"""Shows how far a run is and hears Ctrl+C; it must never stop a run in the middle of what it writes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.progress import Task as Part
from rich.text import Text

from twofold.cli.failures import Exit
from twofold.cli.names import Sides
from twofold.cli.terminal import BROKEN_OFF, note, page

PATIENCE = 1.0
"""Seconds that a run may take before its progress is shown."""
GRACE = 2.0
"""Seconds after a second Ctrl+C until the process ends whatever it waits for."""

STOPPING = (
    "Stopping: what is in hand is finished and recorded first. Press Ctrl+C once more to break off at once."
)


class Pace(TextColumn):
    """Records per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Part) -> Text:
        """The speed of one part of the work."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} records/s", style="dim")


class Bar:
    """Implements `ports.Progress` on a terminal: a line for each part of the work, once it takes a while."""

    def __init__(self, console: Console, names: Sides | None = None, patience: float = PATIENCE) -> None:
        self._names = names
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Pace(),
        )
        self._bars = Progress(*columns, console=console, transient=True)
        self._timer = threading.Timer(patience, self._bars.start)
        self._part: TaskID | None = None
        self.stopping = False

    def __enter__(self) -> Self:
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        self._bars.stop()

    def phase(self, text: str, total: int | None) -> None:
        """A new part of the work begins."""
        self._part = self._bars.add_task(self._spoken(text), total=total)

    def _spoken(self, text: str) -> str:
        """`CUSTOMER to_right` with the names of the connections."""
        mapping, _, way = text.rpartition(" ")
        is_way = way in ("to_right", "to_left")
        return f"{mapping} {self._names.way(mapping, way)}" if is_way and self._names else text

    def advance(self, rows: int) -> None:
        """So many more rows are recorded."""
        if self._part is not None:
            self._bars.advance(self._part, rows)

    def should_stop(self) -> bool:
        """Whether a person pressed Ctrl+C."""
        return self.stopping


class Quiet:
    """Implements `ports.Progress` where nobody watches; it still hears when to stop."""

    stopping = False

    def phase(self, text: str, total: int | None) -> None:
        """Nothing is shown."""

    def advance(self, rows: int) -> None:
        """Nothing is shown."""

    def should_stop(self) -> bool:
        """Whether somebody sent an interrupt."""
        return self.stopping


Watcher = Bar | Quiet


@contextmanager
def watched(names: Sides | None = None) -> Iterator[Watcher]:
    """Progress for one run, silent unless on a terminal; the first Ctrl+C asks the run to stop."""
    if not sys.stderr.isatty():
        quiet = Quiet()
        with _interruptible(quiet):
            yield quiet
        return
    with Bar(page(sys.stderr), names) as bar, _interruptible(bar):
        yield bar


@contextmanager
def _interruptible(watcher: Watcher) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_: int, __: FrameType | None) -> None:
        if watcher.stopping:
            _end_soon()
            raise KeyboardInterrupt
        watcher.stopping = True
        note(STOPPING)

    before: Any = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_soon() -> None:
    """A thread of a connector may wait for a system that hangs; everything recorded survives a sudden end."""
    timer = threading.Timer(GRACE, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    note(BROKEN_OFF)
    os._exit(Exit.BROKE_OFF)
