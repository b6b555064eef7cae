"""The run: something long that works through many items, one machine for every kind of it."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class RunState(enum.StrEnum):
    """Where a run stands: pending -> running <-> paused -> completed | cancelled | failed."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """True while it works or may work again by itself or by one click."""
        return self in {RunState.RUNNING, RunState.PAUSED}

    @property
    def is_final(self) -> bool:
        return self in {RunState.COMPLETED, RunState.CANCELLED, RunState.FAILED}


class Run(Base):
    """One run. `kind` names the domain's step, `subject` what only one active run may work on."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_runs_business_id"),
        Index(
            "uq_runs_active_subject",
            "business_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("subject is not null and state in ('running', 'paused')"),
        ),
        Index("ix_runs_swept", "swept_at", postgresql_where=text("state = 'running' or unsettled")),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    kind: Mapped[str]
    title: Mapped[str]
    subject: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=RunState.PENDING.value)
    options: Mapped[dict[str, Any]]
    cursor: Mapped[int] = mapped_column(server_default="0")
    """Position of the last item begun; a resumed run goes on behind it."""
    unsettled: Mapped[bool] = mapped_column(server_default=text("false"))
    """It no longer begins anything, but something it began is not resolved: it is still looked after."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
