"""Holds a configuration against the live systems; it must never change one, nor stop at the first problem."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from twofold.app.proposals import Proposal, propose
from twofold.app.secrets import resolve_secrets
from twofold.app.settings import Configuration
from twofold.connectors import registry
from twofold.core.check import check_schemas, needs_of, warn_schemas
from twofold.core.mapping import Problem, TableMapping
from twofold.core.names import Side
from twofold.core.schema import Field, Schema
from twofold.errors import NotAuthorised, Refused, TwofoldError
from twofold.ports import Connector

SLIP = 0.85
"""How alike a table that is missing and one that is there must be written to be the same, misspelt."""


@runtime_checkable
class TableMaker(Protocol):
    """A connector that can say how a missing table would be made."""

    def create_statement(self, table: str, fields: Sequence[Field], key: Sequence[str]) -> str:
        """The statement that makes the table."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One connection: which system it leads to, or why to none; `expected` is the system until now.

    `faults` are sentences about settings that a person must correct, as opposed to a system out of reach.
    """

    name: str
    kind: str
    identity: str | None = None
    expected: str | None = None
    problem: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether it leads to another system than until now."""
        return None not in (self.identity, self.expected) and self.identity != self.expected

    def as_json(self) -> dict[str, Any]:
        """In the shape of the CLI's JSON."""
        return {"name": self.name, "kind": self.kind, "identity": self.identity, "problem": self.problem}


@dataclass(slots=True)
class Finding:
    """What was found about one mapping; `missing` are sentences about tables that are not there.

    `misspelt` are those of them that look like a slip, because a table of nearly the same name is there.
    """

    mapping: TableMapping
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    missing: dict[Side, str] = field(default_factory=dict)
    misspelt: list[Problem] = field(default_factory=list)
    unreachable: bool = False


