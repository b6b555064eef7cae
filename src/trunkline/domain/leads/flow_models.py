"""Tables of how leads move: lead_status_changes, lead_status_rules and lead_status_habits."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class CauseKind(enum.StrEnum):
    """What moved a lead."""

    PERSON = "person"
    BULK = "bulk"
    IMPORT = "import"
    CALL = "call"
    """A rule of the business for what a call came to."""
    WEBHOOK = "webhook"
    TOOL = "tool"
    """The AI agent, in a call."""
    CONVERSATION = "conversation"
    """The AI agent in a written conversation, or what was made of it when it had ended."""
    AUTOMATION = "automation"
    MERGE = "merge"
    """The status of another lead was taken, which turned out to be the same person."""


class LeadStatusChange(Base):
    """That a lead went from one status into another, and why.

    Statuses are named by their ids and by the names that they had: a status may be renamed or removed since.
    """

    __tablename__ = "lead_status_changes"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_status_changes_business_id"),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="CASCADE"
        ),
        Index("ix_lead_status_changes_lead", "business_id", "lead_id", "at", "id"),
        # What changes a status by itself does so once for each thing that happened.
        Index(
            "uq_lead_status_changes_event", "business_id", "source_event", unique=True,
            postgresql_where=text("source_event is not null"),
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    lead_id: Mapped[UUID]
    before_id: Mapped[UUID]
    before_name: Mapped[str]
    status_id: Mapped[UUID]
    status_name: Mapped[str]
    cause: Mapped[str]
    """`CauseKind`."""
    source_id: Mapped[UUID | None]
    """The call, bulk run or webhook that it came from."""
    source_event: Mapped[str | None]
    """What happened there, for causes that may be told twice: at most one change comes of it."""
    actor: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadStatusRule(Base):
    """Into which status a lead goes whose call came to something."""

    __tablename__ = "lead_status_rules"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "status_id"], ["lead_statuses.business_id", "lead_statuses.id"],
            ondelete="CASCADE",
        ),
        Index("ix_lead_status_rules_status", "business_id", "status_id"),
    )  # fmt: skip

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    """A call's disposition, `booked`, or `answered`: a conversation for whose disposition is no rule."""
    status_id: Mapped[UUID]


class LeadStatusHabit(Base):
    """How a business lets calls move its leads; without a row they do not."""

    __tablename__ = "lead_status_habits"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    is_on: Mapped[bool] = mapped_column(server_default=text("false"))
    goes_back: Mapped[bool] = mapped_column(server_default=text("false"))
    """Also into a status that comes before the one where the lead stands."""
    reopens: Mapped[bool] = mapped_column(server_default=text("false"))
    """Also out of a closed status."""
    least_confidence: Mapped[Decimal] = mapped_column(Numeric(3, 2), server_default="0.65")
    """How sure the AI agent must be of an outcome that it has only concluded from what was said."""
