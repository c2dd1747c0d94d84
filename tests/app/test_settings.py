"""What a person writes in `twofold.yaml`, and what they are told about it."""

# ruff: noqa: E501 - a case is one line, whole sentences included

import re
import textwrap

import pytest

from twofold.app.settings import Configuration, assemble, load, merge
from twofold.app.starter import starter
from twofold.core.mapping import Lookup, Rule, Schedule, TableMapping, Transform
from twofold.core.names import Direction, UpdateConflict
from twofold.errors import Refused

HEAD = """\
connections:
  erp: {kind: sql, url: "sqlite:///erp.db"}
  crm: {kind: sql, url: "sqlite:///crm.db"}
mappings:
  CUSTOMER:
    left: {connection: erp, table: customer, key: id}
    right: {connection: crm, table: account, key: id}
"""
"""Seven lines; the cases below go on at line 8."""


def document(tail: str) -> str:
    return HEAD + textwrap.indent(textwrap.dedent(tail), "    ")


def problems(text: str, stored: Configuration | None = None) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        load(text, "twofold.yaml", stored)
    return refused.value.problems


def only_mapping(tail: str) -> TableMapping:
    return load(document(tail)).mappings["CUSTOMER"]


BAD_FILES = [
    ("", 1, "The file is empty: write connections: and mappings:."),
    ("- a\n", 1, "The file is not a list of KEY: VALUE pairs"),
    ("connections:\n  erp: {kind: sql\nmappings: {}\n", 3, "a bracket or a comma is missing"),
    ("connections:\n  erp: kind: sql\n", 2, 'put a text that contains ": " in quotes'),
    ("connections:\n\terp: {}\n", 2, "indent with spaces instead of tabs"),
    ("connections:\n  erp: 'x\n", 2, "a quote is not closed"),
    ("connections: *nobody\n", 1, "needs an anchor"),
    ("connections:\n  erp: \x07\n", 2, "control character"),
    ("a: &loop [*loop]\n", 1, "nested too deeply"),
    ("[" * 1200, 1, "nested too deeply"),
    ("connections: {}\nmapings: {}\n", 2, '"mapings" is not a key of the file. Did you mean "mappings"?'),
    ("connections: 5\n", 1, "connections holds no names"),
    ("connections:\n  erp: sql\n", 2, "connection erp: A connection is KEY: VALUE pairs"),
    (
        "connections:\n  erp: {url: x}\n",
        2,
        "connection erp: The connection does not say its kind. Write kind: sql",
    ),
    ("connections:\n  erp: {kid: sql}\n", 2, 'Did you mean "kid"? Write kind instead.'),
    ("connections:\n  erp: {kind: 3}\n", 2, "kind is a word"),
    ("connections:\n  erp: {kind: !odd sql}\n", 2, "!odd is a YAML tag"),
    (
        "connections:\n  erp:\n    kind: sql\n    limit: .nan\n",
        4,
        ".nan is not a number that a record can hold",
    ),
    ("connections:\n  a: {kind: sql}\n  b: {kind: sql}\n  a: {kind: sql}\n", 4, "on lines 2 and 4"),
    ("connections:\n  a:\n    kind: sql\n    password: ${vault:x}\n", 4, "write ${env:NAME} or ${file:PATH}"),
    ("connections:\n  ? [a, b]\n  : {kind: sql}\n", 2, "A key must be a plain text"),
    (HEAD + "    fields: [{left: a, right: b}]\n  CUSTOMER:\n    left: {}\n", 9, "on lines 5 and 9"),
    ("mappings:\n  A:\n", 2, "A: The mapping is empty: write KEY: VALUE pairs."),
    (
        "mappings:\n  A: {fields: []}\n",
        2,
        "A table mapping needs left: write left: {connection: NAME, table: NAME}.",
    ),
]

PAIR = "fields: [{left: name, right: name}]\n"

