"""How a loosely typed column spells its values, learnt from a sample; it must never change what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl

from twofold.connectors.sql.stamps import (
    STAMP,
    STAMP_FORMS,
    StampForm,
    sample_fraction,
    sample_stamps,
    time_texts,
)
from twofold.connectors.sql.values import FALSE, TRUE
from twofold.core.schema import Field, FieldType


@dataclass(frozen=True, slots=True)
class GuidForm:
    """How a column spells GUIDs: `text` in a case, with or without dashes and braces, or 16 bytes."""

    upper: bool = False
    dashes: bool = True
    braces: bool = False
    binary: bool = False

    def write(self, guids: pl.Series) -> list[Any]:
        """The GUIDs, given in lower case with dashes, as the database is to keep them."""
        if self.binary:
            return [None if guid is None else UUID(guid).bytes for guid in guids]
        text = guids.str.to_uppercase() if self.upper else guids
        text = text if self.dashes else text.str.replace_all("-", "", literal=True)
        return ("{" + text + "}" if self.braces else text).to_list()


GUID_FORMS = (
    GuidForm(),
    GuidForm(upper=True),
    GuidForm(dashes=False),
    GuidForm(upper=True, dashes=False),
    GuidForm(braces=True),
    GuidForm(upper=True, braces=True),
)
"""The usual spellings, tried where a key is not found in the form of its column."""


@dataclass(frozen=True, slots=True)
class BooleanForm:
    """How a column spells true and false."""

    true: Any = 1
    false: Any = 0

    def write(self, values: pl.Series) -> list[Any]:
        """The values as the database is to keep them."""
        return [None if value is None else self.true if value else self.false for value in values]


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How many digits after the point of a second a column of times keeps."""

    scale: int = 6

    def write(self, times: pl.Series) -> list[Any]:
        """The times as the database is to keep them."""
        return time_texts(times, self.scale)


_DAYS = StampForm(width=10, zone="")


@dataclass(frozen=True, slots=True)
class DateForm:
    """Dates, spelt as the stamps of the same column are: midnight, where they have a time."""

    stamps: StampForm = _DAYS

    def write(self, days: pl.Series) -> list[Any]:
        """The dates as the database is to keep them."""
        return self.stamps.write(days.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(STAMP))


Form = StampForm | GuidForm | BooleanForm | TimeForm | DateForm

DEFAULTS: dict[FieldType, Form] = {
    FieldType.DATETIME: StampForm(),
    FieldType.DATE: DateForm(),
    FieldType.TIME: TimeForm(),
    FieldType.GUID: GuidForm(),
    FieldType.BOOLEAN: BooleanForm(),
}
"""The form of a column that holds nothing yet; the types named here are the ones that have forms."""

ALTERNATIVES: dict[FieldType, Sequence[Form]] = {
    FieldType.GUID: GUID_FORMS,
    FieldType.DATETIME: STAMP_FORMS,
    FieldType.DATE: tuple(DateForm(form) for form in STAMP_FORMS),
    FieldType.TIME: tuple(TimeForm(scale) for scale in (0, 3, 6)),
    FieldType.BOOLEAN: (BooleanForm(), BooleanForm("true", "false"), BooleanForm("True", "False")),
}


def sample_form(kind: FieldType, values: Sequence[Any]) -> Form | None:
    """The form that most of these stored values have; None if they tell nothing."""
    sampler = _SAMPLERS.get(kind)
    return sampler(values) if sampler is not None else None


def _sample_date(values: Sequence[Any]) -> Form | None:
    found = sample_stamps(values)
    return None if found is None else DateForm(found)


def _sample_time(values: Sequence[Any]) -> Form | None:
    fraction = sample_fraction(values)
    return None if fraction is None else TimeForm(fraction)


def _sample_guid(values: Sequence[Any]) -> Form | None:
    forms = Counter(_guid_form(value) for value in values if isinstance(value, (str, bytes)))
    return forms.most_common(1)[0][0] if forms else None


def _guid_form(value: str | bytes) -> GuidForm:
    if isinstance(value, bytes):
        return GuidForm(binary=True)
    upper = any(letter in "ABCDEF" for letter in value)
    return GuidForm(upper, "-" in value, value.startswith("{"))


def _sample_boolean(values: Sequence[Any]) -> Form | None:
    seen = Counter(value for value in values if str(value).lower() in TRUE | FALSE)
    for value, _ in seen.most_common():
        form = BOOLEAN_PAIRS.get(value if isinstance(value, str) else int(value))
        if form is not None:
            return form
    return None


def _boolean_pairs() -> dict[Any, BooleanForm]:
    words = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off"))
    spelt = [(change(a), change(b)) for a, b in words for change in (str.lower, str.upper, str.capitalize)]
    pairs: list[tuple[Any, Any]] = [(1, 0), ("1", "0"), *spelt]
    return {value: BooleanForm(*pair) for pair in reversed(pairs) for value in pair}


BOOLEAN_PAIRS = _boolean_pairs()

_SAMPLERS: dict[FieldType, Callable[[Sequence[Any]], Form | None]] = {
    FieldType.DATETIME: sample_stamps,
    FieldType.DATE: _sample_date,
    FieldType.TIME: _sample_time,
    FieldType.GUID: _sample_guid,
    FieldType.BOOLEAN: _sample_boolean,
}


def write_numbers(values: pl.Series) -> list[Any]:
    """Decimals as whole numbers or binary fractions; one that neither can hold exactly is `Inexact`."""
    return [None if value is None else _number(value) for value in values]


class Inexact:
    """Stands where a decimal cannot be kept without loss."""


INEXACT = Inexact()


def _number(value: Decimal) -> int | float | Inexact:
    if value == value.to_integral_value() and abs(value) < 1 << 63:
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else INEXACT


def unit_of(form: Form | None) -> str | None:
    """What numbers count in a column of this form; None for one that keeps texts."""
    stamps = form.stamps if isinstance(form, DateForm) else form
    return stamps.unit if isinstance(stamps, StampForm) and stamps.unit != "text" else None


def form_scale(form: Form | None, field: Field) -> int | None:
    """Digits after the point of a second that a column of this form keeps; the declared scale otherwise."""
    return form.scale if isinstance(form, (StampForm, TimeForm)) else field.scale
