"""Decimal numbers as texts, exactly; it must never pass through a binary fraction."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from twofold.core.cultures import Culture

Rounding = Literal["nearest", "up", "down"]

_PLAIN = re.compile(r"[+-]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})(?:[eE][+-]?[0-9]{1,2})?")
_MINUS = "-\N{MINUS SIGN}"


def plain_text(number: Decimal) -> str:
    """The number without exponent, trailing zeros or a sign before zero."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def read_plain(text: str) -> Decimal:
    """The number that a plain text such as `1250.50` writes; raises ValueError where it is none."""
    if not _PLAIN.fullmatch(text):
        raise ValueError("it is not a number such as 1250.50")
    return Decimal(text)


def local_reader(culture: Culture) -> Callable[[str], Decimal]:
    """A reader of numbers as a culture writes them; it raises ValueError for others, uneven groups too."""
    form = _local_form(culture)
    complaint = f"it is not a number as {culture.name} writes it, such as {_example(culture)}"
    return lambda text: _local_number(form.fullmatch(text), complaint)


def _local_number(found: re.Match[str] | None, complaint: str) -> Decimal:
    if found is None:
        raise ValueError(complaint)
    digits = re.sub("[^0-9]", "", found["whole"] or "") or "0"
    number = Decimal(f"{digits}.{found['fraction'] or '0'}")
    negative = found["before"] or found["after"] or found["open"]
    # Not -number: a unary minus would round to the precision of the decimal context.
    return number.copy_negate() if negative else number


def _local_form(culture: Culture) -> re.Pattern[str]:
    group, point = f"[{re.escape(culture.groups)}]", re.escape(culture.decimal)
    whole = rf"[0-9]{{1,3}}(?P<group>{group})[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*|[0-9]*"
    number = rf"(?P<whole>{whole})(?:{point}(?P<fraction>[0-9]*))?"
    return re.compile(
        rf"(?=.*[0-9])(?P<open>\()?(?(open)|(?:(?P<before>[{_MINUS}])|\+)?\s*){number}"
        rf"(?(open)\)|(?(before)|\s*(?P<after>[{_MINUS}])?))"
    )


def _example(culture: Culture) -> str:
    return f"1{culture.groups[0]}234{culture.decimal}50"


def round_text(number: Decimal, precision: Decimal, rounding: Rounding) -> str:
    """The multiple of `precision` next to `number`, exactly.

    `up` is away from zero, `down` towards zero, and `nearest` takes a half away from zero.
    """
    scale = max(_decimals(number), _decimals(precision))
    units, step = _units(number, scale), _units(precision, scale)
    count, rest = divmod(abs(units), step)
    if (rounding == "up" and rest) or (rounding == "nearest" and 2 * rest >= step):
        count += 1
    sign = "-" if units < 0 else ""
    digits = str(count * step).rjust(scale + 1, "0")
    return plain_text(Decimal(f"{sign}{digits[: len(digits) - scale]}.{digits[len(digits) - scale :]}"))


def _decimals(number: Decimal) -> int:
    return len(format(number, "f").partition(".")[2])


def _units(number: Decimal, scale: int) -> int:
    whole, _, fraction = format(number, "f").partition(".")
    return int(whole + fraction.ljust(scale, "0"))
