"""The store keeps the promises of `ports.Store`, on SQLite and on PostgreSQL."""

from __future__ import annotations

from twofold.ports import Store
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import StoreContract


class TestDjangoStore(StoreContract):
    """Both fixtures are those of this folder."""

    def test_it_is_a_store_to_the_type_checker_too(self, store: DjangoStore) -> None:
        as_store: Store = store
        assert as_store.coupling_count("CUSTOMER") == 0