BAD_MAPPINGS = [
    ("fields:\n", 8, "The mapping has no fields: add - {left: FIELD, right: FIELD}."),
    (PAIR + "directon: both\n", 9, '"directon" is not a key of a table mapping. Did you mean "direction"?'),
    (PAIR + "direction: to_rigth\n", 9, 'direction is "to_rigth"; write one of both, to_right, to_left. Did you mean "to_right"?'),
    (PAIR + "update_conflict: 3\n", 9, "update_conflict is 3; write one of merge, send, get, ask."),
    (PAIR + "key_from: guid\n", 9, 'key_from is "guid"; write one of uuid, system, mapped.'),
    (PAIR + "enabled: yes\n", 9, 'enabled is "yes": write true or false.'),
    (PAIR + "name: X\n", 9, "The name of a mapping is written before its colon, here CUSTOMER: remove name."),
    (PAIR + "depends_on: CUSTOMR\n", 9, 'depends_on names "CUSTOMR", which is not a mapping. Did you mean "CUSTOMER"?'),
    (PAIR + "depends_on:\n  - CUSTOMER\n", 9, "depends_on runs in a circle: CUSTOMER -> CUSTOMER."),
    (PAIR + "match:\n  - [name]\n  - [nam]\n", 11, 'match names "nam", which is not the left field'),
    (PAIR + "match:\n  - name\n  - mail\n", 11, 'match names "mail", which is not the left field'),
    (PAIR + "match: [[]]\n", 9, "A match group is empty"),
    (PAIR + "match: [name, [name]]\n", 9, 'An item of match is "name": write a list, [A, B].'),
    (PAIR + "schedule: {every: 30}\n", 9, "every is 30: write a number and d, h, m or s, such as 30m."),
    (PAIR + "schedule: often\n", 9, '"often" is not a period: write a number and d, h, m or s, such as 30m or 12h.'),
    (PAIR + "schedule: {evry: 3m}\n", 9, '"evry" is not a key of a schedule. Did you mean "every"?'),
    (PAIR + "templates:\n  right:\n    - {when: {a: b}}\n", 11, "A template needs set: write set: {FIELD: VALUE}."),
    (PAIR + "templates:\n  right:\n    - {set: {}}\n", 11, "The template sets nothing"),
    (PAIR + "templates:\n  right:\n    - {set: {a: 1}}\n    - {set: {a: 2}}\n", 11, "Template 1 has no when"),
    (PAIR + "templates: {rigth: []}\n", 9, '"rigth" is not a key of templates. Did you mean "right"?'),
    (PAIR + "feed: modified\n", 9, "feed is modified, but the left names no such field: add modified: FIELD"),
    ("fields:\n  - {left: a, right: b}\n  - {left: c, rigth: d}\n", 10, '"rigth" is not a key of a field mapping. Did you mean "right"?'),
    ("fields:\n  - name\n", 9, 'An item of fields is "name": write KEY: VALUE pairs.'),
    ("fields:\n  - {left: 5, right: a}\n", 9, 'left is 5: write it in quotes, "5".'),
    ("fields:\n  - {left: a, right: b, constant: [1]}\n", 9, "constant is a list: write a text, a number, true or false."),
    ("fields:\n  - left: a\n    right: b\n    transform: [trim, trimm]\n", 11, "trimm"),
    ("fields:\n  - left: a\n    right: b\n    transform: [[trim]]\n", 11, "write the name of a rule, or {NAME: {PARAMETER: VALUE}}"),
    ("fields:\n  - left: a\n    right: b\n    transform:\n      to_rigth: [trim]\n", 12, '"to_rigth" is not a key of transform. Did you mean "to_right"?'),
    ("fields:\n  - left: a\n    right: b\n    lookup: CUSTOMR\n", 11, 'The lookup of "a" names "CUSTOMR", which is not a mapping. Did you mean "CUSTOMER"?'),
    ("fields:\n  - left: a\n    right: b\n    lookup: {mapping: CUSTOMER, lft: x}\n", 11, '"lft" is not a key of a lookup. Did you mean "left"?'),
    ("fields:\n  - left: a\n    right: b\n    options: {A: 1, B: 1}\n", 11, '"a" also travels to the left, where 1 could mean A or B'),
    ("fields:\n  - {left: a, right: b}\n  - {left: c, right: b}\n", 10, '"b" on the right is written twice, by fields 1 and 2'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "part"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_file_that_cannot_be_used_says_where_and_why(text: str, line: int, part: str) -> None:
    told = problems(text)
    assert any(sentence.startswith(f"twofold.yaml:{line}: ") and part in sentence for sentence in told), told


@pytest.mark.parametrize(("tail", "line", "part"), BAD_MAPPINGS, ids=range(len(BAD_MAPPINGS)))
def test_a_mapping_that_cannot_be_used_says_where_and_why(tail: str, line: int, part: str) -> None:
    told = problems(document(tail))
    assert [
        sentence
        for sentence in told
        if sentence.startswith(f"twofold.yaml:{line}: CUSTOMER: ") and part in sentence
    ], told
    assert len(told) == 1 or "feed" in tail, told


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = document("fields: [{left: a, right: b, x: 1}]\ndirection: up\n").replace(
        "connection: crm", "connection: crn"
    )
    with pytest.raises(Refused) as refused:
        load(text)
    assert str(refused.value) == "twofold.yaml has 2 problems; nothing was changed."
    assert [int(sentence.split(":")[1]) for sentence in refused.value.problems] == [8, 9]


def test_one_problem_is_not_called_problems() -> None:
    with pytest.raises(Refused, match=r"^my\.yaml has 1 problem; nothing was changed\.$"):
        load("", "my.yaml")


def test_an_unknown_connection_names_the_nearest() -> None:
    text = document(PAIR).replace("connection: crm", "connection: crn")
    assert problems(text) == ('twofold.yaml:7: CUSTOMER: There is no connection "crn". Did you mean "crm"?',)


def test_a_filter_that_cannot_be_read_is_marked_under_its_place() -> None:
    text = document(PAIR).replace("table: account", 'table: account, filter: {city: "(Oslo"}')
    (sentence,) = problems(text)
    shown, marked = sentence.split("\n")
    assert shown[: marked.index("^") + 1].endswith("(")
    assert shown.startswith("twofold.yaml:7: CUSTOMER: (Oslo is not a filter expression")


def test_a_text_with_three_thousand_mappings_worth_of_aliases_is_refused_quickly() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert "nested too deeply" in problems(bomb)[0]


# -- what is understood ------------------------------------------------------------------------------------

DESIGN = """\
connections:
  erp: {kind: sql, url: "sqlite:///erp.db"}                   # relative to the workspace
  crm:
    kind: dataverse
    url: https://contoso.crm.dynamics.com
    auth: {tenant_id: ..., client_id: ..., client_secret: "${env:CRM_SECRET}"}

mappings:
  CURRENCY:
    left:  {connection: erp, table: currency, key: code, modified: modified_at}
    right: {connection: crm, table: transactioncurrency, key: transactioncurrencyid, modified: modifiedon}
    direction: to_right
    fields:
      - {left: code, right: isocurrencycode}
  CUSTOMER:
    left:  {connection: erp, table: customer, key: id, modified: modified_at, filter: {blocked: "''"}}
    right: {connection: crm, table: account, key: accountid, modified: modifiedon, filter: {statecode: "0"}}
    direction: both                       # both | to_right | to_left
    synch_only_coupled_records: true
    update_conflict: merge                # merge | send | get | ask      (see below)
    deletion_conflict: ask                # ask | restore | uncouple | delete
    depends_on: [CURRENCY]                # lookups add theirs by themselves
    match: [[number], [email, name]]      # priority groups of left fields: independent alternatives, each an AND
    templates:                            # set only when a record is created, never over a mapped value
      right: [{when: {country: "US|CA"}, set: {ownershipcode: 1}}]
    fields:
      - {left: name, right: name}
      - {left: number, right: accountnumber, direction: to_right}
      - {left: email, right: emailaddress1}
      - {left: credit_limit, right: creditlimit, direction: to_right}
      - {right: customertypecode, constant: 3}
      - {left: currency_code, right: transactioncurrencyid, lookup: CURRENCY, clear_value_on_failed_sync: true}
      - {left: payment_terms, right: paymenttermscode, options: {NET30: 1, NET45: 3}}
      - {left: home_page, right: websiteurl, transform: {to_right: [trim, lowercase]}, enabled: true}
    schedule: {every: 30m, inactivity_timeout: 12h}
"""


def test_the_example_of_the_documentation_means_what_it_says() -> None:
    configuration = load(DESIGN)
    customer = configuration.mappings["CUSTOMER"]
    by_name = {pair.label: pair for pair in customer.fields}
    assert configuration.connections["crm"]["auth"]["client_secret"] == "${env:CRM_SECRET}"
    assert customer.direction is Direction.BOTH
    assert customer.update_conflict is UpdateConflict.MERGE
    assert customer.match == (("number",), ("email", "name"))
    assert customer.left.filter == {"blocked": "''"}
    assert customer.templates.right[0].when == {"country": "US|CA"}
    assert customer.schedule == Schedule("30m", "12h")
    assert by_name["customertypecode"].constant == 3
    assert by_name["currency_code"].lookup == Lookup("CURRENCY")
    assert by_name["payment_terms"].options == {"NET30": 1, "NET45": 3}
    assert by_name["home_page"].transform == Transform(to_right=(Rule("trim"), Rule("lowercase")))


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("match: name", "match: [[name]]"),
        ("match: [name, mail]", "match: [[name, mail]]"),
        ("schedule: 15m", "schedule: {every: 15m}"),
        ("schedule: {}", "schedule: {every: 30m}"),
        ("templates: {left: [{set: {a: 1}, when: {b: 0010}}]}", "templates: {left: [{set: {a: 1}, when: {b: '0010'}}]}"),
        ("direction:", "direction: both"),
    ],
)  # fmt: skip
def test_a_short_form_of_a_mapping_means_its_long_form(short: str, long: str) -> None:
    fields = "fields: [{left: name, right: name}, {left: mail, right: mail}]\n"
    assert only_mapping(f"{fields}{short}\n") == only_mapping(f"{fields}{long}\n")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("lookup: CUSTOMER", "lookup: {mapping: CUSTOMER}"),
        ("transform: trim", "transform: {to_right: [trim], to_left: [trim]}"),
        ("transform: [trim]", "transform: {to_right: [trim], to_left: [trim]}"),
        ("transform: [trim], direction: to_left", "transform: {to_left: [trim]}, direction: to_left"),
        ("transform: {to_right: trim}", "transform: {to_right: [trim]}"),
        (
            "transform: {substring: {start: 4, length: 3}}, direction: to_right",
            "transform: {to_right: [{substring: {start: 4, length: 3}}]}, direction: to_right",
        ),
        ("options: {1: A, true: B}", "options: {'1': A, 'true': B}"),
    ],
)
def test_a_short_form_of_a_field_means_its_long_form(short: str, long: str) -> None:
    def pair(words: str) -> TableMapping:
        return only_mapping(f"fields: [{{left: a, right: a}}, {{left: name, right: name, {words}}}]\n")

    assert pair(short) == pair(long)


