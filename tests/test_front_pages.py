"""What the front pages show is true: examples that load, links that lead somewhere, real commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from twofold.app.settings import load

ROOT = Path(__file__).parents[1]
FRONT = [ROOT / name for name in ("README.md", "ROADMAP.md", "CHANGELOG.md")]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
OWN = [
    *FRONT,
    *(
        ROOT / "docs" / name
        for name in ("index.md", "tutorial.md", "concepts.md", "decisions.md", "counters.md")
    ),
]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_mapping_in_the_readme_is_one_that_apply_accepts() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (configuration,) = [load(block) for block in blocks]
    assert list(configuration.mappings) == ["CUSTOMER"]


@pytest.mark.parametrize("page", [*FRONT, *DOCS], ids=named)
def test_every_link_to_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_files_to_read_first_are_there() -> None:
    files = re.findall(r"^\| `(src/\S+)` \|", (ROOT / "ROADMAP.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(files) == 6
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("page", OWN, ids=named)
def test_every_command_that_a_page_shows_exists(page: Path, commands: set[str]) -> None:
    shown = re.findall(r"(?:`|^\s*\$ |^)twofold ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    coming = {"undo"} if page.name == "ROADMAP.md" else set()
    assert set(shown) - commands - coming == set()


@pytest.fixture(scope="module")
def commands() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-m", "twofold", "--help"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return set(re.findall(r"^\W*([a-z][a-z-]+)\s", done.stdout, re.MULTILINE))


def test_every_page_is_in_the_site_and_every_page_of_the_site_is_there() -> None:
    in_site = set(
        re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    )
    there = {path.relative_to(ROOT / "docs").as_posix() for path in DOCS}
    assert in_site == there


def test_the_site_fetches_nothing_from_elsewhere() -> None:
    assert "font: false" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "http" not in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
