"""Tables: businesses and phone_numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, UniqueConstraint, false, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId
from trunkline.domain.tenants.extensions import WhenFull


class Business(Base):
    """A tenant. Its id is the `business_id` of everything it owns."""

    __tablename__ = "businesses"

    id: Mapped[PrimaryId]
    name: Mapped[str]
    time_zone: Mapped[str]
    language: Mapped[str]
    region: Mapped[str]
    """ISO 3166 country in whose form its people write telephone numbers."""
    working_hours: Mapped[dict[str, Any]]
    """Weekday name -> list of [from, to] as HH:MM, local; a missing day is closed."""
    calling_window: Mapped[dict[str, Any]]
    """{"from": HH:MM, "to": HH:MM}: when people may be called, in *their* local time."""
    calling_rules: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What else must hold before somebody is called: `tenants.calling_rules.CallingRules`."""
    slot_minutes: Mapped[int] = mapped_column(server_default="30")
    max_outbound_calls: Mapped[int] = mapped_column(server_default="3")
    max_calls: Mapped[int] = mapped_column(server_default="5")
    extensions: Mapped[list[dict[str, str]]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Colleagues whom a call can be handed to: [{"extension": "101", "name": ..., "number": E.164}]."""
    transfer_numbers: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Numbers, E.164, that a call can be handed to beside those of the extensions, also costly ones."""
    when_full: Mapped[str] = mapped_column(server_default=WhenFull.MESSAGE)
    """What a caller gets who finds every line taken (`tenants.extensions.WhenFull`)."""
    record_calls: Mapped[bool] = mapped_column(server_default=false())
    """Whether calls are recorded, from the next one on. Greetings must say so where the law asks for it."""
    carrier: Mapped[str | None]
    """By which carrier it calls, as the registry names it; none: the installation's first."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class PhoneNumber(Base):
    """A number of a business's own: it calls from it and is called on it."""

    __tablename__ = "phone_numbers"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_phone_numbers_business_id"),
        UniqueConstraint("e164"),
        ForeignKeyConstraint(["business_id", "agent_id"], ["agents.business_id", "agents.id"]),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    e164: Mapped[str]
    agent_id: Mapped[UUID | None]
    """Who answers it; none: calls to it are rejected."""
