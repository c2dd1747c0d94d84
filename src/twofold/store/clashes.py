"""Finds which couplings meet pairs that are stored already; it must never read or write the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from twofold.errors import Refused


@dataclass(frozen=True, slots=True)
class Pair:
    """The keys of a coupling; None is a key that is not known yet."""

    left: str | None
    right: str | None

    def completes(self, stored: Pair) -> bool:
        """Whether this is the stored pair, or the same with a key more."""
        return stored.left in (None, self.left) and stored.right in (None, self.right)

    def __str__(self) -> str:
        return f"left {_shown(self.left)} with right {_shown(self.right)}"


def _shown(key: str | None) -> str:
    return "(not known yet)" if key is None else f'"{key}"'


class Clashes:
    """Compares new couplings of one mapping with what they meet."""

    def __init__(self, mapping: str) -> None:
        self._mapping = mapping

    def match(self, couplings: pl.DataFrame, known: pl.DataFrame) -> list[int | None]:
        """The id of the stored pair that each coupling is, None for a new one.

        Raises `Refused`, naming both, where a key belongs to another pair, or twice to these couplings.
        """
        self._refuse_twins(couplings)
        if known.is_empty():
            return [None] * couplings.height
        lefts = {row[1]: row for row in known.iter_rows() if row[1] is not None}
        rights = {row[2]: row for row in known.iter_rows() if row[2] is not None}
        pairs = couplings.select("left_key", "right_key").iter_rows()
        return [self._find(Pair(*keys), lefts.get(keys[0]), rights.get(keys[1])) for keys in pairs]

    def _find(self, pair: Pair, by_left: _Row | None, by_right: _Row | None) -> int | None:
        for found in (by_left, by_right):
            if found is not None and not pair.completes(Pair(found[1], found[2])):
                self._refuse(pair, Pair(found[1], found[2]))
        if by_left is not None and by_right is not None and by_left[0] != by_right[0]:
            self._refuse(pair, Pair(by_right[1], by_right[2]))
        found = by_left or by_right
        return found[0] if found else None

    def refuse(self, couplings: pl.DataFrame, known: pl.DataFrame) -> None:
        """Raise `Refused` if any of these keys is taken, by a stored pair or by two of them."""
        self._refuse_twins(couplings)
        for _, left, right in known.iter_rows():
            stored = Pair(left, right)
            for keys in couplings.select("left_key", "right_key").iter_rows():
                pair = Pair(*keys)
                if _share(pair, stored):
                    self._refuse(pair, stored)

    def _refuse_twins(self, couplings: pl.DataFrame) -> None:
        for column in ("left_key", "right_key"):
            twins = couplings.filter(pl.col(column).is_not_null() & pl.col(column).is_duplicated())
            if twins.height:
                one, two, *_ = (
                    twins.sort(column, maintain_order=True).select("left_key", "right_key").iter_rows()
                )
                self._refuse(Pair(*two), Pair(*one))

    def _refuse(self, pair: Pair, stored: Pair) -> NoReturn:
        key = f"--left {stored.left}" if stored.left is not None else f"--right {stored.right}"
        raise Refused(
            f"{self._mapping}: cannot couple {pair}, because {stored} is a pair already, and a record "
            f"is coupled only once. To couple it anew, first run `twofold uncouple {self._mapping} {key}`."
        )


_Row = tuple[int, str | None, str | None]


def _share(one: Pair, two: Pair) -> bool:
    left = one.left is not None and one.left == two.left
    return left or (one.right is not None and one.right == two.right)
