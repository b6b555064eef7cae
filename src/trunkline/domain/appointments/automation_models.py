"""Tables: appointment_automations and appointment_sendings."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text, true
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Moment(enum.StrEnum):
    """From when on an automation counts."""

    BEFORE = "before"
    """Back from an appointment's start."""
    AFTER = "after"
    """On from its end."""
    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


AHEAD = frozenset({Moment.BEFORE, Moment.BOOKED, Moment.MOVED})
"""Those of no use once the appointment has begun."""


class Unit(enum.StrEnum):
    """In what an automation counts. Days are days of the calendar: the clock stays what it was."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"


class SendingState(enum.StrEnum):
    """What has become of one sending."""

    WAITING = "waiting"
    SENT = "sent"
    SKIPPED = "skipped"
    """It was not to be sent any more; `reason` says why."""
    FAILED = "failed"
    """It could not be sent; `reason` says why."""


class Automation(Base):
    """What a business has done by itself before or after appointments, or when something becomes of one."""

    __tablename__ = "appointment_automations"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_appointment_automations_business_id"),
        ForeignKeyConstraint(["business_id", "calendar_id"], ["calendars.business_id", "calendars.id"]),
        ForeignKeyConstraint(["business_id", "agent_id"], ["agents.business_id", "agents.id"]),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    moment: Mapped[str]
    amount: Mapped[int]
    unit: Mapped[str]
    channel: Mapped[str]
    """By what: the name of a channel that is registered (`channels`)."""
    calendar_id: Mapped[UUID | None]
    """Of which calendar's appointments; null: of all."""
    agent_id: Mapped[UUID | None]
    """Who calls."""
    from_number: Mapped[str | None]
    """From which of the business's numbers."""
    subject: Mapped[str] = mapped_column(server_default="")
    """Empty: the usual words of its moment."""
    text: Mapped[str] = mapped_column(server_default="")
    quiet_from: Mapped[str | None]
    """HH:MM in the business's zone; with `quiet_until`: nothing is sent between the two."""
    quiet_until: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=true())
    since: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """When it was made, changed or switched on: nothing that was due earlier is sent."""
    version: Mapped[int] = mapped_column(server_default="1")


class Sending(Base):
    """One act of an automation for one appointment: once, however many workers see that it is due."""

    __tablename__ = "appointment_sendings"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_appointment_sendings_business_id"),
        UniqueConstraint(
            "business_id",
            "automation_id",
            "appointment_id",
            "occurrence",
            name="uq_appointment_sendings_once",
        ),
        ForeignKeyConstraint(
            ["business_id", "automation_id"],
            ["appointment_automations.business_id", "appointment_automations.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["business_id", "appointment_id"], ["appointments.business_id", "appointments.id"]
        ),
        Index(
            "ix_appointment_sendings_due", "business_id", "due_at", postgresql_where=text("state = 'waiting'")
        ),
        Index("ix_appointment_sendings_appointment", "business_id", "appointment_id", "due_at"),
        Index(
            "ix_appointment_sendings_run",
            "business_id",
            "run_id",
            postgresql_where=text("run_id is not null"),
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    automation_id: Mapped[UUID]
    appointment_id: Mapped[UUID]
    occurrence: Mapped[str]
    """Which time it is of those for one appointment: the start that it is told of, or the version."""
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=SendingState.WAITING)
    reason: Mapped[str | None]
    run_id: Mapped[UUID | None]
    """The run that calls, where it is a call."""
    done_at: Mapped[datetime | None]
