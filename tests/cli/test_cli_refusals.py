"""A refusal is a sentence and exit code 2; what breaks off ends with 3; nothing shows a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twofold.cli.failures import Exit, report_failure
from twofold.errors import Fatal, Interrupted, Refused, Throttled

from .desk import CONFIGURATION, Desk

REFUSALS: dict[str, tuple[list[str], str]] = {
    "an unknown command": (["snyc"], "Did you mean 'sync'?"),
    "an unknown option": (["sync", "--ful"], "Did you mean --full?"),
    "a missing argument": (["couplings"], "See `twofold couplings --help`."),
    "a word that is no choice": (["sync", "--direction", "sideways"], "--direction"),
    "an unknown mapping": (["sync", "CUSTOMR"], 'Did you mean "CUSTOMER"?'),
    "an unknown mapping of a list": (["couplings", "CUSTOMR"], 'Did you mean "CUSTOMER"?'),
    "an unknown mapping of the errors": (["errors", "CURENCY"], 'Did you mean "CURRENCY"?'),
    "an unknown mapping of the jobs": (["jobs", "--mapping", "CURENCY"], 'Did you mean "CURRENCY"?'),
    "a job that is not there": (["job", "99"], "There is no job 99."),
    "a job below one": (["job", "0"], "There is no job 0."),
    "a file that is not there": (["apply", "other.yaml"], "There is no file"),
    "a plan that is not there": (["sync", "--plan", "monday.json"], "cannot be read"),
    "a plan with other options": (["sync", "CUSTOMER", "--plan", "monday.json"], "brings its own"),
    "a file that is no plan": (["sync", "--plan", "twofold.yaml"], "is not a saved plan"),
    "keys without a mapping": (["sync", "--left", "10000"], "within one mapping"),
    "force without a winner": (["sync", "CUSTOMER", "--force"], "--direction to_right"),
    "force of mappings that go several ways": (["sync", "--force"], "CUSTOMER goes both ways"),
    "a couple of one": (["couple", "CUSTOMER", "--left", "10000"], "Name one record of each side"),
    "a couple with a stranger": (
        ["couple", "CUSTOMER", "--left", "10000", "--right", "x"],
        "There is no record x",
    ),
    "nobody to create for": (["couple", "CUSTOMER", "--create"], "Say which record"),
    "create and then": (
        ["couple", "CUSTOMER", "--create", "--left", "1", "--then", "send"],
        "leave out --then",
    ),
    "uncouple nobody": (["uncouple", "CUSTOMER"], "Say which records to uncouple"),
    "uncouple all and some": (["uncouple", "CUSTOMER", "--all", "--left", "1"], "leave out --all"),
    "uncouple all without a word": (["uncouple", "CUSTOMER", "--all"], "Add --yes"),
    "retry nobody": (["retry", "CUSTOMER"], "Say which records to retry"),
    "resolve nobody": (["resolve", "CUSTOMER", "send"], "Say which record"),
    "resolve what is not coupled": (["resolve", "CUSTOMER", "send", "--left", "77"], "is not coupled"),
    "explain nobody": (["explain", "CUSTOMER"], "Name one record"),
    "explain a stranger": (["explain", "CUSTOMER", "--left", "77"], "there is no record 77"),
    "write to no folder": (["export", "--out", "nowhere/twofold.yaml"], "cannot be written"),
    "save a plan to no folder": (["plan", "--out", "nowhere/plan.json"], "cannot be written"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_a_sentence_and_exit_code_2(synchronized: Desk, case: str) -> None:
    arguments, sentence = REFUSALS[case]
    done = synchronized.run(*arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_refusal_with_json_is_one_document_too(desk: Desk) -> None:
    done = desk.run("sync", "CUSTOMR", "--json")
    assert done.code == 2
    assert done.document["error"]["kind"] == "refused"
    assert 'Did you mean "CUSTOMER"?' in done.document["error"]["message"]
    assert done.document["error"]["message"] in done.err


def test_a_folder_that_is_no_workspace_says_how_to_make_it_one(desk: Desk, tmp_path: Path) -> None:
    done = desk.run_anywhere("jobs", "--workspace", str(tmp_path / "elsewhere"))
    assert (done.code, done.out) == (2, "")
    assert "twofold init" in done.err


def test_nothing_configured_says_what_to_do(empty_desk: Desk) -> None:
    for command in (["sync"], ["check"], ["plan"]):
        done = empty_desk.run(*command)
        assert done.code == 2
        assert "twofold apply" in done.err


def test_all_problems_of_a_file_are_told_one_a_line_and_nothing_changes(desk: Desk) -> None:
    wrong = CONFIGURATION.replace("direction: both", "directon: both").replace("match: code", "match: coode")
    (desk.folder / "twofold.yaml").write_text(wrong, encoding="utf-8")
    done = desk.run("apply", "--yes")
    assert done.code == 2
    lines = done.err.splitlines()
    assert lines[0] == "twofold.yaml has 2 problems; nothing was changed."
    assert [line.split(": ")[0] for line in lines[1:]] == ["twofold.yaml:11", "twofold.yaml:19"]
    assert desk.run("export").out == CONFIGURATION


def test_a_field_that_is_not_there_is_refused_with_its_line(desk: Desk) -> None:
    wrong = CONFIGURATION.replace("{left: city, right: city}", "{left: town, right: city}")
    (desk.folder / "twofold.yaml").write_text(wrong, encoding="utf-8")
    done = desk.run("apply", "--yes")
    assert done.code == 2
    assert 'twofold.yaml:24: CUSTOMER: customer has no field "town".' in done.err


def test_apply_without_a_terminal_shows_what_it_would_do_and_refuses(desk: Desk) -> None:
    changed = CONFIGURATION.replace("direction: both", "direction: to_right")
    (desk.folder / "twofold.yaml").write_text(changed, encoding="utf-8")
    done = desk.run("apply")
    assert done.code == 2
    assert "~ mapping CUSTOMER, direction: both -> to_right" in done.out
    assert "Add --yes" in done.err
    assert desk.run("export").out == CONFIGURATION


def test_a_connection_that_leads_elsewhere_is_refused_until_somebody_says_yes(synchronized: Desk) -> None:
    (synchronized.folder / "crm.db").rename(synchronized.folder / "test.db")
    (synchronized.folder / "twofold.yaml").write_text(
        CONFIGURATION.replace("crm.db", "test.db"), encoding="utf-8"
    )
    shown = synchronized.run("apply")
    assert "system: sqlite:crm.db -> sqlite:test.db" in shown.out
    assert shown.code == 2
    assert synchronized.run("apply", "--yes").code == 0
    assert synchronized.run("sync").code == 0


def test_a_system_that_moved_unseen_is_refused_by_a_run(synchronized: Desk) -> None:
    synchronized.run("export", "--out", "twofold.yaml")
    (synchronized.folder / "crm.db").rename(synchronized.folder / "real.db")
    (synchronized.folder / "crm.db").symlink_to(synchronized.folder / "real.db")
    done = synchronized.run("sync")
    assert done.code == 2
    assert "--yes" in done.err
    assert synchronized.run("check").code == 2
    assert synchronized.run("sync", "--yes").code == 0


def test_a_system_that_cannot_be_reached_breaks_the_run_off(synchronized: Desk) -> None:
    (synchronized.folder / "crm.db").write_bytes(b"this is not a database, whatever its name says")
    done = synchronized.run("sync")
    assert done.code == 3
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("No."), Exit.REFUSED),
        (Interrupted("Stopped."), Exit.BROKE_OFF),
        (Fatal("Broken."), Exit.BROKE_OFF),
        (Throttled("Later."), Exit.BROKE_OFF),
        (PermissionError(13, "Permission denied", "twofold.db"), Exit.BROKE_OFF),
        (RuntimeError("loose screw"), Exit.BROKE_OFF),
    ],
)
def test_every_kind_of_error_has_its_exit_code(
    error: Exception, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_failure(error, json=False, debug=False) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip().endswith(".")
    assert "Traceback" not in captured.err


def test_what_nobody_foresaw_is_called_a_bug_and_shown_only_with_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report_failure(RuntimeError("loose screw"), json=True, debug=False)
    captured = capsys.readouterr()
    assert "This is a bug in Twofold (RuntimeError: loose screw)." in captured.err
    assert json.loads(captured.out)["error"]["kind"] == "bug"
    report_failure(RuntimeError("loose screw"), json=False, debug=True)
    assert "RuntimeError: loose screw" in capsys.readouterr().err.splitlines()[0]


def test_further_problems_follow_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    report_failure(Refused("Two things are wrong.", ("The one.", "The other.")), json=False, debug=False)
    assert capsys.readouterr().err.splitlines() == ["Two things are wrong.", "The one.", "The other."]
