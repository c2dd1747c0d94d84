"""The examples that come with the source are configurations that load."""

from __future__ import annotations

from pathlib import Path

import pytest

from twofold.app.settings import load
from twofold.core.dependencies import order

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/twofold.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_loads_and_can_be_ordered(path: Path) -> None:
    configuration = load(path.read_text(encoding="utf-8"))

    assert configuration.mappings
    assert sorted(order(configuration.mappings)) == sorted(configuration.mappings)
