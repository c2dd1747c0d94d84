"""Systems, state databases and disks that do not do what a run needs."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import psycopg
import pytest

from .case import APPLY, Case, Provoke, both, folder_instead, gone, sql
from .place import CONFIGURATION, STATE, Outcome, Place, in_shell, program

EDIT = "UPDATE customer SET city = 'Skagen' WHERE number = '10000'"
MANY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
    "INSERT INTO customer (number, name, city) SELECT 'N' || i, 'Customer ' || i, hex(randomblob(200)) FROM n"
)
CREATES = CONFIGURATION.replace("match: number", "match: number\n    synch_only_coupled_records: false")


# -- rights ------------------------------------------------------------------------------------------------

# Root may write anywhere, so it gives up that right (CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH) before the
# command starts; for everybody else this does nothing.
_HUMBLE = """
import ctypes, os, sys
if os.getuid() == 0:
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def humbly(place: Place, arguments: Sequence[str]) -> Outcome:
    """Run the command as somebody for whom read-only means read-only."""
    _must_be_refused(place.folder)
    return in_shell(place, [sys.executable, "-c", _HUMBLE, *program(*arguments)])


def _must_be_refused(folder: Path) -> None:
    probe = f"import os, sys; sys.exit(os.access({str(folder)!r}, os.W_OK))"
    before = folder.stat().st_mode
    folder.chmod(0o555)
    done = subprocess.run([sys.executable, "-c", _HUMBLE, sys.executable, "-c", probe], check=False)
    folder.chmod(before)
    if done.returncode:
        pytest.skip("this user may write anywhere and cannot give that right up")


def protected(name: str, mode: int = 0o444) -> Provoke:
    """A file or folder (mode 0o555) may only be read, until the case is over."""

    def provoke(place: Place) -> None:
        path = place.folder / name
        before = path.stat().st_mode
        path.chmod(mode)
        place.stack.callback(path.chmod, before)

    return provoke


# -- full disks --------------------------------------------------------------------------------------------

_ON_A_FULL_DISK = """
set -e
mount -t tmpfs -o size={size}k tmpfs {disk}
cp -a {source} {disk}/
mount --bind {disk}/{name} {source}
dd if=/dev/zero of={disk}/filler bs=1024 2>/dev/null || true
set +e
{command}
code=$?
set -e
cp -a {disk}/{name} {after}
exit $code
"""


def on_a_full_disk(name: str, place: Place, arguments: Sequence[str]) -> Outcome:
    """Run the command while a file or folder of the workspace (`.`: all of it) is on a disk that is full."""
    if not _has_namespaces():
        pytest.skip("this user may not mount a small disk")
    disk, after = place.folder.parent / "disk", place.folder.parent / "after"
    disk.mkdir(exist_ok=True)
    source = place.folder / name
    words = {"disk": disk, "source": source, "name": source.name, "after": after}
    script = _ON_A_FULL_DISK.format(
        size=4096,
        command=shlex.join(program(*arguments, "--workspace", str(place.folder))),
        **{key: shlex.quote(str(value)) for key, value in words.items()},
    )
    done = in_shell(place, ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script])
    shutil.rmtree(source) if source.is_dir() else source.unlink()
    after.rename(source)
    return done


@cache
def _has_namespaces() -> bool:
    if not shutil.which("unshare"):
        return False
    probe = "mount -t tmpfs tmpfs /mnt"
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", probe], capture_output=True, check=False)
    return done.returncode == 0


