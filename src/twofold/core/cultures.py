"""How numbers and dates are written in the usual cultures; it must never ask the machine for its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Order = Literal["dmy", "mdy", "ymd"]

_SPACES = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
_QUOTES = "'\N{RIGHT SINGLE QUOTATION MARK}"


@dataclass(frozen=True, slots=True)
class Culture:
    """`decimal` is the decimal separator; any character of `groups` may separate thousands."""

    name: str
    decimal: str
    groups: str
    order: Order

    @property
    def date_form(self) -> str:
        """The order of a date's parts, for a person."""
        words = {"d": "day", "m": "month", "y": "year"}
        return ", ".join(words[part] for part in self.order)


_COMMA_DOT: tuple[tuple[str, Order], ...] = (
    ("da-DK", "dmy"),
    ("de-DE", "dmy"),
    ("el-GR", "dmy"),
    ("es-ES", "dmy"),
    ("hr-HR", "dmy"),
    ("id-ID", "dmy"),
    ("is-IS", "dmy"),
    ("it-IT", "dmy"),
    ("nl-BE", "dmy"),
    ("nl-NL", "dmy"),
    ("pt-BR", "dmy"),
    ("ro-RO", "dmy"),
    ("sl-SI", "dmy"),
    ("tr-TR", "dmy"),
)
_COMMA_SPACE: tuple[tuple[str, Order], ...] = (
    ("bg-BG", "dmy"),
    ("cs-CZ", "dmy"),
    ("et-EE", "dmy"),
    ("fi-FI", "dmy"),
    ("fr-BE", "dmy"),
    ("fr-CA", "ymd"),
    ("fr-FR", "dmy"),
    ("hu-HU", "ymd"),
    ("lt-LT", "ymd"),
    ("lv-LV", "dmy"),
    ("nb-NO", "dmy"),
    ("pl-PL", "dmy"),
    ("pt-PT", "dmy"),
    ("sk-SK", "dmy"),
    ("sv-SE", "ymd"),
    ("uk-UA", "dmy"),
)
_DOT_COMMA: tuple[tuple[str, Order], ...] = (
    ("en-AU", "dmy"),
    ("en-CA", "ymd"),
    ("en-GB", "dmy"),
    ("en-IE", "dmy"),
    ("en-NZ", "dmy"),
    ("en-US", "mdy"),
    ("es-MX", "dmy"),
    ("ja-JP", "ymd"),
    ("ko-KR", "ymd"),
    ("zh-CN", "ymd"),
)

CULTURES: dict[str, Culture] = {
    **{name: Culture(name, ",", ".", order) for name, order in _COMMA_DOT},
    **{name: Culture(name, ",", _SPACES, order) for name, order in _COMMA_SPACE},
    **{name: Culture(name, ".", ",", order) for name, order in _DOT_COMMA},
    "de-AT": Culture("de-AT", ",", "." + _SPACES, "dmy"),
    "de-CH": Culture("de-CH", ".", _QUOTES, "dmy"),
}
"""By name, as in Business Central's *Data Formatting Culture*."""
