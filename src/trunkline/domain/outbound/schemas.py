"""What of outbound runs goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.outbound.options import RunOptions


class RunIn(BaseModel):
    """A run to be made: over a list, or over chosen leads."""

    title: str = Field(min_length=1, max_length=200)
    list_id: UUID | None = None
    lead_ids: list[UUID] = Field(default_factory=list, max_length=10_000)
    options: RunOptions


class ProgressOut(BaseModel):
    """Exact counts of a run's items."""

    model_config = ConfigDict(from_attributes=True)

    total: int
    queued: int
    active: int
    done: int
    failed: int
    cancelled: int
    unknown: int


class RunOut(BaseModel):
    """A run and how far it is."""

    id: UUID
    title: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: ProgressOut


class ItemOut(BaseModel):
    """A lead of a run."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    lead_id: UUID | None
    phone: str
    position: int
    state: str
    attempts_used: int
    disposition: str | None


class AttemptOut(BaseModel):
    """A dial."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    item_id: UUID
    phone: str
    state: str
    carrier_sid: str | None
    call_id: UUID | None
    error: str | None
    created_at: datetime
    resolved_at: datetime | None


class CancelIn(BaseModel):
    """How to end a run."""

    force: bool = False


class CancelOut(BaseModel):
    """What a cancel stopped, and how many calls it let finish."""

    model_config = ConfigDict(from_attributes=True)

    items_cancelled: int
    calls_in_flight: int
