"""What every store must do, as a suite to run on one's own store; it must never know how that is kept.

A subclass gives two fixtures: `store`, which knows the mappings CUSTOMER and VENDOR and nothing else, and
`twin`, a second store on the same state, as another process would have it.
"""

# Each test's name is its sentence.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import polars as pl
import pytest

from twofold.core.frames import COUPLING_SCHEMA, ENTRY_SCHEMA
from twofold.core.names import Direction, JobType, Side
from twofold.errors import Refused, StoreBroken
from twofold.ports import Bookmark, JobError, Record, Store

MAPPING = "CUSTOMER"
OTHER = "VENDOR"

Keys = tuple[str | None, str | None]


def couplings(pairs: Iterable[Keys], state: str = "coupled", *, mark: str = "1") -> pl.DataFrame:
    """Couplings of these keys, with versions and bases that say `mark`."""
    rows = [
        (None, *pair, state, f"l{mark}", f"r{mark}", mark.encode() * 8, mark.encode() * 8) for pair in pairs
    ]
    return pl.DataFrame(rows, schema=COUPLING_SCHEMA, orient="row")


def entry(
    left: str | None, right: str | None, direction: str | None = "to_right", **further: object
) -> pl.DataFrame:
    """One line of the errors list."""
    values = dict.fromkeys(ENTRY_SCHEMA) | {"left_key": left, "right_key": right, "direction": direction}
    values |= {
        "kind": "failed",
        "message": "it did not fit",
        "fields": '["name"]',
        "strikes": 1,
        "skipped": False,
    }
    return pl.DataFrame([values | further], schema=ENTRY_SCHEMA)


def numbered(count: int, start: int = 0) -> list[Keys]:
    """Pairs of keys that do not sort alike on both sides."""
    return [(f"L{number}", f"R{2 * start + count - number}") for number in range(start, start + count)]


