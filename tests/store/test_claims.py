"""One run of a mapping at a time, whatever happens to processes and machines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from twofold.core.names import Direction, JobType
from twofold.errors import Refused, StoreBroken
from twofold.ports import Record
from twofold.store.claims import LEASE, own_process
from twofold.store.models import Mapping
from twofold.store.store import DjangoStore
from twofold.testing.store_contract import MAPPING, OTHER, couplings

from .arrangement import Opener, SetClock

HOLD = """
import sys
from twofold.core.names import Direction, JobType
from twofold.store.database import open_store
with open_store(sys.argv[1]) as store, store.claim("CUSTOMER"):
    store.begin_job("CUSTOMER", Direction.TO_RIGHT, JobType.SYNCHRONIZATION)
    print("held", flush=True)
    sys.stdin.readline()
"""

# Waits for the word to go, so that all contend at once, and holds what it got until the end.
CONTEND = """
import sys
from twofold.errors import Refused
from twofold.store.database import open_store
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with store.claim("CUSTOMER"):
            print("won", flush=True)
            sys.stdin.readline()
    except Refused:
        print("lost", flush=True)
        sys.stdin.readline()
"""


def start(program: str, where: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(where)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@contextmanager
def holder(where: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds CUSTOMER."""
    process = start(HOLD, where)
    try:
        assert read(process) == "held"
        yield process
    finally:
        process.kill()
        process.communicate()


def seize(store: DjangoStore, clock: SetClock, **values: object) -> None:
    """Put a claim of some other process into the mapping's row, as that process would have."""
    own = own_process()
    claim = {
        "claim_token": "theirs",
        "claim_host": own.host,
        "claim_process": own.process,
        "claim_started": own.started,
        "claim_since": clock.now(),
        "claim_until": clock.now() + LEASE,
    }
    Mapping.objects.using(store.alias).filter(name=MAPPING).update(**(claim | values))


def test_of_processes_that_contend_for_a_mapping_exactly_one_wins(
    store: DjangoStore, where: str | Path
) -> None:
    processes = [start(CONTEND, where) for _ in range(3)]
    assert [read(process) for process in processes] == ["ready"] * 3
    for process in processes:
        say(process)
    outcomes = sorted(read(process) for process in processes)
    for process in processes:
        process.communicate("go\n")
    assert outcomes == ["lost", "lost", "won"]


def test_a_refusal_names_the_process_that_holds_the_mapping(store: DjangoStore, where: str | Path) -> None:
    with holder(where) as process, pytest.raises(Refused) as refusal, store.claim(MAPPING):
        pass
    assert f"process {process.pid} on {own_process().host}" in str(refusal.value)


def test_a_killed_process_loses_its_claim_at_once_and_its_job_is_closed(
    store: DjangoStore, where: str | Path
) -> None:
    with holder(where) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with store.claim(MAPPING):
            (job,) = store.listing.jobs(MAPPING)
    assert (job["status"], bool(job["finished"])) == ("failed", True)
    assert "ended before the job did" in job["message"]


def test_a_killed_child_that_nobody_collected_counts_as_dead(store: DjangoStore, where: str | Path) -> None:
    with holder(where) as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with store.claim(MAPPING):
            assert store.listing.jobs(MAPPING)[0]["status"] == "failed"


def test_dead_claims_are_freed_on_request_and_living_ones_are_not(
    store: DjangoStore, where: str | Path
) -> None:
    with holder(where) as process:
        assert store.release_dead_claims() == []
        process.kill()
        process.wait()
        assert store.release_dead_claims() == [MAPPING]
    assert [job["status"] for job in store.listing.jobs()] == ["failed"]
    assert store.release_dead_claims() == []


def test_a_process_number_that_was_given_again_does_not_hold_the_claim(
    store: DjangoStore, clock: SetClock
) -> None:
    seize(store, clock, claim_started=own_process().started - 3600)
    with store.claim(MAPPING):
        pass


def test_a_living_local_process_keeps_its_claim_beyond_the_lease(store: DjangoStore, clock: SetClock) -> None:
    seize(store, clock)
    clock.pass_by(days=1)
    with pytest.raises(Refused, match="Wait until it ends"), store.claim(MAPPING):
        pass


def test_a_claim_of_another_machine_is_honoured_until_its_lease_lapses(
    store: DjangoStore, clock: SetClock
) -> None:
    seize(store, clock, claim_host="elsewhere", claim_process=4711)
    clock.pass_by(minutes=4)
    with pytest.raises(Refused, match=r"process 4711 on elsewhere.* lapses at 2026-05-06 07:13:09 UTC"):
        store.claim(MAPPING).__enter__()
    clock.pass_by(minutes=2)
    with store.claim(MAPPING):
        pass


def test_recording_renews_the_lease(store: DjangoStore, clock: SetClock) -> None:
    with store.claim(MAPPING):
        clock.pass_by(minutes=4)
        store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
        row = Mapping.objects.using(store.alias).get(name=MAPPING)
        assert row.claim_until == clock.now() + timedelta(minutes=5)


def test_a_run_whose_claim_was_taken_over_records_nothing_more(store: DjangoStore, clock: SetClock) -> None:
    with store.claim(MAPPING):
        seize(store, clock, claim_host="elsewhere")
        with pytest.raises(StoreBroken, match="Another run took over CUSTOMER"):
            store.record(MAPPING, Record(couple=couplings([("L1", "R1")])))
        with pytest.raises(StoreBroken, match="Another run took over CUSTOMER"):
            store.reserve(MAPPING, couplings([("L1", None)], "in_doubt"))
    assert store.coupling_count(MAPPING) == 0
    with pytest.raises(Refused, match="elsewhere"), store.claim(MAPPING):
        pass


def test_a_takeover_leaves_the_jobs_of_other_mappings_running(store: DjangoStore, clock: SetClock) -> None:
    store.begin_job(OTHER, Direction.TO_LEFT, JobType.SYNCHRONIZATION)
    seize(store, clock, claim_process=2**22 + 1)
    with store.claim(MAPPING):
        assert [job["status"] for job in store.listing.jobs()] == ["running"]


def test_an_unknown_mapping_cannot_be_held(opened: Opener) -> None:
    with pytest.raises(Refused, match="NOBODY"), opened().claim("NOBODY"):
        pass
