"""Dates and moments read from foreign forms; it must never accept a form that was not asked for.

A form is a custom .NET format such as `dd/MM/yyyy HH:mm`, or the usual forms of a culture. A year of two
digits lies between 1950 and 2049.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

from twofold.core.cultures import Culture

Reader = Callable[[str], datetime]
"""Reads a text; raises ValueError where it is not in the form. Naive where the text has no offset."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TWO = "[0-9]{2}"
_ONE_OR_TWO = "[0-9]{1,2}"
_OFFSET = "[+-][0-9]{2}:?[0-9]{2}"
_PARTS: dict[str, tuple[str, str]] = {
    "yyyy": ("year", "[0-9]{4}"),
    "yy": ("year", _TWO),
    "MMMM": ("month_name", "[A-Za-z]+"),
    "MMM": ("month_name", "[A-Za-z]{3}"),
    "MM": ("month", _TWO),
    "M": ("month", _ONE_OR_TWO),
    "dddd": ("weekday", "[A-Za-z]+"),
    "ddd": ("weekday", "[A-Za-z]{3}"),
    "dd": ("day", _TWO),
    "d": ("day", _ONE_OR_TWO),
    "HH": ("hour", _TWO),
    "H": ("hour", _ONE_OR_TWO),
    "hh": ("half_hour", _TWO),
    "h": ("half_hour", _ONE_OR_TWO),
    "mm": ("minute", _TWO),
    "m": ("minute", _ONE_OR_TWO),
    "ss": ("second", _TWO),
    "s": ("second", _ONE_OR_TWO),
    "tt": ("half", "[AaPp][Mm]"),
    "t": ("half", "[AaPp]"),
    "zzz": ("offset", _OFFSET),
    "zz": ("offset", "[+-][0-9]{2}"),
    "K": ("offset", f"(?:Z|{_OFFSET})?"),
}
# The T between date and time, and the Z for UTC, stand for themselves as in .NET.
_ISO_LETTERS = "TZ"
_TOKEN = re.compile(
    r"'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|\\(?P<escaped>.)|f{1,6}|([A-Za-z])\4*|.", re.DOTALL
)


def format_reader(form: str) -> Reader:
    """A reader of texts in a custom .NET format.

    Raises ValueError with a sentence for a format that means nothing or names no whole date.
    """
    tokens = list(_TOKEN.finditer(form))
    names = [_part(token[0])[0] for token in tokens if _is_part(token)]
    _refuse_incomplete(form, names)
    pattern = re.compile("".join(_pattern(token) for token in tokens))
    return lambda text: _moment(pattern.fullmatch(text))


def culture_reader(culture: Culture) -> Reader:
    """A reader of the numeric dates of a culture, ISO dates included, each with or without a time."""
    parts = {
        "d": f"(?P<day>{_ONE_OR_TWO})",
        "m": f"(?P<month>{_ONE_OR_TWO})",
        "y": "(?P<year>[0-9]{4}|[0-9]{2})",
    }
    own = r"\s*[./-]\s*".join(parts[part] for part in culture.order) + r"\.?"
    iso = "(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    patterns = [re.compile(form + _TIME) for form in (iso, own)]
    return lambda text: _moment(next(filter(None, (p.fullmatch(text) for p in patterns)), None))


_TIME = (
    r"(?:(?:\s+|,\s*|T)(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})"
    r"(?:[:.](?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,6}))?)?"
    rf"(?:\s*(?P<half>[AaPp]\.?[Mm]\.?))?\s*(?P<offset>Z|{_OFFSET})?)?"
)


def _is_part(token: re.Match[str]) -> bool:
    letter = token[0][0]
    return token.lastgroup is None and letter.isascii() and letter.isalpha() and letter not in _ISO_LETTERS


def _part(letters: str) -> tuple[str, str]:
    if set(letters) == {"f"}:
        return "fraction", f"[0-9]{{{len(letters)}}}"
    if letters not in _PARTS:
        raise ValueError(
            f'"{letters}" means nothing in a date format. Write parts such as yyyy, MM, dd, HH, mm, ss, '
            "and put other letters in quotes."
        )
    return _PARTS[letters]


def _refuse_incomplete(form: str, names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f'"{form}" has the {twice.replace("_", " ")} twice. Write each part once.')
    months = {"month", "month_name"} & set(names)
    if len(months) != 1 or not {"year", "day"} <= set(names):
        raise ValueError(
            f'"{form}" does not name a whole date. Write one year, one month and one day: yyyy, MM, dd.'
        )
    if ("half" in names) != ("half_hour" in names) or {"hour", "half_hour"} <= set(names):
        raise ValueError(
            f'"{form}" is not clear about the hour. Write HH for 0 to 23, or hh with tt for AM and PM.'
        )


def _pattern(token: re.Match[str]) -> str:
    if _is_part(token):
        name, pattern = _part(token[0])
        return f"(?P<{name}>{pattern})"
    quoted = next((text for text in token.group("single", "double", "escaped") if text is not None), None)
    if quoted is None and token[0] in "'\"\\":
        raise ValueError("a quote in the date format is never closed. Write it again where the text ends.")
    return re.escape(token[0] if quoted is None else quoted)


def _moment(found: re.Match[str] | None) -> datetime:
    if found is None:
        raise ValueError("it is not in this form")
    parts = {name: text for name, text in found.groupdict().items() if text}
    moment = datetime(  # noqa: DTZ001 - a text without an offset has no zone
        _year(parts["year"]),
        _month(parts),
        int(parts["day"]),
        _hour(parts),
        int(parts.get("minute", "0")),
        int(parts.get("second", "0")),
        int(parts.get("fraction", "0").ljust(6, "0")),
    )
    _check_weekday(moment, parts)
    return moment.replace(tzinfo=_zone(parts["offset"])) if "offset" in parts else moment


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year < 50 else 1900)


def _month(parts: Mapping[str, str]) -> int:
    if "month" in parts:
        return int(parts["month"])
    name = parts["month_name"].lower()
    return 1 + (_MONTHS if len(name) == 3 else _LONG_MONTHS).index(name)


def _hour(parts: Mapping[str, str]) -> int:
    if "half" not in parts:
        return int(parts.get("hour", "0"))
    hour = int(parts.get("half_hour") or parts.get("hour", "0"))
    if not 1 <= hour <= 12:
        raise ValueError("an hour before AM or PM lies between 1 and 12")
    return hour % 12 + (12 if parts["half"][0] in "Pp" else 0)


def _check_weekday(moment: datetime, parts: Mapping[str, str]) -> None:
    if "weekday" in parts and not _WEEKDAYS[moment.weekday()].startswith(parts["weekday"].lower()):
        raise ValueError("the weekday is not that of the date")


def _zone(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-span if offset[0] == "-" else span)
