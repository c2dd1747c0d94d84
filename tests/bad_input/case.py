"""One kind of bad input: how somebody comes to it, what they type, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .place import CONFIGURATION, Place, Run, in_process

Provoke = Callable[[Place], None]

APPLY = ("apply", "--yes")


def nothing(_: Place) -> None:
    """The command alone is wrong."""


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the table.

    `says` are parts of the sentence, among them the place and the way out. `recorded`: the failure of a
    record is remembered, so the cursors may move, but neither system changes. `mute`: nothing can be printed
    on standard output.
    """

    title: str
    command: tuple[str, ...]
    says: tuple[str, ...]
    provoke: Provoke = nothing
    code: int = 2
    run: Run = in_process
    recorded: bool = False
    mute: bool = False


def written(text: str | bytes) -> Provoke:
    """The configuration file holds this."""
    return lambda place: place.write(text)


def edited(old: str, new: str) -> Provoke:
    """The configuration file differs in this from what was applied."""
    assert old in CONFIGURATION, old
    return written(CONFIGURATION.replace(old, new))


def both(*steps: Provoke) -> Provoke:
    """One step after the other."""

    def provoke(place: Place) -> None:
        for step in steps:
            step(place)

    return provoke


def sql(database: str, *statements: str) -> Provoke:
    """Somebody did this in a database."""
    return lambda place: place.sql(database, *statements)


def gone(name: str) -> Provoke:
    """A file was deleted."""
    return lambda place: place.file(name).unlink()


def folder_instead(name: str) -> Provoke:
    """A folder stands where a file should be."""
    return both(gone(name), lambda place: place.file(name).mkdir())
