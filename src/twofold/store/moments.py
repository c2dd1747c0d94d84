"""Times as the state keeps and shows them; it must never guess a time zone other than UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time, in UTC: the promise of `ports.Clock`, which cannot be imported without Polars."""

    def now(self) -> datetime:
        """The present moment, aware."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present moment, aware."""
        return datetime.now(UTC)


def aware(moment: datetime | None) -> datetime | None:
    """The moment with its zone: SQLite hands back UTC without saying so."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z, as JSON shows it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(moment: datetime | None) -> str:
    """A moment for a sentence, to the second."""
    return "an unknown time" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
