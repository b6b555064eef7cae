"""Tables of inbound lead webhooks: lead_webhooks and lead_deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId

MOST = 3


class LeadWebhook(Base):
    """A door by which some form or program of the business's brings it leads."""

    __tablename__ = "lead_webhooks"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_webhooks_business_id"),
        UniqueConstraint("business_id", "slot", name="uq_lead_webhooks_slot"),
        CheckConstraint(f"slot between 1 and {MOST}", name="slot"),
        ForeignKeyConstraint(
            ["business_id", "status_id"], ["lead_statuses.business_id", "lead_statuses.id"],
            ondelete="SET NULL (status_id)",
        ),
        ForeignKeyConstraint(
            ["business_id", "list_id"], ["lead_lists.business_id", "lead_lists.id"],
            ondelete="SET NULL (list_id)",
        ),
        ForeignKeyConstraint(
            ["business_id", "secret_id"], ["shared_secrets.business_id", "shared_secrets.id"]
        ),
        ForeignKeyConstraint(
            ["business_id", "old_secret_id"], ["shared_secrets.business_id", "shared_secrets.id"]
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    slot: Mapped[int]
    """Its number among the business's few, so that no two requests at once make one too many."""
    name: Mapped[str]
    """Also the source of the leads that it brings."""
    is_on: Mapped[bool] = mapped_column(server_default=text("true"))
    status_id: Mapped[UUID | None]
    """Where new leads begin; null: in the initial status."""
    list_id: Mapped[UUID | None]
    """The list at whose end everybody is put who comes."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    """Our field -> the name under which it is sent; what is not named is found by its usual names."""
    secret_id: Mapped[UUID]
    last_four: Mapped[str]
    old_secret_id: Mapped[UUID | None]
    """The secret before, which is taken until `old_until`."""
    old_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LeadDelivery(Base):
    """One thing that came through a webhook, and what came of it."""

    __tablename__ = "lead_deliveries"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_deliveries_business_id"),
        ForeignKeyConstraint(
            ["business_id", "webhook_id"], ["lead_webhooks.business_id", "lead_webhooks.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        Index("ix_lead_deliveries_newest", "business_id", "webhook_id", "at", "id"),
        Index("ix_lead_deliveries_lead", "business_id", "lead_id"),
        Index(
            "uq_lead_deliveries_key", "business_id", "webhook_id", "key", unique=True,
            postgresql_where=text("key is not null"),
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    webhook_id: Mapped[UUID]
    key: Mapped[str | None]
    """What the sender calls it: the same again is answered the same again."""
    status: Mapped[int]
    """201: somebody new; 200: somebody known; 422: nobody."""
    lead_id: Mapped[UUID | None]
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    """Somebody tried it out on the page: nothing was kept."""
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[str]
    """The beginning of what came."""
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
