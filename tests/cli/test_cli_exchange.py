"""Taking over an installation: couplings in and out as files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from .desk import Desk

ACCOUNT = "11111111-0000-4000-8000-00000000000"


@pytest.fixture
def taken_over(desk: Desk) -> Desk:
    """Accounts that somebody else's tool created, and nothing coupled yet."""
    for place, number in enumerate(("10000", "20000"), start=1):
        desk.change(
            "crm",
            "INSERT INTO account (id, number, name) VALUES (?, ?, ?)",
            f"{ACCOUNT}{place}",
            number,
            "Adatum",
        )
    return desk


def write(desk: Desk, *lines: str, name: str = "pairs.csv") -> None:
    (desk.folder / name).write_text("left_key,right_key\n" + "\n".join(lines) + "\n", encoding="utf-8")


def couplings(desk: Desk) -> dict[str, str]:
    return {row["left_key"]: row["right_key"] for row in desk.json("couplings", "CUSTOMER")["couplings"]}


def test_pairs_of_a_file_are_coupled_in_a_coupling_job(taken_over: Desk) -> None:
    write(taken_over, f"10000,{ACCOUNT}1", f"20000,{ACCOUNT}2")

    found = taken_over.json("couple", "CUSTOMER", "--import", "pairs.csv")

    assert (found["lines"], found["coupled"], found["misfits"]) == (2, 2, [])
    assert (found["jobs"][0]["type"], found["jobs"][0]["coupled"]) == ("coupling", 2)
    assert couplings(taken_over) == {"10000": f"{ACCOUNT}1", "20000": f"{ACCOUNT}2"}


def test_imported_pairs_are_adopted_where_equal_and_asked_about_where_not(taken_over: Desk) -> None:
    write(taken_over, f"10000,{ACCOUNT}1", f"20000,{ACCOUNT}2")
    taken_over.run("couple", "CUSTOMER", "--import", "pairs.csv")
    taken_over.change("crm", "UPDATE account SET city = 'Aalborg', currency = 'EUR' WHERE number = '10000'")

    taken_over.run("sync")

    asked = taken_over.json("errors", "CUSTOMER")["errors"]
    assert [(entry["left_key"], entry["kind"]) for entry in asked] == [("20000", "conflict")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("10000,", "a key is blank"),
        ("99999," + ACCOUNT + "1", "erp has no such record"),
        ("10000," + ACCOUNT + "9", "crm has no such record"),
    ],
)
def test_nothing_is_coupled_if_a_line_does_not_fit(taken_over: Desk, line: str, reason: str) -> None:
    write(taken_over, line, f"20000,{ACCOUNT}2")

    outcome = taken_over.run("couple", "CUSTOMER", "--import", "pairs.csv")

    assert outcome.code == 2
    assert "line 1: " in outcome.err
    assert reason in outcome.err
    assert couplings(taken_over) == {}


def test_two_lines_for_one_record_are_refused_with_both_lines(taken_over: Desk) -> None:
    write(taken_over, f"10000,{ACCOUNT}1", f"20000,{ACCOUNT}1")

    outcome = taken_over.run("couple", "CUSTOMER", "--import", "pairs.csv")

    assert outcome.code == 2
    assert "line 1" in outcome.err
    assert "line 2" in outcome.err
    assert "the right key stands on several lines" in outcome.err


def test_partial_couples_what_fits_and_lists_the_rest(taken_over: Desk) -> None:
    write(taken_over, f"10000,{ACCOUNT}9", f"20000,{ACCOUNT}2")

    outcome = taken_over.run("couple", "CUSTOMER", "--import", "pairs.csv", "--partial")

    assert outcome.code == 1
    assert couplings(taken_over) == {"20000": f"{ACCOUNT}2"}
    assert "crm has no such record" in outcome.err


def test_a_record_that_is_coupled_elsewhere_keeps_its_coupling(taken_over: Desk) -> None:
    taken_over.run("couple", "CUSTOMER", "--left", "10000", "--right", f"{ACCOUNT}1")
    write(taken_over, f"30000,{ACCOUNT}1", f"10000,{ACCOUNT}2")

    outcome = taken_over.run("couple", "CUSTOMER", "--import", "pairs.csv")

    assert outcome.code == 2
    assert outcome.err.count("is coupled with another one") == 2
    assert couplings(taken_over) == {"10000": f"{ACCOUNT}1"}


@pytest.mark.parametrize("name", ["all.csv", "all.parquet"])
def test_an_export_can_be_imported_again_and_changes_nothing(synchronized: Desk, name: str) -> None:
    before = couplings(synchronized)
    assert synchronized.run("couplings", "CUSTOMER", "--export", name).code == 0

    found = synchronized.json("couple", "CUSTOMER", "--import", name)

    assert (found["lines"], found["already"], found["coupled"]) == (3, 3, 0)
    assert couplings(synchronized) == before


def test_an_export_restores_couplings_that_were_removed(synchronized: Desk) -> None:
    before = couplings(synchronized)
    synchronized.run("couplings", "CUSTOMER", "--export", "all.csv")
    synchronized.run("uncouple", "CUSTOMER", "--all", "--yes")

    synchronized.run("couple", "CUSTOMER", "--import", "all.csv")

    assert couplings(synchronized) == before
    assert synchronized.run("sync").code == 0


def test_keys_are_taken_as_text(taken_over: Desk) -> None:
    taken_over.change("erp", "INSERT INTO customer (number, name) VALUES ('007', 'Bond')")
    write(taken_over, f"007,{ACCOUNT}1")

    assert taken_over.run("couple", "CUSTOMER", "--import", "pairs.csv").code == 0
    assert couplings(taken_over) == {"007": f"{ACCOUNT}1"}


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        ("a,b\n1,2\n", "pairs.csv", "has no column left_key and right_key"),
        ("", "pairs.csv", "cannot be read as CSV"),
        ("left_key", "pairs.txt", "ends in .csv or .parquet"),
        ("nonsense", "pairs.parquet", "cannot be read as PARQUET"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(
    desk: Desk, content: str, name: str, sentence: str
) -> None:
    (desk.folder / name).write_text(content, encoding="utf-8")

    outcome = desk.run("couple", "CUSTOMER", "--import", name)

    assert outcome.code == 2
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err


def test_a_missing_file_and_a_folder_that_cannot_be_written_are_refused(desk: Desk) -> None:
    assert "There is no file" in desk.run("couple", "CUSTOMER", "--import", "none.csv").err
    assert "cannot be written" in desk.run("couplings", "CUSTOMER", "--export", "no/such/folder.csv").err


def test_an_exported_file_has_both_keys_and_the_state(synchronized: Desk, tmp_path: Path) -> None:
    synchronized.run("couplings", "CUSTOMER", "--export", "all.csv")

    frame = pl.read_csv(synchronized.folder / "all.csv", infer_schema=False)

    assert frame.columns == ["left_key", "right_key", "state"]
    assert frame["state"].to_list() == ["coupled"] * 3
