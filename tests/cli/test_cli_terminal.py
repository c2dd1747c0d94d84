"""On a terminal there are colours and questions; in a pipe there is plain text, and help is there at once."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from .desk import CONFIGURATION, Desk, command_line, run_process

ESCAPE = "\x1b["


def type_at_terminal(folder: Path, *arguments: str, answer: str = "", **variables: str) -> tuple[int, str]:
    """Run the command on a terminal and give an answer; what the terminal showed."""
    terminal, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **variables}
    process = subprocess.Popen(
        command_line(*arguments), cwd=folder, env=environment, stdin=inner, stdout=inner, stderr=inner
    )
    os.close(inner)
    if answer:
        os.write(terminal, answer.encode())
    shown = b"".join(iter(lambda: _read(terminal), b""))
    os.close(terminal)
    return process.wait(), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        # Linux reports the end of a terminal whose program ended as an error.
        return b""


def test_a_terminal_gets_colours_unless_no_color_is_set(synchronized: Desk) -> None:
    code, shown = type_at_terminal(synchronized.folder, "jobs")
    assert code == 0
    assert ESCAPE in shown
    _, plain = type_at_terminal(synchronized.folder, "errors", "CUSTOMR", NO_COLOR="1")
    assert "\x1b[31m" not in plain
    assert "\x1b[1;31m" not in plain


def test_a_pipe_gets_no_escape_codes_whatever_is_printed(conflicted: Desk) -> None:
    for arguments in (
        ["jobs"],
        ["errors"],
        ["couplings", "CUSTOMER"],
        ["plan"],
        ["doctor"],
        ["sync"],
        ["snyc"],
    ):
        done = conflicted.run(*arguments)
        assert ESCAPE not in done.out + done.err
    done = run_process("errors", folder=conflicted.folder, environment={"FORCE_COLOR": "1"})
    assert done.code == 0
    assert ESCAPE not in done.out


@pytest.mark.parametrize(("answer", "direction"), [("n\n", "both"), ("y\n", "to_right")])
def test_apply_asks_on_a_terminal(desk: Desk, answer: str, direction: str) -> None:
    changed = CONFIGURATION.replace("direction: both", "direction: to_right")
    (desk.folder / "twofold.yaml").write_text(changed, encoding="utf-8")
    code, shown = type_at_terminal(desk.folder, "apply", answer=answer)
    assert code == 0
    assert "Apply this? [y/N]" in shown
    assert f"direction: {direction}" in desk.run("export").out.split("CUSTOMER")[1]


def test_full_sync_asks_on_a_terminal_whether_to_go_on_creating(desk: Desk) -> None:
    code, shown = type_at_terminal(desk.folder, "full-sync", answer="y\n")
    assert code == 0
    assert "Shall later runs go on creating records for CUSTOMER?" in shown
    assert "synch_only_coupled_records: false" in desk.run("export").out.split("CUSTOMER")[1]


def test_a_reader_that_goes_away_is_no_error(synchronized: Desk) -> None:
    process = subprocess.Popen(
        command_line("jobs", "--json"),
        cwd=synchronized.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


LOADED = """
import sys
from twofold.cli.main import main
code = main(sys.argv[1:])
heavy = [name for name in ("polars", "django", "sqlalchemy") if name in sys.modules]
print("loaded", code, *heavy, file=sys.stderr)
"""


def _loaded(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()[-1].split()


@pytest.mark.parametrize("arguments", [["--help"], ["sync", "--help"], ["--version"], ["snyc"], []])
def test_help_loads_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    assert _loaded(tmp_path, *arguments)[2:] == []


@pytest.mark.parametrize("arguments", [["jobs"], ["job", "2"], ["couplings", "CUSTOMER"], ["errors"]])
def test_listings_load_no_polars(synchronized: Desk, arguments: list[str]) -> None:
    assert _loaded(synchronized.folder, *arguments) == ["loaded", "0", "django"]
