"""Values in filter expressions, typed by their field; it must never guess what a value may have meant.

Dates and times are ISO 8601; a moment without an offset is in UTC.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from twofold.core.filters import Value
from twofold.core.schema import DEFAULT_SCALE, Field, FieldType

_WHOLE = re.compile(r"[+-]?[0-9]+")
_PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_FLOAT = re.compile(_PLAIN.pattern + r"([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")
_MOMENT = re.compile(_DATE.pattern + "[T ]" + _TIME.pattern + r"(Z|[+-][0-9]{2}:[0-9]{2})?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INT64 = 2**63
_DIGITS = 38

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Span:
    """What one written value covers: a date in a datetime field is a whole day, all else is one value."""

    low: Value
    high: Value

    @property
    def is_single(self) -> bool:
        """Whether it is one value."""
        return self.low == self.high


def read_value(field: Field, text: str) -> Span:
    """The value that `text` writes; raises ValueError with what is wrong and what to write instead."""
    if field.type is FieldType.DATETIME and _DATE.fullmatch(text):
        return _day(text)
    value = _read(field, text)
    return Span(value, value)


def _read(field: Field, text: str) -> Value:
    match field.type:
        case FieldType.INTEGER | FieldType.OPTION:
            return _integer(text)
        case FieldType.DECIMAL:
            return _decimal(text, DEFAULT_SCALE if field.scale is None else field.scale)
        case FieldType.FLOAT:
            return _float(text)
        case FieldType.BOOLEAN:
            return _boolean(text)
        case FieldType.DATE:
            return _date(text)
        case FieldType.TIME:
            return _time(text)
        case FieldType.DATETIME:
            return _moment(text)
        case _:
            return _text(field, text)


def _text(field: Field, text: str) -> str:
    if field.type is FieldType.GUID:
        return _guid(text)
    return case_of(field, text)


def case_of(field: Field, text: str) -> str:
    """The text in the case in which the field keeps it: codes upper, GUIDs lower, all else as is."""
    if field.type is FieldType.CODE:
        return text.upper()
    return text.lower() if field.type is FieldType.GUID else text


def _guid(text: str) -> str:
    bare = text.lower()
    if bare[:1] == "{" and bare[-1:] == "}":
        bare = bare[1:-1]
    if not _GUID.fullmatch(bare):
        raise ValueError(f'"{text}" is not a GUID. Write it as 01234567-89ab-cdef-0123-456789abcdef')
    return bare


def _integer(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f'"{text}" is not a whole number. Write digits only, such as 10')
    # The length comes first: turning a huge text into a number is slow, and refused by Python.
    if len(text) > _DIGITS or not -_INT64 <= int(text) < _INT64:
        raise ValueError(f'"{text}" is too large for this field. Write a number of at most 18 digits')
    return int(text)


def _decimal(text: str, scale: int) -> Decimal:
    if not _PLAIN.fullmatch(text):
        raise ValueError(
            f'"{text}" is not a number. Write it with a point and without separators, such as 1250.50'
        )
    whole, _, fraction = text.lstrip("+-").partition(".")
    if len(fraction.rstrip("0")) > scale:
        raise ValueError(f'"{text}" has more decimals than the field. Write at most {scale}')
    if len(whole.lstrip("0")) > _DIGITS - scale:
        raise ValueError(
            f'"{text}" is too large for this field. Write at most {_DIGITS - scale} digits before the point'
        )
    return Decimal(text)


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text) or math.isinf(float(text)):
        raise ValueError(f'"{text}" is not a number. Write it with a point, such as 1250.5 or 1.2505e3')
    return float(text)


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(f'"{text}" is neither true nor false. Write true or false')
    return _BOOLEANS[text.lower()]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(_matching(_DATE, text))
    except ValueError:
        raise ValueError(f'"{text}" is not a date. Write it as 2024-01-31') from None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(_matching(_TIME, text))
    except ValueError:
        raise ValueError(f'"{text}" is not a time. Write it as 13:45:00') from None


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(_matching(_MOMENT, text))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_moment(text) from None


def _day(text: str) -> Span:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _no_moment(text) from None
    return Span(datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC))


def _no_moment(text: str) -> ValueError:
    return ValueError(
        f'"{text}" is not a date and time. Write it as 2024-01-31T13:45:00Z, or 2024-01-31 for the whole day'
    )


def _matching(form: re.Pattern[str], text: str) -> str:
    if not form.fullmatch(text):
        raise ValueError(text)
    return text
