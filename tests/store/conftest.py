"""Stores on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from twofold.store.database import configure_django, open_store

configure_django()

from twofold.store.store import DjangoStore  # noqa: E402 - models exist once Django is configured
from twofold.testing.store_contract import MAPPING, OTHER  # noqa: E402

from .arrangement import Opener, SetClock  # noqa: E402


@pytest.fixture(scope="session")
def shared_state(postgresql_server: str) -> str:
    """A state database on PostgreSQL that is made once, because making one takes longer than most tests."""
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        server.execute("CREATE DATABASE twofold_state")
    url = postgresql_server.replace("/postgres?", "/twofold_state?")
    open_store(url).close()
    return url


@pytest.fixture
def emptied_state(shared_state: str) -> str:
    """The shared state database without rows."""
    with psycopg.connect(shared_state, autocommit=True) as state:
        state.execute("TRUNCATE store_connection, store_mapping, store_document, store_job CASCADE")
    return shared_state


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """A state database without rows."""
    if request.param == "sqlite":
        return tmp_path / "twofold.db"
    return str(request.getfixturevalue("emptied_state"))


@pytest.fixture(params=["sqlite", "postgresql"])
def nothing_yet(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a state database is still to be made."""
    if request.param == "sqlite":
        return tmp_path / "twofold.db"
    return str(request.getfixturevalue("postgresql_url"))


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
