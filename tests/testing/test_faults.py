"""Faults happen where they are told to, leave what they say they leave, and can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from twofold.connectors.memory import MemoryConnector, MemorySystem
from twofold.core.frames import KEY, KIND, RESULT_SCHEMA, VERSION
from twofold.core.names import FeedKind
from twofold.core.schema import Field, FieldType, Schema
from twofold.errors import Throttled, Unreachable
from twofold.ports import ChangePage, OpKind, Ops, ResultKind, Table
from twofold.testing.faults import Fault, Faulty, Trouble
from twofold.testing.fuse import Crash, Fuse, fused_store

TABLE = Table("things", ("id",), FeedKind.ROW_VERSION, row_version="version")


@pytest.fixture
def system() -> MemorySystem:
    made = MemorySystem()
    fields = (
        Field("id", FieldType.TEXT, 40, nullable=False),
        Field("name", FieldType.TEXT),
        Field("version", FieldType.INTEGER),
    )
    made.create_table(Schema("things", fields, ("id",)), row_version="version")
    for number in range(5):
        made.insert("things", {"id": f"k{number}", "name": f"thing {number}"})
    return made


def faulty(system: MemorySystem, verb: str, trouble: Trouble, call: int = 1, **more: object) -> Faulty:
    return Faulty(MemoryConnector(system, page_size=2), [Fault(verb, call, trouble)], **more)  # type: ignore[arg-type]


def read(connector: Faulty, since: str | None = None) -> list[ChangePage]:
    return list(connector.changes(TABLE, ["name"], None, since))


def keys(pages: list[ChangePage]) -> list[str]:
    return [key for page in pages for key in page.rows[KEY]]


def rename(*names: str) -> Ops:
    rows = {KEY: [f"k{number}" for number in range(len(names))], VERSION: [None] * len(names), "name": names}
    return Ops(
        OpKind.UPDATE, pl.DataFrame(rows, schema={KEY: pl.String, VERSION: pl.String, "name": pl.String})
    )


def names(system: MemorySystem) -> list[str]:
    return [row["name"] for row in system.rows("things").values()]


def test_without_a_fault_every_verb_is_the_connector_behind(system: MemorySystem) -> None:
    connector = Faulty(MemoryConnector(system, page_size=2))
    assert keys(read(connector)) == ["k0", "k1", "k2", "k3", "k4"]
    assert connector.fetch(TABLE, ["name"], ["k3"]).rows["name"].to_list() == ["thing 3"]
    assert connector.apply(TABLE, [rename("new")]).rows[KIND].to_list() == [None]
    assert (connector.identity(), list(connector.tables())) == ("memory:memory", ["things"])
    assert connector.describe("things") == connector.inner.describe("things")
    assert connector.capabilities(TABLE) == connector.inner.capabilities(TABLE)
    assert connector.injected == []


def test_faults_can_be_stacked(system: MemorySystem) -> None:
    inner = faulty(system, "apply", Trouble.STALE)
    outer = Faulty(inner, [Fault("fetch", 1, Trouble.EMPTY)])
    assert outer.apply(TABLE, [rename("new")]).rows[KIND].to_list() == [ResultKind.STALE]
    assert outer.fetch(TABLE, [], ["k1"]).rows.height == 0


@pytest.mark.parametrize("verb", ["changes", "fetch", "apply"])
@pytest.mark.parametrize(
    ("trouble", "error"), [(Trouble.UNREACHABLE, Unreachable), (Trouble.THROTTLED, Throttled)]
)
def test_a_refused_call_does_nothing_and_only_once(
    system: MemorySystem, verb: str, trouble: Trouble, error: type[Exception]
) -> None:
    connector = faulty(system, verb, trouble)
    calls: dict[str, Callable[[], object]] = {
        "changes": lambda: read(connector),
        "fetch": lambda: connector.fetch(TABLE, [], ["k1"]),
        "apply": lambda: connector.apply(TABLE, [rename("new")]),
    }
    with pytest.raises(error):
        calls[verb]()
    assert names(system)[0] == "thing 0"
    calls[verb]()
    assert connector.injected == [Fault(verb, 1, trouble)]


def test_a_lost_reply_leaves_the_write_behind(system: MemorySystem) -> None:
    with pytest.raises(Unreachable, match="before the reply"):
        faulty(system, "apply", Trouble.LOST_REPLY).apply(TABLE, [rename("new")])
    assert names(system)[0] == "new"


@pytest.mark.parametrize(("trouble", "stored"), [(Trouble.IN_DOUBT, "new"), (Trouble.DROPPED, "thing 0")])
def test_results_in_doubt_may_or_may_not_be_done(system: MemorySystem, trouble: Trouble, stored: str) -> None:
    results = faulty(system, "apply", trouble).apply(TABLE, [rename("new", "newer")]).rows
    assert dict(results.schema) == RESULT_SCHEMA
    assert results[KIND].to_list() == [ResultKind.IN_DOUBT] * 2
    assert results[KEY].to_list() == ["k0", "k1"]
    assert names(system)[0] == stored


def test_stale_rows_are_not_written_and_the_others_are(system: MemorySystem) -> None:
    results = faulty(system, "apply", Trouble.STALE).apply(TABLE, [rename("a", "b", "c"), rename("d")]).rows
    assert results[KIND].to_list() == [ResultKind.STALE, None, ResultKind.STALE, ResultKind.STALE]
    assert results[KEY].to_list() == ["k0", "k1", "k2", "k0"]
    assert names(system)[:3] == ["thing 0", "b", "thing 2"]


def test_a_broken_feed_can_be_continued(system: MemorySystem) -> None:
    connector = faulty(system, "changes", Trouble.BROKEN)
    pages: list[ChangePage] = []
    with pytest.raises(Unreachable):
        pages.extend(connector.changes(TABLE, ["name"], None, None))
    assert keys(pages) == ["k0", "k1"]
    assert keys(read(connector, pages[-1].cursor)) == ["k2", "k3", "k4"]


def test_a_truncated_feed_looks_whole_and_has_an_honest_cursor(system: MemorySystem) -> None:
    connector = faulty(system, "changes", Trouble.TRUNCATED)
    (page,) = read(connector)
    assert keys([page, *read(connector, page.cursor)]) == ["k0", "k1", "k2", "k3", "k4"]


def test_a_repeated_feed_has_every_row_three_times(system: MemorySystem) -> None:
    found = keys(read(faulty(system, "changes", Trouble.REPEATED)))
    assert {found.count(key) for key in system.rows("things")} == {3}


def test_an_empty_side_has_no_rows_and_counts_none(system: MemorySystem) -> None:
    connector = Faulty(
        MemoryConnector(system), [Fault("changes", 1, Trouble.EMPTY), Fault("fetch", 1, Trouble.EMPTY)]
    )
    (page,) = read(connector)
    assert (page.rows.height, page.count, page.rows.columns[-1]) == (0, 0, "name")
    assert connector.fetch(TABLE, ["name"], ["k1"]).rows.height == 0


def test_a_slow_call_moves_the_clock(system: MemorySystem) -> None:
    before = system.now
    connector = faulty(system, "fetch", Trouble.SLOW, wait=lambda seconds: system.advance(seconds=seconds))
    assert connector.fetch(TABLE, [], ["k1"]).rows.height == 1
    assert system.now - before == timedelta(minutes=10)


def _history(system: MemorySystem, seed: int) -> Faulty:
    connector = Faulty(MemoryConnector(system), seed=seed, rate=0.5)
    for number in range(20):
        try:
            connector.apply(TABLE, [rename(f"name {number}")])
            connector.fetch(TABLE, [], ["k1"])
        except (Unreachable, Throttled):
            continue
    return connector


def test_a_seed_tells_the_whole_story_again(system: MemorySystem) -> None:
    one, two, other = _history(system, 7), _history(system, 7), _history(system, 8)
    assert one.injected == two.injected
    assert one.injected != other.injected
    assert repr(one) == repr(two)


def test_the_printed_form_shows_the_seed_and_what_happened(system: MemorySystem) -> None:
    connector = _history(system, 7)
    assert "seed=7" in repr(connector)
    assert str(connector.injected[0]) in repr(connector)


def test_a_healed_connector_has_no_more_faults(system: MemorySystem) -> None:
    connector = _history(system, 7)
    before = list(connector.injected)
    connector.heal()
    for _ in range(20):
        connector.apply(TABLE, [rename("calm")])
    assert connector.injected == before


def test_every_point_of_a_history_can_be_the_last(system: MemorySystem) -> None:
    def live(fuse: Fuse) -> None:
        connector = Faulty(MemoryConnector(system, page_size=2), fuse=fuse)
        read(connector)
        connector.apply(TABLE, [rename("new")])

    whole = Fuse()
    live(whole)
    places = []
    for at in range(1, whole.points + 1):
        fuse = Fuse(at)
        with pytest.raises(Crash, match=r"crashed (before|after|between)"):
            live(fuse)
        places.append(fuse.place)
    assert places[-2:] == ["before apply", "between the write and its reply"]


def test_a_crash_between_write_and_reply_leaves_the_write_behind(system: MemorySystem) -> None:
    connector = Faulty(MemoryConnector(system), fuse=Fuse(2))
    with pytest.raises(Crash):
        connector.apply(TABLE, [rename("new")])
    assert names(system)[0] == "new"


def test_nothing_happens_after_a_crash(system: MemorySystem) -> None:
    connector = Faulty(MemoryConnector(system), fuse=Fuse(1))
    for name in ("one", "two"):
        with pytest.raises(Crash):
            connector.apply(TABLE, [rename(name)])
    assert names(system)[0] == "thing 0"


class Ledger:
    """As much of a store as a fuse needs."""

    def __init__(self) -> None:
        self.finished: list[int] = []
        self.kind = "ledger"

    def finish_job(self, job: int, status: str, message: str) -> None:
        self.finished.append(job)


def test_a_store_dies_before_or_after_its_work() -> None:
    for at, finished in ((1, []), (2, [5]), (3, [5])):
        ledger, fuse = Ledger(), Fuse(at)
        store = fused_store(ledger, fuse)  # type: ignore[arg-type]
        try:
            store.finish_job(5, "finished", "")  # type: ignore[arg-type]
        except Crash as crash:
            assert "store.finish_job" in str(crash)  # noqa: PT017 - the third fuse does not blow
        assert ledger.finished == finished
        assert fuse.points == min(at, 2)
