"""Dates and times as databases spell them, texts or numbers; it must never open a connection."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

STAMP = pl.Datetime("us", "UTC")
PATTERN = (
    r"^\s*(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:(?P<separator>[Tt]| +)(?P<minute>\d{2}:\d{2})(?P<second>:\d{2})?(?P<fraction>\.\d+)?)?"
    r"(?P<zone>\s*(?:[Zz]|[+-]\d{2}(?::?\d{2})?))?\s*$"
)
_COMPILED = re.compile(PATTERN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_EPOCH = 2440587.5
_DAY = 86_400_000_000
_JULIAN_LIMIT = 10_000_000.0


# -- from what a database holds to moments -----------------------------------------------------------------


def parse_stamps(texts: pl.Series) -> pl.Series:
    """UTC moments of texts; a text without a zone is UTC, one that is no moment gives null."""
    parts = texts.rename("text").str.extract_groups(PATTERN).struct.unnest()
    whole = pl.concat_str(
        pl.col("day"),
        pl.lit(" "),
        pl.col("minute").fill_null("00:00"),
        pl.col("second").fill_null(":00"),
        pl.col("fraction").str.head(7).fill_null(".0"),
    )
    local = whole.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    moments = parts.select((local - _offset(pl.col("zone"))).dt.replace_time_zone("UTC"))
    return moments.to_series().rename(texts.name)


def _offset(zone: pl.Expr) -> pl.Expr:
    digits = zone.str.replace_all(r"[^\d]", "")
    hours = digits.str.head(2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(zone.str.contains("-", literal=True)).then(-1).otherwise(1)
    return pl.duration(minutes=sign * (hours * 60 + minutes))


def parse_dates(texts: pl.Series) -> pl.Series:
    """Dates of texts; a text with a time other than midnight gives null."""
    moments = parse_stamps(texts)
    days = moments.dt.date()
    at_midnight = moments.dt.time() == pl.time(0, 0, 0)
    return pl.select(pl.when(at_midnight).then(days)).to_series().rename(texts.name)


def parse_times(texts: pl.Series) -> pl.Series:
    """Times of day; a text that is none gives null."""
    minutes = pl.when(texts.str.len_chars() == 5).then(texts + ":00").otherwise(texts)
    return pl.select(minutes.str.to_time("%H:%M:%S%.f", strict=False)).to_series().rename(texts.name)


def number_text(value: float, unit: str | None = None) -> str | None:
    """The ISO text of a numeric stamp: a Julian day, or seconds, milliseconds or microseconds since 1970.

    `unit` is that of the column; without it the size of the number decides.
    """
    micros = _number_micros(value, unit)
    try:
        return None if micros is None else (_EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return None


def _number_micros(value: float, unit: str | None) -> int | None:
    unit = unit or _unit(value)
    try:
        if unit == "julian":
            return round((value - _JULIAN_EPOCH) * _DAY)
        return round(value * _UNITS[unit])
    except (OverflowError, ValueError):
        return None


def stamp_micros(value: Any, unit: str | None = None) -> int | None:
    """Microseconds since 1970 of one stored stamp, the same as the columns read; None if it is no moment."""
    if isinstance(value, (int, float)):
        return None if number_text(value, unit) is None else _number_micros(value, unit)
    found = _COMPILED.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    zone = (found["zone"] or "+00:00").strip().upper()
    text = f"{found['day']} {found['minute'] or '00:00'}{found['second'] or ':00'}"
    try:
        moment = datetime.fromisoformat(f"{text}{_six(found['fraction'])}{_colon(zone)}")
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (OverflowError, ValueError):
        return None


def _six(fraction: str | None) -> str:
    return "." + (fraction or ".").lstrip(".")[:6].ljust(6, "0")


def _colon(zone: str) -> str:
    if zone == "Z":
        return "+00:00"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def time_micros(value: Any) -> int | None:
    """Microseconds since midnight of one stored time of day, or None."""
    if not isinstance(value, str):
        return None
    parsed = parse_times(pl.Series([value])).to_physical()[0]
    return None if parsed is None else int(parsed) // 1000


# -- the form in which a column keeps them -----------------------------------------------------------------

_UNITS = {"seconds": 1_000_000, "milliseconds": 1000, "microseconds": 1}
_DIGITS = {"seconds": 0, "milliseconds": 3, "microseconds": 6, "julian": 3}


def _unit(value: float) -> str:
    size = abs(value)
    if isinstance(value, float) and size < _JULIAN_LIMIT:
        return "julian"
    return "seconds" if size < 1e11 else "milliseconds" if size < 1e14 else "microseconds"


@dataclass(frozen=True, slots=True)
class StampForm:
    """How a column spells moments.

    `unit` is `text`, or what a number counts. For texts: the separator of day and time, how many of the 26
    characters of a full stamp are kept, and the zone's text.
    """

    unit: str = "text"
    separator: str = "T"
    width: int = 26
    zone: str = "Z"

    @property
    def scale(self) -> int:
        """Digits after the point of a second."""
        return _DIGITS[self.unit] if self.unit != "text" else max(0, self.width - 20)

    @property
    def step(self) -> timedelta:
        """The least difference between two stamps of this form."""
        if self.unit == "text" and self.width < 19:
            return timedelta(days=1) if self.width == 10 else timedelta(minutes=1)
        return timedelta(microseconds=10 ** (6 - self.scale))

    def write(self, moments: pl.Series) -> list[Any]:
        """The moments as the database is to keep them."""
        if self.unit == "text":
            text = moments.dt.strftime(f"%Y-%m-%d{self.separator}%H:%M:%S%.6f").str.head(self.width)
            return (text + self.zone).to_list()
        micros = moments.to_physical().to_list()
        return [None if value is None else self._number(value) for value in micros]

    def _number(self, micros: int) -> float:
        if self.unit == "julian":
            return micros / _DAY + _JULIAN_EPOCH
        return micros // _UNITS[self.unit]


STAMP_FORMS = tuple(
    StampForm(separator=separator, width=width, zone=zone)
    for width in (19, 23, 26, 16)
    for separator in ("T", " ")
    for zone in ("", "Z", "+00:00")
)
"""The usual spellings, tried where a key is not found in the form of its column."""


def sample_stamps(values: Iterable[Any]) -> StampForm | None:
    """The form most of the values have, with the finest fraction among those; None if none is one."""
    forms = [form for form in map(_form, values) if form is not None]
    if not forms:
        return None
    alike = Counter(_alike(form) for form in forms).most_common(1)[0][0]
    return max((form for form in forms if _alike(form) == alike), key=lambda form: form.width)


def _alike(form: StampForm) -> StampForm:
    return replace(form, width=min(form.width, 19))


def _form(value: Any) -> StampForm | None:
    if isinstance(value, (int, float)):
        return StampForm(_unit(value), width=0)
    found = _COMPILED.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    return StampForm("text", (found["separator"] or "T")[:1], _width(found), _zone(found["zone"]))


def _width(found: re.Match[str]) -> int:
    if found["minute"] is None:
        return 10
    if found["second"] is None:
        return 16
    digits = min(6, len(found["fraction"] or ".") - 1)
    return 20 + digits if digits else 19


def _zone(zone: str | None) -> str:
    plain = (zone or "").strip()
    if plain in ("", "Z", "z"):
        return plain
    return "+0000" if len(plain) == 5 else "+00:00"[: len(plain)]


def time_texts(times: pl.Series, fraction: int) -> list[Any]:
    """Times of day as `HH:MM:SS` with so many digits after the point."""
    width = 9 + fraction if fraction else 8
    return times.dt.strftime("%H:%M:%S%.6f").str.head(width).to_list()


def sample_fraction(values: Sequence[Any]) -> int | None:
    """The most digits after the point that times of day of this column have."""
    texts = [value for value in values if isinstance(value, str)]
    return max((min(6, len(text.partition(".")[2])) for text in texts), default=None)
