"""Canonical values, and values turned from one type into another; it must never lose part of a value unsaid.

Every function works on Polars expressions. A conversion gives a null where it failed; `core.translation`
turns that into a sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

import polars as pl

from twofold.core.mapping import Scalar
from twofold.core.schema import DEFAULT_SCALE, Common, Field, FieldType

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
GUID_PATTERN = r"^\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?$"
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DIGITS = Context(prec=38, rounding=ROUND_HALF_UP)
_MOMENTS = (FieldType.DATETIME, FieldType.TIME)
_STAMPS = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%:z")
_PLAIN_STAMPS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def canonical(value: pl.Expr, field: Field) -> pl.Expr:
    """The one form of equal values: NFC, right-trimmed, GUIDs lower-case, codes upper-case, blanks null."""
    match field.type:
        case FieldType.TEXT:
            found = value.str.normalize("NFC").str.strip_chars_end(" ")
        case FieldType.CODE:
            found = value.str.normalize("NFC").str.strip_chars(" ").str.to_uppercase()
        case FieldType.GUID:
            found = _bare_guid(value)
        case FieldType.JSON:
            found = value.map_elements(lambda t: canonical_json(t) or t, return_dtype=pl.String)
        case _:
            found = value
    return blank_to_null(found, field) if field.blank_is_null else found


def _bare_guid(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars("{} ").str.to_lowercase()


def blank_to_null(value: pl.Expr, field: Field) -> pl.Expr:
    """Nothing instead of what a system without nulls writes for nothing."""
    match field.type:
        case FieldType.GUID:
            return value.replace({"": None, ZERO_GUID: None})
        case FieldType.TEXT | FieldType.CODE:
            return value.replace({"": None})
        case FieldType.DATE | FieldType.DATETIME:
            return pl.when(value.dt.year() > 1).then(value)
        case _:
            return value


def reduce(value: pl.Expr, field: Field, common: Common) -> pl.Expr:
    """A canonical value of `field`, cut down to what both sides of its pair can express, for comparing."""
    if common.type is FieldType.DATE and field.type is FieldType.DATETIME:
        return value.dt.date()
    if common.type in _MOMENTS and field.type is common.type:
        found = _cut(value, common.type, common.scale)
    elif common.type is FieldType.DECIMAL:
        found = _to_decimal(value, field, common.scale)
    elif common.type is FieldType.CODE:
        found = value.str.strip_chars(" ").str.to_uppercase()
    elif common.type is FieldType.GUID:
        found = _bare_guid(value)
    elif common.length is not None and isinstance(field.dtype, pl.String):
        found = value.str.slice(0, common.length).str.strip_chars_end(" ")
    else:
        found = value
    same_kind = field.type is common.type or isinstance(field.dtype, pl.String)
    return blank_to_null(found, field) if common.blank_is_null and same_kind else found


def _cut(value: pl.Expr, kind: FieldType, scale: int | None) -> pl.Expr:
    """A moment without the digits of a second that its column cannot hold."""
    if scale is None or scale >= 6:
        return value
    if kind is FieldType.TIME:
        step: int = 10 ** (9 - scale)
        return (value.to_physical() // step * step).cast(pl.Time)
    return value.dt.truncate("1s" if scale == 0 else f"{10 ** (6 - scale)}us")


def _to_decimal(value: pl.Expr, field: Field, scale: int | None) -> pl.Expr:
    target = Field("", FieldType.DECIMAL, scale=scale)
    return convert(value, field, target)


def convert(value: pl.Expr, source: Field, target: Field) -> pl.Expr:
    """The value in the target's type and precision; null where it cannot be expressed there."""
    if isinstance(source.dtype, pl.String):
        return parse(value, target)
    if isinstance(target.dtype, pl.String):
        return to_text(value, source)
    return _between(value, source, target)


def _between(value: pl.Expr, source: Field, target: Field) -> pl.Expr:
    match target.type:
        case FieldType.DECIMAL:
            return _decimal(value, source, target)
        case FieldType.INTEGER | FieldType.OPTION:
            whole = value.cast(pl.Int64, strict=False)
            return pl.when(whole.cast(source.dtype, strict=False) == value).then(whole)
        case FieldType.BOOLEAN:
            return pl.when(value.cast(pl.Int64, strict=False).is_in([0, 1])).then(value.cast(pl.Boolean))
        case FieldType.DATE if source.type is FieldType.DATETIME:
            return value.dt.date()
        case FieldType.DATETIME | FieldType.TIME if source.type is target.type:
            return _cut(value, target.type, target.scale)
        case _:
            return value.cast(target.dtype, strict=False)


