"""Setting up: init, apply with its options, check against the live tables, doctor."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from twofold.app.starter import starter

from .desk import CONFIGURATION, Desk, make_tables


def test_init_makes_what_is_missing_and_keeps_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, capsys)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert len(desk.json("init")["made"]) == 2
    assert (tmp_path / "twofold.yaml").read_text(encoding="utf-8") == starter()
    (tmp_path / "twofold.yaml").write_text(CONFIGURATION, encoding="utf-8")
    assert desk.json("init")["made"] == []
    assert (tmp_path / "twofold.yaml").read_text(encoding="utf-8") == CONFIGURATION
    assert desk.run("init", "new/place").code == 0
    assert (tmp_path / "new" / "place" / "twofold.db").exists()
    assert desk.run("init", "notes.txt").code == 2


def test_missing_databases_are_refused_by_apply(empty_desk: Desk) -> None:
    done = empty_desk.configure()
    assert done.code == 2
    assert [line.split(": ")[0] for line in done.err.splitlines()[1:]] == ["twofold.yaml:2", "twofold.yaml:3"]
    assert empty_desk.json("export")["configuration"].strip() in ("", "connections: {}\nmappings: {}")


def test_a_system_out_of_reach_is_a_warning_at_apply_and_a_problem_at_check(empty_desk: Desk) -> None:
    make_tables(empty_desk.folder)
    nobody = CONFIGURATION.replace("sqlite:///crm.db", "postgresql://me@127.0.0.1:9/crm")
    done = empty_desk.configure(nobody)
    assert done.code == 0
    assert done.err.count("Warning: ") == 1
    checked = empty_desk.run("check")
    assert checked.code == 2
    assert "A run could not begin yet." in checked.out


def test_check_proposes_a_missing_table_that_then_fits(empty_desk: Desk) -> None:
    make_tables(empty_desk.folder)
    empty_desk.change("crm", "DROP TABLE account")
    empty_desk.change("crm", "DROP TABLE currency")
    warned = empty_desk.configure().err
    assert '"crm" has no table "account".' in warned
    assert "twofold check --ddl" in warned
    proposed = empty_desk.run("check", "--ddl")
    assert proposed.code == 2
    with closing(sqlite3.connect(empty_desk.folder / "crm.db")) as crm:
        crm.executescript(proposed.out)
    assert empty_desk.run("check").code == 0
    assert empty_desk.run("full-sync").code == 0
    assert len(empty_desk.ask("crm", "SELECT * FROM account WHERE currency IS NOT NULL")) == 2


def test_check_proposes_filters_templates_options_constants_and_stamps_too(empty_desk: Desk) -> None:
    make_tables(empty_desk.folder)
    right = "{connection: crm, table: contact, key: id, modified: changed, filter: {state: '0'}}"
    kind, region = "{right: kind, constant: 3}", "{left: city, right: region, options: {Vejle: 1, Odense: 2}}"
    empty_desk.configure(
        CONFIGURATION.replace("{connection: crm, table: account, key: id}", right)
        .replace("- {left: city, right: city}", f"- {kind}\n      - {region}")
        .replace("match: [[number]]", "match: [[number]]\n    templates: {right: [{set: {rating: 2}}]}")
    )
    statement = empty_desk.json("check", "CUSTOMER", "--ddl")["statements"][0]["statement"]
    for column in ("id ", "kind INTEGER", "region INTEGER", "state TEXT", "rating INTEGER", "changed "):
        assert column in statement


def test_two_missing_tables_cannot_be_proposed(empty_desk: Desk) -> None:
    make_tables(empty_desk.folder)
    empty_desk.change("crm", "DROP TABLE account")
    empty_desk.change("erp", "DROP TABLE customer")
    empty_desk.configure()
    done = empty_desk.run("check", "--ddl")
    assert done.out == ""
    assert "nothing can be proposed" in done.err


def test_apply_leaves_what_the_file_does_not_name_alone_unless_pruned(synchronized: Desk) -> None:
    small = CONFIGURATION[: CONFIGURATION.index("  CUSTOMER:")]
    (synchronized.folder / "twofold.yaml").write_text(small, encoding="utf-8")
    done = synchronized.run("apply", "--yes")
    assert "left alone: CUSTOMER" in done.err
    assert len(synchronized.json("couplings", "CUSTOMER")["couplings"]) == 3
    assert "- mapping CUSTOMER" in synchronized.run("apply", "--yes", "--prune").out
    assert synchronized.run("sync", "CUSTOMER").code == 2
    assert len(synchronized.json("couplings", "CUSTOMER")["couplings"]) == 3
    assert "couplings of CUSTOMER: deleted" in synchronized.run("apply", "--yes", "--forget").out
    assert synchronized.run("couplings", "CUSTOMER").code == 2


def test_a_mapping_that_comes_back_goes_on_where_it_stopped(synchronized: Desk) -> None:
    small = CONFIGURATION[: CONFIGURATION.index("  CUSTOMER:")]
    (synchronized.folder / "twofold.yaml").write_text(small, encoding="utf-8")
    synchronized.run("apply", "--yes", "--prune")
    synchronized.configure()
    assert all(job["inserted"] == 0 for job in synchronized.json("full-sync")["jobs"])


def test_doctor_finds_what_is_wrong_and_says_what_to_do(synchronized: Desk) -> None:
    assert synchronized.run("doctor").code == 0
    (synchronized.folder / "twofold.yaml").write_text(CONFIGURATION + "# new\n", encoding="utf-8")
    warned = synchronized.run("doctor")
    assert warned.code == 0
    assert "twofold.yaml is not what was applied." in warned.out
    (synchronized.folder / "crm.db").unlink()
    sick = synchronized.json("doctor")
    assert not sick["sound"]
    problems = [symptom["part"] for symptom in sick["symptoms"] if symptom["health"] == "problem"]
    assert problems == ["connection crm"]


def test_doctor_looks_at_a_folder_that_is_no_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Desk(tmp_path, capsys).run("doctor")
    assert done.code == 2
    assert "twofold init" in done.out
