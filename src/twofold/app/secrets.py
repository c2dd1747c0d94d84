"""References to secrets, and connections as they may be shown; it must never print or store a secret.

A reference is kept as written everywhere; its value exists only in the settings handed to a connector.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as File
from typing import Any

from twofold.core.mapping import Problem
from twofold.core.pair_rules import Path
from twofold.errors import Refused

HIDDEN = "***"

_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_SECRET_WORDS = (
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "api_key",
    "apikey",
)
_SECRET_WORDS_EXACT = ("key", "private_key", "access_key", "account_key", "pass")
_URL_PASSWORD = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*://[^/?#\s:@]*:)(?P<password>[^/?#\s]+)(?=@)")
_QUERY_SECRET = re.compile(
    r"(?i)(?P<before>(?:^|[?&;])[^=&;?]*(?:password|passwd|pwd|secret|token|sig)[^=&;]*=)[^&;]+"
)
_PUBLIC_SUFFIXES = ("_url", "_uri", "_endpoint", "_lifetime")


def resolve_secrets(settings: Mapping[str, Any], workspace: File, connection: str = "") -> dict[str, Any]:
    """The settings with every `${env:NAME}` and `${file:PATH}` replaced; files are relative to `workspace`.

    Raises `Refused` naming every reference that leads nowhere, and where it stands.
    """
    problems: list[str] = []

    def replaced(text: str, where: Path) -> str:
        return _REFERENCE.sub(lambda found: _resolve(found, where), text)

    def _resolve(found: re.Match[str], where: Path) -> str:
        try:
            return _value(found[1], workspace)
        except ValueError as error:
            problems.append(f"{_place(connection, where)}: {error}")
            return ""

    resolved = _mapped(dict(settings), (), replaced)
    if problems:
        raise Refused(problems[0], tuple(problems))
    return dict(resolved)


def _place(connection: str, where: Path) -> str:
    prefix = f"connection {connection}, " if connection else ""
    return prefix + ".".join(str(step) for step in where)


def _value(reference: str, workspace: File) -> str:
    kind, _, name = reference.partition(":")
    if kind == "env":
        return _variable(name)
    if kind == "file":
        return _content(name, workspace)
    raise ValueError(_unknown(reference))


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ValueError(f"the environment variable {name} is not set. Set it, or write another reference.")
    return value


def _content(name: str, workspace: File) -> str:
    try:
        # Editors end a file with a line break that no secret has.
        return (workspace / name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError):
        raise ValueError(f"the file {name} cannot be read. Create it, or write another reference.") from None


def _unknown(reference: str) -> str:
    return f"${{{reference}}} is not a reference: write ${{env:NAME}} or ${{file:PATH}}."


def _mapped(value: Any, where: Path, change: Callable[[str, Path], str]) -> Any:
    if isinstance(value, str):
        return change(value, where)
    if isinstance(value, Mapping):
        return {key: _mapped(item, (*where, key), change) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, (*where, number), change) for number, item in enumerate(value)]
    return value


def check_references(value: Any, where: Path) -> Iterator[Problem]:
    """References that no kind of reference understands, seen without resolving any."""
    if isinstance(value, str):
        for reference in _REFERENCE.findall(value):
            kind, _, name = reference.partition(":")
            if kind not in ("env", "file") or not name.strip():
                yield Problem(where, _unknown(reference))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from check_references(item, (*where, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from check_references(item, (*where, number))


# -- output ------------------------------------------------------------------------------------------------


def redacted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they may be shown: secrets hidden, references as written, because they tell nothing."""
    return {key: _redacted(key, value) for key, value in settings.items()}


def _redacted(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {inner: _redacted(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_redacted(key, item) for item in value]
    if _is_secret(key):
        return value if value in (None, "") or _is_reference(value) else HIDDEN
    return _hide_in_text(value) if isinstance(value, str) else value


def _is_secret(key: str) -> bool:
    name = key.lower().replace("-", "_")
    if name.endswith(_PUBLIC_SUFFIXES):
        return False
    return name in _SECRET_WORDS_EXACT or any(word in name for word in _SECRET_WORDS)


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def _hide_in_text(text: str) -> str:
    def hidden(found: re.Match[str]) -> str:
        return found[0] if _is_reference(found["password"]) else found["before"] + HIDDEN

    def hidden_query(found: re.Match[str]) -> str:
        return found[0] if _is_reference(found[0][len(found["before"]) :]) else found["before"] + HIDDEN

    return _QUERY_SECRET.sub(hidden_query, _URL_PASSWORD.sub(hidden, text))
