"""Business Central filter expressions read into trees; it must never let through what it cannot read.

    any       = all { "|" all }
    all       = criterion { "&" criterion }
    criterion = "(" any ")" | operator operand | [ operand ] ".." [ operand ] | operand
    operator  = "<>" | "<=" | ">=" | "<" | ">" | "="
    operand   = [ "@" ] { plain text | "*" | "?" | quoted text }

Blanks around operators and operands do not count. Quoted text has no operators and no wildcards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

from twofold.core.filter_values import Span, case_of, read_value
from twofold.core.filters import All, AnyOf, Blank, Compare, Filter, Like, Range
from twofold.core.schema import TEXTUAL, Field, FieldType, Schema

Op = Literal["=", "<>", "<", "<=", ">", ">="]

_OPERATORS = ("<>", "<=", ">=", "<", ">", "=")
_PIECE = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<wild>[*?])|(?P<plain>(?:(?!\.\.)[^|&()<>='*?])+)")
_DEEPEST = 50
_SHOWN = 120


class FilterError(ValueError):
    """Filter expressions that cannot be read; `problems` has one marked sentence for each field at fault."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("\n".join(problems.values()))
        self.problems = dict(problems)


class _Misread(Exception):
    def __init__(self, position: int, complaint: str) -> None:
        super().__init__(complaint)
        self.position = position


def parse_filter(field: Field, expression: str) -> Filter:
    """The tree of one filter expression on `field`.

    Raises FilterError (a ValueError): a sentence with the expression, and a line that marks the place in it.
    """
    reader = _Reader(field, expression)
    try:
        return reader.read()
    except _Misread as misread:
        raise FilterError({field.name: _marked(field, expression, misread)}) from None


def check_syntax(name: str, expression: str) -> None:
    """Read an expression on a field of unknown type; raises FilterError as `parse_filter` does."""
    field = Field(name, FieldType.TEXT)
    try:
        _Reader(field, expression, in_order=False).read()
    except _Misread as misread:
        raise FilterError({name: _marked(field, expression, misread)}) from None


def parse_filters(schema: Schema, filters: Mapping[str, str]) -> All:
    """The tree of several expressions, by field, all of which must hold.

    Raises FilterError (a ValueError) that names everything wrong at once.
    """
    parts: list[Filter] = []
    problems: dict[str, str] = {}
    for name, expression in filters.items():
        field = schema.get(name)
        if field is None:
            problems[name] = schema.unknown(name)
            continue
        try:
            parts.append(parse_filter(field, expression))
        except FilterError as error:
            problems.update(error.problems)
    if problems:
        raise FilterError(problems)
    return All(tuple(parts))


