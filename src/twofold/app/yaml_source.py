"""YAML as plain data that knows its lines; it must never know what the data means.

YAML 1.2: `no` and `2024-01-31` are texts. A number that would not be written back the same way (`0010`,
`1_000`) stays a text, because in business records such a number is a code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from twofold.core.mapping import Problem
from twofold.core.pair_rules import Path

NODE_LIMIT = 200_000
"""More than any configuration holds; a few lines of nested aliases can stand for billions."""

_INTEGER = re.compile(r"[-+]?(0|[1-9]\d*)")
_OTHER_BASE = re.compile(r"0(x[0-9a-fA-F]+|o[0-7]+)")
_PREFIX = "tag:yaml.org,2002:"
_TEXT_TAGS = ("str", "timestamp")

_HINTS = (
    ("mapping values are not allowed", 'put a text that contains ": " in quotes, or check the indentation.'),
    ("\\t", "indent with spaces instead of tabs."),
    ("could not find expected ':'", "a key needs a colon and a space after it."),
    ("expected <block end>", "check the indentation: keys of one block start in the same column."),
    ("while parsing a flow", "a bracket or a comma is missing."),
    ("while scanning a quoted", "a quote is not closed."),
    ("undefined alias", "an alias (*NAME) needs an anchor (&NAME) before it."),
    ("another document", "remove the line --- that begins it, so that the file is one document."),
    ("<document start>", "put a text that begins with % in quotes."),
)


@dataclass(slots=True)
class Document:
    """What a text holds: its data, the line of every place, the text of every scalar, and its flaws."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    moved: dict[Path, Path] = field(default_factory=dict)
    flaws: list[Problem] = field(default_factory=list)

    def line(self, where: Path) -> int:
        """The line of `where`, or of the nearest place around it."""
        end = len(where)
        while end >= 0:
            part = where[:end]
            if part in self.lines:
                return self.lines[part]
            if part in self.moved:
                return self.line((*self.moved[part], *where[end:]))
            end -= 1
        return 1

    def relocate(self, source: Path, target: Path) -> None:
        """Let what was written at `source` be found at `target`, because a short form was written out."""
        self.moved[target] = source


def read(text: str) -> Document:
    """The data of a YAML text; a text that cannot be read at all gives one flaw and no data."""
    document = Document()
    try:
        node = YAML(typ="rt", pure=True).compose(text)
        if node is not None:
            document.data = _Reader(document).convert(node, ())
    except MarkedYAMLError as error:
        # A quote that is not closed, or a key without a colon, is noticed only further down.
        is_late = any(sign in (error.context or "") for sign in ("quoted", "simple key"))
        mark = error.context_mark if is_late else error.problem_mark or error.context_mark
        _spoil(document, 1 if mark is None else mark.line + 1, _explain(error))
    except YAMLError as error:
        position = getattr(error, "position", 0)
        sentence = "This is not valid YAML: it holds a control character. Remove it."
        _spoil(document, text.count("\n", 0, position) + 1, sentence)
    except RecursionError:
        _spoil(document, 1, "This is nested too deeply to be read: write it flatter.")
    return document


def cut(text: str, document: Document, where: Path) -> str:
    """The text without the entry at `where`, which starts a line; remarks around it stay.

    Lines above the entry keep their numbers, so several entries are cut from the last to the first.
    """
    lines = text.splitlines(keepends=True)
    start = document.line(where) - 1
    later = (line - 1 for place, line in document.lines.items() if len(place) <= len(where))
    end = min((line for line in later if start < line <= len(lines)), default=len(lines))
    while end > start + 1 and lines[end - 1].strip()[:1] in ("", "#"):
        end -= 1
    return "".join(lines[:start] + lines[end:])


def _spoil(document: Document, line: int, sentence: str) -> None:
    document.data = None
    document.lines[()] = line
    document.flaws[:] = [Problem((), sentence)]


def _explain(error: MarkedYAMLError) -> str:
    technical = " ".join(part for part in (error.context, error.problem) if part)
    hint = next(
        (hint for sign, hint in _HINTS if sign in technical), "check quotes, brackets and indentation."
    )
    return f"This is not valid YAML ({error.problem or technical}): {hint}"


class _Reader:
    """Turns nodes into data, noting lines and flaws in `document`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: list[Node] = []
        self.count = 0

    def convert(self, node: Node, where: Path) -> Any:
        self.count += 1
        if node in self.open or self.count > NODE_LIMIT:
            raise RecursionError
        self.document.lines.setdefault(where, node.start_mark.line + 1)
        self.open.append(node)
        value = self._value(node, where)
        self.open.pop()
        return value

    def _value(self, node: Node, where: Path) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, where)
        if isinstance(node, SequenceNode):
            return [self.convert(item, (*where, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, where)

    def _mapping(self, node: MappingNode, where: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        inherited: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == f"{_PREFIX}merge":
                inherited = self._inherit(value, where) | inherited
            elif isinstance(key, ScalarNode):
                self._entry(key, value, where, found, lines)
            else:
                self._flaw((*where, "?"), key, "A key must be a plain text: write it on one line.")
        return {**{k: v for k, v in inherited.items() if k not in found}, **found}

    def _inherit(self, node: Node, where: Path) -> dict[str, Any]:
        parts = node.value if isinstance(node, SequenceNode) else [node]
        values = [self.convert(part, where) for part in reversed(parts)]
        return {key: item for value in values if isinstance(value, dict) for key, item in value.items()}

    def _entry(
        self, key: ScalarNode, value: Node, where: Path, found: dict[str, Any], lines: dict[str, int]
    ) -> None:
        name, line = str(key.value), key.start_mark.line + 1
        place = (*where, name)
        if name in found:
            sentence = (
                f'"{name}" is written twice, on lines {lines[name]} and {line}: remove or rename one of them.'
            )
            self._flaw((*where, name, "#"), key, sentence)
            return
        lines[name] = self.document.lines[place] = line
        found[name] = self.convert(value, place)

    def _scalar(self, node: Node, where: Path) -> Any:
        raw = str(node.value)
        self.document.texts[where] = raw
        kind = str(node.tag).removeprefix(_PREFIX)
        if kind in _TEXT_TAGS:
            return raw
        if kind not in _PLAIN:
            self._flaw(where, node, f"{kind} is a YAML tag, which has no meaning here: remove it.")
            return raw
        return _PLAIN[kind](self, raw, where)

    def _flaw(self, where: Path, node: Node, sentence: str) -> None:
        self.document.lines[where] = node.start_mark.line + 1
        self.document.flaws.append(Problem(where, sentence))


def _float(reader: _Reader, raw: str, where: Path) -> float | str:
    if "_" in raw:
        return raw
    value = float(raw.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        sentence = f"{raw} is not a number that a record can hold: write another, or put it in quotes."
        reader.document.flaws.append(Problem(where, sentence))
        return raw
    return value


def _integer(_: _Reader, raw: str, __: Path) -> int | str:
    if _OTHER_BASE.fullmatch(raw):
        return int(raw, 0)
    return int(raw) if _INTEGER.fullmatch(raw) and len(raw) < 40 else raw


def _boolean(_: _Reader, raw: str, __: Path) -> bool:
    return raw.lower() == "true"


def _nothing(_: _Reader, __: str, ___: Path) -> None:
    return None


_PLAIN: dict[str, Callable[[_Reader, str, Path], Any]] = {
    "int": _integer,
    "bool": _boolean,
    "null": _nothing,
    "float": _float,
}
