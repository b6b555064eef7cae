"""What of exports of leads goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.leads.schemas import LeadConditions


class ExportIn(BaseModel):
    """Which leads, and as what file; without conditions all of them."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["csv", "xlsx"] = "csv"
    language: Literal["en", "he"] = "en"
    """Of the columns' names."""
    filter: LeadConditions = Field(default_factory=LeadConditions)


class ExportOut(BaseModel):
    """An export and how far it is."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    format: str
    state: str
    """`waiting`, `writing`, `ready`, `cancelled`, `failed`, or `gone`: its day is over."""
    total: int
    """About how many leads there are: counted as it was asked for."""
    done: int
    size: int | None
    error: str | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
