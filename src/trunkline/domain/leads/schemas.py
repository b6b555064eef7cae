"""What of leads goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class LeadOut(BaseModel):
    """A lead."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    phone: str
    name: str
    email: str | None
    notes: str | None
    source: str
    created_at: datetime


class LeadListOut(BaseModel):
    """A list of leads and how many stand in it."""

    id: UUID
    name: str
    leads: int
    created_at: datetime


class RowFaultOut(BaseModel):
    """A row of a file that could not be used, and why."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str


class ImportOut(BaseModel):
    """What became of an imported file."""

    list_id: UUID
    imported: int
    created: int
    faults: list[RowFaultOut]