class StoreContract:
    """The promises of `ports.Store`; the fixtures come from the subclass or its surroundings."""

    # -- couplings -------------------------------------------------------------------------------------

    def test_an_empty_store_gives_empty_frames_of_the_right_shape(self, store: Store) -> None:
        assert store.couplings(MAPPING, Side.LEFT, ["L1"]).schema == pl.Schema(COUPLING_SCHEMA)
        assert store.couplings(MAPPING, Side.LEFT, []).schema == pl.Schema(COUPLING_SCHEMA)
        assert store.translate(MAPPING, Side.LEFT, ["L1"]).columns == ["key", "other"]
        assert store.entries(MAPPING, ["L1"], []).schema == pl.Schema(ENTRY_SCHEMA)
        assert list(store.pages(MAPPING, 10)) == []
        assert list(store.entry_pages(MAPPING, 10)) == []
        assert store.coupling_count(MAPPING) == 0

    def test_a_coupling_is_found_by_either_key_exactly_as_it_was_recorded(self, store: Store) -> None:
        given = couplings([("L1", "R1"), ("Ł'2\n\"", "R%s2")])
        store.record(MAPPING, Record(couple=given))
        by_left = store.couplings(MAPPING, Side.LEFT, ["L1", "Ł'2\n\"", "L9"])
        by_right = store.couplings(MAPPING, Side.RIGHT, ["R1", "R%s2"])
        assert by_left.schema == pl.Schema(COUPLING_SCHEMA)
        assert by_left.equals(by_right)
        assert by_left.drop("id").equals(given.drop("id"))

    def test_the_same_keys_mean_other_records_in_another_mapping(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings([("1", "2")])))
        store.record(OTHER, Record(couple=couplings([("1", "3")])))
        assert store.translate(OTHER, Side.LEFT, ["1"])["other"].to_list() == ["3"]
        assert store.coupling_count(MAPPING) == 1

    def test_coupling_a_pair_again_updates_it_under_its_id(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
        before = store.couplings(MAPPING, Side.LEFT, ["L1"])
        store.record(MAPPING, Record(couple=couplings([("L1", "R1"), ("L2", "R2")], mark="2")))
        after = store.couplings(MAPPING, Side.LEFT, ["L1"])
        assert after["id"].to_list() == before["id"].to_list()
        assert after["left_version"].to_list() == ["l2"]

    @pytest.mark.parametrize("pair", [("L1", "R2"), ("L2", "R1"), ("L1", None)])
    def test_a_second_counterpart_is_refused_and_both_pairs_are_named(self, store: Store, pair: Keys) -> None:
        store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
        with pytest.raises(Refused) as refusal:
            store.record(MAPPING, Record(couple=couplings([("L5", "R5"), pair])))
        assert all(f'"{key}"' in str(refusal.value) for key in ("L1", "R1", *pair) if key)
        assert store.coupling_count(MAPPING) == 1

    def test_two_new_couplings_of_one_record_are_refused(self, store: Store) -> None:
        with pytest.raises(Refused, match=r'"R1".*"R2"|"R2".*"R1"'):
            store.record(MAPPING, Record(couple=couplings([("L1", "R1"), ("L1", "R2")])))
        assert store.coupling_count(MAPPING) == 0

    def test_reserved_couplings_come_back_with_ids_in_the_order_given(self, store: Store) -> None:
        given = couplings([*numbered(50), ("L50", None), (None, "R51")], "pending_right")
        kept = store.reserve(MAPPING, given)
        assert kept.drop("id").equals(given.drop("id"))
        stored = pl.concat(store.pages(MAPPING, 100)).sort("id")
        assert kept.sort("id").equals(stored)

    def test_pending_couplings_are_not_counted_or_translated_but_found(self, store: Store) -> None:
        store.reserve(MAPPING, couplings([("L1", "R1")], "pending_right"))
        store.record(MAPPING, Record(couple=couplings([("L2", None)], "in_doubt")))
        store.record(MAPPING, Record(couple=couplings([("L3", "R3")])))
        assert store.coupling_count(MAPPING) == 1
        assert store.translate(MAPPING, Side.LEFT, ["L1", "L2", "L3"]).rows() == [("L3", "R3")]
        found = store.couplings(MAPPING, Side.LEFT, ["L1", "L2", "L3"])
        assert found["state"].to_list() == ["pending_right", "in_doubt", "coupled"]

    def test_settling_replaces_the_whole_coupling(self, store: Store) -> None:
        pending = store.reserve(MAPPING, couplings([("L1", None), ("L2", "R2")], "pending_right"))
        settled = pending.with_columns(
            right_key=pl.Series(["R1", "R2"]), state=pl.lit("coupled"), right_base=pl.lit(b"12345678")
        )
        store.record(MAPPING, Record(settle=settled))
        assert store.couplings(MAPPING, Side.RIGHT, ["R1", "R2"]).equals(settled)

    def test_two_couplings_may_swap_their_counterparts(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings([("L1", "R1"), ("L2", "R2")])))
        both = store.couplings(MAPPING, Side.LEFT, ["L1", "L2"])
        store.record(MAPPING, Record(settle=both.with_columns(right_key=both["right_key"].reverse())))
        assert store.translate(MAPPING, Side.LEFT, ["L1", "L2"]).rows() == [("L1", "R2"), ("L2", "R1")]

    def test_settling_with_a_taken_key_is_refused_and_changes_nothing(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings([("L1", "R1"), ("L2", "R2")])))
        one = store.couplings(MAPPING, Side.LEFT, ["L1"])
        with pytest.raises(Refused, match='"R2"'):
            store.record(MAPPING, Record(settle=one.with_columns(right_key=pl.lit("R2"))))
        assert store.translate(MAPPING, Side.LEFT, ["L1"]).rows() == [("L1", "R1")]

    def test_settling_a_coupling_that_is_gone_breaks_off_before_the_bookmark(self, store: Store) -> None:
        gone = store.reserve(MAPPING, couplings([("L1", "R1")], "pending_right"))
        store.record(MAPPING, Record(uncouple=gone["id"].to_list()))
        with pytest.raises(StoreBroken, match=MAPPING):
            store.record(MAPPING, Record(settle=gone, bookmarks={Side.LEFT: Bookmark("c", "s")}))
        assert store.bookmark(MAPPING, Side.LEFT) is None

    def test_an_uncoupled_pair_makes_room_for_another_in_the_same_record(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
        old = store.couplings(MAPPING, Side.LEFT, ["L1"])["id"].to_list()
        store.record(MAPPING, Record(uncouple=old, couple=couplings([("L1", "R2")])))
        new = store.couplings(MAPPING, Side.LEFT, ["L1"])
        assert new["right_key"].to_list() == ["R2"]
        assert new["id"].to_list() > old

    def test_an_id_is_never_given_again(self, store: Store) -> None:
        first = store.reserve(MAPPING, couplings(numbered(3), "pending_right"))["id"].to_list()
        store.record(MAPPING, Record(uncouple=first))
        second = store.reserve(OTHER, couplings(numbered(3), "pending_right"))["id"].to_list()
        assert min(second) > max(first)

    def test_pages_hold_every_coupling_once_while_recording_goes_on(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings(numbered(25))))
        store.record(OTHER, Record(couple=couplings(numbered(5))))
        seen: list[str] = []
        for page in store.pages(MAPPING, 10):
            seen += page["left_key"].to_list()
            more = couplings([(f"N{len(seen)}", f"M{len(seen)}")])
            store.record(MAPPING, Record(settle=page.with_columns(left_version=pl.lit("x")), couple=more))
        assert seen == [f"L{number}" for number in range(25)]
        assert store.coupling_count(MAPPING) == 28

    def test_pages_can_be_asked_for_some_states(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings(numbered(5))))
        store.reserve(MAPPING, couplings([("P1", None), ("P2", None)], "pending_right"))
        store.reserve(MAPPING, couplings([("D1", None)], "in_doubt"))
        assert _lefts(store.pages(MAPPING, 2, ["pending_right", "in_doubt"])) == ["P1", "P2", "D1"]
        assert len(_lefts(store.pages(MAPPING, 2, ["coupled", "in_doubt"]))) == 6

    def test_an_unknown_mapping_is_refused_by_name(self, store: Store) -> None:
        with pytest.raises(Refused, match="NOBODY"):
            store.coupling_count("NOBODY")

    # -- one transaction -------------------------------------------------------------------------------

    def test_a_record_that_fails_leaves_nothing_of_itself(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
        job = store.begin_job(MAPPING, Direction.TO_RIGHT, JobType.SYNCHRONIZATION)
        record = Record(
            couple=couplings([("L2", "R2")]),
            uncouple=store.couplings(MAPPING, Side.LEFT, ["L1"])["id"].to_list(),
            entries=entry("L3", None),
            errors=[JobError(job, "L3", None, "name", "failed", "no")],
            counters={job: {"inserted": 1}, job + 1000: {"inserted": 1}},
            bookmarks={Side.LEFT: Bookmark("c", "s")},
        )
        with pytest.raises(StoreBroken):
            store.record(MAPPING, record)
        assert _lefts(store.pages(MAPPING, 10)) == ["L1"]
        assert store.entries(MAPPING, ["L3"], []).is_empty()
        assert store.bookmark(MAPPING, Side.LEFT) is None

    # -- bookmarks, slots ------------------------------------------------------------------------------

    def test_a_bookmark_comes_back_as_it_was_put(self, store: Store) -> None:
        swept = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        first, second = (
            Bookmark("a", "s"),
            Bookmark("b", "t", complete=False, count=12, swept=swept, wide=True),
        )
        store.record(MAPPING, Record(bookmarks={Side.LEFT: first, Side.RIGHT: second}))
        assert store.bookmark(MAPPING, Side.LEFT) == first
        assert store.bookmark(MAPPING, Side.RIGHT) == second
        store.record(MAPPING, Record(bookmarks={Side.LEFT: second}))
        assert store.bookmark(MAPPING, Side.LEFT) == second
        assert store.bookmark(OTHER, Side.LEFT) is None

    def test_a_slot_stays_with_its_field_until_the_signature_changes(self, store: Store) -> None:
        first = dict(store.slots(MAPPING, {"a>b": "1", "c>d": "1"}))
        assert sorted(first.values()) == [0, 1]
        assert store.slots(MAPPING, {"c>d": "1", "a>b": "1"}) == first
        changed = store.slots(MAPPING, {"a>b": "2", "c>d": "1", "e>f": "1"})
        assert changed["c>d"] == first["c>d"]
        assert sorted(changed.values()) == sorted([first["c>d"], 2, 3])

    def test_a_slot_is_never_used_again_even_by_its_own_field(self, store: Store) -> None:
        slots = [store.slots(MAPPING, {"a>b": signature})["a>b"] for signature in ("1", "2", "1", "2")]
        assert slots == [0, 1, 2, 3]
        assert store.slots(OTHER, {"a>b": "1"}) == {"a>b": 0}

    # -- entries ---------------------------------------------------------------------------------------

    def test_an_entry_comes_back_as_it_was_put(self, store: Store) -> None:
        blocking = '["CURRENCY","left","EUR"]'
        given = entry(
            "L1", None, None, kind="blocked", blocking=blocking, left_version="v", strikes=2, skipped=True
        )
        store.record(MAPPING, Record(entries=given))
        found = store.entries(MAPPING, ["L1"], [])
        assert found.schema == pl.Schema(ENTRY_SCHEMA)
        assert found.drop("id").equals(given.drop("id"))

    def test_an_entry_replaces_the_one_of_the_same_record_and_direction(self, store: Store) -> None:
        store.record(MAPPING, Record(entries=pl.concat([entry("L1", None), entry("L1", None, "to_left")])))
        store.record(MAPPING, Record(entries=entry("L1", None, message="again", strikes=2)))
        assert store.entries(MAPPING, ["L1"], [])["strikes"].sort().to_list() == [1, 2]

    def test_entries_are_found_by_either_key(self, store: Store) -> None:
        lines = [entry("L1", "R1"), entry(None, "R2"), entry("L3", None)]
        store.record(MAPPING, Record(entries=pl.concat(lines)))
        assert store.entries(MAPPING, ["L3"], ["R1", "R2"]).height == 3
        assert store.entries(MAPPING, [], ["R2"])["left_key"].to_list() == [None]
        assert store.entries(MAPPING, [], []).is_empty()
        assert store.entries(OTHER, ["L1"], []).is_empty()

    def test_solved_entries_are_gone(self, store: Store) -> None:
        store.record(MAPPING, Record(entries=pl.concat([entry("L1", None), entry("L2", None)])))
        store.record(MAPPING, Record(solved=store.entries(MAPPING, ["L1"], [])["id"].to_list()))
        assert _lefts(store.entry_pages(MAPPING, 10)) == ["L2"]

    def test_entries_put_while_paging_do_not_appear(self, store: Store) -> None:
        store.record(MAPPING, Record(entries=pl.concat([entry(f"L{number}", None) for number in range(5)])))
        seen = []
        for page in store.entry_pages(MAPPING, 2):
            seen += page["left_key"].to_list()
            store.record(MAPPING, Record(solved=page["id"].to_list(), entries=entry(f"N{len(seen)}", None)))
        assert seen == ["L0", "L1", "L2", "L3", "L4"]

    # -- sweeps ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("side", list(Side))
    def test_a_sweep_finds_the_couplings_whose_key_was_not_seen(self, store: Store, side: Side) -> None:
        store.record(MAPPING, Record(couple=couplings(numbered(20))))
        store.reserve(MAPPING, couplings([("P1", "P1")], "pending_right"))
        keys = pl.concat(store.pages(MAPPING, 100)).filter(pl.col("state") == "coupled")[f"{side}_key"].sort()
        with store.sweep(MAPPING, side) as sweep:
            sweep.saw(keys[:8])
            sweep.saw(keys[4:15].append(pl.Series(["stranger"])))
            assert sweep.missing_count() == 5
            found = [page[f"{side}_key"].to_list() for page in sweep.missing(2)]
        assert [len(page) for page in found] == [2, 2, 1]
        assert sorted(key for page in found for key in page) == keys[15:].to_list()

    def test_recording_between_the_pages_of_a_sweep_is_allowed(self, store: Store) -> None:
        store.record(MAPPING, Record(couple=couplings(numbered(6))))
        with store.sweep(MAPPING, Side.LEFT) as sweep:
            for page in sweep.missing(4):
                store.record(MAPPING, Record(uncouple=page["id"].to_list()))
            assert sweep.missing_count() == 0
        assert store.coupling_count(MAPPING) == 0

    # -- claims ----------------------------------------------------------------------------------------

    def test_a_mapping_is_held_by_one_run_at_a_time(self, store: Store, twin: Store) -> None:
        with store.claim(MAPPING):
            with pytest.raises(Refused, match=f"{MAPPING} is held"), twin.claim(MAPPING):
                pass
            with pytest.raises(Refused, match="since"), store.claim(MAPPING):
                pass
            with twin.claim(OTHER):
                pass
        with twin.claim(MAPPING):
            pass

    def test_a_run_that_failed_gives_its_claim_back(self, store: Store, twin: Store) -> None:
        with pytest.raises(RuntimeError), store.claim(MAPPING):
            raise RuntimeError
        with twin.claim(MAPPING):
            pass

    def test_nothing_is_recorded_into_a_mapping_that_another_run_holds(
        self, store: Store, twin: Store
    ) -> None:
        with store.claim(MAPPING):
            with pytest.raises(StoreBroken, match=MAPPING):
                twin.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
            with pytest.raises(StoreBroken, match=MAPPING):
                twin.reserve(MAPPING, couplings([("L1", "R1")], "pending_right"))
            store.record(MAPPING, Record(couple=couplings([("L2", "R2")])))
        assert _lefts(twin.pages(MAPPING, 10)) == ["L2"]


def _lefts(pages: Iterable[pl.DataFrame]) -> Sequence[str]:
    return [key for page in pages for key in page["left_key"]]
