"""Houses for the engine's tests, and couples in them; it must never hide what a test is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .house import House

Build = Callable[..., House]


@pytest.fixture
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Builds houses and closes them at the end."""
    houses: list[House] = []

    def make(*mappings: Any, **facts: Any) -> House:
        path: Path = tmp_path_factory.mktemp("house")
        houses.append(House(path, *mappings, **facts))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture
def house(build: Build) -> House:
    """A house with the usual mapping."""
    return build()
