"""The options of every command work before and after its name; files are relative to the workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .desk import CONFIGURATION, Desk, disturb


def test_options_stand_before_or_after_the_command(synchronized: Desk, tmp_path: Path) -> None:
    folder = str(tmp_path)
    places = [
        ["--workspace", folder, "--json", "jobs"],
        ["--workspace", folder, "jobs", "--json"],
        ["--json", "jobs", "--workspace", folder],
        ["jobs", "--json", "--workspace", folder],
        ["jobs", "--json", "-w", folder],
    ]
    found = [synchronized.run_anywhere(*arguments) for arguments in places]
    assert [done.code for done in found] == [0] * len(places)
    assert len({done.out for done in found}) == 1
    assert len(found[0].document["jobs"]) == 3


def test_the_workspace_is_the_current_folder_unless_a_variable_names_it(
    synchronized: Desk, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(synchronized.folder)
    assert synchronized.run_anywhere("jobs").code == 0
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert synchronized.run_anywhere("jobs").code == 2
    monkeypatch.setenv("TWOFOLD_WORKSPACE", str(synchronized.folder))
    assert synchronized.run_anywhere("jobs").code == 0


def test_files_are_relative_to_the_workspace(
    synchronized: Desk, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert synchronized.run("export", "--out", "copy.yaml").code == 0
    assert (synchronized.folder / "copy.yaml").read_text(encoding="utf-8") == CONFIGURATION
    assert synchronized.run("apply", "copy.yaml").code == 0
    assert synchronized.run("plan", "--out", "plan.json").code == 0
    assert json.loads((synchronized.folder / "plan.json").read_text(encoding="utf-8"))["mappings"]


def test_debug_shows_where_and_keeps_the_exit_code(synchronized: Desk) -> None:
    done = synchronized.run("--debug", "sync", "CUSTOMR")
    assert done.code == 2
    assert "Traceback" in done.err
    assert 'There is no mapping "CUSTOMR".' in done.err


def test_a_saved_plan_is_carried_out_as_long_as_nothing_changed(synchronized: Desk) -> None:
    synchronized.change("erp", "UPDATE customer SET city = 'Skagen' WHERE number = '10000'")
    synchronized.run("plan", "CUSTOMER", "--out", "plan.json")
    synchronized.change("erp", "UPDATE customer SET city = 'Ribe' WHERE number = '10000'")
    refused = synchronized.run("sync", "--plan", "plan.json")
    assert refused.code == 2
    assert [line[0] for line in refused.err.splitlines()[1:]] == ["-", "+"]
    assert synchronized.ask("crm", "SELECT city FROM account WHERE number = '10000'") == [("Aalborg",)]
    synchronized.change("erp", "UPDATE customer SET city = 'Skagen' WHERE number = '10000'")
    assert synchronized.run("sync", "--plan", "plan.json").code == 0
    assert synchronized.ask("crm", "SELECT city FROM account WHERE number = '10000'") == [("Skagen",)]


def test_force_lets_the_side_of_the_named_record_win(conflicted: Desk) -> None:
    done = conflicted.run("sync", "CUSTOMER", "--force", "--right", conflicted.account("10000"))
    assert done.code == 0
    assert conflicted.ask("erp", "SELECT name FROM customer WHERE number = '10000'") == [("Adatum Ltd",)]


def test_force_of_a_one_way_mapping_needs_no_direction(synchronized: Desk) -> None:
    synchronized.change("crm", "UPDATE currency SET name = 'Krone' WHERE code = 'DKK'")
    assert synchronized.run("sync", "CURRENCY", "--force", "--full").code == 0
    assert synchronized.ask("crm", "SELECT name FROM currency WHERE code = 'DKK'") == [("Danish krone",)]


def test_a_full_synchronization_keeps_creating_only_if_told(desk: Desk) -> None:
    desk.run("full-sync", "--create", "restore")
    desk.change("erp", "INSERT INTO customer VALUES ('40000', 'Alpine', 'Skive', 'EUR')")
    assert desk.json("sync", "CUSTOMER")["jobs"][0]["inserted"] == 0
    assert "option was cleared" in desk.run("full-sync", "--create", "keep").err
    desk.change("erp", "INSERT INTO customer VALUES ('50000', 'Relecloud', 'Holte', 'EUR')")
    assert desk.json("sync", "CUSTOMER")["jobs"][0]["inserted"] == 1
    assert "synch_only_coupled_records: false" in desk.run("export").out.split("CUSTOMER")[1]


def test_couple_by_hand_sends_at_once_if_asked(synchronized: Desk) -> None:
    synchronized.change("erp", "INSERT INTO customer VALUES ('40000', 'Alpine', 'Skive', 'EUR')")
    synchronized.change("crm", "INSERT INTO account VALUES ('a4', '40000', 'Alp', NULL, NULL)")
    assert (
        synchronized.run("couple", "CUSTOMER", "--left", "40000", "--right", "a4", "--then", "send").code == 0
    )
    assert synchronized.ask("crm", "SELECT name FROM account WHERE id = 'a4'") == [("Alpine",)]
    synchronized.change("erp", "INSERT INTO customer VALUES ('50000', 'Relecloud', 'Holte', 'EUR')")
    assert synchronized.run("couple", "CUSTOMER", "--create", "--left", "50000").code == 0
    assert synchronized.account("50000")


def test_everything_is_uncoupled_only_with_a_word(synchronized: Desk) -> None:
    assert synchronized.run("uncouple", "CUSTOMER", "--all").code == 2
    assert len(synchronized.json("couplings", "CUSTOMER")["couplings"]) == 3
    assert synchronized.run("uncouple", "CUSTOMER", "--all", "--yes").code == 0
    assert synchronized.json("couplings", "CUSTOMER")["couplings"] == []


def test_a_limit_says_that_there_is_more(synchronized: Desk) -> None:
    done = synchronized.run("couplings", "CUSTOMER", "--limit", "2")
    assert "There are more: twofold couplings CUSTOMER --limit 0" in done.out
    disturb(synchronized)
    assert "and 2 more: twofold plan CUSTOMER --limit 0" in synchronized.run("plan", "--limit", "1").out
