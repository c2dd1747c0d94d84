"""Keeps the applied configuration: connections, mappings, the text; it must never judge what they say.

A definition is a JSON object as a person's file has it. A mapping that is removed keeps its couplings, so
that configuring it again goes on where it stopped; `forget` is what lets go of them.
"""

# Table and column names in statements are constants of ours; values always travel as parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from typing import Any

from twofold.core.names import closest
from twofold.errors import Refused
from twofold.store.models import Connection, Document, Mapping
from twofold.store.session import Session

Definition = Dictionary[str, Any]


class Configuration:
    """The configuration in the state database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def connections(self) -> dict[str, dict[str, Any]]:
        """The definition of each connection, in the person's order."""
        with self._session.speaking():
            rows = self._session.rows(Connection).order_by("position", "id")
            return {row.name: json.loads(row.definition) for row in rows}

    def mappings(self) -> dict[str, dict[str, Any]]:
        """The definition of each configured mapping, in the person's order."""
        with self._session.speaking():
            rows = self._session.rows(Mapping).filter(removed=False).order_by("position", "id")
            return {row.name: json.loads(row.definition) for row in rows}

    def removed(self) -> list[str]:
        """The mappings that are no longer configured but still have their couplings."""
        with self._session.speaking():
            rows = self._session.rows(Mapping).filter(removed=True).order_by("name")
            return list(rows.values_list("name", flat=True))

    def document(self) -> str | None:
        """The configuration's text as last applied, None before the first time."""
        with self._session.speaking():
            row = self._session.rows(Document).order_by("id").last()
            return None if row is None else row.text

    def save(
        self,
        connections: Dictionary[str, Definition],
        mappings: Dictionary[str, Definition],
        document: str | None = None,
        *,
        prune: bool = False,
    ) -> list[str]:
        """Put these definitions in place, all or none, in their order; returns the mappings that were pruned.

        What is not named stays, after the rest; `prune` takes it out, unless a run holds it.
        """
        with self._session.transaction():
            self._put(Connection, connections)
            self._put(Mapping, mappings)
            self._session.rows(Mapping).filter(name__in=list(mappings)).update(removed=False)
            pruned = self._prune(connections, mappings) if prune else []
            if document is not None:
                self._keep_text(document)
        return pruned

    def _put(self, model: type[Connection | Mapping], definitions: Dictionary[str, Definition]) -> None:
        rows = {row.name: row for row in self._rows(model)}
        others = [name for name in rows if name not in definitions]
        for position, name in enumerate([*definitions, *others]):
            values: dict[str, Any] = {"position": position}
            if name in definitions:
                values["definition"] = _text(definitions[name])
            self._rows(model).update_or_create(name=name, defaults=values)

    def _rows(self, model: type[Connection | Mapping]) -> Any:
        # One loop serves two models, whose common fields the type checker cannot see.
        return self._session.rows(model).order_by("position", "id")

    def _prune(
        self, connections: Sequence[str] | Definition, mappings: Sequence[str] | Definition
    ) -> list[str]:
        surplus = self._session.rows(Mapping).filter(removed=False).exclude(name__in=list(mappings))
        pruned = [self._unheld(row).name for row in surplus]
        surplus.update(removed=True)
        self._session.rows(Connection).exclude(name__in=list(connections)).delete()
        return pruned

    def change_mapping(self, mapping: str, definition: Definition, document: str | None = None) -> None:
        """Replace one definition, and the text with it; raises `Refused` if it is not configured."""
        with self._session.transaction():
            found = self._session.rows(Mapping).filter(name=mapping, removed=False)
            if not found.update(definition=_text(definition)):
                raise Refused(self._missing("mapping", mapping, Mapping))
            if document is not None:
                self._keep_text(document)

    def remove_mapping(self, mapping: str) -> None:
        """Take one mapping out of the configuration and keep its couplings."""
        with self._session.transaction():
            row = self._unheld(self._mapping(mapping))
            row.removed = True
            row.save(update_fields=["removed"])

    def forget_mapping(self, mapping: str) -> None:
        """Delete a removed mapping with its couplings, entries and bookmarks; its jobs stay in the log."""
        with self._session.transaction() as cursor:
            row = self._unheld(self._mapping(mapping))
            if not row.removed:
                raise Refused(
                    f"{mapping} is still configured. Remove it from twofold.yaml and apply that first."
                )
            for table in ("coupling", "entry", "bookmark", "slot"):
                # In one statement each: there may be a million.
                cursor.execute(f"DELETE FROM store_{table} WHERE mapping_id = %s", [row.pk])
            row.delete(using=self._session.alias)

    def identity(self, connection: str) -> str | None:
        """Which system the connection spoke to when it was last confirmed."""
        with self._session.speaking():
            found = self._session.rows(Connection).filter(name=connection)
            return found.values_list("identity", flat=True).first()

    def remember_identity(self, connection: str, identity: str | None) -> None:
        """From now on the connection is expected to speak to this system; None forgets it."""
        with self._session.transaction():
            found = self._session.rows(Connection).filter(name=connection)
            if not found.update(identity=identity):
                raise Refused(self._missing("connection", connection, Connection))

    def _mapping(self, mapping: str) -> Mapping:
        row = self._session.rows(Mapping).filter(name=mapping).first()
        if row is None:
            raise Refused(self._missing("mapping", mapping, Mapping))
        return row

    def _missing(self, kind: str, name: str, model: type[Connection | Mapping]) -> str:
        names = [str(row.name) for row in self._rows(model)]
        return f'There is no {kind} "{name}".{closest(name, names)}'

    def _unheld(self, row: Mapping) -> Mapping:
        if row.claim_token:
            raise Refused(f"{row.name} is being synchronized. Wait until that run ends, then try again.")
        return row

    def _keep_text(self, document: str) -> None:
        text = {"text": document, "applied_at": self._session.now()}
        self._session.rows(Document).update_or_create(pk=1, defaults=text)


def _text(definition: Definition) -> str:
    return json.dumps(definition, ensure_ascii=False)
