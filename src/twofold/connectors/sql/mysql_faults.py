"""What the errors of MySQL and MariaDB mean; it must never decide what to do, nor repeat a value."""

from __future__ import annotations

import re

from twofold.connectors.sql.dialects import Fault

_CODES: dict[str, tuple[int, ...]] = {
    "not_null": (1048, 1263, 1364),
    "unique": (1022, 1062, 1169, 1586, 1859),
    "foreign_key": (1216, 1217, 1451, 1452, 1557, 1761, 1762),
    "check": (1369, 3819, 4025),
    "too_long": (1406, 1162, 3988),
    "too_large": (1264, 1690),
    "type": (1265, 1292, 1366, 1367, 1411, 1525, 1977, 3140, 3141, 3156, 3854, 4038, 4078),
    "trigger": (1442, 1644, 1643, 1645),
    "conflict": (1020, 1213, 1614, 3572),
    "locked": (1205, 3058),
    "busy": (1040, 1203, 1226, 1317, 1969, 3024),
    "full": (1021, 1041, 1114, 3),
    "read_only": (1036, 1290, 1792, 1836, 1874),
    "denied": (1044, 1142, 1143, 1227, 1370, 1410, 3118),
    "login": (1045, 1130, 1251, 1698, 1820, 1862, 2054, 2059, 2061, 4151),
    "no_database": (1046, 1049),
    "missing": (1051, 1054, 1146, 1305, 1356),
    "unreachable": (
        0,
        1053,
        1077,
        1152,
        1158,
        1159,
        1160,
        1161,
        1927,
        2002,
        2003,
        2005,
        2006,
        2013,
        2014,
        2055,
    ),
}
_KINDS = {code: kind for kind, codes in _CODES.items() for code in codes}
"""What an error number means; 45000 and the like come as 1644."""

_COLUMN = re.compile(r"(?:[Cc]olumn|[Ff]ield) '([^']+)'")
_QUALIFIED_COLUMN = re.compile(r"column (?:`(?:[^`]|``)*`\.)*`((?:[^`]|``)*)`")
_CONSTRAINT = re.compile(r"CONSTRAINT `((?:[^`]|``)*)`|[Cc]heck constraint '([^']*)'")
_INDEX = re.compile(r"for key '([^']*)'$")
_VALUE = re.compile(r"value: '.*'(?= for |$)|'.*'(?= for (?:key|column))", re.DOTALL)


def read_fault(error: BaseException) -> Fault:
    """What an error of the driver means."""
    code, said = _parts(error)
    kind = _KINDS.get(code) or ("unreachable" if type(error).__name__ == "InterfaceError" else "other")
    columns = _columns(said) if kind in ("not_null", "too_long", "too_large", "type") else ()
    return Fault(kind, columns, _constraint(said, kind), _VALUE.sub("a value", said))


def _parts(error: BaseException) -> tuple[int, str]:
    code = error.args[0] if error.args else -1
    if not isinstance(code, int):
        return -1, str(error)
    return code, str(error.args[1]) if len(error.args) > 1 else str(error)


def _columns(said: str) -> tuple[str, ...]:
    found = _QUALIFIED_COLUMN.search(said)
    if found is not None:
        return (found[1].replace("``", "`"),)
    named = _COLUMN.findall(said)
    return tuple(named[-1:])


def _constraint(said: str, kind: str) -> str | None:
    if kind == "unique":
        found = _INDEX.search(said)
        # MySQL puts the table's name before that of the index, MariaDB does not.
        return found[1].rpartition(".")[2] if found else None
    named = _CONSTRAINT.search(said)
    return (named[1] or named[2]).replace("``", "`") if named else None
