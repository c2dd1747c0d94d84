"""The tables of docs/decisions.md say what `core.decide` does; `TWOFOLD_REWRITE=1` writes them anew."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest

from twofold.core.decide import Action, Policy, compare_field, decide
from twofold.core.names import DeletionConflict, Direction, UpdateConflict
from twofold.core.situation import Content, FieldCode, Link, Moved, Situation, State

PAGE = Path(__file__).parents[1] / "docs" / "decisions.md"
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
INSIDE = (State.UNCHANGED, State.CHANGED)

WORDS = {
    Action.NOTHING: "nothing",
    Action.IGNORE: "left alone",
    Action.ADOPT: "agree",
    Action.WRITE: "write",
    Action.SEND: "left wins",
    Action.GET: "right wins",
    Action.ASK_UPDATE: "**ask**",
    Action.ASK_DELETED: "**ask**",
    Action.ASK_DOUBT: "**ask**",
}
FIELD_WORDS = {FieldCode.SAME: "stays", FieldCode.OVERLAP: "both changed it", FieldCode.UNKNOWN: "unknown"}

Row = tuple[Sequence[str], Sequence[str]]
"""The facts of a line, and what is done in each column."""


def in_words(action: Action) -> str:
    return WORDS.get(action) or str(action).replace("_", " ")


def table(facts: Sequence[str], columns: Sequence[str], rows: Sequence[Row]) -> str:
    lines = [[*facts, *columns], ["---"] * (len(facts) + len(columns)), *([*a, *b] for a, b in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def answers(situation: Situation, policies: Sequence[Policy]) -> list[str]:
    return [in_words(decide(situation, policy)) for policy in policies]


def both() -> str:
    policies = [*(Policy(update_conflict=how) for how in UpdateConflict), Policy(Direction.TO_RIGHT)]
    rows: list[Row] = []
    for content in Content:
        found: dict[tuple[str, ...], list[str]] = {}
        for left, right in product(INSIDE, INSIDE):
            situation = Situation(Link.COUPLED, left, right, content)
            found.setdefault(tuple(answers(situation, policies)), []).append(changed_on(left, right))
        rows += [((spoken(content), where(sides)), list(done)) for done, sides in found.items()]
    columns = [f"`{how}`" for how in UpdateConflict]
    return table(["content", "changed on"], [*columns, "`direction: to_right`"], rows)


def changed_on(left: State, right: State) -> str:
    sides = [name for name, state in (("left", left), ("right", right)) if state is State.CHANGED]
    return {0: "neither", 1: "".join(sides), 2: "both"}[len(sides)]


def where(sides: Sequence[str]) -> str:
    if "both" not in sides:
        return "not both"
    return "any" if len(sides) == 4 else ", ".join(sides)


def spoken(word: str) -> str:
    return str(word).replace("_", " ")


def deleted(policies: Sequence[Policy]) -> str:
    rows: list[Row] = []
    for survivor in INSIDE:
        rows.append(_deleted(Situation(Link.COUPLED, State.ABSENT, survivor, Content.SAME), policies))
        rows.append(_deleted(Situation(Link.COUPLED, survivor, State.ABSENT, Content.SAME), policies))
    rows.append(_deleted(Situation(Link.COUPLED, State.ABSENT, State.ABSENT, Content.SAME), policies))
    return table(["left", "right"], [f"`{policy.deletion_conflict}`" for policy in policies], rows)


def _deleted(situation: Situation, policies: Sequence[Policy]) -> Row:
    return (situation.left, situation.right), answers(situation, policies)


def deleted_two_way() -> str:
    return deleted([Policy(deletion_conflict=how) for how in DeletionConflict])


def deleted_to_right() -> str:
    return deleted([Policy(Direction.TO_RIGHT, deletion_conflict=how) for how in DeletionConflict])


def uncoupled() -> str:
    columns = [(creates, direction) for creates in (True, False) for direction in Direction]
    policies = [Policy(direction, creates=creates) for creates, direction in columns]
    facts = [(State.CHANGED, State.ABSENT), (State.ABSENT, State.CHANGED), (State.OUTSIDE, State.ABSENT)]
    rows: list[Row] = [
        (
            (existing(left), existing(right)),
            answers(Situation(Link.NONE, left, right, Content.SAME), policies),
        )
        for left, right in facts
    ]
    heads = [f"{'creates' if creates else 'only coupled'}, `{direction}`" for creates, direction in columns]
    return table(["left", "right"], heads, rows)


def existing(state: State) -> str:
    return {State.ABSENT: "absent", State.OUTSIDE: "outside"}.get(state, "in the filter")


def outside() -> str:
    rows: list[Row] = []
    for other in State:
        situation = Situation(Link.COUPLED, State.OUTSIDE, other, Content.OVERLAP)
        rows.append(((State.OUTSIDE, other), answers(situation, [Policy(), Policy(creates=True)])))
    return table(["left", "right"], ["only coupled", "creates"], rows)


def pending() -> str:
    facts = [
        (Link.PENDING_RIGHT, State.UNCHANGED, State.ABSENT, Content.SAME, "it was not inserted"),
        (Link.PENDING_RIGHT, State.UNCHANGED, State.UNCHANGED, Content.SAME, "it was inserted"),
        (
            Link.PENDING_RIGHT,
            State.CHANGED,
            State.UNCHANGED,
            Content.TO_RIGHT,
            "inserted, then edited on the left",
        ),
        (
            Link.PENDING_RIGHT,
            State.ABSENT,
            State.ABSENT,
            Content.SAME,
            "not inserted, and gone from the left",
        ),
        (Link.IN_DOUBT, State.UNCHANGED, State.ABSENT, Content.SAME, "it cannot be found for certain"),
        (Link.IN_DOUBT, State.ABSENT, State.ABSENT, Content.SAME, "its source is gone"),
    ]
    rows: list[Row] = []
    for link, left, right, content, meaning in facts:
        rows.append(((spoken(link), meaning), answers(Situation(link, left, right, content), [Policy()])))
    return table(["link", "what happened"], ["what is done"], rows)


def fields() -> str:
    rows: list[Row] = []
    for left, right in product((Moved.NO, Moved.YES, Moved.UNKNOWN), repeat=2):
        found = [goes(compare_field(way, left, right, equal=False, full=full)) for way, full in WAYS]
        rows.append(((moved(left), moved(right)), found))
    heads = ["two-way", "`to_right`", "`to_right`, with `--full`"]
    return table(["left", "right"], heads, rows)


WAYS = [(Direction.BOTH, False), (Direction.TO_RIGHT, False), (Direction.TO_RIGHT, True)]


def moved(word: Moved) -> str:
    return {Moved.NO: "as it was", Moved.YES: "moved"}.get(word, "not known")


def goes(code: FieldCode) -> str:
    return FIELD_WORDS.get(code) or spoken(code)


TABLES: dict[str, Callable[[], str]] = {
    "both": both,
    "deleted": deleted_two_way,
    "deleted_to_right": deleted_to_right,
    "uncoupled": uncoupled,
    "outside": outside,
    "pending": pending,
    "fields": fields,
}


def rewritten(page: str) -> str:
    return BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block[2]]()}\n{block[4]}", page)


@pytest.fixture(scope="module")
def page() -> str:
    if os.environ.get("TWOFOLD_REWRITE"):
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_each_table_as_the_rule_is_now(page: str, name: str) -> None:
    shown = {block[2]: block[3] for block in BLOCK.finditer(page)}
    assert shown[name].strip() == TABLES[name]().strip()


def test_the_page_has_no_other_tables_of_the_rule(page: str) -> None:
    assert [block[2] for block in BLOCK.finditer(page)] == list(TABLES)
