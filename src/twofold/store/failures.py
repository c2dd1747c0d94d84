"""Turns what a database driver says into sentences; it must never let a password or a traceback through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import Error

from twofold.errors import Refused, StoreBroken, TwofoldError
from twofold.store.location import FILE_NAME, VARIABLE, Location

# Each line: what the driver's text contains, what that means, and what to do about it.
MEANINGS: tuple[tuple[str, str], ...] = (
    (
        "database is locked",
        "is locked by another program. Close that program, or wait until it is done, and try again",
    ),
    (
        "readonly database",
        "cannot be written: its file or folder is read-only. Give yourself the right to write there",
    ),
    ("disk is full", "cannot grow, because the disk is full. Make room and try again"),
    ("no space left", "cannot grow, because its disk is full. Make room and try again"),
    ("malformed", "is damaged. Restore the file from a backup; nothing was changed in the systems"),
    ("not a database", "is not a database file. Choose another path, or move that file away"),
    (
        "unable to open",
        "cannot be opened. Check that its folder exists and that you may read and write there",
    ),
    ("password authentication", f"refused the user or the password. Correct {VARIABLE}"),
    ("no password supplied", f"asks for a password. Add it to {VARIABLE}"),
    ("role", f"does not know this user. Correct {VARIABLE}"),
    ("does not exist", f"does not exist on that server. Create it, or correct {VARIABLE}"),
    (
        "connection refused",
        f"did not answer. Check that the server runs, and the host and port in {VARIABLE}",
    ),
    ("timeout", "did not answer in time. Check the server and the network, and try again"),
    ("could not translate", f"is on a host that cannot be found. Correct the host in {VARIABLE}"),
    ("failed to resolve", f"is on a host that cannot be found. Correct the host in {VARIABLE}"),
    ("connection", "closed the connection. Check the server and the network, and run again"),
    ("no such table", "misses a table, so something else changed it. Restore it from a backup"),
)


def sentence(location: Location, error: Exception) -> str:
    """What went wrong with the database, and what to do."""
    text = str(error).lower()
    for part, meaning in MEANINGS:
        if part in text:
            return f"The state database {location.shown} {meaning}."
    return f"The state database {location.shown} failed: {_clean(location, error)}"


def _clean(location: Location, error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    password = str(location.settings.get("PASSWORD") or "")
    return f"{text.replace(password, '***') if password else text}."


@contextmanager
def explained(location: Location, kind: type[TwofoldError] = StoreBroken) -> Iterator[None]:
    """Raise `kind` with a sentence in place of any error of the database."""
    try:
        yield
    except Error as error:
        raise kind(sentence(location, error)) from _shareable(location, error)


def _shareable(location: Location, error: Exception) -> Exception | None:
    password = str(location.settings.get("PASSWORD") or "")
    return None if password and password in str(error) else error


def check_file(location: Location, *, create: bool) -> None:
    """Refuse a path where no state database can be, before a driver makes an empty file of it."""
    path = location.path
    if path is None:
        return
    if path.is_dir():
        raise Refused(f"{path} is a folder. Name a file for the state database, such as {path / FILE_NAME}.")
    if not path.parent.is_dir():
        raise Refused(f"The folder {path.parent} does not exist. Create it, or choose another workspace.")
    if not path.exists() and not create:
        raise Refused(f"There is no state database at {path}. Run `twofold init` in that folder first.")
    _refuse_read_only(path)


def _refuse_read_only(path: Path) -> None:
    # SQLite keeps its log beside the file, so the folder must be writable as well.
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.W_OK):
            raise Refused(
                f"{place} is read-only. Give yourself the right to write there, or choose another path."
            )
