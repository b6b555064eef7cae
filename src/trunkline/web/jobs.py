"""People's door to the jobs of their business: seeing them, sending dead ones back, stopping others.

For admins and owners alone, because a job's arguments and its trace hold what it was about. What it
does to the ledger is the job service's; a system admin's door to the system's own jobs is in `admin`.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from trunkline.core.access import Principal, Role
from trunkline.core.db import Scope, database
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.events import announce
from trunkline.core.jobs import overview, service, views
from trunkline.core.jobs.views import Filters
from trunkline.web.schemas import (
    CancelIn,
    DepthOut,
    FiltersDep,
    JobDetailOut,
    JobPage,
    LimitQuery,
    Retried,
    RetryIn,
    Standing,
    StatsOut,
)

router = APIRouter(prefix="/api/jobs", tags=["jobs"])


@router.get("")
def read_jobs(
    session: SessionDep,
    who: PrincipalDep,
    filters: FiltersDep,
    before: UUID | None = None,
    limit: LimitQuery = 50,
) -> JobPage:
    """The business's jobs, newest first. With filters a page may be short and still have a next one."""
    who.require(Role.ADMIN)
    return a_page(session, who.scope, filters, before=before, limit=limit)


@router.get("/stats")
def read_stats(session: SessionDep, who: PrincipalDep) -> StatsOut:
    """How many of the business's jobs stand where, by queue. What is over is not counted."""
    who.require(Role.ADMIN)
    return stats(session, who.scope)


@router.post("/retry")
def retry_jobs(body: RetryIn, _session: SessionDep, who: PrincipalDep) -> Retried:
    """Send the business's dead jobs back to their queues: 1000 at most, the oldest first."""
    who.require(Role.ADMIN)
    return retry_many(body, who)


@router.get("/{job_id}")
def read_job(job_id: UUID, session: SessionDep, who: PrincipalDep) -> JobDetailOut:
    """All of a job."""
    who.require(Role.ADMIN)
    return JobDetailOut.model_validate(views.one(session, who.scope, job_id), from_attributes=True)


@router.post("/{job_id}/retry")
def retry_job(job_id: UUID, session: SessionDep, who: PrincipalDep) -> Standing:
    """Send a dead job back to its queue, with its attempts counted anew."""
    who.require(Role.ADMIN)
    return retry_one(session, who.scope, job_id, who)


@router.post("/{job_id}/cancel")
def cancel_job(job_id: UUID, body: CancelIn, session: SessionDep, who: PrincipalDep) -> Standing:
    """Cancel a queued job, or ask a running one to stop."""
    who.require(Role.ADMIN)
    return cancel_one(session, who.scope, job_id, body, who)


# --- In either scope: a business's, or the system's -------------------------------------------


def a_page(session: Session, scope: Scope, filters: Filters, *, before: UUID | None, limit: int) -> JobPage:
    """Return a page of a scope's jobs."""
    found = views.page(session, scope, filters, queues=queues_in_use(), before=before, limit=limit)
    return JobPage.model_validate(found)


def stats(session: Session, scope: Scope) -> StatsOut:
    """Return what of a scope stands where."""
    found = views.depth(session, scope, queues=queues_in_use())
    return StatsOut(queues={queue: DepthOut.model_validate(here) for queue, here in found.items()})


def retry_one(session: Session, scope: Scope, job_id: UUID, who: Principal) -> Standing:
    """Send a scope's dead job back. Raises NotFound, Conflict."""
    job = views.one(session, scope, job_id)
    service.retry_job(job_id)
    announce("job.retried", subject_id=job_id, actor=who.email, name=job.name)
    return Standing(state=service.get_job_status(job_id))


def retry_many(body: RetryIn, who: Principal) -> Retried:
    """Send the dead jobs of the scope in hand back."""
    retried = service.retry_jobs(queue=body.queue, name=body.name, run_id=body.run_id)
    if retried:
        asked = body.model_dump(mode="json", exclude_none=True)
        announce("jobs.retried", subject_id=body.run_id, actor=who.email, retried=retried, asked=asked)
    return Retried(retried=retried)


def cancel_one(session: Session, scope: Scope, job_id: UUID, body: CancelIn, who: Principal) -> Standing:
    """Cancel a scope's job. Raises NotFound, Conflict."""
    job = views.one(session, scope, job_id)
    state = service.cancel_job(job_id, force=body.force)
    announce("job.cancelled", subject_id=job_id, actor=who.email, name=job.name, force=body.force)
    return Standing(state=state)


def queues_in_use() -> list[str]:
    """Return the names of the queues in which anything of anybody's waits or runs."""
    relay = database().relay
    assert relay is not None  # every process that serves has one
    with relay.connect() as connection:
        return overview.queue_names(connection)
