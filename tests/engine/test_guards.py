"""Nothing large is deleted in silence: what looks like a mistake waits for a person's word."""

from __future__ import annotations

import pytest

from twofold.core.names import DeletionConflict, FeedKind
from twofold.errors import MassDelete

from .conftest import Build
from .house import House
from .test_deletes import DELETE, couple, fed, heights


def test_a_side_that_reads_empty_stops_the_run(build: Build) -> None:
    house = build(DELETE)
    couple(house, 21)
    for key in list(house.left.rows("customer")):
        house.left.delete("customer", key)
    for _ in range(2):
        with pytest.raises(MassDelete, match="reads empty"):
            house.run()
    assert heights(house) == (0, 21)
    house.run(allow_deletes=True)
    assert heights(house) == (0, 0)


@pytest.mark.parametrize("kind", [FeedKind.MODIFIED, FeedKind.DELTA, FeedKind.SNAPSHOT])
def test_many_deletions_need_a_word_and_wait_for_it(build: Build, kind: FeedKind) -> None:
    mapping, _ = fed(kind, deletion_conflict=DeletionConflict.DELETE)
    house = build(mapping)
    couple(house, 30)
    for number in range(21):
        house.left.delete("customer", f"L{number}")
    for _ in range(2):
        with pytest.raises(MassDelete, match="21 of 30"):
            house.run()
        assert heights(house) == (9, 30)
    assert house.run(allow_deletes=True)["to_right"] == {"deleted": 21}
    assert heights(house) == (9, 9)


def test_many_deletions_that_are_only_asked_about_stop_nothing(house: House) -> None:
    couple(house, 30)
    for number in range(25):
        house.left.delete("customer", f"L{number}")
    assert house.run()["to_right"] == {"conflicts": 25}
