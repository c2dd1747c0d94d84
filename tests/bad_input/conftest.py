"""Workspaces in which somebody does something wrong."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from twofold.cli.main import main

from .page import FILE, stored, whole
from .place import CONFIGURATION, TABLES, Place


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests changes what is printed."""
    for name in ("TWOFOLD_WORKSPACE", "TWOFOLD_DATABASE_URL", "FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which all is well: configured and synchronized."""
    folder = tmp_path_factory.mktemp("good")
    for name, statements in TABLES.items():
        with closing(sqlite3.connect(folder / f"{name}.db")) as connection:
            connection.executescript(statements)
    (folder / "twofold.yaml").write_text(CONFIGURATION, encoding="utf-8")
    for command in (["init"], ["apply", "--yes"], ["full-sync"]):
        assert main([*command, "--workspace", str(folder)]) == 0
    return folder


@pytest.fixture
def place(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> Iterator[Place]:
    """A copy of the good workspace."""
    shutil.copytree(good, tmp_path / "workspace")
    found = Place(tmp_path / "workspace", capsys, request)
    with found.stack:
        yield found


@pytest.fixture(scope="session")
def rows() -> Iterator[dict[str, str]]:
    """The lines of the page; what the tests change in them is written when TWOFOLD_REWRITE is set."""
    found = stored()
    yield found
    if os.environ.get("TWOFOLD_REWRITE"):
        FILE.write_text(whole(found), encoding="utf-8")
