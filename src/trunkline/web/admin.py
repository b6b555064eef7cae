"""System admins' door: usage of all businesses, workers, queues, the system's own jobs.

What it tells of businesses are numbers. Their jobs are seen on their own pages, by whoever entered them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.db import SYSTEM, database, of_business, unit_of_work
from trunkline.core.door import PrincipalDep, SystemSessionDep
from trunkline.core.jobs import overview, views
from trunkline.core.recurring import service as recurring
from trunkline.domain.outbound import failures
from trunkline.domain.reports import service as reports
from trunkline.domain.reports.rules import first_of_month
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.web import jobs
from trunkline.web.schemas import (
    BusinessDepthOut,
    CancelIn,
    CarrierFailureOut,
    DepthOut,
    FiltersDep,
    JobDetailOut,
    JobPage,
    LimitQuery,
    QueuesOut,
    Retried,
    RetryIn,
    ScheduleOut,
    Standing,
    StatsOut,
    UsageOut,
    WorkerOut,
)

router = APIRouter(prefix="/api/admin", tags=["system"])


@router.get("/workers")
def read_workers(who: PrincipalDep) -> list[WorkerOut]:
    """The worker processes, as their heartbeats tell them."""
    who.require_system_admin()
    relay = database().relay
    assert relay is not None  # every process that serves has one
    with relay.connect() as connection:
        return [WorkerOut.model_validate(worker) for worker in overview.workers(connection)]


@router.get("/queues")
def read_queues(session: SystemSessionDep, who: PrincipalDep) -> QueuesOut:
    """What waits, runs and is dead, by queue and by business."""
    who.require_system_admin()
    names = {business.id: business.name for business in tenants.list_businesses(session)}
    relay = database().relay
    assert relay is not None  # every process that serves has one
    with relay.connect() as connection:
        depths = overview.depths(connection)
        ended = overview.ends_by_queue(overview.ended(connection))
    return QueuesOut(
        queues={queue: DepthOut.model_validate(here) for queue, here in overview.by_queue(depths).items()},
        businesses=[
            BusinessDepthOut(
                queue=queue,
                business_id=None if tenant == views.NO_BUSINESS else tenant,
                business=names.get(tenant),
                **DepthOut.model_validate(here).model_dump(),
            )
            for (queue, tenant), here in sorted(depths.items())
        ],
        ended=ended,
    )


@router.get("/usage")
def read_usage(
    session: SystemSessionDep, who: PrincipalDep, months: Annotated[int, Query(ge=1, le=120)] = 12
) -> list[UsageOut]:
    """What each business used in each of the last so many months, this one included."""
    who.require_system_admin()
    names = {business.id: business.name for business in tenants.list_businesses(session)}
    since = first_of_month(clock.now().date(), months - 1)
    return [
        UsageOut(
            business_id=used.business_id, business=names[used.business_id], month=used.month,
            inbound=used.inbound, outbound=used.outbound, minutes=used.minutes,
            appointments=used.appointments,
        )
        for used in reports.usage(session, since=since)
    ]  # fmt: skip


@router.get("/carrier-failures")
def read_carrier_failures(
    who: PrincipalDep, hours: Annotated[int, Query(ge=1, le=168)] = 24
) -> list[CarrierFailureOut]:
    """What carriers would not place of late or never answered, by business, number and reason."""
    who.require_system_admin()
    since = clock.now() - timedelta(hours=hours)
    with unit_of_work(SYSTEM) as session:
        names = {business.id: business.name for business in tenants.list_businesses(session)}
    found = []
    # Business by business, each in its own scope: nothing else may read their dials.
    for business_id, name in names.items():
        with unit_of_work(of_business(business_id)) as session:
            found += [
                CarrierFailureOut(
                    business_id=business_id, business=name, number=failure.from_number, code=failure.code,
                    dials=failure.dials, last_at=failure.last_at,
                )
                for failure in failures.failures_since(session, business_id, since)
            ]  # fmt: skip
    return sorted(found, key=lambda failure: failure.last_at, reverse=True)


@router.get("/schedules")
def read_schedules(session: SystemSessionDep, who: PrincipalDep) -> list[ScheduleOut]:
    """The recurring jobs: when each fires, how often it has, and what was missed."""
    who.require_system_admin()
    return [ScheduleOut.model_validate(entry) for entry in recurring.standing(session)]


@router.get("/jobs")
def read_system_jobs(
    session: SystemSessionDep,
    who: PrincipalDep,
    filters: FiltersDep,
    before: UUID | None = None,
    limit: LimitQuery = 50,
) -> JobPage:
    """The system's own jobs, newest first."""
    who.require_system_admin()
    return jobs.a_page(session, SYSTEM, filters, before=before, limit=limit)


@router.get("/jobs/stats")
def read_system_stats(session: SystemSessionDep, who: PrincipalDep) -> StatsOut:
    """How many of the system's own jobs stand where, by queue."""
    who.require_system_admin()
    return jobs.stats(session, SYSTEM)


@router.post("/jobs/retry")
def retry_system_jobs(body: RetryIn, _session: SystemSessionDep, who: PrincipalDep) -> Retried:
    """Send the system's dead jobs back to their queues."""
    who.require_system_admin()
    return jobs.retry_many(body, who)


@router.get("/jobs/{job_id}")
def read_system_job(job_id: UUID, session: SystemSessionDep, who: PrincipalDep) -> JobDetailOut:
    """All of a job of the system."""
    who.require_system_admin()
    return JobDetailOut.model_validate(views.one(session, SYSTEM, job_id), from_attributes=True)


@router.post("/jobs/{job_id}/retry")
def retry_system_job(job_id: UUID, session: SystemSessionDep, who: PrincipalDep) -> Standing:
    """Send a dead job of the system back to its queue."""
    who.require_system_admin()
    return jobs.retry_one(session, SYSTEM, job_id, who)


@router.post("/jobs/{job_id}/cancel")
def cancel_system_job(job_id: UUID, body: CancelIn, session: SystemSessionDep, who: PrincipalDep) -> Standing:
    """Cancel a queued job of the system, or ask a running one to stop."""
    who.require_system_admin()
    return jobs.cancel_one(session, SYSTEM, job_id, body, who)
