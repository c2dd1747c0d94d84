"""Opens and closes the rows of the job log; it must never count: the recorder does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twofold.core.names import Direction, JobStatus, JobType
from twofold.errors import StoreBroken
from twofold.store.models import Job

if TYPE_CHECKING:
    from datetime import datetime

    from twofold.store.session import Session


def begin_job(session: Session, mapping: str, direction: Direction | None, kind: JobType) -> int:
    """Write a running job and return its id."""
    with session.transaction() as cursor:
        session.mapping_id(cursor, mapping)
        job = session.rows(Job).create(
            mapping=mapping,
            direction=None if direction is None else direction.value,
            type=kind.value,
            status=JobStatus.RUNNING.value,
            started=session.now(),
        )
    return int(job.pk)


def finish_job(session: Session, job: int, status: JobStatus, message: str) -> None:
    """Close a job; raises `StoreBroken` if it is gone."""
    with session.speaking():
        found = session.rows(Job).filter(pk=job)
        if not found.update(status=status.value, message=message, finished=session.now()):
            raise StoreBroken(
                f"Job {job} was removed while it ran. What it did is recorded; its log line is lost."
            )


def purge_jobs(session: Session, before: datetime) -> int:
    """Remove closed jobs that began before this moment, and their lines; how many jobs."""
    with session.transaction():
        old = session.rows(Job).filter(started__lt=before).exclude(status=JobStatus.RUNNING.value)
        count = old.count()
        old.delete()
    return count