def into_a_full_device(place: Place, arguments: Sequence[str]) -> Outcome:
    """Standard output leads to a disk that is full."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    return in_shell(place, ["sh", "-c", '"$@" > /dev/full', "sh", *program(*arguments)])


# -- databases ---------------------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def locked(place: Place) -> None:
    """Another program holds the database."""
    place.hold(_locked(place.file("crm.db")))


def _guarded(place: Place) -> str:
    """The URL, without a password, of a database that asks for one."""
    server = place.request.getfixturevalue("postgresql_server")
    url = place.request.getfixturevalue("postgresql_url")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guarded")
        connection.execute("SET password_encryption = 'scram-sha-256'")
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        (file,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(str(file)).read_text(encoding="utf-8")
        if "guarded" not in rules:
            asked = "local all guarded scram-sha-256\nhost all guarded all scram-sha-256\n"
            Path(str(file)).write_text(asked + rules, encoding="utf-8")
        connection.execute("SELECT pg_reload_conf()")
    return str(url)


def _with_password(url: str, password: str) -> str:
    user = url.partition("://")[2].partition("@")[0]
    return url.replace(f"//{user}@", f"//guarded:{password}@", 1)


def wrong_password(place: Place) -> None:
    """The file names the right user and the wrong password."""
    url = _with_password(_guarded(place), "wrong-one")
    place.write(CONFIGURATION.replace('"sqlite:///crm.db"', f'"{url}"'))


def changed_password(place: Place) -> None:
    """The password was right when the file was applied."""
    url = _with_password(_guarded(place), "${env:TWOFOLD_TEST_PASSWORD}")
    place.setenv("TWOFOLD_TEST_PASSWORD", "right")
    with psycopg.connect(place.request.getfixturevalue("postgresql_url")) as connection:
        connection.execute("CREATE TABLE currency (code TEXT PRIMARY KEY, name TEXT)")
        connection.execute(
            "CREATE TABLE account (id TEXT PRIMARY KEY, number TEXT, name TEXT, city TEXT, currency TEXT)"
        )
        connection.execute("CREATE TABLE visit (customer TEXT, day DATE, PRIMARY KEY (customer, day))")
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO guarded")
    place.apply(CONFIGURATION.replace('"sqlite:///crm.db"', f'"{url}"'))
    place.setenv("TWOFOLD_TEST_PASSWORD", "another-one")


def state_at(url: str) -> Provoke:
    """The environment names this state database."""
    return lambda place: place.setenv("TWOFOLD_DATABASE_URL", url)


def guarded_state(place: Place) -> None:
    """The state is on a server that refuses the password."""
    place.setenv("TWOFOLD_DATABASE_URL", _with_password(_guarded(place), "wrong-one"))


LATER = "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '0999_later', '2030-01-01')"

RUN = ("sync",)
AGAIN = "run the same command again"

SYSTEMS = [
    Case(
        "a password that fails, at apply",
        APPLY,
        ("twofold.yaml:3", "refused the user or the password", "Correct the url"),
        wrong_password,
    ),
    Case(
        "a password that fails, in a run",
        RUN,
        ("refused the user or the password", "Correct the url", AGAIN),
        changed_password,
        code=3,
    ),
    Case(
        "a database that is locked",
        RUN,
        ('connection "crm" is locked by another program', AGAIN),
        both(sql("erp", EDIT), locked),
        code=3,
    ),
    Case(
        "a database that is read-only",
        RUN,
        ('connection "crm" may only be read', "may write to", AGAIN),
        both(sql("erp", EDIT), protected("crm.db")),
        code=3,
        run=humbly,
    ),
    Case(
        "a database that was deleted", RUN, ("crm.db, which is not there", "correct the url"), gone("crm.db")
    ),
    Case(
        "a folder instead of a database",
        RUN,
        ("is a folder", "Name a database file"),
        folder_instead("crm.db"),
    ),
    Case(
        "a file that is no database",
        RUN,
        ("cannot be read as a database", "Check the file", AGAIN),
        lambda place: place.write("no database at all\n" * 99, "crm.db"),
        code=3,
    ),
    Case(
        "an empty file as database",
        RUN,
        ("CURRENCY", 'has no table "currency"', "twofold check"),
        lambda place: place.write("", "crm.db"),
    ),
    Case(
        "a table that was renamed",
        RUN,
        ("CUSTOMER", 'has no table "account"', 'Did you mean "accounts"?', "Nothing was done"),
        both(
            sql("erp", EDIT, "UPDATE currency SET name = 'Crown'"),
            sql("crm", "ALTER TABLE account RENAME TO accounts"),
        ),
    ),
    Case(
        "a field that was renamed",
        ("sync", "CUSTOMER"),
        ("CUSTOMER does not fit its tables", 'no field "city"', AGAIN),
        both(sql("erp", EDIT), sql("crm", "ALTER TABLE account RENAME COLUMN city TO town")),
        code=3,
    ),
]

STATES = [
    Case(
        "a state database of a newer version",
        RUN,
        ("was made by a newer version", "0999_later", "Install that version"),
        sql("twofold", LATER),
    ),
    Case(
        "a state database that is none",
        RUN,
        ("twofold.db is not a database file", "move that file away"),
        lambda place: place.write("no database at all\n" * 99, STATE),
    ),
    Case(
        "a database of something else as state",
        RUN,
        ("is a database of something else", "Choose another path"),
        lambda place: place.write(place.file("erp.db").read_bytes(), STATE),
    ),
    Case("a folder as state database", RUN, ("twofold.db is a folder", "Name a file"), folder_instead(STATE)),
    Case(
        "a state database that is read-only",
        RUN,
        ("twofold.db is read-only", "right to write there"),
        protected(STATE),
        run=humbly,
    ),
    Case(
        "a workspace without write permission",
        RUN,
        ("WORKSPACE is read-only", "right to write there"),
        protected(".", 0o555),
        run=humbly,
    ),
    Case(
        "a new workspace without write permission",
        ("init", "new"),
        ("new cannot be made", "Name another folder"),
        protected(".", 0o555),
        run=humbly,
    ),
    Case(
        "a state database of an unknown kind",
        RUN,
        ('"mysql" is not a state database', "sqlite:///FILE"),
        state_at("mysql://me@host/state"),
    ),
    Case(
        "a state database of which the URL is not complete",
        RUN,
        ("not complete", "postgresql://USER:PASSWORD@HOST"),
        state_at("postgresql://host"),
    ),
    Case(
        "a state database that refuses the password",
        RUN,
        ("refused the user or the password", "Correct TWOFOLD_DATABASE_URL"),
        guarded_state,
    ),
]

DISKS = [
    Case(
        "a full disk below the other system",
        ("sync", "CUSTOMER"),
        ("has no space left", "Make room", AGAIN),
        both(lambda place: place.apply(CREATES), sql("erp", MANY)),
        code=3,
        run=partial(on_a_full_disk, "crm.db"),
    ),
    Case(
        "a full disk below the workspace",
        ("sync",),
        ("twofold.db", "disk is full. Make room"),
        sql("erp", EDIT),
        code=3,
        run=partial(on_a_full_disk, "."),
    ),
    Case(
        "a full disk below what is printed",
        ("couplings", "CUSTOMER"),
        ("No space left on device", AGAIN.removeprefix("run the same ")),
        code=3,
        run=into_a_full_device,
        mute=True,
    ),
    Case(
        "a file that cannot be written",
        ("export", "--out", "nowhere/twofold.yaml"),
        ("nowhere/twofold.yaml cannot be written", "Name another file"),
    ),
]

CASES = {"Systems": SYSTEMS, "The state database": STATES, "Disks": DISKS}
