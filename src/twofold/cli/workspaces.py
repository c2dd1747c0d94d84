"""The commands that set up: init, apply, export, check, doctor; it must never hold their rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twofold.cli.failures import Exit
from twofold.cli.front import Front, register
from twofold.cli.options import SETTING_UP, Mappings, Out, Yes
from twofold.cli.terminal import answer, ask, is_interactive, note, say, show, warn
from twofold.errors import Refused

if TYPE_CHECKING:
    from twofold.app.inspection import Finding, Inspection, Line
    from twofold.app.setup import Application

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The configuration file, relative to the workspace.")
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Remove connections and mappings that the file does not name.")
]
Forget = Annotated[
    bool,
    typer.Option("--forget", help="Also delete the couplings of mappings that are no longer configured."),
]
Ddl = Annotated[
    bool, typer.Option("--ddl", help="Print CREATE TABLE for tables that are missing on one side.")
]
Folder = Annotated[
    Path | None,
    typer.Argument(metavar="FOLDER", help="The folder; the workspace if none is named.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, "init", SETTING_UP, ["twofold init", "twofold init erp-and-crm"])(init)
    examples = ["twofold apply", "twofold apply --yes", "twofold apply customers.yaml --prune --forget"]
    register(app, "apply", SETTING_UP, examples)(apply)
    register(app, "export", SETTING_UP, ["twofold export", "twofold export --out twofold.yaml"])(export)
    register(app, "check", SETTING_UP, ["twofold check", "twofold check CUSTOMER --ddl"])(check)
    register(app, "doctor", SETTING_UP, ["twofold doctor"])(doctor)


def init(front: Front, *, folder: Folder = None) -> None:
    """Make a workspace: an example configuration and the state database.

    Nothing that is already there is changed, so it is safe in a folder that is not empty.
    """
    from twofold.app.setup import init as begin

    found = begin(front.folder if folder is None else front.folder / folder.expanduser())
    if front.json:
        made = [
            *([str(found.file)] if found.wrote_file else []),
            *([found.state] if found.made_state else []),
        ]
        answer({"workspace": str(found.workspace), "configuration": str(found.file), "made": made})
        return
    say(f"Workspace {found.workspace}")
    say(f"  {'made' if found.wrote_file else 'kept'}  {found.file.name}")
    say(f"  {'made' if found.made_state else 'kept'}  {found.state}")
    say("Next: say in twofold.yaml which tables go together, then run `twofold apply`.")


# -- apply and export --------------------------------------------------------------------------------------


def apply(
    front: Front,
    *,
    file: File = Path("twofold.yaml"),
    yes: Yes = False,
    prune: Prune = False,
    forget: Forget = False,
) -> None:
    """Put a configuration file into effect, after showing what changes.

    Mappings that the file does not name are left alone. Every problem is told at once.
    """
    from twofold.app.setup import apply as put

    def confirm(application: Application) -> bool:
        _show_changes(front, application)
        return _is_agreed(yes=yes, question="Apply this?")

    with front.opened(yes=True) as context:
        found = put(context, front.file(file), confirm, prune=prune, forget=forget)
    for sentence in found.warnings:
        warn(sentence)
    if front.json:
        answer(_application(found))
    else:
        _say_applied(found)


def _is_agreed(*, yes: bool, question: str) -> bool:
    """Whether to go on; without a terminal and without --yes that is refused."""
    if yes:
        return True
    if not is_interactive():
        raise Refused("This is what would be done; nothing was changed. Add --yes to do it.")
    return ask(question)


def _show_changes(front: Front, application: Application) -> None:
    for line in application.lines:
        (note if front.json else say)(line)


def _application(found: Application) -> dict[str, Any]:
    return {
        "applied": found.applied,
        "changes": found.lines,
        "left_alone": found.left_alone,
        "warnings": found.warnings,
    }


def _say_applied(found: Application) -> None:
    if found.left_alone:
        names = ", ".join(found.left_alone)
        note(f"Not in the file and left alone: {names}. --prune removes what the file does not name.")
    if not found.lines:
        say("Nothing to change.")
    elif not found.applied:
        say("Nothing was changed.")
    else:
        count = len(found.configuration.mappings)
        say(f"Applied. {count} mapping{'' if count == 1 else 's'} configured.")
        say(_AFTER_WARNINGS if found.warnings else _AFTER_APPLY)


_AFTER_WARNINGS = "Next: `twofold check` tests the tables again."
_AFTER_APPLY = "Next: `twofold plan` shows what a run would do."


def export(front: Front, *, out: Out = None) -> None:
    """Write the configuration in effect as a file, with your comments."""
    from twofold.app.setup import export as written

    with front.opened() as context:
        text = written(context)
    if out is not None:
        _write(front.file(out), text)
        note(f"Written to {front.file(out)}.")
    if front.json:
        answer({"configuration": text, "file": None if out is None else str(front.file(out))})
    elif out is None:
        typer.echo(text, nl=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}. Name another file.") from error


# -- check -------------------------------------------------------------------------------------------------


def check(front: Front, *, mappings: Mappings = None, ddl: Ddl = False) -> int:
    """Test the connections, and hold the mappings against the tables as they are now.

    Ends with 2 if a run could not begin. With --ddl, the statements for missing tables go to standard output
    and everything else to standard error, so that they can be piped into a database client.
    """
    from twofold.app.setup import check as inspect

    with front.opened(yes=True) as context:
        found = inspect(context, ddl=ddl, names=mappings)
    if front.json:
        answer(_inspection(found))
    else:
        _show_inspection(found, ddl=ddl)
    return Exit.DONE if found.clean else Exit.REFUSED


def _inspection(found: Inspection) -> dict[str, Any]:
    sentences = found.configuration.sentences
    return {
        "clean": found.clean,
        "connections": [line.as_json() for line in found.connections],
        "mappings": [
            {
                "mapping": finding.mapping.name,
                "problems": list(sentences(finding.problems)),
                "warnings": list(sentences(finding.warnings)),
                "missing": list(finding.missing.values()),
            }
            for finding in found.findings
        ],
        "statements": [{"connection": name, "statement": text} for name, text in found.statements],
    }


def _show_inspection(found: Inspection, *, ddl: bool) -> None:
    tell = note if ddl else say
    for line in found.connections:
        tell(_connection(line))
    for finding in found.findings:
        for text in _finding(found, finding):
            tell(text)
    for remark in found.remarks:
        tell(remark)
    for name, statement in found.statements:
        say(f"-- {name}")
        typer.echo(statement)
    tell(_verdict(found, ddl=ddl))


def _connection(line: Line) -> str:
    if line.problem:
        return f"PROBLEM  {line.problem}"
    if line.moved:
        return (
            f"PROBLEM  {line.name} led to {line.expected} until now and leads to {line.identity}. "
            "If that is right, run `twofold apply --yes`."
        )
    return f"ok       {line.name}  {line.kind}  {line.identity}"


def _finding(found: Inspection, finding: Finding) -> list[str]:
    sentences, name = found.configuration.sentences, finding.mapping.name
    lines = [f"PROBLEM  {name}: {sentence}" for sentence in finding.missing.values()]
    lines += [f"PROBLEM  {sentence}" for sentence in sentences(finding.problems)]
    lines += [f"warning  {sentence}" for sentence in sentences(finding.warnings)]
    if not lines and finding.unreachable:
        return [f"?        {name}: its tables could not be looked at."]
    left, right = finding.mapping.left, finding.mapping.right
    return lines or [f"ok       {name}  {left.connection}.{left.table}, {right.connection}.{right.table}"]


def _verdict(found: Inspection, *, ddl: bool) -> str:
    if found.clean:
        return "All is well. Next: `twofold plan`."
    missing = any(finding.missing for finding in found.findings)
    hint = " `twofold check --ddl` shows how to make the missing tables." if missing and not ddl else ""
    return f"A run could not begin yet.{hint}"


# -- doctor ------------------------------------------------------------------------------------------------


def doctor(front: Front) -> int:
    """Look whether everything Twofold stands on is sound, and say what to do where it is not."""
    from twofold.app.doctor import Health, examine
    from twofold.cli.tables import plain_table

    found = examine(front.folder)
    is_sound = all(symptom.health is not Health.PROBLEM for symptom in found)
    if front.json:
        answer({"sound": is_sound, "symptoms": [symptom.as_json() for symptom in found]})
    else:
        styles = {"good": "green", "warning": "yellow", "problem": "bold red"}
        rows = [(symptom.health.value, symptom.part, symptom.text) for symptom in found]
        show(plain_table("", ("", "Part", "What was found"), rows, lambda word: styles.get(word, "")))
        say("All is well." if is_sound else "Something needs attention: see the problems above.")
    return Exit.DONE if is_sound else Exit.REFUSED
