"""Reads the configuration a person wrote, all problems at once; it must never connect to anything.

Secrets stay references here (`app.secrets` resolves them); mappings become `core.mapping` data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twofold.app.definitions import from_definition
from twofold.app.secrets import check_references
from twofold.app.validation import validate
from twofold.app.yaml_source import Document, read
from twofold.core.check import check_mapping, check_mappings
from twofold.core.mapping import Problem, TableMapping
from twofold.core.names import closest
from twofold.core.pair_rules import Path
from twofold.errors import Refused

SECTIONS = ("connections", "mappings")
FILE = "twofold.yaml"


@dataclass(frozen=True)
class Configuration:
    """Connections and mappings, in the order of the file, and the text they came from.

    `document` knows the lines; two configurations are equal if they say the same, however it was written.
    """

    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: dict[str, TableMapping] = field(default_factory=dict)
    text: str = field(default="", compare=False)
    source: str = field(default=FILE, compare=False)
    document: Document | None = field(default=None, compare=False, repr=False)

    def sentences(self, problems: Iterable[Problem]) -> tuple[str, ...]:
        """The problems as a person reads them, in the order of the file: `twofold.yaml:7: CUSTOMER: ...`."""
        return _sentences(problems, self.source, self.document)


def load(text: str, source: str = FILE, stored: Configuration | None = None) -> Configuration:
    """The configuration in `text`; raises `Refused` with every problem, each with its line.

    `stored` is what the state database holds: its connections and mappings may be referred to.
    """
    document = read(text)
    problems = list(document.flaws)
    data = _sections(document, problems)
    connections = _connections(data["connections"], problems)
    mappings = _mappings(data["mappings"], document, problems)
    problems += _check(connections, mappings, data, stored or Configuration())
    configuration = Configuration(connections, mappings, text, source, document)
    refuse(configuration, problems)
    return configuration


def assemble(
    connections: Mapping[str, dict[str, Any]], definitions: Sequence[Mapping[str, Any]], text: str = ""
) -> Configuration:
    """The configuration that the state database holds, from connections and `definition`s in their order."""
    mappings = [from_definition(definition) for definition in definitions]
    return Configuration(dict(connections), {mapping.name: mapping for mapping in mappings}, text)


def merge(stored: Configuration, new: Configuration, *, prune: bool = False) -> Configuration:
    """What holds once `new` is applied: it replaces what it names; the rest stays, unless `prune`."""
    if prune:
        return new
    connections = new.connections | {k: v for k, v in stored.connections.items() if k not in new.connections}
    mappings = new.mappings | {k: v for k, v in stored.mappings.items() if k not in new.mappings}
    return Configuration(connections, mappings, new.text, new.source, new.document)


def twins(stored: Configuration, new: Configuration, *, prune: bool = False) -> list[Problem]:
    """Mappings that differ from another only in upper and lower case, by which no command could tell them."""
    kept = [] if prune else [name for name in stored.mappings if name not in new.mappings]
    seen = {name.lower(): name for name in kept}
    found = []
    for name in new.mappings:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            hint = (
                f' "{other}" is applied already: write it the same way'
                if other in kept
                else " Rename one of them"
            )
            sentence = f'"{name}" and "{other}" are one name, because upper and lower case count as the same.'
            found.append(Problem(("mappings", name), f"{sentence}{hint}."))
    return found


def refuse(configuration: Configuration, problems: Sequence[Problem]) -> None:
    """Raise `Refused` if there are problems: a summary, and one sentence a problem."""
    if problems:
        sentences = configuration.sentences(problems)
        count = "1 problem" if len(sentences) == 1 else f"{len(sentences)} problems"
        raise Refused(f"{configuration.source} has {count}; nothing was changed.", sentences)


def _sentences(problems: Iterable[Problem], source: str, document: Document | None) -> tuple[str, ...]:
    placed = [(document.line(p.where) if document else 0, p) for p in problems]
    placed.sort(key=lambda item: item[0])
    return tuple(dict.fromkeys(_sentence(line, problem, source) for line, problem in placed))


def _sentence(line: int, problem: Problem, source: str) -> str:
    section, name = (*problem.where, "", "")[:2]
    owner = {"connections": f"connection {name}: ", "mappings": f"{name}: "}.get(str(section), "")
    place = f"{source}:{line}: " if line else ""
    says_it = (
        not name or f'connection "{name}"' in problem.sentence or f'Connection "{name}"' in problem.sentence
    )
    prefix = place if says_it else place + owner
    # A second line marks a place in the first one, so it moves along.
    return prefix + problem.sentence.replace("\n", "\n" + " " * len(prefix))


# -- sections ----------------------------------------------------------------------------------------------


def _sections(document: Document, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    data = document.data
    if not isinstance(data, dict):
        if not problems:
            found = "is empty" if data is None else "is not a list of KEY: VALUE pairs"
            problems.append(Problem((), f"The file {found}: write connections: and mappings:."))
        return {section: {} for section in SECTIONS}
    for key in data:
        if key not in SECTIONS:
            hint = closest(key, SECTIONS) or " It takes connections and mappings."
            problems.append(Problem((key,), f'"{key}" is not a key of the file.{hint}'))
    return {section: _section(data.get(section), section, problems) for section in SECTIONS}


def _section(value: Any, section: str, problems: list[Problem]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if value is not None:
        problems.append(
            Problem((section,), f"{section} holds no names: write {section}: and below it NAME: {{...}}.")
        )
    return {}


def _connections(data: dict[str, Any], problems: list[Problem]) -> dict[str, dict[str, Any]]:
    found = {}
    for name, settings in data.items():
        where = ("connections", name)
        if not isinstance(settings, dict):
            problems.append(Problem(where, "A connection is KEY: VALUE pairs: write {kind: sql, url: ...}."))
            continue
        problems += _check_connection(name, settings, where)
        found[name] = settings
    return found


def _check_connection(name: str, settings: dict[str, Any], where: Path) -> Iterable[Problem]:
    if not name.strip() or not name.isprintable():
        yield Problem(where, "A connection needs a name: write a word such as erp.")
    if "kind" not in settings:
        misspelt = closest("kind", [key for key in settings if key != "url"])
        hint = f"{misspelt} Write kind instead." if misspelt else " Write kind: sql, or another kind."
        yield Problem(where, f"The connection does not say its kind.{hint}")
    elif not isinstance(settings["kind"], str) or not settings["kind"]:
        yield Problem((*where, "kind"), "kind is a word: write kind: sql, or another kind.")
    yield from check_references(settings, where)


def _mappings(data: dict[str, Any], document: Document, problems: list[Problem]) -> dict[str, TableMapping]:
    found = {}
    for name, body in data.items():
        mapping, wrong = validate(name, body, document, ("mappings", name))
        problems += wrong
        if mapping is not None:
            found[name] = mapping
    return found


def _check(
    connections: dict[str, dict[str, Any]],
    mappings: dict[str, TableMapping],
    data: dict[str, dict[str, Any]],
    stored: Configuration,
) -> list[Problem]:
    """The checks that need no tables; mappings that stay stored take part in circles but are not blamed."""
    found = [problem for mapping in mappings.values() for problem in check_mapping(mapping)]
    names = [*data["connections"], *(name for name in stored.connections if name not in connections)]
    whole = mappings | {k: v for k, v in stored.mappings.items() if k not in data["mappings"]}
    unread = [name for name in data["mappings"] if name not in mappings]
    found += [p for p in check_mappings(whole, names, unread) if len(p.where) < 2 or p.where[1] in mappings]
    return found
