"""What the tests of the store arrange: a clock of their own, and stores on one state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from twofold.store.store import DjangoStore

Opener = Callable[[], DjangoStore]
"""Opens one more store on the state of a test."""


class SetClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment that was set."""
        return self.moment

    def pass_by(self, **period: float) -> None:
        """Let some minutes, seconds or days pass."""
        self.moment += timedelta(**period)
