"""Secrets: references are resolved late, named when they lead nowhere, and never shown."""

from pathlib import Path
from typing import Any

import pytest

from twofold.app.secrets import HIDDEN, redacted, resolve_secrets
from twofold.errors import Refused


def test_references_are_replaced_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_SECRET", "s3cret")
    (tmp_path / "token.txt").write_text("t0ken\r\n")
    settings = {
        "kind": "dataverse",
        "url": "https://${env:CRM_SECRET}@host/${file:token.txt}",
        "auth": {"client_secret": "${env:CRM_SECRET}", "scopes": ["${file:token.txt}", 3, None]},
    }
    assert resolve_secrets(settings, tmp_path) == {
        "kind": "dataverse",
        "url": "https://s3cret@host/t0ken",
        "auth": {"client_secret": "s3cret", "scopes": ["t0ken", 3, None]},
    }
    assert settings["auth"]["client_secret"] == "${env:CRM_SECRET}"  # type: ignore[index]


def test_a_value_that_looks_like_a_reference_is_not_resolved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_SECRET", "${file:other}")
    assert resolve_secrets({"a": "${env:CRM_SECRET}"}, tmp_path) == {"a": "${file:other}"}


def test_every_missing_secret_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.setenv("IS_SET", "visible?")
    settings = {
        "auth": {"client_secret": "${env:NOT_SET}", "id": "${env:IS_SET}"},
        "keys": ["${file:gone.txt}"],
    }
    with pytest.raises(Refused) as refused:
        resolve_secrets(settings, tmp_path, "crm")
    assert refused.value.problems == (
        (
            "connection crm, auth.client_secret: the environment variable NOT_SET is not set. "
            "Set it, or write another reference."
        ),
        "connection crm, keys.0: the file gone.txt cannot be read. Create it, or write another reference.",
    )
    assert "visible?" not in repr(refused.value.problems)


def test_a_single_missing_secret_is_the_sentence_itself(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^url: the file gone cannot be read"):
        resolve_secrets({"url": "${file:gone}"}, tmp_path)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"password": "x"}, {"password": HIDDEN}),
        ({"password": ""}, {"password": ""}),
        ({"password": 1234}, {"password": HIDDEN}),
        ({"Client-Secret": "x", "client_id": "y"}, {"Client-Secret": HIDDEN, "client_id": "y"}),
        ({"auth": {"client_secret": "${env:A}"}}, {"auth": {"client_secret": "${env:A}"}}),
        ({"auth": {"client_secret": "x${env:A}"}}, {"auth": {"client_secret": HIDDEN}}),
        ({"token_url": "https://x", "api_key": "k"}, {"token_url": "https://x", "api_key": HIDDEN}),
        ({"tokens": ["a", "${file:b}"]}, {"tokens": [HIDDEN, "${file:b}"]}),
        ({"url": "sqlite:///erp.db"}, {"url": "sqlite:///erp.db"}),
        ({"url": "postgresql://me:p@ss:word@host:5432/db"}, {"url": f"postgresql://me:{HIDDEN}@host:5432/db"}),
        ({"url": "postgresql://me:${env:PW}@host/db"}, {"url": "postgresql://me:${env:PW}@host/db"}),
        ({"url": "postgresql://:pw@host/db"}, {"url": f"postgresql://:{HIDDEN}@host/db"}),
        ({"url": "https://host/x?a=b&sig=abc&c=d"}, {"url": f"https://host/x?a=b&sig={HIDDEN}&c=d"}),
        ({"url": "https://host:8443/me@x"}, {"url": "https://host:8443/me@x"}),
    ],
    ids=str,
)  # fmt: skip
def test_settings_are_shown_without_secrets(settings: dict[str, Any], shown: dict[str, Any]) -> None:
    assert redacted(settings) == shown