def test_a_single_key_or_dependency_needs_no_list() -> None:
    text = DESIGN.replace("depends_on: [CURRENCY]", "depends_on: CURRENCY").replace("key: id", "key: [id]")
    assert load(text) == load(DESIGN)


def test_filter_values_are_taken_as_they_are_written() -> None:
    text = document(PAIR).replace(
        "table: account", "table: account, filter: {a: 0, b: 0010, c: true, d: 1.50, e: 2024-01-31}"
    )
    assert load(text).mappings["CUSTOMER"].right.filter == {"a": "0", "b": "0010", "c": "true", "d": "1.50", "e": "2024-01-31"}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "value"),
    [("3", 3), ("-7", -7), ("0x1F", 31), ("0010", "0010"), ("1_000", "1_000"), ("1.5", 1.5), ("1e3", 1000.0),
     ("true", True), ("no", "no"), ("2024-01-31", "2024-01-31"), ("'5'", "5"), ("''", "")],
)  # fmt: skip
def test_a_constant_keeps_the_type_it_is_written_in(written: str, value: object) -> None:
    constant = (
        only_mapping(f"fields: [{{left: a, right: b}}, {{right: c, constant: {written}}}]\n")
        .fields[1]
        .constant
    )
    assert (constant, type(constant)) == (value, type(value))


