"""Configurations as the state database keeps them, as `apply` compares them, and as `export` writes them."""

import json
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.app.definitions import body, complete, definition, from_definition
from twofold.app.differences import ChangeKind, difference
from twofold.app.export import dump
from twofold.app.settings import Configuration, load
from twofold.app.starter import starter
from twofold.core.mapping import (
    FieldMapping,
    Lookup,
    Rule,
    Schedule,
    TableMapping,
    TableSide,
    Template,
    Templates,
    Transform,
)
from twofold.core.names import (
    Concurrency,
    DeletionConflict,
    Direction,
    FeedKind,
    LookupMissing,
    UpdateConflict,
)
from twofold.errors import StoreBroken

TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
NAMES = (
    st.text(alphabet=string.ascii_letters + "_ .0123456789", min_size=1, max_size=8)
    .map(str.strip)
    .filter(bool)
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
FILLED = SCALARS.filter(lambda value: value is not None)
RULES = st.builds(Rule, NAMES, st.dictionaries(NAMES, SCALARS, max_size=2))
CHAINS = st.lists(RULES, max_size=2).map(tuple)
SIDES = st.builds(
    TableSide,
    connection=NAMES,
    table=NAMES,
    key=st.lists(NAMES, max_size=2).map(tuple),
    modified=st.none() | NAMES,
    row_version=st.none() | NAMES,
    feed=st.none() | st.sampled_from(FeedKind),
    filter=st.dictionaries(NAMES, TEXTS, max_size=2),
)
PAIRS = st.builds(
    FieldMapping,
    left=st.none() | NAMES,
    right=st.none() | NAMES,
    direction=st.sampled_from(Direction),
    constant=SCALARS,
    lookup=st.none() | st.builds(Lookup, NAMES, st.none() | NAMES, st.none() | NAMES),
    lookup_missing=st.sampled_from(LookupMissing),
    options=st.dictionaries(NAMES, SCALARS, max_size=3),
    transform=st.builds(Transform, CHAINS, CHAINS),
    combine=st.lists(NAMES, max_size=3).map(tuple),
    join=TEXTS,
    enabled=st.booleans(),
    not_null=st.booleans(),
)
TEMPLATES = st.lists(
    st.builds(
        Template, st.dictionaries(NAMES, SCALARS, max_size=2), st.dictionaries(NAMES, TEXTS, max_size=2)
    ),
    max_size=2,
).map(tuple)
MAPPINGS = st.builds(
    TableMapping,
    name=NAMES,
    left=SIDES,
    right=SIDES,
    fields=st.lists(PAIRS, max_size=3).map(tuple),
    direction=st.sampled_from(Direction),
    synch_only_coupled_records=st.booleans(),
    update_conflict=st.sampled_from(UpdateConflict),
    deletion_conflict=st.sampled_from(DeletionConflict),
    depends_on=st.lists(NAMES, max_size=2).map(tuple),
    match=st.lists(st.lists(NAMES, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    templates=st.builds(Templates, TEMPLATES, TEMPLATES),
    schedule=st.none() | st.builds(Schedule, TEXTS, st.none() | TEXTS),
    concurrency=st.sampled_from(Concurrency),
    key_from=st.sampled_from([None, "uuid", "system", "mapped"]),
    feed=st.none() | st.sampled_from(FeedKind),
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def starting() -> Configuration:
    return load(starter())


def changed(configuration: Configuration, **values: Any) -> Configuration:
    """The same configuration with another CUSTOMER."""
    customer = replace(configuration.mappings["CUSTOMER"], **values)
    return replace(configuration, mappings={**configuration.mappings, "CUSTOMER": customer})


# -- definitions -------------------------------------------------------------------------------------------


@FEW
@given(MAPPINGS)
def test_a_mapping_survives_its_definition(mapping: TableMapping) -> None:
    data = json.loads(json.dumps(definition(mapping)))
    again = from_definition(data)
    assert again == mapping
    assert json.dumps(definition(again)) == json.dumps(data)


@FEW
@given(MAPPINGS)
def test_writing_the_defaults_out_changes_nothing(mapping: TableMapping) -> None:
    assert from_definition({"name": mapping.name, **complete(mapping)}) == mapping


def test_a_definition_holds_only_what_differs_from_the_defaults() -> None:
    currency = definition(starting().mappings["CURRENCY"])
    assert list(currency) == [
        "name",
        "left",
        "right",
        "fields",
        "direction",
        "synch_only_coupled_records",
        "match",
    ]
    assert currency["fields"] == [{"left": "code", "right": "code"}, {"left": "name", "right": "name"}]


def test_rules_are_defined_as_people_write_them() -> None:
    rules = (Rule("trim"), Rule("substring", {"start": 4, "length": 3}))
    mapping = changed(starting(), fields=(FieldMapping("a", "b", transform=Transform(rules)),)).mappings[
        "CUSTOMER"
    ]
    assert body(mapping)["fields"][0]["transform"] == {
        "to_right": ["trim", {"substring": {"start": 4, "length": 3}}]
    }


def test_a_definition_of_another_program_is_refused_with_its_name() -> None:
    with pytest.raises(StoreBroken, match=r'The stored mapping "A" cannot be read: .*left'):
        from_definition({"name": "A", "fields": []})


# -- export ------------------------------------------------------------------------------------------------


def test_an_unchanged_configuration_is_exported_byte_for_byte() -> None:
    text = starter().replace("\n", "\r\n").replace("{left: code", "{  left:   code")
    assert dump(load(text)) == text


NOISE = st.lists(st.sampled_from(["", "  ", "# remark", "      # indented: remark"]), max_size=30)


@FEW
@given(NOISE, st.randoms(use_true_random=False))
def test_whatever_is_written_around_it_is_exported_byte_for_byte(noise: list[str], random: Any) -> None:
    lines = starter().split("\n")
    for line in noise:
        lines.insert(random.randrange(len(lines)), line)
    text = "\n".join(lines)
    assert dump(load(text)) == text


def test_an_edit_changes_only_its_line_and_keeps_the_comments() -> None:
    before = starting()
    text = dump(changed(before, update_conflict=UpdateConflict.ASK))
    expected = before.text.replace("update_conflict: merge ", "update_conflict: ask   ").splitlines()
    assert text.splitlines() == expected


def test_fields_can_come_go_and_move_without_losing_remarks() -> None:
    before = starting()
    number, name, email, currency = before.mappings["CUSTOMER"].fields
    pairs = (currency, FieldMapping("city", "city"), name, replace(email, not_null=True), number)
    text = dump(changed(before, fields=pairs))
    fields = text[text.rindex("fields:") :]
    city = "      - {left: city, right: city}\n"
    assert "lookup: CURRENCY}   # the key of the coupled currency\n" + city in fields
    assert "transform: {to_right: [trim, lowercase]}, not_null: true}" in fields
    assert text.count("#") == before.text.count("#")


def test_a_removed_field_takes_its_remark_along_but_not_what_stands_below() -> None:
    remark = "\n    # how often it runs\n    schedule: {every: 30m}\n"
    before = load(starter().replace("    schedule: {every: 30m}\n", remark))
    after = dump(changed(before, fields=before.mappings["CUSTOMER"].fields[:-1]))
    assert "the key of the coupled currency" not in after
    assert "# how often it runs" in after


def test_the_indentation_of_the_file_is_kept() -> None:
    text = """\
connections:
    a: {kind: sql}
    b: {kind: sql}
mappings:
    M:
        left: {connection: a, table: t}
        right: {connection: b, table: t}
        fields:
        - {left: x, right: x}   # kept
"""
    before = load(text)
    after = dump(replace(before, mappings={"M": replace(before.mappings["M"], enabled=False)}))
    assert after == text + "        enabled: false\n"


@FEW
@given(
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
    FILLED,
    TEXTS,
    st.dictionaries(NAMES, FILLED, max_size=3),
)
def test_any_value_is_exported_so_that_it_reads_back_equal(
    names: list[str], constant: Any, blocked: str, options: dict[str, Any]
) -> None:
    quoted = "'" + blocked.replace("'", "''") + "'"
    pairs = [FieldMapping(name, name) for name in names]
    target = FieldMapping(right="".join(names) + "x", constant=constant)
    chosen = FieldMapping("".join(names) + "y", "y" * 99, Direction.TO_RIGHT, options=options)
    before = starting()
    left = replace(before.mappings["CUSTOMER"].left, filter={names[0]: quoted})
    after = changed(before, left=left, match=((names[0],),), fields=(*pairs, target, chosen))
    for original in (None, ""):
        assert definitions(load(dump(after, original))) == definitions(after)


def definitions(configuration: Configuration) -> list[str]:
    """As JSON, where 1 is not true."""
    return [json.dumps(definition(mapping)) for mapping in configuration.mappings.values()]


def test_every_kind_of_edit_reads_back_equal() -> None:
    before = starting()
    for values in (
        {"left": TableSide("crm", "x", ("a", "b"), filter={"f": "0", "g": "''|no"})},
        {"direction": Direction.TO_RIGHT, "schedule": None, "match": ()},
        {"schedule": Schedule()},
        {"templates": Templates(right=(Template({"a": "no", "b": 1.5, "c": True}, {"d": "A|B"}),))},
        {
            "fields": (
                FieldMapping("o", "o", options={"1": "001", "yes": 2}),
                FieldMapping(right="c", constant="0010"),
            )
        },
        {
            "depends_on": ("CURRENCY",),
            "key_from": "system",
            "fields": (FieldMapping("k", "k", lookup=Lookup("CURRENCY")),),
        },
    ):
        after = changed(before, **({"match": ()} | values))
        for original in (None, ""):
            assert load(dump(after, original)) == after


def test_connections_can_be_added_changed_and_removed() -> None:
    before = starting()
    erp = {"kind": "sql", "url": "sqlite:///new.db"}
    connections = {"erp": erp, "crm": before.connections["crm"], "z": {"kind": "x"}}
    text = dump(replace(before, connections=connections))
    assert load(text).connections == connections
    assert "# Secrets are never written here" in text


def test_a_removed_mapping_leaves_the_remarks_on_what_follows() -> None:
    before = load(starter().replace("  CUSTOMER:", "  # These are the customers.\n  CUSTOMER:"))
    number, name, *_ = before.mappings["CUSTOMER"].fields
    customer = replace(before.mappings["CUSTOMER"], fields=(number, name), match=())
    after = replace(before, mappings={"CUSTOMER": customer})
    text = dump(after)
    assert load(text) == after
    assert "CURRENCY" not in text
    assert "\n\n  # These are the customers.\n  CUSTOMER:\n" in text
    assert "update_conflict: merge                # merge |" in text


def test_a_mapping_between_others_can_be_removed() -> None:
    text = starter()
    start = text.index("  CURRENCY:")
    copy = (
        text[start : text.index("  CUSTOMER:")].replace("CURRENCY", "SECOND").replace("currency,", "second,")
    )
    before = load(text[:start] + copy + text[start:])
    assert list(before.mappings) == ["SECOND", "CURRENCY", "CUSTOMER"]
    after = replace(before, mappings={k: v for k, v in before.mappings.items() if k != "SECOND"})
    assert dump(after).replace("\n\n", "\n") == text.replace("\n\n", "\n")


def test_a_mapping_on_the_same_line_as_another_can_be_removed() -> None:
    side = "{connection: a, table: t}, right: {connection: b, table: t}, fields: [{left: x, right: x}]"
    text = "connections: {a: {kind: x}, b: {kind: x}}\n"
    text += f"mappings: {{M: {{left: {side}}}, N: {{left: {side}}}}}\n"
    before = load(text)
    after = replace(before, mappings={"N": before.mappings["N"]})
    assert dump(after) == text.replace(f"M: {{left: {side}}}, ", "")


def test_all_mappings_can_be_removed() -> None:
    text = dump(replace(starting(), mappings={}))
    assert load(text) == replace(starting(), mappings={})
    assert "# Secrets are never written here" in text


# -- difference --------------------------------------------------------------------------------------------


def lines(old: Configuration | None, new: Configuration) -> list[str]:
    return [str(change) for change in difference(old, new)]


def test_the_same_configuration_written_otherwise_makes_no_difference() -> None:
    other = load(dump(starting(), ""))
    assert lines(starting(), other) == []


def test_everything_is_new_at_first() -> None:
    assert lines(None, starting()) == [
        "+ connection erp: sql",
        "+ connection crm: sql",
        "+ mapping CURRENCY: currency and currency, 2 fields",
        "+ mapping CUSTOMER: customer and account, 4 fields",
    ]


def test_each_change_is_one_line_with_old_and_new() -> None:
    before = starting()
    number, name, *rest = before.mappings["CUSTOMER"].fields
    customer = replace(
        before.mappings["CUSTOMER"],
        fields=(replace(number, direction=Direction.BOTH), FieldMapping("city", "city"), *rest),
        update_conflict=UpdateConflict.SEND,
        left=replace(before.mappings["CUSTOMER"].left, filter={"blocked": "''"}),
    )
    assert name not in customer.fields
    after = replace(before, mappings={"CUSTOMER": customer})
    assert lines(before, after) == [
        "- mapping CURRENCY",
        "+ mapping CUSTOMER, left.filter.blocked: ''",
        "~ mapping CUSTOMER, update_conflict: merge -> send",
        "~ mapping CUSTOMER, field number > account_number, direction: to_right -> both",
        "- mapping CUSTOMER, field name > name",
        "+ mapping CUSTOMER, field city > city",
    ]


def test_a_number_is_not_the_same_as_true_or_as_its_text() -> None:
    before = changed(starting(), fields=(FieldMapping(right="a", constant=1),))
    for value, shown in ((True, "true"), ("1", '"1"')):
        after = changed(before, fields=(FieldMapping(right="a", constant=value),))
        assert lines(before, after) == [f"~ mapping CUSTOMER, field a, constant: 1 -> {shown}"]


def test_a_new_order_of_mappings_is_a_difference() -> None:
    before = starting()
    after = replace(before, mappings=dict(reversed(before.mappings.items())))
    assert lines(before, after) == ["~ order of mappings: CURRENCY, CUSTOMER -> CUSTOMER, CURRENCY"]


def test_a_difference_never_shows_a_secret() -> None:
    before = replace(
        starting(), connections={"erp": {"kind": "x", "password": "one", "url": "pg://u:two@h/d"}}
    )
    after = replace(
        starting(), connections={"erp": {"kind": "x", "password": "three", "url": "pg://u:four@h/d"}}
    )
    changes = difference(before, after)
    assert [str(change) for change in changes] == [
        "~ connection erp, password: changed (not shown)",
        "~ connection erp, url: changed (not shown)",
    ]
    assert {change.kind for change in changes} == {ChangeKind.CHANGED}
    assert not any(word in repr(changes) for word in ("one", "two", "three", "four"))
