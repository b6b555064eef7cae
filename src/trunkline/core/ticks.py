"""Ticks: makes a recurring job fire once per tick, however many schedulers ask."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from trunkline.core.db import Base

_TAKE = text(
    """
    insert into schedule_ticks (name, last_tick) values (:name, :tick)
    on conflict (name) do update set last_tick = excluded.last_tick
        where schedule_ticks.last_tick < excluded.last_tick
    returning name
    """
)


class ScheduleTick(Base):
    """Where a recurring job stands: the last tick that was fired, and the firings so far."""

    __tablename__ = "schedule_ticks"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_tick: Mapped[datetime]
    fired_at: Mapped[datetime | None]
    job_id: Mapped[UUID | None]
    """The job that the last firing enqueued."""
    fired: Mapped[int] = mapped_column(BigInteger, server_default="0")
    missed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Ticks that passed while no scheduler ran, and were not made up for one by one."""


def take(session: Session, *, name: str, tick: datetime) -> bool:
    """Claim a tick in the unit of work in hand. False: another scheduler has it, or a later one."""
    return session.execute(_TAKE, {"name": name, "tick": tick}).scalar_one_or_none() is not None
