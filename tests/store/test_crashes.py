"""A run that dies inside the store leaves either everything of a chunk or nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from twofold.core.names import Direction, JobType, Side
from twofold.ports import Bookmark, JobError, Record
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import MAPPING, couplings, entry

from .arrangement import Opener


class Crash(BaseException):
    """The machine stops here."""


class CrashAt:
    """Lets so many statements of a connection pass, and then crashes before the next."""

    def __init__(self, statements: int) -> None:
        self._left = statements

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        if self._left == 0:
            raise Crash
        self._left -= 1
        return execute(*arguments)


def chunk(store: DjangoStore, job: int) -> Record:
    """A record that touches every table."""
    first = store.couplings(MAPPING, Side.LEFT, ["L1", "L2", "L3"])
    return Record(
        couple=couplings([("L8", "R8"), ("L9", "R9")]),
        settle=first[1:2].with_columns(left_version=first["right_version"][1:2]).vstack(_moved(first[2:])),
        uncouple=first["id"][:1].to_list(),
        entries=entry("L7", None),
        solved=store.entries(MAPPING, ["L6"], [])["id"].to_list(),
        errors=[JobError(job, "L7", None, "name", "failed", "no")],
        counters={job: {"inserted": 2, "failed": 1}},
        bookmarks={Side.LEFT: Bookmark("after", "s"), Side.RIGHT: Bookmark("after", "s")},
    )


def _moved(pair: Any) -> Any:
    return pair.with_columns(right_key=pair["right_key"] + "x")


@pytest.fixture
def job(store: DjangoStore) -> int:
    job = store.begin_job(MAPPING, Direction.TO_RIGHT, JobType.SYNCHRONIZATION)
    pairs = couplings([("L1", "R1"), ("L2", "R2"), ("L3", "R3")])
    store.record(MAPPING, Record(couple=pairs, entries=entry("L6", None)))
    return job


def everything(store: DjangoStore, job: int) -> list[Any]:
    """All that a record can change."""
    return [
        [page.rows() for page in store.pages(MAPPING, 100)],
        [page.rows() for page in store.entry_pages(MAPPING, 100)],
        store.listing.job(job),
        [store.bookmark(MAPPING, side) for side in Side],
    ]


def test_a_crash_before_any_statement_of_a_record_leaves_nothing_of_it(
    store: DjangoStore, opened: Opener, job: int
) -> None:
    record, before = chunk(store, job), everything(store, job)
    crashes = 0
    while crashes < 60:
        try:
            with connections[store.alias].execute_wrapper(CrashAt(crashes)):
                store.record(MAPPING, record)
            break
        except Crash:
            crashes += 1
            assert everything(opened() if crashes % 5 == 0 else store, job) == before
    assert 10 < crashes < 60
    assert store.bookmark(MAPPING, Side.LEFT) == Bookmark("after", "s")
    assert store.translate(MAPPING, Side.LEFT, ["L1", "L2", "L3", "L8"])["other"].to_list() == [
        "R2",
        "R3x",
        "R8",
    ]


def test_a_crash_while_reserving_leaves_no_pending_coupling(store: DjangoStore) -> None:
    pending = couplings([("L1", None), ("L2", None)], "in_doubt")
    for statements in range(4):
        with pytest.raises(Crash), connections[store.alias].execute_wrapper(CrashAt(statements)):
            store.reserve(MAPPING, pending)
        assert list(store.pages(MAPPING, 10)) == []


KILLED = """
import os, signal, sys
from django.db import connections
from twofold.ports import Bookmark, Record
from twofold.core.names import Side
from twofold.store.database import open_store
from twofold.testing.store_contract import couplings

def kill_at_the_bookmark(execute, sql, *rest):
    if "store_bookmark" in sql:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, *rest)

with open_store(sys.argv[1]) as store, store.claim("CUSTOMER"):
    reserved = store.reserve("CUSTOMER", couplings([("L1", "R1")], "pending_right"))
    with connections[store.alias].execute_wrapper(kill_at_the_bookmark):
        store.record("CUSTOMER", Record(
            couple=couplings([("L2", "R2")]),
            settle=reserved.with_columns(state=reserved["state"].replace("pending_right", "coupled")),
            bookmarks={Side.LEFT: Bookmark("c", "s")},
        ))
"""


def test_a_process_killed_inside_a_record_leaves_its_pending_couplings_and_nothing_else(
    store: DjangoStore, where: str | Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(where)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    with store.claim(MAPPING):
        (page,) = store.pages(MAPPING, 10)
    assert page.select("left_key", "right_key", "state").rows() == [("L1", "R1", "pending_right")]
    assert store.bookmark(MAPPING, Side.LEFT) is None
