"""Rows of one table as Twofold sees them: keys, versions, fields; it must never write or keep a cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from twofold.connectors.sql.dialects import Dialect, Element
from twofold.connectors.sql.relation import Column, Relation
from twofold.connectors.sql.stamps import STAMP, StampForm
from twofold.connectors.sql.values import bad_rows, decode, describe_bad
from twofold.core.digest import version_of
from twofold.core.filters import Filter, fields_of, to_polars
from twofold.core.frames import KEY, ROW_META, SETTLED, VERSION
from twofold.core.keys import key_column, key_text
from twofold.core.names import FeedKind
from twofold.core.schema import FieldType
from twofold.errors import Refused
from twofold.ports import Table, Unreadable

OVERLAP = timedelta(minutes=15)
"""Clocks may be wrong by so much, and transactions may take so long."""
TRANSACTION_ID = "xmin"
"""PostgreSQL's own row version; it says that a row changed, but not in which order rows did."""
_PLACE = "#place"
_MARK = "#mark"
_DAY = timedelta(days=1)
_STAMPS = frozenset({FieldType.DATE, FieldType.DATETIME})
_LOOSE_STAMPS = _STAMPS | {FieldType.TEXT, FieldType.INTEGER, FieldType.FLOAT, FieldType.DECIMAL}


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as read, and beside them what only the connector needs.

    `rows` are those that can be read and are in the filter. `marks` are their stamps or row versions.
    `raw` holds the raw key values of each of them, `last` the raw mark and key of the last row of all.
    """

    rows: pl.DataFrame
    unreadable: tuple[Unreadable, ...]
    marks: pl.Series
    raw: Mapping[str, list[Any]]
    last: tuple[Any, ...] | None
    height: int


class Reader:
    """Which columns to select for a question, and how the rows that come back are read."""

    def __init__(
        self,
        relation: Relation,
        table: Table,
        fields: Sequence[str],
        dialect: Dialect,
        *,
        where: Filter | None = None,
        mark: Column | None = None,
    ) -> None:
        self.relation = relation
        self.table = table
        self.fields = tuple(fields)
        self.where = where
        self.mark = mark
        self._dialect = dialect
        local = sorted(fields_of(where)) if where is not None else []
        self.names = tuple(dict.fromkeys([*table.key, *fields, *local]))
        self.columns = [relation[name] for name in self.names]

    @property
    def mark_expression(self) -> Element | None:
        """The column that tells what changed, whether it is a field or not."""
        name = self.table.modified if self.table.feed is FeedKind.MODIFIED else self.table.row_version
        if self.table.feed is FeedKind.SNAPSHOT or name is None:
            return None
        return self.relation.source.c[name]

    def select(self) -> sa.Select[*tuple[Any, ...]]:
        """The statement, without its conditions: mark, version, then the columns."""
        shown = [self._dialect.shown(self.relation, name) for name in self.names]
        marked = self.mark_expression
        if marked is None:
            return sa.select(sa.null(), sa.null(), *shown)
        version = self._dialect.text(marked)
        raw = marked if self.mark is None else self._dialect.shown(self.relation, self.mark.field.name)
        # A system column has no type that drivers agree on, so it is read as the text that it is.
        return sa.select(*[version if self.mark is None else raw, version, *shown])

    def read(self, raw_rows: Sequence[tuple[Any, ...]], young: datetime | None = None) -> Batch:
        """The rows; a coarse stamp later than `young` leaves its row unsettled."""
        columns: list[Sequence[Any]] = list(zip(*raw_rows, strict=True)) if raw_rows else []
        columns = columns or [()] * (len(self.names) + 2)
        values = dict(zip(self.names, columns[2:], strict=True))
        decoded = {c.field.name: decode(values[c.field.name], c.field, c.unit) for c in self.columns}
        bad = self._bad(values, decoded)
        frame = self._frame(columns, decoded, young)
        frame = frame.filter(~pl.col(_PLACE).is_in(list(bad))) if bad else frame
        if self.where is not None:
            frame = frame.filter(to_polars(self.where, frame.schema))
        return self._batch(frame, values, self._unreadable(values, decoded, bad), columns[0])

    def _frame(
        self, columns: Sequence[Sequence[Any]], decoded: Mapping[str, pl.Series], young: datetime | None
    ) -> pl.DataFrame:
        frame = pl.DataFrame(list(decoded.values()))
        marks = self._marks(columns[0])
        keys = key_column(frame, self.relation.fields(self.table.key))
        own = [
            pl.Series(_PLACE, range(frame.height), dtype=pl.Int64),
            keys.alias(KEY),
            pl.Series(VERSION, columns[1], dtype=pl.String),
            self._settled(marks, young).alias(SETTLED),
            marks.alias(_MARK),
        ]
        return frame.with_columns(own)

    def _marks(self, raw: Sequence[Any]) -> pl.Series:
        if self.mark is None:
            return pl.Series(_MARK, [None] * len(raw), dtype=pl.Int64)
        found = decode(raw, self.mark.field, self.mark.unit)
        return found.cast(STAMP) if self.mark.field.type is FieldType.DATE else found

    def _settled(self, marks: pl.Series, young: datetime | None) -> pl.Series:
        if young is None or marks.dtype != STAMP:
            return pl.Series([True] * len(marks), dtype=pl.Boolean)
        coarse = marks.to_physical() % 1000 == 0
        return ~(coarse & (marks > young - self.step)).fill_null(value=False)

    @property
    def step(self) -> timedelta:
        """How long a stamp lasts, where that is a day; shorter ones count as moments."""
        if self.mark is None:
            return timedelta(0)
        form = self.mark.form
        daily = isinstance(form, StampForm) and form.step == _DAY
        return _DAY if daily or self.mark.field.type is FieldType.DATE else timedelta(0)

    def _bad(self, values: Mapping[str, Sequence[Any]], decoded: Mapping[str, pl.Series]) -> dict[int, str]:
        found: dict[int, str] = {}
        for name in self.names:
            for place in bad_rows(values[name], decoded[name]):
                found.setdefault(place, name)
        return found

    def _unreadable(
        self, values: Mapping[str, Sequence[Any]], decoded: Mapping[str, pl.Series], bad: Mapping[int, str]
    ) -> tuple[Unreadable, ...]:
        if not bad:
            return ()
        places = list(bad)
        keys = key_column(
            pl.DataFrame([decoded[name].gather(places) for name in self.table.key]),
            self.relation.fields(self.table.key),
        )
        return tuple(
            Unreadable(
                key if key is not None else key_text([str(values[name][place]) for name in self.table.key]),
                bad[place],
                describe_bad(values[bad[place]][place], self.relation[bad[place]].field),
            )
            for place, key in zip(places, keys, strict=True)
        )

    def _batch(
        self,
        frame: pl.DataFrame,
        values: Mapping[str, Sequence[Any]],
        unreadable: tuple[Unreadable, ...],
        marks: Sequence[Any],
    ) -> Batch:
        if self.table.feed is FeedKind.SNAPSHOT and self.fields:
            frame = frame.with_columns(version_of(frame, self.fields).alias(VERSION))
        places = frame[_PLACE].to_list()
        raw = {name: [values[name][place] for place in places] for name in self.table.key}
        last = (marks[-1], *(values[name][-1] for name in self.table.key)) if marks else None
        return Batch(frame.select(*ROW_META, *self.fields), unreadable, frame[_MARK], raw, last, len(marks))


def find_mark(table: Table, relation: Relation) -> Column | None:
    """The column that tells what changed, with the type its values have as marks; None where none is ordered.

    Raises `Refused` for a column that cannot tell.
    """
    if table.feed is FeedKind.MODIFIED:
        return _stamp_column(table, relation)
    if table.feed is FeedKind.ROW_VERSION and table.row_version != TRANSACTION_ID:
        return _version_column(table, relation)
    return None


def _stamp_column(table: Table, relation: Relation) -> Column:
    column = relation[table.modified or ""]
    if column.field.type in (_LOOSE_STAMPS if column.affinity else _STAMPS):
        return column.stamped(column.form)
    raise Refused(
        f'"{column.field.name}" of {table.name} holds {column.field.type} values, so it cannot say when a '
        "row was modified. Name a column of dates with times as `modified`, or leave it out."
    )


def _version_column(table: Table, relation: Relation) -> Column:
    column = relation[table.row_version or ""]
    if column.field.type in (FieldType.INTEGER, FieldType.DECIMAL):
        return column
    raise Refused(
        f'"{column.field.name}" of {table.name} holds {column.field.type} values; a `row_version` is a whole '
        "number that grows with every change. Name another column, or use `modified`."
    )
