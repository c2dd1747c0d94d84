"""Turns what went wrong into a sentence and an exit code; it must never show a traceback unless asked to."""

from __future__ import annotations

import re
import sys
from enum import IntEnum
from typing import Any

from typer.exceptions import TyperException

from twofold.cli.terminal import answer, close_output, note
from twofold.core.names import closest
from twofold.errors import Fatal, Interrupted, Refused, Transient, TwofoldError


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    ROWS = 1
    REFUSED = 2
    BROKE_OFF = 3


def report_failure(error: BaseException, *, json: bool, debug: bool) -> Exit:
    """Say what went wrong on standard error, and with `json` in the one document; returns the exit code."""
    code, kind, sentences = _told(error)
    if debug:
        _show_traceback(error)
    for number, sentence in enumerate(sentences):
        note(sentence, "bold red" if number == 0 else "")
    if json:
        _answer({"error": {"kind": kind, "message": sentences[0], "problems": sentences[1:]}})
    return code


def _answer(document: dict[str, Any]) -> None:
    try:
        answer(document)
        sys.stdout.flush()
    except OSError:
        # Where the output goes is what failed: the sentence on standard error has to do.
        close_output()


def _told(error: BaseException) -> tuple[Exit, str, list[str]]:
    """The exit code, a word for scripts, and the sentences."""
    match error:
        case Refused():
            return Exit.REFUSED, "refused", [str(error), *(p for p in error.problems if p != str(error))]
        case Interrupted():
            return Exit.BROKE_OFF, "interrupted", [str(error)]
        case Fatal() | Transient() | TwofoldError():
            return Exit.BROKE_OFF, "broke_off", [str(error)]
        case TyperException():
            return Exit.REFUSED, "refused", _usage(error)
        case OSError() if error.strerror:
            place = f"{error.filename}: " if error.filename else ""
            return (
                Exit.BROKE_OFF,
                "broke_off",
                [f"{place}{error.strerror}. Correct that, then run the command again."],
            )
        case _:
            return Exit.BROKE_OFF, "bug", [_bug(error)]


def _usage(error: TyperException) -> list[str]:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "twofold"
    message = error.format_message().strip()
    for pattern, plainer in _PLAINER:
        message = pattern.sub(plainer, message)
    message = message if message.endswith((".", "?")) else f"{message}."
    return [f"{message}{_nearest_choice(message)}", f"See `{command} --help`."]


def _nearest_choice(message: str) -> str:
    found = _CHOICE.search(message)
    return closest(found[1], re.findall(r"'([^']+)'", found[2])) if found else ""


_PLAINER = (
    (re.compile(r" \(Possible options: (.*)\)$"), r". Did you mean \1?"),
    (re.compile(r"Value error, "), ""),
    (
        re.compile(r"Input should be a valid integer, unable to parse string as an integer"),
        "Write a whole number",
    ),
    (re.compile(r"Input should be greater than or equal to (\d+)"), r"Write \1 or more"),
    (re.compile(r"Got unexpected extra argument\(s\) \((.*)\)"), r"This command does not take \1"),
)
"""What the parser of the command line says, in plainer words."""

_CHOICE = re.compile(r"'([^']*)' is not one of (.+)")


def _bug(error: BaseException) -> str:
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return (
        f"This is a bug in Twofold ({said.rstrip(':. ')}). What was recorded before stands. Run the same "
        "command again with --debug to see where, and report it."
    )


def _show_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)
