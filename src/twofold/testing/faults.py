"""A connector on which things go wrong, repeatably and on record; it must never go wrong in any other way.

Which call suffers what is either scripted or drawn from a seed. A draw depends on nothing but the seed, the
verb and the number of the call, so threads cannot change it, and `repr` tells what to run again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from twofold.core.filters import Filter
from twofold.core.frames import FIELD, KEY, KIND, RESULT_SCHEMA, SETTLED, TEXT, VERSION
from twofold.core.schema import Schema
from twofold.errors import Throttled, Unreachable
from twofold.ports import (
    Capabilities,
    ChangePage,
    Changes,
    Connector,
    OpKind,
    Ops,
    ResultKind,
    Results,
    Table,
)
from twofold.testing.fuse import Fuse


class Trouble(StrEnum):
    """What can go wrong in one call."""

    UNREACHABLE = "unreachable"
    """Nothing happens; `Unreachable` is raised."""
    THROTTLED = "throttled"
    """Nothing happens; `Throttled` is raised."""
    LOST_REPLY = "lost_reply"
    """`apply`: the ops are done, the reply is lost: `Unreachable` is raised."""
    IN_DOUBT = "in_doubt"
    """`apply`: the ops are done, every result is in doubt."""
    DROPPED = "dropped"
    """`apply`: the ops are not done, every result is in doubt."""
    STALE = "stale"
    """`apply`: every second update or delete is told to be stale, and is not done."""
    BROKEN = "broken"
    """`changes`: the connection breaks after the first page."""
    REPEATED = "repeated"
    """`changes`: every page comes twice, and rows twice within a page."""
    TRUNCATED = "truncated"
    """`changes`: the feed ends early as if it were whole; its cursor is honest."""
    EMPTY = "empty"
    """`changes` and `fetch`: the side reads empty, as after a lost permission, and says it is whole."""
    SLOW = "slow"
    """The call is done, but takes ten minutes of the given clock."""


READING = (Trouble.UNREACHABLE, Trouble.THROTTLED, Trouble.BROKEN, Trouble.REPEATED, Trouble.SLOW)
WRITING = (
    Trouble.UNREACHABLE,
    Trouble.THROTTLED,
    Trouble.LOST_REPLY,
    Trouble.IN_DOUBT,
    Trouble.DROPPED,
    Trouble.STALE,
    Trouble.SLOW,
)
"""What a seed draws from: troubles after which a correct engine loses nothing. The others are for scripts."""

DELAY = 600.0
"""Seconds that a slow call takes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The `call`-th call (from 1) of a verb (`changes`, `fetch`, `apply`) suffers this."""

    verb: str
    call: int
    trouble: Trouble

    def __str__(self) -> str:
        return f"{self.verb}#{self.call} {self.trouble}"


class Faulty:
    """Passes every call on to `connector`, except where the script or the seed has a fault.

    `rate` is the share of calls that suffer when a seed is given. `wait` moves the clock by seconds for slow
    calls. `fuse` is burnt before and after every call. `injected` lists what really happened.
    """

    def __init__(
        self,
        connector: Connector,
        script: Sequence[Fault] = (),
        *,
        seed: int | None = None,
        rate: float = 0.25,
        fuse: Fuse | None = None,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self.inner = connector
        self.script = tuple(script)
        self.seed = seed
        self.rate = rate
        self.fuse = fuse or Fuse()
        self.wait = wait or (lambda _seconds: None)
        self.calls: Counter[str] = Counter()
        self.injected: list[Fault] = []

    def __repr__(self) -> str:
        happened = ", ".join(map(str, self.injected))
        return f"Faulty({self.inner!r}, seed={self.seed}, injected=[{happened}], {self.fuse!r})"

    def heal(self) -> None:
        """Let nothing more go wrong."""
        self.script, self.seed, self.fuse = (), None, Fuse()

    # -- facts are never wrong -----------------------------------------------------------------------------

    def identity(self) -> str:
        """The identity of the system behind."""
        return self.inner.identity()

    def tables(self) -> Sequence[str]:
        """The tables of the system behind."""
        return self.inner.tables()

    def capabilities(self, table: Table) -> Capabilities:
        """The facts about the table behind."""
        return self.inner.capabilities(table)

    def describe(self, table: str) -> Schema:
        """The columns of the table behind."""
        return self.inner.describe(table)

    def close(self) -> None:
        """Close the connector behind."""
        self.inner.close()

    # -- verbs ---------------------------------------------------------------------------------------------

    def changes(
        self, table: Table, fields: Sequence[str], where: Filter | None, since: str | None
    ) -> Iterator[ChangePage]:
        """The feed, perhaps broken off, repeated, cut short or empty."""
        trouble = self._enter("changes", READING)
        pages = self.inner.changes(table, fields, where, since)
        for page in _DISTORTIONS.get(trouble, _as_it_is)(pages):
            yield page
            self.fuse.burn("between pages of changes")

    def fetch(self, table: Table, fields: Sequence[str], keys: Sequence[str]) -> Changes:
        """The rows, or none."""
        trouble = self._enter("fetch", (Trouble.UNREACHABLE, Trouble.THROTTLED, Trouble.SLOW))
        read = self.inner.fetch(table, fields, keys)
        self.fuse.burn("after fetch")
        return Changes(read.rows.clear()) if trouble is Trouble.EMPTY else read

    def apply(self, table: Table, ops: Sequence[Ops]) -> Results:
        """The ops, perhaps not done, or done without saying so."""
        trouble = self._enter("apply", WRITING)
        if trouble is Trouble.DROPPED:
            return _in_doubt(ops)
        if trouble is Trouble.STALE:
            return self._apply_some(table, ops)
        results = self.inner.apply(table, ops)
        self.fuse.burn("between the write and its reply")
        if trouble is Trouble.LOST_REPLY:
            raise Unreachable("The connection broke before the reply came.")
        return _in_doubt(ops) if trouble is Trouble.IN_DOUBT else results

    # -- drawing -------------------------------------------------------------------------------------------

    def _enter(self, verb: str, choices: Sequence[Trouble]) -> Trouble | None:
        self.fuse.burn(f"before {verb}")
        self.calls[verb] += 1
        fault = self._fault(verb, self.calls[verb], choices)
        if fault is None:
            return None
        self.injected.append(fault)
        self._suffer(fault)
        return fault.trouble

    def _fault(self, verb: str, call: int, choices: Sequence[Trouble]) -> Fault | None:
        scripted = next((f for f in self.script if (f.verb, f.call) == (verb, call)), None)
        if scripted is not None or self.seed is None:
            return scripted
        dice = random.Random(f"{self.seed}:{verb}:{call}")  # noqa: S311 - repeatable, not secret
        return Fault(verb, call, dice.choice(choices)) if dice.random() < self.rate else None

    def _suffer(self, fault: Fault) -> None:
        if fault.trouble is Trouble.UNREACHABLE:
            raise Unreachable(f"The system could not be reached ({fault}).")
        if fault.trouble is Trouble.THROTTLED:
            raise Throttled(f"The system asked for patience ({fault}).", retry_after=0.0)
        if fault.trouble is Trouble.SLOW:
            self.wait(DELAY)

    def _apply_some(self, table: Table, ops: Sequence[Ops]) -> Results:
        spared = [each if each.kind is OpKind.INSERT else _every_second(each, 1) for each in ops]
        done = self.inner.apply(table, spared).rows
        parts, start = [], 0
        for each, kept in zip(ops, spared, strict=True):
            own = done.slice(start, len(kept))
            parts.append(own if each.kind is OpKind.INSERT else _interleave(each, own))
            start += len(kept)
        return Results(pl.concat(parts) if parts else done)


Distortion = Callable[[Iterator[ChangePage]], Iterator[ChangePage]]


def _as_it_is(pages: Iterator[ChangePage]) -> Iterator[ChangePage]:
    return pages


def _broken(pages: Iterator[ChangePage]) -> Iterator[ChangePage]:
    yield next(pages)
    raise Unreachable("The connection broke in the middle of a feed.")


def _repeated(pages: Iterator[ChangePage]) -> Iterator[ChangePage]:
    for page in pages:
        yield replace(page, rows=pl.concat([page.rows, page.rows]))
        yield page


def _truncated(pages: Iterator[ChangePage]) -> Iterator[ChangePage]:
    yield next(pages)


def _empty(pages: Iterator[ChangePage]) -> Iterator[ChangePage]:
    *_, last = pages
    yield replace(last, rows=last.rows.clear(), deleted=(), unreadable=(), count=last.count and 0)


_DISTORTIONS: dict[Trouble | None, Distortion] = {
    Trouble.BROKEN: _broken,
    Trouble.REPEATED: _repeated,
    Trouble.TRUNCATED: _truncated,
    Trouble.EMPTY: _empty,
}


def _results(keys: pl.Series, kind: ResultKind, text: str) -> pl.DataFrame:
    blank = {VERSION: None, SETTLED: None, KIND: str(kind), FIELD: None, TEXT: text}
    rows = [{KEY: key, **blank} for key in keys]
    return pl.DataFrame(rows, schema=RESULT_SCHEMA)


def _in_doubt(ops: Sequence[Ops]) -> Results:
    parts = [_results(each.rows[KEY], ResultKind.IN_DOUBT, "No reply came.") for each in ops]
    return Results(pl.concat([pl.DataFrame(schema=RESULT_SCHEMA), *parts]))


def _every_second(ops: Ops, offset: int) -> Ops:
    return replace(ops, rows=ops.rows.gather_every(2, offset))


def _interleave(ops: Ops, done: pl.DataFrame) -> pl.DataFrame:
    """The results of the ops at odd places among refusals of those at even places."""
    refused = _results(_every_second(ops, 0).rows[KEY], ResultKind.STALE, "Somebody else changed the row.")
    places = pl.concat([refused.with_row_index("place"), done.with_row_index("place")])
    order = [*range(0, 2 * refused.height, 2), *range(1, 2 * done.height, 2)]
    return places.with_columns(pl.Series("place", order, dtype=pl.UInt32)).sort("place").drop("place")
