"""Holds a mapping for one run at a time, across threads, processes and machines; it must never run one.

A claim is a token in the mapping's row, put there by an update that names the token it replaces, so that of
two processes that see the same state exactly one wins. Each process is known by host, process id and start
time, because a process id alone is given again.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import psutil
from django.db.backends.utils import CursorWrapper

from twofold.errors import Refused, StoreBroken
from twofold.store.models import Job, Mapping
from twofold.store.moments import aware, plain
from twofold.store.session import Session

LEASE = timedelta(minutes=5)
"""How long a claim of another machine is honoured without a sign of life."""

# Start times are read with a resolution of a hundredth of a second, and may move when the clock is set.
_TOLERANCE = 2.0
_BROKE_OFF = (
    "The process that ran this job ended before the job did. The next run continues from what was recorded."
)


@dataclass(frozen=True, slots=True)
class Owner:
    """One process of one machine."""

    host: str
    process: int
    started: float

    @property
    def is_alive(self) -> bool:
        """Whether this process of this machine still runs; a dead child that nobody collected does not."""
        try:
            process = psutil.Process(self.process)
            return process.status() != psutil.STATUS_ZOMBIE and (
                abs(process.create_time() - self.started) < _TOLERANCE
            )
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def own_process() -> Owner:
    """This process."""
    return _owner(os.getpid())


@cache
def _owner(process: int) -> Owner:
    return Owner(socket.gethostname(), process, psutil.Process(process).create_time())


class Claims:
    """The claims that one store holds, and those that it meets."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[str, str] = {}

    @contextmanager
    def claim(self, mapping: str) -> Iterator[None]:
        """Hold the mapping; raises `Refused`, naming the holder, if another run has it."""
        token = str(uuid.uuid4())
        self._take(mapping, token)
        self._held[mapping] = token
        try:
            yield
        finally:
            self._held.pop(mapping, None)
            self._release(mapping, token)

    def _take(self, mapping: str, token: str) -> None:
        while True:
            with self._session.speaking():
                row = self._find(mapping)
                if row.claim_token and self._is_held(row):
                    raise Refused(self._holder_sentence(row))
                if self._replace(row, token):
                    return

    def _find(self, mapping: str) -> Mapping:
        identity = self._session.find_mapping(mapping)
        return self._session.rows(Mapping).get(pk=identity)

    def _replace(self, row: Mapping, token: str) -> bool:
        owner, now = own_process(), self._session.now()
        with self._session.transaction():
            # The lease is part of the condition: a holder that renewed it meanwhile is alive.
            same = self._session.rows(Mapping).filter(
                pk=row.pk, claim_token=row.claim_token, claim_until=row.claim_until
            )
            taken = same.update(
                claim_token=token,
                claim_host=owner.host,
                claim_process=owner.process,
                claim_started=owner.started,
                claim_since=now,
                claim_until=now + LEASE,
            )
            if taken and row.claim_token:
                self._close_jobs(row.name)
        return bool(taken)

    def _close_jobs(self, mapping: str) -> int:
        running = self._session.rows(Job).filter(mapping=mapping, status="running")
        return running.update(status="failed", message=_BROKE_OFF, finished=self._session.now())

    def _is_held(self, row: Mapping) -> bool:
        owner = _owner_of(row)
        if owner.host == own_process().host:
            return owner.is_alive
        until = aware(row.claim_until)
        return until is not None and until > self._session.now()

    def _holder_sentence(self, row: Mapping) -> str:
        owner = _owner_of(row)
        here = owner.host == own_process().host
        advice = (
            "."
            if here
            else f"; if that machine is gone, the claim lapses at {plain(aware(row.claim_until))}."
        )
        return (
            f"{row.name} is held by another run: process {owner.process} on {owner.host}, since "
            f"{plain(aware(row.claim_since))}. Wait until it ends, or stop that process{advice}"
        )

    def _release(self, mapping: str, token: str) -> None:
        with self._session.speaking():
            mine = self._session.rows(Mapping).filter(name=mapping, claim_token=token)
            mine.update(claim_token="", claim_until=None, claim_since=None)

    def release_dead(self) -> list[str]:
        """Free the mappings whose run died, close their jobs as failed, and name them."""
        freed = []
        with self._session.speaking():
            for row in self._session.rows(Mapping).exclude(claim_token=""):
                if not self._is_held(row) and self._replace(row, token := str(uuid.uuid4())):
                    self._release(row.name, token)
                    freed.append(row.name)
        return freed

    def renew(self, cursor: CursorWrapper, mapping: str, identity: int) -> None:
        """Renew the lease in the transaction that is about to write; raises `StoreBroken` if it was lost.

        Without a claim of this store, the mapping must be free; either way its row is locked until the
        transaction ends, so that no claim can begin in between.
        """
        token = self._held.get(mapping, "")
        until = self._session.stamp(self._session.now() + LEASE if token else None)
        cursor.execute(
            "UPDATE store_mapping SET claim_until = %s WHERE id = %s AND claim_token = %s",
            [until, identity, token],
        )
        if cursor.rowcount != 1:
            raise StoreBroken(
                f"Another run took over {mapping} while this one was working, so nothing more was recorded "
                f"here. Let that run finish, then run again."
            )


def _owner_of(row: Mapping) -> Owner:
    return Owner(row.claim_host, row.claim_process or 0, row.claim_started or 0.0)
