"""One database: how it is opened, waited for, and what its errors mean; it must never read a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from twofold.connectors.sql.dialects import Dialect, Fault, known_backends, load_dialect
from twofold.core.names import closest
from twofold.errors import Fatal, NotAuthorised, Refused, SchemaDrift, Transient, TwofoldError, Unreachable

Answer = TypeVar("Answer")

ATTEMPTS = 5
_FIRST_PAUSE = 0.05
PATIENT = frozenset({"conflict", "locked"})
"""Troubles that pass by themselves in a moment."""

ROW_FAULTS = frozenset(
    {"not_null", "unique", "foreign_key", "check", "too_long", "too_large", "type", "trigger"}
)
"""Troubles with one row, which the same row would meet again."""

_SENTENCES: dict[str, tuple[type[TwofoldError], str]] = {
    "unreachable": (
        Unreachable,
        "does not answer ({text}). It is tried again; check that it runs, and the url.",
    ),
    "locked": (Transient, "is locked by another program ({text}). It is tried again later."),
    "conflict": (Transient, "is busy: other transactions came in the way ({text}). It is tried again later."),
    "busy": (Transient, "cannot take the request now ({text}). It is tried again later."),
    "full": (Transient, "has no space left ({text}). Make room; it is tried again later."),
    "read_only": (NotAuthorised, "may only be read ({text}). Give Twofold a database that it may write to."),
    "denied": (NotAuthorised, "does not allow this ({text}). Grant the user of the url the right to it."),
    "login": (NotAuthorised, "refused the user or the password ({text}). Correct the url of the connection."),
    "no_database": (Refused, "has no such database ({text}). Correct the url of the connection."),
    "missing": (
        SchemaDrift,
        "lacks a table or column ({text}). Run `twofold check`, and correct the mapping.",
    ),
    "broken": (Fatal, "cannot be read as a database ({text}). Check the file that the url names."),
    "other": (Fatal, "refused a statement ({text}). Run `twofold check`; nothing after this was done."),
}
"""What a person is told about the trouble of a whole connection, by kind."""

_SETTINGS = ("url", "schema", "create", "foreign_keys", "timeout", "page_size")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person wrote about the connection, checked.

    `timeout` is in seconds: how long to wait for a lock or for a server. `page_size` is in rows.
    """

    url: sa.URL
    schema: str | None = None
    create: bool = False
    foreign_keys: bool = False
    timeout: float = 10.0
    page_size: int = 10_000


def read_settings(name: str, settings: Mapping[str, Any]) -> Settings:
    """The settings of connection `name`; raises `Refused` with every problem at once."""
    problems = [
        f'Connection "{name}" has no setting "{key}".{closest(key, _SETTINGS)}'
        for key in settings
        if key not in _SETTINGS
    ]
    problems += [text for check in _CHECKS for text in check(name, settings)]
    if problems:
        raise Refused(problems[0], tuple(problems[1:]))
    given = {key: value for key, value in settings.items() if value is not None and key != "url"}
    return Settings(sa.make_url(str(settings["url"])), **given)


