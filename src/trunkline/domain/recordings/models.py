"""Table: recordings."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base


class RecordingState(enum.StrEnum):
    """Where a recording stands."""

    COMING = "coming"
    """The call goes on, or its sound is on its way to where it is kept."""
    KEPT = "kept"


class Recording(Base):
    """The sound of one stretch of a call with its agent."""

    __tablename__ = "recordings"
    __table_args__ = (ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),)

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    leg: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default=RecordingState.COMING)
    began_at: Mapped[datetime | None]
    """The moment of its first sample."""
    duration_ms: Mapped[int | None]
    peaks: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """How loud each side is in each of equal parts of it: {"caller": [0 to 100, ...], "agent": [...]}."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    kept_at: Mapped[datetime | None]
