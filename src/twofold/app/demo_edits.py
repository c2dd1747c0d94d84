"""What people do to the demo's two systems between two runs; it must never go through Twofold."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twofold.app.demo_systems import CRM, ERP, ask, database

FIELDS = {
    "number": "accountnumber",
    "name": "name",
    "phone": "telephone1",
    "payment_terms": "paymenttermscode",
    "city": "address1_city",
}
"""How the CRM calls the fields of a customer that the demo edits or shows."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that somebody did: in which system, to which record, and each field's old and new value."""

    system: str
    record: str
    what: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The edit in words."""
        changes = "; ".join(f"{name}: {old} -> {new}" for name, (old, new) in self.changes.items())
        return f"{self.what}: {changes}" if changes and self.what else changes or self.what


@dataclass(frozen=True, slots=True)
class Cast:
    """The records of the story: numbers of customers, and the key of a contact in the CRM."""

    caller: str
    mover: str
    merged: str
    contested: str
    leaver: str


def choose_cast(folder: Path) -> Cast:
    """Danish customers that only the ERP had in the beginning, and somebody who is not a primary contact."""
    made = (
        "SELECT accountnumber FROM account WHERE accountnumber LIKE 'C%' AND address1_country = 'DK' "
        "AND statecode = 0 ORDER BY accountnumber DESC LIMIT 4"
    )
    numbers = [row["accountnumber"] for row in ask(folder / CRM, made)]
    second = (
        "SELECT c.contactid FROM contact c JOIN account a ON a.accountid = c.parentcustomerid "
        "WHERE a.primarycontactid <> c.contactid ORDER BY c.emailaddress1 LIMIT 1"
    )
    caller, mover, merged, contested = numbers
    return Cast(caller, mover, merged, contested, ask(folder / CRM, second)[0]["contactid"])


def customer_of(folder: Path, number: str) -> dict[str, Any]:
    """The customer with this number, as the ERP has it."""
    return ask(folder / ERP, "SELECT * FROM customer WHERE number = ?", number)[0]


def account_of(folder: Path, number: str) -> dict[str, Any]:
    """The account with this number, as the CRM has it."""
    return ask(folder / CRM, "SELECT * FROM account WHERE accountnumber = ?", number)[0]


def person_of(folder: Path, contact: str) -> dict[str, Any] | None:
    """The contact with this key, as the CRM has it."""
    found = ask(folder / CRM, "SELECT * FROM contact WHERE contactid = ?", contact)
    return found[0] if found else None


def edit_records(folder: Path, cast: Cast) -> list[Edit]:
    """A day's work in both systems; what was done, in its order."""
    contested = customer_of(folder, cast.contested)["name"]
    return [
        edit_customer(folder, cast.caller, {"phone": "+45 70 10 20 30"}),
        edit_account(folder, cast.mover, {"city": "Aarhus"}),
        edit_customer(folder, cast.merged, {"payment_terms": _other_terms(folder, cast.merged)}),
        edit_account(folder, cast.merged, {"phone": "+45 33 66 99 00"}),
        edit_customer(folder, cast.contested, {"name": f"{contested} Holding"}),
        edit_account(folder, cast.contested, {"name": f"{contested} Group"}),
        delete_person(folder, cast.leaver),
    ]


def _other_terms(folder: Path, number: str) -> str:
    return "NET30" if customer_of(folder, number)["payment_terms"] == "NET60" else "NET60"


def edit_customer(folder: Path, number: str, values: dict[str, Any]) -> Edit:
    """Somebody in accounting changes a customer in the ERP."""
    before = customer_of(folder, number)
    _update(folder / ERP, "customer", "number", number, values)
    return Edit("erp", _called(before), "", {name: (before[name], value) for name, value in values.items()})


def edit_account(folder: Path, number: str, values: dict[str, Any]) -> Edit:
    """Somebody in sales changes an account in the CRM; `values` by the ERP's field names."""
    before = account_of(folder, number)
    named = {FIELDS[name]: value for name, value in values.items()}
    _update(folder / CRM, "account", "accountnumber", number, named)
    changes = {name: (before[name], value) for name, value in named.items()}
    return Edit("crm", f"{number} {before['name']}", "", changes)


def _called(customer: dict[str, Any]) -> str:
    return f"{customer['number']} {customer['name']}"


def _update(path: Path, table: str, key: str, value: str, values: dict[str, Any]) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    with database(path) as connection:
        # Tables and columns are constants of this demo.
        statement = f"UPDATE {table} SET {assignments} WHERE {key} = ?"  # noqa: S608
        connection.execute(statement, [*values.values(), value])


def delete_person(folder: Path, contact: str) -> Edit:
    """Somebody in sales deletes a contact in the CRM, by mistake."""
    person = person_of(folder, contact) or {}
    with database(folder / CRM) as connection:
        connection.execute("DELETE FROM contact WHERE contactid = ?", [contact])
    return Edit("crm", f"{person['firstname']} {person['lastname']}", "contact deleted, by mistake")
