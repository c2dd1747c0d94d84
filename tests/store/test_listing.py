"""What is listed has the shapes of the command line's JSON, and costs no more than its page."""

from __future__ import annotations

import json

import polars as pl
import pytest

from twofold.core.names import COUNTERS, Direction, JobStatus, JobType
from twofold.errors import Refused, StoreBroken
from twofold.ports import JobError, Record
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import MAPPING, OTHER, couplings, entry, numbered

from .arrangement import SetClock

JOB_KEYS = ["id", "mapping", "direction", "type", "status", "message", "started", "finished", *COUNTERS]


def begin(store: DjangoStore, mapping: str = MAPPING) -> int:
    return store.begin_job(mapping, Direction.TO_RIGHT, JobType.SYNCHRONIZATION)


def test_a_job_is_listed_with_its_counters_and_times_in_utc(store: DjangoStore, clock: SetClock) -> None:
    job = begin(store)
    store.record(MAPPING, Record(counters={job: {"inserted": 2, "conflicts": 1}}))
    store.record(MAPPING, Record(counters={job: {"inserted": 3}}))
    clock.pass_by(seconds=1.5)
    store.finish_job(job, JobStatus.FINISHED, "done")
    (shown,) = store.listing.jobs()
    assert list(shown) == JOB_KEYS
    assert shown == dict.fromkeys(COUNTERS, 0) | {
        "id": job,
        "mapping": MAPPING,
        "direction": "to_right",
        "type": "synchronization",
        "status": "finished",
        "message": "done",
        "started": "2026-05-06T07:08:09Z",
        "finished": "2026-05-06T07:08:10.500000Z",
        "inserted": 5,
        "conflicts": 1,
    }


def test_jobs_are_listed_latest_first_for_one_mapping_or_all(store: DjangoStore) -> None:
    first, second, third = begin(store), begin(store, OTHER), store.begin_job(MAPPING, None, JobType.COUPLING)
    assert [job["id"] for job in store.listing.jobs()] == [third, second, first]
    assert [job["direction"] for job in store.listing.jobs(MAPPING)] == [None, "to_right"]
    assert [job["id"] for job in store.listing.jobs(limit=1)] == [third]


def test_a_job_shows_the_lines_of_its_log(store: DjangoStore) -> None:
    job = begin(store)
    lines = [
        JobError(job, "L1", None, "name", "failed", "is too long"),
        JobError(job, None, "R1", None, "deleted", "x"),
    ]
    store.record(MAPPING, Record(errors=lines))
    assert store.listing.job(job)["errors"] == [
        {"left_key": "L1", "right_key": None, "field": "name", "kind": "failed", "message": "is too long"},
        {"left_key": None, "right_key": "R1", "field": None, "kind": "deleted", "message": "x"},
    ]


def test_an_unknown_job_is_refused(store: DjangoStore) -> None:
    with pytest.raises(Refused, match="no job 4711"):
        store.listing.job(4711)
    with pytest.raises(StoreBroken, match="Job 4711"):
        store.finish_job(4711, JobStatus.FINISHED, "")


def test_old_jobs_can_be_purged_but_running_ones_stay(store: DjangoStore, clock: SetClock) -> None:
    old, running = begin(store), begin(store)
    store.record(MAPPING, Record(errors=[JobError(old, "L1", None, None, "failed", "no")]))
    store.finish_job(old, JobStatus.FAILED, "")
    clock.pass_by(days=40)
    new = begin(store)
    store.finish_job(new, JobStatus.FINISHED, "")
    clock.pass_by(days=1)
    assert store.purge_jobs(clock.now().replace(day=1)) == 1
    assert [job["id"] for job in store.listing.jobs()] == [new, running]


def test_a_coupling_shows_what_is_set_aside_and_the_last_error_of_either_record(
    store: DjangoStore, clock: SetClock
) -> None:
    store.record(MAPPING, Record(couple=couplings(numbered(3))))
    store.reserve(MAPPING, couplings([("P", None)], "pending_right"))
    store.record(MAPPING, Record(entries=entry("L0", "R3", skipped=True, message="first")))
    clock.pass_by(minutes=1)
    store.record(MAPPING, Record(entries=entry(None, "R3", "to_left", message="second")))
    shown = list(store.listing.couplings(MAPPING))
    assert shown[0] == {
        "left_key": "L0",
        "right_key": "R3",
        "state": "coupled",
        "skipped_to_right": True,
        "skipped_to_left": False,
        "last_synchronized": "2026-05-06T07:08:09Z",
        "last_error": "second",
    }
    assert (shown[1]["last_error"], shown[1]["skipped_to_right"]) == (None, False)
    assert (shown[3]["left_key"], shown[3]["last_synchronized"]) == ("P", None)


