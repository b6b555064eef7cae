"""The run: something long that works through many items, one machine for every kind of it.

A run whose items are rows of a domain, such as calls to be made, keeps them there. One that is done
in slices keeps them here, a slice a row.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
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
        # For people, newest first; and how many of a kind were started of late is counted over it.
        Index("ix_runs_newest", "business_id", "kind", "created_at"),
        Index("ix_runs_running", "business_id", "kind", postgresql_where=text("state = 'running'")),
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
    """Position of the last item begun, or of the last slice done; a resumed run goes on behind it."""
    unsettled: Mapped[bool] = mapped_column(server_default=text("false"))
    """It no longer begins anything, but something it began is not resolved: it is still looked after."""
    error: Mapped[str | None]
    """Why it failed."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]


class RunSlice(Base):
    """Some hundred items of a run, chosen when it started, worked in one transaction.

    One row for many items: the set is fixed without a row for each, and stays as the record of what
    the run was over.
    """

    __tablename__ = "run_slices"
    __table_args__ = (ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),)

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1 on, without gaps."""
    item_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    size: Mapped[int]
    """How many items it has: counted once, so that progress need not read the ids."""
    done: Mapped[int] = mapped_column(server_default="0")
    skipped: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Reason -> ids of the items that were left as they are. With `done` it adds up to `size`."""
    failures: Mapped[int] = mapped_column(server_default="0")
    """How often in vain it was tried since the run was started or resumed."""
    worked_at: Mapped[datetime | None]
