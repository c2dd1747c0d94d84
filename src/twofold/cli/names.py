"""Names as people write and read them: mappings, connections, ways; it must never load Polars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twofold.core.names import closest
from twofold.errors import Refused

if TYPE_CHECKING:
    from twofold.app.context import Context


def mapping_name(context: Context, name: str) -> str:
    """The mapping as it is spelt, configured or not any more; raises `Refused` naming the nearest."""
    kept = context.store.configuration
    known = [*kept.mappings(), *kept.removed()]
    found = next((own for own in known if own.lower() == name.lower()), None)
    if found is None:
        rest = (
            f" There are: {', '.join(known)}."
            if known
            else " Nothing is configured yet: run `twofold apply`."
        )
        raise Refused(f'There is no mapping "{name}".{closest(name, known)}{rest}')
    return found


@dataclass(frozen=True, slots=True)
class Sides:
    """The connections of each mapping, for headings and directions."""

    names: dict[str, tuple[str, str]]

    def of(self, mapping: str) -> tuple[str, str]:
        """The left and the right connection; the bare words for a mapping that is no longer configured."""
        return self.names.get(mapping, ("left", "right"))

    def way(self, mapping: str, direction: str | None) -> str:
        """A direction as an arrow between connections."""
        left, right = self.of(mapping)
        match direction:
            case "to_right":
                return f"{left} -> {right}"
            case "to_left":
                return f"{right} -> {left}"
            case _:
                return f"{left} <-> {right}"


def sides(context: Context) -> Sides:
    """The connections of the configured mappings."""
    definitions: dict[str, Any] = context.store.configuration.mappings()
    return Sides({name: (_connection(d, "left"), _connection(d, "right")) for name, d in definitions.items()})


def _connection(definition: dict[str, Any], side: str) -> str:
    return str(definition.get(side, {}).get("connection", side))