@dataclass(slots=True)
class Inspection:
    """Everything that was found; `statements` make missing tables, by connection."""

    configuration: Configuration
    connections: list[Line] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    statements: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether a run could begin."""
        lines = any(line.problem or line.moved for line in self.connections)
        return not lines and not any(f.problems or f.missing or f.unreachable for f in self.findings)

    @property
    def problems(self) -> list[Problem]:
        """What the tables do not allow."""
        return [problem for finding in self.findings for problem in finding.problems]

    @property
    def slips(self) -> list[Problem]:
        """Tables and settings of connections that a person must have written wrongly."""
        tables = [problem for finding in self.findings for problem in finding.misspelt]
        return [*(problem for line in self.connections for problem in self._faults(line)), *tables]

    def _faults(self, line: Line) -> Iterator[Problem]:
        settings = self.configuration.connections[line.name]
        for fault in line.faults:
            sentence = fault.removeprefix(f"connection {line.name}, ")
            named = next((key for key in settings if re.search(rf"\b{re.escape(key)}\b", sentence)), None)
            yield Problem(("connections", line.name, *([named] if named else [])), sentence)

    @property
    def warnings(self) -> list[Problem]:
        """What the tables allow but will surprise."""
        return [warning for finding in self.findings for warning in finding.warnings]


def inspect(
    configuration: Configuration,
    workspace: Path,
    expected: Mapping[str, str | None],
    *,
    names: Sequence[str] | None = None,
    connections: Collection[str] = (),
    ddl: bool = False,
) -> Inspection:
    """Connect every connection, describe every table and check the mappings (those of `names`, if given).

    With `names`, only the connections of those mappings are tried, and `connections`. `expected` is the
    system each connection led to until now. Nothing here raises for a system that cannot be reached: that is
    a finding.
    """
    found = Inspection(configuration)
    wanted = [m for name, m in configuration.mappings.items() if names is None or name in names]
    used = {m.on(side).connection for m in wanted for side in Side} | set(connections)
    with _connected(configuration, workspace, expected, used if names is not None else None) as (
        lines,
        open_,
    ):
        found.connections = lines
        reader = _Reader(configuration, open_)
        found.findings = [reader.find(mapping) for mapping in wanted]
        if ddl:
            reader.propose_missing(found)
    return found


@contextmanager
def _connected(
    configuration: Configuration,
    workspace: Path,
    expected: Mapping[str, str | None],
    used: set[str] | None,
) -> Iterator[tuple[list[Line], dict[str, Connector]]]:
    lines: list[Line] = []
    open_: dict[str, Connector] = {}
    try:
        for name, settings in configuration.connections.items():
            if used is None or name in used:
                lines.append(_connect(name, settings, workspace, expected.get(name), open_))
        yield lines, open_
    finally:
        for connector in open_.values():
            connector.close()


def _connect(
    name: str,
    settings: Mapping[str, Any],
    workspace: Path,
    expected: str | None,
    open_: dict[str, Connector],
) -> Line:
    kind = str(settings.get("kind", ""))
    try:
        connector = registry.connect(name, resolve_secrets(settings, workspace, name), workspace)
        return Line(name, kind, _identity(name, connector, open_), expected)
    except (Refused, NotAuthorised) as error:
        faults = tuple(dict.fromkeys((str(error), *getattr(error, "problems", ()))))
        return Line(name, kind, None, expected, " ".join(faults), faults)
    except TwofoldError as error:
        return Line(name, kind, None, expected, str(error))


def _identity(name: str, connector: Connector, open_: dict[str, Connector]) -> str:
    """The system behind a connection, which stays open only if there is one."""
    try:
        found = connector.identity()
    except BaseException:
        connector.close()
        raise
    open_[name] = connector
    return found


class _Reader:
    """Describes tables, each once."""

    def __init__(self, configuration: Configuration, connectors: Mapping[str, Connector]) -> None:
        self._configuration = configuration
        self._connectors = connectors
        self._schemas: dict[tuple[str, Side], Schema] = {}

    def find(self, mapping: TableMapping) -> Finding:
        """Everything about one mapping."""
        found = Finding(mapping)
        for side in Side:
            self._describe(mapping, side, found)
        schemas = [self._schemas.get((mapping.name, side)) for side in Side]
        left, right = schemas
        if left is not None and right is not None:
            needs = needs_of(self._configuration.mappings, mapping.name)
            found.problems = check_schemas(mapping, left, right, needs)
            found.warnings = warn_schemas(mapping, left, right)
        return found

    def _describe(self, mapping: TableMapping, side: Side, found: Finding) -> None:
        own = mapping.on(side)
        connector = self._connectors.get(own.connection)
        if connector is None:
            found.unreachable = True
            return
        try:
            self._schemas[mapping.name, side] = connector.describe(own.table)
        except Refused as error:
            found.missing[side] = str(error)
            found.misspelt += _misspelt(mapping, side, connector, str(error))
        except TwofoldError as error:
            found.unreachable = True
            found.missing[side] = str(error)

    def propose_missing(self, found: Inspection) -> None:
        """Statements for the tables that are missing on one side of a mapping, each table once."""
        made: set[tuple[str, str]] = set()
        for finding in found.findings:
            for side in finding.missing:
                own = finding.mapping.on(side)
                if (own.connection, own.table) not in made:
                    made.add((own.connection, own.table))
                    self._propose(finding.mapping, side, found)

    def _propose(self, mapping: TableMapping, side: Side, found: Inspection) -> None:
        proposal = propose(self._configuration.mappings, mapping.name, side, self._schemas)
        connector = self._connectors.get(mapping.on(side).connection)
        if proposal is None:
            table, other = mapping.on(side), mapping.on(side.other)
            found.remarks.append(
                f"{mapping.name}: neither {table.table} in {table.connection} nor {other.table} in "
                f"{other.connection} is there, so nothing can be proposed. Make one of them first."
            )
        elif isinstance(connector, TableMaker):
            found.statements.append((proposal.connection, _statement(connector, proposal)))
        else:
            found.remarks.append(
                f"{mapping.name}: {proposal.connection} cannot say how to make {proposal.table}. "
                f"It needs: {', '.join(f.name for f in proposal.fields)}."
            )


def _misspelt(mapping: TableMapping, side: Side, connector: Connector, sentence: str) -> Iterator[Problem]:
    name, there = mapping.on(side).table, connector.tables()
    near = get_close_matches(name.lower(), [table.lower() for table in there], n=1, cutoff=SLIP)
    if near and name not in there:
        rest = f"Correct the name; if {name} is to be a new table, make it first."
        yield Problem(("mappings", mapping.name, str(side), "table"), f"{sentence} {rest}")


def _statement(connector: TableMaker, proposal: Proposal) -> str:
    return connector.create_statement(proposal.table, proposal.fields, proposal.key)
