"""The desks that the tests of the command line sit at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from twofold.cli.main import main

from .desk import CONFIGURATION, Desk, disturb, make_tables


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests changes what is printed."""
    for name in ("TWOFOLD_WORKSPACE", "TWOFOLD_DATABASE_URL", "FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspaces that are made once and copied: `applied` is configured, `agreed` is synchronized too."""
    folder = tmp_path_factory.mktemp("templates")
    applied = folder / "applied"
    typed("init", folder=applied)
    make_tables(applied)
    (applied / "twofold.yaml").write_text(CONFIGURATION, encoding="utf-8")
    typed("apply", "--yes", folder=applied)
    shutil.copytree(applied, folder / "agreed")
    typed("full-sync", folder=folder / "agreed")
    return folder


def typed(*arguments: str, folder: Path) -> None:
    assert main([*arguments, "--workspace", str(folder)]) == 0


def copied(template: Path, folder: Path, capture: pytest.CaptureFixture[str]) -> Desk:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return Desk(folder, capture)


@pytest.fixture
def empty_desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A workspace with nothing but the example configuration."""
    desk = Desk(tmp_path, capsys)
    desk.run("init")
    return desk


@pytest.fixture
def desk(templates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Two systems, configured and not yet synchronized."""
    return copied(templates / "applied", tmp_path, capsys)


@pytest.fixture
def synchronized(templates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Two systems that agree."""
    return copied(templates / "agreed", tmp_path, capsys)


@pytest.fixture
def conflicted(synchronized: Desk) -> Desk:
    """A name that was changed on both sides, and an account that was deleted; a run found both."""
    disturb(synchronized)
    synchronized.run("sync")
    return synchronized
