"""What people and scripts are shown of the state, as plain dictionaries; it must never load Polars or write.

The shapes are those of the command line's `--json`. Times are ISO 8601 in UTC with a Z; an absent key is
None.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet

from twofold.core.names import COUNTERS, Direction, EntryKind
from twofold.errors import Refused
from twofold.store.models import Coupling, Entry, Job, JobError, Mapping
from twofold.store.moments import iso
from twofold.store.session import Session

_PAGE = 1000

ACTIONS: dict[str, tuple[str, ...]] = {
    EntryKind.CONFLICT: ("send", "get", "merge", "uncouple", "skip"),
    EntryKind.DELETED: ("restore", "delete", "uncouple", "skip"),
    EntryKind.FAILED: ("retry", "uncouple", "skip"),
    EntryKind.BLOCKED: ("retry", "uncouple", "skip"),
    EntryKind.IN_DOUBT: ("retry", "uncouple", "skip"),
}
"""What a person can do about each kind of entry, the usual answer first."""


class Listing:
    """Everything that is listed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def jobs(self, mapping: str | None = None, limit: int | None = 100) -> list[dict[str, Any]]:
        """The latest jobs first, of one mapping or of all; `limit=None` lists them all."""
        with self._session.speaking():
            rows = self._session.rows(Job).order_by("-id")
            if mapping is not None:
                rows = rows.filter(mapping=mapping)
            return [_job(row) for row in rows[:limit]]

    def job(self, job: int) -> dict[str, Any]:
        """One job with the lines of its log under `errors`; raises `Refused` if there is none."""
        with self._session.speaking():
            row = self._session.rows(Job).filter(pk=job).first()
            if row is None:
                raise Refused(f"There is no job {job}. See `twofold jobs` for those there are.")
            lines = self._session.rows(JobError).filter(job_id=job).order_by("id")
            names = ("left_key", "right_key", "field", "kind", "message")
            return _job(row) | {"errors": list(lines.values(*names))}

    def entries(self, mapping: str | None = None) -> list[dict[str, Any]]:
        """The errors list, oldest first, of one mapping or of all, each with the actions that fit it."""
        with self._session.speaking():
            rows = self._session.rows(Entry).select_related("mapping").order_by("mapping__position", "id")
            if mapping is not None:
                rows = rows.filter(mapping_id=self._session.find_mapping(mapping))
            return [_entry(row) for row in rows]

    def couplings(
        self,
        mapping: str,
        *,
        left: Sequence[str] = (),
        right: Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """The couplings of a mapping, in the order of their making; of these keys only, if any are named.

        They are read a page at a time, so that a million needs no more memory than a thousand.
        """
        return self._stream(self._session.find_mapping(mapping), (left, right), limit, offset)

    def _stream(
        self, identity: int, keys: tuple[Sequence[str], Sequence[str]], wanted: int | None, offset: int
    ) -> Iterator[dict[str, Any]]:
        after = 0
        while page := self._page(identity, keys, after, offset, _least(_PAGE, wanted)):
            yield from self._with_entries(identity, page)
            after, offset = page[-1].id, 0
            wanted = None if wanted is None else wanted - len(page)

    def _page(
        self, identity: int, keys: tuple[Sequence[str], Sequence[str]], after: int, offset: int, size: int
    ) -> list[Coupling]:
        with self._session.speaking():
            rows = self._session.rows(Coupling).filter(mapping_id=identity, id__gt=after).order_by("id")
            if any(keys):
                rows = rows.filter(_about(*keys))
            return list(rows.defer("left_base", "right_base")[offset : offset + size])

    def _with_entries(self, identity: int, page: Sequence[Coupling]) -> Iterator[dict[str, Any]]:
        entries = self._entries_of(identity, page)
        for row in page:
            about = {
                entry.pk: entry
                for key in _places(row.left_key, row.right_key)
                for entry in entries.get(key, ())
            }
            yield _coupling(row, sorted(about.values(), key=lambda entry: (entry.updated, entry.pk)))

    def _entries_of(self, identity: int, page: Sequence[Coupling]) -> dict[tuple[str, str], list[Entry]]:
        found: dict[tuple[str, str], list[Entry]] = {}
        with self._session.speaking():
            rows = self._session.rows(Entry).filter(mapping_id=identity)
            for entry in _about_page(rows, page):
                for place in _places(entry.left_key, entry.right_key):
                    found.setdefault(place, []).append(entry)
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """For each configured mapping, how many couplings and entries it has, by what they are."""
        with self._session.speaking():
            names = dict(self._session.rows(Mapping).filter(removed=False).values_list("id", "name"))
            couplings = self._counted(Coupling, _COUPLING_COUNTS)
            entries = self._counted(Entry, _ENTRY_COUNTS)
        return {
            name: {**couplings.get(key, dict.fromkeys(_COUPLING_COUNTS, 0)), **entries.get(key, _NO_ENTRIES)}
            for key, name in names.items()
        }

    def _counted(self, model: type[Coupling | Entry], tests: dict[str, Q]) -> dict[int, dict[str, int]]:
        counts = {name: Count("id", filter=test) for name, test in tests.items()}
        rows = self._session.rows(model).order_by().values("mapping_id").annotate(**counts)
        return {row["mapping_id"]: {name: row[name] for name in tests} for row in rows}


_COUPLING_COUNTS = {
    "coupled": Q(state="coupled"),
    "pending": Q(state__startswith="pending"),
    "in_doubt": Q(state="in_doubt"),
}
_QUESTIONS = Q(kind__in=[kind.value for kind in EntryKind if kind.is_question])
_ENTRY_COUNTS = {
    "questions": _QUESTIONS & Q(skipped=False),
    "failures": ~_QUESTIONS & Q(skipped=False),
    "set_aside": Q(skipped=True),
}
_NO_ENTRIES = dict.fromkeys(_ENTRY_COUNTS, 0)


def _least(size: int, wanted: int | None) -> int:
    return size if wanted is None else max(0, min(size, wanted))


def _about(left: Sequence[str], right: Sequence[str]) -> Q:
    return Q(left_key__in=list(left)) | Q(right_key__in=list(right))


def _about_page(rows: QuerySet[Entry], page: Sequence[Coupling]) -> QuerySet[Entry]:
    left = [row.left_key for row in page if row.left_key]
    right = [row.right_key for row in page if row.right_key]
    return rows.filter(_about(left, right))


def _places(left: str | None, right: str | None) -> list[tuple[str, str]]:
    return [(side, key) for side, key in (("left", left), ("right", right)) if key]


def _job(row: Job) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("id", "mapping", "direction", "type", "status", "message")}
    times = {"started": iso(row.started), "finished": iso(row.finished)}
    return shown | times | {name: getattr(row, name) for name in COUNTERS}