def _marked(field: Field, expression: str, misread: _Misread) -> str:
    start = max(0, misread.position - _SHOWN // 2) if len(expression) > _SHOWN else 0
    shown = re.sub(r"\s", " ", expression[start : start + _SHOWN])
    lead = "..." if start else ""
    tail = "..." if start + _SHOWN < len(expression) else ""
    caret = " " * (len(lead) + misread.position - start) + "^"
    return f'{lead}{shown}{tail} is not a filter expression for "{field.name}": {misread}.\n{caret}'


@dataclass(frozen=True, slots=True)
class _Operand:
    """A value as written, before it is typed."""

    position: int
    text: str
    ignore_case: bool
    is_pattern: bool

    @property
    def is_blank(self) -> bool:
        return not self.text


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, field: Field, text: str, *, in_order: bool = True) -> None:
        self.field = field
        self.in_order = in_order
        self.text = text
        self.position = 0
        self.depth = 0

    def read(self) -> Filter:
        if not self.text.strip():
            self.fail("it is empty. Write '' to find blanks, or leave the filter out to find everything")
        tree = self.any_of()
        if self.position < len(self.text):
            self.fail(_stray(self.text[self.position :]))
        return tree

    def fail(self, complaint: str, position: int | None = None) -> NoReturn:
        raise _Misread(self.position if position is None else position, complaint)

    def skip(self) -> None:
        rest = self.text[self.position :]
        self.position += len(rest) - len(rest.lstrip())

    def take(self, *symbols: str) -> str | None:
        self.skip()
        found = next((symbol for symbol in symbols if self.text.startswith(symbol, self.position)), None)
        self.position += len(found or "")
        return found

    def any_of(self) -> Filter:
        parts = [self.all_of()]
        while self.take("|"):
            parts.append(self.all_of())
        return _joined(AnyOf, parts)

    def all_of(self) -> Filter:
        parts = [self.criterion()]
        while self.take("&"):
            parts.append(self.criterion())
        return _joined(All, parts)

    def criterion(self) -> Filter:
        if self.take("("):
            return self.bracket()
        op = self.take(*_OPERATORS)
        if op is not None:
            return self.compared(cast("Op", op))
        return self.ranged()

    def bracket(self) -> Filter:
        opened = self.position - 1
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"brackets are nested more than {_DEEPEST} deep. Write fewer", opened)
        inner = self.any_of()
        if not self.take(")"):
            self.fail("this bracket is never closed. Write ) where it ends", opened)
        self.depth -= 1
        return inner

    def compared(self, op: Op) -> Filter:
        operand = self.operand()
        if operand is None:
            self.fail(_absent(self.text[self.position :], f"after {op}"))
        if self.take(".."):
            self.fail("a range takes no operator. Write the range alone, such as 10..20", self.position - 2)
        return self.criterion_of(op, operand)

    def ranged(self) -> Filter:
        low = self.operand()
        if not self.take(".."):
            if low is None:
                self.fail(_absent(self.text[self.position :], "here"))
            return self.criterion_of("=", low)
        dots = self.position - 2
        high = self.operand()
        if self.take(".."):
            self.fail("a range has two ends only. Join ranges by |, such as 10..20|30..40", self.position - 2)
        return self.range_of(low, high, dots)

    def range_of(self, low: _Operand | None, high: _Operand | None, dots: int) -> Filter:
        name = self.field.name
        if low is None:
            if high is None:
                self.fail("a range needs at least one end. Write 10..20, ..20 or 10..", dots)
            return Compare(name, "<=", self.end_of(high).high)
        if high is None:
            return Compare(name, ">=", self.end_of(low).low)
        first, last = self.end_of(low).low, self.end_of(high).high
        if self.in_order and first > last:  # type: ignore[operator]  # both are of the field's type
            self.fail(_backwards(self.field), dots)
        return Range(name, first, last)

    def end_of(self, operand: _Operand) -> Span:
        self.refuse_unordered("a range")
        if operand.is_blank:
            self.fail("a blank cannot end a range. Leave that end open, such as ..20", operand.position)
        if operand.is_pattern or operand.ignore_case:
            self.fail("a range takes no wildcards and no @. Write plain values", operand.position)
        return self.value_of(operand)

    def refuse_unordered(self, what: str) -> None:
        if self.field.type in (FieldType.BOOLEAN, FieldType.BINARY):
            self.fail(
                f"{what} makes no sense for a field of type {self.field.type}. Write = or <> and one value"
            )

    def criterion_of(self, op: Op, operand: _Operand) -> Filter:
        if op not in ("=", "<>"):
            return self.ordered(op, operand)
        negated = op == "<>"
        if operand.is_blank:
            return Blank(self.field.name, negated)
        if operand.is_pattern or operand.ignore_case:
            return self.pattern_of(operand, negated=negated)
        span = self.value_of(operand)
        if span.is_single:
            return Compare(self.field.name, op, span.low)
        return _outside(self.field.name, span) if negated else Range(self.field.name, span.low, span.high)

    def ordered(self, op: Op, operand: _Operand) -> Filter:
        self.refuse_unordered(op)
        if operand.is_blank:
            self.fail("nothing is larger or smaller than a blank. Write <>'' to find what has a value")
        if operand.is_pattern or operand.ignore_case:
            self.fail(f"{op} takes no wildcards and no @. Put the value in single quotes", operand.position)
        span = self.value_of(operand)
        return Compare(self.field.name, op, span.low if op in ("<", ">=") else span.high)

    def pattern_of(self, operand: _Operand, *, negated: bool) -> Filter:
        if self.field.type not in TEXTUAL:
            self.fail(_no_pattern(self.field), operand.position)
        pattern = case_of(self.field, operand.text)
        return Like(self.field.name, pattern, operand.ignore_case, negated)

    def value_of(self, operand: _Operand) -> Span:
        if self.field.type is FieldType.BINARY:
            self.fail("a binary field can only be blank or not. Write '' or <>''", operand.position)
        try:
            return read_value(self.field, operand.text)
        except ValueError as error:
            self.fail(str(error), operand.position)

    def operand(self) -> _Operand | None:
        self.skip()
        start = self.position
        ignore_case = bool(self.take("@"))
        self.skip()
        pieces = list(self.pieces())
        if not pieces:
            if ignore_case:
                self.fail(_absent(self.text[self.position :], "after @"))
            return None
        is_pattern = any(kind == "wild" for kind, _ in pieces)
        if is_pattern or ignore_case:
            self.refuse_quoted_wildcards(pieces, start)
        text = "".join(text for _, text in pieces)
        return _Operand(start, text, ignore_case, is_pattern)

    def pieces(self) -> Iterable[tuple[str, str]]:
        last = ""
        while found := _PIECE.match(self.text, self.position):
            kind, text = found.lastgroup or "quoted", found[found.lastgroup or "quoted"]
            self.refuse_gap(last, kind, text)
            self.position = found.end()
            last = kind + ("_gap" if text[-1:].isspace() else "")
            ends = kind == "plain" and not _PIECE.match(self.text, self.position)
            yield kind, _unquoted(kind, text.rstrip() if ends else text)

    def refuse_gap(self, last: str, kind: str, text: str) -> None:
        after = last.startswith("quoted") and kind == "plain" and text[:1].isspace() and text.strip()
        if after or (last == "plain_gap" and kind == "quoted"):
            self.fail("an operator such as | or & is missing here")

    def refuse_quoted_wildcards(self, pieces: list[tuple[str, str]], start: int) -> None:
        if any(kind == "quoted" and set("*?") & set(text) for kind, text in pieces):
            self.fail("a quoted * or ? cannot stand beside wildcards or @. Write ? for that character", start)


