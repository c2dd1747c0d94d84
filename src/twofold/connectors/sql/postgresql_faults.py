"""What the errors of PostgreSQL mean; it must never decide what to do about one."""

from __future__ import annotations

from twofold.connectors.sql.dialects import Fault

_FAULTS = {
    "23502": "not_null",
    "23505": "unique",
    "23P01": "unique",
    "23503": "foreign_key",
    "23001": "foreign_key",
    "23514": "check",
    "22001": "too_long",
    "22003": "too_large",
    "22021": "type",
    "40001": "conflict",
    "40P01": "conflict",
    "55P03": "locked",
    "42501": "denied",
    "28000": "login",
    "28P01": "login",
    "3D000": "no_database",
    "42P01": "missing",
    "42703": "missing",
    "3F000": "missing",
    "25006": "read_only",
    "53300": "busy",
    "53100": "full",
    "57014": "busy",
    "57P01": "unreachable",
    "57P02": "unreachable",
    "57P03": "unreachable",
    "08": "unreachable",
    "22": "type",
    "23": "check",
    "44": "check",
    "P0": "trigger",
    "53": "busy",
}
"""What an SQLSTATE means; one that is not listed falls back to its class."""

_CONNECTING = (
    ("password", "login"),
    ("authentication", "login"),
    ("no pg_hba", "login"),
    ("role ", "login"),
    ("database ", "no_database"),
)
"""Words of a refused connection, which carries no SQLSTATE, and what they mean."""


def read_fault(error: BaseException) -> Fault:
    """What an error of the driver means."""
    state = str(getattr(error, "sqlstate", None) or "")
    diagnosis = getattr(error, "diag", None)
    kind = _FAULTS.get(state) or _FAULTS.get(state[:2]) or _spoken(error, state)
    column = getattr(diagnosis, "column_name", None)
    said = getattr(diagnosis, "message_primary", None) or str(error)
    constraint = getattr(diagnosis, "constraint_name", None)
    return Fault(kind, (column,) if column else (), constraint, said)


def _spoken(error: BaseException, state: str) -> str:
    name = type(error).__name__
    if name == "DataError":
        return "type"
    if state or name not in ("OperationalError", "ConnectionTimeout", "InterfaceError"):
        return "other"
    said = str(error)
    return next((kind for word, kind in _CONNECTING if word in said and "FATAL" in said), "unreachable")