def test_anchors_and_merge_keys_are_understood_and_own_keys_win() -> None:
    text = document(PAIR).replace("left: {", "left: &side {").replace(
        "right: {connection: crm, table: account, key: id}", "right: {<<: *side, connection: crm}"
    )  # fmt: skip
    right = load(text).mappings["CUSTOMER"].right
    assert (right.connection, right.table, right.key) == ("crm", "customer", ("id",))


def test_mappings_keep_the_order_of_the_file() -> None:
    assert list(load(DESIGN).mappings) == ["CURRENCY", "CUSTOMER"]


# -- with what is stored -----------------------------------------------------------------------------------

CURRENCY_ONLY = DESIGN[: DESIGN.index("  CUSTOMER:")]
CUSTOMER_ONLY = "mappings:\n" + DESIGN[DESIGN.index("  CUSTOMER:") :]


def test_a_file_may_refer_to_what_is_stored() -> None:
    stored = load(CURRENCY_ONLY)
    assert list(load(CUSTOMER_ONLY, stored=stored).mappings) == ["CUSTOMER"]
    assert len(problems(CUSTOMER_ONLY)) == 4


def test_a_circle_through_a_stored_mapping_is_found() -> None:
    stored = load(DESIGN)
    text = CURRENCY_ONLY + "    depends_on: CUSTOMER\n"
    (sentence,) = problems(text, stored)
    assert "CURRENCY -> CUSTOMER -> CURRENCY" in sentence
    assert sentence.startswith("twofold.yaml:15: CURRENCY: ")


