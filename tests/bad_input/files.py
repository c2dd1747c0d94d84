"""Bad input in the configuration file: every one is refused at `apply`, with its line."""

from __future__ import annotations

from .case import APPLY, Case, edited, folder_instead, gone, written
from .place import CONFIGURATION, Place

ACCOUNT = "{connection: crm, table: account, key: id}"
CUSTOMER = "{connection: erp, table: customer, key: number}"
CRM = '{kind: sql, url: "sqlite:///crm.db", timeout: 0}'
NOTHING_CHANGED = "nothing was changed."


def case(title: str, old: str, new: str, *says: str) -> Case:
    """A file that differs from a good one in one place."""
    return Case(title, APPLY, (*says, NOTHING_CHANGED), edited(old, new))


def _no_database(place: Place) -> None:
    url = place.request.getfixturevalue("postgresql_url").replace("/test_", "/tset_")
    place.write(CONFIGURATION.replace('"sqlite:///crm.db"', f'"{url}"'))


YAML = [
    case(
        "a misspelt key of a mapping",
        "direction: both",
        "directon: both",
        "twofold.yaml:18: CUSTOMER",
        'Did you mean "direction"?',
    ),
    case(
        "a misspelt key of a field",
        "lookup: CURRENCY",
        "lokup: CURRENCY",
        "twofold.yaml:24: CUSTOMER",
        'Did you mean "lookup"?',
    ),
    case(
        "a misspelt key of a side",
        "table: account",
        "tabel: account",
        "twofold.yaml:17: CUSTOMER",
        'Did you mean "table"?',
    ),
    case("a misspelt section", "mappings:", "mapings:", "twofold.yaml:5", 'Did you mean "mappings"?'),
    case(
        "a misspelt setting of a connection",
        "timeout: 0",
        "tiemout: 0",
        "twofold.yaml:3",
        'Did you mean "timeout"?',
    ),
    case(
        "a comma that makes a key of a value",
        "key: number}",
        "key: number, name}",
        "twofold.yaml:16",
        '"name" is not a key',
    ),
    case(
        "a word that is no choice",
        "direction: both",
        "direction: sideways",
        "twofold.yaml:18",
        "both, to_right, to_left",
    ),
    case(
        "no where true or false is needed",
        "    match: number",
        "    enabled: no",
        "twofold.yaml:19",
        "write true or false",
    ),
    case(
        "one name for two mappings", "  CUSTOMER:", "  CURRENCY:", "on lines 6 and 15", "remove or rename one"
    ),
    case(
        "two names that differ only in case",
        "  CUSTOMER:",
        "  Currency:",
        "twofold.yaml:15",
        "Rename one of them",
    ),
    case(
        "the name of an applied mapping in another case",
        "  VISIT:",
        "  Visit:",
        "twofold.yaml:26",
        "write it the same way",
    ),
    case(
        "a mapping without fields",
        "    fields:\n      - {left: customer, right: customer}\n      - {left: day, right: day}\n",
        "",
        "twofold.yaml:26: VISIT",
        "add - {left: FIELD, right: FIELD}",
    ),
    case(
        "a mapping with one side", f"    right: {ACCOUNT}\n", "", "twofold.yaml:15: CUSTOMER", "write right:"
    ),
    case(
        "a direction that no field serves",
        "direction: both",
        "direction: to_left\n    # was both",
        "twofold.yaml:22: CUSTOMER",
        "goes to_right, but the mapping goes to_left: change one of them",
    ),
    case(
        "a circle of depends_on",
        "    match: number",
        "    match: number\n    depends_on: CUSTOMER",
        "twofold.yaml:20: CUSTOMER",
        "CUSTOMER -> CUSTOMER",
        "Remove one of these",
    ),
    Case(
        "a circle of depends_on over two mappings",
        APPLY,
        ("twofold.yaml:11", "CURRENCY -> CUSTOMER -> CURRENCY", "Remove one of these", NOTHING_CHANGED),
        written(
            CONFIGURATION.replace("match: code", "match: code\n    depends_on: CUSTOMER").replace(
                "match: number", "match: number\n    depends_on: CURRENCY"
            )
        ),
    ),
    case(
        "a dependency that is no mapping",
        "    match: number",
        "    match: number\n    depends_on: CURENCY",
        "twofold.yaml:20",
        'Did you mean "CURRENCY"?',
    ),
]

