"""The commands of the errors list: errors, retry, resolve; it must never answer for the person."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from twofold.cli.front import Front, register
from twofold.cli.names import mapping_name, sides
from twofold.cli.options import LOOKING, Left, Mapping, MaybeMapping, Right, Yes
from twofold.cli.progress import watched
from twofold.cli.runs import conclude
from twofold.cli.terminal import ROOMY, answer, say, show

Everything = Annotated[bool, typer.Option("--all", help="Everything that was set aside in the mapping.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="So many at most; 0 shows all.")]
Answer = Annotated[
    Literal["send", "get", "merge", "restore", "delete", "uncouple", "skip"],
    typer.Argument(
        metavar="ANSWER",
        help="send (left wins), get (right wins), merge, restore, delete, uncouple or skip.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, "errors", LOOKING, ["twofold errors", "twofold errors CUSTOMER --json"])(errors)
    register(app, "retry", LOOKING, ["twofold retry CUSTOMER --left 10000", "twofold retry CUSTOMER --all"])(
        retry
    )
    examples = ["twofold resolve CUSTOMER send --left 10000", "twofold resolve CUSTOMER restore --right 5f0c"]
    register(app, "resolve", LOOKING, examples)(resolve)


def errors(front: Front, *, mapping: MaybeMapping = None, limit: Limit = 100) -> None:
    """List the records that wait: for an answer, for another record, or for a retry."""
    with front.opened() as context:
        name = None if mapping is None else mapping_name(context, mapping)
        found = context.store.listing.entries(name)
        if front.json:
            answer({"errors": found})
        elif found:
            _show_entries(found[: limit or None], len(found), sides(context))
        else:
            say("No errors: nothing waits for you.")


def _show_entries(shown: list[dict[str, Any]], total: int, names: Any) -> None:
    from twofold.cli.tables import answer_command, entry_table, narrow_entry_table

    show(entry_table(shown, names), narrow_entry_table(shown, names), roomy=ROOMY)
    if len(shown) < total:
        say(f"{total - len(shown):,} more: twofold errors --limit 0")
    say(f"Next: {answer_command(shown[0])}")


def retry(
    front: Front, *, mapping: Mapping, left: Left = None, right: Right = None, everything: Everything = False
) -> None:
    """Let the next run try records again that were set aside."""
    from twofold.app.errors import retry as release

    with front.opened() as context:
        name = mapping_name(context, mapping)
        count = release(context, name, left or (), right or (), everything=everything)
    if front.json:
        answer({"retried": count})
    elif count:
        say(f"{count:,} will be tried again. Next: `twofold sync {name}`.")
    else:
        say("Nothing was set aside there.")


def resolve(
    front: Front,
    *,
    mapping: Mapping,
    answer: Answer,
    left: Left = None,
    right: Right = None,
    yes: Yes = False,
) -> int:
    """Answer a question about records, and carry the answer out at once.

    A conflict takes send, get or merge; a deletion takes restore or delete; both take uncouple and skip.
    """
    from twofold.app.errors import resolve as carry_out

    with front.opened(yes=yes) as context:
        with watched(sides(context)) as progress:
            report = carry_out(context, mapping, answer, left or (), right or (), progress)
        return conclude(front, report, sides(context))
