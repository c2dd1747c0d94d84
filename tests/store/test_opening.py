"""Opening the state database: new, older, newer, elsewhere, and where there is none."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.utils import override_settings

from twofold.core.names import JobType
from twofold.errors import Refused, StoreBroken
from twofold.ports import Record
from twofold.store.database import open_store
from twofold.store.location import default_location, locate
from twofold.testing.store_contract import couplings

LATER = override_settings(MIGRATION_MODULES={"store": f"{__package__}.later_migrations"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "twofold.db"


def run_python(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_migrations_say_all_that_the_models_say() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    connections.close_all()


def test_a_new_database_is_made_and_opened_again(nothing_yet: str | Path) -> None:
    with open_store(nothing_yet) as first:
        first.configuration.save({}, {"ITEM": {"direction": "both"}})
    with open_store(nothing_yet, create=False) as second:
        assert second.configuration.mappings() == {"ITEM": {"direction": "both"}}


def test_one_process_may_have_several_states_open_and_go_from_one_to_another(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db") as a, open_store(tmp_path / "b.db") as b:
        a.configuration.save({}, {"A": {}})
        b.configuration.save({}, {"B": {}})
        assert (list(a.configuration.mappings()), list(b.configuration.mappings())) == (["A"], ["B"])
        first = a.alias
    with open_store(tmp_path / "b.db") as again:
        assert list(again.configuration.mappings()) == ["B"]
        # The name that the first one gave back; which one depends on what else is open in this process.
        assert again.alias == first


def test_a_state_survives_losing_power_and_lets_readers_go_on(file: Path) -> None:
    with open_store(file) as store, connections[store.alias].cursor() as cursor:
        settings = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_listing_jobs_does_not_load_polars(file: Path) -> None:
    program = (
        "import sys; from twofold.store.database import open_store\n"
        "with open_store(sys.argv[1]) as store: print(store.listing.jobs(), 'polars' in sys.modules)"
    )
    assert run_python(program, str(file)) == "[] False"


def test_processes_that_make_the_database_at_once_all_succeed(nothing_yet: str | Path) -> None:
    program = (
        "import sys; from twofold.store.database import open_store\n"
        "with open_store(sys.argv[1]) as store: print(store.listing.jobs())"
    )
    command = [sys.executable, "-c", program, str(nothing_yet)]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [run.communicate() for run in runs] == [("[]\n", "")] * 3


# -- versions ----------------------------------------------------------------------------------------------


def test_a_state_of_an_older_version_is_brought_up_after_a_copy_was_made(file: Path) -> None:
    with open_store(file) as store:
        store.configuration.save({}, {"ITEM": {}}, "text: 1")
    with LATER, open_store(file) as store:
        assert store.configuration.document() == "text: 1"
    copy = file.with_name("twofold-before-0002_note.db")
    with open_store(copy, create=False) as store:
        assert list(store.configuration.mappings()) == ["ITEM"]


def test_a_state_of_a_newer_version_is_refused_and_left_alone(nothing_yet: str | Path) -> None:
    with LATER, open_store(nothing_yet) as store:
        store.configuration.save({}, {"ITEM": {}})
    with pytest.raises(Refused, match=r"newer version of Twofold.*0002_note"):
        open_store(nothing_yet)
    with LATER, open_store(nothing_yet) as store:
        assert list(store.configuration.mappings()) == ["ITEM"]


# -- where there is none -----------------------------------------------------------------------------------


def test_a_missing_state_is_refused_where_none_should_be_made(file: Path) -> None:
    with pytest.raises(Refused, match="twofold init"):
        open_store(file, create=False)
    assert not file.exists()


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"folder .*nowhere does not exist"):
        open_store(tmp_path / "nowhere" / "twofold.db")


def test_a_folder_is_no_state_database(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is a folder"):
        open_store(tmp_path)


def test_a_file_of_another_kind_is_refused_and_not_touched(file: Path) -> None:
    file.write_text("dear diary, " * 100)
    with pytest.raises(Refused, match="not a database file"):
        open_store(file)
    assert file.read_text().startswith("dear diary, ")


def test_a_database_of_another_program_is_refused_and_not_touched(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE customer (id TEXT)")
    with pytest.raises(Refused, match=r"database of something else.*customer"):
        open_store(file)
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("customer",)]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_file_that_may_not_be_written_is_refused(file: Path) -> None:
    open_store(file).close()
    file.chmod(0o400)
    with pytest.raises(Refused, match="read-only"):
        open_store(file).configuration.save({}, {"ITEM": {}})


def test_a_locked_state_says_so_after_waiting(file: Path) -> None:
    with open_store(file, patience=0.1) as store, closing(sqlite3.connect(file)) as other:
        store.configuration.save({}, {"ITEM": {}})
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBroken, match="locked by another program"):
            store.record("ITEM", Record(couple=couplings([("1", "2")])))
        other.rollback()
        store.record("ITEM", Record(couple=couplings([("1", "2")])))
        assert store.coupling_count("ITEM") == 1


def test_a_state_that_loses_a_table_is_reported_as_a_sentence(file: Path) -> None:
    with open_store(file) as store:
        store.configuration.save({}, {"ITEM": {}})
        with closing(sqlite3.connect(file)) as other:
            other.executescript("DROP TABLE store_joberror; DROP TABLE store_job;")
        with pytest.raises(StoreBroken, match="misses a table"):
            store.begin_job("ITEM", None, JobType.COUPLING)


# -- servers -----------------------------------------------------------------------------------------------


def test_an_unreachable_server_is_refused_without_the_password() -> None:
    with pytest.raises(Refused, match="did not answer") as refusal:
        open_store("postgresql://anna:s3cr3t@127.0.0.1:1/state", patience=2)
    assert "s3cr3t" not in str(refusal.value)
    assert "anna@127.0.0.1:1/state" in str(refusal.value)


def test_a_missing_database_and_an_unknown_user_are_refused(postgresql_url: str) -> None:
    with pytest.raises(Refused, match="does not exist on that server"):
        open_store(postgresql_url.replace("/test_", "/missing_"))
    with pytest.raises(Refused, match="does not know this user"):
        open_store(postgresql_url.replace("postgres:@", "nobody:s3cr3t@"))


@pytest.mark.parametrize("url", ["postgresql://anna:s3cr3t@host:port/x", "postgres://anna:s3cr3t@host"])
def test_a_url_that_is_not_whole_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(Refused, match="URL of the state database") as refusal:
        locate(url)
    assert "s3cr3t" not in f"{refusal.value} {refusal.value.__cause__} {refusal.value.__context__}"


def test_an_unknown_kind_of_database_is_refused() -> None:
    with pytest.raises(Refused, match='"mysql" is not a state database'):
        locate("mysql://root@host/x")


def test_the_environment_names_another_state_than_the_workspace(tmp_path: Path) -> None:
    assert default_location(tmp_path, {}) == tmp_path / "twofold.db"
    assert default_location(tmp_path, {"TWOFOLD_DATABASE_URL": "postgresql://h/x"}) == "postgresql://h/x"
    assert locate(f"sqlite:///{tmp_path}/a.db").path == tmp_path / "a.db"