TABLES = [
    case(
        "an unknown connection",
        "connection: crm, table: account",
        "connection: cmr, table: account",
        "twofold.yaml:17: CUSTOMER",
        'Did you mean "crm"?',
    ),
    case(
        "an unknown table",
        "table: account",
        "table: acount",
        "twofold.yaml:17: CUSTOMER",
        'Did you mean "account"?',
    ),
    case(
        "an unknown field",
        "right: city",
        "right: citty",
        "twofold.yaml:23: CUSTOMER",
        'Did you mean "city"?',
    ),
    case("an unknown key field", "key: number", "key: nummer", "twofold.yaml:16: CUSTOMER", "Did you mean"),
    case(
        "a key field with a blank in its name",
        "key: number",
        "key: 'number '",
        "twofold.yaml:16: CUSTOMER",
        'Did you mean "number"?',
    ),
    case(
        "an unknown match field",
        "match: number",
        "match: nmuber",
        "twofold.yaml:19: CUSTOMER",
        'Did you mean "number"?',
    ),
    case(
        "a pair of fields that cannot be compared",
        "{left: city, right: city}",
        "{left: since, right: active}",
        "twofold.yaml:23: CUSTOMER",
        "cannot be compared",
        "pair one of them with a text field",
    ),
    case(
        "a filter that does not parse",
        CUSTOMER,
        CUSTOMER.replace("}", ", filter: {city: '(A|B'}}"),
        "twofold.yaml:16: CUSTOMER",
        "\n" + " " * 27 + "^",
        "Write ) where it ends",
    ),
    case(
        "a filter on an unknown field",
        CUSTOMER,
        CUSTOMER.replace("}", ", filter: {cty: A}}"),
        "twofold.yaml:16: CUSTOMER",
        'Did you mean "city"?',
    ),
    case(
        "a filter that does not fit its field",
        CUSTOMER,
        CUSTOMER.replace("}", ", filter: {since: soon}}"),
        "twofold.yaml:16: CUSTOMER",
        "since",
    ),
]

CONNECTIONS = [
    case(
        "a URL that is none",
        "sqlite:///crm.db",
        "sqlite//crm.db",
        "twofold.yaml:3",
        "is not a database URL",
        "such as sqlite:///",
    ),
    case(
        "a URL for an unknown database",
        "sqlite:///crm.db",
        "postgressql://me@host/crm",
        "twofold.yaml:3",
        'Did you mean "postgresql"?',
    ),
    case(
        "a URL to a file that is not there",
        "sqlite:///crm.db",
        "sqlite:///cmr.db",
        "twofold.yaml:3",
        "cmr.db, which is not there",
        "correct the url",
    ),
    case(
        "a URL to a folder",
        "sqlite:///crm.db",
        "sqlite:///",
        "twofold.yaml:3",
        "Name a file",
    ),
    Case(
        "a URL to a database that the server does not have",
        APPLY,
        ("twofold.yaml:3", "has no such database", "Correct the url", NOTHING_CHANGED),
        _no_database,
    ),
    case("no URL", CRM, "{kind: sql}", "twofold.yaml:3", "needs a url"),
    case(
        "an unknown kind of connection", CRM, CRM.replace("sql,", "sqll,"), "twofold.yaml:3", "Did you mean"
    ),
    case(
        "a missing environment variable",
        "sqlite:///crm.db",
        "sqlite:///${env:TWOFOLD_TEST_CRM}",
        "twofold.yaml:3: connection crm: url",
        "TWOFOLD_TEST_CRM is not set. Set it",
    ),
    case(
        "a reference that is none",
        "sqlite:///crm.db",
        "sqlite:///${evn:CRM}",
        "twofold.yaml:3: connection crm",
        "write ${env:NAME} or ${file:PATH}",
    ),
    case(
        "a missing file with a secret",
        "sqlite:///crm.db",
        "sqlite:///${file:secret.txt}",
        "twofold.yaml:3: connection crm: url",
        "secret.txt cannot be read. Create it",
    ),
]

FORMS = [
    Case("an empty file", APPLY, ("twofold.yaml:1", "write connections: and mappings:"), written("")),
    Case("nothing but remarks", APPLY, ("twofold.yaml:1", "is empty"), written("# later\n")),
    Case("a list", APPLY, ("twofold.yaml:1", "KEY: VALUE"), written("- connections\n- mappings\n")),
    case(
        "a tab as indentation",
        "    direction: both",
        "\tdirection: both",
        "twofold.yaml:18",
        "indent with spaces instead of tabs",
    ),
    case(
        "a wrong indentation", "    match: code", "   match: code", "twofold.yaml:10", "check the indentation"
    ),
    case(
        "a quote that is not closed",
        'sqlite:///crm.db"',
        "sqlite:///crm.db",
        "twofold.yaml:3",
        "quote is not",
    ),
    case("a key without its colon", "direction: both", "direction both", "twofold.yaml:18", "needs a colon"),
    case("a second document", "mappings:", "---\nmappings:", "twofold.yaml:5", "remove the line ---"),
    case("a control character", "direction: both", "direction: \0both", "twofold.yaml:18", "Remove it"),
    Case(
        "a file in another encoding",
        APPLY,
        ("twofold.yaml:18", "not text in UTF-8", "Save it in UTF-8"),
        written(CONFIGURATION.replace("direction: both", "direction: both  # Größe").encode("latin-1")),
    ),
    Case("a file in UTF-16", APPLY, ("Save it in UTF-8",), written(CONFIGURATION.encode("utf-16"))),
    Case(
        "a folder instead of the file",
        APPLY,
        ("is a folder", "Name the file"),
        folder_instead("twofold.yaml"),
    ),
    Case("no file", APPLY, ("There is no file", "twofold init"), gone("twofold.yaml")),
    Case("a misspelt file", ("apply", "twofld.yaml"), ("There is no file", "twofld.yaml", "name the file")),
    Case(
        "a change without a word of agreement",
        ("apply",),
        ("nothing was changed", "Add --yes"),
        edited("direction: both", "direction: to_right"),
    ),
]

CASES = {
    "The configuration file": [*FORMS, *YAML],
    "Tables and fields": TABLES,
    "Connections": CONNECTIONS,
}
