"""Ops written to one table, with a result for each; it must never guess which row a result belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from twofold.connectors.sql.complaints import complain, field_at_fault, foresee
from twofold.connectors.sql.connection import ROW_FAULTS, Database
from twofold.connectors.sql.dialects import Dialect, Fault, Write
from twofold.connectors.sql.lookup import decode_keys, find_rows
from twofold.connectors.sql.outcomes import Outcome, Wave, leave_in_doubt, take_back, waves_of
from twofold.connectors.sql.reader import OVERLAP, Batch, Reader
from twofold.connectors.sql.relation import Column, Relation
from twofold.connectors.sql.stamps import STAMP, StampForm
from twofold.connectors.sql.values import decode
from twofold.core.frames import KEY, SETTLED, VERSION
from twofold.core.keys import key_column
from twofold.core.names import FeedKind
from twofold.core.schema import FieldType
from twofold.ports import OpKind, Ops, ResultKind, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Writing:
    """One transaction that writes ops to one table."""

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        table: Table,
        relation: Relation,
        mark: Column | None,
        own_clock: datetime,
    ) -> None:
        self.database = database
        self.dialect: Dialect = database.dialect
        self.connection = connection
        self.table = table
        self.relation = relation
        self.mark = mark
        self._stamped = mark is not None and table.feed is FeedKind.MODIFIED
        self._now = self.dialect.clock(connection) if self._stamped else own_clock
        self._young = min(self._now, own_clock) - OVERLAP if self._stamped else None

    def write(self, ops: Ops) -> Outcome:
        """Write ops of one kind."""
        keys = self._keys(ops)
        outcome = Outcome(list(keys))
        for wave in waves_of(ops, keys, outcome):
            if ops.kind is OpKind.INSERT:
                self._insert(wave)
            else:
                self._change(wave)
        return outcome

    def _keys(self, ops: Ops) -> list[str | None]:
        given: list[str | None] = ops.rows[KEY].to_list()
        if ops.kind is not OpKind.INSERT or not set(self.table.key) <= set(ops.rows.columns):
            return given
        fields = self.relation.fields(self.table.key)
        typed = ops.rows.select(pl.col(part.name).cast(part.dtype) for part in fields)
        made = key_column(typed, fields)
        return [key if key is not None else own for key, own in zip(given, made, strict=True)]

    # -- inserts -------------------------------------------------------------------------------------------

    def _insert(self, wave: Wave) -> None:
        keys = wave.outcome.keys
        keyed = [place for place in wave.places if keys[place] is not None]
        taken = self._existing([keys[place] or "" for place in keyed])
        for place in keyed:
            if keys[place] in taken:
                self._refuse_taken(wave, place)
        free = wave.outcome.done(keyed)
        if free:
            self._insert_keyed(wave, free)
        unkeyed = [place for place in wave.places if keys[place] is None]
        if unkeyed:
            self._insert_unkeyed(wave, unkeyed)
        self._tell_versions(wave, wave.outcome.done(wave.places))

    def _refuse_taken(self, wave: Wave, place: int) -> None:
        key = wave.outcome.keys[place]
        text = f"{self.relation.schema.table} {key} already exists, so it was not created again."
        wave.outcome.refuse(place, ResultKind.EXISTS, text)

    def _existing(self, keys: Sequence[str]) -> set[str]:
        batch = find_rows(self.connection, self._reader(()), self.dialect, keys)
        return {*batch.rows[KEY], *(bad.key for bad in batch.unreadable)}

    def _insert_keyed(self, wave: Wave, places: list[int]) -> None:
        typed = self._values(wave.ops, places)
        columns = [self.relation[name] for name in self.table.key]
        parts = decode_keys([wave.outcome.keys[place] or "" for place in places], columns)
        if parts.height != len(places):
            places = self._without_odd_keys(wave, places, set(parts[KEY]))
            typed = self._values(wave.ops, places)
        for column in columns:
            typed.setdefault(column.field.name, parts[column.field.name])
        self._stamp(typed, [None] * len(places))
        self._send(wave, places, typed, self.dialect.insert)
        self._find_taken(wave, places)

    def _without_odd_keys(self, wave: Wave, places: list[int], good: set[str]) -> list[int]:
        for place in places:
            if wave.outcome.keys[place] not in good:
                self._fail(wave, place, Fault("type", self.table.key, text="not a key of this table"))
        return wave.outcome.done(places)

    def _find_taken(self, wave: Wave, places: list[int]) -> None:
        """A key that somebody else took after we had looked is told as taken, not as a failure."""
        failed = [p for p in places if wave.outcome.kinds[p] == ResultKind.FAILED]
        if failed:
            taken = self._existing([wave.outcome.keys[place] or "" for place in failed])
            for place in failed:
                if wave.outcome.keys[place] in taken:
                    wave.outcome.fields[place] = None
                    self._refuse_taken(wave, place)

    def _insert_unkeyed(self, wave: Wave, places: list[int]) -> None:
        makes = [self.relation[name].field.generated for name in self.table.key]
        typed = self._values(wave.ops, places)
        for name, made in zip(self.table.key, makes, strict=True):
            if name in typed and made and typed[name].null_count() == len(places):
                del typed[name]
        lacking = [n for n, made in zip(self.table.key, makes, strict=True) if n not in typed and not made]
        if lacking and not self.relation.triggers:
            for place in places:
                self._fail(wave, place, Fault("no_key", tuple(lacking)))
            return
        self._stamp(typed, [None] * len(places))
        learnt: dict[int, str | None] = {}
        self._send(wave, places, typed, lambda connection, write: self._learn(connection, write, learnt))
        for place in wave.outcome.done(places):
            wave.outcome.keys[place] = learnt[place]

    def _learn(self, connection: sa.Connection, write: Write, learnt: dict[int, str | None]) -> int:
        rows = self.dialect.insert_one_by_one(connection, write, self.table.key)
        made = [row for row in rows if row]
        columns = list(zip(*made, strict=True)) or [()] * len(self.table.key)
        fields = self.relation.fields(self.table.key)
        typed = pl.DataFrame([decode(raw, part) for raw, part in zip(columns, fields, strict=True)])
        if len(made) == len(rows):
            learnt.update(zip(write.places, key_column(typed, fields), strict=True))
        return len(made)

    # -- updates and deletes -------------------------------------------------------------------------------

    def _change(self, wave: Wave) -> None:
        reader = self._reader(wave.ops.versioned_by)
        keys = [wave.outcome.keys[place] or "" for place in wave.places]
        batch = find_rows(self.connection, reader, self.dialect, keys, lock=True, young=self._young)
        found = self._judge(wave, batch)
        places = wave.outcome.done(wave.places)
        if not places:
            return
        rows = [found[wave.outcome.keys[place] or ""] for place in places]
        raw = {name: [column[row] for row in rows] for name, column in batch.raw.items()}
        if wave.ops.kind is OpKind.DELETE:
            self._send(wave, places, {}, self.dialect.delete, raw)
            return
        typed = self._values(wave.ops, places)
        self._stamp(typed, batch.marks.gather(rows).to_list() if self._stamped else [])
        if typed:
            self._send(wave, places, typed, self.dialect.update, raw)
        self._tell_versions(wave, wave.outcome.done(places))

    def _judge(self, wave: Wave, batch: Batch) -> dict[str, int]:
        """Say of each row whether it is gone, stale or not one; returns the rows found, by key."""
        found = {key: row for row, key in enumerate(batch.rows[KEY])}
        several = set(batch.rows[KEY].filter(batch.rows[KEY].is_duplicated()))
        unreadable = {bad.key: bad for bad in batch.unreadable}
        expected, versions = wave.ops.rows[VERSION], batch.rows[VERSION]
        for place in wave.places:
            key = wave.outcome.keys[place] or ""
            if key in unreadable:
                bad = unreadable[key]
                wave.outcome.refuse(place, ResultKind.FAILED, bad.text, bad.field)
            elif key not in found:
                self._refuse(wave, place, ResultKind.GONE, "is no longer there")
            elif key in several:
                self._fail(wave, place, Fault("several"))
            elif expected[place] is not None and expected[place] != versions[found[key]]:
                self._refuse(wave, place, ResultKind.STALE, "was changed meanwhile, so it was not written")
        return found

    def _refuse(self, wave: Wave, place: int, kind: ResultKind, what: str) -> None:
        wave.outcome.refuse(place, kind, f"{self.relation.schema.table} {wave.outcome.keys[place]} {what}.")

    # -- values and statements -----------------------------------------------------------------------------

    def _reader(self, fields: Sequence[str]) -> Reader:
        return Reader(self.relation, self.table, fields, self.dialect, mark=self.mark)

    def _values(self, ops: Ops, places: Sequence[int]) -> dict[str, pl.Series]:
        names = [name for name in ops.rows.columns if not name.startswith("#")]
        rows = ops.rows[list(places)]
        return {name: rows[name].cast(self.relation[name].field.dtype) for name in names}

    def _stamp(self, typed: dict[str, pl.Series], before: Sequence[datetime | None]) -> None:
        """Set the modified column, later than what it replaces, unless the op or the database does."""
        mark = self.mark
        if mark is None or not self._stamped or mark.field.name in typed or mark.field.read_only:
            return
        step = _step(mark)
        now = _EPOCH + (self._now - _EPOCH) // step * step
        moments = [now if old is None or old < now else old + step for old in before]
        series = pl.Series(mark.field.name, moments, dtype=STAMP)
        typed[mark.field.name] = series.dt.date() if mark.field.type is FieldType.DATE else series

    def _column(self, name: str) -> Column:
        """The column as written: a text that keeps the stamps is written as stamps are."""
        if self.mark is not None and name == self.mark.field.name:
            return self.mark
        return self.relation[name]

    def _send(
        self,
        wave: Wave,
        places: list[int],
        typed: Mapping[str, pl.Series],
        work: Callable[[sa.Connection, Write], int],
        key: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Write the rows; those that cannot be written are told, and cost no other row its place."""
        encoded = {name: self._encode(name, series) for name, series in typed.items()}
        wrong = foresee(self.relation, {n: s for n, s in typed.items() if s.dtype != STAMP}, encoded)
        good = [row for row in range(len(places)) if row not in wrong]

        def attempt(rows: Sequence[int]) -> int:
            columns = {name: [raw[row] for row in rows] for name, raw in encoded.items()}
            keys = {name: [raw[row] for row in rows] for name, raw in (key or {}).items()}
            return work(self.connection, Write(self.relation, columns, keys, [places[row] for row in rows]))

        for row, fault in {**wrong, **self._split(attempt, good)}.items():
            self._fail(wave, places[row], fault)

    def _encode(self, name: str, series: pl.Series) -> list[Any]:
        column = self._column(name)
        # A text column with stamps gets texts where the op itself writes it.
        return self.dialect.encode(
            column if series.dtype == column.field.dtype else self.relation[name], series
        )

    def _split(self, attempt: Callable[[Sequence[int]], int], rows: Sequence[int]) -> dict[int, Fault]:
        """Write the rows all at once; where that fails, undo it and write each half, down to the bad rows."""
        if not rows:
            return {}
        fault = self._try(attempt, rows)
        if fault is None:
            return {}
        if len(rows) == 1:
            return {rows[0]: fault}
        middle = len(rows) // 2
        return {**self._split(attempt, rows[:middle]), **self._split(attempt, rows[middle:])}

    def _try(self, attempt: Callable[[Sequence[int]], int], rows: Sequence[int]) -> Fault | None:
        savepoint = self.connection.begin_nested()
        try:
            changed = attempt(rows)
            self.dialect.check(self.connection)
        except DBAPIError as error:
            fault = self.database.fault(error)
            if fault.kind not in ROW_FAULTS:
                raise
            savepoint.rollback()
            return fault
        if changed == len(rows):
            savepoint.commit()
            return None
        savepoint.rollback()
        return Fault("ignored")

    def _fail(self, wave: Wave, place: int, fault: Fault) -> None:
        text = complain(fault, self.relation, wave.outcome.keys[place])
        wave.outcome.refuse(place, ResultKind.FAILED, text, field_at_fault(fault, self.relation))

    def _tell_versions(self, wave: Wave, places: Sequence[int]) -> None:
        """Read back the versions in one statement; triggers and roundings are in them then."""
        snapshot = self.table.feed is FeedKind.SNAPSHOT
        # Only a snapshot's version is made of values.
        fields = wave.ops.versioned_by if snapshot else ()
        if not places or (snapshot and not fields):
            return
        keys = [wave.outcome.keys[place] or "" for place in places]
        rows = find_rows(self.connection, self._reader(fields), self.dialect, keys, young=self._young).rows
        told = {row[0]: row[1:] for row in rows.select(KEY, VERSION, SETTLED).iter_rows()}
        for place, key in zip(places, keys, strict=True):
            wave.outcome.versions[place], wave.outcome.settled[place] = told.get(key, (None, None))


