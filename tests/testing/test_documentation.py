"""The page for connector authors holds what it says: its example is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-connector.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A folder with the files of the page, each named by its first line."""
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        name = block.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(block, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_example_connector_passes_the_contract(example: Path) -> None:
    ended = run(example, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_notes.py")
    assert ended.returncode == 0, ended.stdout
    assert int(re.findall(r"(\d+) passed", ended.stdout)[0]) >= 35


def test_a_mistake_in_the_example_would_be_found(example: Path) -> None:
    code = (example / "notes.py").read_text(encoding="utf-8")
    (example / "notes.py").write_text(
        code.replace("if key in rows:\n                return", "if False:\n                return")
    )
    ended = run(example, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "overwrites", "test_notes.py")
    assert ended.returncode == 1, ended.stdout


def test_the_example_of_faults_prints_what_it_would_do(example: Path) -> None:
    ended = run(example, "faults_example.py")
    assert ended.returncode == 0, ended.stderr
    assert "seed=7" in ended.stdout
