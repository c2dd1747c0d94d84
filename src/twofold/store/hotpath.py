"""Reads and writes couplings by the thousand, in plain SQL; it must never touch one row at a time.

Everything is a set: a list of keys goes into one statement, a frame of couplings into one more. Writers take
an open cursor, because `recording` puts several of them into one transaction.
"""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from django.db.backends.utils import CursorWrapper

from twofold.core.frames import COUPLING_SCHEMA
from twofold.core.names import Side
from twofold.errors import StoreBroken
from twofold.store.clashes import Clashes
from twofold.store.dialect import listed
from twofold.store.moments import aware
from twofold.store.session import Session, query

TABLE = "store_coupling"
COLUMNS = ", ".join(COUPLING_SCHEMA)
VALUES = [name for name in COUPLING_SCHEMA if name != "id"]

# Written as the partial index has it, so that both databases see that the index answers.
OPEN = "NOT (state = 'coupled')"


def framed(rows: Sequence[tuple[Any, ...]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows of a cursor as a frame of exactly this schema, also when there are none."""
    if not rows:
        return pl.DataFrame(schema=schema)
    columns = zip(schema.items(), zip(*rows, strict=True), strict=True)
    return pl.DataFrame(
        [pl.Series(name, values, dtype=dtype, strict=True) for (name, dtype), values in columns]
    )


class Couplings:
    """The couplings of the state database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- reading ---------------------------------------------------------------------------------------

    def count(self, mapping: str) -> int:
        """How many couplings are settled; both numbers come from an index alone."""
        identity = self._session.find_mapping(mapping)
        statement = (
            f"SELECT (SELECT COUNT(*) FROM {TABLE} WHERE mapping_id = %s) "
            f"- (SELECT COUNT(*) FROM {TABLE} WHERE mapping_id = %s AND {OPEN})"
        )
        return int(self._session.read(statement, [identity, identity])[0][0])

    def of_keys(self, mapping: str, side: Side, keys: Sequence[str]) -> pl.DataFrame:
        """The couplings of these keys, whatever their state."""
        identity = self._session.find_mapping(mapping)
        return framed(self._among(COLUMNS, identity, f"{side}_key", keys), COUPLING_SCHEMA)

    def translate(self, mapping: str, side: Side, keys: Sequence[str]) -> pl.DataFrame:
        """`key` and `other` of the settled couplings of these keys."""
        identity = self._session.find_mapping(mapping)
        names = f"{side}_key, {side.other}_key"
        rows = self._among(names, identity, f"{side}_key", keys, "AND state = 'coupled'")
        return framed(rows, {"key": pl.String(), "other": pl.String()})

    def _among(
        self, names: str, identity: int, column: str, values: Sequence[Any], condition: str = ""
    ) -> list[tuple[Any, ...]]:
        if not len(values):
            return []
        dialect = self._session.dialect
        statement = (
            f"SELECT {names} FROM {TABLE} WHERE mapping_id = %s AND {dialect.among(column)} {condition} "
            f"ORDER BY id"
        )
        return self._session.read(statement, [identity, listed(values)])

    def pages(self, mapping: str, size: int, states: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """The couplings that exist now, by id, each page a statement of its own."""
        identity = self._session.find_mapping(mapping)
        condition, further = self._state_condition(states)
        condition = f"mapping_id = %s{condition}"
        for rows in self._session.pages(COLUMNS, TABLE, condition, [identity, *further], size):
            yield framed(rows, COUPLING_SCHEMA)

    def _state_condition(self, states: Sequence[str]) -> tuple[str, list[Any]]:
        if not states:
            return "", []
        dialect = self._session.dialect
        only_open = "" if "coupled" in states else f" AND {OPEN}"
        return f"{only_open} AND {dialect.among('state')}", [listed(states)]

    # -- writing ---------------------------------------------------------------------------------------

    def couple(
        self, cursor: CursorWrapper, mapping: str, identity: int, couplings: pl.DataFrame, now: datetime
    ) -> list[int]:
        """Write new couplings and return their ids, in order.

        A pair that is known, or known with one key missing, is updated; raises `Refused` where a key belongs
        to another pair.
        """
        if couplings.is_empty():
            return []
        known = self._overlapping(cursor, identity, couplings)
        ids = Clashes(mapping).match(couplings, known)
        new = [place for place, found in enumerate(ids) if found is None]
        for place, taken in zip(new, self._session.dialect.take_ids(cursor, TABLE, len(new)), strict=True):
            ids[place] = taken
        whole = couplings.with_columns(pl.Series("id", ids, dtype=pl.Int64))
        self._insert(cursor, identity, whole[new], now)
        self.settle(cursor, mapping, identity, whole[sorted(set(range(whole.height)) - set(new))], now)
        return whole["id"].to_list()

    def settle(
        self, cursor: CursorWrapper, mapping: str, identity: int, couplings: pl.DataFrame, now: datetime
    ) -> None:
        """Replace couplings by id; raises `StoreBroken` for one that is gone, `Refused` for a taken key."""
        if couplings.is_empty():
            return
        rows = couplings.unique("id", keep="last", maintain_order=True)
        stored = self._stored_keys(cursor, identity, rows["id"].to_list())
        if stored.height < rows.height:
            raise StoreBroken(
                f"A coupling of {mapping} was removed while this run was working on it, so this part was not "
                f"recorded. Run again: both records are looked at anew."
            )
        same = rows.join(stored, on=["id", "left_key", "right_key"], how="semi", nulls_equal=True)
        # Indexed columns are left alone where they stay, which is the usual case and much cheaper.
        self._update(cursor, identity, same.drop("left_key", "right_key"), now)
        if same.height < rows.height:
            self._move(cursor, mapping, identity, rows.join(same, on="id", how="anti"), now)

    def uncouple(self, cursor: CursorWrapper, identity: int, ids: Sequence[int]) -> None:
        """Remove couplings by id; one that is gone already is no mistake."""
        if not len(ids):
            return
        dialect = self._session.dialect
        statement = f"DELETE FROM {TABLE} WHERE mapping_id = %s AND {dialect.among('id')}"
        cursor.execute(statement, [identity, listed(list(ids))])

    def _overlapping(self, cursor: CursorWrapper, identity: int, couplings: pl.DataFrame) -> pl.DataFrame:
        """The ids and keys of stored couplings that share a key with these."""
        dialect, rows = self._session.dialect, set[tuple[Any, ...]]()
        for column in ("left_key", "right_key"):
            keys = couplings[column].drop_nulls().to_list()
            statement = (
                f"SELECT id, left_key, right_key FROM {TABLE} "
                f"WHERE mapping_id = %s AND {dialect.among(column)}"
            )
            rows.update(query(cursor, statement, [identity, listed(keys)]) if keys else [])
        return framed(list(rows), {name: COUPLING_SCHEMA[name] for name in ("id", "left_key", "right_key")})

    def _stored_keys(self, cursor: CursorWrapper, identity: int, ids: Sequence[int]) -> pl.DataFrame:
        dialect = self._session.dialect
        statement = (
            f"SELECT id, left_key, right_key, synchronized_at FROM {TABLE} "
            f"WHERE mapping_id = %s AND {dialect.among('id')}"
        )
        rows = query(cursor, statement, [identity, listed(ids)])
        keys = {name: COUPLING_SCHEMA[name] for name in ("id", "left_key", "right_key")}
        moments = [(*row[:3], aware(row[3])) for row in rows]
        return framed(moments, {**keys, "synchronized_at": pl.Datetime("us", "UTC")})

    def _move(
        self, cursor: CursorWrapper, mapping: str, identity: int, couplings: pl.DataFrame, now: datetime
    ) -> None:
        """Give couplings other keys: all old rows go before the new ones come, since two may swap keys."""
        before = self._stored_keys(cursor, identity, couplings["id"].to_list())
        self.uncouple(cursor, identity, couplings["id"].to_list())
        Clashes(mapping).refuse(couplings, self._overlapping(cursor, identity, couplings))
        kept = couplings.join(
            before.select("id", "synchronized_at"), on="id", how="left", maintain_order="left"
        )
        self._insert(cursor, identity, couplings, now, kept["synchronized_at"].to_list())

    def _insert(
        self,
        cursor: CursorWrapper,
        identity: int,
        couplings: pl.DataFrame,
        now: datetime,
        before: Sequence[datetime | None] = (),
    ) -> None:
        if couplings.is_empty():
            return
        columns = {"id": couplings["id"].to_list(), "mapping_id": [identity] * couplings.height}
        columns |= {name: couplings[name].to_list() for name in VALUES}
        moments = self._moments(couplings, now)
        if before:
            old = [self._session.stamp(moment) for moment in before]
            moments = [new or kept for new, kept in zip(moments, old, strict=True)]
        self._session.dialect.insert(cursor, TABLE, {**columns, "synchronized_at": moments})

    def _update(self, cursor: CursorWrapper, identity: int, couplings: pl.DataFrame, now: datetime) -> None:
        if couplings.is_empty():
            return
        columns = {name: couplings[name].to_list() for name in couplings.columns}
        columns["synchronized_at"] = self._moments(couplings, now)
        self._session.dialect.update(cursor, TABLE, columns, identity)

    def _moments(self, couplings: pl.DataFrame, now: datetime) -> list[Any]:
        """When each pair was synchronized: now if it is settled with a base, else it is not said."""
        stamp = self._session.stamp(now)
        known = [bool(base is not None and (not base or any(base))) for base in couplings["left_base"]]
        settled = couplings["state"] == "coupled"
        return [stamp if one and two else None for one, two in zip(known, settled, strict=True)]