def test_a_pair_that_was_only_coupled_was_never_synchronized(store: DjangoStore, clock: SetClock) -> None:
    bare = couplings([("L1", "R1")]).with_columns(left_base=pl.lit(bytes(8)), right_base=pl.lit(bytes(8)))
    store.record(MAPPING, Record(couple=bare))
    (page,) = store.pages(MAPPING, 1)
    assert next(store.listing.couplings(MAPPING))["last_synchronized"] is None
    store.record(MAPPING, Record(settle=page.with_columns(left_base=pl.lit(b"12345678"))))
    clock.pass_by(days=1)
    store.record(MAPPING, Record(settle=page.with_columns(state=pl.lit("in_doubt"), right_key=pl.lit("R2"))))
    assert next(store.listing.couplings(MAPPING))["last_synchronized"] == "2026-05-06T07:08:09Z"


def test_couplings_are_listed_by_page_and_by_key(store: DjangoStore) -> None:
    store.record(MAPPING, Record(couple=couplings(numbered(1200))))
    everything = [row["left_key"] for row in store.listing.couplings(MAPPING)]
    assert everything == [f"L{number}" for number in range(1200)]
    page = store.listing.couplings(MAPPING, offset=1100, limit=2)
    assert [row["left_key"] for row in page] == ["L1100", "L1101"]
    named = store.listing.couplings(MAPPING, left=["L7"], right=["R1"])
    assert [row["left_key"] for row in named] == ["L7", "L1199"]
    with pytest.raises(Refused, match="NOBODY"):
        store.listing.couplings("NOBODY")


def test_an_entry_is_listed_in_full(store: DjangoStore) -> None:
    store.record(
        MAPPING, Record(entries=entry("L1", None, kind="conflict", fields=json.dumps(["name", "city"])))
    )
    assert store.listing.entries(MAPPING) == [
        {
            "mapping": MAPPING,
            "left_key": "L1",
            "right_key": None,
            "direction": "to_right",
            "kind": "conflict",
            "message": "it did not fit",
            "fields": ["name", "city"],
            "since": "2026-05-06T07:08:09Z",
            "actions": ["send", "get", "merge", "skip"],
        }
    ]
    assert store.listing.entries(OTHER) == []


@pytest.mark.parametrize(
    ("kind", "skipped", "actions"),
    [
        ("conflict", False, ["send", "get", "merge", "uncouple", "skip"]),
        ("deleted", False, ["restore", "delete", "uncouple", "skip"]),
        ("failed", False, ["retry", "uncouple", "skip"]),
        ("failed", True, ["retry", "uncouple"]),
        ("conflict", True, ["retry", "send", "get", "merge", "uncouple"]),
        ("in_doubt", False, ["retry", "uncouple", "skip"]),
    ],
)
def test_the_actions_fit_the_kind(store: DjangoStore, kind: str, skipped: bool, actions: list[str]) -> None:
    store.record(MAPPING, Record(entries=entry("L1", "R1", None, kind=kind, skipped=skipped)))
    assert store.listing.entries()[0]["actions"] == actions


def test_a_trouble_began_when_it_was_first_seen_and_a_new_kind_is_a_new_one(
    store: DjangoStore, clock: SetClock
) -> None:
    store.record(MAPPING, Record(entries=entry("L1", None)))
    clock.pass_by(hours=1)
    store.record(MAPPING, Record(entries=entry("L1", None, message="again")))
    assert store.listing.entries()[0]["since"] == "2026-05-06T07:08:09Z"
    store.record(MAPPING, Record(entries=entry("L1", None, kind="blocked")))
    assert store.listing.entries()[0]["since"] == "2026-05-06T08:08:09Z"


def test_the_counts_say_how_each_mapping_stands(store: DjangoStore) -> None:
    store.record(MAPPING, Record(couple=couplings(numbered(3))))
    store.reserve(MAPPING, couplings([("P", None)], "pending_right"))
    store.reserve(MAPPING, couplings([("D", None)], "in_doubt"))
    lines = [entry("L1", None), entry("L2", None, kind="conflict"), entry("L3", None, skipped=True)]
    store.record(MAPPING, Record(entries=pl.concat(lines)))
    counts = store.listing.counts()
    assert counts[MAPPING] == {
        "coupled": 3,
        "pending": 1,
        "in_doubt": 1,
        "questions": 1,
        "failures": 1,
        "set_aside": 1,
    }
    assert set(counts[OTHER].values()) == {0}
