"""A value on its way to the other side: lookup, options, rules, type, length; it must never read a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from twofold.core import values
from twofold.core.layout import Line
from twofold.core.names import TO, Direction, Side
from twofold.core.schema import Field, FieldType
from twofold.core.transforms import apply_chain

Found = tuple[pl.Series, pl.Series]
"""Values of a lookup field on the source side as text, and what they are on the target side as text."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """The answers to every lookup that a batch of pairs asks, by line number and direction."""

    found: Mapping[tuple[int, Direction], Found] = field(default_factory=dict)

    def of(self, line: Line, way: Direction) -> Found:
        """What is known; nothing at all where nobody asked."""
        empty = pl.Series("", [], dtype=pl.String)
        return self.found.get((line.number, way), (empty, empty))


@dataclass(frozen=True, slots=True)
class Translated:
    """A value as the target has it, a sentence where it cannot be, and whether a lookup found nothing."""

    value: pl.Expr
    problem: pl.Expr
    missing: pl.Expr


_NO_TEXT = pl.lit(None, dtype=pl.String)
_NO = pl.lit(value=False)


def translate(line: Line, target: Side, source: pl.Expr, lookups: Lookups) -> Translated:
    """The canonical value `source` of the side opposite `target`, as `target` has it."""
    step = _Step(source, _NO_TEXT, _NO, line.field(target.other))
    if line.pair.lookup is not None:
        step = _looked_up(step, line, lookups.of(line, TO[target]))
    if line.pair.options:
        step = _option(step, line, target)
    step = _ruled(step, line, target)
    step = _converted(step, line, target)
    step = _fitted(step, line, target)
    return Translated(_filled(step.value, line.field(target)), step.problem, step.missing)


@dataclass(frozen=True, slots=True)
class _Step:
    value: pl.Expr
    problem: pl.Expr
    missing: pl.Expr
    field: Field

    def then(self, value: pl.Expr, problem: pl.Expr, kind: Field) -> _Step:
        return _Step(value, pl.coalesce(self.problem, problem), self.missing, kind)


_TEXT = Field("", FieldType.TEXT)


def _as_text(step: _Step) -> pl.Expr:
    if isinstance(step.field.dtype, pl.String):
        return step.value
    return values.to_text(step.value, step.field)


def _not_blank(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def _quoted(text: pl.Expr, line: Line) -> pl.Expr:
    return pl.lit("its value") if line.pair.sensitive else pl.concat_str(pl.lit('"'), text, pl.lit('"'))


def _looked_up(step: _Step, line: Line, found: Found) -> _Step:
    asked = _not_blank(_as_text(step))
    answer = asked.replace_strict(found[0], found[1], default=None, return_dtype=pl.String)
    missing = asked.is_not_null() & answer.is_null()
    if line.pair.clears:
        return _Step(answer, step.problem, _NO, _TEXT)
    other = line.pair.lookup.mapping if line.pair.lookup else ""
    sentence = pl.concat_str(
        pl.lit(f"{line.pair.label} "),
        _quoted(asked, line),
        pl.lit(f" must be coupled: {other} has no coupling for it. "),
        pl.lit(f"Synchronize {other}, or couple that record."),
    )
    problem = pl.when(missing).then(sentence)
    return _Step(answer, pl.coalesce(step.problem, problem), missing, _TEXT)


def option_pairs(line: Line, target: Side) -> dict[str, str | None]:
    """What each option is on `target`; to the left the map is read backwards, the first wins."""
    pairs = [(key, values.scalar_text(value)) for key, value in line.pair.options.items()]
    if target is Side.RIGHT:
        return dict(pairs)
    return {value: key for key, value in reversed(pairs) if value is not None}


def _option(step: _Step, line: Line, target: Side) -> _Step:
    asked = _not_blank(_as_text(step))
    known = option_pairs(line, target)
    answer = asked.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    sentence = pl.concat_str(
        pl.lit(f"{line.pair.label}: "),
        _quoted(asked, line),
        pl.lit(f" is not among its options ({', '.join(known)}). Add it to `options`."),
    )
    return step.then(answer, pl.when(asked.is_not_null() & answer.is_null()).then(sentence), _TEXT)


def _ruled(step: _Step, line: Line, target: Side) -> _Step:
    chain = line.pair.transform
    rules = chain.to_right if target is Side.RIGHT else chain.to_left
    if not rules:
        return step
    value, problem = apply_chain(_as_text(step), rules, sensitive=line.pair.sensitive)
    named = pl.concat_str(pl.lit(f"{line.pair.label}: "), problem)
    return step.then(value, named, _TEXT)


def _converted(step: _Step, line: Line, target: Side) -> _Step:
    own = line.field(target)
    if own.type is step.field.type and own.dtype == step.field.dtype and not _coarser(own, step.field):
        return step.then(step.value, _NO_TEXT, own)
    asked = step.value
    if isinstance(step.field.dtype, pl.String) and own.type not in (FieldType.TEXT, FieldType.CODE):
        asked = _not_blank(asked.str.strip_chars(" "))
    answer = values.convert(asked, step.field, own)
    sentence = pl.concat_str(
        pl.lit(f"{line.pair.label}: "),
        _quoted(values.to_text(asked, step.field), line),
        pl.lit(f' cannot be written to "{own.name}", which is of type {own.type}.'),
    )
    return step.then(answer, pl.when(asked.is_not_null() & answer.is_null()).then(sentence), own)


def _coarser(target: Field, source: Field) -> bool:
    """Whether two columns of one type hold different digits of a second."""
    return target.scale is not None and target.scale != source.scale


def _fitted(step: _Step, line: Line, target: Side) -> _Step:
    """The canonical value, which may be longer than the one that came, in the length of the target."""
    own = line.field(target)
    step = step.then(values.canonical(step.value, own), _NO_TEXT, own)
    if own.length is None or not isinstance(own.dtype, pl.String):
        return step
    if line.pair.truncate:
        cut = values.canonical(step.value.str.slice(0, own.length), own)
        return step.then(cut, _NO_TEXT, own)
    size = step.value.str.len_chars()
    sentence = pl.concat_str(
        pl.lit(f"{line.pair.label}: the value has "),
        size.cast(pl.String),
        pl.lit(
            f' characters, but "{own.name}" takes {own.length}. Shorten it, or set `truncate: true`'
            " on this field mapping."
        ),
    )
    return step.then(step.value, pl.when(size > own.length).then(sentence), own)


def _filled(value: pl.Expr, own: Field) -> pl.Expr:
    """Nothing, as a blank where the target takes blanks but no nulls."""
    takes_blank = own.type in (FieldType.TEXT, FieldType.CODE) and not own.nullable
    return value.fill_null("") if takes_blank else value
