"""What of businesses goes over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class BusinessOut(BaseModel):
    """A business as its people see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    time_zone: str
    language: str
    region: str
    working_hours: dict[str, Any]
    calling_window: dict[str, Any]
    slot_minutes: int
    max_outbound_calls: int
    max_calls: int


class BusinessIn(BaseModel):
    """A business to be founded."""

    name: str = Field(min_length=1, max_length=200)
    time_zone: str = "UTC"
    language: str = "en"
    region: str = Field("US", pattern="^[A-Z]{2}$")


class NumberOut(BaseModel):
    """A number of the business."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    e164: str
    agent_id: UUID | None


class NumberIn(BaseModel):
    """A number to be added."""

    number: str
    agent_id: UUID | None = None
