"""Tables: call_quarters, call_months and roll_ups. All of it can be counted again from the calls."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base


class CallQuarter(Base):
    """The calls that began in one quarter of an hour, by UTC, of one agent, run and source.

    There is no row where there was nothing. Zones are whole quarters of an hour apart, so any zone's days
    and hours are sums of these.
    """

    __tablename__ = "call_quarters"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    """That held the call; the nil id where there was none."""
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    """That had it called; the nil id where no run had."""
    source: Mapped[str] = mapped_column(primary_key=True)
    """Whence the person came, as their lead said when it was counted; empty where nobody knows."""
    inbound: Mapped[int] = mapped_column(server_default="0")
    inbound_answered: Mapped[int] = mapped_column(server_default="0")
    inbound_seconds: Mapped[float] = mapped_column(server_default="0")
    """From the answer to the end, of those that are over."""
    outbound: Mapped[int] = mapped_column(server_default="0")
    outbound_answered: Mapped[int] = mapped_column(server_default="0")
    outbound_seconds: Mapped[float] = mapped_column(server_default="0")
    appointments: Mapped[int] = mapped_column(server_default="0")
    """Appointments made in it, whatever became of them."""
    outcomes: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """Disposition -> calls."""


class CallMonth(Base):
    """The same, of a month by UTC, for whoever runs the installation."""

    __tablename__ = "call_months"
    __table_args__ = (Index("ix_call_months_month", "month"),)

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day."""
    inbound: Mapped[int]
    inbound_seconds: Mapped[float]
    outbound: Mapped[int]
    outbound_seconds: Mapped[float]
    appointments: Mapped[int]


class RollUp(Base):
    """How far a business's calls are rolled up, and which events have been heard."""

    __tablename__ = "roll_ups"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    rolled_until: Mapped[datetime]
    """Every quarter before it is counted; what began later is counted when it is asked for."""
    transaction_id: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[int] = mapped_column(BigInteger)
    """The last event heard: what became of a call later is told by one behind it."""
