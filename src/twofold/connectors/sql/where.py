"""Filters as SQL that means the same as in `core.filters`; it must never find less than the filter does."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sqlalchemy as sa

from twofold.connectors.sql.dialects import Comparable, Dialect, Element
from twofold.connectors.sql.relation import Relation
from twofold.core.filters import All, AnyOf, Blank, Compare, Filter, Like, Range, Within

_MANY = 200
"""So many values travel as parameters of their own; more come as a list that the database unpacks."""

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Pushed:
    """A clause, and whether it finds exactly what the filter finds; else it finds that and perhaps more."""

    clause: Element
    exact: bool = True


_EVERYTHING = Pushed(sa.true(), exact=False)


def push_down(where: Filter, relation: Relation, dialect: Dialect) -> Pushed:
    """The filter as a clause; where `exact` is false the rows must be filtered again by us."""
    if isinstance(where, (All, AnyOf)):
        return _push_parts(where, relation, dialect)
    if isinstance(where, Blank):
        clause = dialect.blank(relation, where.field)
        return Pushed(sa.not_(clause) if where.negated else clause)
    compared = dialect.comparable(relation, where.field)
    if compared is None:
        return _EVERYTHING
    match where:
        case Like():
            return _like(where, compared, dialect)
        case Compare():
            return Pushed(_compare(where, compared))
        case Range():
            low, high = compared.bind(where.low), compared.bind(where.high)
            return Pushed(sa.and_(compared.expression >= low, compared.expression <= high))
        case Within():
            return Pushed(_within(where, compared))


def _push_parts(where: All | AnyOf, relation: Relation, dialect: Dialect) -> Pushed:
    parts = [push_down(part, relation, dialect) for part in where.parts]
    clauses = [part.clause for part in parts]
    exact = all(part.exact for part in parts)
    if isinstance(where, All):
        return Pushed(sa.and_(sa.true(), *clauses), exact)
    return Pushed(sa.or_(sa.false(), *clauses), exact)


def _compare(where: Compare, compared: Comparable) -> Element:
    clause: Element = _OPERATORS[where.op](compared.expression, compared.bind(where.value))
    return sa.or_(clause, compared.expression.is_(None)) if where.op == "<>" else clause


def _like(where: Like, compared: Comparable, dialect: Dialect) -> Pushed:
    if not compared.textual:
        return _EVERYTHING
    if where.ignore_case:
        clause, exact = dialect.like_any_case(compared.expression, where.pattern)
    else:
        clause, exact = dialect.like(compared.expression, where.pattern), True
    if not where.negated:
        return Pushed(clause, exact)
    if not exact:
        return _EVERYTHING
    return Pushed(sa.or_(sa.not_(clause), compared.expression.is_(None)))


def _within(where: Within, compared: Comparable) -> Element:
    if not where.values:
        return sa.false()
    binds = [compared.bind(value) for value in where.values]
    groups = [binds[start : start + _MANY] for start in range(0, len(binds), _MANY)]
    return reduce(sa.or_, (compared.expression.in_(group) for group in groups))
