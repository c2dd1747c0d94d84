"""A run that dies at any point, before or after any call, loses nothing and makes nothing twice.

Every call of a connector and of the store is two points. The run dies once at each of them; what the next
runs make of it must be what an undisturbed run makes. `TWOFOLD_HISTORIES` asks for every point there is.
"""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from twofold.connectors.memory import MemorySystem
from twofold.core.mapping import FieldMapping
from twofold.core.names import DeletionConflict
from twofold.store.database import open_store

from .house import EMAIL, PAIRS, House, mapping_of, numbered

EVERY_POINT = "TWOFOLD_HISTORIES" in os.environ
NUMBER = FieldMapping("id", "id")
KINDS: dict[str, dict[str, Any]] = {
    "uuid": {},
    "system": {"left": numbered("customer"), "right": numbered("account")},
    "natural": {"mapping": mapping_of(fields=(NUMBER, *PAIRS, EMAIL))},
}
Outcome = tuple[list[Any], list[Any], list[Any]]


class Scene:
    """Two systems with work of every sort to be done, kept so that it can be staged again and again."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.kind, self.stagings = path, KINDS[kind], 0
        house = self._open(path / "first")
        self.keys = {"left": 0, "right": 0}
        self.house = house
        self._people_begin()
        house.run()
        self._people_go_on()
        house.close()

    def _open(self, path: Path) -> House:
        path.mkdir()
        facts = {name: schema for name, schema in self.kind.items() if name != "mapping"}
        mapping = self.kind.get("mapping") or mapping_of()
        # Small pages and calls, so that a run dies between them too.
        house = House(path, mapping, facts={"page_size": 4, "max_ops": 3}, **facts)
        house.change(deletion_conflict=DeletionConflict.DELETE)
        return house

    def _people_begin(self) -> None:
        for number in range(6):
            self._insert("left", f"pair {number}")

    def _people_go_on(self) -> None:
        left = {row["name"]: key for key, row in self.house.left.rows("customer").items()}
        right = {row["name"]: key for key, row in self.house.right.rows("account").items()}
        self.house.left.edit("customer", left["pair 0"], phone="sent")
        self.house.left.edit("customer", left["pair 1"], phone="merged")
        self.house.right.edit("account", right["pair 1"], city="Rome")
        self.house.left.edit("customer", left["pair 2"], phone="mine")
        self.house.right.edit("account", right["pair 2"], phone="yours")
        self.house.left.delete("customer", left["pair 3"])
        self.house.right.delete("account", right["pair 4"])
        self.house.left.edit("customer", left["pair 4"], city="Oslo")
        for number in range(2):
            self._insert("left", f"new on the left {number}")
            self._insert("right", f"new on the right {number}")

    def _insert(self, side: str, name: str) -> None:
        system = self.house.left if side == "left" else self.house.right
        table = "customer" if side == "left" else "account"
        self.keys[side] += 1
        given = {} if "left" in self.kind else {"id": f"{side} {self.keys[side]}"}
        system.insert(table, {**given, "name": name, "phone": "1", "city": "Bern", "email": name})

    def stage(self) -> House:
        """The scene anew, on a state and systems of its own."""
        self.stagings += 1
        path = self.path / str(self.stagings)
        house = self._open(path)
        house.real.close()
        shutil.copy(self.path / "first" / "state.db", path / "state.db")
        house.store = house.real = open_store(path / "state.db")
        for here, there in ((self.house.left, house.left), (self.house.right, house.right)):
            _restore(here, there)
        return house


def _restore(kept: MemorySystem, system: MemorySystem) -> None:
    system.tables = copy.deepcopy(kept.tables)
    system.now, system.counter = kept.now, kept.counter


def outcome(house: House) -> Outcome:
    """What both sides hold, whatever the keys are, and what is asked."""
    left, right = house.values("name", "phone", "city", "email")
    return left, right, sorted((entry["kind"], entry["fields"]) for entry in house.entries())


def bring_to_rest(house: House) -> None:
    house.run()
    house.run()
    before = house.written()
    house.run()
    house.run()
    assert house.written() == before, "two idle runs wrote something"


@pytest.fixture(params=list(KINDS))
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    return Scene(tmp_path, request.param)


def undisturbed(scene: Scene) -> tuple[int, Outcome]:
    house = scene.stage()
    points = house.crash(None).points
    bring_to_rest(house)
    found = outcome(house)
    house.close()
    return points, found


def test_dying_anywhere_makes_no_difference(scene: Scene) -> None:
    points, expected = undisturbed(scene)
    assert points > 50
    step = 1 if EVERY_POINT else 29
    for at in range(1, points + 1, step):
        house = scene.stage()
        fuse = house.crash(at)
        assert fuse.place is not None
        bring_to_rest(house)
        assert outcome(house) == expected, f"after dying at {fuse}"
        house.close()
        shutil.rmtree(scene.path / str(scene.stagings))


def test_dying_again_while_recovering_makes_no_difference(scene: Scene) -> None:
    points, expected = undisturbed(scene)
    for at in range(7, points + 1, 7 if EVERY_POINT else 70):
        house = scene.stage()
        fuses = [house.crash(at), house.crash(at // 2), house.crash(at // 3)]
        bring_to_rest(house)
        assert outcome(house) == expected, f"after dying at {fuses}"
        house.close()
