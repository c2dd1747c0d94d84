"""The applied configuration: kept in a person's order, removed without loss, forgotten on request."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.core.names import Direction, JobType, Side
from twofold.errors import Refused
from twofold.ports import Bookmark, Record
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import MAPPING, OTHER, couplings, entry

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abz", max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(definition=st.dictionaries(st.text("abz", max_size=3), JSON, max_size=4))
def test_a_definition_comes_back_as_it_was_in_its_own_order(
    store: DjangoStore, definition: dict[str, object]
) -> None:
    store.configuration.save({"erp": definition}, {MAPPING: definition})
    kept = store.configuration.mappings()[MAPPING]
    assert list(kept.items()) == list(definition.items())
    assert store.configuration.connections()["erp"] == definition


def test_mappings_keep_the_order_of_the_file_and_the_others_follow(store: DjangoStore) -> None:
    store.configuration.save({}, {"ZONE": {}, "AREA": {}})
    assert list(store.configuration.mappings()) == ["ZONE", "AREA", MAPPING, OTHER]
    store.configuration.save({}, {"AREA": {}, OTHER: {}})
    assert list(store.configuration.mappings()) == ["AREA", OTHER, "ZONE", MAPPING]


def test_the_text_is_the_last_one_applied(store: DjangoStore) -> None:
    assert store.configuration.document() is None
    store.configuration.save({}, {}, "first: 1\n")
    store.configuration.save({}, {}, "second: 2  # kept\n")
    store.configuration.save({}, {})
    assert store.configuration.document() == "second: 2  # kept\n"


def test_one_definition_can_be_changed_with_its_text(store: DjangoStore) -> None:
    store.configuration.change_mapping(MAPPING, {"synch_only_coupled_records": False}, "new")
    assert store.configuration.mappings()[MAPPING] == {"synch_only_coupled_records": False}
    assert store.configuration.document() == "new"
    with pytest.raises(Refused, match=r'no mapping "CUSTOMR". Did you mean "CUSTOMER"'):
        store.configuration.change_mapping("CUSTOMR", {}, "newer")
    assert store.configuration.document() == "new"


def test_pruning_takes_out_what_is_not_named_and_keeps_its_couplings(store: DjangoStore) -> None:
    store.record(OTHER, Record(couple=couplings([("L1", "R1")])))
    assert store.configuration.save({"crm": {}}, {MAPPING: {}}, prune=True) == [OTHER]
    assert list(store.configuration.connections()) == ["crm"]
    assert store.configuration.removed() == [OTHER]
    assert store.coupling_count(OTHER) == 1
    store.configuration.save({"crm": {}}, {OTHER: {}})
    assert store.configuration.removed() == []


def test_a_mapping_that_a_run_holds_is_not_removed(store: DjangoStore, twin: DjangoStore) -> None:
    with twin.claim(OTHER):
        with pytest.raises(Refused, match="VENDOR is being synchronized"):
            store.configuration.save({}, {MAPPING: {"changed": True}}, prune=True)
        with pytest.raises(Refused, match="VENDOR is being synchronized"):
            store.configuration.remove_mapping(OTHER)
    assert store.configuration.mappings() == {MAPPING: {}, OTHER: {}}


def test_forgetting_a_removed_mapping_lets_go_of_everything_but_its_jobs(store: DjangoStore) -> None:
    store.slots(MAPPING, {"a>b": "1"})
    store.begin_job(MAPPING, Direction.TO_RIGHT, JobType.SYNCHRONIZATION)
    everything = Record(couple=couplings([("L1", "R1")]), entries=entry("L1", None))
    everything.bookmarks = {Side.LEFT: Bookmark("c", "s")}
    store.record(MAPPING, everything)
    with pytest.raises(Refused, match="still configured"):
        store.configuration.forget_mapping(MAPPING)
    store.configuration.remove_mapping(MAPPING)
    store.configuration.forget_mapping(MAPPING)
    assert store.configuration.removed() == []
    assert len(store.listing.jobs(MAPPING)) == 1
    store.configuration.save({}, {MAPPING: {}})
    assert (store.coupling_count(MAPPING), store.bookmark(MAPPING, Side.LEFT)) == (0, None)


def test_a_connection_remembers_which_system_it_spoke_to(store: DjangoStore) -> None:
    assert store.configuration.identity("erp") is None
    store.configuration.remember_identity("erp", "company 7")
    store.configuration.save({"erp": {"kind": "sql", "url": "elsewhere"}}, {})
    assert store.configuration.identity("erp") == "company 7"
    with pytest.raises(Refused, match=r'no connection "erb". Did you mean "erp"'):
        store.configuration.remember_identity("erb", "x")
