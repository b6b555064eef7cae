"""Table: appointments."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Appointment(Base):
    """A booked stretch of a business's time. PostgreSQL itself refuses two that overlap."""

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_appointments_business_id"),
        # The record stays when its lead is deleted; the business is never emptied.
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),
        ExcludeConstraint(
            ("business_id", "="),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            where=text("state = 'booked'"),
            name="ex_appointments_overlap",
        ),
        Index("ix_appointments_lead", "business_id", "lead_id"),
        Index("ix_appointments_start", "business_id", "starts_at"),
        # For figures: how many were made when.
        Index("ix_appointments_made", "business_id", "created_at"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    lead_id: Mapped[UUID | None]
    """Null: the lead has been deleted since, or whoever booked has no number."""
    call_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="booked")
    """`booked` or `cancelled`."""
    note: Mapped[str] = mapped_column(server_default="")
    """What it is about, as a person wrote it."""
    version: Mapped[int] = mapped_column(server_default="1")
    """One more each time that it is moved, changed or cancelled."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
