"""Tables: leads, lead_lists and lead_list_entries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Lead(Base):
    """One person of one business; their number is who they are."""

    __tablename__ = "leads"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_leads_business_id"),
        UniqueConstraint("business_id", "phone", name="uq_leads_phone"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    phone: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None]
    notes: Mapped[str | None]
    source: Mapped[str]
    consent: Mapped[str] = mapped_column(server_default="none")
    """Whether the person has agreed to be called by an AI: `express` or `written`; `withdrawn`, when they
    have said no or taken it back; `none`, when nobody has said anything."""
    consent_at: Mapped[datetime | None]
    consent_source: Mapped[str | None]
    """How it was given or withdrawn: a form's name, say."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadList(Base):
    """A named list of leads, usually one import."""

    __tablename__ = "lead_lists"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_lists_business_id"),
        UniqueConstraint("business_id", "name", name="uq_lead_lists_name"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadListEntry(Base):
    """A lead's place in a list."""

    __tablename__ = "lead_list_entries"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "list_id"], ["lead_lists.business_id", "lead_lists.id"]),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="CASCADE"
        ),
        Index("ix_lead_list_entries_lead", "business_id", "lead_id"),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    list_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
