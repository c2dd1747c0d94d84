"""Gives each field of a mapping its place in a base; it must never give a place a second meaning.

A slot is kept while its field is unconfigured: its digests still name a state that both systems had together.
A changed signature gets a new slot even when it returns to an earlier one, because pairs synchronized in
between did not keep the old slot up to date.
"""

from __future__ import annotations

from collections.abc import Mapping

from twofold.store.models import Slot
from twofold.store.session import Session


def assign_slots(session: Session, mapping: str, signatures: Mapping[str, str]) -> dict[str, int]:
    """The slot of each field identity, given its signature."""
    identity = session.find_mapping(mapping)
    with session.speaking():
        known = _current(session, identity)
    if any(known.get(field, ("", 0))[0] != signature for field, signature in signatures.items()):
        known = _extend(session, identity, signatures)
    return {field: known[field][1] for field in signatures}


def _current(session: Session, identity: int) -> dict[str, tuple[str, int]]:
    rows = session.rows(Slot).filter(mapping_id=identity, current=True)
    return {row.identity: (row.signature, row.number) for row in rows}


def _extend(session: Session, identity: int, signatures: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    with session.transaction() as cursor:
        # Locks the mapping where the transaction alone does not, so that two runs never take one number.
        cursor.execute("UPDATE store_mapping SET position = position WHERE id = %s", [identity])
        known = _current(session, identity)
        stale = [
            field for field, signature in signatures.items() if known.get(field, ("", 0))[0] != signature
        ]
        slots = session.rows(Slot).filter(mapping_id=identity)
        slots.filter(identity__in=[field for field in stale if field in known]).update(current=False)
        first = max(slots.values_list("number", flat=True), default=-1) + 1
        new = [
            Slot(mapping_id=identity, identity=field, signature=signatures[field], number=number)
            for number, field in enumerate(stale, first)
        ]
        session.rows(Slot).bulk_create(new)
    return known | {slot.identity: (slot.signature, slot.number) for slot in new}