def test_applying_leaves_alone_what_the_file_does_not_name_unless_pruned() -> None:
    stored, new = load(DESIGN), load(CURRENCY_ONLY.replace("to_right", "both"))
    merged = merge(stored, new)
    assert merged.mappings["CURRENCY"].direction is Direction.BOTH
    assert merged.mappings["CUSTOMER"] == stored.mappings["CUSTOMER"]
    assert list(merge(stored, new, prune=True).mappings) == ["CURRENCY"]


def test_a_stored_configuration_has_no_lines_to_name() -> None:
    from twofold.app.definitions import definition
    from twofold.core.mapping import Problem

    read = load(DESIGN)
    stored = assemble(read.connections, [definition(m) for m in read.mappings.values()])
    assert stored == read
    problem = Problem(("mappings", "CUSTOMER", "fields", 1), "Odd.")
    assert stored.sentences([problem]) == ("CUSTOMER: Odd.",)
    assert read.sentences([problem]) == ("twofold.yaml:28: CUSTOMER: Odd.",)


def test_the_starter_file_loads_and_explains_itself() -> None:
    configuration = load(starter('sqlite:///a "b".db'))
    assert configuration.connections["erp"]["url"] == 'sqlite:///a "b".db'
    assert list(configuration.mappings) == ["CURRENCY", "CUSTOMER"]
    assert len(re.findall(r"#", configuration.text)) > 10
