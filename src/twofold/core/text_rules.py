"""Transformation rules that turn any text into another one, column by column; it must never fail on a value.

Regular expressions are in the syntax of Rust's `regex` and ignore case; they cannot run away, because that
syntax has neither look-around nor back references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

import polars as pl

from twofold.core.mapping import Scalar

Parameters = Mapping[str, Scalar]
ColumnRule = Callable[[pl.Expr], pl.Expr]

_OPENS, _CLOSES = "(?s)\\A(?:", "|.*)\\z"
# A word is letters, digits and marks; a quote inside it, as in o'brien, does not begin another one.
_WORD = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f]|['\N{RIGHT SINGLE QUOTATION MARK}](?=[^\\W_]))*")
_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<whole>&)|(?P<number>[0-9]+)|\{(?P<name>\w+)\})|\$")


def uppercase(_: Parameters) -> ColumnRule:
    """Capital letters."""
    return lambda value: value.str.to_uppercase()


def lowercase(_: Parameters) -> ColumnRule:
    """Small letters."""
    return lambda value: value.str.to_lowercase()


def title_case(_: Parameters) -> ColumnRule:
    """Each word with a capital first; a word all in capitals is an abbreviation and stays."""
    return lambda value: value.map_batches(_title_cased, return_dtype=pl.String(), is_elementwise=True)


def _title_cased(texts: pl.Series) -> pl.Series:
    distinct = texts.unique().drop_nulls()
    cased = {text: _WORD.sub(_capitalized, text) for text in distinct}
    return pl.Series(texts.name, [cased.get(text) for text in texts], dtype=pl.String)


def _capitalized(word: re.Match[str]) -> str:
    text = word[0]
    if len(text) > 1 and text == text.upper():
        return text
    return text[0].title() + text[1:].lower()


def trim(_: Parameters) -> ColumnRule:
    """Without white space at both ends."""
    return lambda value: value.str.strip_chars()


def alphanumeric_only(_: Parameters) -> ColumnRule:
    """Letters and digits of any script, with their marks; nothing else."""
    return lambda value: value.str.replace_all(r"[\W_]", "")


def replace(parameters: Parameters) -> ColumnRule:
    """Every `find` replaced, literally and minding case."""
    find, put = _text(parameters, "find"), _text(parameters, "replace")
    if not find:
        raise ValueError('"find" is empty. Write the text to replace.')
    return lambda value: value.str.replace_all(find, put, literal=True)


def substring(parameters: Parameters) -> ColumnRule:
    """The part between two places; empty where `starting_text` or `ending_text` does not occur."""
    if not parameters:
        raise ValueError("it needs a start or an end. Write start, starting_text, length or ending_text.")
    for one, other in (("start", "starting_text"), ("length", "ending_text")):
        if one in parameters and other in parameters:
            raise ValueError(f'"{one}" and "{other}" exclude each other. Write one of them.')
    begin, end = _beginning(parameters), _ending(parameters)
    return lambda value: end(begin(value))


def regex_replace(parameters: Parameters) -> ColumnRule:
    """Every match replaced; `$1`, `${name}` and `$&` stand for what was captured, `$$` for a dollar."""
    pattern, groups = _compiled(parameters)
    put = _replacement(_text(parameters, "replace"), groups)
    return lambda value: value.str.replace_all(pattern, put)


def regex_match(parameters: Parameters) -> ColumnRule:
    """What the groups captured, of all matches, joined; whole matches where there are no groups."""
    pattern, groups = _compiled(parameters)
    captured = "".join(f"${{{number + 1}}}" for number in range(len(groups))) or "${0}"
    # Matches are set between NULs, which no value contains; then what lies outside is dropped. So every match
    # is found in its own surroundings, and an empty one does no harm.
    marked = f"\0{captured}\0"
    return lambda value: value.str.replace_all(pattern, marked).str.replace_all(
        "[^\0]*\0([^\0]*)\0|[^\0]+\\z", "${1}"
    )


def _text(parameters: Parameters, name: str) -> str:
    return cast("str", parameters.get(name, ""))


def _beginning(parameters: Parameters) -> ColumnRule:
    if "starting_text" in parameters:
        sought = pl.escape_regex(_bare(parameters, "starting_text"))
        return lambda value: value.str.replace(f"{_OPENS}.*?{sought}(.*){_CLOSES}", "${1}")
    start = cast("int", parameters.get("start", 1))
    return lambda value: value.str.slice(start - 1)


def _ending(parameters: Parameters) -> ColumnRule:
    if "ending_text" in parameters:
        sought = pl.escape_regex(_bare(parameters, "ending_text"))
        return lambda value: value.str.replace(f"{_OPENS}(.*?){sought}.*{_CLOSES}", "${1}")
    length = cast("int | None", parameters.get("length"))
    return lambda value: value.str.slice(0, length)


def _bare(parameters: Parameters, name: str) -> str:
    """The text without the quotes that Business Central needs around texts that end with a space."""
    text = _text(parameters, name)
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    if not bare:
        raise ValueError(f'"{name}" is empty. Write the text to look for.')
    return bare


def _compiled(parameters: Parameters) -> tuple[str, list[str]]:
    """The pattern, made to ignore case, and the names of its groups (numbers where they have none)."""
    find = _text(parameters, "find")
    if not find:
        raise ValueError('"find" is empty. Write a regular expression.')
    pattern = f"(?i){find}"
    try:
        probe = pl.Series([""]).str.replace_all(pattern, "").to_frame("probe")
        groups = probe.select(pl.col("probe").str.extract_groups(pattern)).to_series().dtype
    except pl.exceptions.PolarsError as error:
        raise ValueError(_unusable(find, str(error))) from None
    return pattern, [field.name for field in cast("pl.Struct", groups).fields]


def _unusable(find: str, reason: str) -> str:
    told = re.search(r"^\s*error: (.*)$", reason, re.MULTILINE)
    why = told[1] if told else "it is too large"
    return f'"{find}" is not a regular expression that can be used here: {why}. Correct it, or use replace.'


def _replacement(text: str, groups: list[str]) -> str:
    """The replacement as Polars reads it: every reference in braces, every other dollar doubled."""
    return _REFERENCE.sub(lambda found: _reference(found, groups), text)


def _reference(found: re.Match[str], groups: list[str]) -> str:
    if found["whole"]:
        return "${0}"
    number, name = found["number"], found["name"]
    if number is None and name is None:
        return "$$"
    known = name in groups if name is not None and not name.isdigit() else int(number or name) <= len(groups)
    if not known:
        raise ValueError(
            f'"replace" speaks of {found[0]}, which the pattern does not capture. Write $$ for a $.'
        )
    return f"${{{number or name}}}"
