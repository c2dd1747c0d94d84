"""Progress is shown for what takes a while, with the names of the connections, and asks a run to stop."""

from __future__ import annotations

import io
import os
import signal

import pytest
from rich.console import Console

from twofold.cli.names import Sides
from twofold.cli.progress import Bar, watched

NAMES = Sides({"CUSTOMER": ("erp", "crm")})


def screen() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_long_run_shows_how_far_it_is() -> None:
    console = screen()
    with Bar(console, NAMES, patience=0) as bar:
        bar.phase("CUSTOMER to_right", 500)
        bar.advance(200)
        while "200/500" not in shown(console):
            pass
    assert "CUSTOMER erp -> crm" in shown(console)


def test_a_short_run_shows_nothing() -> None:
    console = screen()
    with Bar(console, NAMES, patience=3600) as bar:
        bar.phase("CUSTOMER to_left", None)
        bar.advance(7)
    assert shown(console).strip() == ""


def test_without_a_terminal_nothing_is_shown_but_an_interrupt_is_heard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with watched(NAMES) as progress:
        progress.phase("CUSTOMER to_right", 10)
        assert not progress.should_stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert progress.should_stop()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Stopping: ")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
