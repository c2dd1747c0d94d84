"""Plays the demo as a person would, in a real process, and holds its story against the databases."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from twofold.app.demo_data import (
    BLOCKED_CUSTOMERS,
    CONTACTS,
    CUSTOMERS,
    PRIVATE_CONTACTS,
    WEB_SHOP,
    make_records,
)
from twofold.app.demo_systems import create_systems, database
from twofold.app.demo_workspace import MARKER, prepare_workspace
from twofold.errors import Refused

ESCAPE = "\x1b"
WIDTH = 100


def twofold(*arguments: str, workspace: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TWOFOLD_")}
    return subprocess.run(
        [sys.executable, "-m", "twofold", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=workspace,
        env=environment | {"PYTHONIOENCODING": "utf-8", "COLUMNS": str(WIDTH)},
        check=False,
    )


@dataclass(frozen=True)
class Played:
    folder: Path
    text: str
    complaints: str
    code: int

    def ask(self, system: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / system)) as connection:
            return connection.execute(statement, values).fetchall()

    def chapter(self, number: int) -> str:
        found = re.search(rf"^{number}\. .*?(?=^{number + 1}\. |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None
        return found.group()

    @property
    def edits(self) -> list[tuple[str, str, str]]:
        """System, record and field of every edit that the story tells."""
        lines = re.findall(r"^ +(erp|crm) +(C\d+) .*?(\w+): .* -> ", self.chapter(5), re.MULTILINE)
        return [(system, number, name) for system, number, name in lines]

    def numbers_edited(self, *, on_both_sides: bool) -> list[str]:
        systems: dict[str, set[str]] = {}
        for system, number, _ in self.edits:
            systems.setdefault(number, set()).add(system)
        return [number for number, where in systems.items() if (len(where) == 2) is on_both_sides]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo") / "two systems"
    done = twofold("demo", str(folder))
    return Played(folder, done.stdout, done.stderr, done.returncode)


def customer(played: Played, number: str, name: str) -> Any:
    return played.ask("erp.db", f"SELECT {name} FROM customer WHERE number = ?", number)[0][0]


def account(played: Played, number: str, name: str) -> Any:
    return played.ask("crm.db", f"SELECT {name} FROM account WHERE accountnumber = ?", number)[0][0]


def test_the_demo_ends_well_and_complains_about_nothing(played: Played) -> None:
    assert (played.code, played.complaints) == (0, "")


def test_the_story_reads_well_without_colours_in_a_hundred_columns(played: Played) -> None:
    prose = [line for line in played.text.splitlines() if "$ " not in line]
    assert ESCAPE not in played.text
    assert max(map(len, prose)) <= WIDTH
    assert "Traceback" not in played.text


def test_the_readme_shows_what_the_demo_prints(played: Played) -> None:
    readme = Path(__file__).parents[1] / "README.md"
    (excerpt,) = re.findall(r"```text\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    printed = {line.rstrip() for line in played.text.splitlines()}
    assert [line for line in excerpt.splitlines() if line not in printed] == []


def test_every_customer_in_the_filter_has_one_account_and_no_other(played: Played) -> None:
    open_customers = played.ask("erp.db", "SELECT number FROM customer WHERE blocked = '' ORDER BY 1")
    accounts = played.ask(
        "crm.db",
        "SELECT accountnumber FROM account WHERE statecode = 0 AND customertypecode = 3 ORDER BY 1",
    )
    assert open_customers == accounts
    assert len(accounts) == CUSTOMERS - BLOCKED_CUSTOMERS + WEB_SHOP


def test_records_outside_the_filters_stay_where_they_are(played: Played) -> None:
    blocked = played.ask("erp.db", "SELECT number FROM customer WHERE blocked <> ''")
    private = played.ask("erp.db", "SELECT email FROM contact WHERE privacy_blocked")
    assert (len(blocked), len(private)) == (BLOCKED_CUSTOMERS, PRIVATE_CONTACTS)
    for (number,) in blocked:
        assert played.ask("crm.db", "SELECT 1 FROM account WHERE accountnumber = ?", number) == []
    for (email,) in private:
        assert played.ask("crm.db", "SELECT 1 FROM contact WHERE emailaddress1 = ?", email) == []


def test_vendors_and_customers_share_a_table_and_are_told_apart(played: Played) -> None:
    vendors = played.ask("crm.db", "SELECT count(*) FROM account WHERE customertypecode = 11")
    assert vendors == played.ask("erp.db", "SELECT count(*) FROM vendor")


def test_the_circle_of_customers_and_contacts_is_closed(played: Played) -> None:
    named = "SELECT count(*) FROM customer WHERE blocked = '' AND primary_contact_id IS NOT NULL"
    circle = (
        "SELECT count(*) FROM account a JOIN contact c ON c.contactid = a.primarycontactid "
        "WHERE c.parentcustomerid = a.accountid AND a.statecode = 0 AND a.customertypecode = 3"
    )
    assert played.ask("erp.db", named) == played.ask("crm.db", circle)
    assert "in a second pass" in " ".join(played.text.split())


def test_a_template_fills_new_accounts_and_never_old_ones(played: Played) -> None:
    old, new = (
        played.ask(
            "crm.db",
            "SELECT DISTINCT preferredcontactmethodcode FROM account "
            "WHERE customertypecode = 3 AND accountnumber LIKE ? AND address1_country = 'DK'",
            pattern,
        )
        for pattern in ("C1000%", "C1020%")
    )
    assert (old, new) == ([(1,)], [(2,)])


def test_the_second_run_of_the_story_had_nothing_to_do(played: Played) -> None:
    assert "nothing was written" in played.chapter(4)


def test_edits_on_one_side_reach_the_other(played: Played) -> None:
    caller, mover = played.numbers_edited(on_both_sides=False)
    assert customer(played, caller, "phone") == account(played, caller, "telephone1") == "+45 70 10 20 30"
    assert customer(played, mover, "city") == account(played, mover, "address1_city") == "Aarhus"


def test_edits_of_different_fields_are_merged(played: Played) -> None:
    merged, _ = played.numbers_edited(on_both_sides=True)
    terms = {"NET30": 1, "NET60": 4}
    assert account(played, merged, "paymenttermscode") == terms[customer(played, merged, "payment_terms")]
    assert customer(played, merged, "phone") == account(played, merged, "telephone1") == "+45 33 66 99 00"


def test_the_conflict_was_asked_about_and_then_the_erp_won(played: Played) -> None:
    _, contested = played.numbers_edited(on_both_sides=True)
    assert "CUSTOMER, conflict" in played.chapter(7)
    assert customer(played, contested, "name") == account(played, contested, "name")
    assert str(account(played, contested, "name")).endswith(" Holding")


def test_the_deleted_contact_is_back_under_its_key(played: Played) -> None:
    (key,) = re.findall(r"resolve CONTACT restore --right (\S+)", played.text)
    assert played.ask("crm.db", "SELECT count(*) FROM contact WHERE contactid = ?", key) == [(1,)]
    contacts = played.ask("crm.db", "SELECT count(*) FROM contact")
    assert contacts == [(CONTACTS - PRIVATE_CONTACTS + WEB_SHOP,)]


def test_the_errors_list_is_empty_in_the_end(played: Played) -> None:
    done = twofold("errors", "--json", workspace=played.folder)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"errors": []})


def test_another_run_writes_nothing(played: Played) -> None:
    before = [list(database_content(played.folder / name)) for name in ("erp.db", "crm.db")]
    done = twofold("sync", "--json", workspace=played.folder)
    jobs = json.loads(done.stdout)["jobs"]
    assert done.returncode == 0
    assert len(jobs) == 8
    assert {job[name] for job in jobs for name in ("inserted", "modified", "deleted", "failed")} == {0}
    assert before == [list(database_content(played.folder / name)) for name in ("erp.db", "crm.db")]


def database_content(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        yield from connection.iterdump()


def test_verify_is_clean(played: Played) -> None:
    done = twofold("verify", workspace=played.folder)
    assert done.returncode == 0, done.stdout


def test_an_edit_by_hand_needs_no_stamp(played: Played) -> None:
    with database(played.folder / "erp.db") as connection:
        connection.execute("UPDATE vendor SET city = 'Odense' WHERE number = 'V10001'")
    done = twofold("plan", "VENDOR", "--json", workspace=played.folder)
    (vendors,) = json.loads(done.stdout)["mappings"]
    assert [action["fields"].get("address1_city", [None])[-1] for action in vendors["actions"]] == ["Odense"]
    twofold("sync", "VENDOR", workspace=played.folder)
    assert account(played, "V10001", "address1_city") == "Odense"


def test_the_same_records_are_made_every_time(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        create_systems(tmp_path / name, make_records())
        contents.append([list(database_content(tmp_path / name / file)) for file in ("erp.db", "crm.db")])
    assert contents[0] == contents[1]


def test_a_folder_of_an_earlier_demo_is_made_fresh_and_other_files_in_it_stay(tmp_path: Path) -> None:
    prepare_workspace(tmp_path, {})
    (tmp_path / "twofold.db").write_text("state of the earlier demo")
    (tmp_path / "notes.txt").write_text("mine")
    prepare_workspace(tmp_path, {})
    assert not (tmp_path / "twofold.db").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_with_something_else_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "erp.db").write_text("the books of a real company")
    done = twofold("demo", str(tmp_path))
    assert done.returncode == 2
    assert "Name another folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["erp.db"]
    assert (tmp_path / "erp.db").read_text() == "the books of a real company"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(Refused, match="is a file"):
        prepare_workspace(tmp_path / "demo", {})


def test_the_demo_never_keeps_its_state_in_a_configured_database(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="TWOFOLD_DATABASE_URL is set"):
        prepare_workspace(tmp_path, {"TWOFOLD_DATABASE_URL": "postgresql://twofold@db.example.com/state"})
    assert not (tmp_path / MARKER).exists()
