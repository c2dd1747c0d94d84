"""The errors list: setting aside, letting go, and waiting for other records."""

from __future__ import annotations

import json

import polars as pl

from twofold.ports import Record
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import MAPPING, OTHER, couplings, entry


def put(store: DjangoStore, *entries: pl.DataFrame) -> None:
    store.record(MAPPING, Record(entries=pl.concat(entries)))


def marks(store: DjangoStore, mapping: str = MAPPING) -> list[tuple[str | None, bool, int]]:
    """Left key, set aside, strikes of each entry."""
    return [
        row
        for page in store.entry_pages(mapping, 10)
        for row in page.select("left_key", "skipped", "strikes").rows()
    ]


def blocked(left: str, mapping: str, side: str, key: str) -> pl.DataFrame:
    blocking = json.dumps([mapping, side, key])
    return entry(left, None, kind="blocked", blocking=blocking, skipped=True, strikes=2)


def test_retry_releases_the_records_that_are_named(store: DjangoStore) -> None:
    put(store, *(entry(f"L{number}", f"R{number}", skipped=True, strikes=2) for number in range(3)))
    assert store.release(MAPPING, left=["L0"], right=["R1"]) == 2
    assert marks(store) == [("L0", False, 0), ("L1", False, 0), ("L2", True, 2)]
    assert store.release(MAPPING, left=["L0"]) == 0


def test_retry_all_releases_every_record_of_the_mapping_only(store: DjangoStore) -> None:
    put(store, entry("L0", None, skipped=True), entry("L1", None, strikes=1))
    store.record(OTHER, Record(entries=entry("L0", None, skipped=True)))
    assert store.release(MAPPING, everything=True) == 2
    assert marks(store, OTHER) == [("L0", True, 1)]


def test_retry_without_records_releases_nothing(store: DjangoStore) -> None:
    put(store, entry("L0", None, skipped=True))
    assert store.release(MAPPING) == 0
    assert store.release(MAPPING, left=[""]) == 0


def test_a_person_can_set_a_record_aside(store: DjangoStore) -> None:
    put(store, entry("L0", "R0", kind="conflict"), entry("L1", None))
    assert store.skip(MAPPING, right=["R0"]) == 1
    assert marks(store) == [("L0", True, 1), ("L1", False, 1)]


def test_the_entries_of_a_pair_can_be_removed(store: DjangoStore) -> None:
    put(store, entry("L0", "R0"), entry(None, "R0", "to_left"), entry("L1", None))
    assert store.remove_entries(MAPPING, left=["L0"], right=["R0"]) == 2
    assert [mark[0] for mark in marks(store)] == ["L1"]


def test_a_record_is_released_when_the_record_it_waits_for_is_coupled(store: DjangoStore) -> None:
    put(
        store,
        blocked("L0", OTHER, "left", "V1"),
        blocked("L1", OTHER, "right", "W1"),
        blocked("L2", OTHER, "left", "V2"),
        blocked("L3", OTHER, "left", "V3"),
        blocked("L4", "FORGOTTEN", "left", "V1"),
    )
    assert store.release_blocked(MAPPING, OTHER) == 0
    store.record(OTHER, Record(couple=couplings([("V1", "W1")])))
    store.reserve(OTHER, couplings([("V2", "W2")], "pending_right"))
    assert store.release_blocked(MAPPING) == 2
    assert [mark for mark in marks(store) if not mark[1]] == [("L0", False, 0), ("L1", False, 0)]
    assert store.release_blocked(MAPPING) == 0