def _decimal(value: pl.Expr, source: Field, target: Field) -> pl.Expr:
    scale = target.dtype.scale if isinstance(target.dtype, pl.Decimal) else 0
    if source.type in (FieldType.DECIMAL, FieldType.FLOAT):
        value = value.round(scale, mode="half_away_from_zero")
    return value.cast(target.dtype, strict=False)


def to_text(value: pl.Expr, source: Field) -> pl.Expr:
    """The ISO or plain decimal form of a value."""
    match source.type:
        case FieldType.DECIMAL:
            text = value.cast(pl.String)
            short = text.str.strip_chars_end("0").str.strip_chars_end(".")
            return pl.when(text.str.contains(".", literal=True)).then(short).otherwise(text)
        case FieldType.DATETIME:
            return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
        case FieldType.DATE:
            return value.dt.strftime("%Y-%m-%d")
        case FieldType.TIME:
            return value.dt.strftime("%H:%M:%S%.f")
        case FieldType.FLOAT:
            text = value.cast(pl.String)
            return pl.when(text.str.ends_with(".0")).then(text.str.head(-2)).otherwise(text)
        case _:
            return value.cast(pl.String)


def parse(text: pl.Expr, target: Field) -> pl.Expr:
    """A value from its text form; null where the text is not one."""
    match target.type:
        case FieldType.TEXT | FieldType.CODE:
            return text
        case FieldType.GUID:
            bare = text.str.strip_chars(" ")
            return pl.when(bare.str.contains(GUID_PATTERN)).then(
                bare.str.strip_chars("{}").str.to_lowercase()
            )
        case FieldType.JSON:
            return text.map_elements(canonical_json, return_dtype=pl.String)
        case FieldType.BOOLEAN:
            words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
            low = text.str.strip_chars(" ").str.to_lowercase()
            return low.replace_strict(words, default=None, return_dtype=pl.Boolean)
        case FieldType.DATE:
            return _parse_stamp(text).dt.date()
        case FieldType.DATETIME:
            return _cut(_parse_stamp(text), target.type, target.scale)
        case FieldType.TIME:
            bare = text.str.strip_chars(" ")
            found = pl.coalesce(bare.str.to_time(form, strict=False) for form in ("%H:%M:%S%.f", "%H:%M"))
            return _cut(found, target.type, target.scale)
        case FieldType.DECIMAL:
            return text.map_elements(lambda t: _exact(t, target.scale), return_dtype=target.dtype)
        case _:
            return text.str.strip_chars(" ").cast(target.dtype, strict=False)


def _exact(text: str, scale: int | None) -> Decimal | None:
    """A decimal from text, rounded half away from zero; Polars reads text through a lossy path."""
    bare = text.strip()
    if not _DECIMAL.fullmatch(bare):
        return None
    step = Decimal(1).scaleb(-(DEFAULT_SCALE if scale is None else scale))
    try:
        return Decimal(bare).quantize(step, context=_DIGITS)
    except InvalidOperation:
        return None


def _parse_stamp(text: pl.Expr) -> pl.Expr:
    bare = text.str.strip_chars(" ")
    zoned = (
        pl.when(bare.str.ends_with("Z"))
        .then(pl.concat_str(bare.str.head(-1), pl.lit("+00:00")))
        .otherwise(bare)
    )
    aware = [zoned.str.to_datetime(form, strict=False, time_unit="us") for form in _STAMPS]
    naive = [
        bare.str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone("UTC")
        for form in _PLAIN_STAMPS
    ]
    day = bare.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.coalesce([*aware, *naive, day])


def canonical_json(text: str) -> str | None:
    """Compact JSON with sorted keys, so that equal documents are equal texts; None if it is not JSON."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except ValueError:
        return None


def scalar_text(value: Scalar) -> str | None:
    """A constant, option or template value, as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def joined(parts: Sequence[pl.Expr], separator: str) -> pl.Expr:
    """Texts joined, blanks left out; null if nothing is left."""
    filled = [pl.when(part.str.strip_chars() != "").then(part) for part in parts]
    whole = pl.concat_str(filled, separator=separator, ignore_nulls=True)
    return pl.when(whole != "").then(whole)
