"""Systems, state databases and disks that do not do what a run needs."""

from __future__ import annotations

from functools import partial

from .case import APPLY, Case, both, folder_instead, gone, sql
from .conditions import (
    changed_password,
    guarded_state,
    humbly,
    into_a_full_device,
    locked,
    on_a_full_disk,
    only_a_reader,
    protected,
    state_at,
    wrong_password,
)
from .place import CONFIGURATION, STATE

EDIT = "UPDATE customer SET city = 'Skagen' WHERE number = '10000'"
MANY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
    "INSERT INTO customer (number, name, city) SELECT 'N' || i, 'Customer ' || i, hex(randomblob(200)) FROM n"
)
CREATES = CONFIGURATION.replace("match: number", "match: number\n    synch_only_coupled_records: false")


LATER = "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '0999_later', '2030-01-01')"

RUN = ("sync",)
AGAIN = "run the same command again"

SYSTEMS = [
    Case(
        "a password that fails, at apply",
        APPLY,
        ("twofold.yaml:3", "refused the user or the password", "Correct the url"),
        wrong_password,
    ),
    Case(
        "a password that fails, in a run",
        RUN,
        ("refused the user or the password", "Correct the url", AGAIN),
        changed_password,
        code=3,
    ),
    Case(
        "a database that the user may only read",
        RUN,
        ('connection "crm" does not allow this', "Grant the user", AGAIN),
        both(only_a_reader, sql("erp", EDIT)),
        code=3,
    ),
    Case(
        "a database that is locked",
        RUN,
        ('connection "crm" is locked by another program', AGAIN),
        both(sql("erp", EDIT), locked),
        code=3,
    ),
    Case(
        "a database that is read-only",
        RUN,
        ('connection "crm" may only be read', "may write to", AGAIN),
        both(sql("erp", EDIT), protected("crm.db")),
        code=3,
        run=humbly,
    ),
    Case(
        "a database that was deleted", RUN, ("crm.db, which is not there", "correct the url"), gone("crm.db")
    ),
    Case(
        "a folder instead of a database",
        RUN,
        ("is a folder", "Name a database file"),
        folder_instead("crm.db"),
    ),
    Case(
        "a file that is no database",
        RUN,
        ("cannot be read as a database", "Check the file", AGAIN),
        lambda place: place.write("no database at all\n" * 99, "crm.db"),
        code=3,
    ),
    Case(
        "an empty file as database",
        RUN,
        ("CURRENCY", 'has no table "currency"', "twofold check"),
        lambda place: place.write("", "crm.db"),
    ),
    Case(
        "a table that was renamed",
        RUN,
        ("CUSTOMER", 'has no table "account"', 'Did you mean "accounts"?', "Nothing was done"),
        both(
            sql("erp", EDIT, "UPDATE currency SET name = 'Crown'"),
            sql("crm", "ALTER TABLE account RENAME TO accounts"),
        ),
    ),
    Case(
        "a field that was renamed",
        ("sync", "CUSTOMER"),
        ("CUSTOMER does not fit its tables", 'no field "city"', AGAIN),
        both(sql("erp", EDIT), sql("crm", "ALTER TABLE account RENAME COLUMN city TO town")),
        code=3,
    ),
]

STATES = [
    Case(
        "a state database of a newer version",
        RUN,
        ("was made by a newer version", "0999_later", "Install that version"),
        sql("twofold", LATER),
    ),
    Case(
        "a state database that is none",
        RUN,
        ("twofold.db is not a database file", "move that file away"),
        lambda place: place.write("no database at all\n" * 99, STATE),
    ),
    Case(
        "a database of something else as state",
        RUN,
        ("is a database of something else", "Choose another path"),
        lambda place: place.write(place.file("erp.db").read_bytes(), STATE),
    ),
    Case("a folder as state database", RUN, ("twofold.db is a folder", "Name a file"), folder_instead(STATE)),
    Case(
        "a state database that is read-only",
        RUN,
        ("twofold.db is read-only", "right to write there"),
        protected(STATE),
        run=humbly,
    ),
    Case(
        "a workspace without write permission",
        RUN,
        ("WORKSPACE is read-only", "right to write there"),
        protected(".", 0o555),
        run=humbly,
    ),
    Case(
        "a new workspace without write permission",
        ("init", "new"),
        ("new cannot be made", "Name another folder"),
        protected(".", 0o555),
        run=humbly,
    ),
    Case(
        "a state database of an unknown kind",
        RUN,
        ('"mysql" is not a state database', "sqlite:///FILE"),
        state_at("mysql://me@host/state"),
    ),
    Case(
        "a state database of which the URL is not complete",
        RUN,
        ("not complete", "postgresql://USER:PASSWORD@HOST"),
        state_at("postgresql://host"),
    ),
    Case(
        "a state database that refuses the password",
        RUN,
        ("refused the user or the password", "Correct TWOFOLD_DATABASE_URL"),
        guarded_state,
    ),
]

DISKS = [
    Case(
        "a full disk below the other system",
        ("sync", "CUSTOMER"),
        ("has no space left", "Make room", AGAIN),
        both(lambda place: place.apply(CREATES), sql("erp", MANY)),
        code=3,
        run=partial(on_a_full_disk, "crm.db"),
    ),
    Case(
        "a full disk below the workspace",
        ("sync",),
        ("twofold.db", "disk is full. Make room"),
        sql("erp", EDIT),
        code=3,
        run=partial(on_a_full_disk, "."),
    ),
    Case(
        "a full disk below what is printed",
        ("couplings", "CUSTOMER"),
        ("No space left on device", AGAIN.removeprefix("run the same ")),
        code=3,
        run=into_a_full_device,
        mute=True,
    ),
    Case(
        "a file that cannot be written",
        ("export", "--out", "nowhere/twofold.yaml"),
        ("nowhere/twofold.yaml cannot be written", "Name another file"),
    ),
]

CASES = {"Systems": SYSTEMS, "The state database": STATES, "Disks": DISKS}
