"""Matching before anything is created: beyond doubt, or not at all."""

from __future__ import annotations

from pathlib import Path

from twofold.engine.matcher import match
from twofold.engine.task import Options

from .house import House, mapping_of


def house_of(path: Path) -> House:
    return House(path, mapping_of(match=(("phone",),)))


def test_a_chosen_record_is_not_coupled_if_another_one_matches_the_same(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    for key in ("c1", "c2"):
        house.left.insert("customer", {"id": key, "name": key, "phone": "1"})
    house.right.insert("account", {"id": "r1", "name": "r", "phone": "1"})

    found = match(house.task(house.mapping, Options()), {"c1"})

    assert found.coupled.is_empty()
    assert found.ambiguous.rows() == [("c1", ["r1"])]


def test_a_run_couples_what_matches_and_creates_only_the_rest(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.left.insert("customer", {"id": "c1", "name": "Same", "phone": "1"})
    house.left.insert("customer", {"id": "c2", "name": "Left only", "phone": "2"})
    house.right.insert("account", {"id": "r1", "name": "Same", "phone": "1"})

    counters = house.run()

    assert counters["to_right"] == {"coupled": 1, "inserted": 1}
    assert house.couplings()["c1"] == "r1"
    assert len(house.right.rows("account")) == 2


def test_an_ambiguous_record_is_a_question_and_is_never_created(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.left.insert("customer", {"id": "c1", "name": "Twin", "phone": "1"})
    for key in ("r1", "r2"):
        house.right.insert("account", {"id": key, "name": "Twin", "phone": "1"})

    house.run()
    house.run()

    assert [(entry["left_key"], entry["kind"]) for entry in house.entries()] == [("c1", "conflict")]
    assert "r1, r2" in house.entries()[0]["message"]
    assert len(house.left.rows("customer")) == 1
    assert len(house.right.rows("account")) == 2


def test_a_question_about_a_match_is_closed_once_it_is_unambiguous(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.left.insert("customer", {"id": "c1", "name": "Twin", "phone": "1"})
    for key in ("r1", "r2"):
        house.right.insert("account", {"id": key, "name": "Twin", "phone": "1"})
    house.run()
    house.right.edit("account", "r2", phone="2")

    house.run()

    assert house.entries() == []
    assert house.couplings()["c1"] == "r1"