def _joined(kind: type[All | AnyOf], parts: list[Filter]) -> Filter:
    if len(parts) == 1:
        return parts[0]
    flat = (inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))
    return kind(tuple(flat))


def _unquoted(kind: str, text: str) -> str:
    return text.replace("''", "'") if kind == "quoted" else text


def _outside(name: str, span: Span) -> Filter:
    return AnyOf((Compare(name, "<", span.low), Compare(name, ">", span.high), Blank(name)))


def _backwards(field: Field) -> str:
    if field.type not in TEXTUAL:
        return "the range runs backwards. Write the smaller value first"
    return "the range runs backwards: texts are ordered by character code, capitals first. Swap its ends"


def _no_pattern(field: Field) -> str:
    return f"wildcards and @ search texts, and this field is of type {field.type}. Write a value or a range"


def _absent(rest: str, where: str) -> str:
    if rest[:1] == "'":
        return "this quote is never closed. Write ' at the end of the value, and '' for a quote inside it"
    if rest[:1] == "(" and where != "here":
        return "an operator takes one value, not a bracket. Repeat it for each value, such as <>A&<>B"
    return f"a value is missing {where}. Write one, or '' to find blanks"


def _stray(rest: str) -> str:
    if rest[0] == "'":
        return _absent(rest, "here")
    if rest[0] == ")":
        return "no bracket is open here. Remove it, or put the value in single quotes"
    if rest[0] == "(" or rest[0] in "<>=":
        return f"{rest[0]} cannot follow a value. Write | or & before it, or put the value in single quotes"
    return "an operator such as | or & is missing here"
