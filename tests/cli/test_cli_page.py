"""The page about the command line names every command and every option."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from twofold.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
GROUP = typer.main.get_command(app)
COMMANDS = getattr(GROUP, "commands")  # noqa: B009 - the type of a group is private to Typer


def section(name: str) -> str:
    """What the page says under a command's heading."""
    text = PAGE.read_text(encoding="utf-8")
    start = text.index(f"\n### {name}\n")
    end = text.find("\n##", start + 1)
    return text[start : end if end > 0 else len(text)]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_page_describes_every_command_with_its_options(name: str) -> None:
    said = section(name)
    common = {"--workspace", "--json", "--debug", "--help"}
    for parameter in COMMANDS[name].params:
        spelt = [option for option in parameter.opts if option.startswith("--")]
        assert all(option in said for option in spelt if option not in common), spelt


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_page_shows_an_example_of_every_command(name: str) -> None:
    assert f"twofold {name}" in section(name)


@pytest.mark.parametrize("option", ["--workspace", "--json", "--debug", "--help", "--version"])
def test_the_page_describes_the_options_of_every_command(option: str) -> None:
    assert option in PAGE.read_text(encoding="utf-8").split("\n## Set up")[0]
