"""The ledger's tables: the jobs themselves, the workers that run them, and what was counted."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Double, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class JobState(enum.StrEnum):
    """Where a job stands. The first two are active, the others final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The dead letter: out of attempts, kept for a person to see and retry."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Job(Base):
    """One piece of background work. Business null: the system's own."""

    __tablename__ = "jobs"
    __table_args__ = (
        # What can be claimed, in the order of claiming: fair by tenant, then oldest first.
        Index(
            "ix_jobs_ready", "queue", "tenant_key", "run_at", "id", postgresql_where=text("state = 'queued'")
        ),
        # What workers hold. Without the lease's end, so that renewing one touches no index.
        Index("ix_jobs_running", "queue", "tenant_key", postgresql_where=text("state = 'running'")),
        Index(
            "ix_jobs_expiring",
            "expires_at",
            postgresql_where=text("state = 'queued' and expires_at is not null"),
        ),
        Index(
            "ix_jobs_finished",
            "finished_at",
            postgresql_where=text("state in ('succeeded', 'cancelled', 'expired')"),
        ),
        # For people: a business's jobs, newest first, and its dead letter. Ids are ordered by time.
        Index("ix_jobs_newest", "tenant_key", "id"),
        Index("ix_jobs_dead", "tenant_key", "id", postgresql_where=text("state = 'failed'")),
        Index("ix_jobs_run", "business_id", "run_id", postgresql_where=text("run_id is not null")),
        Index(
            "uq_jobs_active_dedup",
            "tenant_key",
            "name",
            "dedup_key",
            unique=True,
            postgresql_where=text("dedup_key is not null and state in ('queued', 'running')"),
        ),
        {
            "postgresql_with": {
                "fillfactor": 75,
                "autovacuum_vacuum_scale_factor": 0.01,
                "autovacuum_vacuum_threshold": 1000,
                "autovacuum_analyze_scale_factor": 0.02,
                "autovacuum_vacuum_cost_delay": 0,
            }
        },
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID | None] = mapped_column(ForeignKey("businesses.id"))
    tenant_key: Mapped[UUID] = mapped_column(
        Computed("coalesce(business_id, '00000000-0000-0000-0000-000000000000'::uuid)", persisted=True)
    )
    run_id: Mapped[UUID | None]
    name: Mapped[str]
    queue: Mapped[str]
    args: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default=JobState.QUEUED.value)
    dedup_key: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    max_attempts: Mapped[int]
    timeout_s: Mapped[float]
    backoff_s: Mapped[float]
    run_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    lease_epoch: Mapped[int] = mapped_column(server_default="0")
    suspect: Mapped[bool] = mapped_column(server_default=text("false"))
    """It was in the hand of a worker that died, and may be what killed it: it is claimed alone."""
    cancel_requested_at: Mapped[datetime | None]
    cancel_force_at: Mapped[datetime | None]
    """When a running job that was asked to stop is stopped by force."""
    trace_id: Mapped[str]
    progress_done: Mapped[int] = mapped_column(server_default="0")
    progress_total: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]


class WorkerState(enum.StrEnum):
    """What a worker process is doing."""

    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"
    """It was told to stop and finishes the job in hand."""


class Worker(Base):
    """One worker process, as its heartbeat tells it. No business's: who reads it administers the system."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    queues: Mapped[list[str]]
    state: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    job_id: Mapped[UUID | None]
    job_name: Mapped[str | None]
    jobs_run: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rss_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")


class JobCounter(Base):
    """How many attempts of a job came to which end, and how long they took, since the installation's first.

    Finished rows are pruned; these stay, so that a counter never goes back.
    """

    __tablename__ = "job_counters"

    queue: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    """succeeded, failed (dead), sent_back, later, cancelled."""
    jobs: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Double)
    buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """Attempts by run time, not cumulated; the upper bounds are `counters.BOUNDS_S`, the last is open."""
