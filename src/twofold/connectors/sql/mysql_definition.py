"""The column types of new tables in MySQL and MariaDB; it must never say what an existing column is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import mysql as types

from twofold.core.schema import DEFAULT_SCALE, Field, FieldType


def _text(field: Field) -> Any:
    return types.VARCHAR(field.length) if field.length and field.length <= _INDEXED else types.LONGTEXT()


_INDEXED = 768
"""So many characters fit into an index."""


def _precise(field: Field, most: int = 6) -> int:
    return most if field.scale is None else min(most, field.scale)


DDL_TYPES: dict[FieldType, Callable[[Field], Any]] = {
    FieldType.TEXT: _text,
    FieldType.CODE: _text,
    FieldType.INTEGER: lambda _: types.BIGINT(),
    FieldType.OPTION: lambda _: types.BIGINT(),
    FieldType.DECIMAL: lambda field: types.DECIMAL(38, DEFAULT_SCALE if field.scale is None else field.scale),
    FieldType.FLOAT: lambda _: types.DOUBLE(),
    FieldType.BOOLEAN: lambda _: types.TINYINT(1),
    FieldType.DATE: lambda _: types.DATE(),
    FieldType.TIME: lambda field: types.TIME(fsp=_precise(field)),
    FieldType.DATETIME: lambda field: types.DATETIME(fsp=_precise(field)),
    FieldType.GUID: lambda _: types.CHAR(36, charset="ascii", collation="ascii_general_ci"),
    FieldType.JSON: lambda _: types.JSON(),
    FieldType.BINARY: lambda _: types.LONGBLOB(),
}
