"""A workspace opened for one command: state, configuration, connections; it must never run anything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from twofold.core.names import closest
from twofold.errors import Refused
from twofold.store.database import open_store
from twofold.store.location import FILE_NAME, VARIABLE, default_location

if TYPE_CHECKING:
    from twofold.app.settings import Configuration
    from twofold.core.mapping import TableMapping
    from twofold.ports import Clock, Connector
    from twofold.store.store import DjangoStore


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


class TimeOrderedKeys:
    """New keys as UUID version 7, so that new records stay together in an index."""

    def make(self, count: int) -> Sequence[str]:
        """`count` new lower-case UUID texts, ordered by time."""
        from uuid_utils import uuid7

        return [str(uuid7()) for _ in range(count)]


@dataclass
class Context:
    """An open workspace; use `opened`, which closes what was opened."""

    workspace: Path
    store: DjangoStore
    clock: Clock = field(default_factory=SystemClock)
    keys: TimeOrderedKeys = field(default_factory=TimeOrderedKeys)
    accept_systems: bool = False
    _connectors: dict[str, Connector] = field(default_factory=dict)

    @cached_property
    def configuration(self) -> Configuration:
        """What was applied."""
        from twofold.app.settings import assemble

        kept = self.store.configuration
        return assemble(kept.connections(), list(kept.mappings().values()), kept.document() or "")

    @property
    def mappings(self) -> dict[str, TableMapping]:
        """The mappings, in the order of the file."""
        return self.configuration.mappings

    def mapping(self, name: str) -> TableMapping:
        """The mapping called `name`, in whatever case; raises `Refused`, naming the nearest, if none is."""
        found = next((own for own in self.mappings if own.lower() == name.lower()), None)
        if found is None:
            raise Refused(f'There is no mapping "{name}".{closest(name, self.mappings)}{self._known()}')
        return self.mappings[found]

    def _known(self) -> str:
        if not self.mappings:
            return " Nothing is configured yet: write twofold.yaml and run `twofold apply`."
        return f" There are: {', '.join(self.mappings)}."

    def connector(self, name: str) -> Connector:
        """The open connection called `name`; raises `Refused` if it leads to another system than before."""
        if name not in self._connectors:
            self._connectors[name] = self._confirmed(name, self.connect(name))
        return self._connectors[name]

    def connect(self, name: str) -> Connector:
        """A new connection, whatever system it leads to; the caller closes it."""
        from twofold.app.secrets import resolve_secrets
        from twofold.connectors import registry

        settings = self.configuration.connections.get(name)
        if settings is None:
            known = self.configuration.connections
            raise Refused(f'There is no connection "{name}".{closest(name, known)}')
        return registry.connect(name, resolve_secrets(settings, self.workspace, name), self.workspace)

    def _confirmed(self, name: str, connector: Connector) -> Connector:
        """A copied or re-pointed connection is refused, so that a test never writes into production."""
        remembered, found = self.store.configuration.identity(name), connector.identity()
        if remembered is not None and remembered != found and not self.accept_systems:
            connector.close()
            raise Refused(
                f'The connection "{name}" now leads to {found}; until now it led to {remembered}, with which '
                "the couplings were made. Nothing was done. If the move is right, run the same command again "
                "with --yes."
            )
        if remembered != found:
            self.store.configuration.remember_identity(name, found)
        return connector

    def close(self) -> None:
        """Let go of everything."""
        for connector in self._connectors.values():
            connector.close()
        self._connectors.clear()
        self.store.close()


def _refuse_no_workspace(workspace: Path) -> None:
    if (workspace / FILE_NAME).exists():
        return
    from twofold.app.settings import FILE

    if workspace.is_file():
        raise Refused(f"{workspace} is a file. Name the folder of a workspace with --workspace.")
    if (workspace / FILE).exists():
        raise Refused(
            f"{workspace} has {FILE}, but no {FILE_NAME}, which remembers what is coupled. If it "
            "was there before, put it back; otherwise run `twofold init`, then `twofold apply`."
        )
    raise Refused(
        f"{workspace} is not a workspace yet. Run `twofold init` there, or name another with --workspace."
    )


@contextmanager
def opened(workspace: Path, *, accept_systems: bool = False, create: bool = False) -> Iterator[Context]:
    """The workspace, open; raises `Refused` if there is none and `create` is false."""
    location = default_location(workspace, os.environ)
    if not create and VARIABLE not in os.environ:
        _refuse_no_workspace(workspace)
    context = Context(workspace, open_store(location, create=create), accept_systems=accept_systems)
    try:
        yield context
    finally:
        context.close()
