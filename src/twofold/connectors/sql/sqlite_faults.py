"""What the errors of SQLite mean; it must never decide what to do about one."""

from __future__ import annotations

import re

from twofold.connectors.sql.dialects import Fault

_FAULTS = {
    "SQLITE_CONSTRAINT_NOTNULL": "not_null",
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign_key",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_TRIGGER": "trigger",
    "SQLITE_CONSTRAINT_DATATYPE": "type",
    "SQLITE_MISMATCH": "type",
    "SQLITE_TOOBIG": "too_long",
    "SQLITE_CONSTRAINT": "check",
    "SQLITE_BUSY": "locked",
    "SQLITE_LOCKED": "locked",
    "SQLITE_READONLY": "read_only",
    "SQLITE_PERM": "denied",
    "SQLITE_AUTH": "denied",
    "SQLITE_CANTOPEN": "unreachable",
    "SQLITE_IOERR": "unreachable",
    "SQLITE_FULL": "full",
    "SQLITE_CORRUPT": "broken",
    "SQLITE_NOTADB": "broken",
}
"""What SQLite's result codes mean; an extended code falls back to the code it extends."""


def read_fault(error: BaseException) -> Fault:
    """What an error of the driver means."""
    text = str(error)
    code = str(getattr(error, "sqlite_errorname", "") or "")
    kind = _FAULTS.get(code) or _FAULTS.get("_".join(code.split("_")[:2])) or _spoken(text)
    named = text.partition(" failed: ")[2]
    columns = _unquoted(named) if kind in ("not_null", "unique") else ()
    return Fault(kind, columns, named if kind == "check" else None, text)


def _unquoted(text: str) -> tuple[str, ...]:
    return tuple(part.strip().rpartition(".")[2] for part in text.split(","))


def _spoken(text: str) -> str:
    missing = re.match(r"no such (table|column)", text)
    return "missing" if missing else "denied" if "not authorized" in text else "other"
