"""Chains of transformation rules between one field and the other; it must never hide a value that failed.

The rules are those of Business Central's *Transformation Rules*, by name, and the codes that it ships. Texts
go in and come out; nulls stay nulls; a blank is never a failure. The rules themselves are in `text_rules`
(cannot fail, whole columns) and `value_rules` (may fail, once per distinct value).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial, reduce

import polars as pl

from twofold.core import text_rules, value_rules
from twofold.core.mapping import Rule, Scalar
from twofold.core.names import closest
from twofold.core.text_rules import ColumnRule, Parameters
from twofold.core.value_rules import ValueRule

_SHOWN = 60
_REMEMBERED = 50_000
_OUTCOME = pl.Struct({"value": pl.String(), "problem": pl.String()})


@dataclass(frozen=True, slots=True)
class RuleKind:
    """What a rule takes and how it is made: for whole columns, or for single texts.

    `make_column` and `make_value` raise ValueError with a sentence for parameters that do not go together.
    """

    takes: Mapping[str, Callable[[Scalar], str | None]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    make_column: Callable[[Parameters], ColumnRule] | None = None
    make_value: Callable[[Parameters], ValueRule] | None = None

    def make(self, parameters: Parameters) -> ColumnRule | ValueRule:
        """The rule for these parameters."""
        make = self.make_column or self.make_value
        assert make is not None  # noqa: S101 - one of them is always there
        return make(parameters)


def _is_text(value: Scalar) -> str | None:
    return None if isinstance(value, str) else "must be a text; put it in quotes"


def _is_count(value: Scalar) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if fits else "must be a whole number above 0"


def _is_number(value: Scalar) -> str | None:
    fits = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    return None if fits else "must be a number, such as 0.01"


def _is_one_of(choices: Sequence[str]) -> Callable[[Scalar], str | None]:
    return lambda value: None if value in choices else f"must be one of {', '.join(choices)}"


_SUBSTRING = {"start": _is_count, "starting_text": _is_text, "length": _is_count, "ending_text": _is_text}
_FIND, _REPLACE = {"find": _is_text}, {"find": _is_text, "replace": _is_text}
_MOMENT = {"format": _is_text, "culture": _is_text}
_ROUND = {"precision": _is_number, "direction": _is_one_of(tuple(value_rules.ROUNDINGS))}
_EXTRACT = {"part": _is_one_of(tuple(value_rules.DATE_PARTS))}

RULES: dict[str, RuleKind] = {
    "uppercase": RuleKind(make_column=text_rules.uppercase),
    "lowercase": RuleKind(make_column=text_rules.lowercase),
    "title_case": RuleKind(make_column=text_rules.title_case),
    "trim": RuleKind(make_column=text_rules.trim),
    "substring": RuleKind(_SUBSTRING, make_column=text_rules.substring),
    "replace": RuleKind(_REPLACE, ("find",), make_column=text_rules.replace),
    "regex_replace": RuleKind(_REPLACE, ("find",), make_column=text_rules.regex_replace),
    "alphanumeric_only": RuleKind(make_column=text_rules.alphanumeric_only),
    "date_format": RuleKind(_MOMENT, make_value=value_rules.date_format),
    "decimal_format": RuleKind({"culture": _is_text}, ("culture",), make_value=value_rules.decimal_format),
    "regex_match": RuleKind(_FIND, ("find",), make_column=text_rules.regex_match),
    "datetime_format": RuleKind(_MOMENT, make_value=value_rules.datetime_format),
    "round": RuleKind(_ROUND, ("precision", "direction"), make_value=value_rules.round_value),
    "extract_from_date": RuleKind(_EXTRACT, ("part",), make_value=value_rules.extract_from_date),
    "unix_timestamp": RuleKind(make_value=value_rules.unix_timestamp),
}
"""Every rule by name."""

SHIPPED: dict[str, Rule] = {
    "titlecase": Rule("title_case"),
    "fourth_to_sixth_char": Rule("substring", {"start": 4, "length": 3}),
    "yyyymmdd_date": Rule("date_format", {"format": "yyyyMMdd"}),
    "yyyymmddhhmmss_fmt": Rule("datetime_format", {"format": "yyyyMMddHHmmss"}),
    "dk_decimal_format": Rule("decimal_format", {"culture": "da-DK"}),
    "us_date_format": Rule("date_format", {"culture": "en-US"}),
    "us_datetime_format": Rule("datetime_format", {"culture": "en-US"}),
    "unixtimestamp": Rule("unix_timestamp"),
    "delete_notprovided": Rule("regex_replace", {"find": "NOTPROVIDED", "replace": ""}),
}
"""The codes that Business Central ships, where no rule has that name; they take no parameters."""

_ELSEWHERE = {
    "custom": "custom is code of one's own in Business Central. Combine other rules instead.",
    "field_lookup": "field_lookup reads another table. Write lookup or options in the field mapping.",
}


def check_rule(rule: Rule) -> list[str]:
    """What is wrong with a rule, as sentences; empty if it can be applied."""
    name = rule.name.lower()
    if name in SHIPPED:
        return (
            [f"{name} takes no parameters. Remove them, or use {SHIPPED[name].name}."]
            if rule.parameters
            else []
        )
    if name not in RULES:
        unknown = f'There is no transformation rule "{rule.name}".{closest(name, [*RULES, *SHIPPED])}'
        return [_ELSEWHERE.get(name, unknown)]
    return _parameter_problems(name, rule.parameters) or _making_problems(name, rule.parameters)


def _parameter_problems(name: str, parameters: Parameters) -> list[str]:
    kind = RULES[name]
    unknown = [_unknown(name, given) for given in parameters if given not in kind.takes]
    missing = [f'{name} needs the parameter "{need}".' for need in kind.needs if need not in parameters]
    known = ((given, kind.takes[given](value)) for given, value in parameters.items() if given in kind.takes)
    wrong = [f'{name}: "{given}" {complaint}.' for given, complaint in known if complaint is not None]
    return [*unknown, *missing, *wrong]


def _unknown(name: str, given: str) -> str:
    takes = RULES[name].takes
    allowed = f"It takes {', '.join(takes)}." if takes else "It takes none."
    return f'{name} has no parameter "{given}".{closest(given, takes)} {allowed}'


def _making_problems(name: str, parameters: Parameters) -> list[str]:
    try:
        RULES[name].make(parameters)
    except ValueError as error:
        return [f"{name}: {error}"]
    return []


def signature(rules: Sequence[Rule]) -> str:
    """A stable text of a chain: equal for chains that do the same by the same rules."""
    written = [[rule.name, dict(rule.parameters)] for rule in map(_plain_rule, rules)]
    return json.dumps(written, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain_rule(rule: Rule) -> Rule:
    name = rule.name.lower()
    return SHIPPED.get(name) or Rule(name, rule.parameters)


def apply_chain(value: pl.Expr, rules: Sequence[Rule], *, sensitive: bool = False) -> tuple[pl.Expr, pl.Expr]:
    """The transformed value, and a sentence saying what could not be transformed: null where it worked.

    `value` and both results are String; where there is a sentence, the value is null. `sensitive` keeps
    values out of the sentences. Raises ValueError for rules that `check_rule` complains of.
    """
    problems = [problem for rule in rules for problem in check_rule(rule)]
    if problems:
        raise ValueError("\n".join(problems))
    # Adding a null gives nulls in the height of the column, where a lone literal would have one row.
    found: list[pl.Expr] = [value + pl.lit(None, dtype=pl.String)]
    for rule in map(_plain_rule, rules):
        value = _step(value, rule, found, sensitive=sensitive)
    return value, reduce(lambda one, other: one.fill_null(other), found)


def _step(value: pl.Expr, rule: Rule, found: list[pl.Expr], *, sensitive: bool) -> pl.Expr:
    kind = RULES[rule.name]
    if kind.make_column is not None:
        return kind.make_column(rule.parameters)(value)
    assert kind.make_value is not None  # noqa: S101 - one of them is always there
    # Polars evaluates the value and its sentence apart, so what one of them found is kept for the other.
    attempt = partial(_attempt, kind.make_value(rule.parameters), rule.name, sensitive=sensitive)
    convert = lru_cache(maxsize=_REMEMBERED)(attempt)
    outcome = value.map_batches(partial(_outcomes, convert), return_dtype=_OUTCOME, is_elementwise=True)
    found.append(outcome.struct.field("problem"))
    return outcome.struct.field("value")


def _outcomes(convert: Callable[[str], tuple[str | None, str | None]], texts: pl.Series) -> pl.Series:
    """What became of each text; every distinct one is converted once."""
    distinct = texts.unique().drop_nulls()
    columns = zip(*map(convert, distinct), strict=True) if len(distinct) else ((), ())
    values, problems = (pl.Series(column, dtype=pl.String) for column in columns)
    known = pl.DataFrame({"text": distinct, "value": values, "problem": problems})
    joined = texts.to_frame("text").join(known, on="text", how="left", maintain_order="left")
    return joined.select(pl.struct("value", "problem")).to_series().alias(texts.name)


def _attempt(rule: ValueRule, name: str, text: str, *, sensitive: bool) -> tuple[str | None, str | None]:
    bare = text.strip()
    if not bare:
        return "", None
    try:
        return rule(bare), None
    except ValueError as error:
        return None, f"The rule {name} cannot use {_shown(text, sensitive=sensitive)}: {error}."


def _shown(text: str, *, sensitive: bool) -> str:
    if sensitive:
        return "the value"
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}..."'
