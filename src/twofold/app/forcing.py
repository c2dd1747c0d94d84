"""Says which side wins a forced run; it must never guess where both could."""

from __future__ import annotations

from collections.abc import Sequence

from twofold.app.context import Context
from twofold.app.runs import chosen
from twofold.core.names import Direction
from twofold.errors import Refused


def forced_direction(
    context: Context,
    names: Sequence[str],
    direction: Direction | None,
    left: Sequence[str],
    right: Sequence[str],
) -> Direction:
    """The one-way direction whose source wins.

    It is the direction asked for, else away from the side whose keys are named, else the only one that the
    mappings have; raises `Refused` where that leaves both.
    """
    if direction is not None and direction is not Direction.BOTH:
        return direction
    if bool(left) != bool(right):
        return Direction.TO_RIGHT if left else Direction.TO_LEFT
    ways = {mapping.direction for mapping in chosen(context, names)}
    if len(ways) == 1 and Direction.BOTH not in ways:
        return ways.pop()
    two_way = [mapping.name for mapping in chosen(context, names) if mapping.direction is Direction.BOTH]
    subject = f"{', '.join(two_way)} goes both ways" if two_way else "The mappings go different ways"
    raise Refused(
        f"{subject}, so --force must know which side wins: add --direction to_right (the left wins), "
        "--direction to_left (the right wins), or name records of one side with --left or --right."
    )
