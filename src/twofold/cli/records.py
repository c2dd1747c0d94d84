"""The commands that look at records: explain, verify; it must never write to either side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from twofold.cli.failures import Exit
from twofold.cli.front import Front, register
from twofold.cli.names import Sides, sides
from twofold.cli.options import LOOKING, Mapping, Mappings, OneLeft, OneRight, Yes
from twofold.cli.progress import watched
from twofold.cli.terminal import answer, say, show

if TYPE_CHECKING:
    from twofold.app.verify import Verification

SHOWN = 50
"""So many differences of a mapping are shown to a person; `--json` has more."""


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    examples = ["twofold explain CUSTOMER --left 10000", "twofold explain CUSTOMER --right 5f0c --json"]
    register(app, "explain", LOOKING, examples)(explain)
    register(app, "verify", LOOKING, ["twofold verify", "twofold verify CUSTOMER"])(verify)


def explain(
    front: Front, *, mapping: Mapping, left: OneLeft = None, right: OneRight = None, yes: Yes = False
) -> None:
    """Say why a record is as it is: both sides, what changed since last time, and what a run would do."""
    from twofold.app.explain import explain as look

    with front.opened(yes=yes) as context:
        story = look(context, mapping, left, right).as_json()
        if front.json:
            answer(story)
        else:
            _show_story(story, sides(context))


def _show_story(story: dict[str, Any], names: Sides) -> None:
    from twofold.cli.story_page import next_command, story_page

    show(story_page(story, names.of(story["mapping"])))
    command = next_command(story)
    if command is not None:
        say(f"Next: {command}")


def verify(front: Front, *, mappings: Mappings = None, yes: Yes = False) -> int:
    """Compare every coupled pair, field by field; ends with 1 if any differ. Nothing is written."""
    from twofold.app.verify import verify as compare

    with front.opened(yes=yes) as context:
        with watched(sides(context)) as progress:
            found = compare(context, tuple(mappings or ()), progress)
        if front.json:
            answer({"verifications": [one.as_json() for one in found]})
        else:
            for one in found:
                _show_verification(one, sides(context))
    return Exit.DONE if all(one.clean for one in found) else Exit.ROWS


def _show_verification(one: Verification, names: Sides) -> None:
    left, right = names.of(one.mapping)
    outcome = "all agree" if one.clean else f"{one.found:,} differ"
    say(f"{one.mapping}: {one.pairs:,} pairs compared, {outcome}.")
    for name, count in ((left, one.uncoupled_left), (right, one.uncoupled_right)):
        if count:
            say(f"  {count:,} of {name} are not coupled.")
    if one.open_entries:
        say(f"  {one.open_entries:,} on the errors list: twofold errors {one.mapping}")
    if one.findings:
        _show_findings(one, (left, right))


def _show_findings(one: Verification, names: tuple[str, str]) -> None:
    from twofold.cli.tables import plain_table

    rows = [
        (finding.left_key or "", finding.right_key or "", finding.field or "", finding.sentence)
        for finding in one.findings[:SHOWN]
    ]
    show(plain_table("", (*names, "Field", "Difference"), rows))
    if len(one.findings) > SHOWN:
        say(f"  and {len(one.findings) - SHOWN:,} more lines: twofold verify {one.mapping} --json")
    say(f"Next: `twofold sync {one.mapping} --full` corrects what only one side changed.")
