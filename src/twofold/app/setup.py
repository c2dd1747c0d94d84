"""Makes a workspace and puts a configuration into effect; it must never touch a record of either system."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from twofold.app.context import Context, opened
from twofold.app.definitions import definition
from twofold.app.differences import Change, difference
from twofold.app.export import dump
from twofold.app.inspection import Inspection, Line, inspect
from twofold.app.settings import FILE, Configuration, load, merge, refuse, twins
from twofold.app.starter import starter
from twofold.errors import Refused


@dataclass(frozen=True, slots=True)
class Beginning:
    """What `init` made, and what was there already."""

    workspace: Path
    file: Path
    wrote_file: bool
    state: str
    made_state: bool


def init(workspace: Path) -> Beginning:
    """Make the folder, an example configuration and the state database, each unless it is there.

    Raises `Refused` where the folder cannot be made or written to.
    """
    file = workspace / FILE
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        wrote = not file.exists()
        if wrote:
            file.write_text(starter(), encoding="utf-8")
    except OSError as error:
        raise Refused(f"{error.filename} cannot be made: {error.strerror}. Name another folder.") from error
    try:
        with opened(workspace) as context:
            return Beginning(workspace, file, wrote, context.store.shown, made_state=False)
    except Refused:
        with opened(workspace, create=True) as context:
            return Beginning(workspace, file, wrote, context.store.shown, made_state=True)


@dataclass(slots=True)
class Application:
    """What applying a file does: the differences, what is forgotten, what stays, and what the tables say."""

    configuration: Configuration
    changes: list[Change]
    moved: list[Line] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    applied: bool = False

    @property
    def lines(self) -> list[str]:
        """Everything that changes, a line each."""
        forgets = [f"- couplings of {name}: deleted for good" for name in self.forgotten]
        moves = [_move(line) for line in self.moved]
        return [*map(str, self.changes), *moves, *forgets]


Confirm = Callable[[Application], bool]
"""Shows what will change and asks; false leaves everything as it is."""


def apply(
    context: Context,
    path: Path,
    confirm: Confirm,
    *,
    prune: bool = False,
    forget: bool = False,
) -> Application:
    """Make the state say what the file says, once `confirm` agrees; what it does not name is left alone.

    `prune` removes it, and `forget` deletes the couplings of mappings that are no longer configured. Tables
    that are still to be made and systems out of reach are warnings; a connection with wrong settings, a
    misspelt table and a mapping that does not fit its tables are `Refused`.
    """
    stored = context.configuration
    new = load(_text(path), path.name, stored)
    refuse(new, twins(stored, new, prune=prune))
    found = _planned(context, stored, new, prune=prune, forget=forget)
    if found.lines and not confirm(found):
        return found
    _put(context, new, found, prune=prune)
    found.applied = bool(found.lines)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Refused(f"There is no file {path}. Run `twofold init`, or name the file to apply.") from None
    except IsADirectoryError:
        raise Refused(f"{path} is a folder. Name the file in it, such as {path / FILE}.") from None
    except OSError as error:
        raise Refused(
            f"{path} cannot be read: {error.strerror}. Correct that, or name another file."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Refused(
            f"{path.name}:{line}: the file is not text in UTF-8. Save it in UTF-8 with your editor, then "
            "apply it again."
        ) from error


def _planned(
    context: Context, stored: Configuration, new: Configuration, *, prune: bool, forget: bool
) -> Application:
    merged = merge(stored, new, prune=prune)
    inspection = inspect(
        merged,
        context.workspace,
        identities(context, merged),
        names=list(new.mappings),
        connections=new.connections,
    )
    # A connection that only the state knows is not the file's fault.
    wrong = [p for p in inspection.slips if p.where[0] == "mappings" or p.where[1] in new.connections]
    refuse(replace(merged, source=new.source, document=new.document), [*wrong, *inspection.problems])
    gone = [name for name in stored.mappings if name not in merged.mappings]
    earlier = [name for name in context.store.configuration.removed() if name not in merged.mappings]
    return Application(
        merged,
        difference(stored, merged),
        moved=[line for line in inspection.connections if line.moved],
        forgotten=[*gone, *earlier] if forget else [],
        left_alone=[name for name in merged.mappings if name not in new.mappings],
        warnings=warnings_of(inspection),
    )


def _move(line: Line) -> str:
    return (
        f"~ connection {line.name}, system: {line.expected} -> {line.identity} "
        "(its couplings were made with the former)"
    )


def identities(context: Context, configuration: Configuration) -> dict[str, str | None]:
    """The system that each connection led to until now."""
    kept = context.store.configuration
    return {name: kept.identity(name) for name in configuration.connections}


def warnings_of(inspection: Inspection) -> list[str]:
    """What does not keep a configuration from being applied, but from being run: in sentences."""
    lines = [
        f"{line.problem} Its tables were not checked." for line in inspection.connections if line.problem
    ]
    missing = [
        f"{finding.mapping.name}: {sentence} `twofold check --ddl` shows how to make it."
        for finding in inspection.findings
        for sentence in finding.missing.values()
    ]
    return [*lines, *missing, *inspection.configuration.sentences(inspection.warnings)]


def _put(context: Context, new: Configuration, found: Application, *, prune: bool) -> None:
    kept = context.store.configuration
    mappings = {name: definition(mapping) for name, mapping in new.mappings.items()}
    if found.lines or kept.document() != new.text:
        kept.save(new.connections, mappings, new.text, prune=prune)
    for line in found.moved:
        kept.remember_identity(line.name, line.identity)
    for name in found.forgotten:
        kept.forget_mapping(name)
    context.__dict__.pop("configuration", None)


def export(context: Context) -> str:
    """The configuration as text, with the comments that a person wrote."""
    return dump(context.configuration)


def check(context: Context, *, ddl: bool = False, names: Sequence[str] | None = None) -> Inspection:
    """Hold the applied configuration against the live systems; `ddl` proposes tables that are missing.

    Raises `Refused` if nothing is configured.
    """
    stored = context.configuration
    if not stored.connections and not stored.mappings:
        raise Refused("Nothing is configured yet. Write twofold.yaml, then run `twofold apply`.")
    wanted = None if names is None else [context.mapping(name).name for name in names]
    placed = _placed(stored)
    return inspect(placed, context.workspace, identities(context, placed), names=wanted or None, ddl=ddl)


def _placed(stored: Configuration) -> Configuration:
    """The same, knowing its lines where the kept text still says what the state says."""
    try:
        read = load(stored.text, FILE, stored)
    except Refused:
        return stored
    same = all(stored.mappings.get(name) == mapping for name, mapping in read.mappings.items())
    return replace(stored, source=FILE, document=read.document) if same else stored