def _entry(row: Entry) -> dict[str, Any]:
    return {
        "mapping": row.mapping.name,
        "left_key": row.left_key or None,
        "right_key": row.right_key or None,
        "direction": row.direction or None,
        "kind": row.kind,
        "message": row.message,
        "fields": json.loads(row.fields or "[]"),
        "since": iso(row.since),
        "actions": _actions(row),
    }


def _actions(row: Entry) -> list[str]:
    """The actions of its kind, without those that need a pair or that were done already."""
    fitting = list(ACTIONS.get(row.kind, ("retry", "skip")))
    if not (row.left_key and row.right_key) and row.kind not in (EntryKind.DELETED, EntryKind.IN_DOUBT):
        fitting = [action for action in fitting if action != "uncouple"]
    if row.skipped:
        fitting = ["retry", *(action for action in fitting if action not in ("retry", "skip"))]
    return fitting


def _coupling(row: Coupling, entries: Sequence[Entry]) -> dict[str, Any]:
    return {
        "left_key": row.left_key,
        "right_key": row.right_key,
        "state": row.state,
        "skipped_to_right": _skipped(entries, Direction.TO_RIGHT),
        "skipped_to_left": _skipped(entries, Direction.TO_LEFT),
        "last_synchronized": iso(row.synchronized_at),
        "last_error": entries[-1].message if entries else None,
    }


def _skipped(entries: Sequence[Entry], direction: Direction) -> bool:
    """An entry without a direction of its own concerns both."""
    return any(entry.skipped and entry.direction in (direction, Direction.BOTH, "") for entry in entries)
