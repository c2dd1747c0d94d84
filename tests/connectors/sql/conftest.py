"""Three real databases, each empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .place import Place


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "erp.db").touch()
    place = Place("sqlite", "sqlite:///erp.db", tmp_path)
    yield place
    place.close()


@pytest.fixture
def postgresql(make_postgresql_database: Callable[[], str], tmp_path: Path) -> Iterator[Place]:
    place = Place("postgresql", make_postgresql_database(), tmp_path)
    yield place
    place.close()


@pytest.fixture
def mariadb(make_mariadb_database: Callable[[], str], tmp_path: Path) -> Iterator[Place]:
    place = Place("mariadb", make_mariadb_database(), tmp_path)
    yield place
    place.close()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def place(request: pytest.FixtureRequest) -> Place:
    """Any of the databases."""
    found: Place = request.getfixturevalue(request.param)
    return found
