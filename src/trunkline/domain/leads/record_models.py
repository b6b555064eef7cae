"""Tables of one person's record: lead_addresses, lead_fields and merged_leads."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class LeadAddress(Base):
    """Where one lead, and nobody else of the business, calls or writes from.

    A trigger puts the number of each new lead here. E-mail addresses are here only where a lead has more
    than the one of its row, which people may share.
    """

    __tablename__ = "lead_addresses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="CASCADE"
        ),
        # The lead first: to a planner that thinks a business small any index that begins with the business
        # is as good as the primary key, and finding one address would read all of the business's.
        Index("ix_lead_addresses_lead", "lead_id", "business_id"),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    """`phone`, `whatsapp` or `email`."""
    address: Mapped[str] = mapped_column(primary_key=True)
    """A number in E.164; an e-mail address in small letters."""
    lead_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadField(Base):
    """A field that a business gave its leads; the values stand in `leads.fields` under its key."""

    __tablename__ = "lead_fields"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_fields_business_id"),
        UniqueConstraint("business_id", "key", name="uq_lead_fields_key"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    key: Mapped[str]
    label: Mapped[str]
    kind: Mapped[str]
    """`text`, `number`, `date`, `choice` or `yes_no`; it stays as it is, and so does the key."""
    choices: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    position: Mapped[int]
    """From 1 on, the archived ones last."""
    in_table: Mapped[bool] = mapped_column(server_default=text("false"))
    """It is a column of the list of leads."""
    is_archived: Mapped[bool] = mapped_column(server_default=text("false"))
    """It is shown and asked for no more; what stands in it stays."""


class MergedLead(Base):
    """A lead that is no more: it was merged into another one, which has all that was its."""

    __tablename__ = "merged_leads"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="CASCADE"
        ),
        Index("ix_merged_leads_lead", "business_id", "lead_id", "merged_at", "id"),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Of the lead that is no more."""
    lead_id: Mapped[UUID]
    """Whom it is now."""
    actor: Mapped[str]
    facts: Mapped[dict[str, Any]]
    """What stood on either side and stands no more, as `rules` of merging say it."""
    merged_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
