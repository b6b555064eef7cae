"""Tables of leads' papers: note_files and lead_exports."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class NoteFile(Base):
    """A file that hangs on a note about a lead. Its bytes are in storage, under its key."""

    __tablename__ = "note_files"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_note_files_business_id"),
        ForeignKeyConstraint(
            ["business_id", "note_id"], ["lead_notes.business_id", "lead_notes.id"], ondelete="CASCADE"
        ),
        Index("ix_note_files_note", "business_id", "note_id", "created_at", "id"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    note_id: Mapped[UUID]
    name: Mapped[str]
    media_type: Mapped[str]
    """By its content."""
    size: Mapped[int]
    """Bytes."""
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ExportState(enum.StrEnum):
    """Where an export stands."""

    WAITING = "waiting"
    WRITING = "writing"
    READY = "ready"
    CANCELLED = "cancelled"
    FAILED = "failed"
    GONE = "gone"
    """Its day is over, and its file is removed."""


class LeadExport(Base):
    """A file of leads that somebody asked for; kept for a day."""

    __tablename__ = "lead_exports"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_lead_exports_business_id"),
        Index("ix_lead_exports_newest", "business_id", "created_at", "id"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    format: Mapped[str]
    """`csv` or `xlsx`."""
    language: Mapped[str]
    """Of the columns' names."""
    conditions: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Which leads: `LeadConditions`."""
    state: Mapped[str] = mapped_column(server_default=ExportState.WAITING)
    total: Mapped[int]
    """About how many there are: counted as it was asked for."""
    done: Mapped[int] = mapped_column(server_default="0")
    size: Mapped[int | None]
    """Bytes of the file."""
    error: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