def _check_url(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    examples = "such as sqlite:///erp.db, postgresql://user@host/database or mysql://user@host/database"
    if not settings.get("url"):
        yield f'Connection "{name}" needs a url, {examples}.'
        return
    try:
        url = sa.make_url(str(settings["url"]))
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        yield f'The url of connection "{name}" is not a database URL; write one {examples}.'
        return
    if backend not in known_backends():
        yield (
            f'Connection "{name}" is for "{backend}", which is not supported.'
            f"{closest(backend, known_backends())} Write a url {examples}."
        )
    elif backend in ("mysql", "mariadb") and not (url.database or settings.get("schema")):
        yield f'The url of connection "{name}" names no database. Write it as {backend}://user@host/database.'


def _check_kinds(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    for key in ("create", "foreign_keys"):
        if not isinstance(settings.get(key, False), bool):
            yield f'"{key}" of connection "{name}" is either true or false.'
    if not isinstance(settings.get("schema") or "", str):
        yield f'"schema" of connection "{name}" is the name of a schema.'
    timeout, page = settings.get("timeout", 10), settings.get("page_size", 1)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0:
        yield f'"timeout" of connection "{name}" is a number of seconds.'
    if isinstance(page, bool) or not isinstance(page, int) or page < 1:
        yield f'"page_size" of connection "{name}" is a number of rows, at least 1.'


_CHECKS = (_check_url, _check_kinds)


class Database:
    """An engine with its dialect, and the one place where driver errors become Twofold's."""

    def __init__(self, name: str, settings: Settings, workspace: Path) -> None:
        self.name = name
        self.settings = settings
        self.workspace = workspace
        self.dialect: Dialect = load_dialect(settings.url.get_backend_name())
        self.url = _resolve(name, settings, workspace, self.dialect)
        self.engine = self._open()
        sa.event.listen(self.engine, "connect", self._prepare)

    def _open(self) -> sa.Engine:
        try:
            options = self.dialect.options(self.url, self.settings.timeout)
            return sa.create_engine(self.url, hide_parameters=True, **options)
        except ModuleNotFoundError as error:
            raise Refused(
                f'Connection "{self.name}" needs the driver "{error.name}", which is not installed. '
                f"Run `pip install 'twofold[{self.dialect.extra}]'`."
            ) from error

    def _prepare(self, connection: Any, _: Any) -> None:
        self.dialect.prepare(connection, foreign_keys=self.settings.foreign_keys)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection on which every statement stands alone."""
        with self.translated(), self.engine.connect() as connection:
            yield connection.execution_options(**self.dialect.reading)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns errors of the driver into errors for a person."""
        try:
            yield
        except TwofoldError:
            raise
        except (DBAPIError, DisconnectionError, PoolTimeout) as error:
            self.fail(error)

    def fault(self, error: BaseException) -> Fault:
        """What an error of the driver or of the engine means."""
        if isinstance(error, (DisconnectionError, PoolTimeout)):
            return Fault("busy", text=str(error))
        original = getattr(error, "orig", None) or error
        found = self.dialect.fault(original)
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return Fault("unreachable", text=found.text) if lost else found

    def fail(self, error: BaseException) -> NoReturn:
        """Raise what an error of the driver means for the whole run."""
        fault = self.fault(error)
        kind, sentence = _SENTENCES.get(fault.kind, _SENTENCES["other"])
        said = " ".join(fault.text.split())[:300].rstrip(".")
        raise kind(f'The database of connection "{self.name}" {sentence.format(text=said)}') from error

    def patiently(self, work: Callable[[], Answer]) -> Answer:
        """Do the work, again after a short pause where others came in the way, a few times at most."""
        deadline = time.monotonic() + self.settings.timeout
        for attempt in range(ATTEMPTS - 1):
            try:
                return work()
            except DBAPIError as error:
                kind = self.fault(error).kind
                if kind not in PATIENT or (kind == "locked" and time.monotonic() > deadline):
                    self.fail(error)
            time.sleep(_FIRST_PAUSE * 2**attempt)
        with self.translated():
            return work()

    def close(self) -> None:
        """Let go of every driver connection."""
        self.engine.dispose()


def _resolve(name: str, settings: Settings, workspace: Path, dialect: Dialect) -> sa.URL:
    url = settings.url.set(drivername=dialect.driver)
    if dialect.name != "sqlite":
        return url
    path, is_uri = (url.database or ""), (url.database or "").startswith("file:")
    plain = path.removeprefix("file:")
    if not plain or plain.startswith(":memory:") or url.query.get("mode") == "memory":
        raise Refused(
            f'Connection "{name}" names a database in memory, which nobody else could see. '
            "Name a file, such as sqlite:///erp.db."
        )
    file = workspace / plain
    _check_file(name, file, settings)
    return url.set(database=f"file:{file}" if is_uri else str(file))


def _check_file(name: str, file: Path, settings: Settings) -> None:
    if file.is_dir():
        raise Refused(f'Connection "{name}" names {file}, which is a folder. Name a database file.')
    if file.exists() or (settings.create and file.parent.is_dir()):
        return
    hint = "make that folder" if settings.create else "correct the url, or write `create: true` to make it"
    raise Refused(f'Connection "{name}" names the database {file}, which is not there: {hint}.')
