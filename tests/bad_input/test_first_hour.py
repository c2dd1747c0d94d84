"""What a newcomer tries in the first hour is either right or put right; nothing of it is a trap."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial

import pytest

from .conditions import on_a_full_disk
from .place import CONFIGURATION, Place, in_process, one_document, program, seen
from .systems import CREATES, MANY


def run(place: Place, *arguments: str) -> str:
    done = in_process(place, arguments)
    assert done.code == 0, done.err
    return done.out


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + CONFIGURATION.encode(),
        CONFIGURATION.replace("\n", "\r\n").encode(),
        CONFIGURATION.rstrip("\n").encode(),
        f"%YAML 1.2\n---\n{CONFIGURATION}...\n".encode(),
    ],
    ids=["byte order mark", "line ends of Windows", "no last line end", "marks of a document"],
)
def test_how_an_editor_saves_the_file_does_not_matter(place: Place, content: bytes) -> None:
    place.write(content)
    assert run(place, "apply") == "Nothing to change.\n"


def test_applying_an_unchanged_file_changes_nothing_and_asks_nothing(place: Place) -> None:
    before = seen(place)
    assert run(place, "apply") == "Nothing to change.\n"
    assert seen(place) == before


def test_a_mapping_is_found_in_any_case(place: Place) -> None:
    for name in ("customer", "Customer", "CUSTOMER"):
        jobs = one_document(run(place, "sync", name, "--json"))["jobs"]
        assert [job["mapping"] for job in jobs] == ["CUSTOMER", "CUSTOMER"]


@pytest.mark.parametrize("key", ['["10000","2026-01-15"]', '[ "10000", "2026-01-15" ]'])
def test_a_key_of_several_parts_may_have_blanks(place: Place, key: str) -> None:
    story = one_document(run(place, "explain", "VISIT", "--left", key, "--json"))
    assert story["left_key"] == '["10000","2026-01-15"]'


def test_a_workspace_may_be_moved_with_its_databases(place: Place) -> None:
    moved = place.folder.rename(place.folder.parent / "elsewhere")
    place.folder = moved
    assert all(job["inserted"] == 0 for job in one_document(run(place, "sync", "--full", "--json"))["jobs"])


def test_two_workspaces_side_by_side_know_nothing_of_each_other(place: Place) -> None:
    other = Place(place.folder.parent / "other", place.capture, place.request)
    shutil.copytree(place.folder, other.folder)
    place.sql("erp", "UPDATE customer SET city = 'Skagen' WHERE number = '10000'")
    before = seen(other)
    both = [subprocess.Popen(program("sync", "-w", str(one.folder)), stdout=-3) for one in (place, other)]
    assert [one.wait() for one in both] == [0, 0]
    assert place.ask("crm", "SELECT city FROM account WHERE number = '10000'") == [("Skagen",)]
    assert {name: seen(other)[name] for name in ("crm.db", "couplings")} == {
        name: before[name] for name in ("crm.db", "couplings")
    }


def test_a_state_that_is_put_back_goes_on_where_it_stopped(place: Place) -> None:
    away = place.file("twofold.db").rename(place.folder.parent / "away.db")
    assert in_process(place, ("sync",)).code == 2
    away.rename(place.file("twofold.db"))
    assert len(one_document(run(place, "couplings", "CUSTOMER", "--json"))["couplings"]) == 2


def test_once_there_is_room_again_the_run_goes_on_and_nothing_is_twice(place: Place) -> None:
    place.apply(CREATES)
    place.sql("erp", MANY)
    assert partial(on_a_full_disk, "crm.db")(place, ("sync", "CUSTOMER")).code == 3
    run(place, "sync", "CUSTOMER")
    assert place.ask("crm", "SELECT count(*), count(DISTINCT number) FROM account") == [(2002, 2002)]
    run(place, "verify", "CUSTOMER")


def test_a_table_that_is_to_be_made_is_a_warning_because_check_can_propose_it(place: Place) -> None:
    place.sql("crm", "DROP TABLE account")
    place.write(CONFIGURATION.replace("table: account", "table: business_partner"))
    done = in_process(place, ("apply", "--yes"))
    assert done.code == 0
    assert "twofold check --ddl" in done.err


def test_a_connection_that_only_the_state_knows_does_not_keep_a_file_from_being_applied(place: Place) -> None:
    place.file("crm.db").unlink()
    place.write('connections:\n  hr: {kind: sql, url: "sqlite:///erp.db"}\n')
    done = in_process(place, ("apply", "--yes"))
    assert done.code == 0
    assert "+ connection hr" in done.out
