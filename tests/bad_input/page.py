"""The table of bad input as a page of the documentation."""

from __future__ import annotations

import html
import shlex
from collections.abc import Mapping
from pathlib import Path

from . import files, systems, words
from .case import Case

FILE = Path(__file__).parents[2] / "docs" / "bad-input.md"
SECTIONS: dict[str, list[Case]] = files.CASES | words.CASES | systems.CASES
CASES: dict[str, Case] = {
    f"{section}: {case.title}": case for section, cases in SECTIONS.items() for case in cases
}

TOP = """\
# Bad input

What Twofold says to bad input, case by case. Every line of these tables is a test that runs the command on
real databases. It holds the sentence and the exit code against this page, and sees that no traceback appears,
that `--json` prints exactly one document, and that nothing changed: neither system by a byte, and of the
state database neither configuration, couplings nor cursors. Where single records fail (exit code 1), the
failure is remembered; where a run breaks off (3), new records may stay reserved, so that the next run does
not create them twice.

Exit code 1: some records failed. 2: refused, nothing was done. 3: the run broke off. `WORKSPACE` is the
folder of the workspace.
"""
HEAD = "| what you did | command | what Twofold says | exit code |\n|---|---|---|---|"


def row(case: Case, said: str) -> str:
    """The line of a case."""
    lines = "<br>".join(_code(line) for line in said.splitlines())
    command = _code(f"twofold {shlex.join(case.command)}")
    return f"| {case.title} | {command} | {lines} | {case.code} |"


def _code(line: str) -> str:
    text = line.lstrip(" ")
    indent = "&nbsp;" * (len(line) - len(text))
    # Neither Markdown's own signs nor a bar may mean anything inside a cell.
    plain = html.escape(text, quote=False)
    for sign in "|*_`[]\\":
        plain = plain.replace(sign, f"&#{ord(sign)};")
    return f"<code>{indent}{plain}</code>"


def whole(rows: Mapping[str, str]) -> str:
    """The page, of the lines by case."""
    parts = [TOP]
    for section, cases in SECTIONS.items():
        lines = [rows[name] for case in cases if (name := f"{section}: {case.title}") in rows]
        parts.append("\n".join([f"## {section}\n", HEAD, *lines, ""]))
    return "\n".join(parts)


def stored() -> dict[str, str]:
    """The lines that the page has now, by section and title."""
    found: dict[str, str] = {}
    section = ""
    for line in FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else ():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and line not in HEAD:
            found[f"{section}: {line[2:].partition(' | ')[0]}"] = line
    return found
