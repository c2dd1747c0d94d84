"""Periods as people write them (`30m`, `12h`, `1h30m`); it must never know what time it is."""

from __future__ import annotations

import re
from datetime import timedelta

_PARTS = re.compile(
    r"(?:(?P<days>\d{1,5})d)?(?:(?P<hours>\d{1,6})h)?(?:(?P<minutes>\d{1,8})m)?(?:(?P<seconds>\d{1,9})s)?"
)


def parse_period(text: str) -> timedelta:
    """The length of a period; raises ValueError with a sentence for anything else, and for nothing at all."""
    found = _PARTS.fullmatch(text.strip())
    parts = {unit: int(count) for unit, count in found.groupdict("0").items()} if found else {}
    period = timedelta(**parts)
    if not period:
        raise ValueError(f'"{text}" is not a period: write a number and d, h, m or s, such as 30m or 12h.')
    return period
