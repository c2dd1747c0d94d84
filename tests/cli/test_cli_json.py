"""With --json a command prints exactly one document, in the shapes that scripts rely on."""

from __future__ import annotations

import pytest

from twofold.core.names import COUNTERS

from .desk import Desk, disturb

JOB = ["id", "mapping", "direction", "type", "status", "message", "started", "finished", *COUNTERS]


def test_a_run_answers_with_its_jobs(desk: Desk) -> None:
    jobs = desk.json("full-sync")["jobs"]
    assert [list(job) for job in jobs] == [JOB, JOB, JOB]
    assert [(job["mapping"], job["direction"], job["inserted"]) for job in jobs] == [
        ("CURRENCY", "to_right", 2),
        ("CUSTOMER", "to_right", 3),
        ("CUSTOMER", "to_left", 0),
    ]
    assert desk.json("sync", "CURRENCY")["jobs"][0]["status"] == "finished"


def test_the_job_log_answers_newest_first_and_a_job_adds_its_errors(conflicted: Desk) -> None:
    jobs = conflicted.json("jobs")["jobs"]
    assert [job["id"] for job in jobs] == [6, 5, 4, 3, 2, 1]
    assert [
        job["id"] for job in conflicted.json("jobs", "--mapping", "currency", "--limit", "1")["jobs"]
    ] == [4]
    job = conflicted.json("job", "5")
    assert list(job) == [*JOB, "errors"]
    assert [list(error) for error in job["errors"]] == [
        ["left_key", "right_key", "field", "kind", "message"]
    ] * 2


def test_couplings_and_errors_answer_in_their_shapes(conflicted: Desk) -> None:
    couplings = conflicted.json("couplings", "customer")["couplings"]
    assert [list(row) for row in couplings] == [
        [
            "left_key",
            "right_key",
            "state",
            "skipped_to_right",
            "skipped_to_left",
            "last_synchronized",
            "last_error",
        ]
    ] * 3
    assert len(conflicted.json("couplings", "CUSTOMER", "--left", "10000")["couplings"]) == 1
    errors = conflicted.json("errors")["errors"]
    assert list(errors[0]) == [
        "mapping",
        "left_key",
        "right_key",
        "direction",
        "kind",
        "message",
        "fields",
        "since",
        "actions",
    ]
    assert [error["kind"] for error in errors] == ["conflict", "deleted"]
    assert conflicted.json("errors", "CURRENCY") == {"errors": []}


def test_a_plan_answers_with_old_and_new_values(synchronized: Desk) -> None:
    disturb(synchronized)
    plan = synchronized.json("plan")
    assert list(plan) == ["digest", "mappings"]
    customer = plan["mappings"][1]
    assert (customer["mapping"], customer["updates"], customer["conflicts"]) == ("CUSTOMER", 1, 2)
    update = next(action for action in customer["actions"] if action["action"] == "update_left")
    assert update["left_key"] == "30000"
    assert update["fields"] == {"city": ["Vejle", None]}


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["match", "CUSTOMER"], ["jobs"]),
        (["uncouple", "CUSTOMER", "--left", "10000"], ["jobs"]),
        (["uncouple", "CUSTOMER", "--all", "--yes"], ["jobs"]),
        (["retry", "CUSTOMER", "--all"], ["retried"]),
        (["verify"], ["verifications"]),
        (["full-sync", "--review"], ["mappings"]),
        (["check"], ["clean", "connections", "mappings", "statements"]),
        (["doctor"], ["sound", "symptoms"]),
        (["export"], ["configuration", "file"]),
        (["init"], ["workspace", "configuration", "made"]),
        (["apply"], ["applied", "changes", "left_alone", "warnings"]),
    ],
)
def test_every_other_command_answers_with_one_document(
    synchronized: Desk, arguments: list[str], keys: list[str]
) -> None:
    done = synchronized.run(*arguments, "--json")
    assert done.code == 0
    assert list(done.document) == keys


def test_answers_to_questions_are_jobs_too(conflicted: Desk) -> None:
    jobs = conflicted.json("resolve", "CUSTOMER", "send", "--left", "10000")["jobs"]
    assert sum(job["modified"] for job in jobs) == 1
    assert conflicted.ask("crm", "SELECT name FROM account WHERE number = '10000'") == [("Adatum A/S",)]
    story = conflicted.json("explain", "CUSTOMER", "--left", "20000")
    assert story["coupled"]
    assert story["entries"][0]["kind"] == "deleted"


def test_a_named_record_that_is_not_there_leaves_no_job_and_a_remark(synchronized: Desk) -> None:
    done = synchronized.run("sync", "CUSTOMER", "--left", "77", "--json")
    assert (done.code, done.document) == (0, {"jobs": []})
    assert "there is no record 77 in erp" in done.err


def test_the_wrong_direction_leaves_no_job_and_a_remark(synchronized: Desk) -> None:
    done = synchronized.run("sync", "CURRENCY", "--direction", "to_left", "--json")
    assert (done.code, done.document) == (0, {"jobs": []})
    assert "CURRENCY goes erp -> crm only" in done.err


def test_open_questions_end_a_run_with_1_and_the_listings_with_0(synchronized: Desk) -> None:
    disturb(synchronized)
    assert synchronized.run("sync").code == 1
    for command in (["errors"], ["jobs"], ["couplings", "CUSTOMER"], ["plan"], ["apply"]):
        assert synchronized.run(*command).code == 0
    assert synchronized.run("verify").code == 1
