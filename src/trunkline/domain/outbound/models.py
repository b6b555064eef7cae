"""Tables: outbound_items, outbound_attempts, suppressions and carrier_accounts."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class ItemState(enum.StrEnum):
    """Where a lead stands in a run."""

    QUEUED = "queued"
    DIALLING = "dialling"
    IN_CALL = "in_call"
    RETRY_WAIT = "retry_wait"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """Nobody could find out whether it rang."""


OPEN_ITEM_STATES = (ItemState.QUEUED, ItemState.DIALLING, ItemState.IN_CALL, ItemState.RETRY_WAIT)


class AttemptState(enum.StrEnum):
    """Where a dial stands."""

    SUBMITTING = "submitting"
    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    UNKNOWN = "unknown"
    ENDED = "ended"
    REJECTED = "rejected"

    @property
    def rank(self) -> int:
        """A late report of a lower rank changes nothing; unknown gives way to any evidence."""
        return _RANKS[self]


_RANKS = {
    AttemptState.SUBMITTING: 0,
    AttemptState.UNKNOWN: 0,
    AttemptState.PLACED: 1,
    AttemptState.RINGING: 2,
    AttemptState.ANSWERED: 3,
    AttemptState.ENDED: 4,
    AttemptState.REJECTED: 4,
}

UNRESOLVED_STATES = (
    AttemptState.SUBMITTING,
    AttemptState.PLACED,
    AttemptState.RINGING,
    AttemptState.ANSWERED,
    AttemptState.UNKNOWN,
)

_UNRESOLVED = text("state in ('submitting', 'placed', 'ringing', 'answered', 'unknown') and not released")


class OutboundItem(Base):
    """One lead of a run."""

    __tablename__ = "outbound_items"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_outbound_items_business_id"),
        UniqueConstraint("business_id", "run_id", "lead_id", name="uq_outbound_items_lead"),
        ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        Index("ix_outbound_items_lead", "business_id", "lead_id"),
        Index(
            "ix_outbound_items_next",
            "business_id",
            "run_id",
            "position",
            postgresql_where=text("state in ('queued', 'retry_wait')"),
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID]
    run_id: Mapped[UUID]
    lead_id: Mapped[UUID | None]
    """Null: the lead has been deleted since."""
    phone: Mapped[str]
    position: Mapped[int]
    state: Mapped[str] = mapped_column(server_default=ItemState.QUEUED.value)
    attempts_used: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime | None]
    disposition: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class OutboundAttempt(Base):
    """One dial. While it is unresolved it holds a slot and fences its number."""

    __tablename__ = "outbound_attempts"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_outbound_attempts_business_id"),
        ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),
        ForeignKeyConstraint(["business_id", "item_id"], ["outbound_items.business_id", "outbound_items.id"]),
        ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),
        # The fence: no second dial to a number while one to it is unresolved.
        Index(
            "uq_outbound_attempts_fence", "business_id", "phone", unique=True, postgresql_where=_UNRESOLVED
        ),
        Index("ix_outbound_attempts_live", "created_at", postgresql_where=_UNRESOLVED),
        Index("ix_outbound_attempts_run", "business_id", "run_id"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID]
    run_id: Mapped[UUID]
    item_id: Mapped[UUID]
    phone: Mapped[str]
    from_number: Mapped[str]
    state: Mapped[str]
    job_id: Mapped[UUID]
    """The job that dialled, and under which lease: only it may speak for a submitting attempt."""
    lease_epoch: Mapped[int]
    carrier_sid: Mapped[str | None]
    call_id: Mapped[UUID | None]
    error: Mapped[str | None]
    released: Mapped[bool] = mapped_column(server_default=text("false"))
    """An unknown attempt whose number may be dialled again, by policy or by a person."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    resolved_at: Mapped[datetime | None]


class Suppression(Base):
    """A number that a business must not call."""

    __tablename__ = "suppressions"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class CarrierAccount(Base):
    """The pace of one carrier account, shared by all businesses that call through it."""

    __tablename__ = "carrier_accounts"

    account: Mapped[str] = mapped_column(primary_key=True)
    next_dial_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
