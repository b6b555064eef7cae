"""Table: call_controls."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Verb(enum.StrEnum):
    """What can be done with a live call."""

    TRANSFER = "transfer"
    """Cold: the caller hears it ring at the colleague's."""
    WARM_TRANSFER = "warm_transfer"
    """The colleague hears a summary first, and takes the call or does not."""
    HANG_UP = "hang_up"
    HOLD = "hold"
    RESUME = "resume"
    SEND_DIGITS = "send_digits"
    DROP_MESSAGE = "drop_message"
    """A message is spoken, onto a machine as a rule, and the call ends."""
    VOICEMAIL = "voicemail"
    """A caller who found no free line leaves a message."""
    CALLBACK = "callback"
    """A caller who found no free line is called back."""


class ControlState(enum.StrEnum):
    """Where an act of control stands."""

    ASKED = "asked"
    """The carrier has not been told yet."""
    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        return self in {ControlState.ASKED, ControlState.UNDER_WAY}


class CallControl(Base):
    """One act of control of one call: who asked for it, and what came of it."""

    __tablename__ = "call_controls"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_call_controls_business_id"),
        ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),
        Index("ix_call_controls_call", "business_id", "call_id", "created_at"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID]
    call_id: Mapped[UUID]
    verb: Mapped[str]
    state: Mapped[str]
    target: Mapped[str | None]
    """The number, E.164, that the call is handed to."""
    actor: Mapped[str]
    """A person's address, `agent:ID`, or `system`."""
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What else belongs to it: label, summary, digits, message, recording, why it failed."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    settled_at: Mapped[datetime | None]
