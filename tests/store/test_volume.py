"""Large mappings are read and written in pages, and the database itself refuses a second counterpart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from django.db import IntegrityError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.core.names import Side
from twofold.ports import Record
from twofold.store.database import open_store
from twofold.store.models import Coupling, Entry, Mapping
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import MAPPING, couplings, entry, numbered

MANY = 100_000
CHUNK = 20_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DjangoStore]:
    """A hundred thousand couplings, of which ten are pending."""
    with open_store(tmp_path_factory.mktemp("large") / "twofold.db") as store:
        store.configuration.save({}, {MAPPING: {}})
        for start in range(0, MANY, CHUNK):
            store.record(MAPPING, Record(couple=couplings(numbered(CHUNK, start))))
        store.reserve(MAPPING, couplings([(f"P{number}", None) for number in range(10)], "pending_right"))
        yield store


def test_all_of_many_couplings_come_once_in_pages(large: DjangoStore) -> None:
    pages = list(large.pages(MAPPING, CHUNK))
    assert [page.height for page in pages] == [CHUNK] * 5 + [10]
    assert pl.concat(pages)["left_key"].n_unique() == MANY + 10
    assert large.coupling_count(MAPPING) == MANY


def test_many_keys_are_found_in_one_question(large: DjangoStore) -> None:
    keys = [f"L{number}" for number in range(0, MANY, 3)]
    assert large.couplings(MAPPING, Side.LEFT, keys)["left_key"].to_list() == keys
    assert large.translate(MAPPING, Side.LEFT, [*keys, "stranger"]).height == len(keys)


def test_a_sweep_over_many_keys_finds_the_few_that_are_gone(large: DjangoStore) -> None:
    with large.sweep(MAPPING, Side.LEFT) as sweep:
        for page in large.pages(MAPPING, CHUNK):
            sweep.saw(page["left_key"].filter(page["left_key"] != "L777"))
        assert sweep.missing_count() == 1
        assert [page["left_key"].to_list() for page in sweep.missing(10)] == [["L777"]]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "SELECT id FROM store_coupling WHERE mapping_id = 1 AND NOT (state = 'coupled') AND id > 5",
            "coupling_open",
        ),
        (
            "SELECT id FROM store_coupling WHERE mapping_id = 1 AND right_key IN (SELECT 'R1')",
            "mapping_id=? AND right_key=?",
        ),
        ("SELECT COUNT(*) FROM store_coupling WHERE mapping_id = 1", "USING COVERING INDEX"),
    ],
)
def test_the_usual_questions_are_answered_by_an_index(large: DjangoStore, statement: str, index: str) -> None:
    with connections[large.alias].cursor() as cursor:
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    assert index in " ".join(str(row) for row in plan)


def test_a_sweep_and_a_store_can_be_used_from_other_threads(store: DjangoStore) -> None:
    store.record(MAPPING, Record(couple=couplings(numbered(10))))
    found: list[int] = []
    with store.sweep(MAPPING, Side.LEFT) as sweep:

        def look() -> None:
            sweep.saw(pl.Series([f"L{number}" for number in range(8)]))
            found.append(store.coupling_count(MAPPING))

        threads = [Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sweep.missing_count() == 2
    assert found == [10, 10, 10]


@pytest.mark.parametrize("keys", [("L1", "R2"), ("L2", "R1"), (None, None)])
def test_the_database_itself_refuses_a_second_counterpart(
    store: DjangoStore, keys: tuple[str | None, str | None]
) -> None:
    store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
    mapping = Mapping.objects.using(store.alias).get(name=MAPPING)
    with pytest.raises(IntegrityError), transaction.atomic(using=store.alias):
        Coupling.objects.using(store.alias).create(
            mapping=mapping, left_key=keys[0], right_key=keys[1], state="coupled"
        )


def test_the_database_itself_refuses_a_second_entry_of_a_record_without_counterpart(
    store: DjangoStore,
) -> None:
    store.record(MAPPING, Record(entries=entry("L1", None)))
    row = Entry.objects.using(store.alias).get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic(using=store.alias):
        row.save(force_insert=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(permutation=st.permutations(["a", "b", "c", "d"]))
def test_settling_gives_each_coupling_its_new_counterpart_however_they_are_exchanged(
    tmp_path: Path, permutation: list[str]
) -> None:
    with open_store(tmp_path / "twofold.db") as store:
        if not store.configuration.mappings():
            store.configuration.save({}, {MAPPING: {}})
            store.record(MAPPING, Record(couple=couplings([(key, key) for key in "abcd"])))
        (page,) = store.pages(MAPPING, 10)
        page = page.sort("left_key").with_columns(right_key=pl.Series(permutation))
        store.record(MAPPING, Record(settle=page))
        assert store.couplings(MAPPING, Side.LEFT, list("abcd")).sort("left_key").equals(page)
