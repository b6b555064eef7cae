"""Table: tasks."""

from __future__ import annotations

import enum
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class TaskState(enum.StrEnum):
    """Where a task stands."""

    TO_DO = "todo"
    DOING = "doing"
    DONE = "done"


class Priority(enum.StrEnum):
    """How much a task matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


OPEN = text("tasks.state <> 'done'")
"""True of every task that is not done; said as the indexes over them say it."""


class Task(Base):
    """Something that somebody has to do."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_tasks_business_id"),
        # A task of a series is followed by one other, however often it is done.
        UniqueConstraint("business_id", "follows_id", name="uq_tasks_follows"),
        ForeignKeyConstraint(
            ["business_id", "assignee_id"], ["users.business_id", "users.id"],
            ondelete="SET NULL (assignee_id)",
        ),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        ForeignKeyConstraint(
            ["business_id", "call_id"], ["calls.business_id", "calls.id"], ondelete="SET NULL (call_id)"
        ),
        ForeignKeyConstraint(
            ["business_id", "follows_id"], ["tasks.business_id", "tasks.id"],
            ondelete="SET NULL (follows_id)",
        ),
        Index("ix_tasks_open", "business_id", "sort_at", "id", postgresql_where=OPEN),
        Index(
            "ix_tasks_assignee", "business_id", "assignee_id", "sort_at", "id", postgresql_where=OPEN
        ),
        Index("ix_tasks_lead", "business_id", "lead_id", "sort_at", "id"),
        Index("ix_tasks_call", "business_id", "call_id"),
        Index(
            "ix_tasks_done", "business_id", "done_at", "id", postgresql_where=text("state = 'done'")
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    title: Mapped[str]
    text: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default=TaskState.TO_DO)
    priority: Mapped[str] = mapped_column(server_default=Priority.NORMAL)
    due_on: Mapped[date | None]
    """The day by which it is to be done, in the business's zone."""
    due_time: Mapped[time | None]
    """The time on that day; null: any."""
    due_at: Mapped[datetime | None]
    """From when on it is overdue: that instant, and the day's end where no time is named."""
    due_set_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """Since when it is due then."""
    sort_at: Mapped[datetime] = mapped_column(
        Computed("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)", persisted=True)
    )
    """When it is due, those that are not due at all last."""
    assignee_id: Mapped[UUID | None]
    """Whose task it is; null: nobody's yet, or somebody's who has left."""
    lead_id: Mapped[UUID | None]
    call_id: Mapped[UUID | None]
    remind: Mapped[list[int] | None] = mapped_column(JSONB(none_as_null=True))
    """How many minutes before; null: as its assignee has chosen."""
    repeats: Mapped[str | None]
    """A recurrence rule of RFC 5545, as far as `rules.read_rule` goes; null: once."""
    repeats_from: Mapped[date | None]
    """The day that the rule counts from."""
    follows_id: Mapped[UUID | None]
    """The task of the same series that was done before this one was made."""
    created_by: Mapped[str]
    """The address of whoever made it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    done_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    """One more with each change."""
