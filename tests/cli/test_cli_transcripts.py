"""What a person sees, command by command, held against transcripts that are reviewed like code.

Set TWOFOLD_REWRITE=1 to write them anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from .desk import Desk, disturb, transcript

FOLDER = Path(__file__).parent / "transcripts"


STORIES: dict[str, tuple[str, Sequence[Sequence[str]]]] = {
    "first": (
        "desk",
        [["check"], ["plan"], ["full-sync", "--review"], ["full-sync"], ["sync"], ["verify"], ["jobs"]],
    ),
    "edits": (
        "disturbed",
        [["plan"], ["sync"], ["errors"], ["job", "5"], ["explain", "CUSTOMER", "--left", "10000"]],
    ),
    "answers": (
        "conflicted",
        [
            ["resolve", "customer", "send", "--left", "10000"],
            ["resolve", "CUSTOMER", "restore", "--left", "20000"],
            ["errors"],
            ["couplings", "CUSTOMER"],
        ],
    ),
    "couplings": (
        "synchronized",
        [
            ["uncouple", "CUSTOMER", "--left", "10000"],
            ["uncouple", "CUSTOMER", "--all"],
            ["match", "CUSTOMER"],
            ["couple", "CUSTOMER", "--left", "77", "--right", "88"],
            ["uncouple", "CUSTOMER", "--left", "77"],
            ["couplings", "CURRENCY"],
        ],
    ),
    "narrow": (
        "disturbed",
        [["plan"], ["sync"], ["errors"], ["couplings", "CUSTOMER"], ["jobs", "--limit", "3"]],
    ),
    "setting-up": (
        "desk",
        [
            ["apply"],
            ["apply", "--yes"],
            ["export"],
            ["init"],
            ["sync", "CUSTOMR"],
            ["snyc"],
            ["sync", "--ful"],
        ],
    ),
}


@pytest.fixture
def disturbed(synchronized: Desk) -> Desk:
    disturb(synchronized)
    return synchronized


@pytest.mark.parametrize("story", STORIES)
def test_what_a_person_sees_is_as_reviewed(
    story: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80" if story == "narrow" else "150")
    before, commands = STORIES[story]
    found = transcript(request.getfixturevalue(before), commands)
    file = FOLDER / f"{story}.txt"
    if os.environ.get("TWOFOLD_REWRITE"):
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")
