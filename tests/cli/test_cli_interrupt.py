"""Ctrl+C: the first finishes and records what is in hand, the second breaks off; neither loses anything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import slow_system
from .desk import Desk, command_line, run_process

CONFIGURATION = """\
connections:
  full: {kind: slow}
  empty: {kind: slow, hangs: %s}
mappings:
  CUSTOMER:
    left: {connection: full, table: customer, key: id}
    right: {connection: empty, table: customer, key: id}
    direction: to_right
    synch_only_coupled_records: false
    fields: [{left: name, right: name}]
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Installs the slow connector as any third party's: by an entry point."""
    package = tmp_path / "site" / "slow_system-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-system\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[twofold.connectors]\nslow = slow_system:connect\n")
    folders = [str(package.parent), str(Path(slow_system.__file__).parent)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


@contextmanager
def running(folder: Path, surroundings: dict[str, str], *, hangs: bool) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own that is in the middle of writing."""
    (folder / "twofold.yaml").write_text(CONFIGURATION % str(hangs).lower(), encoding="utf-8")
    applied = run_process("apply", "--yes", folder=folder, environment=surroundings)
    assert applied.code == 0, applied.err
    process = subprocess.Popen(
        command_line("sync", "--json"),
        cwd=folder,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (folder / "writing").exists():
            assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl+C and read what is said about it."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    return process.stderr.readline()


def test_the_first_interrupt_records_what_is_in_hand_and_says_how_to_go_on(
    empty_desk: Desk, surroundings: dict[str, str]
) -> None:
    with running(empty_desk.folder, surroundings, hangs=False) as process:
        assert interrupt(process).startswith("Stopping: what is in hand is finished")
        (empty_desk.folder / "interrupted").touch()
        out, err = process.communicate()
    assert process.returncode == 3
    assert "run the same command again to go on" in err
    assert "Traceback" not in err
    (job,) = json.loads(out)["jobs"]
    assert 0 < job["inserted"] < slow_system.ROWS
    assert len(empty_desk.json("couplings", "CUSTOMER")["couplings"]) == job["inserted"]


def test_the_second_interrupt_breaks_off_at_once_without_a_traceback(
    empty_desk: Desk, surroundings: dict[str, str]
) -> None:
    with running(empty_desk.folder, surroundings, hangs=True) as process:
        interrupt(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 3
    assert "Broken off." in err
    assert "Traceback" not in err
    (job,) = empty_desk.json("jobs")["jobs"]
    assert job["status"] == "failed"
