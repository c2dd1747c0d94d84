"""Where the state database is, from a path or a URL; it must never open it, and never show a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twofold.errors import Refused

FILE_NAME = "twofold.db"
"""The state database's file in a workspace."""
VARIABLE = "TWOFOLD_DATABASE_URL"
"""The environment variable that names another state database."""
PATIENCE = 30.0
"""Seconds to wait for another program's write before giving up."""

# A coupling recorded as pending, just before a record is created elsewhere, is all that keeps a later run
# from creating it twice. In WAL mode NORMAL may lose the last commits when power fails, so every commit is
# flushed (FULL): one flush a chunk of thousands of rows costs nothing that shows.
SQLITE_SETUP = "PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"


@dataclass(frozen=True, slots=True)
class Location:
    """A state database: Django's settings for it, how messages call it, and its file if it is one."""

    settings: dict[str, Any]
    shown: str
    path: Path | None = None


def default_location(workspace: Path, environment: Mapping[str, str]) -> str | Path:
    """What a workspace's commands open: the URL of the environment, else the file in the workspace."""
    return environment.get(VARIABLE) or workspace / FILE_NAME


def locate(where: str | Path, patience: float = PATIENCE) -> Location:
    """The state database that a path or a `sqlite:` or `postgresql:` URL names; else raises `Refused`."""
    text = str(where)
    if isinstance(where, Path) or "://" not in text:
        return _file(Path(where), patience)
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite":
        return _file(Path(rest.removeprefix("/")), patience)
    if scheme in ("postgresql", "postgres"):
        return _server(text, patience)
    raise Refused(
        f'"{scheme}" is not a state database that Twofold knows. Write a file path, sqlite:///FILE, '
        f"or postgresql://USER@HOST/NAME in {VARIABLE}."
    )


def _file(path: Path, patience: float) -> Location:
    path = path.expanduser().absolute()
    options = {"timeout": patience, "transaction_mode": "IMMEDIATE", "init_command": SQLITE_SETUP}
    settings = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": options,
        "CONN_MAX_AGE": None,
    }
    return Location(settings, str(path), path)


def _server(url: str, patience: float) -> Location:
    parts = _parts(url)
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"application_name": "twofold", "connect_timeout": str(int(patience) or 1)}
        | parts
        # Lists of keys travel as binary arrays instead of being written into the statement.
        | {"server_side_binding": True},
    }
    return Location(settings, _shown(settings))


def _parts(url: str) -> dict[str, str]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        # The driver's own text repeats the URL, and with it the password; so does the chain.
        parts = {}
    ports = str(parts.get("port") or "0").split(",")
    if not parts.get("dbname") or not all(port.isdigit() for port in ports):
        raise Refused(
            f"The URL of the state database is not complete. Write it as "
            f"postgresql://USER:PASSWORD@HOST:PORT/NAME in {VARIABLE}, with special "
            f"characters percent-encoded."
        )
    return {name: str(value) for name, value in parts.items()}


def _shown(settings: Mapping[str, Any]) -> str:
    user = f"{settings['USER']}@" if settings["USER"] else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    return f"postgresql://{user}{settings['HOST']}{port}/{settings['NAME']}"
