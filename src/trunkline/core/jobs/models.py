"""The ledger's table."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, func, text
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
        Index("ix_jobs_leased", "lease_expires_at", postgresql_where=text("state = 'running'")),
        Index(
            "ix_jobs_finished",
            "finished_at",
            postgresql_where=text("state in ('succeeded', 'cancelled', 'expired')"),
        ),
        Index("ix_jobs_run", "business_id", "run_id"),
        Index(
            "uq_jobs_active_dedup",
            "tenant_key",
            "name",
            "dedup_key",
            unique=True,
            postgresql_where=text("dedup_key is not null and state in ('queued', 'running')"),
        ),
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
    cancel_requested_at: Mapped[datetime | None]
    trace_id: Mapped[str]
    progress_done: Mapped[int] = mapped_column(server_default="0")
    progress_total: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
