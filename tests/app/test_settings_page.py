"""The page about the configuration is true: its examples load, and it names every key."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from twofold.app.settings import load
from twofold.core.mapping import FieldMapping, TableMapping, TableSide

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_page_loads(example: str) -> None:
    assert load(example).mappings


def section(title: str) -> str:
    return PAGE[PAGE.index(title) :].split("\n\n|", 1)[1].split("\n\n", 1)[0]


@pytest.mark.parametrize(
    ("title", "part"),
    [("## `mappings`", TableMapping), ("### A side", TableSide), ("## Field mappings", FieldMapping)],
)
def test_the_page_names_every_key_once(title: str, part: type) -> None:
    named = [
        key
        for row in section(title).splitlines()
        for key in re.findall(r"`(\w+)`", row.split("|")[0 if row[0] != "|" else 1])
    ]
    assert sorted(set(named)) == sorted(field.name for field in fields(part) if field.name != "name")
    assert len(named) == len(set(named))
