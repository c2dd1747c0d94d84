"""Transformation rules that read a value out of a text; it must never make a guess.

Each rule is made once for its parameters and then applied to single texts. It raises ValueError with a
complaint ("it is not ...") for a text that it cannot read; dates, moments and numbers come out in ISO and
plain decimal form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast

from twofold.core.cultures import CULTURES, Culture
from twofold.core.moments import Reader, culture_reader, format_reader
from twofold.core.names import closest
from twofold.core.numbers import Rounding, local_reader, plain_text, read_plain, round_text
from twofold.core.text_rules import Parameters

ValueRule = Callable[[str], str]

ROUNDINGS: dict[str, Rounding] = {
    "nearest": "nearest",
    "up": "up",
    "down": "down",
    "=": "nearest",
    ">": "up",
    "<": "down",
}
"""The directions of `round`, as words and as Business Central writes them."""

DATE_PARTS: dict[str, Callable[[date], int]] = {
    "day": lambda day: day.day,
    "month": lambda day: day.month,
    "year": lambda day: day.year,
    "quarter": lambda day: (day.month + 2) // 3,
    "week": lambda day: day.isocalendar().week,
    "weekday": lambda day: day.isoweekday(),
}
"""What `extract_from_date` can take out; weeks are ISO weeks, weekday 1 is Monday."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,6}))?")


def date_format(parameters: Parameters) -> ValueRule:
    """An ISO date from a date in another form; a time of day is dropped."""
    read, form = _reader(parameters)
    return lambda text: _read_moment(read, text, f"a date {form}").date().isoformat()


def datetime_format(parameters: Parameters) -> ValueRule:
    """An ISO moment in UTC from a moment in another form; without an offset it is taken as UTC."""
    read, form = _reader(parameters)
    return lambda text: _stamp(_read_moment(read, text, f"a date and time {form}"))


def _reader(parameters: Parameters) -> tuple[Reader, str]:
    form = cast("str | None", parameters.get("format"))
    if (form is None) == ("culture" not in parameters):
        raise ValueError(
            'it needs either "format" or "culture". Write one of them, such as format: yyyyMMdd.'
        )
    if form is not None:
        return format_reader(form), f"written as {form}"
    culture = _culture(parameters)
    return culture_reader(culture), f"as {culture.name} writes it ({culture.date_form})"


def _culture(parameters: Parameters) -> Culture:
    name = cast("str", parameters["culture"])
    found = {known.lower(): culture for known, culture in CULTURES.items()}.get(name.lower())
    if found is None:
        raise ValueError(
            f'"{name}" is not a known culture.{closest(name, CULTURES)} Known are {_known_cultures()}.'
        )
    return found


def _known_cultures() -> str:
    return ", ".join(sorted(CULTURES))


def _read_moment(read: Reader, text: str, wanted: str) -> datetime:
    try:
        found = read(text)
        return found if found.tzinfo is None else _utc(found)
    except (ValueError, OverflowError):
        raise ValueError(f"it is not {wanted}") from None


def _utc(moment: datetime) -> datetime:
    moment.astimezone(UTC)
    return moment


def _stamp(moment: datetime) -> str:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


def decimal_format(parameters: Parameters) -> ValueRule:
    """A plain decimal from a number as a culture writes it."""
    read = local_reader(_culture(parameters))
    return lambda text: plain_text(read(text))


def round_value(parameters: Parameters) -> ValueRule:
    """The multiple of `precision` next to the number, in exact decimals."""
    precision = _precision(parameters["precision"])
    rounding = ROUNDINGS[cast("str", parameters["direction"])]
    return lambda text: round_text(read_plain(text), precision, rounding)


def _precision(written: object) -> Decimal:
    try:
        precision = read_plain(str(written))
    except ValueError:
        precision = Decimal(0)
    if precision <= 0:
        raise ValueError(f'"precision" must be a number above 0, such as 0.01, not {written}.')
    return precision


def extract_from_date(parameters: Parameters) -> ValueRule:
    """One part of an ISO date or moment, as a number."""
    part = DATE_PARTS[cast("str", parameters["part"])]
    return lambda text: str(part(_iso_date(text)))


def _iso_date(text: str) -> date:
    day, _, rest = text.replace(" ", "T").partition("T")
    try:
        if rest:
            return datetime.fromisoformat(f"{day}T{rest}").date()
        return datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise ValueError("it is not a date such as 2024-01-31") from None


def unix_timestamp(_: Parameters) -> ValueRule:
    """An ISO moment in UTC from seconds since 1970."""
    return lambda text: _stamp(_since_epoch(text))


def _since_epoch(text: str) -> datetime:
    found = _SECONDS.fullmatch(text)
    if found is None:
        raise ValueError("it is not a number of seconds since 1970")
    sign, seconds, fraction = found.groups(default="0")
    micros = int(seconds) * 1_000_000 + int(fraction.ljust(6, "0"))
    try:
        return _EPOCH + timedelta(microseconds=-micros if sign == "-" else micros)
    except OverflowError:
        raise ValueError("it is too far from 1970; is it in milliseconds?") from None
