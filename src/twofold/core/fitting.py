"""Whether a value that a person wrote fits a field; it must never change the value to make it fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from uuid import UUID

from twofold.core.mapping import Scalar
from twofold.core.schema import Field, FieldType
from twofold.core.values import scalar_text

INTEGER_LIMIT = 2**63
UUID_LENGTH = 36


def misfit(field: Field, value: Scalar) -> str | None:
    """Why `value` cannot be written to `field`, as the end of a sentence; None if it fits.

    A blank fits every field that may be empty, and every text.
    """
    text = scalar_text(value) or ""
    if field.type in _TEXTS:
        return _text_misfit(field, value, text)
    if not text:
        return None if field.nullable else f'"{field.name}" may not be empty'
    problem = _SPELLINGS[field.type](field, text)
    return None if problem is None else f'"{field.name}" is {_kind(field)}: {problem}'


def _kind(field: Field) -> str:
    return f"an {field.type}" if field.type[0] in "aeiou" else f"a {field.type}"


_TEXTS = (FieldType.TEXT, FieldType.CODE)


def _text_misfit(field: Field, value: Scalar, text: str) -> str | None:
    if value is None and not field.nullable and not field.blank_is_null:
        return f'"{field.name}" may not be empty'
    if field.length is not None and len(text) > field.length:
        return f'"{field.name}" takes {field.length} characters, and this has {len(text)}'
    return None


def _integer(_: Field, text: str) -> str | None:
    try:
        fits = -INTEGER_LIMIT <= int(text) < INTEGER_LIMIT
    except ValueError:
        fits = False
    return None if fits else "write a whole number"


def _decimal(field: Field, text: str) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "write a number"
    if not number.is_finite():
        return "write a number"
    digits = -int(number.normalize().as_tuple().exponent)
    if field.scale is not None and digits > field.scale:
        return f"write at most {field.scale} digits after the point"
    return None


def _float(_: Field, text: str) -> str | None:
    return _attempt(lambda: float(text), "write a number")


def _boolean(_: Field, text: str) -> str | None:
    return None if text.lower() in ("true", "false", "1", "0") else "write true or false"


def _date(_: Field, text: str) -> str | None:
    return _attempt(lambda: date.fromisoformat(text), "write it as 2024-12-31")


def _time(_: Field, text: str) -> str | None:
    return _attempt(lambda: time.fromisoformat(text), "write it as 23:59:00")


def _datetime(_: Field, text: str) -> str | None:
    return _attempt(lambda: datetime.fromisoformat(text), "write it as 2024-12-31T23:59:00Z")


def _guid(_: Field, text: str) -> str | None:
    return _attempt(lambda: UUID(text), "write it as 00000000-0000-0000-0000-000000000000")


def _json(_: Field, text: str) -> str | None:
    return _attempt(lambda: json.loads(text), 'write JSON, such as "{}"')


def _binary(_: Field, __: str) -> str | None:
    return "binary fields cannot be synchronized"


def _attempt(parse: Callable[[], object], sentence: str) -> str | None:
    try:
        parse()
    except ValueError:
        return sentence
    return None


_SPELLINGS: dict[FieldType, Callable[[Field, str], str | None]] = {
    FieldType.INTEGER: _integer,
    FieldType.OPTION: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.FLOAT: _float,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.TIME: _time,
    FieldType.DATETIME: _datetime,
    FieldType.GUID: _guid,
    FieldType.JSON: _json,
    FieldType.BINARY: _binary,
}


def takes_uuid(field: Field) -> bool:
    """Whether a UUID that Twofold makes fits `field`."""
    if field.type is FieldType.GUID:
        return True
    return field.type in _TEXTS and (field.length is None or field.length >= UUID_LENGTH)
