"""What of jobs goes over HTTP: to the people of a business, and to system admins."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from trunkline.core.jobs.models import JobState
from trunkline.core.jobs.views import Filters

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""The name of a queue or of a handler."""


class JobOut(BaseModel):
    """A job as a list shows it. Times with `_s` are seconds."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    run_id: UUID | None
    name: str
    queue: str
    state: JobState
    scheduled: bool
    attempt: int
    max_attempts: int
    progress_done: int
    progress_total: int
    trace_id: str
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    waited_s: float
    ran_s: float | None
    error_line: str | None


class JobDetailOut(JobOut):
    """All of a job, with its arguments and the trace of its failure."""

    args: dict[str, Any]
    dedup_key: str | None
    timeout_s: float
    backoff_s: float
    expires_at: datetime | None
    lease_owner: str | None
    lease_expires_at: datetime | None
    cancel_force_at: datetime | None
    error: str | None


class JobPage(BaseModel):
    """Jobs, newest first. Ask again with `before` set to `next` for those that follow; null: none do."""

    model_config = ConfigDict(from_attributes=True)

    jobs: list[JobOut]
    next: UUID | None


class DepthOut(BaseModel):
    """How many jobs wait, run and are dead, and for how long the oldest could have begun."""

    model_config = ConfigDict(from_attributes=True)

    ready: int
    scheduled: int
    running: int
    dead: int
    oldest_ready_s: float | None


class StatsOut(BaseModel):
    """What stands where, by queue."""

    queues: dict[str, DepthOut]


class CancelIn(BaseModel):
    """Whether a running job is stopped by force if it does not stop when asked."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False


class RetryIn(BaseModel):
    """Which dead jobs are sent back; what is null is not asked about."""

    model_config = ConfigDict(extra="forbid")

    queue: Word | None = None
    name: Word | None = None
    run_id: UUID | None = None


class Standing(BaseModel):
    """Where a job stands now."""

    state: JobState


class Retried(BaseModel):
    """How many jobs were sent back to their queues."""

    retried: int


class BusinessDepthOut(DepthOut):
    """What stands where in one queue of one business; of the system itself, with `business_id` null."""

    queue: str
    business_id: UUID | None
    business: str | None


class QueuesOut(BaseModel):
    """Every queue: what stands where, of which businesses, and how many attempts came to which end."""

    queues: dict[str, DepthOut]
    businesses: list[BusinessDepthOut]
    ended: dict[str, dict[str, int]]


class WorkerOut(BaseModel):
    """A worker process as its heartbeat tells it."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    host: str
    pid: int
    version: str
    queues: list[str]
    state: str
    started_at: datetime
    beat_at: datetime
    silent_s: float
    job_id: UUID | None
    job_name: str | None
    jobs_run: int
    rss_bytes: int


class ScheduleOut(BaseModel):
    """How a recurring job stands."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    queue: str
    rule: str
    misfire: str
    last_tick: datetime | None
    fired_at: datetime | None
    job_id: UUID | None
    fired: int
    missed: int
    overdue: int
    next_tick: datetime


def _filters(
    queue: Annotated[Word | None, Query()] = None,
    state: JobState | None = None,
    name: Annotated[Word | None, Query()] = None,
    run_id: UUID | None = None,
) -> Filters:
    return Filters(queue=queue, state=state, name=name, run_id=run_id)


FiltersDep = Annotated[Filters, Depends(_filters)]
LimitQuery = Annotated[int, Query(ge=1, le=200)]


class CarrierFailureOut(BaseModel):
    """Dials of a business from one of its numbers that failed at the carrier for one reason."""

    business_id: UUID
    business: str
    number: str
    code: str
    """The carrier's own; `unanswered`: it did not say what became of them."""
    dials: int
    """A thousand at most of those refused, and of those unanswered."""
    last_at: datetime


class UsageOut(BaseModel):
    """What a business used in a month, by UTC. What began in the last hour or so is not counted yet."""

    business_id: UUID
    business: str
    month: date
    """Its first day."""
    inbound: int
    outbound: int
    minutes: float
    appointments: int
