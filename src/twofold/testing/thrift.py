"""What a connector may spend: the laws of round trips and of bounds; it must never measure time."""

from __future__ import annotations

from math import ceil

import pytest

from twofold.core.frames import KIND
from twofold.ports import OpKind
from twofold.testing.arrangement import Arrangement
from twofold.testing.reading import keys_of

MANY = 9


class Meter:
    """Counts the round trips of a connector from now on; skips the test if it keeps no count."""

    def __init__(self, arranged: Arrangement) -> None:
        if arranged.requests is None:
            pytest.skip("the connector does not count its requests")
        self._requests = arranged.requests
        self._before = self._requests.total()

    def spent(self) -> int:
        """The round trips so far."""
        return self._requests.total() - self._before


class ThriftContract:
    """A loop over single calls is a defect even when it works."""

    def test_an_idle_read_is_nearly_free(self, arranged: Arrangement) -> None:
        """Asking whether anything changed costs `idle_requests` at most."""
        arranged.insert(arranged.row(1))
        cursor = arranged.cursor()
        meter = Meter(arranged)
        arranged.pages(cursor)
        assert meter.spent() <= arranged.idle_requests

    def test_reading_costs_a_request_a_page(self, arranged: Arrangement) -> None:
        """N rows cost at most N / page + 1 requests, at first and after a cursor."""
        if arranged.page is None:
            pytest.skip("the arrangement does not know the size of a page")
        cursor = arranged.cursor()
        arranged.insert_rows(range(MANY))
        for since in (None, cursor):
            meter = Meter(arranged)
            arranged.pages(since)
            assert meter.spent() <= ceil(MANY / arranged.page) + arranged.idle_requests

    def test_no_page_is_larger_than_it_may_be(self, arranged: Arrangement) -> None:
        """The size of a page bounds the memory of a run."""
        if arranged.page is None:
            pytest.skip("the arrangement does not know the size of a page")
        arranged.insert_rows(range(MANY))
        assert max(page.rows.height for page in arranged.pages()) <= arranged.page

    def test_fetching_many_keys_costs_one_request(self, arranged: Arrangement) -> None:
        """As many as `max_keys` allows."""
        keys = arranged.insert_rows(range(MANY))[: arranged.able.max_keys]
        meter = Meter(arranged)
        read = arranged.connector.fetch(arranged.table, arranged.fields, keys)
        assert sorted(keys_of([read])) == sorted(keys)
        assert meter.spent() == 1

    def test_writing_many_rows_costs_one_request(self, arranged: Arrangement) -> None:
        """As many as `max_ops` allows; a version returned is part of the reply."""
        keys = arranged.insert_rows(range(MANY))[: arranged.able.max_ops]
        ops = arranged.ops(OpKind.UPDATE, [{arranged.note: f"new {key}"} for key in keys], keys)
        meter = Meter(arranged)
        results = arranged.connector.apply(arranged.table, [ops])
        assert results.rows[KIND].null_count() == len(keys)
        assert meter.spent() == 1
