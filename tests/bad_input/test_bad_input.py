"""Every kind of bad input gets a sentence with the place and the way out, and changes nothing.

Set TWOFOLD_REWRITE=1 to write the page docs/bad-input.md anew.
"""

from __future__ import annotations

import os

import pytest

from .case import Case
from .page import CASES, FILE, row, whole
from .place import Place, one_document, seen, steady

CODES = {0: "done", 1: "rows", 2: "refused", 3: "broke_off"}


def left_out(case: Case) -> tuple[str, ...]:
    """What may change: a reservation outlives a run that broke off, so that nothing is inserted twice."""
    return (*(["cursors"] if case.recorded else []), *(["reserved"] if case.code == 3 else []))


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_a_clear_sentence_and_changes_nothing(
    place: Place, name: str, rows: dict[str, str]
) -> None:
    case = CASES[name]
    case.provoke(place)
    before = seen(place, left_out=left_out(case))
    done = case.run(place, case.command)
    said = steady(done.err, place)
    assert seen(place, left_out=left_out(case)) == before
    assert done.code == case.code, said
    assert "Traceback" not in done.out + done.err
    for part in case.says:
        assert part in said
    if os.environ.get("TWOFOLD_REWRITE"):
        rows[name] = row(case, said)
    assert rows.get(name) == row(case, said)


@pytest.mark.parametrize("name", CASES)
def test_bad_input_with_json_gives_exactly_one_document(place: Place, name: str) -> None:
    case = CASES[name]
    case.provoke(place)
    before = seen(place, left_out=left_out(case))
    done = case.run(place, [*case.command, "--json"])
    assert done.code == case.code
    assert "Traceback" not in done.out + done.err
    assert seen(place, left_out=left_out(case)) == before
    if case.mute:
        assert done.out == ""
        return
    document = one_document(done.out)
    if case.code == 2:
        assert document["error"]["kind"] == "refused"
        assert document["error"]["message"] in done.err
    else:
        assert "jobs" in document or document["error"]["kind"] == CODES[case.code]


def test_the_page_tells_of_every_case_and_of_nothing_else(rows: dict[str, str]) -> None:
    assert set(rows) == set(CASES)
    if not os.environ.get("TWOFOLD_REWRITE"):
        assert FILE.read_text(encoding="utf-8") == whole(rows)