def _step(mark: Column) -> timedelta:
    if mark.field.type is FieldType.DATE:
        return timedelta(days=1)
    if isinstance(mark.form, StampForm):
        return mark.form.step
    return timedelta(microseconds=10 ** (6 - (6 if mark.field.scale is None else mark.field.scale)))


def write_all(
    database: Database,
    table: Table,
    relation: Relation,
    mark: Column | None,
    ops: Sequence[Ops],
    own_clock: datetime,
) -> list[Outcome]:
    """Write the ops in one transaction; a commit without a reply leaves in doubt what it was to keep."""
    with database.engine.connect() as connection:
        transaction = connection.begin()
        try:
            database.dialect.begin(connection)
            writing = Writing(database, connection, table, relation, mark, own_clock)
            outcomes = [writing.write(part) for part in ops]
        except BaseException:
            _give_up(transaction)
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            fault = database.fault(error)
            _give_up(transaction)
            if fault.kind == "unreachable":
                return [leave_in_doubt(outcome, relation) for outcome in outcomes]
            if fault.kind in ROW_FAULTS:
                return [take_back(outcome, relation, fault) for outcome in outcomes]
            raise
    return outcomes


def _give_up(transaction: sa.RootTransaction) -> None:
    try:
        transaction.rollback()
    except sa.exc.SQLAlchemyError:
        # The connection is lost, and the transaction with it.
        transaction.connection.invalidate()
