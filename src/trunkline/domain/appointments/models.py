"""Tables: calendars and appointments."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text, true
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class AppointmentState(enum.StrEnum):
    """How an appointment stands."""

    BOOKED = "booked"
    ARRIVED = "arrived"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Calendar(Base):
    """Somebody or something that one person at a time is booked with."""

    __tablename__ = "calendars"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_calendars_business_id"),
        UniqueConstraint("business_id", "name", name="uq_calendars_name"),
        Index("uq_calendars_default", "business_id", unique=True, postgresql_where=text("is_default")),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    colour: Mapped[str]
    """A colour's name, for pages to make of it what suits light and dark."""
    position: Mapped[int]
    """From 1 on: their order, in pages and where one time is free in several."""
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    """Where is booked what nothing else is said of; it cannot be deleted or switched off."""
    active: Mapped[bool] = mapped_column(server_default=true())
    """Whether it takes new appointments."""
    working_hours: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """As a business has them; null: the business's own."""
    slot_minutes: Mapped[int | None]
    """Null: the business's own."""
    buffer_before: Mapped[int] = mapped_column(server_default="0")
    """Minutes ahead of each appointment in which nobody else comes."""
    buffer_after: Mapped[int] = mapped_column(server_default="0")
    notice_minutes: Mapped[int] = mapped_column(server_default="0")
    """How long before its start agents and customers can book a time at the latest."""
    ahead_days: Mapped[int] = mapped_column(server_default="365")
    """How far ahead they can."""
    days_off: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """[{"from": date, "to": date, "name": ...}], both days included."""
    public_holidays: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether nobody works on the public holidays of the business's country."""
    agent_ids: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Which agents book into it; none: all of them."""
    lead_tags: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Only for leads that bear one of these; none: for all."""
    visits: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Only for these kinds of visit; none: for all."""
    version: Mapped[int] = mapped_column(server_default="1")
    feed_hash: Mapped[str | None] = mapped_column(unique=True)
    """Of the secret in the address at which other programs read it; null: there is none."""
    feed_number: Mapped[int] = mapped_column(server_default="0")
    """How often such an address was made; each is another, and only the last one opens."""


class Appointment(Base):
    """A booked stretch of a calendar's time. PostgreSQL itself refuses two that overlap."""

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_appointments_business_id"),
        ForeignKeyConstraint(["business_id", "calendar_id"], ["calendars.business_id", "calendars.id"]),
        # The record stays when its lead is deleted; the business is never emptied.
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),
        ExcludeConstraint(
            ("business_id", "="),
            ("calendar_id", "="),
            (text("tstzrange(held_from, held_until)"), "&&"),
            using="gist",
            where=text("state <> 'cancelled'"),
            name="ex_appointments_overlap",
        ),
        Index("ix_appointments_lead", "business_id", "lead_id"),
        Index("ix_appointments_start", "business_id", "starts_at"),
        Index(
            "ix_appointments_unmarked",
            "business_id",
            "ends_at",
            postgresql_where=text("state = 'booked' and outcome_asked_at is null"),
        ),
        # For figures: how many were made when.
        Index("ix_appointments_made", "business_id", "created_at"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    calendar_id: Mapped[UUID]
    lead_id: Mapped[UUID | None]
    """Null: the lead has been deleted since, or whoever booked has no number."""
    call_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    held_from: Mapped[datetime]
    """When its time begins to be nobody else's: its start without the buffer that the calendar had then."""
    held_until: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=AppointmentState.BOOKED)
    visit: Mapped[str] = mapped_column(server_default="")
    """What kind of visit it is, of the calendar's; empty: none was said."""
    note: Mapped[str] = mapped_column(server_default="")
    """What it is about, as a person wrote it."""
    version: Mapped[int] = mapped_column(server_default="1")
    """One more each time that it is moved, changed, marked or cancelled."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    arranged_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """When it was given the time that it has."""
    outcome_asked_at: Mapped[datetime | None]
    """When it was told that it is over and nobody has said whether its person came."""
    link_hash: Mapped[str | None] = mapped_column(unique=True)
    """Of the secret in the link by which its person moves or cancels it; null: they were sent none."""
