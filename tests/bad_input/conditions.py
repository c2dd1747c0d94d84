"""What may be wrong around a command: rights, disks, locks, passwords; it must never judge the answer."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from .case import Provoke
from .place import CONFIGURATION, TABLES, Outcome, Place, in_process, in_shell, program

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
    _served(place, "ALL")
    place.setenv("TWOFOLD_TEST_PASSWORD", "another-one")


def only_a_reader(place: Place) -> None:
    """The user of the URL may read the tables, and nothing else."""
    _served(place, "SELECT")


def _served(place: Place, right: str) -> None:
    """The other system is moved to a server, where the user of the URL has this right to its tables."""
    url = _with_password(_guarded(place), "${env:TWOFOLD_TEST_PASSWORD}")
    place.setenv("TWOFOLD_TEST_PASSWORD", "right")
    place.server = str(place.request.getfixturevalue("postgresql_url"))
    with psycopg.connect(place.server) as connection:
        connection.execute(TABLES["crm"])
        for table in ("currency", "account", "visit"):
            for values in place.ask("crm", f"SELECT * FROM {table}"):
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(values))})", values)
        connection.execute(f"GRANT {right} ON ALL TABLES IN SCHEMA public TO guarded")
    place.apply(CONFIGURATION.replace('"sqlite:///crm.db"', f'"{url}"'))
    assert in_process(place, ("sync",)).code == 0


def state_at(url: str) -> Provoke:
    """The environment names this state database."""
    return lambda place: place.setenv("TWOFOLD_DATABASE_URL", url)


def guarded_state(place: Place) -> None:
    """The state is on a server that refuses the password."""
    place.setenv("TWOFOLD_DATABASE_URL", _with_password(_guarded(place), "wrong-one"))
