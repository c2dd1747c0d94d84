"""Ends the world at a chosen call, as a power cut would; it must never be caught by what it ends.

One fuse is shared by everything a run touches. It burns down at every point before and after a call, so
running a history with `Fuse(1)`, `Fuse(2)`, ... dies once at each of them, among others between a write in
the target and its reply.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from twofold.ports import Store


class Crash(BaseException):
    """The process is gone; a `BaseException`, so that no handler of errors takes it for one."""


class Fuse:
    """Raises `Crash` at the `at`-th point; None never does. `points` tells how many there were."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.points = 0
        self.place: str | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Fuse(at={self.at}, points={self.points}, place={self.place!r})"

    def burn(self, place: str) -> None:
        """Pass a point. Once blown it stays blown: a dead process makes no further call."""
        with self._lock:
            self.points += 1
            blown = self.at is not None and self.points >= self.at
            if blown and self.place is None:
                self.place = place
        if blown:
            raise Crash(f"crashed {self.place}")


class _Fused:
    """Passes every call on, with a point before and one after it."""

    def __init__(self, target: object, fuse: Fuse, label: str) -> None:
        self._target = target
        self._fuse = fuse
        self._label = label

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._guarded(name, found) if callable(found) else found

    def _guarded(self, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            self._fuse.burn(f"before {self._label}.{name}")
            result = verb(*arguments, **named)
            self._fuse.burn(f"after {self._label}.{name}")
            return result

        return guarded


def fused_store(store: Store, fuse: Fuse) -> Store:
    """The same store, dying where the fuse says; a crash after `record` finds it recorded."""
    return cast("Store", _Fused(store, fuse, "store"))
