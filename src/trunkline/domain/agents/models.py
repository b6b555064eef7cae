"""Table: agents."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Agent(Base):
    """A voice agent: how it sounds, what it says, what it may do."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("business_id", "id", name="uq_agents_business_id"),)

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    language: Mapped[str]
    greeting: Mapped[str]
    instructions: Mapped[str]
    script: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    brain: Mapped[str]
    voice: Mapped[dict[str, Any]]
    tools: Mapped[list[str]]
    transfer_to: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Extensions of the business and numbers (E.164) that it may hand calls to; empty: it hands none."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
