"""Tables: broadcasts, which belong to runs, and broadcast_recipients, a row for each person."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base


class RecipientState(enum.StrEnum):
    """What became of one person's message, as far as the broadcast goes."""

    QUEUED = "queued"
    SENDING = "sending"
    """Its message is written, and on its way."""
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """Nobody knows whether it went; it is not sent again by itself."""
    SKIPPED = "skipped"
    """Nothing was sent: they want no messages, or something is missing; `reason` says what."""
    CANCELLED = "cancelled"


class Broadcast(Base):
    """What a run that writes to people has beyond any other."""

    __tablename__ = "broadcasts"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["business_id", "chat_account_id"], ["chat_accounts.business_id", "chat_accounts.id"]
        ),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    chat_account_id: Mapped[UUID]
    starts_at: Mapped[datetime | None]
    """When it starts by itself."""
    next_at: Mapped[datetime | None]
    """Before that its pace lets nothing more go."""
    held_until: Mapped[datetime | None]
    hold_reason: Mapped[str | None]
    """Why it rests by itself: `too_many_failures` or `disconnected`."""


class BroadcastRecipient(Base):
    """One person of a broadcast."""

    __tablename__ = "broadcast_recipients"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "run_id"], ["broadcasts.business_id", "broadcasts.run_id"], ondelete="CASCADE"
        ),
        # The result stays when its lead is deleted, as a call does.
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        ForeignKeyConstraint(
            ["business_id", "message_id"], ["messages.business_id", "messages.id"],
            ondelete="SET NULL (message_id)",
        ),
        Index(
            "uq_broadcast_recipients_address", "business_id", "run_id", "address", unique=True
        ),
        Index("ix_broadcast_recipients_state", "business_id", "run_id", "state", "position"),
        Index(
            "ix_broadcast_recipients_message", "business_id", "message_id",
            postgresql_where=text("message_id is not null"),
        ),
        Index(
            "ix_broadcast_recipients_ended", "business_id", "run_id", "updated_at",
            postgresql_where=text("state in ('sent', 'failed', 'uncertain')"),
        ),
        Index("ix_broadcast_recipients_lead", "business_id", "lead_id"),
    )  # fmt: skip

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1 on: the order in which they are written to."""
    lead_id: Mapped[UUID | None]
    address: Mapped[str]
    """E.164."""
    state: Mapped[str] = mapped_column(server_default=RecipientState.QUEUED.value)
    reason: Mapped[str | None]
    message_id: Mapped[UUID | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    """Messages written for them: one, and one more for each that was taken back before it went."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
