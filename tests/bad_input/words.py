"""Bad input on the command line: what was typed, and what it was typed about."""

from __future__ import annotations

from collections.abc import Sequence

from .case import Case, both, gone, sql
from .place import Outcome, Place, in_process

NEW_CUSTOMER = "INSERT INTO customer (number, name) VALUES ('30000', 'School')"
KNOWN = 'Did you mean "CUSTOMER"? There are: CURRENCY, CUSTOMER, VISIT.'
ARRAY = ("a JSON array of 2 texts", "customer, day of visit", "single quotes")


def _begun_anew(place: Place) -> None:
    """A workspace with a file of which nothing was applied yet."""
    place.file("twofold.db").unlink()
    assert in_process(place, ("init",)).code == 0


def _account(place: Place) -> str:
    return str(place.ask("crm", "SELECT id FROM account WHERE number = '10000'")[0][0])


def _with_account(place: Place, arguments: Sequence[str]) -> Outcome:
    """ACCOUNT stands for the account that is coupled with 10000."""
    key = _account(place)
    return in_process(place, [key if word == "ACCOUNT" else word for word in arguments])


def _pairs(place: Place) -> None:
    place.sql("erp", NEW_CUSTOMER)
    place.write(f"left_key,right_key\n30000,{_account(place)}\n", "pairs.csv")


def _in_a_file(place: Place, words: Sequence[str]) -> Outcome:
    """The workspace is the file."""
    inside = Place(place.file("twofold.yaml"), place.capture, place.request)
    return in_process(inside, [word for word in words if word not in _OWN])


_OWN = ("--workspace", "twofold.yaml")


COMMANDS = [
    Case("an unknown command", ("snyc",), ("Did you mean 'sync'?", "twofold --help")),
    Case("an unknown option", ("sync", "--ful"), ("Did you mean --full?", "twofold sync --help")),
    Case("too many words", ("apply", "a.yaml", "b.yaml"), ("does not take b.yaml", "twofold apply --help")),
    Case("a missing argument", ("couplings",), ("MAPPING", "twofold couplings --help")),
    Case("an option without its value", ("couplings", "CUSTOMER", "--limit"), ("--limit",)),
    Case("a negative limit", ("couplings", "CUSTOMER", "--limit", "-3"), ("--limit", "Write 0 or more")),
    Case("a number that is none", ("job", "last"), ("ID", "Write a whole number")),
    Case("a word that is no choice", ("sync", "--direction", "toright"), ('Did you mean "to_right"?',)),
    Case("an unknown answer", ("resolve", "CUSTOMER", "snd", "--left", "10000"), ('Did you mean "send"?',)),
    Case("an unknown mapping", ("sync", "CUSTOMR"), (KNOWN,)),
    Case("an unknown mapping of a list", ("couplings", "CUSTOMR"), (KNOWN,)),
    Case("a mapping without a name", ("sync", ""), ("There are: CURRENCY, CUSTOMER, VISIT.",)),
    Case("a job that is not there", ("job", "99"), ("There is no job 99.",)),
    Case("an empty key", ("sync", "CUSTOMER", "--left", ""), ("--left names no record", "Write --left KEY")),
    Case("keys without a mapping", ("sync", "--left", "10000"), ("write `twofold sync MAPPING --left KEY`",)),
    Case("a key of several parts, one missing", ("sync", "VISIT", "--left", '["10000"]'), ARRAY),
    Case("a key of several parts without quotes", ("explain", "VISIT", "--left", "[10000,x]"), ARRAY),
    Case(
        "a key of several parts to couple",
        ("couple", "VISIT", "--left", "10000", "--right", "10000"),
        ARRAY,
    ),
    Case(
        "a direction that the mapping does not have",
        ("couple", "CURRENCY", "--create", "--right", "EUR"),
        ("CURRENCY goes erp -> crm only",),
    ),
    Case("nobody to uncouple", ("uncouple", "CUSTOMER"), ("Say which records to uncouple", "--all")),
    Case("all uncoupled without a word of agreement", ("uncouple", "CUSTOMER", "--all"), ("Add --yes",)),
    Case("force without a winner", ("sync", "CUSTOMER", "--force"), ("--direction to_right",)),
]

RECORDS = [
    Case(
        "two left records coupled to one right one by hand",
        ("couple", "CUSTOMER", "--left", "30000", "--right", "ACCOUNT"),
        ("is coupled with 10000", "Uncouple them first: twofold uncouple CUSTOMER --right"),
        sql("erp", NEW_CUSTOMER),
        run=_with_account,
    ),
    Case(
        "two left records coupled to one right one by a file",
        ("couple", "CUSTOMER", "--import", "pairs.csv"),
        ("line 1: 30000 /", "is coupled with another one"),
        _pairs,
    ),
    Case(
        "a record that is not there",
        ("couple", "CUSTOMER", "--left", "77", "--right", "88"),
        ("There is no record 77 in customer of erp", "Nothing was coupled"),
    ),
    Case(
        "a value too long for the other side",
        ("sync", "CUSTOMER"),
        ("CUSTOMER 10000", "name: the value has 23 characters", "takes 20", "Shorten it", "truncate: true"),
        sql("erp", "UPDATE customer SET name = 'Adatum Corporation Ltd.' WHERE number = '10000'"),
        code=1,
        recorded=True,
    ),
    Case(
        "a duplicate key on a side",
        ("sync", "CURRENCY", "--full"),
        ("CURRENCY EUR", "Several records have the key EUR", "Choose another `key`"),
        sql(
            "erp",
            "ALTER TABLE currency RENAME TO old",
            "CREATE TABLE currency (code TEXT, name TEXT)",
            "INSERT INTO currency SELECT * FROM old",
            "INSERT INTO currency VALUES ('EUR', 'Another euro')",
            "DROP TABLE old",
        ),
        code=1,
        recorded=True,
    ),
]

WORKSPACES = [
    Case(
        "a run before anything was applied",
        ("sync",),
        ("Nothing is configured yet", "twofold apply"),
        _begun_anew,
    ),
    Case(
        "a folder that is no workspace",
        ("sync",),
        ("is not a workspace yet", "twofold init"),
        both(gone("twofold.db"), gone("twofold.yaml")),
    ),
    Case(
        "a state database that was deleted",
        ("sync",),
        ("no twofold.db", "put it back", "twofold init"),
        gone("twofold.db"),
    ),
    Case(
        "a file as the workspace",
        ("sync", "--workspace", "twofold.yaml"),
        ("twofold.yaml is a file", "--workspace"),
        run=_in_a_file,
    ),
    Case(
        "a file where the workspace would be",
        ("init", "twofold.yaml"),
        ("twofold.yaml", "Name another folder"),
    ),
]


CASES = {"The command line": COMMANDS, "Records": RECORDS, "Workspaces": WORKSPACES}
