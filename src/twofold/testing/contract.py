"""The suite that every connector passes, as a pytest class; it must never know one connector from another.

A third party subclasses it, names the feeds and kinds of key that the system has, and arranges a table:

    class TestMine(ConnectorContract):
        feeds = (FeedKind.MODIFIED,)
        keys = (KeyKind.GUID,)

        def arrange(self, feed, key, folder):
            return MyArrangement(feed, key, folder)

Facts are asked of `capabilities`: a law about what the system cannot do is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from twofold.core.names import FeedKind
from twofold.testing.arrangement import Arrangement, KeyKind, contract_schema, contract_table
from twofold.testing.reading import ReadingContract
from twofold.testing.thrift import ThriftContract
from twofold.testing.writing import WritingContract

__all__ = ["Arrangement", "ConnectorContract", "KeyKind", "contract_schema", "contract_table"]


class ConnectorContract(ReadingContract, WritingContract, ThriftContract):
    """All laws of `ports.Connector`, run for every feed with every kind of key that the subclass names.

    Where `arrange` needs further fixtures, the subclass overrides the fixture `arranged` instead.
    """

    feeds: Sequence[FeedKind] = (FeedKind.SNAPSHOT,)
    keys: Sequence[KeyKind] = (KeyKind.TEXT,)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run every law for each feed and kind of key."""
        for name, values in (("feed", self.feeds), ("key", self.keys)):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values, ids=str)

    def arrange(self, feed: FeedKind, key: KeyKind, folder: Path) -> Arrangement:
        """An empty table with this feed and kind of key; `folder` is there for files."""
        raise NotImplementedError("Subclass ConnectorContract and arrange a table.")

    @pytest.fixture
    def arranged(self, feed: FeedKind, key: KeyKind, tmp_path: Path) -> Iterator[Arrangement]:
        """The arrangement of one test, closed at its end."""
        arrangement = self.arrange(feed, key, tmp_path)
        yield arrangement
        arrangement.connector.close()
